"""Timbre transfer of audio files of any length, in the memory of a few seconds.

The source is read three times at most: to measure its level, to transfer it, and, as samples of a
temporary file, to bring the result to the source's level; where peaks would clip, it gets up to
3 dB quieter, and single peaks beyond that are rounded. The result appears
under its name only when it is complete.

Public names: :func:`transfer_file`, :class:`TransferReport`.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from leitmotiv.audio.files import check_readable
from leitmotiv.errors import AudioError
from leitmotiv.instruments.timbre_network import TimbreNetwork, shipped_network
from leitmotiv.instruments.timbre_transfer import TimbreTransfer, level_of_blocks

__all__ = ["TransferReport", "transfer_file"]

_BLOCK = 1 << 16
_HIGHEST_PEAK = 10 ** (-0.3 / 20)
_MOST_QUIETER_DB = 3.0  # one click must not turn a whole file down: beyond, peaks are rounded
_KNEE = 0.8  # where rounding begins; below, samples stay what they are
_MOST_WAV_BYTES = 4_000_000_000  # beyond, the RF64 form of WAV


@dataclass(frozen=True)
class TransferReport:
    """What a transfer did: length, format, and the gain that matched the source's level."""

    num_samples: int
    num_channels: int
    sample_rate: int
    gain_db: float
    limited_by_peak: bool


def _blocks(file: Any) -> Iterator[NDArray[np.float32]]:
    file.seek(0)
    while True:
        block = file.read(_BLOCK, dtype="float32", always_2d=True)
        if not len(block):
            return
        yield np.ascontiguousarray(block.T)


def _open(path: Path) -> Any:
    import soundfile

    check_readable(path)
    try:
        return soundfile.SoundFile(path)
    except (OSError, RuntimeError) as error:
        detail = str(error).splitlines()[0].rstrip(".")
        raise AudioError(
            f"cannot read {path} as audio: {detail}; give a WAV, FLAC or Ogg file"
        ) from error


def transfer_file(
    source: Path,
    target: Path,
    to: str,
    *,
    amount: float = 1.0,
    network: TimbreNetwork | None = None,
    progress: Callable[[float], None] | None = None,
) -> TransferReport:
    """Write ``target``, a 24-bit WAV file, from the audio file ``source``.

    Parameters
    ----------
    source, target : Path
        Any file that libsndfile reads; the WAV file to write, replaced if it exists.
    to, amount, network
        See :class:`~leitmotiv.instruments.timbre_transfer.TimbreTransfer`.
    progress : callable, optional
        Called with the share done, 0-1.

    Returns
    -------
    TransferReport

    Raises
    ------
    AudioError
        If the source cannot be read or holds NaN, or the target cannot be written.
    RenderError, ModelError
        If an option is out of range.
    """
    import soundfile

    network = shipped_network() if network is None else network
    network.index_of(to)
    report = progress or (lambda share: None)
    parts = [target.with_name(f".{target.name}.{os.getpid()}.{n}.part") for n in (1, 2)]
    with _open(source) as file:
        rate, channels, length = int(file.samplerate), int(file.channels), int(file.frames)
        total = max(length, 1)

        def heard(first: float, share: float) -> Iterator[NDArray[np.float32]]:
            done = 0
            for block in _blocks(file):
                if not np.isfinite(np.sum(block)):
                    raise AudioError(
                        f"{source} holds NaN or infinite samples; repair it before a transfer"
                    )
                yield block
                done += block.shape[1]
                report(first + share * min(done / total, 1.0))

        stream = TimbreTransfer(
            to,
            sample_rate=rate,
            num_channels=channels,
            amount=amount,
            level_db=level_of_blocks(heard(0.0, 0.2), rate),
            network=network,
        )
        wide = total * channels * 4 > _MOST_WAV_BYTES
        header: dict[str, Any] = {
            "mode": "w",
            "samplerate": rate,
            "channels": channels,
            "format": "RF64" if wide else "WAV",
        }
        before, made = _Loudness(), _Loudness()
        try:
            with ExitStack() as stack:
                rough = soundfile.SoundFile(parts[0], subtype="FLOAT", **header)
                stack.enter_context(rough)
                for block in heard(0.2, 0.7):
                    before.add(block)
                    made.write(rough, stream.push(block))
                made.write(rough, stream.finish())
            gain = math.sqrt(before.power / made.power) if before.power and made.power else 1.0
            limited = made.peak * gain > _HIGHEST_PEAK
            if limited:
                gain = max(_HIGHEST_PEAK / made.peak, gain * 10 ** (-_MOST_QUIETER_DB / 20))
            with ExitStack() as stack:
                again = stack.enter_context(soundfile.SoundFile(parts[0]))
                final = soundfile.SoundFile(parts[1], subtype="PCM_24", **header)
                stack.enter_context(final)
                for block in _blocks(again):
                    final.write(_rounded(block.T * np.float32(gain)))
                report(1.0)
            os.replace(parts[1], target)
        except (OSError, soundfile.LibsndfileError) as error:
            raise AudioError(
                f"cannot write {target} ({error}); choose a folder that exists, can be written "
                "and has room for twice the file"
            ) from error
        finally:
            for part in parts:
                part.unlink(missing_ok=True)
    return TransferReport(length, channels, rate, 20 * math.log10(gain), limited)


def _rounded(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    """Bend what would pass the highest peak; untouched where nothing would."""
    level = np.abs(samples)
    if level.max(initial=0.0) <= _HIGHEST_PEAK:
        return samples
    room = _HIGHEST_PEAK - _KNEE
    bent = _KNEE + room * np.tanh((level - _KNEE) / room)
    return np.where(level > _KNEE, np.copysign(bent, samples), samples).astype(np.float32)


class _Loudness:
    """Power and peak of what passed."""

    def __init__(self) -> None:
        self.power, self.peak = 0.0, 0.0

    def add(self, block: NDArray[np.float32]) -> None:
        self.power += float(np.sum(np.square(block, dtype=np.float64)))
        self.peak = max(self.peak, float(np.abs(block).max(initial=0.0)))

    def write(self, file: Any, block: NDArray[np.float32]) -> None:
        self.add(block)
        file.write(block.T)
