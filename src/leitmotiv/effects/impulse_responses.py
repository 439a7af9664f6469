"""Impulse responses of spaces and devices, synthesised from what they are made of.

Purpose: halls, rooms, churches, a cave, a forest, a plate, a spring and more for convolution,
made when they are asked for from a few numbers and a seed; no recording is stored.

Conventions: float32 ``(4, samples)``, true stereo: left source to left and right ear, right
source to left and right ear. Time counts from the arrival of the direct sound, which is left out.
Every path of a rectangular room is scaled as the room would: relative to the direct sound at the
listener. Octave bands are centred from 31.5 Hz to 16 kHz.

How rooms are made: Eyring's formula gives the reverberation time of each octave from the volume,
the surfaces' absorption and the air's. Until the mixing time the reflections are mirror images;
then they are noise with the level of the diffuse field; and both lose with time what the decay
asks for at each frequency. A cave is rough and coupled to another; forests and canyons are made of
scatterers; plates and springs are built in the frequency domain from their dispersion.

Public names: :func:`impulse_response`, :data:`SPACES`, :class:`Room`.

References: Eyring, *Reverberation time in "dead" rooms* (JASA 1, 1930); Barron and Lee, *Energy
relations in concert auditoriums* (JASA 84, 1988); ISO 9613-1 (air); Kuttruff, *Room acoustics*;
Spratt and Abel, *A digital reverberator modeled after the scattering of acoustic waves by trees
in a forest* (AES 125, 2008); Arcas and Chaigne, *On the quality of plate reverberation* (2010).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from leitmotiv.audio.buffers import SAMPLE_RATE
from leitmotiv.effects.early_reflections import SPEED_OF_SOUND, mirror_images
from leitmotiv.effects.effect import check_range
from leitmotiv.errors import AudioError

__all__ = ["SPACES", "Room", "impulse_response"]

BANDS_HZ = 31.5 * 2.0 ** np.arange(10)
# Energy lost in air of 20 degrees and 50 % humidity, nepers of energy a metre (ISO 9613-1).
_AIR = np.asarray([0.0, 0.00001, 0.0001, 0.0003, 0.0006, 0.0011, 0.0023, 0.0068, 0.024, 0.07])
_PLATE_HZ, _PLATE_DECAY_SEC = (60, 250, 1000, 4000, 16000), (4.2, 3.6, 2.6, 1.5, 0.8)


@dataclass(frozen=True)
class Room:
    """A space with walls.

    Parameters
    ----------
    size_m : length, width and height
    absorption : share of energy that a wall keeps, for the ten octaves; the last is repeated
    distance_m : from source to listener
    coupled : share of energy that comes back from a second space behind the first, and how many
        times as long that one rings; (0, 1) for none
    irregular : 0 (mirror images) to 1 (walls so rough that only noise is left)
    """

    size_m: tuple[float, float, float]
    absorption: tuple[float, ...]
    distance_m: float
    coupled: tuple[float, float] = (0.0, 1.0)
    irregular: float = 0.0

    @property
    def volume_m3(self) -> float:
        """Volume of the box."""
        return math.prod(self.size_m)

    def decay_sec(self) -> NDArray[np.float64]:
        """RT60 of each octave (Eyring, with the air's absorption)."""
        length, width, height = self.size_m
        surface = 2 * (length * width + length * height + width * height)
        alpha = np.asarray(self.absorption + self.absorption[-1:] * 10)[: len(BANDS_HZ)]
        lost = -surface * np.log(1 - alpha) + 4 * _AIR * self.volume_m3
        return np.asarray(24 * math.log(10) / SPEED_OF_SOUND * self.volume_m3 / lost)


SPACES: Mapping[str, Room | None] = MappingProxyType(
    {
        "concert_hall": Room(
            (46.0, 22.0, 17.0), (0.22, 0.2, 0.19, 0.19, 0.2, 0.2, 0.2, 0.21), 14.0
        ),
        "chamber_hall": Room(
            (24.0, 13.0, 9.0), (0.2, 0.18, 0.17, 0.17, 0.17, 0.18, 0.19, 0.2), 9.0
        ),
        "church": Room((32.0, 14.0, 12.0), (0.09, 0.09, 0.1, 0.1, 0.105, 0.11, 0.12), 10.0),
        "cathedral": Room(
            (85.0, 26.0, 28.0), (0.065, 0.065, 0.07, 0.075, 0.08, 0.085, 0.09, 0.1), 20.0
        ),
        "studio": Room(
            (8.0, 6.0, 3.4), (0.35, 0.34, 0.36, 0.38, 0.38, 0.36, 0.34), 2.5, irregular=0.3
        ),
        "living_room": Room(
            (5.6, 4.2, 2.6), (0.2, 0.22, 0.25, 0.28, 0.28, 0.29, 0.3), 2.0, irregular=0.2
        ),
        "tiled_room": Room((3.4, 2.6, 2.5), (0.05, 0.05, 0.05, 0.05, 0.06, 0.06, 0.07), 1.2),
        "stairwell": Room(
            (7.0, 3.2, 16.0), (0.05, 0.05, 0.05, 0.06, 0.06, 0.07, 0.08), 3.0, irregular=0.2
        ),
        "tunnel": Room((160.0, 6.0, 5.0), (0.08, 0.08, 0.08, 0.09, 0.1, 0.11, 0.12), 12.0),
        "cave": Room(
            (34.0, 21.0, 13.0), (0.12, 0.12, 0.13, 0.15, 0.17, 0.19, 0.22, 0.25), 9.0,
            coupled=(0.12, 1.9), irregular=1.0,
        ),
        "forest": None,
        "canyon": None,
        "plate": None,
        "spring": None,
    }
)  # fmt: skip
"""The kinds of :func:`impulse_response`; rooms with what they are made of."""

_Kernel = NDArray[np.float64]
_Gain = Callable[[_Kernel, _Kernel], _Kernel]  # seconds (frames, 1), Hz (1, bins) to gains


def impulse_response(
    kind: str, *, sample_rate: int = SAMPLE_RATE, seed: int = 0, duration_sec: float | None = None
) -> NDArray[np.float32]:
    """Return the true-stereo impulse response of a space.

    Parameters
    ----------
    kind : str
        A name of :data:`SPACES`.
    sample_rate : int
        Hz.
    seed : int
        Another seed is another seat in another room of the same kind.
    duration_sec : float, optional
        Where to end, faded out, 0.01-60 s; by default once the longest octave is 60 dB down.

    Returns
    -------
    ndarray of float32, shape (4, samples)
        Left to left, left to right, right to left, right to right.

    Raises
    ------
    AudioError
        If there is no such space or the duration is out of range.

    Examples
    --------
    >>> impulse_response("living_room", duration_sec=0.1).shape
    (4, 4800)
    """
    if kind not in SPACES:
        raise AudioError(f"kind={kind!r} must be one of {', '.join(SPACES)}")
    if duration_sec is not None:
        check_range("duration_sec", duration_sec, 0.01, 60.0, "seconds")
    check_range("sample_rate", sample_rate, 8_000, 192_000, "Hz")
    rng = np.random.default_rng([seed, *kind.encode("ascii")])
    room = SPACES[kind]
    if room is not None:
        response = _room(room, sample_rate, duration_sec, rng)
    else:
        build = {"forest": _forest, "canyon": _canyon, "plate": _plate, "spring": _spring}[kind]
        response = build(sample_rate, rng)
    if duration_sec is not None:
        num_samples = round(duration_sec * sample_rate)
        response = response[:, :num_samples]
        response = np.pad(response, ((0, 0), (0, num_samples - response.shape[1])))
    fade = max(min(round(0.05 * sample_rate), response.shape[1] // 8), 1)
    response[:, -fade:] *= np.cos(0.5 * np.pi * np.arange(1, fade + 1) / fade) ** 2
    return np.ascontiguousarray(response, dtype=np.float32)


def _decaying(signal: _Kernel, sample_rate: int, gain: _Gain) -> _Kernel:
    """Shape a signal by a gain over time and frequency, in overlapping frames."""
    from scipy.fft import irfft, rfft

    hop = 1 << round(math.log2(0.0035 * sample_rate))
    frame, num_samples = 4 * hop, signal.shape[1]
    window = np.hanning(frame + 1)[:-1] / 2  # four overlapping frames add up to one
    num_frames = num_samples // hop + 4
    padded = np.pad(signal, ((0, 0), (frame - hop, num_frames * hop - num_samples + hop)))
    frames = np.lib.stride_tricks.sliding_window_view(padded, frame, axis=1)[:, ::hop]
    frames = frames[:, :num_frames]
    centre_sec = (np.arange(num_frames) * hop + hop - frame / 2) / sample_rate
    frequency_hz = np.maximum(np.fft.rfftfreq(2 * frame, 1 / sample_rate), 10.0)
    gains = gain(np.maximum(centre_sec, 0.0)[:, None], frequency_hz[None, :])
    # Twice the length, so that the filters' ringing does not wrap around.
    out = np.zeros((len(signal), num_frames * hop + 3 * frame))
    for channel, row in enumerate(out):
        shaped = irfft(rfft(frames[channel] * window, 2 * frame, axis=1) * gains, axis=1)
        for part in range(8):
            piece = shaped[:, part * hop : (part + 1) * hop].ravel()
            row[part * hop : part * hop + len(piece)] += piece
    return out[:, frame - hop : frame - hop + num_samples]


def _over_frequency(values: _Kernel, frequency_hz: _Kernel) -> _Kernel:
    """Values of the octaves between the octaves: straight lines over log frequency."""
    return np.asarray(np.interp(np.log2(frequency_hz), np.log2(BANDS_HZ), values))


def _in_air(time_sec: _Kernel, frequency_hz: _Kernel) -> _Kernel:
    """What the air leaves of a sound that has travelled for so long."""
    lost = _over_frequency(_AIR, frequency_hz)
    return np.asarray(np.exp(-0.5 * SPEED_OF_SOUND * time_sec * lost))


def _room(
    room: Room, sample_rate: int, duration_sec: float | None, rng: np.random.Generator
) -> _Kernel:
    """Mirror images, then a diffuse field; both decay as the walls and the air have it."""
    decay_sec = room.decay_sec()
    share, stretch = room.coupled
    longest = float(decay_sec.max()) * (stretch if share else 1.0) + 0.1
    num_samples = round(min(duration_sec or longest, longest, 60.0) * sample_rate)
    time_sec = np.arange(num_samples) / sample_rate
    mixing_sec = 1e-3 * math.sqrt(room.volume_m3)  # Polack: reflections overlap from here on
    # The energy of a diffuse field that follows a direct sound of 1 at the distance.
    density = 4 * math.pi * room.distance_m**2 * SPEED_OF_SOUND / room.volume_m3 / sample_rate
    signal = math.sqrt(density) * rng.standard_normal((4, num_samples))
    signal *= np.sqrt(1 - np.exp(-((time_sec / mixing_sec) ** 2)))
    for source, side in enumerate((-1, 1)):
        places, gains = _images(room, side, sample_rate, mixing_sec, rng)
        for ear in (0, 1):
            inside = places[ear] < num_samples
            np.add.at(signal[2 * source + ear], places[ear][inside], gains[ear][inside])

    def gain(time_sec: _Kernel, frequency_hz: _Kernel) -> _Kernel:
        decay = _over_frequency(decay_sec, frequency_hz)
        energy = np.exp(-2 * math.log(1e3) * time_sec / decay)
        if share:
            # Sound fills the second space before it comes back, and fades with it.
            second = np.exp(-2 * math.log(1e3) * time_sec / (stretch * decay))
            energy = (1 - share) * energy + share * (second - energy)
        return np.asarray(np.sqrt(energy))

    return _decaying(signal, sample_rate, gain)


def _images(
    room: Room, side: int, sample_rate: int, mixing_sec: float, rng: np.random.Generator
) -> tuple[NDArray[np.int64], _Kernel]:
    """Places and gains, shape (2 ears, reflections), of the reflections that stand out.

    Walls and air take their share later, with the decay; the ground within the first
    milliseconds is taken by seats or carpets, or it would comb the direct sound.
    """
    length, width, height = room.size_m
    jitter = rng.uniform(-0.02, 0.02, 6)
    listener = (0.62 + jitter[0]) * length, (0.5 + jitter[1]) * width, min(1.4, 0.55 * height)
    spread = 0.18 * min(width, room.distance_m)
    source = (
        max(listener[0] - room.distance_m, 0.08 * length),
        min(max(listener[1] + side * spread + jitter[2], 0.1 * width), 0.9 * width),
        min(1.5 + jitter[3], 0.6 * height),
    )
    found = mirror_images(room.size_m, source, listener, reflection=1.0, max_order=5)
    fading = np.exp(-((found.delay_sec / mixing_sec) ** 2))
    chosen = (fading > 0.01) & (rng.random(len(fading)) >= room.irregular)
    delay_sec, pan = found.delay_sec[chosen], found.side[chosen]
    gain = found.gain[chosen] * np.sqrt(fading[chosen]) * rng.uniform(0.8, 1.2, len(pan))
    gain *= 1 - np.exp(-((delay_sec / 0.004) ** 2))
    return _at_ears(delay_sec, gain, pan, sample_rate)


def _at_ears(
    delay_sec: _Kernel, gain: _Kernel, pan: _Kernel, sample_rate: int
) -> tuple[NDArray[np.int64], _Kernel]:
    """Places and gains at both ears; the far one hears an echo later and less."""
    angle = (pan + 1) * math.pi / 4
    gains = math.sqrt(2) * gain * np.stack([np.cos(angle), np.sin(angle)])
    lag_sec = np.maximum(0.00035 * pan * np.asarray([[1.0], [-1.0]]), 0.0)
    places = np.round((np.maximum(delay_sec, 0.0) + lag_sec) * sample_rate).astype(np.int64)
    return places, gains


def _echoes(
    delay_sec: _Kernel, gain: _Kernel, pan: _Kernel, total_sec: float, sample_rate: int
) -> _Kernel:
    """Echoes of two sources some metres apart, shape (4, samples)."""
    signal = np.zeros((4, round(total_sec * sample_rate)))
    for source, side in enumerate((-1, 1)):
        places, gains = _at_ears(delay_sec - 0.003 * side * pan, gain, pan, sample_rate)
        for ear in (0, 1):
            inside = places[ear] < signal.shape[1]
            np.add.at(signal[2 * source + ear], places[ear][inside], gains[ear][inside])
    return signal


def _forest(sample_rate: int, rng: np.random.Generator) -> _Kernel:
    """Trunks that scatter, and trunks and leaves in the way that take the top."""
    count, total_sec, trunk_m = 1500, 1.5, 0.2
    source, listener = np.asarray([-5.0, 0.0]), np.asarray([5.0, 0.0])
    radius_m = 120 * np.sqrt(rng.uniform(0.001, 1.0, count))
    bearing = rng.uniform(0, 2 * np.pi, count)
    trees = np.stack([radius_m * np.cos(bearing), radius_m * np.sin(bearing)], axis=1)
    to_tree = np.maximum(np.linalg.norm(trees - source, axis=1), 1.0)
    from_tree = np.maximum(np.linalg.norm(trees - listener, axis=1), 1.0)
    delay_sec = (to_tree + from_tree - 10.0) / SPEED_OF_SOUND
    # A cylinder scatters by the root of its radius; sound spreads to it and from it again.
    radii_m = rng.uniform(0.08, 0.35, count)
    strength = 10.0 * np.sqrt(radii_m) / (to_tree * from_tree) * rng.choice([-1.0, 1.0], count)
    pan = (trees[:, 1] - listener[1]) / from_tree
    # What was scattered twice and more: each echo drags a cloud of weaker ones behind it.
    clouds = rng.exponential(0.08, (6, count))
    delays = np.concatenate([delay_sec, *(delay_sec + cloud for cloud in clouds)])
    weaker = [0.35 * strength * rng.choice([-1.0, 1.0], count) for _ in clouds]
    pans = np.concatenate([pan, *(rng.uniform(-1, 1, count) for _ in clouds)])
    signal = _echoes(delays, np.concatenate([strength, *weaker]), pans, total_sec, sample_rate)

    def gain(time_sec: _Kernel, frequency_hz: _Kernel) -> _Kernel:
        # Waves longer than the trunk pass it by; some 8 dB in 100 m are lost at 1 kHz.
        thickness = 2 * np.pi * frequency_hz / SPEED_OF_SOUND * trunk_m
        screen_db = 0.08 * SPEED_OF_SOUND * time_sec * (frequency_hz / 1000) ** 0.4
        scattered = thickness**2 / (1 + thickness**2)
        return np.asarray(
            scattered * 10 ** (-screen_db / 20) * _in_air(time_sec + 0.03, frequency_hz)
        )

    return _decaying(signal, sample_rate, gain)


def _canyon(sample_rate: int, rng: np.random.Generator) -> _Kernel:
    """A few cliffs, far away and rough, and the echoes between them."""
    first_sec = np.sort(rng.uniform(0.35, 1.3, 5))
    sides = rng.uniform(-0.9, 0.9, 5)
    cliffs = [(delay, 1.0, side) for delay, side in zip(first_sec, sides, strict=True)]
    for delay, _, side in cliffs[:]:
        cliffs += [(delay + other, 0.45, -side) for other in first_sec]
    delays, gains, pans = [], [], []
    for delay, strength, side in cliffs:
        # A cliff is a cloud of faces: the deeper it reaches, the longer the echo.
        depth = rng.gamma(2.0, 0.03, 600)
        delays.append(delay + depth)
        gains.append(strength / delay * rng.standard_normal(600) * np.exp(-depth / 0.1))
        pans.append(np.clip(side + 0.25 * rng.standard_normal(600), -1, 1))
    signal = _echoes(
        np.concatenate(delays), 0.02 * np.concatenate(gains), np.concatenate(pans), 4.0, sample_rate
    )

    def gain(time_sec: _Kernel, frequency_hz: _Kernel) -> _Kernel:
        rough = 1 / (1 + (60 / frequency_hz) ** 2) / (1 + frequency_hz / 9000)
        return np.asarray(rough * 10 ** (-0.35 * time_sec) * _in_air(time_sec, frequency_hz))

    return _decaying(signal, sample_rate, gain)


def _plate(sample_rate: int, rng: np.random.Generator) -> _Kernel:
    """A steel plate of 2 by 1 metres, half a millimetre thick.

    Bending waves have the wave number ``k = sqrt(w) (rho h / D)^(1/4)``: phase and group speed
    grow with the root of the frequency, so every front is a falling chirp. First fronts are
    mirror images in the frequency domain; then noise, which starts in each octave when its waves
    have crossed the plate.
    """
    from scipy.fft import irfft, next_fast_len

    total_sec, sides_m = 4.2, np.asarray([2.0, 1.0])
    young, density, poisson, thick_m = 2.0e11, 7850.0, 0.3, 0.0005
    stiffness = young * thick_m**3 / (12 * (1 - poisson**2))
    bend = (density * thick_m / stiffness) ** 0.25
    num_samples = round(total_sec * sample_rate)
    steps = np.arange(-4, 5)
    cells = np.stack(np.meshgrid(steps, steps, indexing="ij"), axis=-1).reshape(-1, 2)
    reach_m = 4.0
    length = next_fast_len(round(0.5 * sample_rate), real=True)
    omega = 2 * np.pi * np.fft.rfftfreq(length, 1 / sample_rate)
    wave_number = np.sqrt(omega) * bend
    band_filter = 1 / (1 + (2 * np.pi * 50 / np.maximum(omega, 1.0)) ** 4)
    early = np.zeros((4, length))
    for path in range(4):
        source, ear = divmod(path, 2)
        driver = sides_m * np.asarray([0.42 + 0.05 * source, 0.53 - 0.07 * source])
        pickup = sides_m * np.asarray([0.17 if ear == 0 else 0.81, 0.31 + 0.33 * ear])
        images = cells * sides_m + np.where(cells % 2 == 0, driver, sides_m - driver)
        distance_m = np.linalg.norm(images - pickup, axis=1)
        sign = np.where(cells.sum(axis=1) % 2 == 0, 1.0, -1.0)  # supported edges turn the phase
        spectrum = np.zeros(len(omega), dtype=np.complex128)
        for r, s in zip(distance_m, sign, strict=True):
            if r < reach_m:
                fading = math.cos(0.5 * math.pi * r / reach_m) ** 0.5
                spectrum += s * fading / math.sqrt(r) * np.exp(-1j * wave_number * r)
        early[path] = irfft(spectrum * band_filter, length)
    mean_free_m = math.pi * math.prod(sides_m) / (2 * sides_m.sum())
    count = min(length, num_samples)
    signal = rng.standard_normal((4, num_samples))

    def onset(time_sec: _Kernel, frequency_hz: _Kernel) -> _Kernel:
        group_speed = 2 * np.sqrt(2 * np.pi * frequency_hz) / bend
        # Fronts pass a point at this pace; each carries 1 / r of energy at its distance r.
        pace = 2 * math.pi * group_speed / mean_free_m / sample_rate
        started = 1 - np.exp(-((time_sec * group_speed / reach_m) ** 2))
        return np.asarray(np.sqrt(0.35 * pace * started))

    def decay(time_sec: _Kernel, frequency_hz: _Kernel) -> _Kernel:
        lost = np.interp(np.log2(frequency_hz), np.log2(_PLATE_HZ), _PLATE_DECAY_SEC)
        return np.asarray(np.exp(-math.log(1e3) * time_sec / lost))

    signal = _decaying(signal, sample_rate, onset)
    signal[:, :count] += early[:, :count]
    return _decaying(signal, sample_rate, decay)


def _spring(sample_rate: int, rng: np.random.Generator) -> _Kernel:
    """Three helical springs a side: a closed form of all their echoes.

    One way along a spring turns the phase by ``p(w)``; the round trips then add up to
    ``e^(-jp) / (1 + g e^(-2jp))``. The delay grows without bound towards the transition.
    """
    from scipy.fft import irfft, next_fast_len

    total_sec, transition_hz = 3.5, min(4300.0, 0.4 * sample_rate)
    # Twice as long as what is kept, so that what wraps around is below -100 dB.
    length = next_fast_len(round(2 * total_sec * sample_rate), real=True)
    frequency_hz = np.fft.rfftfreq(length, 1 / sample_rate)
    share = np.minimum(frequency_hz / transition_hz, 0.97)
    response = np.zeros((4, length))
    for path in range(4):
        source, ear = divmod(path, 2)
        total = np.zeros(len(frequency_hz), dtype=np.complex128)
        for trip_sec in np.asarray([0.0165, 0.0188, 0.0207]) + 0.0011 * ear + 0.0006 * source:
            one_way = trip_sec * rng.uniform(0.97, 1.03)
            delay_sec = one_way * (1 + 0.9 * (1 / np.sqrt(1 - share**2) - 1))
            phase = 2 * np.pi * np.cumsum(delay_sec) * frequency_hz[1]
            decay_sec = 2.2 / (1 + (frequency_hz / 2600) ** 2)
            loss = 10 ** (-3 * 2 * delay_sec / np.maximum(decay_sec, 0.1))
            total += np.sqrt(loss) * np.exp(-1j * phase) / (1 + loss * np.exp(-2j * phase))
        total *= 1 / (1 + (frequency_hz / (0.95 * transition_hz)) ** 24)
        total *= (frequency_hz / 90) ** 2 / (1 + (frequency_hz / 90) ** 2)
        response[path] = irfft(total, length)
    return response[:, : round(total_sec * sample_rate)]
