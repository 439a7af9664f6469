"""The built-in instruments: from a part to sound without any file.

Every General MIDI program maps to a model of its family; drum parts map to the drum kit.

Public names: :func:`render_part`.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from leitmotiv.instruments.blown import BLOWN
from leitmotiv.instruments.bowed import BOWED, render_bowed
from leitmotiv.instruments.calibration import gain_of
from leitmotiv.instruments.corrections import correction_of
from leitmotiv.instruments.drum_kit import render_drums
from leitmotiv.instruments.ensemble import render_section
from leitmotiv.instruments.modal import render_modal
from leitmotiv.instruments.organ import ORGANS, render_organ
from leitmotiv.instruments.performance import FloatArray, Performance, performance_of
from leitmotiv.instruments.piano import PIANOS, render_piano
from leitmotiv.instruments.plucked import PLUCKED, render_plucked
from leitmotiv.instruments.sound_effects import SOUND_EFFECTS, render_sound_effect
from leitmotiv.instruments.struck import STRUCK
from leitmotiv.instruments.sustained import render_sustained
from leitmotiv.instruments.synth import SYNTHS
from leitmotiv.instruments.voice import VOICES, render_voice
from leitmotiv.score.score import Part, Score

__all__ = ["render_part"]


def _render_program(program: int, performance: Performance, rng: np.random.Generator) -> FloatArray:
    if program in PIANOS:
        return render_piano(performance, PIANOS[program], rng)
    if program in STRUCK:
        return render_modal(performance, STRUCK[program], rng)
    if program in PLUCKED:
        return render_plucked(performance, PLUCKED[program], rng)
    if program in BOWED:
        return render_bowed(performance, BOWED[program], rng)
    if program in BLOWN:
        return render_sustained(performance, BLOWN[program], rng)
    if program in ORGANS:
        return render_organ(performance, ORGANS[program], rng)
    if program in VOICES:
        return render_voice(performance, VOICES[program], rng)
    if program in SYNTHS:
        return render_sustained(performance, SYNTHS[program], rng)
    return render_sound_effect(performance, SOUND_EFFECTS[program], rng)


def render_part(
    part: Part, score: Score, sample_rate: int, num_samples: int, rng: np.random.Generator
) -> FloatArray:
    """Render one part with the built-in instruments.

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

    Returns
    -------
    ndarray, float32, shape (2, num_samples)
        Silence for an empty part.
    """
    performance = performance_of(part, score, sample_rate, num_samples)
    if not performance.num_notes:
        return performance.silence()
    if part.is_drum:
        return render_drums(performance, rng)
    performance = replace(performance, correction=correction_of(part.program))
    audio = render_section(part, performance, lambda p: _render_program(part.program, p, rng))
    audio *= np.float32(gain_of(part.program))
    return audio
