"""Picture of a performance: loudness of every note and the tempo, beside what is written.

    python benchmarks/performance_picture.py OUT.png ["a gentle nocturne for solo piano, 24 bars"]

Above: velocity of each played note, the level written on the page, and the learned contour (right
axis). Below: the tempo of each beat against the planned one. Dotted lines end phrases.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import matplotlib
import numpy as np

from leitmotiv.compose import compose, perform, write_dynamics
from leitmotiv.compose.loudness import loudness_contour
from leitmotiv.pipeline import plan_brief

matplotlib.use("Agg")
from matplotlib import pyplot

BRIEF = "a gentle nocturne for solo piano, 24 bars"
COLOURS = ("#0b6fb8", "#9fb4c7", "#2a9d6f", "#e08e17")


def draw(path: Path, brief: str, seed: int) -> None:
    """Compose, perform and draw."""
    plan = plan_brief(brief, seed=seed)
    score = compose(plan, rng=np.random.default_rng(seed))
    played = perform(score, plan, rng=np.random.default_rng(seed))
    written, contour = write_dynamics(score, plan), loudness_contour(score, plan)
    figure, (loud, tempo) = pyplot.subplots(
        2, 1, figsize=(13, 7), sharex=True, height_ratios=(2, 1), facecolor="#fcfbf8"
    )
    for index, part in reversed(list(enumerate(played.parts))):
        bars = part.notes["onset"] / plan.bar_ticks + 1
        loud.plot(
            bars, part.notes["velocity"], "o", ms=4, color=COLOURS[index % 4], label=part.name
        )
    page = written.parts[0].notes
    loud.step(page["onset"] / plan.bar_ticks + 1, page["velocity"], where="post", color="#22262e",
              lw=1, label="written level")  # fmt: skip
    loud.set_ylabel("velocity")
    right = loud.twinx()
    right.stairs(contour, np.arange(len(contour) + 1) + 1, color="#d1495b", lw=1.5)
    right.set_ylabel("learned contour (velocities)", color="#d1495b")
    right.set_ylim(-30, 15)
    loud.legend(loc="upper left", frameon=False, ncols=4)
    beats = np.arange(0, score.length_ticks, plan.meter_value.beat_ticks)
    for name, chosen, colour in (("played", played, "#0b6fb8"), ("planned", score, "#22262e")):
        qpm = [chosen.tempo_map.qpm_at(int(tick)) for tick in beats]
        tempo.step(beats / plan.bar_ticks + 1, qpm, where="post", color=colour, label=name)
    tempo.set_ylabel("quarters a minute")
    tempo.set_xlabel("bar")
    tempo.legend(frameon=False)
    for section in plan.sections:
        for phrase in section.phrases:
            for axes in (loud, tempo):
                axes.axvline(phrase.end_bar_index + 1, color="#6f7683", ls=":", lw=0.8)
    loud.set_title(f"{brief}: how it is played", loc="left")
    figure.tight_layout()
    figure.savefig(path, dpi=80)


def main() -> None:
    """Draw one performance."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("picture", type=Path)
    parser.add_argument("brief", nargs="?", default=BRIEF)
    parser.add_argument("--seed", type=int, default=3)
    options = parser.parse_args()
    draw(options.picture, options.brief, options.seed)


if __name__ == "__main__":
    main()
