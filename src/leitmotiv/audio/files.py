"""Audio files: WAV out with its tags, anything libsndfile reads in.

Purpose: write the WAV files that leave Leitmotiv, and read audio for measuring and review.

Conventions: audio is float32 ``(channels, samples)`` with full scale at 1.0. A file appears
under its name only when it is complete: bytes go to a sibling with the suffix ``.part`` first.
Integer formats get triangular dither from a seeded generator, so equal audio gives equal bytes;
exact zeros stay zeros.

Public names: :class:`BroadcastExtension`, :func:`write_wav`, :class:`WavWriter` for audio that
comes in blocks, :func:`read_audio`.

References: Microsoft, *Multimedia Programming Interface and Data Specifications 1.0* (RIFF,
LIST INFO); EBU Tech 3285 version 2 (bext); Gallery, *iXML specification* 3.01.
"""

from __future__ import annotations

import errno
import os
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Self

import numpy as np
from numpy.typing import NDArray

from leitmotiv.audio.markers import LoopPoints, Marker, marker_chunks, riff_chunks
from leitmotiv.errors import AudioError

__all__ = ["BroadcastExtension", "WavWriter", "read_audio", "write_wav"]

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

    @classmethod
    def from_bytes(cls, content: bytes) -> Self:
        """Read a chunk's content; the loudness values, which a new master changes, are left."""

        def text(start: int, length: int) -> str:
            field = content[start : start + length].split(b"\0")[0]
            return field.decode("ascii", "replace")

        history = content[602:].split(b"\0")[0].decode("ascii", "replace")
        return cls(
            description=text(0, 256),
            originator=text(256, 32),
            originator_reference=text(288, 32),
            origination_date=text(320, 10),
            origination_time=text(330, 8),
            time_reference_sample=struct.unpack_from("<Q", content, 338)[0],
            coding_history=tuple(line for line in history.splitlines() if line),
        )


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


class Dither:
    """Triangular dither of a seed, the same however the audio is cut into blocks.

    The difference of neighbouring uniform values has a triangular density of +-1 step and a
    high-passed spectrum (Lipshitz, Wannamaker, Vanderkooy 1992).
    """

    def __init__(self, num_channels: int, seed: int) -> None:
        self._rng = np.random.default_rng(seed)
        self._last = self._rng.random((1, num_channels), dtype=np.float32)

    def steps(self, num_samples: int) -> NDArray[np.float32]:
        """Return the next values in steps of the format, shape (samples, channels)."""
        fresh = self._rng.random((num_samples, self._last.shape[1]), dtype=np.float32)
        uniform = np.concatenate([self._last, fresh])
        self._last = uniform[-1:]
        return np.asarray(uniform[1:] - uniform[:-1])


def quantise(
    audio: NDArray[np.float32], bits: int, dither: NDArray[np.float32] | None
) -> NDArray[np.int32]:
    """Interleave and round one block to whole steps, clipped at full scale.

    Returns ndarray of int32, shape (samples, channels). Exact zeros take no dither.
    """
    full_scale = 2.0 ** (bits - 1)
    # float32 holds 24 bits: enough below 32, where the quantisation step needs float64.
    dtype = np.float64 if bits == 32 else np.float32
    scaled: NDArray[np.floating] = np.array(audio.T, dtype=dtype, order="C")
    np.multiply(scaled, full_scale, out=scaled)
    if dither is not None:
        np.add(scaled, dither, out=scaled, where=scaled != 0)
    np.rint(scaled, out=scaled)
    # 2**31 - 1 is not a float32; the nearest float64 is used for 32 bits alone.
    np.clip(scaled, -full_scale, full_scale - 1, out=scaled)
    return scaled.astype("<i4")


def _to_bytes(audio: NDArray[np.float32], subtype: str, dither: Dither | None) -> bytes:
    """Interleave and encode one block."""
    if subtype == "FLOAT":
        return np.ascontiguousarray(audio.T, dtype="<f4").tobytes()
    bits = 8 * _BYTES_PER_SAMPLE[subtype]
    integers = quantise(audio, bits, None if dither is None else dither.steps(audio.shape[1]))
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


