"""Playing amp captures, one channel, block by block.

Conventions: mono float32; the output has the input's length and no delay, and does not depend on
how the audio was cut into blocks, to the last bit. A player begins as if it had heard silence for
as long as the network remembers.

Public names: :class:`NamPlayer`.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from leitmotiv.effects.nam_file import NamFile
from leitmotiv.effects.nam_kernels import run_lstm, run_program
from leitmotiv.effects.nam_network import lay_out, receptive_field
from leitmotiv.effects.nam_program import Cells, Program

__all__ = ["NamPlayer"]


class _ProgramState:
    """The rows of a program, and the program run over them."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.memory = np.zeros(program.num_samples, np.float32)
        self.position = program.history.copy()
        self._places = np.empty(program.num_places, np.int64)

    def run(self, audio: NDArray[np.float32]) -> NDArray[np.float32]:
        result = np.empty_like(audio)
        p = self.program
        run_program(
            p.steps, p.terms, p.numbers, p.base, p.room, p.history, self.position, self.memory,
            self._places, audio, result, p.result_row,
        )  # fmt: skip
        return result

    def copy_from(self, other: _ProgramState) -> None:
        self.memory[:] = other.memory
        self.position[:] = other.position


class _CellState:
    """The state of LSTM cells, and the cells run over it."""

    def __init__(self, cells: Cells) -> None:
        self.cells = cells
        self.state = cells.start.copy()
        self._gates = np.empty(cells.biases.shape[1], np.float32)

    def run(self, audio: NDArray[np.float32]) -> NDArray[np.float32]:
        result = np.empty_like(audio)
        c = self.cells
        run_lstm(c.weights, c.biases, c.head, c.head_bias, self.state, self._gates, audio, result)
        return result

    def copy_from(self, other: _CellState) -> None:
        self.state[:] = other.state


def _states(parts: list[Program | Cells]) -> list[_ProgramState | _CellState]:
    return [_ProgramState(p) if isinstance(p, Program) else _CellState(p) for p in parts]


class NamPlayer:
    """Plays one channel through a capture.

    Parameters
    ----------
    file : NamFile
    slim : float
        Which size of a SlimmableContainer plays, 0 (smallest) to 1 (full).

    Attributes
    ----------
    sample_rate : int
        Hz at which the capture was made; what is played must have it.
    receptive_field : int
        Samples that the network remembers.
    num_multiplies : int
        Multiplications a sample, a measure of the work.
    rest : float
        What the capture returns for silence.

    Raises
    ------
    ModelError
        If the file's parts do not fit together or ask for something that does not play.

    Examples
    --------
    >>> from leitmotiv.effects.nam_file import parse_nam
    >>> halves = parse_nam(
    ...     {
    ...         "version": "0.5.4",
    ...         "architecture": "Linear",
    ...         "weights": [0.5, 0.5],
    ...         "config": {"receptive_field": 2, "bias": False},
    ...     }
    ... )
    >>> NamPlayer(halves).play(np.array([1, 0, 0], np.float32))
    array([0.5, 0.5, 0. ], dtype=float32)
    """

    def __init__(self, file: NamFile, *, slim: float = 1.0) -> None:
        parts = lay_out(file, slim=slim)
        self.sample_rate = file.sample_rate
        self.receptive_field = receptive_field(parts)
        self.num_multiplies = sum(
            len(p.numbers) if isinstance(p, Program) else p.weights.size for p in parts
        )
        self._states = _states(parts)
        silence = np.zeros(self.receptive_field, np.float32)
        for state in self._states:
            # Each part settles on what the one before it makes of silence.
            silence = state.run(silence)
        self.rest = float(silence[-1])
        if not math.isfinite(self.rest):
            raise file.fault("its weights are so large that it plays no finite samples")
        self._settled = _states(parts)
        self._copy(self._states, self._settled)

    @staticmethod
    def _copy(
        source: list[_ProgramState | _CellState], target: list[_ProgramState | _CellState]
    ) -> None:
        for a, b in zip(source, target, strict=True):
            b.copy_from(a)  # type: ignore[arg-type]

    def reset(self) -> None:
        """Forget everything heard so far."""
        self._copy(self._settled, self._states)

    def continue_as(self, other: NamPlayer) -> None:
        """Go on from where another player of the same capture stands."""
        self._copy(other._states, self._states)

    def play(self, audio: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the next block, float32 (samples,)."""
        signal = np.ascontiguousarray(audio, dtype=np.float32)
        for state in self._states:
            signal = state.run(signal)
        return signal
