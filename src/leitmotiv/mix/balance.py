"""Balance: levels, seats, room and automation, stem by stem.

Purpose: turn dry stems into stems that sum to a finished mix.

How it works, for each stem: a high pass by role, bells that make room for the melody and the kick
(:mod:`~leitmotiv.mix.unmask`), a seat; a level by role; faders that follow the energy of the form
and ride the melody over what accompanies it (:mod:`~leitmotiv.mix.automation`); a share of the
room by its depth and the energy of the section; ducking under the kick where the style wants it.

Conventions: levels come from gated integrated loudness (ITU-R BS.1770-4) of each stem while it
plays, so a part that rests a lot is not turned up for its rests. A part that hardly plays keeps
the gain of its neighbours. Every step is linear in the stem, so the stems sum to the mix; nothing
on the bus depends on what the others do at the moment.

Public names: :func:`balance_stems`, :func:`mix_down`, :func:`trim_tail`.
"""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from leitmotiv.audio import LoudnessMeter, Stems, integrated_lufs
from leitmotiv.audio.loudness import HOP_SEC
from leitmotiv.effects import Band, Equalizer
from leitmotiv.errors import AudioError
from leitmotiv.mix.automation import (
    SEND_ENERGY_DB,
    GainCurve,
    duck,
    energy_curves_db,
    ride_levels_db,
)
from leitmotiv.mix.form import MixForm
from leitmotiv.mix.presets import ROLES, MixPreset, find_preset
from leitmotiv.mix.room import convolve, hall_response
from leitmotiv.mix.seating import Seat, place, seat_parts
from leitmotiv.mix.unmask import stem_spectrum_db, unmasking_bands

__all__ = ["balance_stems", "mix_down", "trim_tail"]

MIX_LUFS = -20.0
MIX_PEAK = 10 ** (-3 / 20)
LARGEST_CORRECTION_DB = 12.0
SHORTEST_ACTIVE_SEC = 1.0
END_FADE_SEC = 0.25
WIDEST_DB = -4.0  # side against middle: wider than this thins out on one loudspeaker
TAIL_FLOOR_DB = -72.0  # below the peak of the mix nobody hears the room any more
TAIL_REST_SEC = 0.3
ACTIVE_DBFS = -60.0
_BLOCK = 2**17  # samples filtered at a time
_N_FFT = 8192

# High pass by role in Hz; lowered for a stem that really plays down there.
_HIGH_PASS_HZ = {
    "melody": 90.0,
    "counter": 90.0,
    "harmony": 90.0,
    "bass": 28.0,
    "pad": 110.0,
    "drums": 28.0,
}


@dataclass(frozen=True)
class _Measured:
    audio: NDArray[np.float32]
    powers: NDArray[np.float64]  # K-weighted, a hop of 100 ms each
    lufs: float
    active: float


