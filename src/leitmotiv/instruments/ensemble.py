"""Sections: several players of one line instead of one loud one.

Purpose: say which parts are played by a section and how its desks differ: tuning, place in time,
seat, level and tone. The sampler plays every desk. The built-in string ensembles and choirs have
players of their own; a solo instrument that stands for a section is played by three desks.

Conventions:

- Desks of a section differ by some cents and milliseconds whose means are zero, so that a section
  is in tune and in time; loudness is that of one desk.
- ``key_offset``: semitones by which a desk reads another key's sample, tuned back. Neighbouring
  samples differ as two violins do, which also keeps desks from cancelling each other.
- All numbers come from a seed: the same part sounds the same every time.

References: J. Meyer, *Acoustics and the Performance of Music*, 5th ed., Springer 2009, section 7.2
(string sections: spread of intonation and of onsets).

Public names: :class:`Desk`, :func:`desks_of_part`, :func:`is_section`, :func:`onset_spread_sec`,
:func:`render_section`, :func:`section_desks`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from leitmotiv.instruments.performance import CONTROL_BLOCK, FloatArray, Performance
from leitmotiv.score.score import Part

__all__ = [
    "Desk",
    "desks_of_part",
    "is_section",
    "onset_spread_sec",
    "render_section",
    "section_desks",
]

SECTION_PROGRAMS = frozenset({48, 49, 52, 53, 61})
"""String ensembles, choirs and brass section. Tremolo and pizzicato strings (44, 45) are not among
them: a solo violin's pizzicato must not become a crowd."""

_MARKABLE = frozenset([*range(40, 46), 48, 49, 52, 53, *range(56, 80), 110])
_WORDS = re.compile(
    r"\b(section|ensemble|tutti|orchestra|strings|choir|chorus|violins|violas|cellos|celli|"
    r"basses|contrabasses|flutes|oboes|clarinets|bassoons|horns|trumpets|trombones|tubas|"
    r"saxophones|saxes|brass|woodwinds|voices|sopranos|altos|tenors)\b",
    re.IGNORECASE,
)
_RECORDED_DESKS, _SOLO_DESKS, _BUILT_IN_DESKS = 3, 5, 3
_KEY_OFFSETS = (0, 1, -1, 2, -2, 0, 1, -1)
_DETUNE_CENTS = 7.0  # largest; Meyer: sections spread over 10-15 cents
_PAN = 0.45
_ONSET_SEC = 0.009  # deviation of one desk's attacks; Meyer: 30-50 ms from first to last
_GAIN_DB = 1.0
_TONE_CENTS = 500.0


@dataclass(frozen=True)
class Desk:
    """How one desk of a section differs from the written line; 0 everywhere is one player.

    ``pan`` -1 to 1 is added to the instrument's own; ``tone_cents`` moves the cutoff.
    """

    detune_cents: float = 0.0
    delay_sec: float = 0.0
    spread_sec: float = 0.0
    pan: float = 0.0
    gain_db: float = 0.0
    tone_cents: float = 0.0
    key_offset: int = 0
    number: int = 0


def is_section(part: Part) -> bool:
    """Tell whether a part is played by a section: by its program, or by a plural in its name.

    Examples
    --------
    >>> [is_section(Part(name, 40)) for name in ("Violins I", "Violin")]
    [True, False]
    """
    if part.is_drum:
        return False
    if part.program in SECTION_PROGRAMS:
        return True
    return part.program in _MARKABLE and _WORDS.search(part.name) is not None


def section_desks(num_desks: int) -> tuple[Desk, ...]:
    """Return the desks of a section, 1 to 8 of them; the first reads its own sample.

    Examples
    --------
    >>> abs(sum(desk.detune_cents for desk in section_desks(5))) < 1e-9
    True
    """
    if num_desks == 1:
        return (Desk(),)
    place = np.linspace(-1.0, 1.0, num_desks)
    rng = np.random.default_rng(num_desks)
    # Tuning, seat and time are shuffled apart, or the flat players would all sit on one side.
    columns = [rng.permutation(place) for _ in range(4)]
    level_db = -10.0 * np.log10(num_desks)
    return tuple(
        Desk(
            detune_cents=_DETUNE_CENTS * float(columns[0][index]),
            delay_sec=0.6 * _ONSET_SEC * float(place[index]),
            spread_sec=_ONSET_SEC,
            pan=_PAN * float(columns[1][index]),
            gain_db=level_db + _GAIN_DB * float(columns[2][index]),
            tone_cents=_TONE_CENTS * (float(columns[3][index]) - 1.0),
            key_offset=_KEY_OFFSETS[index],
            number=index,
        )
        for index in range(num_desks)
    )


def desks_of_part(part: Part) -> tuple[Desk, ...]:
    """Return who plays a part: one desk, or those of a section.

    Programs that were recorded as sections get three desks, solo instruments that the part's name
    calls a section five.
    """
    if not is_section(part):
        return (Desk(),)
    return section_desks(_RECORDED_DESKS if part.program in SECTION_PROGRAMS else _SOLO_DESKS)


def onset_spread_sec(desk: Desk, num_notes: int) -> NDArray[np.float64]:
    """Return by how much a desk is late (or early) on each note, shape (num_notes,).

    At most two deviations either way, so that no player falls out of the beat.
    """
    if not desk.spread_sec and not desk.delay_sec:
        return np.zeros(num_notes)
    rng = np.random.default_rng([20_261, desk.number])
    own = np.clip(rng.standard_normal(num_notes), -2.0, 2.0)
    return desk.delay_sec + desk.spread_sec * own


def render_section(
    part: Part, performance: Performance, render: Callable[[Performance], FloatArray]
) -> FloatArray:
    """Render a part with a built-in instrument, by several desks if it is a section.

    Parameters
    ----------
    part : Part
        Says whether a section plays.
    performance : Performance
        Of the whole part.
    render : callable
        Plays a performance as one player, float32 (2, num_samples).

    Returns
    -------
    float32, shape (2, num_samples)
        What ``render`` gives where one player, or an instrument with players of its own, plays.
    """
    if not is_section(part) or part.program in SECTION_PROGRAMS:
        return render(performance)
    total = performance.silence()
    for desk in section_desks(_BUILT_IN_DESKS):
        audio = render(_as_desk(performance, desk))
        gain = 10.0 ** (desk.gain_db / 20.0) * np.sqrt(2.0)
        angle = (desk.pan + 1.0) * np.pi / 4.0
        total += audio * np.array([[np.cos(angle)], [np.sin(angle)]], np.float32) * np.float32(gain)
    return total


def _as_desk(performance: Performance, desk: Desk) -> Performance:
    """Return a performance as one desk plays it: later or earlier, higher or lower."""
    late = onset_spread_sec(desk, performance.num_notes) * performance.sample_rate
    last = performance.num_samples
    onset = np.clip(performance.onset + np.rint(late).astype(np.int64), 0, last - 1)
    order = np.argsort(onset, kind="stable")
    shift = onset - performance.onset
    end = np.clip(performance.end + shift, onset + 1, last)
    pedal_end = np.clip(performance.pedal_end + shift, end, last)
    bend = np.float32(desk.detune_cents / 100.0)
    bent = performance.bend_semitones
    if bent is None:
        bent = np.zeros(last // CONTROL_BLOCK + 2, np.float32)
    return replace(
        performance,
        onset=onset[order],
        end=end[order],
        pedal_end=pedal_end[order],
        pitch=performance.pitch[order],
        velocity=performance.velocity[order],
        bend_semitones=bent + bend,
    )
