"""Rack: a graph of effects, playing.

Purpose: run the nodes of a :class:`~leitmotiv.rack.graph.RackGraph` over a stream of blocks.

Conventions: a rack is itself an effect: float32 (2, samples) in and out, the same output however
the audio is cut into blocks. Parallel ways through effects that look ahead are brought together
again in time, and the rack's latency is that of its slowest way. A feedback cable passes a soft
limit, linear up to full scale and never above twice of it, so that no loop runs away.

Precedence, highest first: a snapshot that was recalled, automation, the knob.

Public names: :class:`Rack`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from leitmotiv.audio import SAMPLE_RATE
from leitmotiv.effects import AutomatedEffect, Parameter, make_effect
from leitmotiv.effects.effect import check_block, check_range
from leitmotiv.effects.level import FixedDelay
from leitmotiv.errors import AudioError
from leitmotiv.rack.graph import INPUT, Cable, Node, RackGraph
from leitmotiv.rack.motion import Motion, interpolate, read_motion
from leitmotiv.rack.tempo import resolve_note_values

__all__ = ["Rack"]

_CHUNK = 4096  # samples at a time inside: small enough for the cache, large enough for NumPy
LONGEST_TAIL_SEC = 120.0
_Block = NDArray[np.float32]


@dataclass(frozen=True)
class _Glide:
    """A knob on its way to a snapshot's value."""

    parameter: Parameter
    start: float
    end: float
    start_sec: float
    span_sec: float

    def values(self, time_sec: NDArray[np.float64]) -> NDArray[np.float64]:
        share = np.clip((time_sec - self.start_sec) / self.span_sec, 0.0, 1.0)
        return interpolate(self.parameter, self.start, self.end, share)


class _Loop:
    """The delay line of a feedback cable: read first, written once the source has played."""

    def __init__(self, num_channels: int, delay: int, gain: float) -> None:
        self.delay, self._gain = delay, np.float32(gain)
        self._past = np.zeros((num_channels, delay), np.float32)

    def read(self, num_samples: int) -> _Block:
        return self._past[:, :num_samples]

    def write(self, block: _Block) -> None:
        entering = _soft_limit(block * self._gain)
        self._past = np.concatenate([self._past[:, block.shape[1] :], entering], axis=1)


def _soft_limit(block: _Block) -> _Block:
    """Leave samples up to full scale alone; bend louder ones towards twice of it."""
    level = np.abs(block)
    if not level.size or level.max() <= 1.0:
        return block
    bent = np.where(level > 1.0, np.copysign(1.0 + np.tanh(level - 1.0), block), block)
    return np.asarray(bent, dtype=np.float32)


def _amplitude(gain_db: float) -> float:
    return 0.0 if gain_db <= -120.0 else 10 ** (gain_db / 20)


