"""Markers and loops inside WAV files: ``cue ``, ``LIST adtl`` and ``smpl``.

Purpose: tell a game engine or an audio editor where sections start and where a loop turns back.

Conventions: positions are samples (of one channel) from the first of the file. A loop is
``[start_sample, end_sample)``; the ``smpl`` chunk itself names the last sample played, one less.
A loop turns for ever.

Public names: :class:`Marker`, :class:`LoopPoints`, :func:`marker_chunks`, :func:`read_markers`.

References: Microsoft, *Multimedia Programming Interface and Data Specifications 1.0* (cue, adtl);
MIDI Manufacturers Association and Microsoft, *New Multimedia Data Types and Data Techniques*,
1994 (smpl).
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from leitmotiv.errors import AudioError

__all__ = ["LoopPoints", "Marker", "marker_chunks", "read_markers"]

_MIDDLE_C = 60


@dataclass(frozen=True)
class Marker:
    """A named position in a file."""

    sample: int
    label: str = ""

    def __post_init__(self) -> None:
        if not 0 <= self.sample < 2**32:
            raise AudioError(f"marker {self.label!r} at sample {self.sample} must be 0 or later")


@dataclass(frozen=True)
class LoopPoints:
    """The stretch that repeats; ``end_sample`` is the first sample after it."""

    start_sample: int
    end_sample: int

    def __post_init__(self) -> None:
        if not 0 <= self.start_sample < self.end_sample < 2**32:
            raise AudioError(
                f"loop={self.start_sample}-{self.end_sample} must start at 0 or later and end "
                "after its start, in samples"
            )


def _chunk(chunk_id: bytes, content: bytes) -> bytes:
    return chunk_id + struct.pack("<I", len(content)) + content + bytes(len(content) % 2)


def marker_chunks(
    markers: Sequence[Marker] = (), loop: LoopPoints | None = None, *, sample_rate: int
) -> bytes:
    """Return the RIFF chunks that hold markers and a loop; empty where there are none.

    >>> marker_chunks((Marker(0, "A"),), sample_rate=48000)[:4]
    b'cue '
    """
    chunks = b""
    if markers:
        points = b"".join(
            struct.pack("<II4sIII", number, marker.sample, b"data", 0, 0, marker.sample)
            for number, marker in enumerate(markers, start=1)
        )
        chunks += _chunk(b"cue ", struct.pack("<I", len(markers)) + points)
        labels = b"".join(
            _chunk(b"labl", struct.pack("<I", number) + marker.label.encode("utf-8") + b"\0")
            for number, marker in enumerate(markers, start=1)
            if marker.label
        )
        if labels:
            chunks += _chunk(b"LIST", b"adtl" + labels)
    if loop is not None:
        header = struct.pack(
            "<9I", 0, 0, round(1e9 / sample_rate), _MIDDLE_C, 0, 0, 0, 1, 0
        )  # one loop, no data of a maker's own
        # Cue point 0, type 0 (forward), no fraction, play count 0 (for ever).
        chunks += _chunk(
            b"smpl", header + struct.pack("<6I", 0, 0, loop.start_sample, loop.end_sample - 1, 0, 0)
        )
    return chunks


def riff_chunks(file: BinaryIO, size: int) -> Iterator[tuple[bytes, int]]:
    """Chunk names and sizes; the file stands at the start of each one's content."""
    while file.tell() + 8 <= size:
        name, length = struct.unpack("<4sI", file.read(8))
        start = file.tell()
        yield name, min(length, size - start)
        if name == b"data" and length == 0xFFFFFFFF:  # RF64: the true length is in ds64
            return
        file.seek(start + length + length % 2)


def read_markers(path: str | os.PathLike[str]) -> tuple[tuple[Marker, ...], LoopPoints | None]:
    """Return the markers of a WAV file in order, and its first loop or None.

    Raises
    ------
    AudioError
        If the file is missing or is no WAV file.
    """
    path = Path(path)
    try:
        with open(path, "rb") as file:
            size = path.stat().st_size
            if file.read(4) not in (b"RIFF", b"RF64") or file.read(8)[4:] != b"WAVE":
                raise AudioError(f"{path} is no WAV file, so it holds no markers")
            positions: dict[int, int] = {}
            labels: dict[int, str] = {}
            loop = None
            for name, length in riff_chunks(file, size):
                if name == b"cue ":
                    positions = _cue_points(file.read(length))
                elif name == b"LIST":
                    content = file.read(length)
                    if content[:4] == b"adtl":
                        labels = _labels(content[4:])
                elif name == b"smpl":
                    loop = _loop(file.read(length))
    except OSError as error:
        raise AudioError(f"cannot read {path}: {error.strerror or error}") from error
    markers = [Marker(sample, labels.get(number, "")) for number, sample in positions.items()]
    return tuple(sorted(markers, key=lambda marker: marker.sample)), loop


def _cue_points(content: bytes) -> dict[int, int]:
    whole = content[4 : 4 + (len(content) - 4) // 24 * 24]
    return {point[0]: point[5] for point in struct.iter_unpack("<II4sIII", whole)}


def _labels(content: bytes) -> dict[int, str]:
    labels: dict[int, str] = {}
    at = 0
    while at + 12 <= len(content):
        name, length, number = struct.unpack_from("<4sII", content, at)
        if name == b"labl":
            text = content[at + 12 : at + 8 + length].split(b"\0")[0]
            labels[number] = text.decode("utf-8", "replace")
        at += 8 + length + length % 2
    return labels


def _loop(content: bytes) -> LoopPoints | None:
    if len(content) < 60 or not struct.unpack_from("<I", content, 28)[0]:
        return None
    start, last = struct.unpack_from("<II", content, 44)
    return LoopPoints(start, last + 1) if last >= start else None
