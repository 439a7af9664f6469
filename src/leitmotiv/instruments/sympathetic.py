"""Sympathetic resonance: the piano's free strings answer those that are struck.

Purpose: the bloom of a pedalled piano and the faint halo of its undamped top strings.

How it works: all free strings together are one linear system, a few hundred narrow resonances at
the partials of every string. Its impulse response is summed from their transfer functions, and the
sound of the struck strings goes through it by fast convolution: through all strings while the
pedal lifts the dampers, and always through those above the last damper. When the pedal falls, the
dampers take the answer away as fast as any other string.

Conventions: partials of stiff strings as in :mod:`~leitmotiv.instruments.piano`; levels in dB
against the sound that excites.

References: G. Weinreich, "Coupled piano strings", JASA 62, 1977; H.-M. Lehtonen et al., "Analysis
and modeling of piano sustain-pedal effects", JASA 122, 2007 (decay and level of the pedal's ring).

Public names: :func:`add_sympathetic_resonance`, :func:`free_strings_response`.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from leitmotiv.instruments.performance import FloatArray, Performance

__all__ = ["add_sympathetic_resonance", "free_strings_response"]

LOWEST_KEY, HIGHEST_KEY, LAST_DAMPED_KEY = 21, 108, 89
PEDAL_DB, TOP_DB = -25.0, -34.0
_RESPONSE_SEC = 5.0
_HIGHEST_HZ = 5_000.0  # above, strings answer too little and decay too fast to be heard
_PARTIALS = 14
_RELEASE_SEC = 0.22
_ONSET_SEC = 0.05  # dampers leave the strings within some tens of milliseconds


@lru_cache(maxsize=4)
def free_strings_response(sample_rate: int, lowest_key: int, highest_key: int) -> FloatArray:
    """Return what free strings answer to a click, unit energy, float32 (2, samples).

    Parameters
    ----------
    sample_rate : int
        Hz.
    lowest_key, highest_key : int
        MIDI numbers of the first and the last free string.
    """
    rng = np.random.default_rng(88)
    length = 1 << int(np.ceil(np.log2(1.5 * _RESPONSE_SEC * sample_rate)))
    bins = np.zeros((2, length // 2 + 1), np.complex128)
    step_hz = sample_rate / length
    for key in range(lowest_key, highest_key + 1):
        f0 = 440.0 * 2 ** ((key - 69) / 12) * 2 ** (rng.normal(0.0, 1.5) / 1200)
        stiffness = 1.5e-4 * 2 ** (abs(key - 45) / 10)
        pan = (key - 64.5) / 43.5 * 0.6
        angle = (pan + 1) * np.pi / 4
        for order in range(1, _PARTIALS + 1):
            frequency = f0 * order * np.sqrt((1 + stiffness * order**2) / (1 + stiffness))
            if frequency > min(_HIGHEST_HZ, 0.45 * sample_rate):
                break
            # Free strings ring nearly as long as struck ones; the top goes first.
            rt60_sec = 7.5 * 2 ** (-(key - 45) / 16) / (1 + frequency / 3500.0)
            damping = 6.91 / max(rt60_sec, 0.15)
            amplitude = rng.normal(0.0, 1.0) * np.sqrt(damping) / order**0.6
            middle = round(frequency / step_hz)
            reach = int(min(400 + 40 * damping, 4000))
            low, high = max(middle - reach, 1), min(middle + reach, length // 2)
            offset = 2 * np.pi * (np.arange(low, high) * step_hz - frequency)
            # One pole of a decaying partial, tapered towards the ends of its window.
            taper = np.hanning(2 * reach)[low - middle + reach : high - middle + reach]
            resonance = amplitude * taper / (damping + 1j * offset)
            bins[0, low:high] += np.cos(angle) * resonance
            bins[1, low:high] += np.sin(angle) * resonance
    response = np.fft.irfft(bins, length, axis=1)[:, : round(_RESPONSE_SEC * sample_rate)]
    fade = round(0.5 * sample_rate)
    response[:, -fade:] *= np.cos(np.linspace(0, np.pi / 2, fade)) ** 2
    response /= np.sqrt(np.mean(np.square(response).sum(axis=1)))
    result = response.astype(np.float32)
    result.flags.writeable = False
    return result


def add_sympathetic_resonance(audio: FloatArray, performance: Performance) -> FloatArray:
    """Add what the free strings answer, in place.

    Parameters
    ----------
    audio : ndarray of float32, shape (2, num_samples)
        The struck strings.
    performance : Performance
        Tells when the pedal is down.

    Returns
    -------
    ndarray of float32, shape (2, num_samples)
        ``audio`` itself.
    """
    from scipy.signal import oaconvolve

    rate, num_samples = performance.sample_rate, audio.shape[1]
    if not performance.num_notes:
        return audio
    struck = audio.copy()
    top = free_strings_response(rate, LAST_DAMPED_KEY + 1, HIGHEST_KEY)
    first = int(performance.onset.min())  # before it, transforms would leave rounding errors
    answer = oaconvolve(struck[:, first:], top, axes=1)[:, : num_samples - first]
    audio[:, first:] += (answer * 10 ** (TOP_DB / 20)).astype(np.float32)
    if not len(performance.pedal_down):
        return audio
    damped = free_strings_response(rate, LOWEST_KEY, LAST_DAMPED_KEY)
    fall = -6.91 / (_RELEASE_SEC * rate)
    ring = round(2 * _RELEASE_SEC * rate)
    # Each span of the pedal begins with strings at rest and ends under the dampers.
    for down, up in performance.pedal_down.tolist():
        heard = struck[:, down:up]
        lifting = np.minimum(np.arange(1, up - down + 1) / round(_ONSET_SEC * rate), 1.0)
        answer = oaconvolve(heard * lifting.astype(np.float32), damped, axes=1)
        answer = answer[:, : min(up + ring, num_samples) - down]
        answer[:, up - down :] *= np.exp(fall * np.arange(1, answer.shape[1] - (up - down) + 1))
        audio[:, down : down + answer.shape[1]] += (answer * 10 ** (PEDAL_DB / 20)).astype(
            np.float32
        )
    return audio
