"""The inner loops of amp captures: a small program over rows of samples, and LSTM cells.

Purpose: play networks of any shape with two compiled functions.

How it works: a network is a list of steps over *rows*, one row a channel. Each row is a stretch
of ``memory`` with room for what later steps look back at; ``position`` says where in it the
present chunk begins. A step reads whole chunks of rows and writes whole chunks, so every loop
runs over neighbouring samples. The sum behind a sample is formed in the same order wherever a
chunk begins or ends: the output does not depend on the block size, to the last bit.

Public names: :func:`run_program`, :func:`run_lstm`, :data:`CHUNK`, the steps :data:`MIX`,
:data:`ADD`, :data:`COPY`, :data:`FILM`, :data:`GATE`, :data:`BLEND`, :data:`ACTIVATE`, and
:data:`ACTIVATIONS`.

Reference: the rational tanh is that of the Eigen library (MathFunctionsImpl.h), within 3e-7.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from leitmotiv.audio.compiled import compiled

__all__ = [
    "ACTIVATE",
    "ACTIVATIONS",
    "ADD",
    "BLEND",
    "CHUNK",
    "COPY",
    "FILM",
    "GATE",
    "MIX",
    "run_lstm",
    "run_program",
]

CHUNK = 256  # samples worked on at a time: sixteen rows of them stay in the fastest cache

# Steps; their eight numbers are written beside each in `run_program`.
MIX, ADD, COPY, FILM, GATE, BLEND, ACTIVATE = range(7)

ACTIVATIONS = MappingProxyType(
    {
        "Identity": 0,
        "Tanh": 1,
        "Fasttanh": 2,
        "Hardtanh": 3,
        "ReLU": 4,
        "LeakyReLU": 5,
        "PReLU": 5,
        "Sigmoid": 6,
        "SiLU": 7,
        "Hardswish": 8,
        "LeakyHardtanh": 9,
        "Softsign": 10,
        "Softsigmoid": 11,
    }
)
"""Names of the activations, as files spell them, and their numbers here."""

_0, _1, _3, _HALF = np.float32(0), np.float32(1), np.float32(3), np.float32(0.5)
_SIXTH = np.float32(1 / 6)
_TANH_ENDS = np.float32(7.9053111)
_A1, _A3 = np.float32(4.89352455891786e-03), np.float32(6.37261928875436e-04)
_A5, _A7 = np.float32(1.48572235717979e-05), np.float32(5.12229709037114e-08)
_A9, _A11 = np.float32(-8.60467152213735e-11), np.float32(2.00018790482477e-13)
_A13 = np.float32(-2.76076847742355e-16)
_B0, _B2 = np.float32(4.89352518554385e-03), np.float32(2.26843463243900e-03)
_B4, _B6 = np.float32(1.18534705686654e-04), np.float32(1.19825839466702e-06)
_F1, _F2 = np.float32(2.45550750702956), np.float32(0.893229853513558)
_F3, _F4 = np.float32(0.821226666969744), np.float32(2.44506634652299)
_F5 = np.float32(0.814642734961073)


@compiled
def _tanh(x: Any) -> Any:
    x = min(max(x, -_TANH_ENDS), _TANH_ENDS)
    s = x * x
    top = _A1 + s * (_A3 + s * (_A5 + s * (_A7 + s * (_A9 + s * (_A11 + s * _A13)))))
    return x * top / (_B0 + s * (_B2 + s * (_B4 + s * _B6)))


@compiled
def _sigmoid(x: Any) -> Any:
    return _HALF + _HALF * _tanh(_HALF * x)


@compiled
def _activate(kind: int, a: Any, b: Any, c: Any, d: Any, row: NDArray[np.float32]) -> None:
    """Apply an activation in place; ``a`` to ``d`` are its slopes and ends."""
    n = len(row)
    if kind == 1:
        for t in range(n):
            row[t] = _tanh(row[t])
    elif kind == 2:
        for t in range(n):
            x = row[t]
            m = abs(x)
            s = x * x
            top = x * (_F1 + _F1 * m + (_F2 + _F3 * m) * s)
            row[t] = top / (_F4 + (_F4 + s) * abs(x + _F5 * x * m))
    elif kind == 3:
        for t in range(n):
            row[t] = min(max(row[t], -_1), _1)
    elif kind == 4:
        for t in range(n):
            row[t] = max(row[t], _0)
    elif kind == 5:
        for t in range(n):
            x = row[t]
            row[t] = x if x > _0 else a * x
    elif kind == 6:
        for t in range(n):
            row[t] = _sigmoid(row[t])
    elif kind == 7:
        for t in range(n):
            x = row[t]
            row[t] = x * _sigmoid(x)
    elif kind == 8:
        for t in range(n):
            x = row[t]
            row[t] = x * min(max(x + _3, _0), _3 + _3) * _SIXTH
    elif kind == 9:
        for t in range(n):
            x = row[t]
            inner = min(max(x, a), b)
            row[t] = inner + c * min(x - a, _0) + d * max(x - b, _0)
    elif kind == 10:
        for t in range(n):
            row[t] = row[t] / (_1 + abs(row[t]))
    elif kind == 11:
        for t in range(n):
            row[t] = _HALF + _HALF * row[t] / (_1 + abs(row[t]))


@compiled
def _mix_one(
    memory: NDArray[np.float32],
    out: int,
    places: NDArray[np.int64],
    weights: NDArray[np.float32],
    n: int,
) -> None:
    """Add to a row the weighted sum of others; ``places`` are where they begin in memory."""
    y = memory[out : out + n]
    count, j = len(places), 0
    while j + 4 <= count:
        x0 = memory[places[j] : places[j] + n]
        x1 = memory[places[j + 1] : places[j + 1] + n]
        x2 = memory[places[j + 2] : places[j + 2] + n]
        x3 = memory[places[j + 3] : places[j + 3] + n]
        w0, w1, w2, w3 = weights[j], weights[j + 1], weights[j + 2], weights[j + 3]
        for t in range(n):
            s = y[t] + w0 * x0[t]
            s = s + w1 * x1[t]
            s = s + w2 * x2[t]
            y[t] = s + w3 * x3[t]
        j += 4
    while j < count:
        x = memory[places[j] : places[j] + n]
        w = weights[j]
        for t in range(n):
            y[t] = y[t] + w * x[t]
        j += 1


@compiled
def _mix_two(
    memory: NDArray[np.float32],
    out: int,
    next_out: int,
    places: NDArray[np.int64],
    weights: NDArray[np.float32],
    next_weights: NDArray[np.float32],
    n: int,
) -> None:
    """Do so for two rows, so that what is read once is used twice."""
    y, z = memory[out : out + n], memory[next_out : next_out + n]
    count, j = len(places), 0
    while j + 4 <= count:
        x0 = memory[places[j] : places[j] + n]
        x1 = memory[places[j + 1] : places[j + 1] + n]
        x2 = memory[places[j + 2] : places[j + 2] + n]
        x3 = memory[places[j + 3] : places[j + 3] + n]
        w0, w1, w2, w3 = weights[j], weights[j + 1], weights[j + 2], weights[j + 3]
        v0, v1 = next_weights[j], next_weights[j + 1]
        v2, v3 = next_weights[j + 2], next_weights[j + 3]
        for t in range(n):
            a, b, c, d = x0[t], x1[t], x2[t], x3[t]
            s = y[t] + w0 * a
            s = s + w1 * b
            s = s + w2 * c
            y[t] = s + w3 * d
            s = z[t] + v0 * a
            s = s + v1 * b
            s = s + v2 * c
            z[t] = s + v3 * d
        j += 4
    while j < count:
        x = memory[places[j] : places[j] + n]
        w, v = weights[j], next_weights[j]
        for t in range(n):
            y[t] = y[t] + w * x[t]
            z[t] = z[t] + v * x[t]
        j += 1


@compiled
def run_program(
    steps: NDArray[np.int64],
    terms: NDArray[np.int64],
    numbers: NDArray[np.float32],
    base: NDArray[np.int64],
    room: NDArray[np.int64],
    history: NDArray[np.int64],
    position: NDArray[np.int64],
    memory: NDArray[np.float32],
    places: NDArray[np.int64],
    audio: NDArray[np.float32],
    result: NDArray[np.float32],
    result_row: int,
) -> None:
    """Run a program over audio.

    Parameters
    ----------
    steps : ndarray of int64, shape (steps, 8)
        Kind and arguments of each step.
    terms : ndarray of int64, shape (terms, 2)
        Row and delay in samples of what the mixing steps read.
    numbers : ndarray of float32
        Weights, biases and the activations' constants.
    base, room, history, position : ndarray of int64, shape (rows,)
        Where a row begins in memory, how long it is, how far steps look back in it, and where its
        next chunk goes. Row 0 takes the input.
    memory : ndarray of float32
    places : ndarray of int64
        Scratch, as long as the longest list of terms.
    audio, result : ndarray of float32, shape (samples,)
    result_row : int
    """
    start = 0
    while start < len(audio):
        n = min(CHUNK, len(audio) - start)
        for r in range(len(base)):
            if position[r] + n > room[r]:
                kept, first = history[r], base[r]
                behind = first + position[r] - kept
                for t in range(kept):
                    memory[first + t] = memory[behind + t]
                position[r] = kept
        first = base[0] + position[0]
        for t in range(n):
            memory[first + t] = audio[start + t]
        for i in range(len(steps)):
            kind, out, count = steps[i, 0], steps[i, 1], steps[i, 2]
            if kind == MIX:
                # out, rows, first term, terms, weights, biases or -1, rows to begin from or -1
                first_term, num_terms = steps[i, 3], steps[i, 4]
                weights, biases, begin = steps[i, 5], steps[i, 6], steps[i, 7]
                for j in range(num_terms):
                    row = terms[first_term + j, 0]
                    places[j] = base[row] + position[row] - terms[first_term + j, 1]
                for r in range(count):
                    y = memory[base[out + r] + position[out + r] :][:n]
                    bias = numbers[biases + r] if biases >= 0 else _0
                    if begin >= 0:
                        x = memory[base[begin + r] + position[begin + r] :][:n]
                        for t in range(n):
                            y[t] = x[t] + bias
                    else:
                        for t in range(n):
                            y[t] = bias
                here, r = places[:num_terms], 0
                while r + 2 <= count:
                    at = weights + r * num_terms
                    _mix_two(
                        memory,
                        base[out + r] + position[out + r],
                        base[out + r + 1] + position[out + r + 1],
                        here,
                        numbers[at : at + num_terms],
                        numbers[at + num_terms : at + 2 * num_terms],
                        n,
                    )
                    r += 2
                if r < count:
                    at = weights + r * num_terms
                    first = base[out + r] + position[out + r]
                    _mix_one(memory, first, here, numbers[at : at + num_terms], n)
            else:
                # out, rows, other rows, third rows or -1, activation, its four constants
                other, third, activation = steps[i, 3], steps[i, 4], steps[i, 5]
                for r in range(count):
                    y = memory[base[out + r] + position[out + r] :][:n]
                    x = memory[base[other + r] + position[other + r] :][:n]
                    if kind == ADD:
                        for t in range(n):
                            y[t] = y[t] + x[t]
                    elif kind == COPY:
                        for t in range(n):
                            y[t] = x[t]
                    elif kind == FILM:
                        if third >= 0:
                            z = memory[base[third + r] + position[third + r] :][:n]
                            for t in range(n):
                                y[t] = y[t] * x[t] + z[t]
                        else:
                            for t in range(n):
                                y[t] = y[t] * x[t]
                    elif kind == GATE:
                        for t in range(n):
                            y[t] = y[t] * x[t]
                    elif kind == BLEND:
                        # y is activated, x the blend, third what y was before
                        z = memory[base[third + r] + position[third + r] :][:n]
                        for t in range(n):
                            y[t] = x[t] * y[t] + (_1 - x[t]) * z[t]
                    else:
                        c = steps[i, 6] + 4 * r
                        _activate(
                            activation,
                            numbers[c],
                            numbers[c + 1],
                            numbers[c + 2],
                            numbers[c + 3],
                            y,
                        )
        last = base[result_row] + position[result_row]
        for t in range(n):
            result[start + t] = memory[last + t]
        for r in range(len(base)):
            position[r] += n
        start += n


@compiled
def run_lstm(
    weights: NDArray[np.float32],
    biases: NDArray[np.float32],
    head: NDArray[np.float32],
    head_bias: Any,
    state: NDArray[np.float32],
    gates: NDArray[np.float32],
    audio: NDArray[np.float32],
    result: NDArray[np.float32],
) -> None:
    """Run stacked LSTM cells over audio.

    Parameters
    ----------
    weights : ndarray of float32, shape (layers, 2 * hidden, 4 * hidden)
        By input (those of the cell below or the audio, then the own hidden state) and gate, the
        gates in the order input, forget, cell, output.
    biases : ndarray of float32, shape (layers, 4 * hidden)
    head : ndarray of float32, shape (hidden,)
    head_bias : float32
    state : ndarray of float32, shape (layers, 2, hidden)
        Hidden and cell state, carried from call to call.
    gates : ndarray of float32, shape (4 * hidden,)
        Scratch.
    audio, result : ndarray of float32, shape (samples,)
    """
    num_layers, width = biases.shape
    hidden = width // 4
    for t in range(len(audio)):
        for i in range(num_layers):
            own = state[i]
            if i == 0:
                for g in range(width):
                    gates[g] = biases[0, g] + weights[0, 0, g] * audio[t]
            else:
                for g in range(width):
                    gates[g] = biases[i, g]
                _accumulate(gates, weights[i], 0, state[i - 1, 0])
            _accumulate(gates, weights[i], hidden, own[0])
            for g in range(2 * hidden):
                gates[g] = _sigmoid(gates[g])
            for g in range(2 * hidden, 3 * hidden):
                gates[g] = _tanh(gates[g])
            for g in range(3 * hidden, width):
                gates[g] = _sigmoid(gates[g])
            for h in range(hidden):
                cell = gates[hidden + h] * own[1, h] + gates[h] * gates[2 * hidden + h]
                own[1, h] = cell
                own[0, h] = gates[3 * hidden + h] * _tanh(cell)
        s = head_bias
        for h in range(hidden):
            s = s + head[h] * state[num_layers - 1, 0, h]
        result[t] = s


@compiled
def _accumulate(
    gates: NDArray[np.float32], weights: NDArray[np.float32], first: int, x: NDArray[np.float32]
) -> None:
    """Add ``weights[first:].T @ x`` to the gates, four inputs at a time."""
    count, j = len(x), 0
    while j + 4 <= count:
        w0, w1 = weights[first + j], weights[first + j + 1]
        w2, w3 = weights[first + j + 2], weights[first + j + 3]
        for g in range(len(gates)):
            s = gates[g] + w0[g] * x[j]
            s = s + w1[g] * x[j + 1]
            s = s + w2[g] * x[j + 2]
            gates[g] = s + w3[g] * x[j + 3]
        j += 4
    while j < count:
        w0 = weights[first + j]
        for g in range(len(gates)):
            gates[g] = gates[g] + w0[g] * x[j]
        j += 1
