"""Do composed themes show the contour, rhythm cell, range and closure of their plans?

    python benchmarks/themes.py             64 themes (about 3 minutes)
    python benchmarks/themes.py --free      the same plans without a shape, for comparison

Every contour is asked for in sixteen kinds of music. A theme shows its contour where its pitches
follow that of the plan more closely than the three others (correlation of pitch and height); its
cell where the planned rhythm opens it and comes again; its closure where it ends on the tonic or,
as planned, does not.
"""

from __future__ import annotations

import argparse
import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

from collections import Counter

import numpy as np

from leitmotiv.compose import ComposeOptions, compose
from leitmotiv.compose.theme_wish import shows_cell, shows_closure, shows_contour
from leitmotiv.pipeline import plan_brief
from leitmotiv.plan import parse_brief
from leitmotiv.plan.theme_shape import CONTOURS
from leitmotiv.tokens.grid import CELL_NOTE_DTYPE, TICKS_PER_STEP

KINDS = (
    "string quartet in G major", "waltz for flute and harp", "rock", "jig", "orchestral", "ambient",
    "jazz", "nocturne", "hymn", "5/4 piece for oboe and piano", "march", "lo-fi", "tango", "celtic",
    "baroque", "pop",
)  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--free", action="store_true", help="compose without the planned shape")
    parser.add_argument("--show", action="store_true", help="print every theme")
    options = parser.parse_args()
    shown: Counter[str] = Counter()
    likeness = []
    count = 0
    for number, contour in enumerate(CONTOURS):
        for index, kind in enumerate(KINDS):
            brief = parse_brief(f"{kind}, 8 bars").replace(theme_contour=contour)
            plan = plan_brief(brief, seed=16 * number + index)
            if not plan.placements or plan.theme is None:
                continue
            written = plan.replace(theme=None) if options.free else plan
            score = compose(
                written,
                options=ComposeOptions(network_accompaniment=False),
                rng=np.random.default_rng(16 * number + index),
            )
            first = plan.placements[0]
            notes = score.parts[first.part_index].notes
            cells = np.zeros(len(notes), dtype=CELL_NOTE_DTYPE)
            cells["bar"], inside = np.divmod(notes["onset"], plan.bar_ticks)
            cells["position"], cells["pitch"] = inside // TICKS_PER_STEP, notes["pitch"]
            bars = range(first.bar_index, first.bar_index + first.num_bars)
            steps = plan.bar_ticks // TICKS_PER_STEP
            like = shows_contour(cells, bars, steps)
            theme = cells[(cells["bar"] >= bars.start) & (cells["bar"] < bars.stop)]
            found = {
                "contour": max(like, key=lambda name: like[name]) == contour,
                "rhythm cell": shows_cell(cells, bars, steps, plan.theme),
                "closure": shows_closure(cells, bars, plan.theme, plan.key_at(bars.start)),
                "range": bool(
                    ((theme["pitch"] >= plan.theme.low) & (theme["pitch"] <= plan.theme.high)).all()
                ),
            }
            shown.update(name for name, right in found.items() if right)
            likeness.append(like[contour])
            count += 1
            if options.show:
                print(f"{kind}, {contour}: {found}, pitches {theme['pitch'].tolist()}")
    print(f"{count} themes, mean correlation with the planned contour {np.mean(likeness):.2f}\n")
    print("| of the plan | shown |\n|---|---|")
    for name in ("contour", "rhythm cell", "closure", "range"):
        print(f"| {name} | {shown[name] / count:.0%} |")


if __name__ == "__main__":
    main()
