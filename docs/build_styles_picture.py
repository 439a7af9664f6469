"""Draw eight bars of the same brief in eight styles: ``python docs/build_styles_picture.py``.

Writes ``docs/images/styles.png``. Notes are coloured by the role of their part; drum strokes stand
below, darker where they are louder.
"""

from __future__ import annotations

from pathlib import Path

import matplotlib
import numpy as np

from leitmotiv.compose import compose
from leitmotiv.pipeline import plan_brief
from leitmotiv.plan import Brief

matplotlib.use("Agg")
from matplotlib import pyplot

PICTURE = Path(__file__).parent / "images" / "styles.png"
STYLES = ("film_heroic", "baroque", "tango", "bossa", "jazz_trio", "funk", "synthwave", "lofi")
COLOURS = {
    **{"melody": "#0b6fb8", "counter": "#d1495b", "harmony": "#2a9d6f"},
    **{"pad": "#9fb4c7", "bass": "#e08e17", "drums": "#6a4c93"},
}
NUM_BARS = 8


def draw() -> None:
    """Compose each style and draw it."""
    figure, grid = pyplot.subplots(
        4, 2, figsize=(14, 13), facecolor="#fcfbf8", layout="constrained"
    )
    for style, axes in zip(STYLES, grid.flat, strict=True):
        brief = Brief(style=style, num_bars=NUM_BARS, key="A minor")
        plan = plan_brief(brief, seed=5)
        score = compose(plan, rng=np.random.default_rng(5))
        for part, planned in zip(score.parts, plan.parts, strict=True):
            bar = part.notes["onset"] / plan.bar_ticks + 1
            colour = COLOURS[planned.role]
            if planned.is_drum:
                keys = np.unique(part.notes["pitch"])
                height = 24 - 2.2 * np.searchsorted(keys, part.notes["pitch"])
                axes.scatter(
                    bar, height, s=26, marker="|", color=colour, alpha=part.notes["velocity"] / 127
                )
                continue
            length = part.notes["duration"] / plan.bar_ticks
            axes.barh(part.notes["pitch"], length, left=bar, height=1.0, color=colour, alpha=0.85)
        axes.set_title(
            f"{style}: {plan.meter}, {plan.bpm_at(0):.0f} BPM, "
            + ", ".join(part.name for part in plan.parts),
            loc="left",
            fontsize=9,
        )
        axes.set_xlim(1, NUM_BARS + 1)
        axes.set_xticks(range(1, NUM_BARS + 2))
        axes.set_yticks([36, 48, 60, 72, 84], ["C2", "C3", "C4", "C5", "C6"])
        axes.grid(axis="x", color="#dddddd", linewidth=0.8)
        axes.spines[["top", "right", "left"]].set_visible(False)
    handles = [pyplot.Rectangle((0, 0), 1, 1, color=colour) for colour in COLOURS.values()]
    figure.legend(handles, COLOURS, loc="outside lower center", ncols=6, frameon=False)
    figure.savefig(PICTURE, dpi=90)


if __name__ == "__main__":
    draw()
