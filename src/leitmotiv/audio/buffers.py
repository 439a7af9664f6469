"""Audio nouns: the stems of a piece and its master.

Arrays are float32 with shape (channels, samples), two channels, at :data:`SAMPLE_RATE` unless a
caller says otherwise.

Public names: :data:`SAMPLE_RATE`, :class:`Stems`, :class:`Master`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from leitmotiv.audio.markers import LoopPoints, Marker
from leitmotiv.errors import AudioError

__all__ = ["SAMPLE_RATE", "Master", "Stems"]

SAMPLE_RATE = 48_000
"""Samples a second of everything that Leitmotiv renders."""


def _check_stereo(name: str, audio: NDArray[np.float32]) -> None:
    if audio.dtype != np.float32 or audio.ndim != 2 or audio.shape[0] != 2:
        raise AudioError(
            f"{name} has dtype {audio.dtype} and shape {audio.shape}; it must be float32 with "
            "shape (2, samples)"
        )


@dataclass(frozen=True, eq=False)
class Stems:
    """One stereo buffer a part, all of one length; their sum is the mix.

    Raises
    ------
    AudioError
        If a buffer is not float32 (2, samples) or lengths differ.
    """

    names: tuple[str, ...]
    audio: tuple[NDArray[np.float32], ...]
    sample_rate: int = SAMPLE_RATE

    def __post_init__(self) -> None:
        if len(self.names) != len(self.audio):
            raise AudioError(f"{len(self.names)} stem names for {len(self.audio)} stems")
        for name, audio in zip(self.names, self.audio, strict=True):
            _check_stereo(f"stem {name!r}", audio)
            if audio.shape != self.audio[0].shape:
                raise AudioError(
                    f"stem {name!r} has {audio.shape[1]} samples, not {self.num_samples}"
                )

    @property
    def num_samples(self) -> int:
        """Samples in each stem; 0 when there is none."""
        return self.audio[0].shape[1] if self.audio else 0

    @property
    def duration_sec(self) -> float:
        """Length in seconds."""
        return self.num_samples / self.sample_rate


@dataclass(frozen=True, eq=False)
class Master:
    """The finished stereo file and its measured loudness.

    ``notes`` says in plain sentences what mastering could not reach, for example on silence.
    ``markers`` name the sections; ``loop`` is where the file turns back, None where it ends.

    Raises
    ------
    AudioError
        If the buffer is not float32 (2, samples).
    """

    audio: NDArray[np.float32]
    sample_rate: int
    integrated_lufs: float
    true_peak_dbtp: float
    notes: tuple[str, ...] = ()
    markers: tuple[Marker, ...] = ()
    loop: LoopPoints | None = None

    def __post_init__(self) -> None:
        _check_stereo("master", self.audio)

    @property
    def duration_sec(self) -> float:
        """Length in seconds."""
        return float(self.audio.shape[1] / self.sample_rate)
