"""Audio files: WAV out with its tags, anything libsndfile reads in.

Purpose: write the WAV files that leave Leitmotiv, and read audio for measuring and review.

Conventions: audio is float32 ``(channels, samples)`` with full scale at 1.0. A file appears
under its name only when it is complete: bytes go to a sibling with the suffix ``.part`` first.
Integer formats get triangular dither from a seeded generator, so equal audio gives equal bytes;
exact zeros stay zeros.

Public names: :class:`BroadcastExtension`, :func:`write_wav`, :func:`read_audio`.

References: Microsoft, *Multimedia Programming Interface and Data Specifications 1.0* (RIFF,
LIST INFO); EBU Tech 3285 version 2 (bext); Gallery, *iXML specification* 3.01.
"""

from __future__ import annotations

import errno
import os
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from leitmotiv.errors import AudioError

__all__ = ["BroadcastExtension", "read_audio", "write_wav"]

_BYTES_PER_SAMPLE = {"PCM_16": 2, "PCM_24": 3, "PCM_32": 4, "FLOAT": 4}
_MAX_RIFF_BYTES = 2**32 - 1
_BLOCK = 2**17  # samples encoded at a time
_UNKNOWN_LOUDNESS = 0x7FFF  # EBU Tech 3285 v2, 2.4: value is not known


@dataclass(frozen=True)
class BroadcastExtension:
    """The ``bext`` chunk of EBU Tech 3285 version 2.

    Text is ASCII; other letters become ``?`` and long text is cut at the field's length.
    ``origination_date`` is ``yyyy-mm-dd`` or empty, ``origination_time`` ``hh:mm:ss`` or empty.
    Loudness values are None where unknown; ``coding_history`` is one line a processing step.
    """

    description: str = ""
    originator: str = ""
    originator_reference: str = ""
    origination_date: str = ""
    origination_time: str = ""
    time_reference_sample: int = 0
    integrated_lufs: float | None = None
    true_peak_dbtp: float | None = None
    coding_history: tuple[str, ...] = ()

    def to_bytes(self) -> bytes:
        """Return the chunk's content, 602 bytes and the coding history."""

        def text(value: str, length: int) -> bytes:
            return value.encode("ascii", "replace")[:length].ljust(length, b"\0")

        def hundredths(value: float | None) -> int:
            if value is None or not np.isfinite(value):
                return _UNKNOWN_LOUDNESS
            return int(np.clip(round(value * 100), -32768, 32766))

        fixed = b"".join(
            [
                text(self.description, 256),
                text(self.originator, 32),
                text(self.originator_reference, 32),
                text(self.origination_date, 10),
                text(self.origination_time, 8),
                struct.pack("<Q", self.time_reference_sample),
                struct.pack("<H", 2),
                bytes(64),  # UMID: none
                struct.pack(
                    "<HHHHH",
                    hundredths(self.integrated_lufs) & 0xFFFF,
                    _UNKNOWN_LOUDNESS,
                    hundredths(self.true_peak_dbtp) & 0xFFFF,
                    _UNKNOWN_LOUDNESS,
                    _UNKNOWN_LOUDNESS,
                ),
                bytes(180),
            ]
        )
        history = "".join(f"{line}\r\n" for line in self.coding_history)
        return fixed + history.encode("ascii", "replace")


def _chunk(chunk_id: bytes, content: bytes) -> bytes:
    """Return a RIFF chunk, padded to an even length; the size field leaves the pad out."""
    return chunk_id + struct.pack("<I", len(content)) + content + bytes(len(content) % 2)


def _info_chunk(info: Mapping[str, str]) -> bytes:
    content = b"INFO"
    for key, value in info.items():
        if len(key) != 4 or not key.isascii():
            raise AudioError(f"info key {key!r} must be four ASCII letters, such as 'INAM'")
        content += _chunk(key.encode("ascii"), value.encode("utf-8") + b"\0")
    return _chunk(b"LIST", content)


def _encode(audio: NDArray[np.float32], subtype: str, rng: np.random.Generator) -> Iterator[bytes]:
    """Interleave and quantise, block by block; integer formats are dithered."""
    last = rng.random((1, audio.shape[0]), dtype=np.float32)
    for start in range(0, audio.shape[1], _BLOCK):
        block = audio[:, start : start + _BLOCK]
        if subtype in ("PCM_16", "PCM_24"):
            uniform = rng.random((block.shape[1], block.shape[0]), dtype=np.float32)
            uniform = np.concatenate([last, uniform])
            last = uniform[-1:]
            # The difference of neighbouring uniform values has a triangular density of +-1 step
            # and a high-passed spectrum (Lipshitz, Wannamaker, Vanderkooy 1992).
            yield _quantise(block, subtype, uniform[1:] - uniform[:-1])
        else:
            yield _quantise(block, subtype, None)


def _quantise(
    audio: NDArray[np.float32], subtype: str, dither: NDArray[np.float32] | None
) -> bytes:
    """Interleave and quantise one block; integer formats are clipped at full scale."""
    if subtype == "FLOAT":
        return np.ascontiguousarray(audio.T, dtype="<f4").tobytes()
    bits = 8 * _BYTES_PER_SAMPLE[subtype]
    full_scale = 2.0 ** (bits - 1)
    # float32 holds 24 bits: enough below PCM_32, where the quantisation step needs float64.
    dtype = np.float64 if bits == 32 else np.float32
    scaled: NDArray[np.floating] = np.array(audio.T, dtype=dtype, order="C")
    np.multiply(scaled, full_scale, out=scaled)
    if dither is not None:
        np.add(scaled, dither, out=scaled, where=scaled != 0)
    np.rint(scaled, out=scaled)
    # 2**31 - 1 is not a float32; the nearest float64 is used for PCM_32 alone.
    np.clip(scaled, -full_scale, full_scale - 1, out=scaled)
    integers = scaled.astype("<i4")
    if bits == 16:
        return integers.astype("<i2").tobytes()
    if bits == 24:
        return integers.view(np.uint8).reshape(-1, 4)[:, :3].tobytes()
    return integers.tobytes()


