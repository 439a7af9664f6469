"""The neural engine: trained instruments where there are any, modelled ones elsewhere.

Public names: :data:`NEURAL_PROGRAMS`, :class:`NeuralProgram`, :func:`render_part`,
:func:`gain_db_of`, :func:`playing_of`, :func:`plain_playing`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from leitmotiv.instruments.ensemble import render_section
from leitmotiv.instruments.modelled import render_part as render_modelled
from leitmotiv.instruments.neural_catalogue import INSTRUMENTS, Kind, instrument_named
from leitmotiv.instruments.neural_player import Playing, render_neural
from leitmotiv.instruments.neural_timbre import Timbre, timbre_of
from leitmotiv.instruments.performance import FloatArray, performance_of
from leitmotiv.instruments.sympathetic import add_sympathetic_resonance
from leitmotiv.score.score import Part, Score

__all__ = [
    "NEURAL_PROGRAMS",
    "NeuralProgram",
    "gain_db_of",
    "plain_playing",
    "playing_of",
    "render_part",
]

_PLUCKED = Playing(drift_cents=0.4, drift_db=0.0, flutter_db=0.0, legato=False, least_release=40.0)
# Rates, depths in cents and dB: medians measured on the notes of the data set.
_BOWED = Playing(
    vibrato_cents=15.0,
    vibrato_hz=5.7,
    vibrato_delay_sec=0.2,
    tremolo_db=1.1,
    bright_db=0.8,
    flutter_db=1.0,
)
_BASS = replace(_BOWED, vibrato_cents=4.0, vibrato_hz=5.0, tremolo_db=0.3, bright_db=0.3)
_SECTION = replace(
    _BOWED,
    vibrato_cents=9.0,
    tremolo_db=0.3,
    bright_db=0.4,
    players=3,
    detune_cents=9.0,
    width=0.7,
    onset_spread_sec=0.018,
    drift_cents=2.5,
    flutter_db=1.2,
    least_release=70.0,
)
_BRASS = Playing(
    vibrato_cents=2.0, vibrato_hz=5.0, vibrato_delay_sec=0.45, flutter_db=0.4, dip_db=5.0
)
_BRASS_SECTION = replace(
    _BRASS, players=3, detune_cents=7.0, width=0.6, onset_spread_sec=0.012, drift_cents=2.0
)
_REED = Playing(
    vibrato_cents=7.0, vibrato_hz=4.8, vibrato_delay_sec=0.3, tremolo_db=0.7, bright_db=0.4
)
_PIPE = Playing(vibrato_cents=8.5, vibrato_hz=4.4, tremolo_db=1.2, bright_db=1.2, flutter_db=0.9)
_PLAIN_PIPE = replace(_PIPE, vibrato_cents=2.6, tremolo_db=0.6, bright_db=0.4, flutter_db=0.6)
_CHOIR = replace(_SECTION, vibrato_cents=16.0, vibrato_hz=5.0, detune_cents=10.0)
_STRUNG = replace(_PLUCKED, key_width=0.3)
_KEYS = Playing(drift_cents=0.3, drift_db=0.2, flutter_db=0.3, legato=False)

_PLAYINGS: dict[str, Playing] = {
    **dict.fromkeys(("violin", "fiddle"), _BOWED),
    "viola": replace(_BOWED, vibrato_cents=10.0, vibrato_hz=5.2),
    "cello": replace(_BOWED, vibrato_cents=10.0, vibrato_hz=5.1, tremolo_db=0.7),
    **dict.fromkeys(("contrabass", "bowed double bass"), _BASS),
    "zinc cello": replace(_BOWED, vibrato_cents=6.0, vibrato_hz=4.9, tremolo_db=0.4),
    "string section": _SECTION,
    "slow strings": _SECTION,
    **dict.fromkeys(("choir aahs", "choir oohs"), _CHOIR),
    **dict.fromkeys(("trombone", "tuba", "muted trumpet"), _BRASS),
    "trumpet": replace(_BRASS, vibrato_cents=3.6),
    "french horn": replace(_BRASS, tremolo_db=0.8, flutter_db=0.8),
    "brass section": _BRASS_SECTION,
    "soprano saxophone": replace(_REED, vibrato_cents=6.0),
    "alto saxophone": replace(_REED, vibrato_cents=10.0, tremolo_db=1.1),
    "tenor saxophone": replace(_REED, vibrato_cents=4.0),
    "baritone saxophone": replace(_REED, vibrato_cents=3.0, tremolo_db=0.3),
    "oboe": replace(_REED, tremolo_db=1.8),
    "english horn": replace(_REED, vibrato_cents=10.0, tremolo_db=1.7),
    "bassoon": replace(_REED, vibrato_cents=5.0, vibrato_hz=4.2),
    "clarinet": replace(_REED, vibrato_cents=2.0, tremolo_db=0.0, bright_db=0.0, flutter_db=0.3),
    **dict.fromkeys(("piccolo", "flute"), _PIPE),
    **dict.fromkeys(("recorder", "pan flute", "ocarina"), _PLAIN_PIPE),
    **dict.fromkeys(("grand piano", "splendid piano", "harpsichord", "harp"), _STRUNG),
    "church organ": _KEYS,
    "accordion": replace(_KEYS, players=2, detune_cents=5.0, width=0.35),
    "harmonica": replace(_REED, vibrato_cents=3.0),
}


def playing_of(name: str) -> Playing:
    """How an instrument is played: vibrato, slurs, players.

    Examples
    --------
    >>> playing_of("nylon guitar").legato, playing_of("flute").legato
    (False, True)
    """
    if name in _PLAYINGS:
        return _PLAYINGS[name]
    return _PLUCKED if instrument_named(name).kind == "plucked" else _REED


def plain_playing(kind: Kind) -> Playing:
    """How an instrument of a person's own is played."""
    return _PLUCKED if kind == "plucked" else _REED


