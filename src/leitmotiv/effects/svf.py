"""State-variable filter: one second-order section whose every coefficient may move.

Purpose: the kernel behind filters, equalisers and crossovers.

How it works: two trapezoidal integrators without a delay between them. Their states are what a
circuit's capacitors hold, so cutoff, gain and quality may jump at any sample and the filter
stays stable, where a direct-form biquad would ring or blow up. With gains in place the sections
have exactly the responses of the audio cookbook.

Conventions: audio is filtered in place. Cutoffs are held below 0.49 of the sample rate. Kinds are
the integers named here.

Public names: :func:`run_svf`, :data:`KINDS`, :func:`new_state`, :func:`is_off`,
:func:`constant`.

References: Zavalishin, *The Art of VA Filter Design*, chapter 4; Simper, *Linear trapezoidal
integrated state variable filter* (Cytomic, 2013); Bristow-Johnson, *Cookbook formulae for audio
EQ biquad filter coefficients*.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from leitmotiv.audio.compiled import compiled

__all__ = ["KINDS", "constant", "is_off", "new_state", "run_svf"]

LOW_PASS, HIGH_PASS, BAND_PASS, NOTCH, ALL_PASS, BELL, LOW_SHELF, HIGH_SHELF = range(8)

KINDS = {
    "low_pass": LOW_PASS,
    "high_pass": HIGH_PASS,
    "band_pass": BAND_PASS,
    "notch": NOTCH,
    "all_pass": ALL_PASS,
    "bell": BELL,
    "low_shelf": LOW_SHELF,
    "high_shelf": HIGH_SHELF,
}
"""Name of each response: its integer in the kernel."""

IDLE_SAMPLES = 4096.0


def new_state(num_channels: int) -> NDArray[np.float64]:
    """Return the memory of one section that is off: per channel two integrators; idle samples."""
    state = np.zeros((num_channels, 3))
    state[0, 2] = IDLE_SAMPLES
    return state


def is_off(state: NDArray[np.float64], gain_db: NDArray[np.float64]) -> bool:
    """Return whether a bell or shelf would let the block pass and remember nothing of it."""
    return bool(state[0, 2] >= IDLE_SAMPLES and not gain_db.any())


def constant(value: float, num_samples: int) -> NDArray[np.float64]:
    """Return a curve that stands still; read-only, as the curves of parameters are."""
    curve = np.full(num_samples, value)
    curve.flags.writeable = False
    return curve


@compiled
def run_svf(
    audio: NDArray[np.float32],
    kind: int,
    cutoff_hz: NDArray[np.float64],
    quality: NDArray[np.float64],
    gain_db: NDArray[np.float64],
    sample_rate: float,
    state: NDArray[np.float64],
) -> None:
    """Filter float32 (channels, samples) in place.

    ``cutoff_hz``, ``quality`` and ``gain_db`` have one value a sample. Bells and shelves take a
    gain in dB; passes and notches take their share in its place, 0 (all passes) to 1. Where
    either is 0 nothing changes. A bell or shelf that stood at 0 for 4096 samples is off and
    forgets, so that :func:`is_off` may save the call. The band pass has unity gain in its
    middle. ``state`` is made by :func:`new_state` and carried from block to block.
    """
    last_cutoff, last_quality, last_gain = -1.0, -1.0, 1e9
    s11 = s12 = s22 = b1 = b2 = through = c1 = c2 = 0.0
    for n in range(audio.shape[1]):
        if cutoff_hz[n] != last_cutoff or quality[n] != last_quality or gain_db[n] != last_gain:
            last_cutoff, last_quality, last_gain = cutoff_hz[n], quality[n], gain_db[n]
            g = math.tan(math.pi * min(last_cutoff / sample_rate, 0.49))
            k = 1.0 / last_quality
            amplitude = 10.0 ** (last_gain / 40.0) if kind >= BELL else 1.0
            if kind == BELL:
                k /= amplitude
            elif kind == LOW_SHELF:
                g /= math.sqrt(amplitude)
            elif kind == HIGH_SHELF:
                g *= math.sqrt(amplitude)
            # What of the input, the band and the low output is heard.
            m0, m1, m2 = 1.0, 0.0, 0.0
            if kind == LOW_PASS:
                m0, m2 = 0.0, 1.0
            elif kind == HIGH_PASS:
                m1, m2 = -k, -1.0
            elif kind == BAND_PASS:
                m0, m1 = 0.0, k
            elif kind == NOTCH:
                m1 = -k
            elif kind == ALL_PASS:
                m1 = -2.0 * k
            elif kind == BELL:
                m1 = k * (amplitude * amplitude - 1.0)
            elif kind == LOW_SHELF:
                m1, m2 = k * (amplitude - 1.0), amplitude * amplitude - 1.0
            else:
                m0 = amplitude * amplitude
                m1, m2 = k * (1.0 - amplitude) * amplitude, 1.0 - amplitude * amplitude
            # The loop solved: both states and the output as sums of states and input.
            a1 = 1.0 / (1.0 + g * (g + k))
            a2 = g * a1
            a3 = g * a2
            s11, s12, b1 = 2.0 * a1 - 1.0, -2.0 * a2, 2.0 * a2
            s22, b2 = 1.0 - 2.0 * a3, 2.0 * a3
            through = m0 + m1 * a2 + m2 * a3
            c1 = m1 * a1 + m2 * a2
            c2 = m2 - m1 * a2 - m2 * a3
            if kind < BELL:
                through = last_gain * through + (1.0 - last_gain)
                c1 *= last_gain
                c2 *= last_gain
        if last_gain != 0.0:
            state[0, 2] = 0.0
        elif state[0, 2] < IDLE_SAMPLES:
            state[0, 2] += 1.0
        # A cut that is off has settled on the input, so that it comes in without a click.
        if last_gain == 0.0 and (kind < BELL or state[0, 2] >= IDLE_SAMPLES):
            for channel in range(audio.shape[0]):
                state[channel, 0] = 0.0
                state[channel, 1] = audio[channel, n] if kind == LOW_PASS else 0.0
            continue
        for channel in range(audio.shape[0]):
            x = float(audio[channel, n])
            one, two = state[channel, 0], state[channel, 1]
            y = through * x + (c1 * one + c2 * two)
            # The tiny constants keep a fading state from becoming denormal, which is slow; what
            # they make of silence is not let out.
            audio[channel, n] = y if abs(y) > 1e-25 else 0.0
            state[channel, 0] = (b1 * x + 1e-30) + (s11 * one + s12 * two)
            state[channel, 1] = (b2 * x + 1e-30) + (s22 * two - s12 * one)
