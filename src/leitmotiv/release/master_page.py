"""The before/after page of a master: spectrum, loudness over time, dynamics, in one picture.

Purpose: let a person see what mastering did, and whether it came near to the reference.

Public names: :func:`draw_master_page`.
"""

from __future__ import annotations

import math
import os
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from leitmotiv.audio.sound_report import SILENT_DB, THIRD_OCTAVES_HZ, SoundReport
from leitmotiv.release.pictures import save_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["draw_master_page"]

BEFORE, AFTER, REFERENCE = "#8a8f98", "#c2410c", "#2563a8"
_MOST_POINTS = 4000


def draw_master_page(
    before: SoundReport,
    after: SoundReport,
    path: str | os.PathLike[str],
    *,
    title: str = "",
    reference: SoundReport | None = None,
    target_lufs: float | None = None,
    ceiling_dbtp: float | None = None,
) -> Path:
    """Draw the page as PNG.

    Parameters
    ----------
    before, after : SoundReport
    path : path-like
        File to write, whole or not at all.
    title : str
    reference : SoundReport, optional
        Drawn beside them.
    target_lufs, ceiling_dbtp : float, optional
        What was aimed at, drawn as lines.

    Raises
    ------
    ReleaseError
        If the file cannot be written.
    """
    from matplotlib.figure import Figure

    shown = [("before", before, BEFORE), ("after", after, AFTER)]
    if reference is not None:
        shown.append(("reference", reference, REFERENCE))
    figure = Figure(figsize=(10, 7.2), dpi=110, layout="constrained")
    grid = figure.add_gridspec(2, 2, width_ratios=(2.2, 1), height_ratios=(1.15, 1))
    spectrum, table = figure.add_subplot(grid[0, 0]), figure.add_subplot(grid[0, 1])
    loudness = figure.add_subplot(grid[1, 0])
    spread = figure.add_subplot(grid[1, 1], sharey=loudness)
    _draw_spectrum(spectrum, shown)
    _draw_table(table, shown, target_lufs, ceiling_dbtp)
    _draw_loudness(loudness, [one for one in shown if one[0] != "reference"], target_lufs)
    _draw_spread(spread, shown)
    figure.suptitle(title or "Before and after", fontsize=12)
    return save_figure(figure, path)


def _finite(values: NDArray[np.float64], floor: float = -70.0) -> NDArray[np.float64]:
    return np.where(np.isfinite(values), np.maximum(values, floor), np.nan)


def _draw_spectrum(axes: Axes, shown: list[tuple[str, SoundReport, str]]) -> None:
    highest = []
    for name, report, colour in shown:
        together = 10 * np.log10(10 ** (report.mid_db / 10) + 10 ** (report.side_db / 10))
        if together.max() <= SILENT_DB + 6:
            continue
        # At one loudness, so that tone can be compared and level cannot mislead.
        level = together - (report.integrated_lufs if math.isfinite(report.integrated_lufs) else 0)
        axes.semilogx(THIRD_OCTAVES_HZ, level, color=colour, label=name, linewidth=1.8)
        highest.append(float(level.max()))
    axes.set_xticks([31.5, 63, 125, 250, 500, 1000, 2000, 4000, 8000, 16000])
    axes.set_xticklabels(["31", "63", "125", "250", "500", "1k", "2k", "4k", "8k", "16k"])
    axes.minorticks_off()
    if highest:
        axes.set_ylim(max(highest) - 60, max(highest) + 4)
        axes.legend(frameon=False, fontsize=9)
    axes.set_xlabel("Hz")
    axes.set_ylabel("third octaves, dB over own loudness")
    axes.set_title("Spectrum", fontsize=10, loc="left")
    axes.grid(alpha=0.25)


def _draw_loudness(
    axes: Axes, shown: list[tuple[str, SoundReport, str]], target_lufs: float | None
) -> None:
    lowest, highest = 0.0, -70.0
    for name, report, colour in shown:
        curve = report.short_term_lufs
        heard = curve[np.isfinite(curve)]
        if len(heard):
            lowest = min(lowest, float(np.percentile(heard, 1)))
            highest = max(highest, float(heard.max()))
        step = max(len(curve) // _MOST_POINTS, 1)
        time = 3.0 + 0.1 * np.arange(len(curve))
        axes.plot(time[::step], _finite(curve[::step]), color=colour, linewidth=1.3, label=name)
    if lowest < highest:
        axes.set_ylim(max(lowest - 4, -70), min(highest + 4, 3))
    if target_lufs is not None:
        axes.axhline(target_lufs, color="black", linewidth=0.8, linestyle=":")
    axes.set_xlabel("seconds")
    axes.set_ylabel("short-term LUFS")
    axes.set_title("Loudness over time", fontsize=10, loc="left")
    axes.grid(alpha=0.25)


def _draw_spread(axes: Axes, shown: list[tuple[str, SoundReport, str]]) -> None:
    """How long each loudness lasts."""
    edges = np.arange(-60.0, 1.0, 1.0)
    for _, report, colour in shown:
        curve = report.short_term_lufs[np.isfinite(report.short_term_lufs)]
        if not len(curve):
            continue
        share, _ = np.histogram(np.clip(curve, -60, 0), edges)
        axes.stairs(100 * share / len(curve), edges, orientation="horizontal", color=colour)
    axes.set_xlabel("% of the time")
    axes.set_title("Dynamics", fontsize=10, loc="left")
    axes.grid(alpha=0.25)


def _draw_table(
    axes: Axes,
    shown: list[tuple[str, SoundReport, str]],
    target_lufs: float | None,
    ceiling_dbtp: float | None,
) -> None:
    def number(value: float, digits: int = 1) -> str:
        return f"{value:.{digits}f}" if math.isfinite(value) else "–"

    rows = [
        ("loudness LUFS", "integrated_lufs"),
        ("range LU", "loudness_range_lu"),
        ("true peak dBTP", "true_peak_dbtp"),
        ("peak over loudness", "peak_to_loudness_db"),
        ("RMS dBFS", "rms_dbfs"),
        ("side over middle dB", "width_db"),
    ]
    axes.axis("off")
    columns = (0.62, 0.86) if len(shown) == 2 else (0.47, 0.69, 0.95)
    for x, (name, _, colour) in zip(columns, shown, strict=True):
        axes.text(x, 0.93, name, color=colour, ha="center", fontsize=9, weight="bold")
    for row, (label, field) in enumerate(rows):
        y = 0.82 - 0.115 * row
        axes.text(-0.12, y, label, fontsize=9)
        for x, (_, report, _) in zip(columns, shown, strict=True):
            axes.text(x, y, number(float(getattr(report, field))), ha="center", fontsize=9)
    aim = [] if target_lufs is None else [f"{target_lufs:g} LUFS"]
    aim += [] if ceiling_dbtp is None else [f"{ceiling_dbtp:g} dBTP at most"]
    if aim:
        axes.text(-0.12, 0.06, "aim: " + ", ".join(aim), fontsize=9, style="italic")