def _format_chunk(num_channels: int, sample_rate: int, subtype: str) -> bytes:
    width = _BYTES_PER_SAMPLE[subtype]
    tag = 3 if subtype == "FLOAT" else 1  # IEEE float or PCM
    fields = struct.pack(
        "<HHIIHH",
        tag,
        num_channels,
        sample_rate,
        sample_rate * num_channels * width,
        num_channels * width,
        8 * width,
    )
    return _chunk(b"fmt ", fields + (struct.pack("<H", 0) if tag == 3 else b""))


def write_wav(
    path: str | os.PathLike[str],
    audio: NDArray[np.float32],
    sample_rate: int,
    *,
    subtype: str = "PCM_24",
    info: Mapping[str, str] | None = None,
    bext: BroadcastExtension | None = None,
    ixml: str | None = None,
    dither_seed: int = 0,
) -> Path:
    """Write a WAV file with its tags; it appears whole or not at all.

    Parameters
    ----------
    path : path-like
        File to write; an existing file is replaced.
    audio : ndarray of float32, shape (channels, samples)
        Full scale is 1.0; integer formats clip beyond it. Empty audio gives an empty file.
    sample_rate : int
        Hz.
    subtype : {"PCM_16", "PCM_24", "PCM_32", "FLOAT"}
        Sample format. 16 and 24 bits are dithered.
    info : mapping of four-letter key to text, optional
        LIST INFO tags, for example ``{"INAM": "Waltz"}``.
    bext : BroadcastExtension, optional
    ixml : str, optional
        A whole iXML document.
    dither_seed : int
        Seed of the dither.

    Returns
    -------
    Path
        The file written.

    Raises
    ------
    AudioError
        If the audio is not finite float32 (channels, samples), the file would pass 4 GiB, or it
        cannot be written.
    """
    path = Path(path)
    if audio.dtype != np.float32 or audio.ndim != 2:
        raise AudioError(
            f"audio has dtype {audio.dtype} and shape {audio.shape}; it must be float32 with "
            "shape (channels, samples)"
        )
    if subtype not in _BYTES_PER_SAMPLE:
        raise AudioError(f"subtype={subtype!r} must be one of {', '.join(_BYTES_PER_SAMPLE)}")
    if not np.isfinite(np.sum(audio)):
        raise AudioError("audio holds NaN or infinite samples; check the instrument or effect")
    num_channels, num_samples = audio.shape
    before = b"" if bext is None else _chunk(b"bext", bext.to_bytes())
    before += _format_chunk(num_channels, sample_rate, subtype)
    if subtype == "FLOAT":
        before += _chunk(b"fact", struct.pack("<I", num_samples))
    after = b"" if not info else _info_chunk(info)
    after += b"" if ixml is None else _chunk(b"iXML", ixml.encode("utf-8"))
    data_bytes = num_samples * num_channels * _BYTES_PER_SAMPLE[subtype]
    riff_bytes = 4 + len(before) + 8 + data_bytes + data_bytes % 2 + len(after)
    if riff_bytes > _MAX_RIFF_BYTES:
        raise AudioError(
            f"{path.name} would hold {riff_bytes} bytes, and a WAV file holds at most 4 GiB; "
            "write shorter pieces"
        )
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with open(part, "wb") as file:
            file.write(b"RIFF" + struct.pack("<I", riff_bytes) + b"WAVE" + before)
            file.write(b"data" + struct.pack("<I", data_bytes))
            for samples in _encode(audio, subtype, np.random.default_rng(dither_seed)):
                file.write(samples)
            file.write(bytes(data_bytes % 2) + after)
        os.replace(part, path)
    except OSError as error:
        raise AudioError(_write_failure(path, error)) from error
    finally:
        part.unlink(missing_ok=True)
    return path


def _write_failure(path: Path, error: OSError) -> str:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return f"cannot write {path}: the disk is full; free space or choose another folder"
    reason = (error.strerror or str(error)).lower()
    return f"cannot write {path}: {reason}; choose a folder that exists and can be written"


def read_audio(path: str | os.PathLike[str]) -> tuple[NDArray[np.float32], int]:
    """Read an audio file (WAV, FLAC, Ogg, MP3, AIFF ...).

    Returns
    -------
    audio : ndarray of float32, shape (channels, samples)
    sample_rate : int
        Hz.

    Raises
    ------
    AudioError
        If the file is missing or is not audio.
    """
    import soundfile

    path = Path(path)
    if not path.is_file():
        raise AudioError(f"cannot read {path}: there is no such file")
    try:
        samples, sample_rate = soundfile.read(path, dtype="float32", always_2d=True)
    except (OSError, RuntimeError) as error:
        detail = str(error).splitlines()[0].rstrip(".")
        raise AudioError(
            f"cannot read {path} as audio: {detail}; give a WAV, FLAC or Ogg file"
        ) from error
    return np.ascontiguousarray(samples.T), int(sample_rate)
