"""Memory: whether a rendering fits, asked before it begins.

Purpose: refuse in one line what the system would otherwise kill without a word.

Conventions: bytes. A stem is float32 (2, samples). All stems of a piece are held at once, since
balance and mix compare them; beside them stand what the players at work and the master need. The
factors were measured on pieces of 1 to 36 parts and 5 to 24 minutes.

Public names: :func:`available_bytes`, :func:`check_memory`, :func:`rendering_bytes`.

References: Linux *proc(5)*, ``MemAvailable`` and ``statm``; *getrlimit(2)*, ``RLIMIT_AS``.
"""

from __future__ import annotations

import os
from pathlib import Path

from leitmotiv.errors import RenderError

__all__ = ["available_bytes", "check_memory", "rendering_bytes"]

_STEM_BYTES = 8  # a sample of two float32 channels
_STEMS_A_WORKER = 1.5  # buffers of one player at work beside its finished stem, in stems
_STEMS_OF_THE_MASTER = 3.5  # mix, its processed copy, the limiter's result, the peak meter
_FIXED_BYTES = 300_000_000  # wavetables, transforms, pictures


def rendering_bytes(num_parts: int, num_samples: int, workers: int) -> int:
    """Return the memory that rendering, mixing and mastering take at their peak.

    Parameters
    ----------
    num_parts : int
        Parts that sound.
    num_samples : int
        Length of every stem.
    workers : int
        Parts rendered at once.

    Examples
    --------
    >>> round(rendering_bytes(4, 600 * 48_000, 2) / 1e9, 1)
    2.0
    """
    beside = max(_STEMS_A_WORKER * min(workers, num_parts), _STEMS_OF_THE_MASTER)
    return int(_STEM_BYTES * num_samples * (num_parts + beside)) + _FIXED_BYTES


def available_bytes() -> int | None:
    """Return how much memory this process may still take; None where the system does not say."""
    known = [size for size in (_free_bytes(), _bytes_below_limit()) if size is not None]
    return min(known, default=None)


def _free_bytes() -> int | None:
    """Memory that can be had without swapping."""
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
        return next(1024 * int(line.split()[1]) for line in lines if line[:13] == "MemAvailable:")
    except (OSError, ValueError, IndexError, StopIteration):
        return None


def _bytes_below_limit() -> int | None:
    """Address space left under the process's own limit, where one is set."""
    try:
        import resource

        limit = resource.getrlimit(resource.RLIMIT_AS)[0]
        if limit == resource.RLIM_INFINITY:
            return None
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
        return max(limit - pages * os.sysconf("SC_PAGE_SIZE"), 0)
    except (ImportError, AttributeError, OSError, ValueError, IndexError):
        return None


def check_memory(num_parts: int, num_samples: int, sample_rate: int, workers: int) -> None:
    """Refuse a rendering that would not fit.

    Raises
    ------
    RenderError
        In one line: what it needs, what there is, and the remedy. Never where the system does
        not say how much memory it has.
    """
    needed, available = rendering_bytes(num_parts, num_samples, workers), available_bytes()
    if available is None or needed <= available:
        return
    parts = f"{num_parts} part" + "s" * (num_parts != 1)
    raise RenderError(
        f"rendering {parts} of {num_samples / sample_rate:.0f} s needs about {needed / 1e9:.1f} GB "
        f"of memory and {available / 1e9:.1f} GB is available; make the piece shorter, use fewer "
        "parts, or free memory"
    )
