"""Presets: a rack as a TOML file.

Purpose: read, check and write racks that people can open and change; find those that come along.

Conventions: a file looks like this; everything but ``name`` and one node may be left out::

    name = "slow echoes"
    description = "What it is for."
    tempo_bpm = 72              # note values such as "1/8." are times at this tempo
    tail_sec = 8.0              # how long a recording rings on
    output_gain_db = 0.0

    [nodes.delay]               # a node without inputs hears the node before it
    effect = "evolving_delay"
    delay_sec = "1/4."
    feedback = 0.7

    [nodes.space]
    effect = "plate_reverb"
    inputs = ["delay", { from = "input", gain_db = -6.0 }]

    [output]                    # without it the last node is heard
    inputs = ["delay", { from = "space", gain_db = -9.0 }]

    [automation."delay.feedback"]
    points = [[0.0, 0.3], [8.0, 0.8]]
    curve = "smooth"

    [snapshots.dense]
    "delay.feedback" = 0.95

A path in an option ``file`` counts from the folder of the preset.

Public names: :func:`load_preset`, :func:`save_preset`, :func:`preset_names`, :func:`read_graph`.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Any

from leitmotiv.errors import AudioError
from leitmotiv.rack.graph import INPUT, Cable, Node, RackGraph

__all__ = ["load_preset", "preset_names", "read_graph", "save_preset"]

_TOP = (
    "name",
    "description",
    "tempo_bpm",
    "tail_sec",
    "output_gain_db",
    "nodes",
    "output",
    "automation",
    "snapshots",
)
_CABLE = ("from", "gain_db", "feedback_ms")
LARGEST_FILE = 1 << 20


def preset_names() -> tuple[str, ...]:
    """Return the names of the presets that come along, sorted."""
    folder = resources.files("leitmotiv.rack") / "presets"
    return tuple(sorted(f.name[:-5] for f in folder.iterdir() if f.name.endswith(".toml")))


def load_preset(name: str | os.PathLike[str]) -> RackGraph:
    """Return a preset that comes along by its name, or one from a TOML file by its path.

    Raises
    ------
    AudioError
        If there is no such preset or the file does not describe a rack.
    """
    path = Path(name)
    if path.suffix != ".toml":
        if str(name) not in preset_names():
            raise AudioError(
                f"preset={str(name)!r} must be a .toml file or one of {', '.join(preset_names())}"
            )
        text = (resources.files("leitmotiv.rack") / "presets" / f"{name}.toml").read_text("utf-8")
        return read_graph(text, where=str(name))
    try:
        if path.stat().st_size > LARGEST_FILE:
            raise AudioError(f"{path} is over 1 MiB; a preset is a short text")
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise AudioError(f"cannot read preset {path}: {reason}") from error
    return read_graph(text, where=path.name, folder=path.parent)


def read_graph(text: str, *, where: str = "preset", folder: Path | None = None) -> RackGraph:
    """Return the rack that a TOML text describes.

    Parameters
    ----------
    text : str
    where : str
        Begins every error message.
    folder : Path, optional
        From where paths in options ``file`` count.

    Raises
    ------
    AudioError
        If the text is no TOML or describes no rack.

    Examples
    --------
    >>> graph = read_graph('name = "quieter"\\n[nodes.level]\\neffect = "gain"\\ngain_db = -6.0')
    >>> graph.nodes[0].inputs[0].source, graph.outputs[0].source
    ('input', 'level')
    """
    try:
        table = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise AudioError(f"{where}: not TOML: {error}") from error
    try:
        return _graph(table, folder)
    except AudioError as error:
        raise AudioError(f"{where}: {error}") from error


def _graph(table: Mapping[str, Any], folder: Path | None) -> RackGraph:
    _known(table, _TOP, "the preset")
    nodes: list[Node] = []
    for name, entry in _table(table, "nodes").items():
        if not isinstance(entry, Mapping) or not isinstance(entry.get("effect"), str):
            raise AudioError(f"node {name!r} must be a table with an effect")
        settings = {k: v for k, v in entry.items() if k not in ("effect", "inputs", "side_chain")}
        if isinstance(settings.get("file"), str) and folder is not None:
            settings["file"] = str((folder / settings["file"]).absolute())
        before = nodes[-1].name if nodes else INPUT
        side_chain = entry.get("side_chain")
        if side_chain is not None and not isinstance(side_chain, str):
            raise AudioError(f"side_chain of node {name!r} must be the name of a node or {INPUT!r}")
        cables = _cables(entry.get("inputs", [before]), f"node {name!r}")
        nodes.append(Node(name, entry["effect"], cables, side_chain, settings))
    output = _table(table, "output")
    _known(output, ("inputs",), "output")
    last = [nodes[-1].name] if nodes else []
    numbers = {
        name: _number(table[name], name)
        for name in ("tempo_bpm", "tail_sec", "output_gain_db")
        if name in table
    }
    automation = _table(table, "automation")
    snapshots = _table(table, "snapshots")
    for kind, entries in (("automation", automation), ("snapshot", snapshots)):
        for name, entry in entries.items():
            if not isinstance(entry, Mapping):
                raise AudioError(f"{kind} {name!r} must be a table; are its quotation marks right?")
    return RackGraph(
        _text(table, "name"),
        tuple(nodes),
        _cables(output.get("inputs", last), "output"),
        _text(table, "description"),
        automation=automation,
        snapshots={
            name: {target: _number(value, target) for target, value in entry.items()}
            for name, entry in snapshots.items()
        },
        **numbers,
    )


def _known(table: Mapping[str, Any], legal: tuple[str, ...], where: str) -> None:
    for name in table:
        if name not in legal:
            raise AudioError(f"{where} has no entry {name!r}; it has {', '.join(legal)}")


def _table(table: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = table.get(name, {})
    if not isinstance(value, Mapping):
        raise AudioError(f"{name} must be a table")
    return value


def _text(table: Mapping[str, Any], name: str) -> str:
    value = table.get(name, "")
    if not isinstance(value, str):
        raise AudioError(f"{name}={value!r} must be a text")
    return value


def _number(value: Any, name: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise AudioError(f"{name}={value!r} must be a number")
    return float(value)


def _cables(entries: Any, where: str) -> tuple[Cable, ...]:
    if not isinstance(entries, list):
        raise AudioError(f"inputs of {where} must be a list such as ['input']")
    cables: list[Cable] = []
    for entry in entries:
        if isinstance(entry, str):
            cables.append(Cable(entry))
        elif isinstance(entry, Mapping) and isinstance(entry.get("from"), str):
            _known(entry, _CABLE, f"an input of {where}")
            rest = {name: _number(entry[name], name) for name in _CABLE[1:] if name in entry}
            cables.append(Cable(entry["from"], **rest))
        else:
            raise AudioError(f"input {entry!r} of {where} must be a name or a table with 'from'")
    return tuple(cables)


def save_preset(graph: RackGraph, path: str | os.PathLike[str]) -> Path:
    """Write a rack as TOML; the file appears whole or not at all.

    Raises
    ------
    AudioError
        If it cannot be written.
    """
    import tomli_w

    path = Path(path)
    table: dict[str, Any] = {
        "name": graph.name,
        "description": graph.description,
        "tempo_bpm": graph.tempo_bpm,
        "tail_sec": graph.tail_sec,
        "output_gain_db": graph.output_gain_db,
        "nodes": {},
    }
    for node in graph.nodes:
        entry: dict[str, Any] = {"effect": node.effect, "inputs": _entries(node.inputs)}
        if node.side_chain is not None:
            entry["side_chain"] = node.side_chain
        table["nodes"][node.name] = entry | dict(node.settings)
    table["output"] = {"inputs": _entries(graph.outputs)}
    table["automation"] = {name: dict(entry) for name, entry in graph.automation.items()}
    table["snapshots"] = {name: dict(entry) for name, entry in graph.snapshots.items()}
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        part.write_text(tomli_w.dumps(table), encoding="utf-8")
        os.replace(part, path)
    except OSError as error:
        raise AudioError(f"cannot write preset {path}: {error.strerror}") from error
    finally:
        part.unlink(missing_ok=True)
    return path


def _entries(cables: tuple[Cable, ...]) -> list[Any]:
    entries: list[Any] = []
    for cable in cables:
        entry: dict[str, Any] = {"from": cable.source}
        if cable.gain_db:
            entry["gain_db"] = cable.gain_db
        if cable.feedback_ms:
            entry["feedback_ms"] = cable.feedback_ms
        entries.append(entry if len(entry) > 1 else cable.source)
    return entries
