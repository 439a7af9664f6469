"""Decoded samples on disk, so that a compressed bank is decoded once and not in every run.

Purpose: keep what Ogg Vorbis gave for one compressed sample in the user's cache folder, mapped
into memory when it is wanted again, by any process and any bank that holds the same bytes.

Conventions:

- A sample is named by the BLAKE2 hash of its compressed bytes and the decoder's version, so a bank
  that moves, changes or shares samples with another needs no bookkeeping.
- Files are written beside their place and renamed; each holds a checksum, and one that does not
  fit it counts as absent. The cache never decides what is heard, only how soon.
- The folder is held below :data:`LIMIT_BYTES`: what was used least recently goes first.
- The environment variable ``LEITMOTIV_SAMPLE_CACHE`` names another folder, or ``off``.

Public names: :class:`SampleCache`, :func:`default_cache`, :data:`LIMIT_BYTES`.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import struct
import sys
import time
import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from leitmotiv.errors import ScoreError
from leitmotiv.score.atomic import write_bytes_atomically

__all__ = ["LIMIT_BYTES", "SampleCache", "default_cache"]

LIMIT_BYTES = 1 << 30
VARIABLE = "LEITMOTIV_SAMPLE_CACHE"
_HEADER = struct.Struct("<4sIQ")  # magic, CRC-32 of the samples, frames
_MAGIC = b"LMS1"
_TOUCH_SEC = 3600.0  # a file's last use is noted once an hour


class SampleCache:
    """A folder of decoded samples.

    Parameters
    ----------
    folder : Path
        Made when first written to. A folder that cannot be written leaves the cache empty.
    limit_bytes : int
        What :meth:`prune` leaves at most.
    """

    def __init__(self, folder: Path, limit_bytes: int = LIMIT_BYTES) -> None:
        self.folder = folder
        self.limit_bytes = limit_bytes
        self._wrote = False

    @staticmethod
    def key(compressed: bytes, decoder: str) -> str:
        """Return the name of what a decoder makes of compressed bytes."""
        return hashlib.blake2b(compressed, digest_size=20, person=decoder.encode()[:16]).hexdigest()

    def _path(self, key: str) -> Path:
        return self.folder / f"{key}.f32"

    def get(self, key: str) -> NDArray[np.float32] | None:
        """Return a sample, read-only and mapped from its file, or None if it is not there."""
        path = self._path(key)
        try:
            size = path.stat().st_size
            with path.open("rb") as file:
                magic, checksum, frames = _HEADER.unpack(file.read(_HEADER.size))
            if magic != _MAGIC or not frames or size != _HEADER.size + 4 * frames:
                return None
            audio = np.memmap(path, dtype="<f4", mode="r", offset=_HEADER.size, shape=(frames,))
        except (OSError, ValueError, struct.error):
            return None
        if zlib.crc32(audio.data) != checksum:
            return None
        with contextlib.suppress(OSError):
            if time.time() - path.stat().st_mtime > _TOUCH_SEC:
                os.utime(path)
        return audio

    def put(self, key: str, audio: NDArray[np.float32]) -> None:
        """Keep a sample; a disk that is full or read-only is no error."""
        if not len(audio):
            return
        raw = np.ascontiguousarray(audio, dtype="<f4").tobytes()
        with contextlib.suppress(OSError, ScoreError):
            self.folder.mkdir(parents=True, exist_ok=True)
            head = _HEADER.pack(_MAGIC, zlib.crc32(raw), len(audio))
            write_bytes_atomically(self._path(key), head + raw)
            self._wrote = True

    def prune(self) -> None:
        """Delete the least recently used samples over the limit, if any was written since."""
        if not self._wrote:
            return
        self._wrote = False
        entries: list[tuple[float, int, Path]] = []
        with contextlib.suppress(OSError):
            for path in self.folder.glob("*.f32"):
                status = path.stat()
                entries.append((status.st_mtime, status.st_size, path))
        total = sum(size for _, size, _ in entries)
        for _, size, path in sorted(entries):
            if total <= self.limit_bytes:
                break
            with contextlib.suppress(OSError):  # in use on Windows, or gone already
                path.unlink()
                total -= size


def default_cache() -> SampleCache | None:
    """Return the user's cache; None where ``LEITMOTIV_SAMPLE_CACHE`` is ``off``."""
    named = os.environ.get(VARIABLE, "")
    if named.lower() == "off":
        return None
    if named:
        return SampleCache(Path(named).expanduser())
    if sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Caches"
    else:
        base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return SampleCache(base / "leitmotiv" / "samples")
