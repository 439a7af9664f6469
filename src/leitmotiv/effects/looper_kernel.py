"""The tape of the looper, sample by sample.

Purpose: the compiled part of :mod:`~leitmotiv.effects.looper`, which explains it.

Conventions: ``buffer`` holds, for each layer, a cross-fade's length of what came before the loop,
and the loop. A layer is read as if it had no end: near its end it turns into what came before its
beginning, so that an attack at the top is heard whole. Two layers more than can be heard are kept:
one to record on while all are heard, one that fades out.

Public names: :func:`run_tape`, :func:`fresh_layers`, :func:`fresh_state`.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from leitmotiv.audio.compiled import compiled
from leitmotiv.effects.delay_line import TINY
from leitmotiv.effects.granular import chance

__all__ = ["fresh_layers", "fresh_state", "run_tape"]

# Rows of knobs.
RECORD, OVERDUB, PLAY, PASS_GAIN, PASS_DARK, PASS_DETUNE, SHUFFLE, REVERSE, WET, DRY = range(10)
# Columns of the state. LEAD: samples of a cross-fade in this loop; NOW: samples heard so far.
MODE, POSITION, LENGTH, LEAD, RECORDED, WRITING, NOW, WAS_RECORD, WAS_PLAY = range(9)
EMPTY, RECORDING, LOOPING = 0, 1, 2
# Columns of a layer. USE: 0 free, 1 heard, 2 fading out for good.
USE, AGE, PLACE, RATE, OLD_PLACE, OLD_RATE, FADING, STEP, DETUNE, GAIN = range(10)
GAIN_AIM, CORNER, CORNER_AIM, POLE, NUM_COLUMNS = 10, 11, 12, 13, 14
# Columns of the levels: of the output, of the overdubbing, of a loop that is being replaced.
OUTPUT, ENTERING, LEAVING = 0, 1, 2

SHORTEST_SEC = 0.1
TOP_HZ = 12_000.0  # corner of a layer's low pass before its first pass; up there it is off
OPENING_HZ = 2_000.0  # and fades in over this stretch
HEARD = 10 ** (-50 / 20)  # a first sound is louder
GATE_SEC = 0.005
ENTRY_SEC = 0.002  # over which a new layer is heard first
AGEING_SEC = 0.15  # over which a layer's level and corner move when a pass begins


def fresh_state() -> NDArray[np.int64]:
    """Return the state of a looper that has heard nothing."""
    state = np.zeros(9, dtype=np.int64)
    state[WRITING], state[WAS_PLAY] = -1, 1
    return state


def fresh_layers(num_buffers: int) -> NDArray[np.float64]:
    """Return layers that hold nothing."""
    return np.zeros((num_buffers, NUM_COLUMNS))


@compiled
def _between(
    buffer: NDArray[np.float32], layer: int, channel: int, i: int, f: float, length: int, pre: int
) -> float:
    """Read a layer ``f`` after sample ``i`` of the loop, over four points."""
    last = pre + length - 1
    i += pre
    b = buffer[layer, channel, min(max(i, 0), last)]
    if f == 0.0:
        return float(b)
    a = buffer[layer, channel, min(max(i - 1, 0), last)]
    c = buffer[layer, channel, min(max(i + 1, 0), last)]
    d = buffer[layer, channel, min(max(i + 2, 0), last)]
    return (
        -f * (f - 1.0) * (f - 2.0) / 6.0 * a
        + (f + 1.0) * (f - 1.0) * (f - 2.0) / 2.0 * b
        - (f + 1.0) * f * (f - 2.0) / 2.0 * c
        + (f + 1.0) * f * (f - 1.0) / 6.0 * d
    )


@compiled
def _read(
    buffer: NDArray[np.float32],
    layer: int,
    channel: int,
    place: float,
    length: int,
    lead: int,
    pre: int,
) -> float:
    """Read a layer that has no end."""
    i = math.floor(place)
    f = place - i
    sound = _between(buffer, layer, channel, i, f, length, pre)
    over = place - (length - lead)
    if over >= 0.0:
        share = math.sin(0.5 * math.pi * over / lead) ** 2
        before = _between(buffer, layer, channel, i - length, f, length, pre)
        sound += share * (before - sound)
    return sound


@compiled
def _begin_layer(layers: NDArray[np.float64], k: int, sample_rate: float) -> None:
    """Make a recording a layer that is heard from now on."""
    layers[k] = 0.0
    layers[k, USE], layers[k, GAIN], layers[k, GAIN_AIM] = 1.0, 1.0, 1.0
    layers[k, CORNER], layers[k, CORNER_AIM] = TOP_HZ, TOP_HZ
    layers[k, RATE] = 1.0
    layers[k, FADING], layers[k, STEP] = 1.0, 1.0 / (ENTRY_SEC * sample_rate)


@compiled
def _begin_recording(
    buffer: NDArray[np.float32],
    past: NDArray[np.float32],
    layers: NDArray[np.float64],
    state: NDArray[np.int64],
    gain: float,
) -> None:
    """Choose a buffer, empty it, and put in what came before."""
    found = -1
    for k in range(len(layers)):
        if layers[k, USE] == 0.0:
            found = k
    if found < 0:  # the one that fades out has done so long ago, or the loop is very short
        for k in range(len(layers)):
            if layers[k, USE] == 2.0:
                found = k
        layers[found, USE] = 0.0
    buffer[found] = 0.0
    pre = past.shape[1]
    for channel in range(len(past)):
        for j in range(pre):
            buffer[found, channel, j] = gain * past[channel, (state[NOW] + j) % pre]
    state[WRITING] = found


@compiled
def _begin_pass(
    layers: NDArray[np.float64],
    state: NDArray[np.int64],
    random: NDArray[np.uint64],
    detune: float,
    sample_rate: float,
) -> None:
    """Let layers age by a pass; what was overdubbed in the last one becomes a layer."""
    used, oldest = 0, -1
    for k in range(len(layers)):
        wander = 2.0 * chance(random) - 1.0
        if layers[k, USE] == 2.0:
            layers[k, USE] = 0.0
        if layers[k, USE] == 1.0:
            layers[k, AGE] += 1.0
            layers[k, DETUNE] += detune * wander
            used += 1
            if oldest < 0 or layers[k, AGE] > layers[oldest, AGE]:
                oldest = k
    if state[WRITING] >= 0:
        if used >= len(layers) - 2:
            layers[oldest, USE], layers[oldest, GAIN_AIM] = 2.0, 0.0
        _begin_layer(layers, state[WRITING], sample_rate)
        state[WRITING] = -1


@compiled
def _begin_slice(
    layer: NDArray[np.float64],
    slice_: int,
    num_slices: int,
    length: int,
    lead: int,
    random: NDArray[np.uint64],
    knobs: NDArray[np.float64],
    n: int,
) -> None:
    """Send a layer to where its next slice begins in ``lead`` samples; jumps cross-fade."""
    source, backwards = slice_, False
    shuffled, other, turned = chance(random), chance(random), chance(random)
    if layer[AGE] > 0.0 or slice_ == 0:
        if shuffled < knobs[SHUFFLE, n]:
            source = min(int(other * num_slices), num_slices - 1)
        backwards = turned < knobs[REVERSE, n]
    rate = 2.0 ** (layer[DETUNE] / 1200.0)
    place = float(math.ceil(source * length / num_slices))
    if backwards:
        place = math.ceil((source + 1) * length / num_slices) - 1.0
        rate = -rate
    place -= rate * lead
    place -= length * math.floor(place / length)
    if abs(place - layer[PLACE]) > 1e-6 or rate != layer[RATE]:
        layer[OLD_PLACE], layer[OLD_RATE] = layer[PLACE], layer[RATE]
        layer[FADING], layer[STEP] = 1.0, 1.0 / lead
        layer[PLACE], layer[RATE] = place, rate


@compiled
def run_tape(
    audio: NDArray[np.float32],
    buffer: NDArray[np.float32],
    past: NDArray[np.float32],
    state: NDArray[np.int64],
    layers: NDArray[np.float64],
    lows: NDArray[np.float64],
    levels: NDArray[np.float64],
    random: NDArray[np.uint64],
    knobs: NDArray[np.float64],
    sample_rate: float,
    fixed: int,
    longest: int,
    num_slices: int,
    auto_record: bool,
) -> None:
    """Play and record a block in place.

    ``past`` is the last cross-fade's length of input, round and round; ``fixed`` the length of the
    loop in samples, 0 where the gate decides; ``lows`` (layers, channels, 2) are the memories of
    the low passes.
    """
    num_channels, num_samples = audio.shape
    pre = past.shape[1]
    gate_step = 1.0 / (GATE_SEC * sample_rate)
    out_step = 1.0 / pre
    slow = 1.0 - math.exp(-1.0 / (AGEING_SEC * sample_rate))
    wet = np.empty(num_channels)
    for n in range(num_samples):
        record, overdub = knobs[RECORD, n] >= 0.5, knobs[OVERDUB, n] >= 0.5
        play = knobs[PLAY, n] >= 0.5

        # A new loop begins on a free buffer, while an old one fades out.
        begins = record and state[WAS_RECORD] == 0 and state[MODE] != RECORDING
        if auto_record and state[MODE] == EMPTY:
            for channel in range(num_channels):
                begins = begins or abs(audio[channel, n]) > HEARD
        state[WAS_RECORD] = 1 if record else 0
        if begins:
            _begin_recording(buffer, past, layers, state, 1.0)
            state[MODE], state[RECORDED] = RECORDING, 0
            levels[LEAVING] = 1.0

        # It grows, or it ends and is heard from its top.
        if state[MODE] == RECORDING:
            full = state[RECORDED] >= (fixed if fixed > 0 else longest)
            shut = fixed == 0 and not record and state[RECORDED] >= SHORTEST_SEC * sample_rate
            if full or shut:
                layers[:, USE] = 0.0
                _begin_layer(layers, state[WRITING], sample_rate)
                if auto_record:  # it begins in silence: the attack needs no fade
                    layers[state[WRITING], FADING] = 0.0
                state[MODE], state[LENGTH], state[POSITION] = LOOPING, state[RECORDED], 0
                state[LEAD] = min(pre, state[LENGTH] // (2 * num_slices))
                state[WRITING] = -1
                levels[LEAVING] = 1.0
                levels[OUTPUT] = 1.0 if play else 0.0
            else:
                for channel in range(num_channels):
                    buffer[state[WRITING], channel, pre + state[RECORDED]] = audio[channel, n]
                state[RECORDED] += 1
                levels[LEAVING] = max(levels[LEAVING] - out_step, 0.0)

        wet[:] = 0.0
        looping = state[MODE] == LOOPING
        length, position, lead = state[LENGTH], state[POSITION], state[LEAD]
        if length > 0 and (looping or levels[LEAVING] > 0.0):
            if play and state[WAS_PLAY] == 0 and levels[OUTPUT] == 0.0:
                position = 0
                for k in range(len(layers)):
                    layers[k, PLACE], layers[k, FADING] = 0.0, 0.0
                    layers[k, RATE] = 1.0
            state[WAS_PLAY] = 1 if play else 0
            change = gate_step if play else -out_step
            levels[OUTPUT] = min(max(levels[OUTPUT] + change, 0.0), 1.0)
            running = levels[OUTPUT] > 0.0
            ahead = position + lead if position + lead < length else position + lead - length
            slice_ = ahead * num_slices // length
            edge = ahead == 0 or (ahead - 1) * num_slices // length != slice_
            for k in range(len(layers)):
                if layers[k, USE] == 0.0 or not running:
                    continue
                layer = layers[k]
                if edge:
                    _begin_slice(layer, slice_, num_slices, length, lead, random, knobs, n)
                if position == 0:
                    if layer[USE] == 1.0:
                        layer[GAIN_AIM] = 10.0 ** (knobs[PASS_GAIN, n] * layer[AGE] / 20.0)
                    fall = 2.0 ** (-knobs[PASS_DARK, n] * layer[AGE])
                    layer[CORNER_AIM] = max(TOP_HZ * fall, 60.0)
                layer[GAIN] += slow * (layer[GAIN_AIM] - layer[GAIN])
                if layer[CORNER] != layer[CORNER_AIM] or layer[POLE] == 0.0:
                    layer[CORNER] += slow * (layer[CORNER_AIM] - layer[CORNER])
                    if abs(layer[CORNER] - layer[CORNER_AIM]) < 0.01:
                        layer[CORNER] = layer[CORNER_AIM]
                    corner = min(layer[CORNER], 0.45 * sample_rate)
                    layer[POLE] = math.exp(-2.0 * math.pi * corner / sample_rate)
                closed = min(max((TOP_HZ - layer[CORNER]) / OPENING_HZ, 0.0), 1.0)
                share = math.cos(0.5 * math.pi * layer[FADING]) ** 2
                for channel in range(num_channels):
                    sound = _read(buffer, k, channel, layer[PLACE], length, lead, pre)
                    if layer[FADING] > 0.0:
                        sound *= share
                        if layer[OLD_RATE] != 0.0:
                            old = _read(buffer, k, channel, layer[OLD_PLACE], length, lead, pre)
                            sound += (1.0 - share) * old
                    low = sound
                    for stage in range(2):
                        low += layer[POLE] * (lows[k, channel, stage] - low)
                        lows[k, channel, stage] = low if abs(low) > TINY else 0.0
                    wet[channel] += layer[GAIN] * (sound + closed * (low - sound))
                layer[PLACE] += layer[RATE]
                layer[PLACE] -= length * math.floor(layer[PLACE] / length)
                if layer[FADING] > 0.0:
                    layer[OLD_PLACE] += layer[OLD_RATE]
                    layer[OLD_PLACE] -= length * math.floor(layer[OLD_PLACE] / length)
                    layer[FADING] = max(layer[FADING] - layer[STEP], 0.0)

            # Overdubbing, and the way round.
            change = gate_step if overdub and looping else -gate_step
            levels[ENTERING] = min(max(levels[ENTERING] + change, 0.0), 1.0)
            if looping and running:
                if overdub and state[WRITING] < 0:
                    before = levels[ENTERING] - change if position == 0 else 0.0
                    _begin_recording(buffer, past, layers, state, min(before, 1.0))
                if state[WRITING] >= 0:
                    for channel in range(num_channels):
                        sound = levels[ENTERING] * audio[channel, n]
                        buffer[state[WRITING], channel, pre + position] = sound
            if running:
                position += 1
                if position >= length:
                    position = 0
                    if looping:
                        _begin_pass(layers, state, random, knobs[PASS_DETUNE, n], sample_rate)
            state[POSITION] = position

        gain = knobs[WET, n] * levels[OUTPUT] * levels[LEAVING]
        for channel in range(num_channels):
            past[channel, state[NOW] % pre] = audio[channel, n]
            dry = knobs[DRY, n] * float(audio[channel, n])
            audio[channel, n] = dry + gain * wet[channel]
        state[NOW] += 1