class WavWriter:
    """Writes a WAV file block by block; it appears under its name when it is complete.

    A context manager: leaving it normally finishes the file, an exception takes it away. Without
    ``num_samples`` the length is filled in at the end, and a file beyond 4 GiB becomes RF64 (EBU
    Tech 3306); with it the header is exact from the start and 4 GiB are the limit.

    Parameters are those of :func:`write_wav`.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        sample_rate: int,
        num_channels: int,
        *,
        subtype: str = "PCM_24",
        info: Mapping[str, str] | None = None,
        bext: BroadcastExtension | None = None,
        ixml: str | None = None,
        markers: Sequence[Marker] = (),
        loop: LoopPoints | None = None,
        dither_seed: int = 0,
        num_samples: int | None = None,
    ) -> None:
        if subtype not in _BYTES_PER_SAMPLE:
            raise AudioError(f"subtype={subtype!r} must be one of {', '.join(_BYTES_PER_SAMPLE)}")
        self.path = Path(path)
        self.num_channels, self.num_written = num_channels, 0
        self._subtype, self._length = subtype, num_samples
        self._dither = (
            Dither(num_channels, dither_seed) if subtype in ("PCM_16", "PCM_24") else None
        )
        self._before = b"" if bext is None else _chunk(b"bext", bext.to_bytes())
        self._before += _format_chunk(num_channels, sample_rate, subtype)
        self._after = b"" if not info else _info_chunk(info)
        self._after += b"" if ixml is None else _chunk(b"iXML", ixml.encode("utf-8"))
        self._after += marker_chunks(markers, loop, sample_rate=sample_rate)
        if num_samples is not None and self._riff_bytes(num_samples) > _MAX_RIFF_BYTES:
            raise AudioError(
                f"{self.path.name} would hold {self._riff_bytes(num_samples)} bytes, and a WAV "
                "file holds at most 4 GiB; write shorter pieces"
            )
        self._part = self.path.with_name(f".{self.path.name}.{os.getpid()}.part")
        self._file: BinaryIO | None = None

    def _data_bytes(self, num_samples: int) -> int:
        return num_samples * self.num_channels * _BYTES_PER_SAMPLE[self._subtype]

    def _riff_bytes(self, num_samples: int) -> int:
        data_bytes = self._data_bytes(num_samples)
        return len(self._header(num_samples)) - 8 + data_bytes + data_bytes % 2 + len(self._after)

    def _header(self, num_samples: int) -> bytes:
        """Everything up to the first sample; its length does not depend on the number given."""
        data_bytes = self._data_bytes(num_samples)
        large = b""
        if self._length is None:  # room for the sizes of RF64
            large = _chunk(b"JUNK", bytes(28))
        body = large + self._before
        if self._subtype == "FLOAT":
            body += _chunk(b"fact", struct.pack("<I", min(num_samples, _MAX_RIFF_BYTES)))
        riff_bytes = 4 + len(body) + 8 + data_bytes + data_bytes % 2 + len(self._after)
        if riff_bytes <= _MAX_RIFF_BYTES:
            sizes = (riff_bytes, data_bytes)
            return struct.pack("<4sI4s", b"RIFF", sizes[0], b"WAVE") + body + _data(sizes[1])
        ds64 = struct.pack("<QQQI", riff_bytes, data_bytes, num_samples, 0)
        body = _chunk(b"ds64", ds64) + body[len(large) :]
        everything = _MAX_RIFF_BYTES
        return struct.pack("<4sI4s", b"RF64", everything, b"WAVE") + body + _data(everything)

    def __enter__(self) -> Self:
        try:
            self._file = open(self._part, "wb")
            self._file.write(self._header(self._length or 0))
        except OSError as error:
            self._give_up()
            raise AudioError(write_failure(self.path, error)) from error
        return self

    def write(self, block: NDArray[np.float32]) -> None:
        """Write the next block, float32 (num_channels, samples)."""
        assert self._file is not None, "use it in a with statement"
        check_samples(block, self.num_channels)
        try:
            for start in range(0, block.shape[1], _BLOCK):
                piece = block[:, start : start + _BLOCK]
                self._file.write(_to_bytes(piece, self._subtype, self._dither))
        except OSError as error:
            raise AudioError(write_failure(self.path, error)) from error
        self.num_written += block.shape[1]

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        assert self._file is not None
        try:
            if kind is None:
                self._file.write(bytes(self._data_bytes(self.num_written) % 2) + self._after)
                if self.num_written != (self._length or 0):
                    self._file.seek(0)
                    self._file.write(self._header(self.num_written))
                self._file.close()
                os.replace(self._part, self.path)
        except OSError as error:
            raise AudioError(write_failure(self.path, error)) from error
        finally:
            self._give_up()

    def _give_up(self) -> None:
        if self._file is not None:
            self._file.close()
        self._part.unlink(missing_ok=True)


def _data(num_bytes: int) -> bytes:
    return struct.pack("<4sI", b"data", num_bytes)


def check_samples(audio: NDArray[np.float32], num_channels: int | None = None) -> None:
    """Raise :class:`AudioError` unless audio is finite float32 (channels, samples)."""
    if audio.dtype != np.float32 or audio.ndim != 2:
        raise AudioError(
            f"audio has dtype {audio.dtype} and shape {audio.shape}; it must be float32 with "
            "shape (channels, samples)"
        )
    if num_channels is not None and audio.shape[0] != num_channels:
        raise AudioError(f"audio has {audio.shape[0]} channels, not the {num_channels} of the file")
    if not np.isfinite(np.sum(audio)):
        raise AudioError("audio holds NaN or infinite samples; check the instrument or effect")


def write_wav(
    path: str | os.PathLike[str],
    audio: NDArray[np.float32],
    sample_rate: int,
    *,
    subtype: str = "PCM_24",
    info: Mapping[str, str] | None = None,
    bext: BroadcastExtension | None = None,
    ixml: str | None = None,
    markers: Sequence[Marker] = (),
    loop: LoopPoints | None = None,
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
    markers : sequence of Marker, optional
        Named positions (``cue `` chunk).
    loop : LoopPoints, optional
        Where a player turns back (``smpl`` chunk).
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
    check_samples(audio)
    writer = WavWriter(
        path,
        sample_rate,
        audio.shape[0],
        subtype=subtype,
        info=info,
        bext=bext,
        ixml=ixml,
        markers=markers,
        loop=loop,
        dither_seed=dither_seed,
        num_samples=audio.shape[1],
    )
    with writer:
        for start in range(0, audio.shape[1], _BLOCK):
            writer.write(audio[:, start : start + _BLOCK])
    return writer.path


def write_failure(path: Path, error: OSError) -> str:
    """Return the line that says why a file cannot be written."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return f"cannot write {path}: the disk is full; free space or choose another folder"
    reason = (error.strerror or str(error)).lower()
    return f"cannot write {path}: {reason}; choose a folder that exists and can be written"


