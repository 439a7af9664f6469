"""What every effect has in common.

Purpose: one small interface, so that effects chain and stream.

Conventions: ``process`` takes the next block, float32 ``(channels, samples)`` of any length, and
returns a block of the same shape. The state lives in the effect, so the output does not depend
on how the audio was cut into blocks. An effect that looks ahead answers ``latency_samples``
later; :func:`apply` takes that delay out again.

Public names: :class:`Effect`, :func:`apply`.
"""

from __future__ import annotations

from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from leitmotiv.errors import AudioError

__all__ = ["Effect", "apply", "check_block", "check_range"]

_BLOCK = 2**17  # samples at a time in `apply`; whole frames and pieces of every effect


@runtime_checkable
class Effect(Protocol):
    """A streaming effect."""

    @property
    def latency_samples(self) -> int:
        """Samples by which the output lags behind the input."""

    def process(self, block: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the next block of output, the same shape as the input."""

    def reset(self) -> None:
        """Forget everything heard so far."""


def check_block(block: NDArray[np.float32], num_channels: int) -> None:
    """Validate a block against the effect's channel count.

    Raises
    ------
    AudioError
        If the block is not float32 (num_channels, samples).
    """
    if block.dtype != np.float32 or block.ndim != 2 or block.shape[0] != num_channels:
        raise AudioError(
            f"block has dtype {block.dtype} and shape {block.shape}; it must be float32 with "
            f"shape ({num_channels}, samples)"
        )


def check_range(name: str, value: float, low: float, high: float, unit: str) -> None:
    """Validate one parameter.

    Raises
    ------
    AudioError
        If the value is outside [low, high] or not a number.
    """
    if not low <= value <= high:
        raise AudioError(f"{name}={value:g} must be between {low:g} and {high:g} {unit}".rstrip())


def apply(
    audio: NDArray[np.float32], *effects: Effect, out: NDArray[np.float32] | None = None
) -> NDArray[np.float32]:
    """Run whole audio through effects one after another, their latency taken out.

    Parameters
    ----------
    audio : ndarray of float32, shape (channels, samples)
    *effects : Effect
    out : ndarray of float32, optional
        Where the result goes, the shape of ``audio``; may be ``audio`` itself, which then takes
        no memory beside it. A new buffer by default.
    """
    out = np.empty_like(audio) if out is None else out
    source = audio
    for effect in effects:
        _run(effect, source, out)
        source = out
    if source is not out:
        out[:] = source
    return out


def _run(effect: Effect, audio: NDArray[np.float32], out: NDArray[np.float32]) -> None:
    """Process block by block; what is written never lies ahead of what was read."""
    num_samples, latency = audio.shape[1], effect.latency_samples
    for start in range(0, num_samples + latency, _BLOCK):
        stop = start + _BLOCK
        block = audio[:, start:stop]
        missing = min(stop, num_samples + latency) - max(start, num_samples)
        if missing > 0:
            flush = np.zeros((audio.shape[0], missing), dtype=np.float32)
            block = np.concatenate([block, flush], axis=1)
        done = effect.process(block)
        written = max(start - latency, 0)
        late = min(max(latency - start, 0), done.shape[1])
        out[:, written : written + done.shape[1] - late] = done[:, late:]
