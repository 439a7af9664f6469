"""Balance: levels, seats and a shared room, stem by stem.

Purpose: turn dry stems into stems that sum to a finished mix.

Conventions: levels come from gated integrated loudness (ITU-R BS.1770-4) of each stem while it
plays, so a part that rests a lot is not turned up for its rests. A part that hardly plays keeps
the gain of its neighbours. Every step is linear in the stem, so the stems sum to the mix.

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

from leitmotiv.audio import Stems, active_sec, integrated_lufs
from leitmotiv.effects import Band, Equalizer
from leitmotiv.errors import AudioError
from leitmotiv.mix.presets import ROLES, MixPreset, find_preset
from leitmotiv.mix.room import convolve, hall_response
from leitmotiv.mix.seating import Seat, place, seat_parts

__all__ = ["balance_stems", "mix_down", "trim_tail"]

MIX_LUFS = -20.0
MIX_PEAK = 10 ** (-3 / 20)
LARGEST_CORRECTION_DB = 12.0
SHORTEST_ACTIVE_SEC = 1.0
END_FADE_SEC = 0.25
WIDEST_DB = -4.0  # side against middle: wider than this thins out on one loudspeaker
TAIL_FLOOR_DB = -72.0  # below the peak of the mix nobody hears the room any more
TAIL_REST_SEC = 0.3
_BLOCK = 2**17  # samples filtered at a time

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
    lufs: float
    active: float


def _high_pass_hz(audio: NDArray[np.float32], role: str, sample_rate: int) -> float:
    """Role's high pass, at most 0.8 of the frequency below which 1 % of the energy lies."""
    n_fft = 8192
    wanted = _HIGH_PASS_HZ[role]
    num_frames = min(audio.shape[1] // n_fft, 64)
    if not num_frames:
        return min(wanted, 28.0)
    starts = np.linspace(0, audio.shape[1] - n_fft, num_frames).astype(np.int64)
    frames = np.stack([audio[0, at : at + n_fft] + audio[1, at : at + n_fft] for at in starts])
    power = np.square(np.abs(np.fft.rfft(frames * np.hanning(n_fft), axis=1))).sum(axis=0)
    share = np.cumsum(power) / max(float(power.sum()), 1e-20)
    lowest_hz = float(np.searchsorted(share, 0.01)) * sample_rate / n_fft
    return max(min(wanted, 0.8 * lowest_hz), 20.0)


def _prepare(
    audio: NDArray[np.float32], role: str, seat: Seat, sample_rate: int, overwrite: bool
) -> _Measured:
    """Filter, seat and measure one stem."""
    placed = audio if overwrite else np.zeros_like(audio)
    if not audio.any():
        return _Measured(placed, -math.inf, 0.0)
    bands = [Band("high_pass", _high_pass_hz(audio, role, sample_rate))]
    if seat.depth > 0.3:  # air between the back desks and the audience
        bands.append(Band("high_shelf", 6000.0, -3.0 * seat.depth))
    equalizer = Equalizer(tuple(bands), sample_rate=sample_rate)
    for start in range(0, audio.shape[1], _BLOCK):
        block = slice(start, start + _BLOCK)
        placed[:, block] = equalizer.process(place(audio[:, block], seat))
    return _Measured(placed, integrated_lufs(placed, sample_rate), active_sec(placed, sample_rate))


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
        ``concert``, ``chamber``, ``band``, ``choir``, ``ambient``, ``intimate``, or your own.
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
        prepared = [
            pool.submit(_prepare, audio, role, seat, sample_rate, overwrite)
            for audio, role, seat in zip(stems.audio, roles, seats, strict=True)
        ]
        measured = [future.result() for future in prepared]
        gains_db = _gains_db(measured, roles, chosen)

        def finish(index: int) -> NDArray[np.float32]:
            direct = measured[index].audio
            if measured[index].lufs == -math.inf and not direct.any():
                return direct
            seat = seats[index]
            send_db = chosen.send_db + chosen.role_send_db[roles[index]] + 6 * (seat.depth - 0.3)
            direct *= np.float32(10 ** (gains_db[index] / 20))
            wet = convolve(direct, response)
            wet *= np.float32(10 ** (send_db / 20))
            direct += wet
            del wet
            _narrow(direct)
            return direct

        balanced = list(pool.map(finish, range(len(measured))))
    _fade_end(balanced, sample_rate)
    scale = np.float32(_mix_scale(_sum(balanced), balanced, sample_rate))
    for audio, stem in zip(balanced, measured, strict=True):
        if stem.lufs > -math.inf or audio.any():  # pages of untouched zeros cost no memory
            audio *= scale
    return Stems(stems.names, tuple(balanced), sample_rate)


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
