"""Decoded samples in memory, shared by all engines that play the same bank.

Purpose: one growing array from which the kernel reads every sample of a bank that was asked for.

Conventions: samples are float32 and stand one behind the other; what was placed never moves, so an
array handed out stays valid while later samples are appended. The banks used last stay loaded
(:data:`KEPT_POOLS` of them), so that a second rendering decodes nothing.

Public names: :class:`SamplePool`, :func:`open_pool`, :data:`KEPT_POOLS`.
"""

from __future__ import annotations

import os
import threading
from collections import OrderedDict
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from leitmotiv.errors import RenderError
from leitmotiv.instruments.soundfont import SoundFont

__all__ = ["KEPT_POOLS", "SamplePool", "open_pool"]

KEPT_POOLS = 2
MAX_POOL_FRAMES = 192 << 20  # 768 MiB of decoded samples
_FIRST_FRAMES = 1 << 20


class SamplePool:
    """The samples of one bank that have been asked for.

    Parameters
    ----------
    soundfont : SoundFont
        Whose samples are decoded.
    """

    def __init__(self, soundfont: SoundFont) -> None:
        self.soundfont = soundfont
        self._lock = threading.Lock()
        self._buffer = np.zeros(_FIRST_FRAMES, dtype=np.float32)
        self._length = 1
        self._placed: dict[int, tuple[int, int, int, int]] = {}

    def place(self, indices: set[int]) -> NDArray[np.float32]:
        """Decode what is missing and return the pool; older pools stay valid.

        Raises
        ------
        RenderError
            If a sample cannot be read or all of them are too much for memory.
        """
        with self._lock:
            missing = sorted(indices - self._placed.keys())
            for index in missing:
                audio, loop_start, loop_end = self.soundfont.decode_sample(index)
                end = self._length + len(audio)
                if end > MAX_POOL_FRAMES:
                    raise RenderError(
                        f"soundfont={str(self.soundfont.path)!r} needs over {MAX_POOL_FRAMES} "
                        "decoded frames; use a smaller bank"
                    )
                if end > len(self._buffer):
                    larger = np.zeros(max(2 * len(self._buffer), end), dtype=np.float32)
                    larger[: self._length] = self._buffer[: self._length]
                    self._buffer = larger
                self._buffer[self._length : end] = audio
                self._placed[index] = (self._length, len(audio), loop_start, loop_end)
                self._length = end
            if missing and self.soundfont.cache is not None:
                self.soundfont.cache.prune()
            return self._buffer[: self._length]

    def placement(self, index: int) -> tuple[int, int, int, int]:
        """Return (position in the pool, frames, loop start, loop end) of a placed sample."""
        return self._placed[index]


_pools: OrderedDict[tuple[str, int, int], SamplePool] = OrderedDict()
_pools_lock = threading.Lock()


def open_pool(path: str | os.PathLike[str]) -> SamplePool:
    """Return the pool of a bank: the one at hand if the file is as it was, else a new one.

    Raises
    ------
    RenderError
        If the file is not a complete SoundFont.
    """
    try:
        resolved = Path(path).resolve()
        status = resolved.stat()
        name = (str(resolved), status.st_size, status.st_mtime_ns)
    except OSError:
        return SamplePool(SoundFont(path))  # which says what is wrong
    with _pools_lock:
        found = _pools.get(name)
        if found is not None:
            _pools.move_to_end(name)
            return found
    pool = SamplePool(SoundFont(path))
    with _pools_lock:
        pool = _pools.setdefault(name, pool)
        _pools.move_to_end(name)
        while len(_pools) > KEPT_POOLS:
            _pools.popitem(last=False)
    return pool
