"""A piano roll over a strip that says, bar by bar and part by part, what is shared.

Purpose: let a person see at a glance where a score repeats a training piece, whether that is
unusual, and whom it repeats.

Conventions: a row of the strip is a part that shares something, at most eight, those that share
most; a cell is a bar, and its colour says where its longest passage in common lies among the bars
of human composers. The number in it counts notes. The row of brackets over the cells shows where
the nearest pieces lie, with their numbers in the list beside the roll; only as many are drawn as
fit side by side.

Public names: :func:`draw_originality`.
"""

from __future__ import annotations

import os
import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from leitmotiv.release.pictures import drawable, part_colour, piano_roll_figure, save_figure
from leitmotiv.score import Score

if TYPE_CHECKING:
    from leitmotiv.review.originality import NearestPiece, OriginalityReport

__all__ = ["draw_originality"]

_LEVELS = {
    "own": ("#f3f1ec", "nothing in common"),
    "usual": ("#cfdbe6", "as in nine of ten human bars"),
    "much": ("#f0a63c", "more than in nine of ten"),
    "beyond": ("#c1121f", "more than in 99 of 100"),
}
_INK, _FAINT = "#22262e", "#6f7683"
_LEFT, _ROLL_RIGHT, _LIST_LEFT, _LIST_CHARACTERS = 0.042, 0.735, 0.75, 50
_MAX_ROWS, _MAX_PIECES = 8, 12
_ROW_HEIGHT, _LANE_HEIGHT = 0.024, 0.017
_MAX_LANES = 4
_BOTTOM = 0.085


def _rows(report: OriginalityReport) -> list[int]:
    """Parts of the strip, from the top of the score down."""
    most: dict[int, int] = {}
    for bar in report.bars:
        most[bar.part_index] = max(most.get(bar.part_index, 0), bar.num_notes)
    chosen = sorted(most, key=lambda part: (-most[part], part))[:_MAX_ROWS]
    return sorted(chosen)


def _lanes(nearest: Sequence[NearestPiece]) -> list[tuple[int, NearestPiece]]:
    """Lanes of brackets that do not touch, for as many pieces as there is room."""
    ends: list[int] = []
    placed: list[tuple[int, NearestPiece]] = []
    for near in nearest:
        lane = next((i for i, end in enumerate(ends) if near.first_bar_index > end), len(ends))
        if lane == _MAX_LANES:
            break
        ends[lane : lane + 1] = [near.last_bar_index]
        placed.append((lane, near))
    return placed


def draw_originality(
    score: Score, report: OriginalityReport, path: str | os.PathLike[str], *, title: str = ""
) -> Path:
    """Draw a piano roll, what each bar shares with training pieces, and the nearest of them.

    Parameters
    ----------
    score : Score
        As it was compared.
    report : OriginalityReport
        From :func:`leitmotiv.review.originality.review_originality`.
    path : path
        PNG file of 1600 by 900 pixels.
    title : str
        Defaults to the score's title.

    Raises
    ------
    ReleaseError
        If the file cannot be written.
    """
    rows = _rows(report)
    nearest = report.nearest[:_MAX_PIECES]
    placed = _lanes(nearest)
    num_lanes = 1 + max((lane for lane, _ in placed), default=-1)
    height = _ROW_HEIGHT * len(rows) + _LANE_HEIGHT * num_lanes
    figure, _ = piano_roll_figure(
        score, title=title, right=_ROLL_RIGHT, below=height + 0.035 if rows else 0.0
    )
    if rows:
        strip = figure.add_axes((_LEFT, _BOTTOM, _ROLL_RIGHT - _LEFT, height))
        _draw_strip(strip, score, report, rows)
        _draw_brackets(strip, score, placed, len(rows))
    _draw_list(figure, report, nearest)
    return save_figure(figure, path)