def _power_spectrum(audio: NDArray[np.float32]) -> NDArray[np.float64] | None:
    """Summed power of up to 64 frames of the middle, shape (_N_FFT / 2 + 1,)."""
    num_frames = min(audio.shape[1] // _N_FFT, 64)
    if not num_frames or not audio.any():
        return None
    starts = np.linspace(0, audio.shape[1] - _N_FFT, num_frames).astype(np.int64)
    frames = np.stack([audio[0, at : at + _N_FFT] + audio[1, at : at + _N_FFT] for at in starts])
    frames *= np.hanning(_N_FFT).astype(np.float32)
    spectrum = np.fft.rfft(frames, axis=1)
    return np.asarray((np.square(spectrum.real) + np.square(spectrum.imag)).sum(axis=0))


def _high_pass_hz(power: NDArray[np.float64] | None, role: str, sample_rate: int) -> float:
    """Role's high pass, at most 0.8 of the frequency below which 1 % of the energy lies."""
    wanted = _HIGH_PASS_HZ[role]
    if power is None:
        return min(wanted, 28.0)
    share = np.cumsum(power) / max(float(power.sum()), 1e-20)
    lowest_hz = float(np.searchsorted(share, 0.01)) * sample_rate / _N_FFT
    return max(min(wanted, 0.8 * lowest_hz), 20.0)


def _prepare(
    audio: NDArray[np.float32],
    seat: Seat,
    bands: tuple[Band, ...],
    sample_rate: int,
    overwrite: bool,
) -> _Measured:
    """Filter, seat and measure one stem."""
    placed = audio if overwrite else np.zeros_like(audio)
    if not audio.any():
        hops = audio.shape[1] // round(HOP_SEC * sample_rate)
        return _Measured(placed, np.zeros(hops), -math.inf, 0.0)
    equalizer = Equalizer(bands, sample_rate=sample_rate)
    meter = LoudnessMeter(2, sample_rate)
    for start in range(0, audio.shape[1], _BLOCK):
        block = slice(start, start + _BLOCK)
        placed[:, block] = equalizer.process(place(audio[:, block], seat))
        meter.add(placed[:, block])
    active = HOP_SEC * float(np.count_nonzero(meter.powers > 2 * 10 ** (ACTIVE_DBFS / 10)))
    return _Measured(placed, meter.powers, meter.integrated_lufs, active)


def _gains_db(
    measured: Sequence[_Measured], roles: Sequence[str], preset: MixPreset
) -> list[float]:
    """Gain of each stem against the others."""
    wanted: list[float | None] = []
    for stem, role in zip(measured, roles, strict=True):
        if stem.lufs == -math.inf or stem.active < SHORTEST_ACTIVE_SEC:
            wanted.append(None)
            continue
        # Parts that share a role share its loudness, in part: n equal parts sum to +10 log n dB.
        crowd = -5 * math.log10(max(roles.count(role), 1)) if role != "melody" else 0.0
        wanted.append(preset.role_level_lu[role] + crowd - stem.lufs)
    known = [gain for gain in wanted if gain is not None]
    if not known:
        return [0.0] * len(wanted)
    middle = float(np.median(known))
    limit = LARGEST_CORRECTION_DB
    return [
        middle
        if gain is None
        else middle + float(np.clip(preset.levelling * (gain - middle), -limit, limit))
        for gain in wanted
    ]


def balance_stems(
    stems: Stems,
    roles: Sequence[str],
    *,
    programs: Sequence[int | None] | None = None,
    preset: str | MixPreset = "concert",
    form: MixForm | None = None,
    overwrite: bool = False,
) -> Stems:
    """Balance, seat and reverberate stems; their sum is the mix.

    Parameters
    ----------
    stems : Stems
        Dry stems.
    roles : sequence of str
        Role of each stem: melody, counter, harmony, bass, pad or drums; an empty role counts as
        harmony.
    programs : sequence of int or None, optional
        General MIDI program of each stem, for seating; None where it has none.
    preset : str or MixPreset
        ``concert``, ``chamber``, ``band``, ``electronic``, ``choir``, ``ambient``, ``intimate``,
        or your own.
    form : MixForm, optional
        Bars, energy, who leads and where the kick falls; without it no fader moves.
    overwrite : bool
        Work in the buffers of ``stems``, which are lost; halves the memory of a long piece.

    Returns
    -------
    Stems
        Same names and length. The mix stands near -20 LUFS with peaks at or below -3 dBFS, and
        no stem passes -1 dBFS. Silent stems stay silent.

    Raises
    ------
    AudioError
        If roles or programs do not match the stems, or a role or preset does not exist.
    """
    chosen = find_preset(preset)
    roles = tuple(role or "harmony" for role in roles)
    if len(roles) != len(stems.audio):
        raise AudioError(f"{len(roles)} roles for {len(stems.audio)} stems; give one role a stem")
    if programs is not None and len(programs) != len(roles):
        raise AudioError(f"{len(programs)} programs for {len(roles)} stems; give one a stem")
    for role in roles:
        if role not in ROLES:
            raise AudioError(f"role={role!r} must be one of {', '.join(ROLES)}")
    if not stems.num_samples:
        return stems
    sample_rate = stems.sample_rate
    seats = seat_parts(roles, programs, seating=chosen.seating, width=chosen.width)
    response = hall_response(chosen, sample_rate)

    # SciPy's filters and transforms release the interpreter lock.
    with ThreadPoolExecutor(max_workers=min(os.cpu_count() or 1, 4)) as pool:
        powers = list(pool.map(_power_spectrum, stems.audio))
        bands = _equalizers(powers, roles, seats, chosen, sample_rate)
        prepared = [
            pool.submit(_prepare, audio, seat, own, sample_rate, overwrite)
            for audio, seat, own in zip(stems.audio, seats, bands, strict=True)
        ]
        measured = [future.result() for future in prepared]
        gains_db = _gains_db(measured, roles, chosen)
        sends_db = [
            chosen.send_db + chosen.role_send_db[role] + 6 * (seat.depth - 0.3)
            for role, seat in zip(roles, seats, strict=True)
        ]
        faders = _faders(measured, roles, gains_db, sends_db, chosen, form)

        def finish(index: int) -> NDArray[np.float32]:
            direct = measured[index].audio
            if measured[index].lufs == -math.inf and not direct.any():
                return direct
            role = roles[index]
            faders[index].apply(direct, sample_rate)
            send = _send(form, sends_db[index])
            wet = convolve(direct, response, send=send, sample_rate=sample_rate)
            direct += wet
            del wet
            if form is not None:
                duck(direct, form.kick_sec, chosen.duck_db.get(role, 0.0), sample_rate)
            _narrow(direct)
            return direct

        balanced = list(pool.map(finish, range(len(measured))))
    _fade_end(balanced, sample_rate)
    scale = np.float32(_mix_scale(_sum(balanced), balanced, sample_rate))
    for audio, stem in zip(balanced, measured, strict=True):
        if stem.lufs > -math.inf or audio.any():  # pages of untouched zeros cost no memory
            audio *= scale
    return Stems(stems.names, tuple(balanced), sample_rate)


def _equalizers(
    powers: Sequence[NDArray[np.float64] | None],
    roles: Sequence[str],
    seats: Sequence[Seat],
    preset: MixPreset,
    sample_rate: int,
) -> list[tuple[Band, ...]]:
    """What each stem is filtered with: high pass, room for the melody, air by its depth."""
    spectra = [None if power is None else stem_spectrum_db(power, sample_rate) for power in powers]
    levels = [preset.role_level_lu[role] for role in roles]
    unmasking = unmasking_bands(spectra, roles, levels, sample_rate=sample_rate)
    equalizers = []
    for power, role, seat, bells in zip(powers, roles, seats, unmasking, strict=True):
        bands = [Band("high_pass", _high_pass_hz(power, role, sample_rate)), *bells]
        if seat.depth > 0.3:  # air between the back desks and the audience
            bands.append(Band("high_shelf", 6000.0, -3.0 * seat.depth))
        equalizers.append(tuple(bands))
    return equalizers


def _faders(
    measured: Sequence[_Measured],
    roles: Sequence[str],
    gains_db: Sequence[float],
    sends_db: Sequence[float],
    preset: MixPreset,
    form: MixForm | None,
) -> list[GainCurve]:
    """The level of each stem over time."""
    if form is None:
        return [GainCurve(np.zeros(1), np.asarray([gain])) for gain in gains_db]
    levels = np.asarray(gains_db)[:, None] + energy_curves_db(form, roles)
    powers = [
        _with_room(stem.powers, send_db, preset.decay_sec)
        for stem, send_db in zip(measured, sends_db, strict=True)
    ]
    levels = levels + ride_levels_db(powers, levels, form, preset.melody_over_lu)
    return [GainCurve.from_bars(form.bar_sec, level) for level in levels]


def _with_room(
    powers: NDArray[np.float64], send_db: float, decay_sec: float
) -> NDArray[np.float64]:
    """Power of a stem together with its share of the room, which rings on."""
    from scipy.signal import lfilter

    kept = 10 ** (-6 * HOP_SEC / decay_sec)
    ringing = lfilter([1 - kept], [1.0, -kept], powers)
    return np.asarray(powers + 10 ** (send_db / 10) * ringing)


def _send(form: MixForm | None, send_db: float) -> GainCurve:
    """The way to the room: calm sections stand deeper in it."""
    if form is None:
        return GainCurve(np.zeros(1), np.asarray([send_db]))
    mean = float(np.average(form.bar_energy, weights=np.diff(form.bar_sec)))
    return GainCurve.from_bars(form.bar_sec, send_db + SEND_ENERGY_DB * (form.bar_energy - mean))


def _narrow(audio: NDArray[np.float32]) -> None:
    """Bring a stem's side to at most :data:`WIDEST_DB` against its middle, by one factor."""
    left, right = audio
    own = float(left @ left + right @ right)
    common = 2.0 * float(left @ right)
    middle, side = own + common, own - common
    widest = 10 ** (WIDEST_DB / 10)
    if side <= widest * middle or middle <= 0.0:
        return
    keep = math.sqrt(widest * middle / side)
    cross = np.float32(0.5 * (1 - keep))
    straight = np.float32(0.5 * (1 + keep))
    swapped = audio[::-1] * cross
    audio *= straight
    audio += swapped


def trim_tail(stems: Stems, *, overwrite: bool = False) -> Stems:
    """Cut the silence after the last that is heard; every stem keeps the same length.

    Stems whose sum never rises above silence come back as they are. The cut is faded, so that
    the stems still sum to the mix. With ``overwrite`` the result shares, and the fade changes,
    the buffers of ``stems``.
    """
    if not stems.audio:
        return stems
    mix = _sum(stems.audio)
    np.abs(mix, out=mix)
    floor = float(mix.max(initial=0.0)) * 10 ** (TAIL_FLOOR_DB / 20)
    heard = (mix[0] > floor) | (mix[1] > floor)
    if not heard.any():
        return stems
    last = len(heard) - 1 - int(np.argmax(heard[::-1]))
    end = last + 1 + round(TAIL_REST_SEC * stems.sample_rate)
    if end >= stems.num_samples:
        return stems
    cut = [audio[:, :end] if overwrite else audio[:, :end].copy() for audio in stems.audio]
    _fade_end(cut, stems.sample_rate)
    return Stems(stems.names, tuple(cut), stems.sample_rate)


def _fade_end(stems: list[NDArray[np.float32]], sample_rate: int) -> None:
    """Take a reverb tail that the buffer cuts off gently to zero."""
    fade = min(round(END_FADE_SEC * sample_rate), stems[0].shape[1] // 4)
    if fade:
        curve = (0.5 + 0.5 * np.cos(np.pi * np.arange(1, fade + 1) / fade)).astype(np.float32)
        for audio in stems:
            audio[:, -fade:] *= curve


def _mix_scale(
    mix: NDArray[np.float32], stems: Sequence[NDArray[np.float32]], sample_rate: int
) -> float:
    loudness = integrated_lufs(mix, sample_rate)
    scale = 1.0 if loudness == -math.inf else 10 ** ((MIX_LUFS - loudness) / 20)
    peak = float(max(mix.max(), -mix.min()))
    loudest = max(float(max(audio.max(), -audio.min())) for audio in stems)
    if peak > 0:
        scale = min(scale, MIX_PEAK / peak)
    if loudest > 0:
        scale = min(scale, 10 ** (-1 / 20) / loudest)
    return scale


def _sum(stems: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
    total = stems[0].copy()
    for audio in stems[1:]:
        total += audio
    return total


def mix_down(stems: Stems) -> NDArray[np.float32]:
    """Sum stems, float32 (2, samples); no stems give an empty mix."""
    if not stems.audio:
        return np.zeros((2, 0), dtype=np.float32)
    return _sum(stems.audio)
