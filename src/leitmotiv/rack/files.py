"""A recording through a rack, from file to file.

Purpose: process recordings of any length in a memory of a few megabytes.

Conventions: mono is heard in the middle of both sides, stereo stays stereo; more channels are
folded to stereo only when asked for (ITU-R BS.775: centre and surrounds at -3 dB, no LFE). The
sample rate stays, but below 22,050 Hz the rack works at 48,000 Hz, where its filters have room.
The output is the input's length and the rack's tail; a tail that still sounds fades out at its end.
The format follows the suffix. The file appears under its name when it is whole.

Public names: :class:`Processed`, :func:`process_file`.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from leitmotiv.errors import AudioError
from leitmotiv.rack.graph import RackGraph
from leitmotiv.rack.rack import Rack

__all__ = ["Processed", "process_file"]

_BLOCK = 2**15
LOWEST_RATE = 22_050
WORKING_RATE = 48_000
FADE_SEC = 0.5
LARGEST_WAV_BYTES = 2**32 - 2**16
# Format, subtype for files without more bits, subtype for 24 bit and float sources.
_FORMATS = {
    ".wav": ("WAV", "PCM_24"),
    ".flac": ("FLAC", "PCM_24"),
    ".aiff": ("AIFF", "PCM_24"),
    ".ogg": ("OGG", "VORBIS"),
    ".opus": ("OGG", "OPUS"),
    ".mp3": ("MP3", "MPEG_LAYER_III"),
}


@dataclass(frozen=True)
class Processed:
    """What came of a recording: where it is, its length and its peak in dBFS."""

    path: Path
    duration_sec: float
    sample_rate: int
    peak_dbfs: float


def _to_stereo(samples: NDArray[np.float32], path: Path, downmix: bool) -> NDArray[np.float32]:
    """Return float32 (2, samples) of interleaved (samples, channels)."""
    channels = samples.shape[1]
    if channels == 1:
        return np.ascontiguousarray(np.repeat(samples.T, 2, axis=0))
    if channels == 2:
        return np.ascontiguousarray(samples.T)
    if not downmix:
        raise AudioError(
            f"{path} has {channels} channels; the rack works in stereo: fold it with --downmix"
        )
    # WAV order: left, right, centre, LFE, surround left, surround right; others in turn.
    left, right = samples[:, 0].copy(), samples[:, 1].copy()
    quieter = np.float32(10 ** (-3 / 20))
    for channel in range(2, channels):
        if channels >= 6 and channel == 3:
            continue
        part = samples[:, channel] * quieter
        centred = channel == 2 and channels != 4
        if centred or channel % 2 == 0:
            left += part
        if centred or channel % 2 == 1:
            right += part
    return np.stack([left, right])


def _blocks(source: Any, path: Path, downmix: bool) -> Iterator[NDArray[np.float32]]:
    done = 0
    while True:
        try:
            samples = source.read(_BLOCK, dtype="float32", always_2d=True)
        except (OSError, RuntimeError) as error:
            raise AudioError(f"cannot read {path} after {done} samples: {error}") from error
        if not len(samples):
            return
        if not np.isfinite(np.sum(samples, dtype=np.float64)):
            row = int(np.flatnonzero(~np.isfinite(samples).all(axis=1))[0]) + done
            raise AudioError(
                f"{path} holds NaN or infinite samples, the first at "
                f"{row / source.samplerate:.3f} s; repair the file"
            )
        done += len(samples)
        yield _to_stereo(samples, path, downmix)


def process_file(
    source: str | os.PathLike[str],
    target: str | os.PathLike[str],
    graph: RackGraph,
    *,
    snapshot: str | None = None,
    morph: tuple[str, str] | None = None,
    tail_sec: float | None = None,
    downmix: bool = False,
    overwrite: bool = False,
    progress: Callable[[float], None] | None = None,
) -> Processed:
    """Send a recording through a rack.

    Parameters
    ----------
    source, target : path
        What is read and what is written: wav, flac, aiff, ogg, opus or mp3 by its suffix.
    graph : RackGraph
    snapshot : str, optional
        Where the knobs stand from the start.
    morph : pair of str, optional
        Two snapshots; the knobs travel from one to the other over the recording.
    tail_sec : float, optional
        How long it rings on, 0-120 s; the rack's own by default.
    downmix : bool
        Whether more than two channels are folded to stereo.
    overwrite : bool
        Whether ``target`` may exist.
    progress : callable, optional
        Called with the share done, 0-1.

    Raises
    ------
    AudioError
        If a file cannot be read or written, holds no or impossible samples, or has more than two
        channels and ``downmix`` is not set.
    """
    import soundfile

    source, target = Path(source), Path(target)
    if target.suffix.lower() not in _FORMATS:
        raise AudioError(f"output {target} must end in {', '.join(_FORMATS)}")
    if target.exists() and not overwrite:
        raise AudioError(f"{target} exists; choose another name or overwrite it with --overwrite")
    if target.exists() and source.exists() and target.samefile(source):
        raise AudioError(f"{target} is the recording itself; choose another name for the result")
    if not source.is_file():
        raise AudioError(f"cannot read {source}: there is no such file")
    if tail_sec is not None and not 0.0 <= tail_sec <= 120.0:
        raise AudioError(f"tail_sec={tail_sec:g} must be between 0 and 120 seconds")
    try:
        opened = soundfile.SoundFile(source)
    except (OSError, RuntimeError) as error:
        detail = str(error).splitlines()[0].rstrip(".")
        raise AudioError(f"cannot read {source} as audio: {detail}") from error
    with opened:
        if not opened.frames:
            raise AudioError(f"{source} holds no samples; there is nothing to process")
        working_rate = opened.samplerate
        if working_rate < LOWEST_RATE:
            working_rate = WORKING_RATE
        blocks = _blocks(opened, source, downmix)
        num_samples = opened.frames
        if working_rate != opened.samplerate:
            from leitmotiv.audio.resampling import resample_stream

            blocks = resample_stream(blocks, opened.samplerate, working_rate)
            num_samples = -(-opened.frames * working_rate // opened.samplerate)
        rack = Rack(graph, sample_rate=working_rate)
        if snapshot is not None:
            rack.start_at(snapshot)
        if morph is not None:
            rack.travel(*morph, num_samples / working_rate)
        tail = round((rack.tail_sec if tail_sec is None else tail_sec) * working_rate)
        return _write(blocks, rack, target, num_samples, tail, progress)


def _write(
    blocks: Iterator[NDArray[np.float32]],
    rack: Rack,
    target: Path,
    num_samples: int,
    tail: int,
    progress: Callable[[float], None] | None,
) -> Processed:
    import soundfile

    rate, total = rack.sample_rate, num_samples + tail
    file_format, subtype = _FORMATS[target.suffix.lower()]
    if file_format == "WAV" and total * 6 > LARGEST_WAV_BYTES:
        file_format = "RF64"  # a WAV file ends at 4 GiB
    if subtype == "OPUS" and rate not in (8_000, 12_000, 16_000, 24_000, 48_000):
        raise AudioError(f"Opus knows no {rate} Hz; write .flac or .wav, or give 48,000 Hz")
    fade = min(round(FADE_SEC * rate), tail)
    part = target.with_name(f".{target.name}.{os.getpid()}.part")
    peak, done, late = 0.0, 0, rack.latency_samples
    try:
        with soundfile.SoundFile(
            part, "w", samplerate=rate, channels=2, format=file_format, subtype=subtype
        ) as sink:
            for block in _with_tail(blocks, tail + late):
                out = rack.process(block)
                skipped = min(late, out.shape[1])
                late -= skipped
                out = out[:, skipped : skipped + total - done]
                if fade and done + out.shape[1] > total - fade:
                    place = np.arange(done, done + out.shape[1]) - (total - fade)
                    ramp = np.cos(0.5 * np.pi * np.clip(place / fade, 0.0, 1.0))
                    out = out * ramp.astype(np.float32)
                peak = max(peak, float(np.abs(out).max(initial=0.0)))
                sink.write(out.T)
                done += out.shape[1]
                if progress is not None:
                    progress(done / total)
        os.replace(part, target)
    except (OSError, RuntimeError) as error:
        if isinstance(error, AudioError):
            raise
        raise AudioError(f"cannot write {target}: {error}") from error
    finally:
        part.unlink(missing_ok=True)
    peak_dbfs = float(20 * np.log10(peak)) if peak > 0 else -np.inf
    return Processed(target, done / rate, rate, peak_dbfs)


def _with_tail(blocks: Iterator[NDArray[np.float32]], tail: int) -> Iterator[NDArray[np.float32]]:
    yield from blocks
    for start in range(0, tail, _BLOCK):
        yield np.zeros((2, min(_BLOCK, tail - start)), np.float32)
