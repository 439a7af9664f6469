"""Progress of the stages: a live display on a terminal, plain lines in a pipe.

Each display is a context manager that is called as ``progress(stage, fraction, message)``.

Public names: :class:`ProgressLines`, :class:`ProgressDisplay`, :func:`show_progress`.
"""

from __future__ import annotations

import sys
import time
from contextlib import AbstractContextManager, nullcontext
from types import TracebackType
from typing import TYPE_CHECKING, Protocol, Self, TextIO

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

__all__ = ["ProgressDisplay", "ProgressLines", "show_progress"]


class _Callable(Protocol):
    def __call__(self, stage: str, fraction: float, message: str) -> None: ...


class ProgressLines:
    """One line a stage, when it is done: its name, the seconds it took, what it did."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._stage = ""
        self._start = 0.0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def __call__(self, stage: str, fraction: float, message: str) -> None:
        """Take a report of a stage."""
        if stage != self._stage:
            self._stage, self._start = stage, time.perf_counter()
        if fraction >= 1.0:
            seconds = time.perf_counter() - self._start
            print(f"  {stage:<8} {seconds:6.2f} s  {message}", file=self._stream, flush=True)
            self._stage = ""


class ProgressDisplay:
    """A bar a stage, drawn in place."""

    def __init__(self, stream: TextIO) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

        self._progress: Progress = Progress(
            TextColumn("  {task.fields[stage]:<8}"),
            BarColumn(bar_width=24),
            TimeElapsedColumn(),
            TextColumn("{task.description}"),
            console=Console(file=stream, highlight=False),
        )
        self._tasks: dict[str, TaskID] = {}

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._progress.stop()

    def __call__(self, stage: str, fraction: float, message: str) -> None:
        """Take a report of a stage."""
        if stage not in self._tasks:
            self._tasks[stage] = self._progress.add_task(message, total=1.0, stage=stage)
        task = self._tasks[stage]
        self._progress.update(task, completed=fraction, description=message)
        if fraction >= 1.0:
            self._progress.stop_task(task)


def show_progress(
    stream: TextIO | None = None, *, quiet: bool = False
) -> AbstractContextManager[_Callable | None]:
    """Return the display that fits the stream; its value is None when ``quiet``."""
    stream = stream if stream is not None else sys.stdout
    if quiet:
        return nullcontext(None)
    return ProgressDisplay(stream) if stream.isatty() else ProgressLines(stream)
