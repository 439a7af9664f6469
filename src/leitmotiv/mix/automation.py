"""Automation: faders that move with the form.

Purpose: gain curves for each stem: up and down with the energy of the sections, rides that keep
the melody over what accompanies it, and ducking under the kick where the style wants it.

Conventions: a :class:`GainCurve` is a line through breakpoints in seconds and dB; between them the
gain itself, not its dB, goes straight, and stretches without movement cost one multiplication. All
of it is plain gain over time, so stems still sum to the mix.

Public names: :class:`GainCurve`, :func:`energy_curves_db`, :func:`ride_levels_db`,
:func:`duck`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from leitmotiv.mix.form import MixForm, bar_differences_lu

__all__ = ["GainCurve", "duck", "energy_curves_db", "ride_levels_db"]

GLIDE_SEC = 0.25
LARGEST_RIDE_DB = 6.0
LARGEST_YIELD_DB = 6.0  # how far the accompaniment goes down for the melody
RIDE_MARGIN_LU = 1.6  # inside the style's band, for what the room and glides change
MOVING_DB = 0.05
DUCK_ATTACK_SEC, DUCK_RELEASE_SEC = 0.008, 0.26

# dB from the calmest to the fullest section beside what the players do themselves: drums and bass
# grow with the music, pads fill what is empty.
ENERGY_DB: Mapping[str, float] = MappingProxyType(
    {"melody": 0.5, "counter": 1.5, "harmony": 1.5, "bass": 1.5, "pad": -1.5, "drums": 3.0}
)
SEND_ENERGY_DB = -3.0  # calm sections stand deeper in the room


@dataclass(frozen=True, eq=False)
class GainCurve:
    """Breakpoints: ``sec`` rises, ``gain_db`` holds before the first and after the last."""

    sec: NDArray[np.float64]
    gain_db: NDArray[np.float64]

    @classmethod
    def from_bars(cls, bar_sec: NDArray[np.float64], bar_db: NDArray[np.float64]) -> GainCurve:
        """Return a curve that holds each bar's level and glides before the next bar line."""
        sec, level = [0.0], [float(bar_db[0])]
        for bar in range(1, len(bar_db)):
            if abs(bar_db[bar] - level[-1]) < MOVING_DB:
                continue
            glide = min(GLIDE_SEC, 0.5 * (bar_sec[bar] - bar_sec[bar - 1]))
            sec += [max(float(bar_sec[bar]) - glide, sec[-1]), float(bar_sec[bar])]
            level += [level[-1], float(bar_db[bar])]
        return cls(np.asarray(sec), np.asarray(level))

    def apply(
        self, audio: NDArray[np.float32], sample_rate: int, *, offset_sample: int = 0
    ) -> None:
        """Multiply audio, float32 (channels, samples), in place.

        ``offset_sample`` is where the audio stands in the piece.
        """
        gain = 10 ** (self.gain_db / 20)
        at = np.round(self.sec * sample_rate).astype(np.int64) - offset_sample
        end = audio.shape[1]
        # Stretches before, between and after the breakpoints.
        starts = [0, *np.clip(at, 0, end).tolist()]
        stops = [*starts[1:], end]
        first = [gain[0], *gain]
        last = [*gain, gain[-1]]
        places = [0, *at.tolist(), end]
        for index, (start, stop) in enumerate(zip(starts, stops, strict=True)):
            if stop <= start:
                continue
            if first[index] == last[index]:
                if first[index] != 1.0:
                    audio[:, start:stop] *= np.float32(first[index])
                continue
            length = max(places[index + 1] - places[index], 1)
            ramp = (np.arange(start, stop) - places[index]) / length
            line = first[index] + (last[index] - first[index]) * ramp
            audio[:, start:stop] *= line.astype(np.float32)


def energy_curves_db(form: MixForm, roles: Sequence[str]) -> NDArray[np.float64]:
    """Return what each stem gets from the energy of each bar, dB, shape (stems, bars).

    Against the mean of the piece, so that one with a single energy stays as it is.
    """
    length = np.diff(form.bar_sec)
    mean = float(np.average(form.bar_energy, weights=length))
    return np.outer([ENERGY_DB[role] for role in roles], form.bar_energy - mean)


