"""Impulse responses of guitar cabinets and microphones, made from what such things do.

Purpose: loudspeakers for the amplifiers of the rack, free of anybody's recordings.

How it works: a loudspeaker is its bass resonance in the box, the breakup modes of its cone
between one and five kilohertz, and the steep end above them; an open back takes bass away by
what leaks around the baffle; a second and further loudspeakers arrive later at the microphone
and comb the sound; a microphone adds its own curve, more bass the closer it stands, less treble
the further it stands from the cone's centre, and from some distance on the floor is heard.
All filters are minimum phase, so the response begins at once.

Conventions: float32 (samples,), about 40 ms; the same for the same names at every sample rate. The
level is set so that a guitar's spectrum passes at unchanged loudness.

Public names: :data:`CABINETS`, :data:`MICROPHONES`, :func:`cabinet_response`.

References: T. Hélie et al. and others on loudspeaker breakup are too many to follow; the curves
are fitted by ear and eye to the shapes that manufacturers publish for 12-inch guitar loudspeakers.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray
from scipy.signal import butter, sosfilt

from leitmotiv.effects.effect import check_range
from leitmotiv.errors import AudioError

__all__ = ["CABINETS", "MICROPHONES", "cabinet_response"]

_LENGTH_SEC = 0.04
_SPEED_OF_SOUND = 343.0

Peak = tuple[float, float, float]  # Hz, dB, Q


@dataclass(frozen=True)
class Loudspeakers:
    """A box: resonance (Hz, Q), peaks, upper end (Hz), spacing of its speakers in metres."""

    resonance_hz: float
    resonance_q: float
    peaks: tuple[Peak, ...]
    end_hz: float
    spacing_m: tuple[float, ...] = ()
    open_back: bool = False
    seed: int = 0


@dataclass(frozen=True)
class Microphone:
    """A microphone: its peaks, its ends in Hz, and how much closeness lifts its bass (0-1)."""

    peaks: tuple[Peak, ...]
    low_hz: float
    high_hz: float
    proximity: float


CABINETS = MappingProxyType(
    {
        "open_1x12": Loudspeakers(
            95.0,
            1.1,
            ((400.0, -2.5, 0.8), (1500.0, 1.5, 1.2), (2700.0, 5.5, 1.6), (3900.0, 3.0, 2.5)),
            5200.0,
            open_back=True,
            seed=11,
        ),
        "open_2x12": Loudspeakers(
            85.0,
            1.0,
            ((450.0, -2.0, 0.9), (1300.0, 1.0, 1.0), (2400.0, 4.5, 1.3), (3600.0, 4.0, 2.2)),
            5600.0,
            spacing_m=(0.30,),
            open_back=True,
            seed=22,
        ),
        "closed_2x12": Loudspeakers(
            100.0,
            1.4,
            ((420.0, -3.5, 0.9), (1700.0, 2.0, 1.1), (2600.0, 4.0, 1.5), (4100.0, 2.5, 2.5)),
            4900.0,
            spacing_m=(0.30,),
            seed=33,
        ),
        "closed_4x12": Loudspeakers(
            108.0,
            1.7,
            ((380.0, -4.0, 0.8), (1600.0, 2.5, 1.2), (2500.0, 5.0, 1.6), (3700.0, 3.0, 2.8)),
            4600.0,
            spacing_m=(0.30, 0.32, 0.44),
            seed=44,
        ),
        "bass_4x10": Loudspeakers(
            62.0,
            1.0,
            ((250.0, 1.0, 0.7), (800.0, -2.0, 0.9), (1900.0, 2.5, 1.2), (3200.0, 2.0, 2.0)),
            4200.0,
            spacing_m=(0.26, 0.27, 0.38),
            seed=55,
        ),
    }
)
"""Cabinets by name: how many speakers of how many inches, in an open or a closed box."""

MICROPHONES = MappingProxyType(
    {
        "dynamic": Microphone(((5200.0, 4.5, 1.0), (250.0, -1.5, 0.7)), 90.0, 13_000.0, 0.8),
        "ribbon": Microphone(((200.0, 1.5, 0.6), (3500.0, -1.0, 0.8)), 35.0, 9_000.0, 1.0),
        "condenser": Microphone(((9000.0, 2.0, 0.8),), 25.0, 18_000.0, 0.4),
    }
)
"""Microphones by name."""


def cabinet_response(
    cabinet: str,
    microphone: str,
    *,
    position: float = 0.35,
    distance_cm: float = 5.0,
    sample_rate: int,
) -> NDArray[np.float32]:
    """Return an impulse response.

    Parameters
    ----------
    cabinet, microphone : str
        Of :data:`CABINETS` and :data:`MICROPHONES`.
    position : float
        Where the microphone stands before the cone: 0 the centre (bright), 1 the edge (dark).
    distance_cm : float
        1-200 cm from the grille.
    sample_rate : int
        Hz.

    Raises
    ------
    AudioError
        If a name is unknown or a value out of range.
    """
    for name, value, legal in (
        ("cabinet", cabinet, CABINETS),
        ("microphone", microphone, MICROPHONES),
    ):
        if value not in legal:
            raise AudioError(f"{name}={value!r} must be one of {', '.join(legal)}")
    check_range("position", position, 0.0, 1.0, "")
    check_range("distance_cm", distance_cm, 1.0, 200.0, "cm")
    box, mic = CABINETS[cabinet], MICROPHONES[microphone]
    count = round(_LENGTH_SEC * sample_rate)
    metres = distance_cm / 100.0
    response = np.zeros(count)
    response[0] = 1.0
    for spacing in box.spacing_m:
        # Further speakers: later, softer, and duller, as the microphone is beside their axis.
        path = np.hypot(spacing, metres)
        level = 0.5 * metres / path + 0.1
        delayed = _delayed(count, (path - metres) / _SPEED_OF_SOUND * sample_rate)
        response += level * _low_pass(delayed, 2600.0, 1, sample_rate)
    response = _speaker(response, box, position, sample_rate)
    closeness = 1.0 / (1.0 + metres / 0.12)
    response = _shelf(response, 180.0, 7.0 * mic.proximity * closeness, sample_rate)
    if box.open_back:
        around = _delayed(count, 0.55 / _SPEED_OF_SOUND * sample_rate)
        leak = np.convolve(response, _low_pass(around, 500.0, 1, sample_rate))[:count]
        response -= 0.55 * leak
    if metres > 0.1:
        further = 2 * np.hypot(metres / 2, 0.35) - metres
        floor = np.convolve(response, _delayed(count, further / _SPEED_OF_SOUND * sample_rate))
        response += 0.35 * (1 - closeness) * _low_pass(floor[:count], 3000.0, 1, sample_rate)
    for peak in mic.peaks:
        response = _peaking(response, peak, sample_rate)
    response = sosfilt(butter(2, mic.low_hz, "high", fs=sample_rate, output="sos"), response)
    response = _low_pass(response, mic.high_hz, 2, sample_rate)
    fade = round(0.25 * count)
    response[-fade:] *= 0.5 + 0.5 * np.cos(np.pi * np.arange(fade) / fade)
    return np.asarray(response / _loudness(response, sample_rate), dtype=np.float32)


def _speaker(
    signal: NDArray[np.float64], box: Loudspeakers, position: float, sample_rate: int
) -> NDArray[np.float64]:
    """Resonance, breakup and upper end of a loudspeaker heard at a place of its cone."""
    signal = sosfilt(butter(2, box.resonance_hz, "high", fs=sample_rate, output="sos"), signal)
    lift_db = 20 * np.log10(box.resonance_q) + 2.0
    signal = _peaking(signal, (box.resonance_hz, lift_db, 1.5), sample_rate)
    for hz, gain_db, q in box.peaks:
        # The centre radiates the treble; at the edge it is turned away.
        share = 1.0 - 0.6 * position if hz > 2000.0 else 1.0
        signal = _peaking(signal, (hz, gain_db * share, q), sample_rate)
    rng = np.random.default_rng(box.seed)
    for hz in np.sort(rng.uniform(900.0, 6500.0, 14)):
        # Modes of the cone: narrow, a few decibels up or down, in a place that is the speaker's.
        signal = _peaking(signal, (hz, rng.normal(0.0, 2.2), rng.uniform(4.0, 11.0)), sample_rate)
    signal = _low_pass(signal, box.end_hz * (1.0 - 0.35 * position), 3, sample_rate)
    return _low_pass(signal, 1.6 * box.end_hz, 2, sample_rate)


def _delayed(count: int, samples: float) -> NDArray[np.float64]:
    """An impulse at a place between samples."""
    at = np.arange(count) - samples
    window = np.where(np.abs(at) < 16, 0.5 + 0.5 * np.cos(np.pi * at / 16), 0.0)
    return np.asarray(np.sinc(at) * window)


def _low_pass(
    signal: NDArray[np.float64], hz: float, order: int, sample_rate: int
) -> NDArray[np.float64]:
    if hz >= 0.49 * sample_rate:
        return signal
    return np.asarray(sosfilt(butter(order, hz, fs=sample_rate, output="sos"), signal))


def _peaking(signal: NDArray[np.float64], peak: Peak, sample_rate: int) -> NDArray[np.float64]:
    """Bell of the Audio EQ Cookbook (R. Bristow-Johnson)."""
    hz, gain_db, q = peak
    if hz >= 0.49 * sample_rate:
        return signal
    root, w = 10 ** (gain_db / 40), 2 * np.pi * hz / sample_rate
    alpha = np.sin(w) / (2 * q)
    sos = [1 + alpha * root, -2 * np.cos(w), 1 - alpha * root]
    sos += [1 + alpha / root, -2 * np.cos(w), 1 - alpha / root]
    return np.asarray(sosfilt(np.array([sos]) / sos[3], signal))


def _shelf(
    signal: NDArray[np.float64], hz: float, gain_db: float, sample_rate: int
) -> NDArray[np.float64]:
    """First-order low shelf."""
    low = sosfilt(butter(1, hz, fs=sample_rate, output="sos"), signal)
    return np.asarray(signal + (10 ** (gain_db / 20) - 1.0) * low)


def _loudness(response: NDArray[np.float64], sample_rate: int) -> float:
    """Gain for a spectrum like an amplifier's: flat to 400 Hz, then 6 dB an octave down."""
    frequency = np.fft.rfftfreq(8192, 1 / sample_rate)
    weight = (frequency > 60) / (1 + (frequency / 400.0) ** 2)
    power = np.abs(np.fft.rfft(response, 8192)) ** 2
    return float(np.sqrt((power * weight).sum() / weight.sum()))
