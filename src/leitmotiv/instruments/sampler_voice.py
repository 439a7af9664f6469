"""The voice kernel of the SoundFont sampler: one compiled function, all voices of a part.

Purpose: read samples at any pitch, shape them with two envelopes, two LFOs and a resonant
low-pass filter, pan them and add them to a stereo buffer.

Conventions:

- A voice is a row in four arrays: ``params`` and ``fields`` (set when the part is prepared),
  ``state`` and ``counters`` (its memory between calls). Column names are the constants below.
- A voice computes blocks of :data:`BLOCK` samples on a grid that starts at its own onset, so an
  onset is sample-accurate; envelopes, LFOs and controllers move once a block and gains and
  filter coefficients are ramped over it. A block that reaches past the requested end is kept in
  ``pending`` and finished by the next call. Each output sample is a sum over voices in row
  order, so the result does not depend on how a render is cut into calls.
- Positions in a sample are 32.32 fixed point. Pool audio is float32, the filter float64.

References: SoundFont Technical Specification 2.04, sections 8.1 and 9.1; R. Bristow-Johnson,
"Cookbook formulae for audio EQ biquad filter coefficients". Envelope conventions (96 dB range,
linear attack) follow the reference player, FluidSynth, where the standard leaves room.

Public names: :func:`render_voices`, :func:`interpolation_table`, :data:`BLOCK` and the columns.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

__all__ = ["BLOCK", "SCRATCH", "interpolation_table", "render_voices"]

BLOCK = 64
PEAK_DB = 96.0  # range of the volume envelope
MAX_STEP = 64.0  # source frames per output sample: six octaves up
SCRATCH = int(BLOCK * MAX_STEP) + 16

# params, float64: the first NUM_LIVE ones follow controllers while a voice sounds.
PITCH, ATTENUATION, CUTOFF, RESONANCE, PAN = 0, 1, 2, 3, 4
VIB_PITCH, LFO_PITCH, LFO_CUTOFF, LFO_VOLUME, ENV_PITCH, ENV_CUTOFF = 5, 6, 7, 8, 9, 10
NUM_LIVE = 11
STEP = 11  # source frames per output sample at PITCH = 0
VOL_DELAY, VOL_ATTACK, VOL_HOLD, VOL_DECAY, VOL_SUSTAIN, VOL_RELEASE = 12, 13, 14, 15, 16, 17
MOD_DELAY, MOD_ATTACK, MOD_HOLD, MOD_DECAY, MOD_SUSTAIN, MOD_RELEASE = 18, 19, 20, 21, 22, 23
LFO_DELAY, LFO_STEP, VIB_DELAY, VIB_STEP = 24, 25, 26, 27
GLIDE_CENTS, GLIDE_BLOCKS = 28, 29  # offset at the onset, and the time in which it is gone
FADE_BLOCKS = 30  # of a voice that is stolen or passes on to the next note of a slur
NUM_PARAMS = 31

# fields, int64
ONSET, RELEASE_AT, CHOKE_AT, POOL_START, FRAME_START, FRAME_END = 0, 1, 2, 3, 4, 5
LOOP_START, LOOP_END, LOOP_MODE, MOD_FIRST, MOD_LAST, FADE_AT = 6, 7, 8, 9, 10, 11
NUM_FIELDS = 12

# state, float64
S_VOL, S_MOD, S_LFO, S_LFO_STEP, S_VIB, S_VIB_STEP = 0, 1, 2, 3, 4, 5
S_X1, S_X2, S_Y1, S_Y2, S_B0, S_B1, S_A1, S_A2 = 6, 7, 8, 9, 10, 11, 12, 13
S_LEFT, S_RIGHT, S_CUTOFF, S_RESONANCE = 14, 15, 16, 17
S_PAN_LEFT, S_PAN_RIGHT, S_PEAK, S_SCALE = 18, 19, 20, 21
S_LIVE = 22
NUM_STATE = S_LIVE + NUM_LIVE

# counters, int64
C_STATUS, C_VOL_STAGE, C_VOL_COUNT, C_MOD_STAGE, C_MOD_COUNT = 0, 1, 2, 3, 4
C_POSITION, C_LOOPED, C_CONTROL, C_PENDING, C_NEXT, C_FILTER, C_FADE = 5, 6, 7, 8, 9, 10, 11
NUM_COUNTERS = 12

WAITING, SOUNDING, ENDING, DONE = 0, 1, 2, 3
DELAY, ATTACK, HOLD, DECAY, SUSTAIN, RELEASE, FINISHED = 0, 1, 2, 3, 4, 5, 6
CHOKE_TIMECENTS = -200.0  # release of a voice that its exclusive class cuts off

NUM_PHASES = 512
TAPS = 8
SHIFT, PHASE_SHIFT, PHASE_MASK = np.uint64(32), np.uint64(23), np.uint64(NUM_PHASES - 1)
TAP_2, TAP_3, TAP_4, TAP_5 = np.uint64(2), np.uint64(3), np.uint64(4), np.uint64(5)


def interpolation_table(order: int) -> NDArray[np.float32]:
    """Return interpolation weights, shape (phases, 8 taps), for taps -3 to +4 around a frame.

    ``order`` 4 is the four-point third-order (Catmull-Rom) curve, 7 an eight-tap windowed sinc.
    """
    phase = np.arange(NUM_PHASES)[:, None] / NUM_PHASES
    distance = np.arange(TAPS)[None, :] - 3 - phase
    if order == 4:
        x = np.abs(distance)
        near = 1.0 - 2.5 * x**2 + 1.5 * x**3
        far = 2.0 - 4.0 * x + 2.5 * x**2 - 0.5 * x**3
        weights = np.where(x <= 1.0, near, np.where(x < 2.0, far, 0.0))
    else:
        window = np.cos(np.pi * distance / TAPS) ** 2
        weights = np.sinc(distance) * np.where(np.abs(distance) < TAPS / 2, window, 0.0)
        weights /= weights.sum(axis=1, keepdims=True)
    return np.ascontiguousarray(weights, dtype=np.float32)


_SIGNATURE = (
    "void(float32[:,::1], int64, int64, float64, float64[:,::1], int64[:,::1], float64[:,::1],"
    " int64[:,::1], float32[:,:,::1], float32[::1], int64[::1], float64[:,::1], int64[:,::1],"
    " float64[::1], float32[:,::1], boolean, float32[::1], float64[::1], float32[:,::1])"
)


def _compiled(function: Callable[..., None]) -> Callable[..., None]:
    """Compile once and keep the code on disk, where there is a folder to keep it in."""
    options: dict[str, Any] = {
        "nogil": True,
        "error_model": "numpy",
        "fastmath": {"contract"},
    }
    try:
        return njit(_SIGNATURE, cache=True, **options)(function)
    except RuntimeError:  # neither the package's folder nor the user's can be written
        return njit(_SIGNATURE, **options)(function)


@_compiled
def render_voices(
    out: NDArray[np.float32],
    begin: int,
    end: int,
    sample_rate: float,
    params: NDArray[np.float64],
    fields: NDArray[np.int64],
    state: NDArray[np.float64],
    counters: NDArray[np.int64],
    pending: NDArray[np.float32],
    pool: NDArray[np.float32],
    control_samples: NDArray[np.int64],
    control_rows: NDArray[np.float64],
    modulators: NDArray[np.int64],
    amounts: NDArray[np.float64],
    table: NDArray[np.float32],
    wide: bool,
    scratch: NDArray[np.float32],
    source: NDArray[np.float64],
    bounce: NDArray[np.float32],
) -> Any:
    """Add samples ``begin`` to ``end`` of every voice to ``out`` of shape (2, end - begin).

    ``control_samples`` (shape T) are the instants at which a controller moves and
    ``control_rows`` (rows, T) the mapped source values from then on; ``modulators`` holds
    (row, live parameter) and ``amounts`` the factor, sliced per voice by MOD_FIRST and MOD_LAST.
    ``wide`` selects all eight taps of ``table`` instead of the cubic. ``scratch`` (SCRATCH),
    ``source`` (BLOCK + 2) and ``bounce`` (2, BLOCK) are working space; what they hold is lost.
    """
    left, right = bounce[0], bounce[1]
    num_controls = len(control_samples)
    block_sec = BLOCK / sample_rate
    open_cutoff = min(19_800.0, 0.45 * sample_rate)
    log2_1200 = math.log(2.0) / 1200.0
    log10_200 = math.log(10.0) / 200.0

    for v in range(len(params)):
        if fields[v, ONSET] >= end:
            break  # rows are sorted by onset
        status = counters[v, C_STATUS]
        if status == DONE:
            continue
        p, f, s, c = params[v], fields[v], state[v], counters[v]

        if status == WAITING:
            status = SOUNDING
            c[C_NEXT] = f[ONSET]
            c[C_POSITION] = f[FRAME_START] << 32
            c[C_PENDING] = BLOCK
            c[C_CONTROL] = -1
            c[C_FILTER] = -1
            s[S_LFO_STEP] = p[LFO_STEP]
            s[S_VIB_STEP] = p[VIB_STEP]

        now = c[C_NEXT]  # output sample at which the next block starts
        if c[C_PENDING] < BLOCK:
            first = c[C_PENDING]
            count = min(BLOCK - first, end - begin)
            for i in range(count):
                out[0, i] += pending[v, 0, first + i]
                out[1, i] += pending[v, 1, first + i]
            c[C_PENDING] = first + count
            if c[C_PENDING] == BLOCK and status == ENDING:
                status = DONE

        while status == SOUNDING and now < end:
            # ---- controllers: base value plus every modulator whose source can move -------------
            control = c[C_CONTROL]
            fresh = control < 0
            while control + 1 < num_controls and control_samples[control + 1] <= now:
                control += 1
            if control != c[C_CONTROL]:
                c[C_CONTROL] = control
                for k in range(NUM_LIVE):
                    s[S_LIVE + k] = p[k]
                for m in range(f[MOD_FIRST], f[MOD_LAST]):
                    moved = amounts[m] * control_rows[modulators[m, 0], control]
                    s[S_LIVE + modulators[m, 1]] += moved
                angle = (min(max(s[S_LIVE + PAN], -500.0), 500.0) + 500.0) * (math.pi / 2000.0)
                s[S_PAN_LEFT], s[S_PAN_RIGHT] = math.cos(angle), math.sin(angle)
                # Section 8.1.3, 9: half of the resonance is taken from the gain; 0 dB is the
                # maximally flat filter.
                resonance = min(max(s[S_LIVE + RESONANCE], 0.0), 960.0)
                s[S_LIVE + RESONANCE] = resonance
                s[S_PEAK] = math.exp(log10_200 * (resonance - 30.1))
                s[S_SCALE] = 1.0 / math.sqrt(s[S_PEAK])

            # ---- note off -----------------------------------------------------------------------
            stage = c[C_VOL_STAGE]
            choked = now >= f[CHOKE_AT]
            if stage < RELEASE and (choked or now >= f[RELEASE_AT]):
                if stage == ATTACK and s[S_VOL] > 0.0:
                    # The attack is linear in amplitude, the release in decibels.
                    s[S_VOL] = max(1.0 + 20.0 * math.log10(s[S_VOL]) / PEAK_DB, 0.0)
                c[C_VOL_STAGE] = stage = RELEASE
                if c[C_MOD_STAGE] == ATTACK:  # go on from where the convex attack has got to
                    s[S_MOD] = max(1.0 + (40.0 / 96.0) * math.log10(max(s[S_MOD], 1e-9)), 0.0)
                c[C_MOD_STAGE] = RELEASE

            # ---- volume envelope: one step a block ----------------------------------------------
            count = c[C_VOL_COUNT]
            while stage < SUSTAIN:
                if count < p[VOL_DELAY + stage]:
                    break
                if stage == DECAY:
                    s[S_VOL] = p[VOL_SUSTAIN]
                stage += 1
                count = 0
            level = s[S_VOL]
            count += 1
            if stage == DELAY:
                level = 0.0
            elif stage == ATTACK:
                level = min(level + 1.0 / p[VOL_ATTACK], 1.0)
            elif stage == HOLD:
                level = 1.0
            elif stage == DECAY:
                level -= 1.0 / p[VOL_DECAY]
                if level <= p[VOL_SUSTAIN]:
                    level = p[VOL_SUSTAIN]
                    stage = SUSTAIN
            elif stage == RELEASE:
                blocks = p[VOL_RELEASE]
                if choked:
                    blocks = min(blocks, 2.0 ** (CHOKE_TIMECENTS / 1200.0) / block_sec)
                level -= 1.0 / blocks
                if level < 0.0:
                    level = 0.0
                    stage = FINISHED
            s[S_VOL] = level
            c[C_VOL_COUNT] = count
            c[C_VOL_STAGE] = stage
            if now >= f[FADE_AT]:
                c[C_FADE] += 1
            if stage == DELAY:
                if c[C_FADE]:
                    status = DONE
                now += BLOCK
                continue

            # ---- modulation envelope ------------------------------------------------------------
            mod_stage, count = c[C_MOD_STAGE], c[C_MOD_COUNT]
            while mod_stage < SUSTAIN:
                if count < p[MOD_DELAY + mod_stage]:
                    break
                if mod_stage == DECAY:
                    s[S_MOD] = p[MOD_SUSTAIN]
                mod_stage += 1
                count = 0
            bend = s[S_MOD]
            count += 1
            if mod_stage == ATTACK:
                bend = min(bend + 1.0 / p[MOD_ATTACK], 1.0)
            elif mod_stage == HOLD:
                bend = 1.0
            elif mod_stage == DECAY:
                bend = max(bend - 1.0 / p[MOD_DECAY], p[MOD_SUSTAIN])
            elif mod_stage == RELEASE:
                bend = max(bend - 1.0 / p[MOD_RELEASE], 0.0)
            s[S_MOD] = bend
            c[C_MOD_COUNT] = count
            c[C_MOD_STAGE] = mod_stage
            if mod_stage == ATTACK:  # section 8.1.2, 26: the attack is convex
                bend = max(1.0 + (40.0 / 96.0) * math.log10(max(bend, 1e-9)), 0.0)

            # ---- LFOs: triangles that start at zero after their delay ---------------------------
            for k in range(2):
                low = S_LFO if k == 0 else S_VIB
                if now - f[ONSET] >= p[LFO_DELAY + 2 * k]:
                    value = s[low] + s[low + 1]
                    if value > 1.0:
                        value = 2.0 - value
                        s[low + 1] = -s[low + 1]
                    elif value < -1.0:
                        value = -2.0 - value
                        s[low + 1] = -s[low + 1]
                    s[low] = value
            lfo, vibrato = s[S_LFO], s[S_VIB]

            # ---- gains --------------------------------------------------------------------------
            centibel = min(max(s[S_LIVE + ATTENUATION], 0.0), 1440.0)
            centibel -= lfo * s[S_LIVE + LFO_VOLUME]
            if stage == ATTACK:
                gain = level * math.exp(-log10_200 * centibel)
            else:
                gain = math.exp(-log10_200 * (centibel + 10.0 * PEAK_DB * (1.0 - level)))
            if c[C_FADE]:  # linear, so that the ramp below leads to nothing without a click
                gain *= max(1.0 - c[C_FADE] / p[FADE_BLOCKS], 0.0)
                if c[C_FADE] >= p[FADE_BLOCKS]:
                    stage = FINISHED
            gain_left, gain_right = gain * s[S_PAN_LEFT], gain * s[S_PAN_RIGHT]

            # ---- source frames of this block, loops unrolled into scratch -----------------------
            cents = s[S_LIVE + PITCH] + lfo * s[S_LIVE + LFO_PITCH]
            cents += vibrato * s[S_LIVE + VIB_PITCH] + bend * s[S_LIVE + ENV_PITCH]
            if p[GLIDE_CENTS] != 0.0:
                way = (now - f[ONSET]) / (p[GLIDE_BLOCKS] * BLOCK)
                cents += p[GLIDE_CENTS] * max(1.0 - way, 0.0)
            step = min(p[STEP] * math.exp(log2_1200 * cents), MAX_STEP)
            increment = max(np.int64(step * 4294967296.0), np.int64(1))
            position = c[C_POSITION]
            looping = f[LOOP_MODE] == 1 or (f[LOOP_MODE] == 3 and stage < RELEASE)
            loop_start, loop_end = f[LOOP_START], f[LOOP_END]
            loop_length = loop_end - loop_start
            frame = position >> 32
            need = ((position + (BLOCK - 1) * increment) >> 32) - frame + TAPS
            frame -= 3
            if looping and c[C_LOOPED] == 1 and frame < loop_start:
                frame += loop_length * ((loop_start - frame + loop_length - 1) // loop_length)
            # Unsigned indices spare the kernel the check for negative ones.
            at = np.uint64(position & 0xFFFFFFFF)
            advance = np.uint64(increment)
            limit = loop_end if looping else f[FRAME_END]
            if frame >= 0 and frame + need <= limit and not wide:
                origin = np.uint64(f[POOL_START] + frame)
                for i in range(BLOCK):
                    j = origin + (at >> SHIFT)
                    w = (at >> PHASE_SHIFT) & PHASE_MASK
                    at += advance
                    source[i + 2] = (
                        pool[j + TAP_2] * table[w, 2]
                        + pool[j + TAP_3] * table[w, 3]
                        + pool[j + TAP_4] * table[w, 4]
                        + pool[j + TAP_5] * table[w, 5]
                    )
            else:
                have = 0
                while have < need:
                    if looping and frame >= loop_end:
                        frame = loop_start + (frame - loop_end) % loop_length
                    count = need - have
                    if frame < 0:
                        count = min(-frame, count)
                        for i in range(count):
                            scratch[have + i] = 0.0
                    elif frame >= limit:
                        for i in range(count):
                            scratch[have + i] = 0.0
                    else:
                        count = min(limit - frame, count)
                        first = f[POOL_START] + frame
                        for i in range(count):
                            scratch[have + i] = pool[first + i]
                    have += count
                    frame += count
                low_tap = 0 if wide else 2
                for i in range(BLOCK):
                    j = at >> SHIFT
                    w = (at >> PHASE_SHIFT) & PHASE_MASK
                    at += advance
                    total = np.float32(0.0)
                    for k in range(low_tap, TAPS - low_tap):
                        total += scratch[j + np.uint64(k)] * table[w, k]
                    source[i + 2] = total

            position += BLOCK * increment
            if looping and position >> 32 >= loop_end:
                over = (position >> 32) - loop_end
                position -= ((over // loop_length + 1) * loop_length) << 32
                c[C_LOOPED] = 1
            elif not looping and position >> 32 >= f[FRAME_END]:
                stage = FINISHED
            c[C_POSITION] = position

            # ---- low-pass filter, direct form I, coefficients ramped ----------------------------
            cutoff = s[S_LIVE + CUTOFF] + lfo * s[S_LIVE + LFO_CUTOFF]
            cutoff += bend * s[S_LIVE + ENV_CUTOFF]
            resonance, peak, scale = s[S_LIVE + RESONANCE], s[S_PEAK], s[S_SCALE]
            hz = 8.175798915643707 * math.exp(log2_1200 * cutoff)
            hz = min(max(hz, 5.0), 0.45 * sample_rate)
            is_open = hz >= open_cutoff and resonance == 0.0
            b0, b1, a1, a2 = s[S_B0], s[S_B1], s[S_A1], s[S_A2]
            db0, db1, da1, da2 = 0.0, 0.0, 0.0, 0.0
            source[0], source[1] = s[S_X2], s[S_X1]
            s[S_X2], s[S_X1] = source[BLOCK], source[BLOCK + 1]
            y1f, y2f = s[S_Y1], s[S_Y2]
            if is_open:
                c[C_FILTER] = -1
                for i in range(BLOCK):
                    source[i] = scale * source[i + 2]
                y2f, y1f = source[BLOCK - 2], source[BLOCK - 1]
            else:
                if c[C_FILTER] < 0 or hz != s[S_CUTOFF] or resonance != s[S_RESONANCE]:
                    omega = 2.0 * math.pi * hz / sample_rate
                    cosine = math.cos(omega)
                    alpha = math.sin(omega) / (2.0 * peak)
                    norm = 1.0 / (1.0 + alpha)
                    nb1 = (1.0 - cosine) * norm * scale
                    nb0, na1, na2 = 0.5 * nb1, -2.0 * cosine * norm, (1.0 - alpha) * norm
                    if c[C_FILTER] < 0:
                        b0, b1, a1, a2 = nb0, nb1, na1, na2
                    else:
                        db0, db1 = (nb0 - b0) / BLOCK, (nb1 - b1) / BLOCK
                        da1, da2 = (na1 - a1) / BLOCK, (na2 - a2) / BLOCK
                    s[S_B0], s[S_B1], s[S_A1], s[S_A2] = nb0, nb1, na1, na2
                    s[S_CUTOFF], s[S_RESONANCE] = hz, resonance
                    c[C_FILTER] = 1
                if db1 == 0.0 and da1 == 0.0:
                    for i in range(BLOCK):
                        source[i] = b0 * (source[i] + source[i + 2]) + b1 * source[i + 1]
                    for i in range(BLOCK):
                        y = source[i] - a2 * y2f - a1 * y1f
                        source[i] = y
                        y2f = y1f
                        y1f = y
                else:
                    for i in range(BLOCK):
                        b0 += db0
                        b1 += db1
                        a1 += da1
                        a2 += da2
                        y = b0 * (source[i] + source[i + 2]) + b1 * source[i + 1]
                        y = y - a2 * y2f - a1 * y1f
                        source[i] = y
                        y2f = y1f
                        y1f = y
            if math.fabs(y1f) < 1e-20:
                y1f = y2f = 0.0
            s[S_Y1], s[S_Y2] = y1f, y2f

            # ---- gain ramp and mix --------------------------------------------------------------
            if fresh:
                s[S_LEFT] = s[S_RIGHT] = 0.0
            gl, gr = s[S_LEFT], s[S_RIGHT]
            dl, dr = (gain_left - gl) / BLOCK, (gain_right - gr) / BLOCK
            s[S_LEFT], s[S_RIGHT] = gain_left, gain_right
            for i in range(BLOCK):
                left[i] = source[i] * (gl + (i + 1) * dl)
                right[i] = source[i] * (gr + (i + 1) * dr)
            silent = gain < 2e-5 and (stage == RELEASE or (stage == SUSTAIN and level <= 0.0))
            if stage == FINISHED or silent:
                status = ENDING
            # A block that began before this call cannot occur: it would be pending.
            first = now - begin
            count = min(BLOCK, end - now)
            if count == BLOCK:
                for i in range(BLOCK):
                    out[0, first + i] += left[i]
                    out[1, first + i] += right[i]
            else:
                for i in range(count):
                    out[0, first + i] += left[i]
                    out[1, first + i] += right[i]
                c[C_PENDING] = count
                for i in range(count, BLOCK):
                    pending[v, 0, i] = left[i]
                    pending[v, 1, i] = right[i]
            if status == ENDING and count == BLOCK:
                status = DONE
            now += BLOCK
        c[C_NEXT] = now
        c[C_STATUS] = status
