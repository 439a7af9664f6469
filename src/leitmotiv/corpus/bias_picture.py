"""The bias report as one picture: bars for each table, shares of notes.

Matplotlib is loaded when a picture is drawn.

Public names: :func:`draw_bias`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from leitmotiv.corpus.bias import BiasReport, BiasRow, BiasTable

__all__ = ["draw_bias"]

_PANELS = (
    ("genre", 15),
    ("region", 12),
    ("family", 14),
    ("century", 9),
    ("composer", 12),
    ("meter", 9),
    ("mode", 7),
)
_INK, _FAINT, _BAR, _UNKNOWN_BAR = "#222222", "#8a8a8a", "#2f6f8f", "#c9c9c9"
_GREY_LABELS = ("unknown", "anonymous and traditional", "others")


def _shown(table: BiasTable, limit: int) -> list[BiasRow]:
    """The largest rows, the rest added up as "others"; unknown last."""
    known = [row for row in table.rows if row.label != "unknown"]
    unknown = [row for row in table.rows if row.label == "unknown"]
    rest = known[limit:] if table.name != "century" else []
    shown = known[:limit] if table.name != "century" else known
    if rest:
        shown = [
            *shown,
            BiasRow(
                "others",
                sum(row.pieces for row in rest),
                sum(row.notes for row in rest),
                sum(row.hours for row in rest),
                sum(row.share for row in rest),
            ),
        ]
    return [*shown, *unknown]


def _percent(share: float) -> str:
    return f"{share:.0%}" if share >= 0.095 else f"{share:.1%}" if share >= 0.0005 else "<0.1%"


def _panel(axes: Any, table: BiasTable, limit: int) -> None:
    rows = _shown(table, limit)
    widest = max((row.share for row in rows), default=1.0) or 1.0
    for place, row in enumerate(rows):
        colour = _UNKNOWN_BAR if row.label in _GREY_LABELS else _BAR
        axes.barh(place, row.share, height=0.72, color=colour)
        label = row.label if len(row.label) <= 28 else row.label[:27] + "…"
        axes.text(-0.02 * widest, place, label, ha="right", va="center", fontsize=8.5, color=_INK)
        hours = f"{row.hours:,.0f} h" if row.hours >= 9.5 else f"{row.hours:.1f} h"
        axes.text(
            row.share + 0.015 * widest,
            place,
            f"{_percent(row.share)}  {hours}",
            va="center",
            fontsize=7.5,
            color=_FAINT,
        )
    axes.set_title(table.title, loc="left", fontsize=11, fontweight="bold", color=_INK)
    axes.set_xlim(0, widest * 1.32)
    axes.set_ylim(len(rows) - 0.4, -0.6)
    axes.set_axis_off()


def draw_bias(report: BiasReport, path: Path) -> None:
    """Draw the report as a PNG.

    Parameters
    ----------
    report : BiasReport
    path : Path
        Written as PNG, 1800 pixels wide.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(15, 11.5), facecolor="white")
    FigureCanvasAgg(figure)
    figure.text(
        0.03,
        0.965,
        f"{report.pieces:,} pieces, {report.notes:,} notes, {report.hours:,.0f} hours",
        fontsize=17,
        fontweight="bold",
        color=_INK,
    )
    figure.text(
        0.03,
        0.943,
        "Share of all notes, and hours. Grey: not known, or too many to name.",
        fontsize=10,
        color=_FAINT,
    )
    columns = (("genre", "century"), ("region", "composer"), ("family", "meter", "mode"))
    limits = dict(_PANELS)
    top, bottom, gap = 0.905, 0.02, 0.05
    for number, names in enumerate(columns):
        sizes = [len(_shown(report.table(name), limits[name])) + 1.0 for name in names]
        # A lone short table must not stretch its bars over the whole page.
        unit = (top - bottom - gap * (len(names) - 1)) / max(sum(sizes), 26.0)
        edge = top
        for name, size in zip(names, sizes, strict=True):
            height = unit * size
            axes = figure.add_axes((0.03 + number * 0.325 + 0.125, edge - height, 0.19, height))
            _panel(axes, report.table(name), limits[name])
            edge -= height + gap
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=120, format="png")
