"""From the recording of a single note to harmonics, noise bands, pitch curve and stiffness.

Windows hold at least four periods, so low notes are seen through long ones; the blur that these put
on an attack is taken back with a fast envelope of the whole signal.

Conventions: audio mono float, times in seconds from the onset, levels as in
:mod:`~leitmotiv.instruments.neural_grid`.

Public names: :class:`NoteFrames`, :func:`analyse_note`, :func:`find_onset`, :func:`find_ending`,
:func:`note_level`.

References: X. Serra and J. Smith, *Spectral Modeling Synthesis*, Computer Music Journal, 1990.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import median_filter, uniform_filter1d

from leitmotiv.instruments.neural_grid import (
    FLOOR_DB,
    GROUP_EDGES,
    MAX_HARMONIC,
    NUM_BANDS,
    TOP_HZ,
    noise_edges_hz,
    partial_hz,
)
from leitmotiv.instruments.oscillators import loudness_weight, midi_to_hz

__all__ = ["NoteFrames", "analyse_note", "find_ending", "find_onset", "note_level"]

Float = NDArray[np.float64]

_PERIODS = 4.5
_SHORTEST_SEC, _LONGEST_SEC = 0.024, 0.115


@dataclass(frozen=True, eq=False)
class NoteFrames:
    """A note taken apart.

    ``time_sec`` (frames,); ``harmonic_db`` (frames, NUM_GROUPS), NaN for groups above the highest
    frequency; ``noise_db`` (frames, NUM_BANDS); ``cents`` (frames,) is the pitch against the
    nominal one; ``inharmonicity`` is B of the stiff string; ``release_db_per_sec`` how fast the
    sound falls after the key is let go.
    """

    pitch: float
    time_sec: Float
    harmonic_db: NDArray[np.float32]
    noise_db: NDArray[np.float32]
    cents: Float
    inharmonicity: float
    release_db_per_sec: float


def find_onset(audio: NDArray[Any], sample_rate: int, threshold_db: float = -34.0) -> int:
    """First sample of a note: where a 3 ms envelope passes a level under the loudest one."""
    size = max(int(0.003 * sample_rate), 1)
    square = uniform_filter1d(np.asarray(audio, np.float64) ** 2, size)
    envelope = np.sqrt(np.maximum(square, 0.0))
    loud = np.flatnonzero(envelope > envelope.max() * 10 ** (threshold_db / 20))
    return max(int(loud[0]) - size // 2, 0) if len(loud) else 0


def find_ending(audio: NDArray[Any], sample_rate: int) -> tuple[float, float]:
    """When a note is let go, in seconds, and how fast it falls then, in dB/s.

    A tone that dies away by itself is let go at its end.
    """
    hop = int(0.01 * sample_rate)
    size = 3 * hop
    count = max((len(audio) - size) // hop + 1, 1)
    pieces = [audio[k * hop : k * hop + size].astype(np.float64) for k in range(count)]
    level = np.array([10 * np.log10(np.mean(piece**2) + 1e-14) for piece in pieces])
    length = len(audio) / sample_rate
    if count < 12:
        return length, 150.0
    # What the body does goes on in a straight line; the end leaves it by 8 dB.
    body = slice(count // 8, max(count * 5 // 8, count // 8 + 4))
    slope, base = np.polyfit(np.arange(count)[body], level[body], 1)
    line = base + min(slope, 0.0) * np.arange(count)
    inside = np.flatnonzero(level > line - 8.0)
    last = int(inside[-1])
    if last >= count - 3:
        return length, 150.0
    tail = level[last:]
    low = np.flatnonzero(tail < tail[0] - 20.0)
    span = int(low[0]) if len(low) else len(tail) - 1
    rate = (tail[0] - tail[span]) / max(span * hop / sample_rate, 0.01)
    return min(last * hop / sample_rate + 0.02, length), float(np.clip(rate, 20.0, 800.0))


def note_level(audio: NDArray[Any], sample_rate: int) -> float:
    """K-weighted RMS of the loudest 100 ms of a mono note; 0 for silence."""
    audio = np.asarray(audio, np.float64)
    size = 1 << int(np.ceil(np.log2(max(len(audio), 2))))
    spectrum = np.fft.rfft(audio, size)
    frequency = np.asarray(np.fft.rfftfreq(size, 1 / sample_rate), np.float64)
    spectrum *= loudness_weight(frequency)
    weighted = np.fft.irfft(spectrum, size)[: len(audio)]
    span = min(int(0.1 * sample_rate), len(audio))
    return float(np.sqrt(max(uniform_filter1d(weighted**2, span, mode="constant").max(), 0.0)))


def _windows(
    audio: Float, centres: NDArray[np.int64], length: int, *, clean: bool = False
) -> tuple[Float, int]:
    """Power spectra at the centres: (frames, bins), FFT size.

    Through a Hann window, or where ``clean`` through Blackman's, whose side lobes are lower.
    """
    n_fft = 1 << int(np.ceil(np.log2(2 * length)))
    window = (np.blackman if clean else np.hanning)(length + 1)[:length]
    padded = np.pad(audio, (length, length + n_fft))
    index = centres + length - length // 2
    frames = np.lib.stride_tricks.sliding_window_view(padded, length)[index] * window
    spectrum = np.fft.rfft(frames.astype(np.float32), n_fft, axis=1)
    # Scaled so that the bins of one sine of amplitude A add up to A^2 / 2.
    power = np.abs(spectrum) ** 2 * (2.0 / (n_fft * np.sum(window**2)))
    return power.astype(np.float64), n_fft


def _peak_hz(power: Float, guess_hz: Float, reach_hz: Float, bin_hz: float) -> tuple[Float, Float]:
    """Refine peaks: frequency and power at the top of the strongest bin near each guess.

    ``guess_hz`` and ``reach_hz`` have shape (frames,).
    """
    half = max(int(np.ceil(float(reach_hz.max()) / bin_hz)), 1)
    middle = np.rint(guess_hz / bin_hz).astype(np.int64)
    index = np.clip(middle[:, None] + np.arange(-half, half + 1), 1, power.shape[1] - 2)
    rows = np.arange(len(power))[:, None]
    near = np.where(np.abs(index * bin_hz - guess_hz[:, None]) <= reach_hz[:, None], 1.0, 0.0)
    best = index[rows[:, 0], np.argmax(power[rows, index] * near + 1e-30 * near, axis=1)]
    logs = np.log(power[rows, best[:, None] + np.array([-1, 0, 1])] + 1e-30)
    bend = logs[:, 0] - 2 * logs[:, 1] + logs[:, 2]
    shift = np.where(bend < -1e-9, 0.5 * (logs[:, 0] - logs[:, 2]) / np.minimum(bend, -1e-9), 0.0)
    return (best + np.clip(shift, -0.5, 0.5)) * bin_hz, power[rows[:, 0], best]


def _pitch_curve(power: Float, nominal_hz: float, stiffness: float, bin_hz: float) -> Float:
    """Fundamental of every frame in Hz from its first eight partials, by power and precision."""
    frames = len(power)
    total, weights = np.zeros(frames), np.zeros(frames)
    guess = np.full(frames, nominal_hz)
    found, strength = [], []
    top = 0.95 * (power.shape[1] - 1) * bin_hz
    for harmonic in range(1, 9):
        stretch = float(partial_hz(1.0, stiffness, harmonic))
        if stretch * nominal_hz > top:
            break
        # Wide enough for 60 cents, and never so narrow that no bin lies inside.
        reach = np.minimum(0.035 * stretch * guess, 0.4 * nominal_hz)
        reach = np.maximum(reach, 1.01 * bin_hz)
        hz, peak = _peak_hz(power, stretch * guess, reach, bin_hz)
        found.append(hz / stretch)
        strength.append(peak)
    for value, peak in zip(found, strength, strict=True):
        weight = np.sqrt(peak)
        total += weight * value
        weights += weight
    heard = weights > 1e-3 * weights.max()
    if not heard.any():
        return np.full(frames, nominal_hz)
    curve = np.where(heard, total / np.maximum(weights, 1e-20), nominal_hz)
    # A frame that lost its way must not bend the note.
    middle = float(np.median(curve[heard]))
    return np.asarray(np.clip(curve, middle * 0.96, middle * 1.04))


def _stiffness(audio: Float, sample_rate: int, nominal_hz: float) -> float:
    """B of a struck or plucked string, from up to 24 partials of one long window."""
    length = min(len(audio), int(0.7 * sample_rate))
    start = min(int(0.05 * sample_rate), max(len(audio) - length, 0))
    power, n_fft = _windows(audio, np.array([start + length // 2]), length)
    bin_hz = sample_rate / n_fft
    orders, places, weights = [], [], []
    f0, stiffness = nominal_hz, 0.0
    loudest = float(power.max())
    for harmonic in range(1, 25):
        guess = float(partial_hz(f0, stiffness, harmonic))
        if guess > min(0.45 * sample_rate, TOP_HZ):
            break
        reach = np.array([max(0.015 * guess, 0.25 * nominal_hz if harmonic > 1 else 0.0)])
        hz, peak = _peak_hz(power, np.array([guess]), np.minimum(reach, 0.3 * nominal_hz), bin_hz)
        if peak[0] < 1e-6 * loudest:
            continue
        orders.append(harmonic)
        places.append(float(hz[0]) / harmonic)
        weights.append(float(peak[0]) ** 0.25)
        if len(orders) >= 3:
            x, y = np.array(orders, float) ** 2, np.array(places) ** 2
            slope, base = np.polyfit(x, y, 1, w=np.array(weights) * np.sqrt(x))
            if base > 0:
                stiffness = float(np.clip(slope / base, 0.0, 4e-3))
                f0 = float(np.clip(np.sqrt(base), nominal_hz * 0.97, nominal_hz * 1.03))
    # Fewer partials than four could bend any line.
    return stiffness if stiffness > 1e-5 and len(orders) >= 4 else 0.0


def _release_rate(audio: Float, sample_rate: int, key_up_sec: float | None) -> float:
    """Fall after key-up in dB/s, 20-600; NaN where the recording does not show it."""
    if key_up_sec is None:
        return float("nan")
    size = max(int(0.02 * sample_rate), 1)
    envelope = 10 * np.log10(uniform_filter1d(audio**2, size) + 1e-14)
    begin = int((key_up_sec + 0.01) * sample_rate)
    tail = envelope[begin : begin + int(0.8 * sample_rate)]
    if len(tail) < size:
        return float("nan")
    low = np.flatnonzero(tail < tail[0] - 24.0)
    span = int(low[0]) if len(low) else len(tail) - 1
    fall = float(tail[0] - tail[span])
    return float(np.clip(fall / max(span / sample_rate, 0.01), 3.0, 1200.0))


def analyse_note(
    audio: NDArray[Any],
    sample_rate: int,
    pitch: float,
    time_sec: NDArray[Any],
    *,
    stiff: bool = False,
    key_up_sec: float | None = None,
) -> NoteFrames:
    """Take a note apart at chosen moments.

    Parameters
    ----------
    audio : ndarray, shape (samples,)
        Mono, beginning at the onset, scaled to level 1 (see :func:`note_level`).
    sample_rate : int
        Hz, 22,050 to 96,000.
    pitch : float
        Nominal MIDI pitch; the recording may be 60 cents off.
    time_sec : ndarray, shape (frames,)
        Moments, rising.
    stiff : bool
        Whether partials may be stretched (strings that are plucked or struck).
    key_up_sec : float, optional
        When the key was let go, to measure the release.

    Examples
    --------
    >>> t = np.arange(48_000) / 48_000
    >>> tone = 0.5 * np.sin(2 * np.pi * 440 * t) + 0.05 * np.sin(2 * np.pi * 1320 * t)
    >>> frames = analyse_note(tone, 48_000, 69, np.array([0.3, 0.5]))
    >>> np.round(frames.harmonic_db[0, [0, 2]]).tolist()
    [-6.0, -26.0]
    """
    audio = np.asarray(audio, np.float64)
    nominal = float(midi_to_hz(pitch))
    stiffness = _stiffness(audio, sample_rate, nominal) if stiff else 0.0
    length = int(np.clip(_PERIODS / nominal, _SHORTEST_SEC, _LONGEST_SEC) * sample_rate)
    centres = np.rint(np.asarray(time_sec) * sample_rate).astype(np.int64)
    centres = np.clip(centres, 0, len(audio) - 1)
    power, n_fft = _windows(audio, centres, length)
    bin_hz = sample_rate / n_fft
    f0 = _pitch_curve(power, nominal, stiffness, bin_hz)
    # The first frames hold half a window of silence, and the pitch of an attack is a guess.
    f0 = median_filter(f0, 5, mode="nearest")

    sharpened = _sharpening(audio, centres, length, sample_rate, nominal)
    noise_density = _noise_density(audio, centres, f0, stiffness, sample_rate)
    edges = noise_edges_hz()
    top = min(TOP_HZ, 0.45 * sample_rate)
    bands = np.searchsorted(edges, np.arange(power.shape[1]) * bin_hz, side="right") - 1
    density_bins = noise_density[:, np.clip(bands, 0, NUM_BANDS - 1)] * bin_hz

    lobe_hz = min(2.0 * sample_rate / length, 0.5 * nominal)
    half = max(int(lobe_hz / bin_hz), 1)
    # Power summed up over frequency: every partial is the difference of two places in it.
    summed = np.cumsum(power - density_bins, axis=1)
    order = np.arange(1, MAX_HARMONIC + 1)
    hz = partial_hz(f0[:, None], stiffness, order)  # (frames, harmonics)
    inside = hz < top
    place = np.rint(hz / bin_hz).astype(np.int64)
    high = np.clip(place + half, 1, power.shape[1] - 1)
    low = np.clip(place - half - 1, 0, power.shape[1] - 1)
    found = np.take_along_axis(summed, high, 1) - np.take_along_axis(summed, low, 1)
    found = np.where(inside, np.maximum(found, 0.0), 0.0)
    edges_of = np.array(GROUP_EDGES[:-1])
    cumulative = np.add.reduceat(found, edges_of, axis=1)
    counts = np.add.reduceat(inside.astype(np.float64), edges_of, axis=1)
    mean = cumulative / np.maximum(counts, 1)
    mean *= sharpened[:, None] ** 2
    harmonic_db = 10 * np.log10(2.0 * mean + 10 ** (FLOOR_DB / 10))
    harmonic_db[counts == 0] = np.nan
    widths = np.diff(edges)
    noise_power = noise_density * widths * sharpened[:, None] ** 2
    noise_db = 10 * np.log10(noise_power + 10 ** (FLOOR_DB / 10))
    return NoteFrames(
        float(pitch),
        np.asarray(time_sec, np.float64),
        harmonic_db.astype(np.float32),
        noise_db.astype(np.float32),
        1200 * np.log2(f0 / nominal),
        stiffness,
        _release_rate(audio, sample_rate, key_up_sec),
    )


def _sharpening(
    audio: Float, centres: NDArray[np.int64], length: int, sample_rate: int, nominal: float
) -> Float:
    """Gain per frame that gives an attack back what the long window took, 0.1-4."""
    fast = max(int(max(0.008, 1.3 / nominal) * sample_rate), 1)
    square = audio**2
    # Looking forward only: what stands before the onset is silence.
    quick = uniform_filter1d(square, fast, mode="constant", origin=-(fast // 2))
    window = np.hanning(length + 1)[:length] ** 2
    padded = np.pad(square, (length, length))
    index = centres + length - length // 2
    slow = np.lib.stride_tricks.sliding_window_view(padded, length)[index] @ (window / window.sum())
    gain = np.sqrt((quick[centres] + 1e-12) / (slow + 1e-12))
    away = np.clip((centres / max(length, 1) - 0.6) / 0.6, 0.0, 1.0)  # steady tones need none
    return np.asarray(np.clip(gain, 0.1, 4.0) ** (1.0 - away))


def _noise_density(
    audio: Float, centres: NDArray[np.int64], f0: Float, stiffness: float, sample_rate: int
) -> Float:
    """Noise power per Hz in every band, (frames, NUM_BANDS), from what lies between partials."""
    nominal = float(np.median(f0))
    length = int(np.clip(8.0 / nominal, _SHORTEST_SEC, 0.2) * sample_rate)
    power, n_fft = _windows(audio, centres, length, clean=True)
    bin_hz = sample_rate / n_fft
    frequency = np.arange(power.shape[1]) * bin_hz
    order = np.arange(1, MAX_HARMONIC + 1)
    partials = partial_hz(nominal, stiffness, order)
    nearest = np.searchsorted(0.5 * (partials[1:] + partials[:-1]), frequency)
    distance = np.abs(frequency - partials[nearest])
    lobe = 3.1 * sample_rate / length
    spacing = np.gradient(partials)[nearest]
    # Vibrato widens high partials: keep to the middle between them.
    free = (distance > lobe) & (distance > 0.3 * spacing) & (frequency > 20.0)
    free |= frequency > partials[-1] + lobe
    edges = noise_edges_hz()
    band = np.searchsorted(edges, frequency, side="right") - 1
    density = np.full((len(power), NUM_BANDS), np.nan)
    for index in range(NUM_BANDS):
        chosen = free & (band == index)
        if chosen.sum() >= 2:
            # The mean of the logarithm shrugs off a stray partial; +2.5 dB makes it a power mean.
            logs = np.log(power[:, chosen] + 1e-20).mean(1) + 0.577
            density[:, index] = np.exp(logs) / bin_hz
    known = np.flatnonzero(~np.isnan(density[0]))
    if not len(known):
        return np.full((len(power), NUM_BANDS), 1e-14)
    if len(known) < NUM_BANDS:
        places = np.arange(NUM_BANDS)
        logs = np.log(density[:, known])
        density = np.exp(np.stack([np.interp(places, known, row) for row in logs]))
    return density