def read_descriptions(
    path: str | os.PathLike[str],
) -> tuple[BroadcastExtension | None, str | None]:
    """Return what a WAV file says about itself beside its LIST INFO: bext and iXML, or None.

    Raises
    ------
    AudioError
        If the file cannot be read.
    """
    bext: BroadcastExtension | None = None
    ixml: str | None = None
    try:
        with open(path, "rb") as file:
            size = os.fstat(file.fileno()).st_size
            file.seek(12)
            for name, length in riff_chunks(file, size):
                if name == b"bext" and length >= 602:
                    bext = BroadcastExtension.from_bytes(file.read(length))
                elif name == b"iXML":
                    ixml = file.read(length).decode("utf-8", "replace").rstrip("\0")
    except OSError as error:
        raise AudioError(read_failure(Path(path), error)) from error
    return bext, ixml


def check_readable(path: Path) -> None:
    """Raise :class:`AudioError` unless there is a file at ``path``."""
    if path.is_dir():
        raise AudioError(f"cannot read {path}: it is a folder; name an audio file")
    if not path.exists():
        raise AudioError(f"cannot read {path}: there is no such file")
    if not path.is_file():
        raise AudioError(f"cannot read {path}: it is no regular file; name an audio file")


def read_failure(path: Path, error: Exception) -> str:
    """Return the line that says why a file cannot be read."""
    detail = (str(error).splitlines() or [type(error).__name__])[0].rstrip(".")
    return f"cannot read {path} as audio: {detail}; give a WAV, FLAC or Ogg file"


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
    check_readable(path)
    try:
        samples, sample_rate = soundfile.read(path, dtype="float32", always_2d=True)
    except (OSError, RuntimeError) as error:
        raise AudioError(read_failure(path, error)) from error
    return np.ascontiguousarray(samples.T), int(sample_rate)
