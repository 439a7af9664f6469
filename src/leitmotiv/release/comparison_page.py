"""One page that shows how a set of pieces compares with human ones: self-contained HTML.

Purpose: the report of ``leitmotiv evaluate --music`` to look at and to send on: how many figures
meet the bar, each figure's distance as a bar, its distribution as a curve, and how alike the pieces
are. No script, no font and no picture is loaded from anywhere.

Conventions: the human set is the grey area, the set under test the blue line, baselines are thin
dashed lines.

Public names: :class:`ComparedSet`, :func:`comparison_page`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

import numpy as np
from numpy.typing import NDArray

from leitmotiv.review.comparison import BAR_RATIO, FigureComparison, share_within
from leitmotiv.review.diversity import NUM_OTHERS, Diversity
from leitmotiv.review.statistics import STATISTICS

__all__ = ["ComparedSet", "comparison_page"]

_COLOURS = ("#1f5f99", "#b3541e", "#5b7f2b", "#7a4a94", "#8a6d1b")
_STYLE = """
body{font:15px/1.45 system-ui,sans-serif;color:#222;max-width:1080px;margin:2em auto;padding:0 1em}
h1{font-size:1.5em}h2{font-size:1.15em;margin-top:2em}table{border-collapse:collapse;width:100%}
td,th{padding:2px 8px;text-align:right;border-bottom:1px solid #e4e4e4;font-size:13px}
td:first-child,th:first-child{text-align:left}.far{color:#b3261e;font-weight:600}
.plots{display:grid;grid-template-columns:repeat(auto-fill,minmax(240px,1fr));gap:10px}
figure{margin:0}figcaption{font-size:12px}svg{width:100%;height:auto;display:block}
.note{color:#666;font-size:13px}
"""
_PLOT_WIDTH, _PLOT_HEIGHT = 240, 90


@dataclass(frozen=True, eq=False)
class ComparedSet:
    """A set of pieces: its figures (pieces, figures), its comparisons, and how alike they are."""

    name: str
    table: NDArray[np.float64]
    comparisons: Sequence[FigureComparison]
    diversity: Sequence[Diversity] = ()


def comparison_page(
    sets: Sequence[ComparedSet],
    human: NDArray[np.float64],
    *,
    human_name: str,
    human_likeness: dict[str, tuple[float, tuple[float, ...]]] | None = None,
) -> str:
    """Return the page as HTML.

    Parameters
    ----------
    sets : sequence of ComparedSet
        The set under test first, then baselines.
    human : ndarray of float64, shape (pieces, figures)
    human_name : str
        What the human pieces are called.
    human_likeness : mapping, optional
        By aspect: mean likeness of pairs, and to the nearest of k others.
    """
    first = sets[0]
    met = sum(c.is_within for c in first.comparisons)
    lines = [
        "<!doctype html><html lang=en><meta charset=utf-8>",
        f"<title>{escape(first.name)} against {escape(human_name)}</title><style>{_STYLE}</style>",
        f"<h1>{escape(first.name)} against {escape(human_name)}</h1>",
        f"<p>{len(first.table)} pieces against {len(human)} by people. "
        f"<b>{met} of {len(first.comparisons)} figures ({share_within(first.comparisons):.0%})</b> "
        f"lie at most {BAR_RATIO:g} times as far from the human pieces as one half of these from "
        "the other.</p>",
        _key(sets),
        "<h2>Distance of each figure, human halves = 1</h2>",
        _ratio_chart(first),
        "<h2>Figures</h2>",
        _table(sets),
        "<h2>Distributions</h2><div class=plots>",
        *(_plot(item, sets, human) for item in first.comparisons),
        "</div>",
        _likeness(sets, human_likeness),
        "<p class=note>Distance: 1 - overlapping area of kernel densities, between draws of equal "
        "size; interval: 95 % bootstrap. Figures describe; they do not say which is better "
        "music.</p></html>",
    ]
    return "\n".join(lines)


def _key(sets: Sequence[ComparedSet]) -> str:
    items = ["<span style='color:#8a8a8a'>&#9632; people</span>"]
    for index, item in enumerate(sets):
        colour = _COLOURS[index % len(_COLOURS)]
        share = share_within(item.comparisons)
        items.append(
            f"<span style='color:{colour}'>&#9632; {escape(item.name)}: {share:.0%} of "
            f"{len(item.comparisons)} within</span>"
        )
    return "<p>" + " &nbsp; ".join(items) + "</p>"


def _ratio_chart(item: ComparedSet) -> str:
    rows = sorted(item.comparisons, key=lambda c: -c.ratio)
    step, left, width = 18, 290, 1000
    most = max([4.0, *(c.ratio for c in rows)])
    scale = (width - left - 60) / min(most, 8.0)
    height = step * len(rows) + 24
    bar = left + BAR_RATIO * scale
    out = [f"<svg viewBox='0 0 {width} {height}' role='img' aria-label='distance by figure'>"]
    for place, found in enumerate(rows):
        y = place * step + 4
        length = min(found.ratio, 8.0) * scale
        colour = "#1f5f99" if found.is_within else "#b3261e"
        out.append(
            f"<text x='{left - 8}' y='{y + 11}' text-anchor='end' font-size='12'>"
            f"{escape(found.statistic.label)}</text>"
            f"<rect x='{left}' y='{y}' width='{length:.1f}' height='13' fill='{colour}'/>"
            f"<text x='{left + length + 5:.1f}' y='{y + 11}' font-size='11'>{found.ratio:.2f}"
            "</text>"
        )
    out.append(
        f"<line x1='{bar:.1f}' x2='{bar:.1f}' y1='0' y2='{height - 18}' stroke='#222' "
        f"stroke-dasharray='4 3'/><text x='{bar:.1f}' y='{height - 4}' font-size='11' "
        f"text-anchor='middle'>{BAR_RATIO:g}</text></svg>"
    )
    return "".join(out)


def _table(sets: Sequence[ComparedSet]) -> str:
    head = "".join(f"<th>{escape(item.name)}" for item in sets[1:])
    out = [
        "<table><tr><th>figure<th>unit<th>people, median<th>median<th>distance<th>95 %"
        f"<th>human halves<th>ratio{head}</tr>"
    ]
    others = [{c.statistic.name: c for c in item.comparisons} for item in sets[1:]]
    for found in sets[0].comparisons:
        mark = "" if found.is_within else " class=far"
        cells = "".join(
            f"<td>{other[found.statistic.name].ratio:.2f}"
            if found.statistic.name in other
            else "<td>-"
            for other in others
        )
        out.append(
            f"<tr><td>{escape(found.statistic.label)}<td>{escape(found.statistic.unit)}"
            f"<td>{found.human_median:.2f}<td>{found.median:.2f}<td>{found.distance:.2f}"
            f"<td>{found.low:.2f}-{found.high:.2f}<td>{found.human_distance:.2f}"
            f"<td{mark}>{found.ratio:.2f}{cells}</tr>"
        )
    out.append("</table>")
    return "\n".join(out)


def _plot(item: FigureComparison, sets: Sequence[ComparedSet], human: NDArray[np.float64]) -> str:
    column = [s.name for s in STATISTICS].index(item.statistic.name)
    theirs = human[:, column][~np.isnan(human[:, column])]
    mine = [s.table[:, column][~np.isnan(s.table[:, column])] for s in sets]
    everything = np.concatenate([theirs, *mine])
    low, high = np.percentile(everything, [1, 99])
    spread = max(float(high - low), item.statistic.tolerance)
    grid = np.linspace(low - 0.15 * spread, high + 0.15 * spread, 80)
    width = max(0.06 * spread, item.statistic.tolerance / 2)
    curves = [
        np.exp(-0.5 * ((values[:, None] - grid) / width) ** 2).mean(axis=0)
        if len(values)
        else np.zeros(len(grid))
        for values in (theirs, *mine)
    ]
    x = np.linspace(0, _PLOT_WIDTH, len(grid))
    shapes = []
    for index, curve in enumerate(curves):
        y = _PLOT_HEIGHT - 4 - curve / max(float(curve.max()), 1e-9) * (_PLOT_HEIGHT - 14)
        points = " ".join(f"{a:.1f},{b:.1f}" for a, b in zip(x, y, strict=True))
        if index == 0:
            shapes.append(
                f"<polygon points='0,{_PLOT_HEIGHT} {points} {_PLOT_WIDTH},{_PLOT_HEIGHT}' "
                "fill='#cfcfcf'/>"
            )
        else:
            style = "stroke-width='2'" if index == 1 else "stroke-dasharray='4 3'"
            colour = _COLOURS[(index - 1) % len(_COLOURS)]
            shapes.append(f"<polyline points='{points}' fill='none' stroke='{colour}' {style}/>")
    return (
        f"<figure><svg viewBox='0 0 {_PLOT_WIDTH} {_PLOT_HEIGHT + 14}'>{''.join(shapes)}"
        f"<text x='2' y='{_PLOT_HEIGHT + 12}' font-size='10'>{grid[0]:.2f}</text>"
        f"<text x='{_PLOT_WIDTH - 2}' y='{_PLOT_HEIGHT + 12}' font-size='10' text-anchor='end'>"
        f"{grid[-1]:.2f}</text></svg><figcaption>{escape(item.statistic.label)}, "
        f"{escape(item.statistic.unit)}</figcaption></figure>"
    )


def _likeness(
    sets: Sequence[ComparedSet], human: dict[str, tuple[float, tuple[float, ...]]] | None
) -> str:
    rows = []
    for item in sets:
        for found in item.diversity:
            if not found.nearest:
                continue
            count = min(NUM_OTHERS, len(found.nearest))
            pairs, nearest = "-", "-"
            if human is not None and found.aspect in human:
                pairs = f"{human[found.aspect][0]:.3f}"
                known = human[found.aspect][1]
                nearest = f"{known[min(count, len(known)) - 1]:.3f}"
            rows.append(
                f"<tr><td>{escape(item.name)}: {found.aspect}<td>{found.pairs:.3f}<td>{pairs}"
                f"<td>{found.nearest_of(count):.3f}<td>{nearest}<td>{count}"
                f"<td>{found.closest_likeness:.3f}</tr>"
            )
    if not rows:
        return ""
    return (
        "<h2>How alike the pieces are</h2><table><tr><th>set and aspect<th>pairs<th>people"
        "<th>nearest<th>people<th>of k others<th>closest two</tr>" + "\n".join(rows) + "</table>"
        "<p class=note>Dice coefficient of five-note melody figures, rhythms of melody bars and "
        "three-chord successions, whatever the key: 0 nothing shared, 1 the same.</p>"
    )
