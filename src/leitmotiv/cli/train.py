"""``leitmotiv train``: train or fine-tune a composer, with a live display.

On a terminal the run is drawn in place: share done, loss, held-out pieces, novelty. In a pipe each
report is a line.

Public names: :func:`train_command`, :class:`TrainingDisplay`.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TextIO

from leitmotiv.cli.chart import format_duration
from leitmotiv.cli.failures import INTERRUPTED
from leitmotiv.cli.recipes import DEFAULT_CHECKPOINT, find_recipe
from leitmotiv.errors import CorpusError, MissingExtraError, ModelError

if TYPE_CHECKING:
    from rich.console import RenderableType

    from leitmotiv.training.run import Report

__all__ = ["TrainingDisplay", "sparkline", "train_command"]

MARKS = "▁▂▃▄▅▆▇█"
CURVE_WIDTH = 40
DEFAULT_PACK = Path("runs/corpus.npz")


def sparkline(values: list[float], width: int = CURVE_WIDTH) -> str:
    """Draw values as one line of blocks, the last ``width`` of them.

    >>> sparkline([3.0, 2.0, 1.0])
    '█▅▁'
    """
    shown = values[-width:]
    if not shown:
        return ""
    low, high = min(shown), max(shown)
    scale = (len(MARKS) - 1) / (high - low) if high > low else 0.0
    return "".join(MARKS[round((value - low) * scale)] for value in shown)


class TrainingDisplay:
    """Draws a run in place; notes scroll away above it."""

    def __init__(self, stream: TextIO, title: str) -> None:
        from rich.console import Console
        from rich.live import Live

        self._title = title
        self._console = Console(file=stream, highlight=False)
        self._live = Live(console=self._console, refresh_per_second=4, transient=False)
        self._started = time.monotonic()
        self._progress, self._first_progress = 0.0, -1.0
        self._losses: list[float] = []
        self._bits: list[float] = []
        self._rows: dict[str, str] = {}

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._live.stop()

    def __call__(self, report: Report) -> None:
        """Take a report of the run."""
        self._progress = report.progress
        if self._first_progress < 0 and report.kind == "pulse":
            self._first_progress, self._started = report.progress, time.monotonic()
        values = report.values
        if report.kind == "pulse":
            self._losses.append(values["loss"])
            self._rows["step"] = f"{values['step']:,}   {values['events']:,} events"
            self._rows["learning rate"] = f"{values['learning_rate']:.2e}"
        elif report.kind == "train":
            self._rows["speed"] = f"{values['events_per_sec']:,.0f} events/s"
        elif report.kind == "valid":
            self._bits.append(values["bits_per_note"])
        elif report.kind == "novelty":
            self._rows["novelty"] = report.text.split(None, 1)[1]
        elif report.text:
            self._live.console.print(report.text)
        self._live.update(self.panel())

    def _left(self) -> str:
        done = self._progress - max(self._first_progress, 0.0)
        if done <= 0.002:
            return "..."
        elapsed = time.monotonic() - self._started
        return format_duration(elapsed / done * (1 - self._progress))

    def panel(self) -> RenderableType:
        """What is drawn."""
        from rich.console import Group
        from rich.progress_bar import ProgressBar
        from rich.table import Table
        from rich.text import Text

        bar = Table.grid(padding=(0, 1))
        share = Text(f"{self._progress:4.0%}, {self._left()} left")
        bar.add_row(Text(self._title, style="bold"), ProgressBar(1.0, self._progress, 32), share)
        table = Table.grid(padding=(0, 2))
        if self._losses:
            recent = self._losses[-20:]
            table.add_row("  loss", f"{sum(recent) / len(recent):.3f}", sparkline(self._losses))
        if self._bits:
            shown = f"{self._bits[-1]:.3f} bits a note, best {min(self._bits):.3f}"
            table.add_row("  held out", shown, sparkline(self._bits))
        for name, text in self._rows.items():
            if name != "novelty":
                table.add_row(f"  {name}", text)
        parts: list[RenderableType] = [bar, table]
        if "novelty" in self._rows:
            parts.append(Text(f"  novelty  {self._rows['novelty']}"))
        return Group(*parts)


def _lines(stream: TextIO) -> Callable[[Report], None]:
    def tell(report: Report) -> None:
        if report.text:
            print(report.text, file=stream, flush=True)

    return tell


def _show(
    stream: TextIO, title: str, *, quiet: bool
) -> AbstractContextManager[Callable[[Report], None]]:
    if quiet:
        return nullcontext(lambda report: None)
    return TrainingDisplay(stream, title) if stream.isatty() else nullcontext(_lines(stream))


def _find_pack(pack: Path | None, recipe: Path) -> Path:
    if pack is not None:
        return pack
    own = Path("runs") / f"{recipe.stem}.npz"
    return own if own.is_file() else DEFAULT_PACK


def train_command(
    recipe: str,
    *,
    pack: Path | None,
    output: Path | None,
    base: Path | None,
    base_pack: Path | None,
    minutes: float | None,
    threads: int | None,
    seed: int,
    device: str | None,
    as_json: bool,
    quiet: bool,
) -> int:
    """Train as the recipe says; returns the exit status.

    Raises
    ------
    CorpusError
        If the recipe or the pack cannot be used.
    ModelError
        If the checkpoint cannot be used.
    MissingExtraError
        If PyTorch is not installed.
    """
    path = find_recipe(recipe)
    base = DEFAULT_CHECKPOINT if base == Path("default") else base
    try:
        from leitmotiv.training.errors import TrainingError
        from leitmotiv.training.train import TrainOptions, train
    except ImportError as error:
        raise MissingExtraError(error.name or "torch", "train") from error
    options = TrainOptions(
        recipe=path,
        pack=_find_pack(pack, path),
        out=output,
        base=base,
        base_pack=base_pack,
        minutes=minutes,
        threads=threads,
        seed=seed,
        device=device,
    )
    title = f"fine-tuning {base.name}" if base is not None else f"training {path.stem}"
    stream = sys.stderr if as_json else sys.stdout
    try:
        with _show(stream, title, quiet=quiet) as tell:
            outcome = train(options, tell)
    except TrainingError as error:
        text = str(error)
        raise (ModelError if "checkpoint" in text else CorpusError)(text) from error
    stopped = outcome.reason == "stopped"
    files = [
        str(outcome.folder / name)
        for name in ("best.pt", "last.pt", "log.csv", "curves.png")
        if (outcome.folder / name).exists()
    ]
    if as_json:
        summary: dict[str, Any] = {
            "folder": str(outcome.folder),
            "reason": outcome.reason,
            "steps": outcome.steps,
            "minutes": round(outcome.minutes, 2),
            "bits_per_note": round(outcome.best, 4) if outcome.best < float("inf") else None,
            "files": files,
        }
        print(json.dumps(summary, indent=1))
    elif quiet:
        print(outcome.folder)
    elif stopped:
        print(f"stopped and saved in {outcome.folder}; the same command goes on from there")
    else:
        best = f", best {outcome.best:.3f} bits a note" if outcome.best < float("inf") else ""
        print(f"{outcome.folder}: {outcome.steps:,} steps, {outcome.minutes:.1f} min{best}")
        print(f"  next: leitmotiv evaluate {outcome.folder / 'best.pt'} --data FOLDER")
        print(f"        leitmotiv export {outcome.folder / 'best.pt'}")
    return INTERRUPTED if stopped else 0
