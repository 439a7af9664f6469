"""Compilation of signal kernels: once, with the machine code kept on disk.

Purpose: one decorator for every loop over samples, so that all of them are compiled alike.

Conventions: kernels release the interpreter lock, divide as NumPy does (no exception on zero)
and may contract multiply-adds, but are otherwise exact: NaN stays NaN, and the order of sums is
the written one, so the same input gives the same output.

Public names: :func:`compiled`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

__all__ = ["compiled"]

_Kernel = TypeVar("_Kernel", bound=Callable[..., Any])


def compiled(function: _Kernel) -> _Kernel:
    """Compile a function for plain numbers and arrays; keep the code where a folder allows it.

    Numba is loaded here, so modules with kernels should be imported when they are needed.

    >>> @compiled
    ... def doubled(x):
    ...     return 2.0 * x
    >>> doubled(4.0)
    8.0
    """
    from numba import njit

    options: dict[str, Any] = {
        "nogil": True,
        "error_model": "numpy",
        "fastmath": {"contract"},
    }
    try:
        return njit(cache=True, **options)(function)
    except RuntimeError:  # neither the package's folder nor the user's can be written
        return njit(**options)(function)