def _draw_strip(axes: Any, score: Score, report: OriginalityReport, rows: Sequence[int]) -> None:
    from matplotlib.patches import Rectangle

    lines, end = score.bar_ticks, max(score.length_ticks, 1)
    axes.set_xlim(0, end)
    axes.set_axis_off()
    place = {part: len(rows) - 1 - row for row, part in enumerate(rows)}
    shared = {(bar.bar_index, bar.part_index): bar for bar in report.bars}
    for part, row in place.items():
        for index in range(score.num_bars):
            bar = shared.get((index, part))
            start, stop = int(lines[index]), int(lines[index + 1])
            colour = _LEVELS["own" if bar is None else bar.level][0]
            axes.add_patch(
                Rectangle((start, row + 0.06), stop - start, 0.88, facecolor=colour,
                          edgecolor="white", linewidth=0.6)
            )  # fmt: skip
            if bar is not None and score.num_bars <= 64:
                axes.text(
                    (start + stop) / 2, row + 0.48, str(bar.num_notes), fontsize=7.5,
                    ha="center", va="center", color="white" if bar.level == "beyond" else _INK,
                )  # fmt: skip
        name = drawable(score.parts[part].name or str(part + 1))
        axes.text(
            -end * 0.004, row + 0.48, name if len(name) <= 10 else f"{name[:9]}…", fontsize=7.5,
            fontweight="bold", color=part_colour(part), ha="right", va="center", parse_math=False,
        )  # fmt: skip


def _draw_brackets(
    axes: Any, score: Score, placed: Sequence[tuple[int, NearestPiece]], num_rows: int
) -> None:
    lanes = 1 + max((lane for lane, _ in placed), default=-1)
    scale = _LANE_HEIGHT / _ROW_HEIGHT
    axes.set_ylim(0, num_rows + lanes * scale)
    lines, end = score.bar_ticks, max(score.length_ticks, 1)
    for number, (lane, near) in enumerate(placed, start=1):
        y = num_rows + (lane + 0.45) * scale
        start = int(lines[near.first_bar_index]) + end * 0.001
        stop = int(lines[near.last_bar_index + 1]) - end * 0.001
        axes.plot([start, stop], [y, y], color=_INK, linewidth=1.6, solid_capstyle="butt")
        axes.text(
            (start + stop) / 2, y, str(number), fontsize=8, fontweight="bold", color=_INK,
            ha="center", va="center",
            bbox={"boxstyle": "round,pad=0.12", "facecolor": "#fcfbf8", "edgecolor": "none"},
        )  # fmt: skip


def _draw_list(figure: Any, report: OriginalityReport, nearest: Sequence[NearestPiece]) -> None:
    from matplotlib.patches import Rectangle

    band = report.band.piece_notes
    y = 0.945
    heading = f"{report.longest_notes} notes in a row" if report.longest_notes else "Nothing shared"
    figure.text(
        _LIST_LEFT, y, heading, fontsize=13, fontweight="bold", color=_INK, va="center"
    )  # fmt: skip
    y -= 0.036
    if band:
        human = f"people: {band['0.5']:.0f} in the middle, at most {band['0.95']:.0f} in 19 of 20"
        figure.text(_LIST_LEFT, y, human, fontsize=9.5, color=_FAINT, va="center")
    y -= 0.04
    for number, near in enumerate(nearest, start=1):
        by = f", {near.piece.composer}" if near.piece.composer else ""
        words = (
            f"{near.piece.title or near.piece.id}{by} ({near.piece.licence}): "
            f"{near.num_notes} notes in a row"
        )
        if near.num_notes_in_all > near.num_notes:
            words += f", {near.num_notes_in_all} in all"
        words += f", bars {near.first_bar_index + 1}-{near.last_bar_index + 1}"
        figure.text(
            _LIST_LEFT + 0.014, y, str(number), fontsize=8.5, fontweight="bold", ha="right",
            color=_INK, va="top",
        )  # fmt: skip
        for line in textwrap.wrap(drawable(words), _LIST_CHARACTERS, max_lines=3, placeholder=" …"):
            figure.text(
                _LIST_LEFT + 0.019, y, line, fontsize=8.5, color=_INK, va="top", parse_math=False
            )  # fmt: skip
            y -= 0.0185
        y -= 0.006
    y = _BOTTOM + 0.066
    for colour, words in _LEVELS.values():
        figure.add_artist(
            Rectangle((_LIST_LEFT, y - 0.008), 0.011, 0.016, transform=figure.transFigure,
                      facecolor=colour, edgecolor="#b9b7af", linewidth=0.5)
        )  # fmt: skip
        figure.text(_LIST_LEFT + 0.016, y, words, fontsize=8.5, color=_FAINT, va="center")
        y -= 0.022
