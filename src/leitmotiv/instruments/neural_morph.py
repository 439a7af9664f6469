"""Between two timbres: a morph whose descriptors move one way only.

Both timbres describe the note at the same pitch; their partials and noise bands are then mixed in
power, with their attacks stretched onto a common one. Because both share one fundamental, the
result is one tone, not a cross-fade of two. Mixing in power is what makes the way monotone: every
ratio of two weighted sums of power, such as a centroid, is a Moebius function of the amount, and
a quantile of the spectrum moves one way, too. (Between latents there is no such promise; the
benchmark measures how often they keep to it.)

Conventions: amount 0 is the first timbre, 1 the second.

Public names: :class:`MorphTimbre`, :class:`Descriptors`, :func:`describe_timbre`,
:data:`DESCRIPTOR_NAMES`, :func:`latent_morph`.

References: M. Caetano and X. Rodet, *Musical Instrument Sound Morphing Guided by Perceptually
Motivated Features*, IEEE TASLP 21(8), 2013; G. Peeters et al., *The Timbre Toolbox*, JASA 130(5),
2011.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple, dataclass, fields

import numpy as np
from numpy.typing import NDArray

from leitmotiv.errors import RenderError
from leitmotiv.instruments.neural_catalogue import Kind
from leitmotiv.instruments.neural_grid import (
    GROUP_EDGES,
    MAX_HARMONIC,
    NUM_GROUPS,
    TOP_HZ,
    group_of_harmonic,
    noise_edges_hz,
)
from leitmotiv.instruments.neural_timbre import (
    GRID_SEC,
    NetworkTimbre,
    Timbre,
    TimbreNote,
    level_of,
)
from leitmotiv.instruments.oscillators import midi_to_hz

__all__ = [
    "DESCRIPTOR_NAMES",
    "Descriptors",
    "MorphTimbre",
    "describe_timbre",
    "latent_morph",
]

_ROLLOFF = 0.85
_BODY_SEC = (0.25, 1.0)
_LEAST_ATTACK_SEC = 0.004  # one step of the grid


@dataclass(frozen=True)
class Descriptors:
    """Five numbers for the colour of one note.

    ``centroid_hz``: mean frequency of its power. ``rolloff_hz``: below it lie 85 % of the power.
    ``odd_share``: power of the odd harmonics over that of all above the first. ``attack_sec``:
    time until the power reaches half of the body's mean, at most 0.25 s. ``noisiness``: share of
    noise in the power. The body, from 0.25 to 1 s, gives all but the attack.
    """

    centroid_hz: float
    rolloff_hz: float
    odd_share: float
    attack_sec: float
    noisiness: float


DESCRIPTOR_NAMES: tuple[str, ...] = tuple(field.name for field in fields(Descriptors))


def _group_powers(pitch: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Number of sounding harmonics of each group, and their mean frequency, (NUM_GROUPS,)."""
    hz = float(midi_to_hz(pitch)) * np.arange(1, MAX_HARMONIC + 1)
    inside = (hz < TOP_HZ).astype(float)
    group = group_of_harmonic()
    count = np.bincount(group, inside, NUM_GROUPS)
    mean = np.bincount(group, inside * hz, NUM_GROUPS) / np.maximum(count, 1)
    return count.astype(np.float64), mean


def _body() -> NDArray[np.bool_]:
    return np.asarray((_BODY_SEC[0] <= GRID_SEC) & (_BODY_SEC[1] >= GRID_SEC))


def _attack_sec(total: NDArray[np.float64]) -> float:
    """First moment of the grid at which the power (F,) reaches half of the body's mean."""
    half = 0.5 * float(total[_body()].mean())
    early = _BODY_SEC[0] >= GRID_SEC
    reached = np.flatnonzero(total[early] >= half)
    if not len(reached):
        return _BODY_SEC[0]
    return max(float(GRID_SEC[reached[0]]), _LEAST_ATTACK_SEC)


