"""The kernel of the algorithmic reverbs: diffuser, feedback delay network, shimmer, swell.

Purpose: one compiled loop over samples, voiced as hall, room, plate, cathedral, shimmer and
infinite bed by its tables, so that every knob may move at every sample.

How it works, in the order of the loop:

1. The input loses its extremes (one-pole low and high cut) and enters a long past. A plate sends
   it through first-order all-passes first, which let high frequencies run ahead.
2. Early reflections are taps of the past; the *swell* is a set of taps whose gains rise, like a
   reverberation heard backwards.
3. Eight channels of diffusion: in each step every channel is delayed by its own time and all are
   mixed by plane rotations. No step changes the energy, so the diffuser colours nothing.
4. Sixteen delay lines. Each loses what the decay asks of its length in a gain, a low shelf and a
   high shelf; pairs of lines are turned in their planes by angles that swing slowly, and a
   Hadamard matrix mixes all. Both are orthogonal at any time, so without loss the energy stays:
   a held bed neither grows nor fades. If input keeps adding, power above the ceiling is taken
   out of the loop by a slow gain, so the old makes room for the new.
5. Shimmer: the late sound, its extremes cut, is read by overlapping grains that run faster than
   it was written, from places scattered over a third of a second, and goes back into the
   diffuser: onsets are washed out, so that an octave enters as a bow does, not as a pick.

Lengths follow ``size`` by gliding, as tape would; when they have settled they are whole samples,
so that nothing is lost to interpolation.

Public names: :func:`run_network` and the rows of its tables.

References: Jot and Chaigne, *Digital delay networks for designing artificial reverberators*
(AES 90, 1991); Schlecht and Habets, *Time-varying feedback matrices in feedback delay networks*
(JASA 138, 2015); Schlecht and Habets, *Scattering in feedback delay networks* (2020).
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from leitmotiv.audio.compiled import compiled

__all__ = ["KNOBS", "NUM_LINES", "NUM_SPREAD", "TICK", "run_network"]

NUM_LINES = 16
NUM_SPREAD = 8  # channels of the diffuser
TICK = 32  # samples between new targets of the swinging planes, counted from the reset
NUM_HEADS = 4  # overlapping grains of each shimmer voice

KNOBS = (
    "decay_sec",
    "low_decay_ratio",
    "high_decay_ratio",
    "damping_hz",
    "size",
    "pre_delay_ms",
    "diffusion",
    "modulation_hz",
    "modulation_depth",
    "low_cut_hz",
    "high_cut_hz",
    "early_level",
    "late_level",
    "swell_level",
    "hold",
    "freeze",
    "ducking_db",
    "duck_threshold_db",
    "octave_level",
    "fifth_level",
    "wet_level",
    "dry_level",
    "attack_ms",
)
"""Rows of ``knobs``; those of the loss stand first, those of the lengths around ``size``."""

DECAY, LOW_RATIO, HIGH_RATIO, DAMPING, SIZE, PRE_DELAY = 0, 1, 2, 3, 4, 5
DIFFUSION, MODULATION_HZ, MODULATION_DEPTH, LOW_CUT, HIGH_CUT = 6, 7, 8, 9, 10
EARLY, LATE, SWELL, HOLD, FREEZE, DUCKING, THRESHOLD = 11, 12, 13, 14, 15, 16, 17
OCTAVE, FIFTH, WET, DRY, ATTACK = 18, 19, 20, 21, 22

# fixed, float64
F_RATE, F_BASS_HZ, F_MEAN, F_DIFFUSE, F_CEILING, F_RATIO, F_GRAIN, F_SCATTER, F_SHIMMER_HZ = (
    0, 1, 2, 3, 4, 5, 7, 8, 9,
)  # fmt: skip
NUM_FIXED = 10

# state, float64
S_LOW_CUT, S_HIGH_CUT, S_POWER, S_DUCK = 0, 2, 4, 5  # the first two: left and right
S_SHIMMER, S_ENTRY = 6, 12  # six memories of the shimmer's filters; gain into the lines
S_CUT_A, S_CUT_B, S_COSINE, S_SINE, S_KEEP = 13, 14, 15, 16, 17  # two: size, pre-delay
S_LOUD, S_RISEN = 19, 20
NUM_STATE = 21

# counters, int64
I_POSITION, I_TICK, I_GLIDING, I_SEED = 0, 1, 2, 3
NUM_COUNTERS = 4

_TINY = 1e-18  # -360 dB: below it a sample is silence; keeps the lines out of denormals
_MAX_GLIDE = 0.5  # samples a sample: lengths glide by at most an octave down, half an octave up
_POWER_SEC, _ATTACK_SEC, _RELEASE_SEC, _FADE_SEC = 0.05, 0.004, 0.35, 0.15
_DUCK_SPAN_DB = 12.0


@compiled
def _set_losses(
    losses: NDArray[np.float64],
    base: NDArray[np.float64],
    fixed: NDArray[np.float64],
    decay_sec: float,
    low_ratio: float,
    high_ratio: float,
    damping_hz: float,
    size: float,
    keep: float,
) -> None:
    """Shelves of each line: rows gain * (b0, b1), a1 of the high one, b0, b1, a1 of the low."""
    rate = fixed[F_RATE]
    high = math.tan(math.pi * min(damping_hz, 0.45 * rate) / rate)
    low = math.tan(math.pi * fixed[F_BASS_HZ] / rate)
    for line in range(NUM_LINES):
        # ln of the gain that the length asks for; 60 dB are ln 1000 = 6.9078.
        loss = -6.907755278982137 * (1.0 - keep) * base[1 + line] * size / (rate * decay_sec)
        top = math.exp(0.5 * loss * (1.0 / high_ratio - 1.0))
        bottom = math.exp(0.5 * loss * (1.0 / low_ratio - 1.0))
        gain = math.exp(loss)
        scale = 1.0 / (1.0 + 1.0 / (high * top))
        losses[0, line] = gain * (1.0 + top / high) * scale
        losses[1, line] = gain * (1.0 - top / high) * scale
        losses[2, line] = (1.0 - 1.0 / (high * top)) * scale
        scale = 1.0 / (1.0 / low + 1.0 / bottom)
        losses[3, line] = (1.0 / low + bottom) * scale
        losses[4, line] = (bottom - 1.0 / low) * scale
        losses[5, line] = (1.0 / bottom - 1.0 / low) * scale


@compiled
def _glide(
    now: NDArray[np.float64],
    base: NDArray[np.float64],
    rate: float,
    size: float,
    pre_delay_ms: float,
    moving: bool,
) -> int:
    """Move every length towards its target; return whether any is still on its way."""
    on_its_way = 0
    pull = 40.0 / rate
    for i in range(now.shape[0]):
        target = pre_delay_ms * 1e-3 * rate if i == 0 else base[i] * size
        if not moving:
            target = math.floor(target + 0.5)
        gap = target - now[i]
        if abs(gap) < 1e-4 and not moving:
            now[i] = target
        else:
            now[i] += min(max(pull * gap, -_MAX_GLIDE), _MAX_GLIDE)
            on_its_way = 1
    return on_its_way


@compiled
def _between(line: NDArray[np.float32], position: int, delay: float, mask: int) -> float:
    """Read a ring between samples: four points, third order (Catmull-Rom)."""
    whole = int(delay)
    x = delay - whole
    here = position - whole
    a = line[(here + 1) & mask]
    b = line[here & mask]
    c = line[(here - 1) & mask]
    d = line[(here - 2) & mask]
    return b + 0.5 * x * (
        c - a + x * (2.0 * a - 5.0 * b + 4.0 * c - d + x * (3.0 * (b - c) + d - a))
    )


@compiled
def run_network(
    out: NDArray[np.float32],  # (2, samples)
    audio: NDArray[np.float32],  # (2, samples)
    key: NDArray[np.float32],  # (2, samples): what ducks the wet sound
    knobs: NDArray[np.float64],  # (knobs, samples), or (knobs, 1) where nothing moves
    fixed: NDArray[np.float64],
    base: NDArray[np.float64],  # lengths at size 1: pre-delay, lines, diffuser, early taps
    early_gains: NDArray[np.float64],  # (taps, 2 outputs); even taps listen left, odd ones right
    swell_taps: NDArray[np.int64],  # samples after the pre-delay
    swell_gains: NDArray[np.float64],  # (taps, 2 channels)
    dispersion: NDArray[np.float64],  # all-pass coefficients
    signs: NDArray[np.float64],  # (4, lines): to left, to right, entry, entry channel
    rates: NDArray[np.float64],  # (lines / 2,): swing of each plane over modulation_hz
    window: NDArray[np.float64],  # grain shape, 1025 points
    past: NDArray[np.float32],  # (2, power of two)
    lines: NDArray[np.float32],  # (16, power of two)
    spread: NDArray[np.float32],  # (8 * steps, power of two)
    ring: NDArray[np.float32],  # (2, power of two): late sound for the shimmer
    now: NDArray[np.float64],  # lengths as they are
    losses: NDArray[np.float64],  # (6, lines)
    memories: NDArray[np.float64],  # (2, lines)
    planes: NDArray[np.float64],  # (6, planes): phase, angle, cos, sin, cos and sin of a step
    waves: NDArray[np.float64],  # (3, 2, stages): all-pass outputs now and before
    heads: NDArray[np.float64],  # (2 voices, heads, 3): phase, extra delay left, right
    s: NDArray[np.float64],
    counters: NDArray[np.int64],
) -> None:
    """Advance the network by a block, writing the output and all state in place."""
    rate, num_samples, moving = fixed[F_RATE], audio.shape[1], knobs.shape[1] > 1
    num_steps, num_early = spread.shape[0] // NUM_SPREAD, early_gains.shape[0]
    num_stages, num_planes = dispersion.shape[0], NUM_LINES // 2
    past_mask, line_mask = past.shape[1] - 1, lines.shape[1] - 1
    spread_mask, ring_mask = spread.shape[1] - 1, ring.shape[1] - 1
    power_pole = 1.0 - math.exp(-1.0 / (_POWER_SEC * rate))
    attack = 1.0 - math.exp(-1.0 / (_ATTACK_SEC * rate))
    release = 1.0 - math.exp(-1.0 / (_RELEASE_SEC * rate))
    fade = 1.0 - math.exp(-1.0 / (_FADE_SEC * rate))
    shimmer_low = 1.0 - math.exp(-2.0 * math.pi * fixed[F_SHIMMER_HZ] / rate)
    shimmer_high = 1.0 - math.exp(-2.0 * math.pi * 180.0 / rate)
    v, w = np.empty(NUM_LINES), np.empty(NUM_LINES)
    d, e = np.empty(NUM_SPREAD), np.empty(NUM_SPREAD)
    position, tick, gliding = counters[I_POSITION], counters[I_TICK], counters[I_GLIDING]
    for t in range(num_samples):
        k = t if moving else 0
        freeze = knobs[FREEZE, k]
        # --- knobs ---
        if moving or t == 0:
            new = t == 0
            if not new:
                for row in range(DIFFUSION):
                    new = new or knobs[row, k] != knobs[row, k - 1]
                new = new or knobs[HOLD, k] != knobs[HOLD, k - 1] or freeze != knobs[FREEZE, k - 1]
            if new:
                keep = max(knobs[HOLD, k], freeze)
                _set_losses(
                    losses, base, fixed, knobs[DECAY, k], knobs[LOW_RATIO, k],
                    knobs[HIGH_RATIO, k], knobs[DAMPING, k], knobs[SIZE, k], keep,
                )  # fmt: skip
                # A click leaves as much energy as it brings, whatever decay and size.
                passing = fixed[F_MEAN] * knobs[SIZE, k] / (rate * knobs[DECAY, k])
                s[S_ENTRY] = min(math.sqrt(math.exp(13.815510557964274 * passing) - 1.0), 4.0)
            s[S_CUT_A] = 1.0 - math.exp(-2.0 * math.pi * knobs[LOW_CUT, k] / rate)
            s[S_CUT_B] = 1.0 - math.exp(-2.0 * math.pi * knobs[HIGH_CUT, k] / rate)
            s[S_COSINE] = math.cos(0.25 * math.pi * knobs[DIFFUSION, k])
            s[S_SINE] = math.sin(0.25 * math.pi * knobs[DIFFUSION, k])
            size, pre = knobs[SIZE, k], knobs[PRE_DELAY, k]
            if size != s[S_KEEP] or pre != s[S_KEEP + 1]:
                gliding = 2
        if gliding:
            on_move = gliding == 2
            s[S_KEEP], s[S_KEEP + 1] = knobs[SIZE, k], knobs[PRE_DELAY, k]
            gliding = _glide(now, base, rate, knobs[SIZE, k], knobs[PRE_DELAY, k], on_move)

        if tick % TICK == 0:
            # Angles swing to their next targets; silent memories are cleared of denormals.
            for i in range(num_planes):
                phase = planes[0, i] + rates[i] * knobs[MODULATION_HZ, k] * TICK / rate
                planes[0, i] = phase - math.floor(phase)
                target = knobs[MODULATION_DEPTH, k] * math.pi * math.sin(2 * math.pi * phase)
                turn = (target - planes[1, i]) / TICK
                planes[2, i], planes[3, i] = math.cos(planes[1, i]), math.sin(planes[1, i])
                planes[4, i], planes[5, i] = math.cos(turn), math.sin(turn)
                planes[1, i] = target
            for i in range(NUM_LINES):
                for row in range(2):
                    if abs(memories[row, i]) < _TINY:
                        memories[row, i] = 0.0
            for i in range(NUM_STATE):
                if abs(s[i]) < _TINY * _TINY:
                    s[i] = 0.0
            for i in range(num_stages):
                for channel in range(2):
                    if abs(waves[0, channel, i]) < _TINY:
                        waves[0, channel, i] = 0.0
        tick += 1

        # --- input ---
        x, y = float(audio[0, t]), float(audio[1, t])
        open_gate = 1.0 - freeze
        s[S_LOW_CUT] += s[S_CUT_A] * (x - s[S_LOW_CUT])
        s[S_LOW_CUT + 1] += s[S_CUT_A] * (y - s[S_LOW_CUT + 1])
        s[S_HIGH_CUT] += s[S_CUT_B] * (open_gate * (x - s[S_LOW_CUT]) - s[S_HIGH_CUT])
        s[S_HIGH_CUT + 1] += s[S_CUT_B] * (open_gate * (y - s[S_LOW_CUT + 1]) - s[S_HIGH_CUT + 1])
        left, right = s[S_HIGH_CUT], s[S_HIGH_CUT + 1]
        if knobs[ATTACK, k] > 0.0:
            # What is louder than a slow follower has heard is held back to what it has.
            loud = max(abs(left), abs(right))
            s[S_LOUD] = max(loud, s[S_LOUD] - fade * s[S_LOUD])
            rise = 1.0 - math.exp(-2302.585092994046 / (knobs[ATTACK, k] * rate))
            s[S_RISEN] = min(s[S_RISEN] + rise * (s[S_LOUD] - s[S_RISEN]), s[S_LOUD])
            if s[S_LOUD] > 1e-9:
                left *= s[S_RISEN] / s[S_LOUD]
                right *= s[S_RISEN] / s[S_LOUD]
        if num_stages:
            # A sample of delay between stages lets all of them run side by side.
            for channel in range(2):
                older, old, new_wave = waves[2, channel], waves[1, channel], waves[0, channel]
                for i in range(num_stages + 2):
                    older[i] = old[i]
                for i in range(num_stages + 2):
                    old[i] = new_wave[i]
                new_wave[0] = left if channel == 0 else right
                for i in range(num_stages):
                    a = dispersion[i]
                    new_wave[i + 1] = a * (old[i] - old[i + 1]) + older[i]
            left, right = waves[0, 0, num_stages], waves[0, 1, num_stages]
        past[0, position & past_mask] = left if abs(left) > _TINY else 0.0
        past[1, position & past_mask] = right if abs(right) > _TINY else 0.0

        # --- early reflections and swell ---
        pre = now[0]
        early_left, early_right = 0.0, 0.0
        first = 1 + NUM_LINES + NUM_SPREAD * num_steps
        if gliding:
            left = _between(past[0], position, pre + 1.0, past_mask)
            right = _between(past[1], position, pre + 1.0, past_mask)
            for i in range(num_early):
                heard = _between(past[i & 1], position, pre + now[first + i] + 1.0, past_mask)
                early_left += early_gains[i, 0] * heard
                early_right += early_gains[i, 1] * heard
        else:
            here = position - int(pre) - 1
            left, right = float(past[0, here & past_mask]), float(past[1, here & past_mask])
            for i in range(num_early):
                heard = float(past[i & 1, (here - int(now[first + i])) & past_mask])
                early_left += early_gains[i, 0] * heard
                early_right += early_gains[i, 1] * heard
        swell = knobs[SWELL, k]
        if swell > 0.0:
            here = position - int(pre) - 1
            sum_left, sum_right = 0.0, 0.0
            for i in range(swell_taps.shape[0]):
                at = (here - swell_taps[i]) & past_mask
                sum_left += swell_gains[i, 0] * past[0, at]
                sum_right += swell_gains[i, 1] * past[1, at]
            left += swell * (sum_left - left)
            right += swell * (sum_right - right)
            early_left *= 1.0 - swell
            early_right *= 1.0 - swell

        # --- shimmer: grains of the late sound, higher than it was ---
        for voice in range(2):
            level = knobs[OCTAVE + voice, k] * open_gate
            if level > 0.0:
                ratio, grain = fixed[F_RATIO + voice], fixed[F_GRAIN]
                sum_left, sum_right = 0.0, 0.0
                for head in range(NUM_HEADS):
                    phase = heads[voice, head, 0] + 1.0 / grain
                    if phase >= 1.0:
                        phase -= 1.0
                        for side in range(1, 3):
                            counters[I_SEED] = (counters[I_SEED] * 1103515245 + 12345) & 0x7FFFFFFF
                            heads[voice, head, side] = (
                                counters[I_SEED] / 2147483648.0 * fixed[F_SCATTER]
                            )
                    heads[voice, head, 0] = phase
                    run = (ratio - 1.0) * (1.0 - phase) if ratio > 1.0 else (1.0 - ratio) * phase
                    gain = window[int(phase * 1024.0)]
                    reach = 4.0 + run * grain
                    sum_left += gain * _between(
                        ring[0], position, reach + heads[voice, head, 1], ring_mask
                    )
                    sum_right += gain * _between(
                        ring[1], position, reach + heads[voice, head, 2], ring_mask
                    )
                left += level * sum_left
                right += level * sum_right

        # --- diffuser ---
        cosine, sine = s[S_COSINE], s[S_SINE]
        for i in range(0, NUM_SPREAD, 2):
            d[i], d[i + 1] = 0.5 * left, 0.5 * right
        at = position & spread_mask
        for step in range(num_steps):
            row = NUM_SPREAD * step
            for i in range(NUM_SPREAD):
                spread[row + i, at] = d[i]
            if gliding:
                for i in range(NUM_SPREAD):
                    delay = now[1 + NUM_LINES + row + i]
                    d[i] = _between(spread[row + i], position, max(delay, 1.0), spread_mask)
            else:
                for i in range(NUM_SPREAD):
                    delay = int(now[1 + NUM_LINES + row + i])
                    d[i] = spread[row + i, (position - delay) & spread_mask]
            for i in range(4):
                e[2 * i] = cosine * d[i] + sine * d[i + 4]
                e[2 * i + 1] = cosine * d[i + 4] - sine * d[i]
            for i in range(4):
                d[2 * i] = cosine * e[i] + sine * e[i + 4]
                d[2 * i + 1] = cosine * e[i + 4] - sine * e[i]
            for i in range(4):
                e[2 * i] = cosine * d[i] + sine * d[i + 4]
                e[2 * i + 1] = cosine * d[i + 4] - sine * d[i]
            for i in range(NUM_SPREAD):
                d[i] = e[i]
        diffuse = fixed[F_DIFFUSE]
        left, right = d[0] - d[3] + d[5] - d[6], d[1] + d[2] - d[4] - d[7]
        early_left += diffuse * left
        early_right += diffuse * right

        # --- sixteen lines ---
        if gliding:
            for i in range(NUM_LINES):
                v[i] = _between(lines[i], position, now[1 + i], line_mask)
        else:
            for i in range(NUM_LINES):
                v[i] = lines[i, (position - int(now[1 + i])) & line_mask]
        for i in range(NUM_LINES):
            x = v[i]
            y = losses[0, i] * x + memories[0, i]
            memories[0, i] = losses[1, i] * x - losses[2, i] * y
            x = losses[3, i] * y + memories[1, i]
            memories[1, i] = losses[4, i] * y - losses[5, i] * x
            v[i] = x
        late_left, late_right, power = 0.0, 0.0, 0.0
        for i in range(NUM_LINES):
            late_left += signs[0, i] * v[i]
            late_right += signs[1, i] * v[i]
            power += v[i] * v[i]
        s[S_POWER] += power_pole * (power - s[S_POWER])
        for i in range(num_planes):
            cosine = planes[2, i] * planes[4, i] - planes[3, i] * planes[5, i]
            sine = planes[2, i] * planes[5, i] + planes[3, i] * planes[4, i]
            planes[2, i], planes[3, i] = cosine, sine
            x, y = v[i], v[i + num_planes]
            v[i] = cosine * x - sine * y
            v[i + num_planes] = sine * x + cosine * y
        for i in range(8):
            w[2 * i], w[2 * i + 1] = v[i] + v[i + 8], v[i] - v[i + 8]
        for i in range(8):
            v[2 * i], v[2 * i + 1] = w[i] + w[i + 8], w[i] - w[i + 8]
        for i in range(8):
            w[2 * i], w[2 * i + 1] = v[i] + v[i + 8], v[i] - v[i + 8]
        for i in range(8):
            v[2 * i], v[2 * i + 1] = w[i] + w[i + 8], w[i] - w[i + 8]
        gain = 0.25
        if s[S_POWER] > fixed[F_CEILING]:
            gain *= math.sqrt(fixed[F_CEILING] / s[S_POWER])
        entry = s[S_ENTRY]
        at = position & line_mask
        for i in range(NUM_LINES):
            x = gain * v[i] + entry * signs[2, i] * d[i & 7]
            lines[i, at] = x if abs(x) > _TINY else 0.0

        # --- what the shimmer will hear, and the output ---
        if knobs[OCTAVE, k] + knobs[FIFTH, k] > 0.0:
            # On hold the bed is not shifted again and again, or all would end at the top: what
            # enters it brings its octaves along.
            keep = max(knobs[HOLD, k], freeze)
            left += (1.0 - keep) * (late_left - left)
            right += (1.0 - keep) * (late_right - right)
            for channel in range(2):
                x = left if channel == 0 else right
                m = S_SHIMMER + 3 * channel
                s[m] += shimmer_low * (x - s[m])
                s[m + 1] += shimmer_low * (s[m] - s[m + 1])
                s[m + 2] += shimmer_high * (s[m + 1] - s[m + 2])
                x = s[m + 1] - s[m + 2]
                ring[channel, position & ring_mask] = x if abs(x) > _TINY else 0.0
        wet = knobs[WET, k]
        if knobs[DUCKING, k] > 0.0:
            loud = max(abs(key[0, t]), abs(key[1, t]))
            s[S_DUCK] += (attack if loud > s[S_DUCK] else release) * (loud - s[S_DUCK])
            over = 20.0 * math.log10(s[S_DUCK] + 1e-9) - knobs[THRESHOLD, k]
            share = min(max(over / _DUCK_SPAN_DB + 0.5, 0.0), 1.0)
            share *= share * (3.0 - 2.0 * share)
            wet *= math.exp(-0.11512925464970229 * knobs[DUCKING, k] * share)
        early, late, dry = knobs[EARLY, k], knobs[LATE, k], knobs[DRY, k]
        out[0, t] = dry * audio[0, t] + wet * (early * early_left + late * late_left)
        out[1, t] = dry * audio[1, t] + wet * (early * early_right + late * late_right)
        position += 1
    counters[I_POSITION], counters[I_TICK], counters[I_GLIDING] = position, tick, gliding
