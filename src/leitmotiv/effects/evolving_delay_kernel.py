"""The loop of the evolving delay, sample by sample.

Purpose: the compiled part of :mod:`~leitmotiv.effects.evolving_delay`, which explains it.

Conventions: ``knobs`` holds one row a parameter in the order of the row names below. The tape is
written after the low and high cut; the loop is read ahead of the beat by what the diffusers are
long, so that the energy of every repeat falls on the beat.

Public names: :func:`run_loop`, :class:`Memory`.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from leitmotiv.audio.compiled import compiled
from leitmotiv.effects.delay_line import TINY, glide, tap4, tap6

__all__ = ["NUM_DIFFUSERS", "Memory", "run_loop"]

# Rows of knobs.
DELAY, FEEDBACK, LOW_CUT, HIGH_CUT, DIFFUSION, DIFFUSION_MS = 0, 1, 2, 3, 4, 5
WOW_CENTS, WOW_HZ, FLUTTER_CENTS, FLUTTER_HZ, PING_PONG = 6, 7, 8, 9, 10
REVERSE, OCTAVE_UP, OCTAVE_DOWN, EVOLVE, FREEZE, INPUT = 11, 12, 13, 14, 15, 16
DUCK_DB, DUCK_THRESHOLD, DUCK_RELEASE, CEILING, WET, DRY = 17, 18, 19, 20, 21, 22

NUM_DIFFUSERS = 4
DIFFUSER_GAIN = 0.72  # of the all-passes at diffusion 1
DRIFT_HZ = 0.13  # the diffusers breathe at this rate ...
DRIFT = 0.004  # ... by this share of their length together, against rings
HOLD_FROM = 0.95  # feedback from which the loop keeps its energy
HOLD_CUTS = 0.005  # share of the cuts that is left in the loop at feedback 1
EVOLVING_CUTS = 0.3  # while octaves go round: what has climbed too far has to leave
HOLD_TAPE = 0.1  # share of wow, flutter and breathing: bends add up from pass to pass
SUBSONIC_HZ = 35.0  # of what is kept for long: else the lowest, which loses least, would win
KEEP_SEC = 4.0  # over which the loop's losses are measured, and again over which they are met
DC_HZ = 20.0  # what is turned backwards is in phase with itself at 0 Hz alone, and would grow
LONGEST_REVERSE_SEC = 4.0
REVERSE_FADE = 0.2  # of a reversed stretch
OPEN_HZ, OPENING_HZ = 20_000.0, 4_000.0  # the high cut fades out over the last stretch
CLOSED_HZ, CLOSING_HZ = 10.0, 10.0


class Memory(NamedTuple):
    """All that a loop remembers, as arrays that the kernel writes to."""

    line: NDArray[np.float32]
    diffusers: NDArray[np.float32]  # (channels * NUM_DIFFUSERS, size)
    filters: NDArray[np.float64]  # (channels, 11): cuts of input, of loop; DC; subsonic
    glides: NDArray[np.float64]  # (4, 2): delay, diffusion time, wow, flutter
    phases: NDArray[np.float64]  # wow, flutter, drift
    levels: NDArray[np.float64]  # limiter; power read, mixed, cut; ducking; the keeper's gain
    feed: NDArray[np.float32]  # (channels, hop): what the octaves are made of
    octaves: NDArray[np.float32]  # (2 * channels, hop): an octave up, an octave down
    reverse: NDArray[np.float64]  # position, length, position and fade of the stretch before
    counters: NDArray[np.int64]  # samples written; whether the diffusers are awake


@compiled
def _wake_diffusers(
    line: NDArray[np.float32],
    diffusers: NDArray[np.float32],
    shares: NDArray[np.float64],
    write: int,
    delay: float,
    total: float,
) -> None:
    """Fill the diffusers with what they would hold had they been mere delays so far."""
    mask, own_mask = line.shape[1] - 1, diffusers.shape[1] - 1
    for channel in range(line.shape[0]):
        before = 0.0
        for k in range(NUM_DIFFUSERS):
            offset = round(delay - total + before)
            for i in range(1, min(diffusers.shape[1], line.shape[1] - offset - 1)):
                diffusers[channel * NUM_DIFFUSERS + k, (write - i) & own_mask] = line[
                    channel, (write - i - offset) & mask
                ]
            before += shares[channel, k] * total


@compiled
def _cut(
    filters: NDArray[np.float64],
    channel: int,
    first: int,
    sound: float,
    high_g: float,
    high_a: float,
    high_share: float,
    low_g: float,
    low_a: float,
    low_share: float,
) -> float:
    """Low-pass and high-pass one sample, each blended in by its share.

    Both are Butterworth, so that no blend is louder than 1 at any frequency.
    """
    root = math.sqrt(2.0)
    one, two = filters[channel, first], filters[channel, first + 1]
    v1 = high_a * (one + high_g * (sound - two))
    v2 = two + high_g * v1
    filters[channel, first], filters[channel, first + 1] = 2.0 * v1 - one, 2.0 * v2 - two
    sound += high_share * (v2 - sound)
    one, two = filters[channel, first + 2], filters[channel, first + 3]
    v1 = low_a * (one + low_g * (sound - two))
    v2 = two + low_g * v1
    filters[channel, first + 2], filters[channel, first + 3] = 2.0 * v1 - one, 2.0 * v2 - two
    for k in range(first, first + 4):
        if abs(filters[channel, k]) < TINY:
            filters[channel, k] = 0.0
    return sound - low_share * (root * v1 + v2)


@compiled
def run_loop(
    audio: NDArray[np.float32],
    heard: NDArray[np.float32],
    memory: Memory,
    shares: NDArray[np.float64],
    tap_times: NDArray[np.float64],
    tap_gains: NDArray[np.float64],
    knobs: NDArray[np.float64],
    sample_rate: float,
    pace: float,
    ahead: int,
) -> None:
    """Run a block through the loop in place; ``heard`` is what ducks the echoes.

    The octaves are fed ``ahead`` of the delay, which is the time that shifting takes.
    """
    line, diffusers, filters, glides, phases, levels, feed, octaves, reverse, counters = memory
    num_channels, num_samples = audio.shape
    mask, own_mask = line.shape[1] - 1, diffusers.shape[1] - 1
    longest = line.shape[1] - 8.0
    turn, root = 2.0 * math.pi, math.sqrt(2.0)
    loop = np.empty(num_channels)
    special = np.empty(num_channels)
    entering = np.empty(num_channels)
    swing = np.empty(num_channels)
    write = counters[0]
    keeper = 1.0 - math.exp(-1.0 / (KEEP_SEC * sample_rate))
    sub_g = math.tan(math.pi * SUBSONIC_HZ / sample_rate)
    sub_a = 1.0 / (1.0 + sub_g * (sub_g + root))
    dc_pace = 1.0 - math.exp(-turn * DC_HZ / sample_rate)
    limit_attack = 1.0 - math.exp(-1.0 / (0.002 * sample_rate))
    limit_release = math.exp(-1.0 / (0.4 * sample_rate))
    duck_attack = 1.0 - math.exp(-1.0 / (0.008 * sample_rate))
    last_low, last_high, last_release, last_ceiling = -1.0, -1.0, -1.0, 99.0
    low_g = low_a = high_g = high_a = duck_release = ceiling = 0.0
    low_share = high_share = 0.0
    last_wow = last_wow_hz = last_flutter = last_flutter_hz = -1.0
    far_wow = far_flutter = 0.0
    for n in range(num_samples):
        # Knobs to coefficients, where they have moved.
        if knobs[LOW_CUT, n] != last_low:
            last_low = knobs[LOW_CUT, n]
            low_g = math.tan(math.pi * last_low / sample_rate)
            low_a = 1.0 / (1.0 + low_g * (low_g + root))
            low_share = min((last_low - CLOSED_HZ) / CLOSING_HZ, 1.0)
        if knobs[HIGH_CUT, n] != last_high:
            last_high = knobs[HIGH_CUT, n]
            high_g = math.tan(math.pi * min(last_high, 0.45 * sample_rate) / sample_rate)
            high_a = 1.0 / (1.0 + high_g * (high_g + root))
            high_share = min((OPEN_HZ - last_high) / OPENING_HZ, 1.0)
        if knobs[DUCK_RELEASE, n] != last_release:
            last_release = knobs[DUCK_RELEASE, n]
            duck_release = 1.0 - math.exp(-1.0 / (last_release * 1e-3 * sample_rate))
        if knobs[CEILING, n] != last_ceiling:
            last_ceiling = knobs[CEILING, n]
            ceiling = 10.0 ** (last_ceiling / 20.0)
        freeze = knobs[FREEZE, n]
        feedback = knobs[FEEDBACK, n] + (1.0 - knobs[FEEDBACK, n]) * freeze
        near = max((knobs[FEEDBACK, n] - HOLD_FROM) / (1.0 - HOLD_FROM), 0.0)
        hold = near * near * (3.0 - 2.0 * near)
        kept_cuts = max(HOLD_CUTS, EVOLVING_CUTS * min(4.0 * knobs[EVOLVE, n], 1.0))
        cuts = (1.0 - (1.0 - kept_cuts) * hold) * (1.0 - freeze)
        hold = max(hold, freeze)
        tape = 1.0 - (1.0 - HOLD_TAPE) * hold

        # Times.
        delay = max(glide(glides[0], knobs[DELAY, n] * sample_rate, pace, 0.5), 16.0)
        spread = min(knobs[DIFFUSION_MS, n] * 1e-3, 0.5 * knobs[DELAY, n]) * sample_rate
        total = min(glide(glides[1], spread, pace, 0.1), 0.6 * delay)
        room = 0.25 * (delay - 12.0)
        if knobs[WOW_CENTS, n] != last_wow or knobs[WOW_HZ, n] != last_wow_hz:
            last_wow, last_wow_hz = knobs[WOW_CENTS, n], knobs[WOW_HZ, n]
            # A swing of the delay whose steepest slope bends the pitch by so many cents.
            far_wow = sample_rate * (2.0 ** (last_wow / 1200.0) - 1.0) / (turn * last_wow_hz)
        if knobs[FLUTTER_CENTS, n] != last_flutter or knobs[FLUTTER_HZ, n] != last_flutter_hz:
            last_flutter, last_flutter_hz = knobs[FLUTTER_CENTS, n], knobs[FLUTTER_HZ, n]
            far_flutter = 2.0 ** (last_flutter / 1200.0) - 1.0
            far_flutter *= sample_rate / (turn * last_flutter_hz)
        wow = min(tape * glide(glides[2], far_wow, pace, 0.2), room)
        flutter = min(tape * glide(glides[3], far_flutter, pace, 0.2), room)
        if wow != 0.0 or flutter != 0.0:
            for channel in range(num_channels):
                swing[channel] = wow * math.sin(turn * (phases[0] + 0.25 * channel))
                swing[channel] += flutter * math.sin(turn * (phases[1] + 0.37 * channel))
            phases[0] += knobs[WOW_HZ, n] / sample_rate
            phases[0] -= math.floor(phases[0])
            phases[1] += knobs[FLUTTER_HZ, n] / sample_rate
            phases[1] -= math.floor(phases[1])
        else:
            swing[:] = 0.0
        gain = DIFFUSER_GAIN * knobs[DIFFUSION, n]
        if gain > 0.0 and counters[1] == 0:
            counters[1] = 1
            _wake_diffusers(line, diffusers, shares, write, delay, total)
        awake = counters[1] == 1

        # Taps that turn the sound over: backwards, an octave up, an octave down.
        backwards, up, down = knobs[REVERSE, n], knobs[OCTAVE_UP, n], knobs[OCTAVE_DOWN, n]
        weight = math.sqrt(backwards * backwards + up * up + down * down)
        evolve = knobs[EVOLVE, n] * (1.0 - freeze) if weight > 0.0 else 0.0
        special[:] = 0.0
        if reverse[0] >= reverse[1]:
            reverse[2], reverse[3] = reverse[0], REVERSE_FADE * reverse[1]
            reverse[0] = 0.0
            reverse[1] = math.floor(min(delay, LONGEST_REVERSE_SEC * sample_rate))
        if backwards > 0.0:
            fade_in = min(reverse[0] / (REVERSE_FADE * reverse[1]), 1.0)
            rise = math.sin(0.5 * math.pi * fade_in)
            fall = math.cos(0.5 * math.pi * fade_in) if reverse[0] < reverse[3] else 0.0
            for channel in range(num_channels):
                sound = rise * tap4(line, channel, write, 3.0 + 2.0 * reverse[0])
                if fall > 0.0:
                    old = min(3.0 + 2.0 * (reverse[2] + reverse[0]), longest)
                    sound += fall * tap4(line, channel, write, old)
                special[channel] += backwards * sound
        reverse[0] += 1.0
        place = write % feed.shape[1]
        if up > 0.0 or down > 0.0:
            at = min(max(delay - ahead, 4.0), longest)
            for channel in range(num_channels):
                feed[channel, place] = tap6(line, channel, write, at)
        else:
            for channel in range(num_channels):
                feed[channel, place] = 0.0
        for channel in range(num_channels):
            special[channel] += up * octaves[channel, place]
            special[channel] += down * octaves[num_channels + channel, place]
        if weight > 0.0:
            for channel in range(num_channels):
                filters[channel, 8] += dc_pace * (special[channel] - filters[channel, 8])
                special[channel] -= filters[channel, 8]

        # The loop: read, turned over in part, diffused.
        straight, turned = 1.0, 0.0
        if evolve > 0.0:
            straight = math.cos(0.5 * math.pi * evolve)
            turned = math.sin(0.5 * math.pi * evolve) / weight
        if awake:
            sine, cosine = math.sin(turn * phases[2]), math.cos(turn * phases[2])
            phases[2] += DRIFT_HZ / sample_rate
            phases[2] -= math.floor(phases[2])
        before = 0.0
        for channel in range(num_channels):
            at = delay + swing[channel]
            if awake:
                at = max(at - total, 8.0)
            sound = tap6(line, channel, write, min(at, longest))
            before += sound * sound
            sound = straight * sound + turned * special[channel]
            if awake:
                breath = tape * DRIFT * total
                if channel & 1:
                    breath = -breath
                for k in range(NUM_DIFFUSERS):
                    # Lengths breathe in pairs, one longer as the other shortens: the sum stays.
                    lean = sine if k < 2 else cosine
                    if k & 1:
                        lean = -lean
                    length = max(shares[channel, k] * total + breath * lean, 4.0)
                    row = channel * NUM_DIFFUSERS + k
                    late = tap4(diffusers, row, write, length)
                    kept = sound + gain * late
                    diffusers[row, write & own_mask] = kept if abs(kept) > TINY else 0.0
                    sound = late - gain * kept
            loop[channel] = sound
        levels[1] += keeper * (before - levels[1])

        # What is written: the input and what comes back, cut, kept within the ceiling.
        keep = 1.0
        keeping = max(hold, min(10.0 * evolve, 1.0))
        if keeping > 0.0:
            loss = (levels[1] + 1e-12) / (levels[2] + 1e-12)
            loss *= 1.0 + hold * ((levels[2] + 1e-12) / (levels[3] + 1e-12) - 1.0)
            loss = min(max(math.sqrt(loss), 0.7), 1.12) - 1.0
            # Measured and met slowly, or the gain would swing with the repeats themselves.
            levels[5] += keeper * (loss - levels[5])
            keep = 1.0 + keeping * levels[5]
        cross = knobs[PING_PONG, n]
        subsonic = keeping if awake or cross > 0.0 else keeping * (1.0 - freeze)
        input_gain = knobs[INPUT, n] * (1.0 - freeze)
        before, after, peak = 0.0, 0.0, 0.0
        for channel in range(num_channels):
            partner = channel ^ 1
            fresh = float(audio[channel, n])
            back = loop[channel]
            if partner < num_channels:
                back = (1.0 - cross) * back + cross * loop[partner]
                fresh *= 1.0 - cross
                if channel & 1 == 0:
                    both = float(audio[channel, n]) + audio[partner, n]
                    fresh += cross * both / root
            fresh = _cut(
                filters,
                channel,
                0,
                input_gain * fresh,
                high_g,
                high_a,
                high_share,
                low_g,
                low_a,
                low_share,
            )
            before += back * back
            back = _cut(
                filters,
                channel,
                4,
                back,
                high_g,
                high_a,
                cuts * high_share,
                low_g,
                low_a,
                cuts * low_share,
            )
            one, two = filters[channel, 9], filters[channel, 10]
            v1 = sub_a * (one + sub_g * (back - two))
            v2 = two + sub_g * v1
            one, two = 2.0 * v1 - one, 2.0 * v2 - two
            filters[channel, 9] = one if abs(one) > TINY else 0.0
            filters[channel, 10] = two if abs(two) > TINY else 0.0
            back -= subsonic * (root * v1 + v2)
            after += back * back
            sound = fresh + feedback * keep * back
            peak = max(peak, abs(sound))
            entering[channel] = sound
        levels[2] += keeper * (before - levels[2])
        levels[3] += keeper * (after - levels[3])
        # Gain riding first, which leaves the waves as they are; round corners for what is
        # quicker, so that nothing can grow.
        if peak > levels[0]:
            levels[0] += limit_attack * (peak - levels[0])
        else:
            levels[0] = max(levels[0] * limit_release, peak)
        ride = 1.0 if levels[0] <= ceiling else ceiling / levels[0]
        for channel in range(num_channels):
            sound = ride * entering[channel]
            size = abs(sound)
            if size > ceiling:
                sound *= ceiling * (1.0 + 0.25 * math.tanh(4.0 * (size / ceiling - 1.0))) / size
            line[channel, write & mask] = sound if abs(sound) > TINY else 0.0

        # What is heard.
        duck = 1.0
        if knobs[DUCK_DB, n] > 0.0:
            loudest = 0.0
            for channel in range(num_channels):
                loudest = max(loudest, abs(np.float64(heard[channel, n])))
            way = duck_attack if loudest > levels[4] else duck_release
            levels[4] += way * (loudest - levels[4])
            over = 20.0 * math.log10(levels[4] + 1e-9) - knobs[DUCK_THRESHOLD, n]
            duck = 10.0 ** (-knobs[DUCK_DB, n] * min(max(over / 12.0, 0.0), 1.0) / 20.0)
        wet, dry = knobs[WET, n] * duck, knobs[DRY, n]
        for channel in range(num_channels):
            sound = special[channel]
            for k in range(len(tap_times)):
                if tap_gains[channel, k] != 0.0:
                    at = min(max(tap_times[k] * delay + swing[channel], 3.0), longest)
                    sound += tap_gains[channel, k] * tap6(line, channel, write, at)
            audio[channel, n] = dry * np.float64(audio[channel, n]) + wet * sound
        write += 1
    counters[0] = write