def _powers(note: TimbreNote, pitch: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Power of harmonic groups (F, NUM_GROUPS) and of noise bands (F, NUM_BANDS)."""
    count, _ = _group_powers(pitch)
    power = 10.0 ** (note.levels_db.astype(np.float64) / 10.0)
    return 0.5 * power[:, :NUM_GROUPS] * count, power[:, NUM_GROUPS:]


def describe_timbre(timbre: Timbre, pitch: int = 60, velocity: int = 80) -> Descriptors:
    """Measure the five descriptors of one note.

    Examples
    --------
    >>> from leitmotiv.instruments.neural_timbre import timbre_of
    >>> oboe, flute = (describe_timbre(timbre_of(name), 72) for name in ("oboe", "flute"))
    >>> oboe.centroid_hz > flute.centroid_hz
    True
    """
    note = timbre.notes([pitch], [velocity])[0]
    harmonics, noise = _powers(note, pitch)
    attack = _attack_sec(harmonics.sum(1) + noise.sum(1))
    body = (_BODY_SEC[0] <= GRID_SEC) & (_BODY_SEC[1] >= GRID_SEC)
    tone, hiss = harmonics[body].mean(0), noise[body].mean(0)
    _, group_hz = _group_powers(pitch)
    edges = noise_edges_hz()
    hz = np.concatenate([group_hz, 0.5 * (edges[1:] + edges[:-1])])
    power = np.concatenate([tone, hiss])
    total = max(float(power.sum()), 1e-30)
    order = np.argsort(hz)
    cumulative = np.cumsum(power[order]) / total
    place = int(np.searchsorted(cumulative, _ROLLOFF))
    below = float(cumulative[place - 1]) if place else 0.0
    share = (_ROLLOFF - below) / max(float(cumulative[place]) - below, 1e-12)
    sorted_hz = hz[order]
    low_hz = float(sorted_hz[place - 1]) if place else 0.0
    rolloff = low_hz + share * (float(sorted_hz[place]) - low_hz)
    # Only harmonics that stand alone in their group are odd or even.
    alone = np.diff(np.array(GROUP_EDGES)) == 1
    numbers = np.arange(1, NUM_GROUPS + 1)
    odd = float(tone[alone & (numbers % 2 == 1) & (numbers > 1)].sum())
    even = float(tone[alone & (numbers % 2 == 0)].sum())
    return Descriptors(
        float((hz * power).sum() / total),
        rolloff,
        odd / max(odd + even, 1e-30),
        attack,
        float(hiss.sum() / total),
    )


class MorphTimbre:
    """A timbre between two others.

    Parameters
    ----------
    first, second : Timbre
    amount : float
        0 to 1.

    Raises
    ------
    RenderError
        If the amount is out of range.
    """

    def __init__(self, first: Timbre, second: Timbre, amount: float) -> None:
        if not 0.0 <= amount <= 1.0:
            raise RenderError(f"amount={amount} must be 0-1: 0 is the first timbre, 1 the second")
        self.first, self.second, self.amount = first, second, float(amount)

    @property
    def kind(self) -> Kind:
        """Plucked only where both are: a held tone would not fade."""
        both = self.first.kind == self.second.kind == "plucked"
        if self.amount == 0.0:
            return self.first.kind
        if self.amount == 1.0:
            return self.second.kind
        return "plucked" if both else "held"

    def notes(self, pitch: Sequence[float], velocity: Sequence[float]) -> list[TimbreNote]:
        """Describe notes of these pitches and velocities."""
        pairs = zip(
            pitch,
            self.first.notes(pitch, velocity),
            self.second.notes(pitch, velocity),
            strict=True,
        )
        return [self._mixed(float(midi), one, two) for midi, one, two in pairs]

    def _mixed(self, pitch: float, one: TimbreNote, two: TimbreNote) -> TimbreNote:
        amount = self.amount
        if amount in (0.0, 1.0):
            return two if amount else one
        totals = [sum(part.sum(1) for part in _powers(note, pitch)) for note in (one, two)]
        attacks = [_attack_sec(np.asarray(total)) for total in totals]
        common = attacks[0] ** (1 - amount) * attacks[1] ** amount
        levels = []
        for note, own in zip((one, two), attacks, strict=True):
            # Attacks end together; the body stays where it is.
            knots = [0.0, common, _BODY_SEC[0] + 1e-6]
            warped = np.interp(GRID_SEC, knots, [0.0, own, knots[2]])
            warped = np.where(knots[2] < GRID_SEC, GRID_SEC, warped)
            power = 10.0 ** (note.at(warped).astype(np.float64) / 10.0)
            moved = TimbreNote(
                (10.0 * np.log10(power + 1e-14)).astype(np.float32), 0.0, 1.0, note.dies
            )
            total = np.asarray(sum(part.sum(1) for part in _powers(moved, pitch)))
            # Before the common attack is over, neither may be past half of its body.
            half = 0.5 * float(total[_body()].mean())
            early = common - 1e-9 > GRID_SEC
            allowed = 0.98 * half * GRID_SEC / common
            power *= np.where(early, np.minimum(allowed / (total + 1e-30), 1.0), 1.0)[:, None]
            levels.append(power)
        mixed = 10.0 * np.log10((1 - amount) * levels[0] + amount * levels[1] + 1e-14)
        mixed -= level_of(mixed, pitch, GRID_SEC)
        return TimbreNote(
            mixed.astype(np.float32),
            (1 - amount) * one.inharmonicity + amount * two.inharmonicity,
            float(one.release_db_per_sec ** (1 - amount) * two.release_db_per_sec**amount),
            self.kind == "plucked",
        )


def latent_morph(first: NetworkTimbre, second: NetworkTimbre, amount: float) -> NetworkTimbre:
    """The timbre on the straight line between two latents; its descriptors may wander."""
    mixed = (1 - amount) * first.latent + amount * second.latent
    return NetworkTimbre(first.network, mixed, second.kind if amount > 0.5 else first.kind)


def is_monotone(values: Sequence[Descriptors], tolerance: float = 1e-6) -> dict[str, bool]:
    """Whether each descriptor moves one way only along a row of measurements."""
    table = np.array([astuple(value) for value in values])
    steps = np.diff(table, axis=0)
    reach = tolerance * np.maximum(np.abs(table).max(0), 1e-12)
    rising, falling = (steps >= -reach).all(0), (steps <= reach).all(0)
    return {
        name: bool(up or down)
        for name, up, down in zip(DESCRIPTOR_NAMES, rising, falling, strict=True)
    }
