"""A piano roll with the findings of a review marked where they are.

Purpose: let a person see at a glance where to look, and hear why.

Conventions: a mark stands on the note that a finding names; on the middle of its part in its bar
where it names none; on the upper edge of the roll where it concerns everybody. Numbers are those
of the list beside the roll and of the table that ``leitmotiv review`` prints: errors first, then
warnings, then notes.

Public names: :func:`draw_review`, :func:`ranked_findings`.
"""

from __future__ import annotations

import os
import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from leitmotiv.release.pictures import drawable, piano_roll_figure, save_figure
from leitmotiv.review import Finding
from leitmotiv.score import Score

if TYPE_CHECKING:
    from leitmotiv.plan import Plan

__all__ = ["draw_review", "ranked_findings"]

_SEVERITIES = ("error", "warning", "note")
_COLOURS = {"error": "#c1121f", "warning": "#e07a00", "note": "#5c677d"}
_MAX_LINES = 44
_ROLL_RIGHT, _LIST_LEFT, _LIST_CHARACTERS = 0.735, 0.75, 58


def ranked_findings(findings: Sequence[Finding]) -> list[Finding]:
    """Sort findings: worst first, then by bar.

    Examples
    --------
    >>> found = [Finding("range", "note", "a", bar_index=1), Finding("key", "error", "b")]
    >>> [finding.check for finding in ranked_findings(found)]
    ['key', 'range']
    """
    return sorted(
        findings,
        key=lambda item: (
            _SEVERITIES.index(item.severity),
            -1 if item.bar_index is None else item.bar_index,
        ),
    )


def _place(finding: Finding, score: Score) -> tuple[float, float | None]:
    """Return tick and pitch of a finding's mark; no pitch puts it on the upper edge."""
    if finding.bar_index is None or score.num_bars == 0:
        return 0.0, None
    lines = score.bar_ticks
    bar = min(finding.bar_index, score.num_bars - 1)
    start, stop = int(lines[bar]), int(lines[bar + 1])
    tick = (start + stop) / 2 if finding.tick is None else float(finding.tick)
    if finding.pitch is not None:
        return tick, float(finding.pitch)
    if finding.part_index is None or finding.part_index >= len(score.parts):
        return tick, None
    part = score.parts[finding.part_index]
    if part.is_drum or not len(part.notes):
        return tick, None
    inside = (part.notes["onset"] >= start) & (part.notes["onset"] < stop)
    chosen = part.notes["pitch"][inside] if inside.any() else part.notes["pitch"]
    return tick, float(np.median(chosen))


def _draw_marks(axes: Any, findings: Sequence[Finding], score: Score) -> None:
    low, high = axes.get_ylim()
    edge = high - (high - low) * 0.018
    drums = {index for index, part in enumerate(score.parts) if part.is_drum}
    # The worst is drawn last and lies on top.
    for number, finding in reversed(list(enumerate(findings, start=1))):
        tick, pitch = _place(finding, score)
        if finding.part_index in drums or (pitch is not None and not low < pitch < high):
            pitch = None
        height = edge if pitch is None else pitch
        colour = _COLOURS[finding.severity]
        axes.plot(
            [tick], [height],
            marker="v" if pitch is None else "o", markersize=9 if pitch is None else 15,
            markerfacecolor=colour if pitch is None else "none", markeredgecolor=colour,
            markeredgewidth=2.0, linestyle="none", zorder=6, clip_on=False,
        )  # fmt: skip
        if number <= _MAX_LINES:
            axes.annotate(
                str(number), (tick, height), xytext=(8, 8), textcoords="offset points",
                fontsize=8.5, fontweight="bold", color=colour, zorder=7,
                bbox={"boxstyle": "round,pad=0.12", "facecolor": "#fcfbf8", "edgecolor": "none",
                      "alpha": 0.85},
            )  # fmt: skip


def _draw_list(figure: Any, findings: Sequence[Finding]) -> None:
    y = 0.945
    counts = [
        f"{number} {severity}{'s' if number > 1 else ''}"
        for severity in _SEVERITIES
        if (number := sum(finding.severity == severity for finding in findings))
    ]
    figure.text(
        _LIST_LEFT, y, ", ".join(counts) or "Nothing to remark",
        fontsize=13, fontweight="bold", color="#22262e", va="center",
    )  # fmt: skip
    y -= 0.045
    lines = 0
    for number, finding in enumerate(findings, start=1):
        words = drawable(f"{finding.check}: {finding.message}")  # titles come in any script
        wrapped = textwrap.wrap(words, _LIST_CHARACTERS, max_lines=2, placeholder=" …")
        if lines + len(wrapped) > _MAX_LINES:
            left = len(findings) - number + 1
            figure.text(_LIST_LEFT, y, f"and {left} more", fontsize=8.5, color="#6f7683")
            return
        figure.text(
            _LIST_LEFT + 0.016, y, str(number), fontsize=8.5, fontweight="bold", ha="right",
            color=_COLOURS[finding.severity], va="top",
        )  # fmt: skip
        for line in wrapped:
            figure.text(
                _LIST_LEFT + 0.021, y, line, fontsize=8.5, color="#22262e", va="top",
                parse_math=False,
            )  # fmt: skip
            y -= 0.0185
        lines += len(wrapped)


def draw_review(
    score: Score,
    findings: Sequence[Finding],
    path: str | os.PathLike[str],
    *,
    title: str = "",
    plan: Plan | None = None,
) -> Path:
    """Draw a piano roll, a mark for each finding, and the list of them.

    Parameters
    ----------
    score : Score
        As reviewed.
    findings : sequence of Finding
        In any order; none gives a clean roll.
    path : path
        PNG file of 1600 by 900 pixels.
    title : str
        Defaults to the score's title.
    plan : Plan, optional
        Adds phrases, cadences and the theme's places.

    Raises
    ------
    ReleaseError
        If the file cannot be written.
    """
    ranked = ranked_findings(findings)
    figure, roll = piano_roll_figure(score, title=title, plan=plan, right=_ROLL_RIGHT)
    if roll is not None:
        _draw_marks(roll, ranked, score)
    _draw_list(figure, ranked)
    return save_figure(figure, path)
