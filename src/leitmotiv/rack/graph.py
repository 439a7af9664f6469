"""The graph of a rack: nodes, the cables between them, motions and snapshots, as data.

Purpose: what a preset says, checked, before any sound: names exist, cables lead somewhere, and no
loop lacks the delay that it needs.

Conventions: ``input`` is the sound that comes in. A node hears the sum of its ``inputs``, each at
its gain; without any it hears the node before it, so a chain needs no cables. A cable with
``feedback_ms`` carries a node's output back to an earlier one, that much later; every loop needs
one. Targets of motions and snapshots are written ``node.parameter``.

Public names: :class:`Cable`, :class:`Node`, :class:`RackGraph`, :data:`INPUT`, :data:`OUTPUT`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from graphlib import CycleError, TopologicalSorter
from types import MappingProxyType
from typing import Any

from leitmotiv.effects import Parameter, load_effect
from leitmotiv.effects.effect import check_range
from leitmotiv.errors import AudioError

__all__ = ["INPUT", "OUTPUT", "Cable", "Node", "RackGraph"]

INPUT, OUTPUT = "input", "output"
SHORTEST_FEEDBACK_MS = 1.0


@dataclass(frozen=True)
class Cable:
    """From where a node hears, how loud, and, in a feedback loop, how much later.

    ``gain_db`` -120 is silence. ``feedback_ms`` 0 means no loop.
    """

    source: str
    gain_db: float = 0.0
    feedback_ms: float = 0.0

    def __post_init__(self) -> None:
        check_range(f"gain_db of the cable from {self.source!r}", self.gain_db, -120, 24, "dB")
        if self.feedback_ms:
            check_range(
                f"feedback_ms of the cable from {self.source!r}",
                self.feedback_ms,
                SHORTEST_FEEDBACK_MS,
                60_000.0,
                "ms",
            )


@dataclass(frozen=True)
class Node:
    """One effect in its place; ``settings`` are its parameters and options."""

    name: str
    effect: str
    inputs: tuple[Cable, ...]
    side_chain: str | None = None
    settings: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True)
class RackGraph:
    """A whole rack as data.

    ``automation`` maps targets to tables as :func:`~leitmotiv.rack.motion.read_motion` takes
    them; ``snapshots`` map names to values of targets. ``tail_sec`` is how long a recording rings
    on after its end.

    Raises
    ------
    AudioError
        If a name is double or missing, a setting does not exist, or a loop has no delay.
    """

    name: str
    nodes: tuple[Node, ...]
    outputs: tuple[Cable, ...]
    description: str = ""
    tempo_bpm: float = 120.0
    tail_sec: float = 4.0
    output_gain_db: float = 0.0
    automation: Mapping[str, Mapping[str, Any]] = field(
        default_factory=lambda: MappingProxyType({})
    )
    snapshots: Mapping[str, Mapping[str, float]] = field(
        default_factory=lambda: MappingProxyType({})
    )

    def __post_init__(self) -> None:
        check_range("tempo_bpm", self.tempo_bpm, 20.0, 400.0, "beats per minute")
        check_range("tail_sec", self.tail_sec, 0.0, 120.0, "seconds")
        check_range("output_gain_db", self.output_gain_db, -120.0, 24.0, "dB")
        if not self.nodes:
            raise AudioError(f"rack {self.name!r} holds no node; give it at least one effect")
        names = [node.name for node in self.nodes]
        for name in names:
            if names.count(name) > 1 or name in (INPUT, OUTPUT) or "." in name or not name:
                raise AudioError(
                    f"node name {name!r} must be given once, without a dot, and be neither "
                    f"{INPUT!r} nor {OUTPUT!r}"
                )
        for node in self.nodes:
            effect = load_effect(node.effect)
            if node.side_chain is not None and not effect.takes_side_chain:
                raise AudioError(
                    f"node {node.name!r}: effect {node.effect!r} listens to no side chain"
                )
            heard = [cable.source for cable in node.inputs]
            self._check_sources(
                node.name, [*heard, *([node.side_chain] if node.side_chain else [])]
            )
        self._check_sources(OUTPUT, [cable.source for cable in self.outputs])
        if any(cable.feedback_ms for cable in self.outputs):
            raise AudioError("the output is in no loop; drop feedback_ms from its cables")
        self.order()
        for name, snapshot in self.snapshots.items():
            for target, value in snapshot.items():
                try:
                    self.parameter(target).check(value)
                except AudioError as error:
                    raise AudioError(f"snapshot {name!r}: {error}") from error

    def _check_sources(self, name: str, sources: list[str]) -> None:
        legal = [INPUT, *(node.name for node in self.nodes)]
        if not sources:
            raise AudioError(f"{name!r} hears nothing; give it at least one input")
        for source in sources:
            if source not in legal:
                raise AudioError(
                    f"{name!r} hears {source!r}, which is not in the rack; it must be one of "
                    f"{', '.join(legal)}"
                )

    def node(self, name: str) -> Node:
        """Return a node by its name.

        Raises
        ------
        AudioError
            If there is none.
        """
        for node in self.nodes:
            if node.name == name:
                return node
        legal = ", ".join(node.name for node in self.nodes)
        raise AudioError(f"rack {self.name!r} has no node {name!r}; it has {legal}")

    def parameter(self, target: str) -> Parameter:
        """Return the parameter that a target ``node.parameter`` means.

        Raises
        ------
        AudioError
            If the node or the parameter does not exist.
        """
        node_name, dot, name = target.partition(".")
        if not dot:
            raise AudioError(f"target {target!r} must be written node.parameter")
        effect = load_effect(self.node(node_name).effect)
        for parameter in effect.parameters:
            if parameter.name == name:
                return parameter
        legal = ", ".join(parameter.name for parameter in effect.parameters)
        raise AudioError(f"target {target!r}: the effect's parameters are {legal}")

    def order(self) -> tuple[Node, ...]:
        """Return the nodes so that each comes after what it hears at once.

        Raises
        ------
        AudioError
            If nodes hear each other in a circle and no cable of it has ``feedback_ms``.
        """
        hears: dict[str, set[str]] = {}
        for node in self.nodes:
            at_once = {cable.source for cable in node.inputs if not cable.feedback_ms}
            hears[node.name] = (at_once | ({node.side_chain} if node.side_chain else set())) - {
                INPUT
            }
        try:
            order = tuple(TopologicalSorter(hears).static_order())
        except CycleError as error:
            circle = " → ".join(reversed(error.args[1]))
            raise AudioError(
                f"the loop {circle} has no delay; give one of its cables feedback_ms of at least "
                f"{SHORTEST_FEEDBACK_MS:g} ms, as in {{ from = {error.args[1][0]!r}, "
                "feedback_ms = 20 }"
            ) from error
        return tuple(self.node(name) for name in order)
