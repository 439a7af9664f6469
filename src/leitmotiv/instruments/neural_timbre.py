"""What a neural instrument sounds like: its latent, its corrections, or a mixture of two.

A timbre answers one question: at this pitch and velocity, which levels follow the onset? The answer
is a :class:`TimbreNote`, a row of levels on a fixed grid of moments, so that players, morphs and
clones work alike on it.

Conventions: levels in dB as in :mod:`~leitmotiv.instruments.neural_grid`, scaled so that the
loudest moment of a note has K-weighted level 0; times in seconds since the onset.

Public names: :class:`Timbre`, :class:`TimbreNote`, :class:`NetworkTimbre`, :class:`Corrections`,
:data:`GRID_SEC`, :func:`timbre_of`, :func:`level_of`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from leitmotiv.instruments.neural_catalogue import Kind, instrument_named
from leitmotiv.instruments.neural_grid import (
    GROUP_EDGES,
    MAX_HARMONIC,
    NUM_BANDS,
    NUM_GROUPS,
    TOP_HZ,
    group_of_harmonic,
    hz_to_mel,
    noise_edges_hz,
    partial_hz,
)
from leitmotiv.instruments.neural_model import TimbreNetwork, load_network
from leitmotiv.instruments.oscillators import loudness_weight, midi_to_hz

__all__ = [
    "GRID_SEC",
    "Corrections",
    "NetworkTimbre",
    "Timbre",
    "TimbreNote",
    "level_of",
    "timbre_of",
]

Float = NDArray[np.float32]

HELD_SEC = 1.5
"""A held tone is learned this far; afterwards it stays as it is then."""

PLUCKED_SEC = 3.0
EQ_BANDS = 24
EQ_PITCHES = (48.0, 72.0)
NUM_FREE_HARMONICS = 8


def _grid() -> NDArray[np.float64]:
    attack = np.arange(0.0, 0.16, 0.004)
    middle = np.arange(0.16, 0.6, 0.02)
    late = np.arange(0.6, PLUCKED_SEC + 0.01, 0.06)
    return np.concatenate([attack, middle, late])


GRID_SEC: NDArray[np.float64] = _grid()
"""Moments at which every note is described, shape (F,)."""


@dataclass(frozen=True, eq=False)
class TimbreNote:
    """One note of a timbre.

    ``levels_db`` has shape (len(GRID_SEC), NUM_GROUPS + NUM_BANDS); ``dies`` tells whether the tone
    fades by itself.
    """

    levels_db: Float
    inharmonicity: float
    release_db_per_sec: float
    dies: bool

    def at(self, time_sec: NDArray[Any]) -> Float:
        """Levels at any moments (n,); a dying tone falls on beyond the grid as it fell before."""
        place = np.interp(time_sec, GRID_SEC, np.arange(len(GRID_SEC)))
        low = np.minimum(place.astype(np.int64), len(GRID_SEC) - 2)
        share = (place - low).astype(np.float32)[:, None]
        found = self.levels_db[low] * (1 - share) + self.levels_db[low + 1] * share
        if self.dies:
            beyond = np.maximum(np.asarray(time_sec) - GRID_SEC[-1], 0.0)
            if beyond.any():
                begin = int(np.searchsorted(GRID_SEC, GRID_SEC[-1] - 1.0))
                span = GRID_SEC[-1] - GRID_SEC[begin]
                slope = (self.levels_db[-1] - self.levels_db[begin]) / span
                found = found + beyond[:, None] * np.clip(slope, -120.0, -3.0)
        return np.asarray(found, np.float32)


class Timbre(Protocol):
    """Anything that knows the levels of its notes."""

    @property
    def kind(self) -> Kind:
        """Whether its tones are held or die away."""
        ...

    def notes(self, pitch: Sequence[float], velocity: Sequence[float]) -> list[TimbreNote]:
        """Describe notes of these pitches and velocities."""
        ...


@dataclass(frozen=True, eq=False)
class Corrections:
    """Small changes to what the network says, fitted to a person's notes.

    ``eq_db`` (2, EQ_BANDS): gain of harmonics over frequency, equally spaced in mel, for a low and
    a high pitch; ``harmonic_db`` (NUM_FREE_HARMONICS,) for the first harmonics; ``noise_db``
    (NUM_BANDS,); ``decay_db_per_sec`` is added to the slope of the tone; ``attack_stretch`` times
    the attack; ``release_db_per_sec`` replaces the network's, ``inharmonicity`` too.
    ``note_db`` (K, NUM_GROUPS + NUM_BANDS) is what is peculiar to the notes of ``note_pitch`` (K,),
    rising; between them it is interpolated.
    """

    eq_db: NDArray[np.float64] = field(default_factory=lambda: np.zeros((2, EQ_BANDS)))
    harmonic_db: NDArray[np.float64] = field(default_factory=lambda: np.zeros(NUM_FREE_HARMONICS))
    noise_db: NDArray[np.float64] = field(default_factory=lambda: np.zeros(NUM_BANDS))
    decay_db_per_sec: float = 0.0
    attack_stretch: float = 1.0
    release_db_per_sec: float | None = None
    inharmonicity: float | None = None
    note_pitch: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))
    note_db: NDArray[np.float64] = field(
        default_factory=lambda: np.zeros((0, NUM_GROUPS + NUM_BANDS))
    )

    def offsets_db(self, pitch: float) -> NDArray[np.float64]:
        """What is added to the levels of a pitch, shape (NUM_GROUPS + NUM_BANDS,)."""
        low, high = EQ_PITCHES
        share = np.clip((pitch - low) / (high - low), -0.5, 1.5)
        curve = (1 - share) * self.eq_db[0] + share * self.eq_db[1]
        place = eq_place(group_hz(pitch))
        harmonics = np.interp(place, np.arange(EQ_BANDS), curve)
        harmonics[:NUM_FREE_HARMONICS] += self.harmonic_db
        total = np.concatenate([harmonics, self.noise_db])
        if len(self.note_pitch):
            among = float(np.interp(pitch, self.note_pitch, np.arange(len(self.note_pitch))))
            below = int(among)
            above = min(below + 1, len(self.note_pitch) - 1)
            step = self.note_db[above] - self.note_db[below]
            total = np.asarray(total + self.note_db[below] + (among - below) * step)
        return total


def eq_place(frequency_hz: NDArray[Any]) -> NDArray[np.float64]:
    """Place of frequencies on the grid of :attr:`Corrections.eq_db`, 0 to EQ_BANDS - 1."""
    top = float(hz_to_mel(TOP_HZ))
    return np.asarray(np.clip(hz_to_mel(frequency_hz) / top * (EQ_BANDS - 1), 0, EQ_BANDS - 1))


def group_hz(pitch: float, inharmonicity: float = 0.0) -> NDArray[np.float64]:
    """Frequency in the middle of each group of harmonics, shape (NUM_GROUPS,)."""
    edges = np.array(GROUP_EDGES, np.float64)
    return partial_hz(float(midi_to_hz(pitch)), inharmonicity, 0.5 * (edges[:-1] + edges[1:] + 1))


@lru_cache(maxsize=512)
def _loudness_weights(pitch: float) -> NDArray[np.float64]:
    """Weight of the power 10^(dB / 10) of every level in the K-weighted power of a note."""
    hz = partial_hz(float(midi_to_hz(pitch)), 0.0, np.arange(1, MAX_HARMONIC + 1))
    weight = np.zeros(NUM_GROUPS)
    inside = hz < TOP_HZ
    np.add.at(weight, group_of_harmonic()[inside], 0.5 * loudness_weight(hz[inside]) ** 2)
    edges = noise_edges_hz()
    noise = loudness_weight(np.asarray(0.5 * (edges[:-1] + edges[1:]), np.float64)) ** 2
    return np.concatenate([weight, noise])


def level_of(levels_db: NDArray[Any], pitch: float, time_sec: NDArray[Any]) -> float:
    """K-weighted level in dB of the loudest moment after the first 15 ms.

    Three neighbouring moments count together, so that a single one cannot.
    """
    power = 10.0 ** (np.asarray(levels_db, np.float64) / 10.0) @ _loudness_weights(float(pitch))
    kept = power[np.asarray(time_sec) >= 0.015]
    if len(kept) >= 3:
        kept = np.convolve(kept, np.full(3, 1 / 3), mode="valid")
    return float(10.0 * np.log10(kept.max() + 1e-12)) if len(kept) else 0.0


class NetworkTimbre:
    """A place in the network's space of timbres, with small corrections.

    Parameters
    ----------
    network : TimbreNetwork
    latent : ndarray, shape (Z,)
    kind : {"held", "plucked"}
    corrections : Corrections, optional
    """

    def __init__(
        self,
        network: TimbreNetwork,
        latent: NDArray[Any],
        kind: Kind,
        corrections: Corrections | None = None,
    ) -> None:
        self.network = network
        self.latent = np.asarray(latent, np.float32)
        self._kind: Kind = kind
        self.corrections = corrections

    @property
    def kind(self) -> Kind:
        """Whether its tones are held or die away."""
        return self._kind

    def raw_levels(
        self, pitch: Sequence[float], velocity: Sequence[float], time_sec: NDArray[Any]
    ) -> tuple[Float, Float, Float]:
        """Levels (B, F, O) before scaling, stiffness and release (B,), at any moments."""
        stretch = self.corrections.attack_stretch if self.corrections else 1.0
        # The attack is stretched, what follows is moved.
        own = 0.12
        time_sec = np.asarray(time_sec, np.float64)
        warped = np.where(
            time_sec < own * stretch, time_sec / stretch, time_sec - own * stretch + own
        )
        if self._kind == "held":
            warped = np.minimum(warped, HELD_SEC)
        count = len(pitch)
        latent = np.broadcast_to(self.latent, (count, len(self.latent)))
        levels, stiffness, release = self.network.decode(
            latent, np.asarray(pitch, float), np.asarray(velocity, float), warped
        )
        found = self.corrections
        if found is not None:
            for row, midi in enumerate(pitch):
                levels[row] += found.offsets_db(float(midi)).astype(np.float32)
            slope = found.decay_db_per_sec * np.minimum(time_sec, PLUCKED_SEC)
            levels += slope[:, None].astype(np.float32)
            if found.release_db_per_sec is not None:
                release = np.full(count, found.release_db_per_sec, np.float32)
            if found.inharmonicity is not None:
                stiffness = np.full(count, found.inharmonicity, np.float32)
        if self._kind == "held":
            stiffness = np.zeros_like(stiffness)
        return levels, stiffness, release

    def notes(self, pitch: Sequence[float], velocity: Sequence[float]) -> list[TimbreNote]:
        """Describe notes of these pitches and velocities."""
        if not len(pitch):
            return []
        levels, stiffness, release = self.raw_levels(pitch, velocity, GRID_SEC)
        return [
            TimbreNote(
                levels[row] - np.float32(level_of(levels[row], float(midi), GRID_SEC)),
                float(stiffness[row]),
                float(release[row]),
                self._kind == "plucked",
            )
            for row, midi in enumerate(pitch)
        ]


def timbre_of(name: str, network: TimbreNetwork | None = None) -> NetworkTimbre:
    """The timbre of a trained instrument.

    Raises
    ------
    RenderError, ModelError
        If there is none of that name.

    Examples
    --------
    >>> note = timbre_of("violin").notes([69], [80])[0]
    >>> note.levels_db.shape[1]
    96
    """
    network = network or load_network()
    return NetworkTimbre(network, network.latent_of(name), instrument_named(name).kind)