def ride_levels_db(
    powers: Sequence[NDArray[np.float64]],
    gains_db: NDArray[np.float64],
    form: MixForm,
    band_lu: tuple[float, float],
) -> NDArray[np.float64]:
    """Return rides that keep the melody's distance from the rest inside a band.

    Where the melody sinks, it comes up and what accompanies it makes room, half each; where it
    stands too far out, it is taken back. Neighbouring bars are brought near to each other first,
    so faders move in phrases.

    Parameters
    ----------
    powers : sequence of ndarray, shape (hops,)
        K-weighted power of each stem before ``gains_db``.
    gains_db : ndarray, shape (stems, bars)
        What the stems get in each bar so far.
    form : MixForm
    band_lu : (low, high)
        Where the melody shall stand over the rest.

    Returns
    -------
    ndarray of float64, shape (stems, bars)
    """
    rides = np.zeros_like(gains_db)
    low, high = band_lu[0] + RIDE_MARGIN_LU, band_lu[1] - RIDE_MARGIN_LU
    leads = np.zeros(gains_db.shape, dtype=bool)
    for bar, lead in enumerate(form.lead):
        leads[[index for index in lead if index < len(leads)], bar] = True
    before = _differences(powers, gains_db, form)
    judged = np.isfinite(before)
    if not judged.any():
        return rides
    needed = np.where(judged, np.clip(before, low, high) - before, 0.0)
    calm = _spread(needed, judged)
    for _ in range(3):
        up = np.clip(0.5 * calm, -LARGEST_RIDE_DB, LARGEST_RIDE_DB)
        down = np.clip(up - calm, -LARGEST_YIELD_DB, 0.5 * LARGEST_YIELD_DB)
        rides = np.where(leads, up, down)
        left = _differences(powers, gains_db + rides, form)
        miss = np.where(judged, np.clip(left, low, high) - left, 0.0)
        if np.abs(miss).max() < 0.1:
            break
        calm = calm + miss
    return rides


def _differences(
    powers: Sequence[NDArray[np.float64]], gains_db: NDArray[np.float64], form: MixForm
) -> NDArray[np.float64]:
    """Differences that gains would make, for the bars that can be judged."""
    from leitmotiv.audio.loudness import HOP_SEC

    middle = (np.arange(len(powers[0])) + 0.5) * HOP_SEC
    bar = np.clip(np.searchsorted(form.bar_sec, middle, side="right") - 1, 0, form.num_bars - 1)
    scaled = [power * 10 ** (gain[bar] / 10) for power, gain in zip(powers, gains_db, strict=True)]
    return bar_differences_lu(scaled, form)


def _spread(needed: NDArray[np.float64], judged: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Hold a ride through bars that nobody is judged in, and lean neighbours on each other."""
    bars = np.arange(len(needed))
    held = np.interp(bars, bars[judged], needed[judged])
    padded = np.pad(held, 1, mode="edge")
    mean = np.convolve(padded, (0.25, 0.5, 0.25), mode="valid")
    # Never less than what is needed, in its direction.
    return np.where(np.abs(mean) > np.abs(held), mean, held)


def duck(
    audio: NDArray[np.float32],
    kick_sec: NDArray[np.float64],
    depth_db: float,
    sample_rate: int,
) -> None:
    """Bring audio, float32 (channels, samples), down under each kick, in place.

    Down within 8 ms before the kick, back up as a quarter of a cosine; a kick that comes before
    the last has let go starts from where it is.
    """
    if depth_db <= 0 or not len(kick_sec):
        return
    num_samples = audio.shape[1]
    attack, release = (round(sec * sample_rate) for sec in (DUCK_ATTACK_SEC, DUCK_RELEASE_SEC))
    floor = 10 ** (-depth_db / 20)
    down = 0.5 + 0.5 * np.cos(np.pi * np.arange(1, attack + 1) / attack)
    up = 0.5 - 0.5 * np.cos(np.pi * np.arange(1, release + 1) / release)
    shape = (floor + (1 - floor) * np.concatenate([down, up])).astype(np.float32)
    starts = np.round(kick_sec * sample_rate).astype(np.int64) - attack
    gain: NDArray[np.float32] | None = None
    for number, start in enumerate(starts.tolist()):
        following = starts[number + 1] if number + 1 < len(starts) else num_samples
        overlaps = following < start + len(shape)
        current = shape.copy() if gain is None else np.minimum(shape, gain)
        stop = min(int(following), start + len(shape)) if overlaps else start + len(shape)
        played = current[: stop - start]
        gain = None
        if overlaps:
            rest = current[stop - start :]
            gain = np.ones(len(shape), dtype=np.float32)
            gain[: len(rest)] = rest
        first, last = max(start, 0), min(stop, num_samples)
        if last > first:
            audio[:, first:last] *= played[first - start : last - start]
