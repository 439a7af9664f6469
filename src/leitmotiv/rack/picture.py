"""A rack as a picture: its nodes from left to right, its cables, its motions.

Purpose: let a person see at a glance what a preset does.

Conventions: a node stands one column right of the last that it hears. Cables carry their gain
where it is not 0 dB; feedback runs back dashed, with its delay; a side chain is dotted. Below the
graph, each motion is drawn over the first half minute.

Public names: :func:`draw_rack`.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from leitmotiv.errors import AudioError
from leitmotiv.rack.graph import INPUT, OUTPUT, Cable, RackGraph
from leitmotiv.rack.motion import read_motion

__all__ = ["draw_rack"]

_INK, _FAINT, _PAPER = "#22262e", "#7a8290", "#fbfaf7"
_COLOURS = {
    "level": "#d9dee6",
    "tone": "#cfe3dc",
    "dynamics": "#e6dccb",
    "colour": "#f0c9b8",
    "movement": "#d9d2ea",
    "time": "#c6d9ee",
    "space": "#bfd3c9",
}
_KIND = {
    "gain": "level", "pan": "level", "stereo_width": "level",
    "parametric_eq": "tone", "linear_phase_eq": "tone", "filter": "tone",
    "compressor": "dynamics", "multiband_compressor": "dynamics", "gate": "dynamics",
    "expander": "dynamics", "limiter": "dynamics",
    "saturation": "colour", "tape": "colour", "tube_amp": "colour", "neural_amp": "colour",
    "cabinet": "colour",
    "chorus": "movement", "flanger": "movement", "phaser": "movement", "tremolo": "movement",
    "delay": "time", "evolving_delay": "time", "pitch_shifter": "time", "granular": "time",
    "looper": "time",
}  # fmt: skip
_BOX_WIDTH, _BOX_HEIGHT, _COLUMN, _ROW = 1.72, 0.98, 2.3, 1.6
_MOST_SETTINGS = 3
_SHOWN_SEC = 30.0


def _columns(graph: RackGraph) -> dict[str, int]:
    column = {INPUT: 0}
    for node in graph.order():
        heard = [cable.source for cable in node.inputs if not cable.feedback_ms]
        heard += [node.side_chain] if node.side_chain else []
        column[node.name] = 1 + max((column[source] for source in heard), default=0)
    column[OUTPUT] = 1 + max(column.values())
    return column


def _places(graph: RackGraph) -> dict[str, tuple[float, float]]:
    """Centre of each box; a node stands at the height of what it hears, unless taken."""
    column = _columns(graph)
    places: dict[str, tuple[float, float]] = {INPUT: (0.0, 0.0)}
    taken: set[tuple[int, float]] = {(0, 0.0)}
    hears = {
        node.name: [c.source for c in node.inputs if not c.feedback_ms] for node in graph.nodes
    }
    for node in graph.order():
        at = column[node.name]
        sources = hears[node.name]
        wanted = places[sources[0]][1] if sources else 0.0
        tries = sorted((wanted + step for step in range(-8, 9)), key=lambda y: (abs(y - wanted), y))
        # A cable that passes a column needs its row there, or it would run through a box.
        free = next(
            y
            for y in tries
            if all(
                (c, y) not in taken
                for c in range((column[sources[0]] if sources else 0) + 1, at + 1)
            )
        )
        for passed in range((column[sources[0]] if sources else 0) + 1, at + 1):
            taken.add((passed, free))
        places[node.name] = (at * _COLUMN, free)
    places[OUTPUT] = (column[OUTPUT] * _COLUMN, places[graph.outputs[0].source][1])
    return {name: (x, -y * _ROW) for name, (x, y) in places.items()}


def _shown(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.3g}"
    text = str(value)
    return text if len(text) <= 16 else "…" + text[-15:]


def _settings(settings: Mapping[str, Any]) -> list[str]:
    lines = [f"{name.replace('_', ' ')}  {_shown(value)}" for name, value in settings.items()]
    more = len(lines) - _MOST_SETTINGS
    return lines[:_MOST_SETTINGS] + ([f"… {more} more"] if more > 0 else [])


def _draw_box(
    axes: Any, name: str, place: tuple[float, float], effect: str, lines: list[str]
) -> None:
    from matplotlib.patches import FancyBboxPatch

    x, y = place
    end = effect == ""
    width = 0.8 if end else _BOX_WIDTH
    colour = "#eceae4" if end else _COLOURS[_KIND.get(effect, "space")]
    axes.add_patch(
        FancyBboxPatch(
            (x - width / 2, y - _BOX_HEIGHT / 2),
            width,
            _BOX_HEIGHT,
            boxstyle="round,pad=0.02,rounding_size=0.1",
            facecolor=colour,
            edgecolor=_INK,
            linewidth=0.9,
            zorder=3,
        )
    )
    if end:
        axes.text(x, y, name, ha="center", va="center", color=_INK, fontsize=8.5, zorder=4)
        return
    axes.text(
        x,
        y + 0.27,
        name,
        ha="center",
        va="center",
        color=_INK,
        fontsize=8.5,
        weight="bold",
        zorder=4,
    )
    small = ([effect] if effect != name else []) + lines
    axes.text(
        x,
        y - 0.11,
        "\n".join(small),
        ha="center",
        va="center",
        color=_INK,
        fontsize=5.6,
        linespacing=1.25,
        zorder=4,
    )


def _draw_cable(
    axes: Any,
    start: tuple[float, float],
    end: tuple[float, float],
    half: tuple[float, float],
    cable: Cable,
    style: str = "-",
) -> None:
    from matplotlib.patches import FancyArrowPatch

    label = f"{cable.gain_db:+.0f} dB" if cable.gain_db else ""
    distance = abs(end[0] - start[0])
    if cable.feedback_ms:
        tail = (start[0], start[1] - _BOX_HEIGHT / 2)
        head = (end[0], end[1] - _BOX_HEIGHT / 2)
        style = "--"
        label = f"{label}  {cable.feedback_ms:g} ms".strip()
        sag = 0.3 + 0.12 * distance
        bend = -2 * sag / max(distance, 0.5)
        middle = ((tail[0] + head[0]) / 2, (tail[1] + head[1]) / 2 - sag)
    elif distance > 1.2 * _COLUMN and start[1] == end[1]:
        # Over the heads of the boxes between.
        tail = (start[0] + 0.3 * half[0], start[1] + _BOX_HEIGHT / 2)
        head = (end[0] - 0.3 * half[1], end[1] + _BOX_HEIGHT / 2)
        rise = 0.18 + 0.04 * distance
        bend = -2 * rise / abs(head[0] - tail[0])
        middle = ((tail[0] + head[0]) / 2, tail[1] + rise)
    else:
        tail, head = (start[0] + half[0], start[1]), (end[0] - half[1], end[1])
        # A cable that changes its row over several columns changes it first.
        steps = np.sign(start[1] - end[1]) if distance > 1.2 * _COLUMN else 0.0
        bend = 0.22 * float(steps)
        across, down = head[0] - tail[0], head[1] - tail[1]
        middle = (
            tail[0] + 0.5 * across + 0.5 * bend * down,
            tail[1] + 0.5 * down - 0.5 * bend * across + (0.0 if bend else 0.1),
        )
    axes.add_patch(
        FancyArrowPatch(
            tail,
            head,
            connectionstyle=f"arc3,rad={bend}",
            arrowstyle="-|>",
            mutation_scale=8,
            linewidth=1.0,
            linestyle=style,
            color=_FAINT if style != "-" else _INK,
            shrinkA=1,
            shrinkB=1,
            zorder=2,
        )
    )
    if label:
        axes.text(
            *middle,
            label,
            fontsize=5.6,
            color=_INK,
            ha="center",
            va="center",
            zorder=5,
            bbox={"facecolor": _PAPER, "edgecolor": "none", "pad": 0.6},
        )


def _draw_motion(axes: Any, graph: RackGraph, target: str) -> None:
    parameter = graph.parameter(target)
    motion = read_motion(graph.automation[target], parameter, graph.tempo_bpm, target)
    time_sec = np.linspace(0.0, _SHOWN_SEC, 600)
    axes.plot(time_sec, motion.values(time_sec), color="#3b6ea5", linewidth=1.1)
    axes.set_title(target.replace("_", " "), fontsize=6.2, color=_INK, loc="left", pad=2)
    low, high = axes.dataLim.intervaly
    if parameter.scale == "log" and high > 8 * low > 0:
        from matplotlib.ticker import NullFormatter, ScalarFormatter

        axes.set_yscale("log")
        axes.yaxis.set_major_formatter(ScalarFormatter())
        axes.yaxis.set_minor_formatter(NullFormatter())
    axes.tick_params(labelsize=5, length=2, colors=_FAINT)
    axes.set_xlim(0, _SHOWN_SEC)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)


def draw_rack(graph: RackGraph, path: str | os.PathLike[str]) -> Path:
    """Draw a rack as PNG, SVG or PDF, by the suffix; the file appears whole or not at all.

    Raises
    ------
    AudioError
        If the file cannot be written or a motion is wrong.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    path = Path(path)
    if path.suffix.lower() not in (".png", ".svg", ".pdf"):
        raise AudioError(f"picture {path} must end in .png, .svg or .pdf")
    places = _places(graph)
    xs, ys = [x for x, _ in places.values()], [y for _, y in places.values()]
    loops = any(cable.feedback_ms for node in graph.nodes for cable in node.inputs)
    width = max(xs) + 2.2
    height = max(ys) - min(ys) + 2.3 + (0.8 if loops else 0.0)
    targets = list(graph.automation)[:8]
    rows = -(-len(targets) // 4)
    motion_height = 1.15 * rows + (0.25 if rows else 0.0)
    scale = 0.78
    figure = Figure(
        figsize=(max(width * scale, 6.0), (height * scale) + motion_height), facecolor=_PAPER
    )
    FigureCanvasAgg(figure)
    share = motion_height / (height * scale + motion_height)
    axes = figure.add_axes((0.0, share, 1.0, 1.0 - share))
    axes.set_xlim(-1.1, -1.1 + width)
    axes.set_ylim(min(ys) - 0.75 - (0.8 if loops else 0.0), max(ys) + 1.55)
    axes.set_aspect("equal")
    axes.axis("off")
    axes.text(-0.4, max(ys) + 1.36, graph.name, fontsize=11, weight="bold", color=_INK, va="center")
    axes.text(
        -0.4, max(ys) + 1.1, graph.description, fontsize=6.5, color=_FAINT, va="center", wrap=False
    )
    half = dict.fromkeys(places, _BOX_WIDTH / 2) | {INPUT: 0.4, OUTPUT: 0.4}
    for name in (INPUT, OUTPUT):
        _draw_box(axes, name, places[name], "", [])
    for node in graph.nodes:
        _draw_box(axes, node.name, places[node.name], node.effect, _settings(node.settings))
        for cable in node.inputs:
            ends = half[cable.source], half[node.name]
            _draw_cable(axes, places[cable.source], places[node.name], ends, cable)
        if node.side_chain is not None:
            ends = half[node.side_chain], half[node.name]
            key = Cable(node.side_chain)
            _draw_cable(axes, places[node.side_chain], places[node.name], ends, key, ":")
    for cable in graph.outputs:
        ends = half[cable.source], half[OUTPUT]
        _draw_cable(axes, places[cable.source], places[OUTPUT], ends, cable)
    if targets:
        grid = figure.add_gridspec(
            rows, min(len(targets), 4), left=0.06, right=0.97, bottom=0.2 * share, top=0.8 * share,
            hspace=0.9, wspace=0.25,
        )  # fmt: skip
        for number, target in enumerate(targets):
            _draw_motion(figure.add_subplot(grid[number // 4, number % 4]), graph, target)
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        figure.savefig(part, dpi=160, format=path.suffix[1:].lower(), facecolor=_PAPER)
        os.replace(part, path)
    except OSError as error:
        raise AudioError(f"cannot write picture {path}: {error.strerror}") from error
    finally:
        part.unlink(missing_ok=True)
    return path