@dataclass(frozen=True)
class NeuralProgram:
    """A General MIDI program that a trained instrument plays, and its gain in dB."""

    instrument: str
    gain_db: float = -23.0


# Programs that stay with the modelled instruments; see docs/neural-instruments.md.
# Bars have partials that are no harmonics, an organ has half ones: both would turn to noise.
_CELESTA, _CHURCH_ORGAN = 8, 19
_PIANOS = frozenset({"grand piano", "splendid piano"})
_MODELLED_IS_BETTER = frozenset({_CELESTA, _CHURCH_ORGAN})

# program: dB, measured as the gains of the modelled instruments are.
_GAIN_DB: dict[int, float] = {
    0: -21.0,
    6: -22.0,
    7: -19.8,
    21: -22.5,
    22: -21.9,
    24: -20.4,
    25: -20.0,
    26: -22.0,
    27: -22.2,
    28: -15.0,
    32: -21.8,
    33: -23.6,
    34: -23.1,
    35: -24.3,
    36: -22.9,
    40: -22.6,
    41: -21.2,
    42: -21.7,
    43: -22.2,
    45: -19.6,
    46: -18.9,
    48: -21.7,
    49: -20.9,
    52: -22.0,
    53: -21.8,
    56: -23.9,
    57: -23.1,
    58: -24.7,
    59: -24.3,
    60: -22.3,
    61: -23.4,
    64: -23.1,
    65: -23.0,
    66: -22.3,
    67: -22.7,
    68: -22.9,
    69: -19.1,
    70: -22.9,
    71: -23.9,
    72: -22.9,
    73: -23.1,
    74: -22.4,
    75: -23.1,
    79: -23.0,
    104: -19.8,
    105: -16.5,
    106: -15.1,
    107: -17.4,
    110: -22.9,
}

NEURAL_PROGRAMS: dict[int, NeuralProgram] = {
    instrument.bank_program: NeuralProgram(instrument.name, _GAIN_DB[instrument.bank_program])
    for instrument in INSTRUMENTS
    if instrument.bank_program is not None and instrument.bank_program not in _MODELLED_IS_BETTER
}
"""Programs that sound neural in the neural engine; all others are modelled."""


def gain_db_of(program: int) -> float:
    """Gain that brings a program's mezzo-forte to -23 LUFS."""
    return NEURAL_PROGRAMS[program].gain_db


def render_part(
    part: Part,
    score: Score,
    sample_rate: int,
    num_samples: int,
    rng: np.random.Generator,
    *,
    timbre: Timbre | None = None,
) -> FloatArray:
    """Render one part with the neural instruments.

    Parameters
    ----------
    part, score : Part, Score
        The part, and the score whose tempo it follows.
    sample_rate : int
        Hz.
    num_samples : int
        Length of the result; notes that begin later are left out.
    rng : numpy.random.Generator
        Source of every small difference between notes.
    timbre : Timbre, optional
        Plays instead of the program's own: a clone or a morph.

    Returns
    -------
    ndarray, float32, shape (2, num_samples)
        Drums and programs without a trained instrument come from the modelled ones.
    """
    chosen = NEURAL_PROGRAMS.get(part.program)
    if part.is_drum or (chosen is None and timbre is None):
        return render_modelled(part, score, sample_rate, num_samples, rng)
    performance = performance_of(part, score, sample_rate, num_samples)
    if not performance.num_notes:
        return performance.silence()
    given = timbre
    if timbre is None:
        assert chosen is not None
        timbre = timbre_of(chosen.instrument)
        playing, gain_db = playing_of(chosen.instrument), chosen.gain_db
    else:
        playing, gain_db = plain_playing(timbre.kind), -23.0
    played = timbre
    audio = render_section(
        part, performance, lambda desk: render_neural(desk, played, playing, rng)
    )
    audio *= np.float32(10 ** (gain_db / 20))
    if chosen is not None and given is None and chosen.instrument in _PIANOS:
        # The notes of the data set were recorded one by one: nothing answered them.
        add_sympathetic_resonance(audio, performance)
    return audio