class Rack:
    """A rack that plays.

    Parameters
    ----------
    graph : RackGraph
    sample_rate : int
        Hz.
    num_channels : int
        2; 1 for racks of effects that take mono.

    Raises
    ------
    AudioError
        If a node's settings or a motion are wrong; the message names the node.

    Examples
    --------
    >>> from leitmotiv.rack.preset import read_graph
    >>> rack = Rack(read_graph('name = "half"\\n[nodes.a]\\neffect = "gain"\\ngain_db = -6.0206'))
    >>> rack.process(np.ones((2, 4), np.float32)).round(4).tolist()[0]
    [0.5, 0.5, 0.5, 0.5]
    """

    def __init__(
        self, graph: RackGraph, *, sample_rate: int = SAMPLE_RATE, num_channels: int = 2
    ) -> None:
        self.graph, self.sample_rate, self.num_channels = graph, sample_rate, num_channels
        self._order = graph.order()
        self._effects: dict[str, AutomatedEffect] = {}
        for node in graph.nodes:
            try:
                settings = resolve_note_values(node.settings, graph.tempo_bpm)
                self._effects[node.name] = make_effect(
                    node.effect, settings, sample_rate=sample_rate, num_channels=num_channels
                )
            except AudioError as error:
                raise AudioError(f"node {node.name!r}: {error}") from error
        self._motions: dict[str, Motion] = {
            target: read_motion(
                table, graph.parameter(target), graph.tempo_bpm, f"automation of {target}"
            )
            for target, table in graph.automation.items()
        }
        self._arrival, self._latency = self._latencies()
        self._chunk = min(
            [
                _CHUNK,
                *(self._loop_samples(n, c) for n in self._order for c in n.inputs if c.feedback_ms),
            ]
        )
        self.reset()

    def _latencies(self) -> tuple[dict[str, int], int]:
        """When a sound that enters at 0 reaches each node's output, and the rack's."""
        arrival = {INPUT: 0}
        for node in self._order:
            heard = [cable.source for cable in node.inputs if not cable.feedback_ms]
            heard += [node.side_chain] if node.side_chain else []
            at = max((arrival[source] for source in heard), default=0)
            arrival[node.name] = at + self._effects[node.name].latency_samples
        return arrival, max(arrival[cable.source] for cable in self.graph.outputs)

    def _entry(self, node: Node) -> int:
        return self._arrival[node.name] - self._effects[node.name].latency_samples

    def _loop_samples(self, node: Node, cable: Cable) -> int:
        """Length of a feedback line: look-ahead inside the loop counts towards its delay."""
        wanted = round(cable.feedback_ms * 1e-3 * self.sample_rate)
        shortest = max(round(1e-3 * self.sample_rate), 1)
        return max(wanted - max(self._arrival[cable.source] - self._entry(node), 0), shortest)

    @property
    def latency_samples(self) -> int:
        """Samples by which the output lags behind the input."""
        return self._latency

    @property
    def tail_sec(self) -> float:
        """Seconds for which a recording should ring on: the preset's, at most two minutes."""
        return min(self.graph.tail_sec, LONGEST_TAIL_SEC)

    def effect(self, name: str) -> AutomatedEffect:
        """Return the effect of a node.

        Raises
        ------
        AudioError
            If there is no such node.
        """
        return self._effects[self.graph.node(name).name]

    def get(self, target: str) -> float:
        """Return where the knob ``node.parameter`` is set; motions are not counted."""
        self.graph.parameter(target)
        node, _, parameter = target.partition(".")
        return self._effects[node].get(parameter)

    def set(self, target: str, value: float) -> None:
        """Turn the knob ``node.parameter``; it glides there, and its automation ends.

        Raises
        ------
        AudioError
            If there is no such knob or the value is out of range.
        """
        self.graph.parameter(target).check(value)
        self._live.pop(target, None)
        node, _, parameter = target.partition(".")
        self._effects[node].set(parameter, value)

    def recall(self, snapshot: str, *, glide_sec: float = 0.5) -> None:
        """Move to a snapshot over a while.

        Raises
        ------
        AudioError
            If there is no such snapshot.
        """
        check_range("glide_sec", glide_sec, 0.0, 3600.0, "seconds")
        self._aim(self._snapshot(snapshot), glide_sec)

    def morph(self, first: str, second: str, share: float, *, glide_sec: float = 0.05) -> None:
        """Stand between two snapshots: at the first for 0, at the second for 1.

        Targets that only one of them names are taken from it.

        Raises
        ------
        AudioError
            If a snapshot does not exist or the share is outside [0, 1].
        """
        check_range("share", share, 0.0, 1.0, "")
        start, end = self._snapshot(first), self._snapshot(second)
        values: dict[str, float] = {}
        for target in start.keys() | end.keys():
            low = start[target] if target in start else end[target]
            high = end[target] if target in end else start[target]
            parameter = self.graph.parameter(target)
            values[target] = float(interpolate(parameter, low, high, np.asarray(share)))
        self._aim(values, glide_sec)

    def start_at(self, snapshot: str) -> None:
        """Put the knobs where a snapshot has them, without a glide, and start anew.

        Raises
        ------
        AudioError
            If there is no such snapshot.
        """
        for target, value in self._snapshot(snapshot).items():
            node, _, parameter = target.partition(".")
            self._effects[node].set(parameter, value)
            self._motions.pop(target, None)
        self.reset()

    def travel(self, first: str, second: str, duration_sec: float) -> None:
        """Start anew at one snapshot and reach another after a while.

        Raises
        ------
        AudioError
            If a snapshot does not exist.
        """
        end = self._snapshot(second)
        self.start_at(first)
        self._aim(end, duration_sec)

    def _snapshot(self, name: str) -> Mapping[str, float]:
        if name not in self.graph.snapshots:
            if not self.graph.snapshots:
                raise AudioError(f"snapshot={name!r}: rack {self.graph.name!r} has no snapshots")
            legal = ", ".join(self.graph.snapshots)
            raise AudioError(f"snapshot={name!r} must be one of {legal}")
        return self.graph.snapshots[name]

    def _aim(self, values: Mapping[str, float], glide_sec: float) -> None:
        now_sec = self._time / self.sample_rate
        for target, value in values.items():
            motion = self._live.get(target)
            here = self.get(target)
            if motion is not None:
                here = float(motion.values(np.asarray([now_sec]))[0])
            parameter = self.graph.parameter(target)
            here = min(max(here, parameter.low), parameter.high)
            span_sec = max(glide_sec, parameter.smoothing_ms * 1e-3)
            self._live[target] = _Glide(parameter, here, value, now_sec, span_sec)

    def reset(self) -> None:
        """Forget everything heard so far and start all motions anew."""
        self._time = 0
        self._live: dict[str, Motion] = dict(self._motions)
        for effect in self._effects.values():
            effect.reset()
        channels = self.num_channels
        self._lines: dict[tuple[str, int], FixedDelay] = {}
        self._loops: dict[tuple[str, int], _Loop] = {}
        self._keys: dict[str, FixedDelay] = {}
        for node in self._order:
            at = self._entry(node)
            for number, cable in enumerate(node.inputs):
                if cable.feedback_ms:
                    length = self._loop_samples(node, cable)
                    loop = _Loop(channels, length, _amplitude(cable.gain_db))
                    self._loops[node.name, number] = loop
                else:
                    delay = at - self._arrival[cable.source]
                    self._lines[node.name, number] = FixedDelay(channels, delay)
            if node.side_chain is not None:
                self._keys[node.name] = FixedDelay(channels, at - self._arrival[node.side_chain])
        self._ends = [
            FixedDelay(channels, self._latency - self._arrival[cable.source])
            for cable in self.graph.outputs
        ]

    def process(self, block: _Block) -> _Block:
        """Return the next block.

        Parameters
        ----------
        block : ndarray of float32, shape (num_channels, samples)

        Returns
        -------
        ndarray of float32, shape (num_channels, samples)

        Raises
        ------
        AudioError
            If the shape or dtype is wrong or a sample is not finite.
        """
        check_block(block, self.num_channels)
        out = np.empty_like(block)
        for start in range(0, block.shape[1], self._chunk):
            chunk = block[:, start : start + self._chunk]
            out[:, start : start + chunk.shape[1]] = self._advance(chunk)
        return out

    def _advance(self, chunk: _Block) -> _Block:
        num_samples = chunk.shape[1]
        time_sec = (self._time + np.arange(num_samples)) / self.sample_rate
        moving: dict[str, dict[str, NDArray[np.float64]]] = {}
        for target, motion in self._live.items():
            node_name, _, parameter = target.partition(".")
            moving.setdefault(node_name, {})[parameter] = motion.values(time_sec)
        sound: dict[str, _Block] = {INPUT: chunk}
        for node in self._order:
            heard = np.zeros_like(chunk)
            for number, cable in enumerate(node.inputs):
                if cable.feedback_ms:
                    heard += self._loops[node.name, number].read(num_samples)
                else:
                    arrived = self._lines[node.name, number].next(sound[cable.source])
                    heard += arrived * np.float32(_amplitude(cable.gain_db))
            key = None
            if node.side_chain is not None:
                key = self._keys[node.name].next(sound[node.side_chain])
            try:
                sound[node.name] = self._effects[node.name].process(
                    heard, automation=moving.get(node.name), side_chain=key
                )
            except AudioError as error:
                raise AudioError(f"node {node.name!r}: {error}") from error
        for node in self._order:
            for number, cable in enumerate(node.inputs):
                if cable.feedback_ms:
                    self._loops[node.name, number].write(sound[cable.source])
        self._time += num_samples
        self._finish_glides()
        mixed = np.zeros_like(chunk)
        for cable, line in zip(self.graph.outputs, self._ends, strict=True):
            mixed += line.next(sound[cable.source]) * np.float32(_amplitude(cable.gain_db))
        return mixed * np.float32(_amplitude(self.graph.output_gain_db))

    def _finish_glides(self) -> None:
        """A knob that has arrived stays where it is without help."""
        last_sec = (self._time - 1) / self.sample_rate
        for target, motion in list(self._live.items()):
            if isinstance(motion, _Glide) and last_sec >= motion.start_sec + motion.span_sec:
                del self._live[target]
