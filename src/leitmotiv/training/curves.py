"""The log of a run as a CSV file with a header, and its curves as a PNG.

Public names: :class:`RunLog`, :data:`COLUMNS`, :func:`read_log`, :func:`draw_curves`.
"""

from __future__ import annotations

import csv
import os
from pathlib import Path

__all__ = ["COLUMNS", "RunLog", "draw_curves", "read_log"]

COLUMNS = (
    *("kind", "step", "seconds", "events"),
    *("loss", "learning_rate", "events_per_sec"),  # rows of kind train
    *("bits_per_note", "position", "pitch", "duration", "velocity"),  # valid, base
    *(
        "entropy",
        "entropy_low",
        "entropy_high",
        "copied",
        "copied_human",
        "longest_copy",
    ),  # novelty
    "message",  # note
)


def read_log(path: Path) -> list[dict[str, str]]:
    """Rows of a log, with or without a header line; empty where there is none."""
    if not path.exists():
        return []
    with open(path, newline="", encoding="utf-8") as file:
        lines = list(csv.reader(file))
    if lines and lines[0][:1] == ["kind"]:
        return [dict(zip(lines[0], line, strict=False)) for line in lines[1:] if line]
    rows = []
    for line in lines:
        row = dict(zip(COLUMNS, line, strict=False))
        if row.get("kind") == "valid":
            row["bits_per_note"] = row.pop("loss", "")
        rows.append(row)
    return rows


class RunLog:
    """Appends to ``log.csv`` of a run's folder."""

    def __init__(self, folder: Path):
        self.path = folder / "log.csv"

    def begin(self, step: int) -> None:
        """Keep the rows up to a step, with a header: a resumed run writes the others again."""
        rows = [row for row in read_log(self.path) if row.get("step", "").isdigit()]
        temporary = self.path.with_name(self.path.name + ".part")
        with open(temporary, "w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, COLUMNS, restval="", extrasaction="ignore")
            writer.writeheader()
            writer.writerows(row for row in rows if int(row["step"]) <= step)
        os.replace(temporary, self.path)

    def add(self, kind: str, step: int, seconds: float, events: int, **values: object) -> None:
        """Append a row; figures get five decimals."""
        row: dict[str, object] = {
            "kind": kind,
            "step": step,
            "seconds": f"{seconds:.1f}",
            "events": events,
        }
        for name, value in values.items():
            row[name] = f"{value:.6g}" if isinstance(value, float) else value
        with open(self.path, "a", newline="", encoding="utf-8") as file:
            csv.DictWriter(file, COLUMNS, restval="", extrasaction="ignore").writerow(row)


def _series(rows: list[dict[str, str]], kind: str, column: str) -> tuple[list[float], list[float]]:
    chosen = [row for row in rows if row["kind"] == kind and row.get(column)]
    return [float(r["seconds"]) / 60 for r in chosen], [float(r[column]) for r in chosen]


def draw_curves(log: Path, picture: Path) -> bool:
    """Draw a log; tells whether there was anything to draw. Needs matplotlib, else False."""
    rows = read_log(log)
    if not any(row["kind"] in ("train", "valid") for row in rows):
        return False
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError:  # a bare machine: the CSV is there
        return False
    figure = Figure(figsize=(10, 7), layout="constrained")
    FigureCanvasAgg(figure)
    loss, bits, entropy, copied = figure.subplots(2, 2).ravel()
    loss.plot(*_series(rows, "train", "loss"), color="tab:blue", linewidth=1)
    loss.set(title="Training loss", ylabel="nats an event")
    bits.plot(*_series(rows, "valid", "bits_per_note"), "o-", color="tab:orange", markersize=3)
    before = _series(rows, "base", "bits_per_note")
    if before[0]:
        bits.plot(*before, "s--", color="tab:gray", markersize=4, label="base's held-out pieces")
        bits.legend(fontsize=8)
    bits.set(title="Held-out pieces", ylabel="bits a note")
    minutes, low = _series(rows, "novelty", "entropy_low")
    if minutes:
        high = _series(rows, "novelty", "entropy_high")[1]
        entropy.fill_between(minutes, low, high, color="tab:green", alpha=0.15, label="human band")
        entropy.plot(*_series(rows, "novelty", "entropy"), "o-", color="tab:green", markersize=3)
        entropy.legend(fontsize=8)
        human = _series(rows, "novelty", "copied_human")
        copied.plot(*human, "--", color="tab:gray", label="held-out human music")
        copied.plot(*_series(rows, "novelty", "copied"), "o-", color="tab:red", markersize=3)
        copied.legend(fontsize=8)
    else:
        rates = _series(rows, "train", "learning_rate")
        copied.plot(*rates, color="tab:purple", linewidth=1)
        entropy.plot(*_series(rows, "train", "events_per_sec"), color="tab:green", linewidth=1)
    if minutes:
        entropy.set(title="Pitch-class entropy of continuations", ylabel="bits")
        copied.set(title="Fragments found in the training pieces", ylabel="share")
    else:
        entropy.set(title="Speed", ylabel="events a second")
        copied.set(title="Learning rate")
    for axes in (loss, bits, entropy, copied):
        axes.set_xlabel("minutes")
        axes.grid(alpha=0.3)
    temporary = picture.with_name(picture.stem + ".part.png")
    figure.savefig(temporary, dpi=90, metadata={"Software": "Leitmotiv"})
    os.replace(temporary, picture)
    return True
