"""A few worker processes that take thousands of files and survive the bad ones.

Purpose: speed of a process pool, safety of a process per file: a crash, a hang or a memory
blow-up costs the file that caused it and the start of one new process.

Conventions: results come in the order of the input whatever the number of workers. A file whose
worker ended is tried once more in a fresh process unless that one was fresh, so no file pays for
what an earlier one left behind, and the outcome does not depend on how files were shared out.

Public names: :class:`WorkerPool`, :class:`Task`.
"""

from __future__ import annotations

import queue
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Generic, Self, TypeVar

from leitmotiv.errors import LeitmotivError, ReadError
from leitmotiv.score.sandbox import Worker

__all__ = ["Task", "WorkerPool"]

Item = TypeVar("Item")

_CALLS_PER_PROCESS = 2000  # what native parsers leak stays small
_AHEAD = 4  # tasks in flight for each worker: enough that none waits


@dataclass(frozen=True)
class Task(Generic[Item]):
    """One call; ``args`` None passes ``item`` through in its turn without a call."""

    item: Item
    args: tuple[Any, ...] | None
    subject: str = "the input"


class WorkerPool:
    """Worker processes with limits.

    Parameters
    ----------
    num_workers : int
        Processes, at least 1.
    memory_bytes : int
        Address space that each may take beyond the interpreter, in bytes.
    timeout_sec : float
        Wall-clock limit of one call, in seconds.
    """

    def __init__(self, num_workers: int, *, memory_bytes: int, timeout_sec: float) -> None:
        if num_workers < 1:
            raise ValueError(f"num_workers={num_workers} must be at least 1")
        self.timeout_sec = timeout_sec
        self._workers = [Worker(memory_bytes=memory_bytes) for _ in range(num_workers)]
        self._idle: queue.SimpleQueue[Worker] = queue.SimpleQueue()
        for worker in self._workers:
            self._idle.put(worker)
        self._threads = ThreadPoolExecutor(num_workers, thread_name_prefix="worker")
        self._closing = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """End all processes; calls under way fail."""
        self._closing = True
        for worker in self._workers:
            worker.interrupt()
        self._threads.shutdown(wait=True, cancel_futures=True)
        for worker in self._workers:
            worker.close()

    def map(
        self, function: Callable[..., Any], tasks: Iterable[Task[Item]]
    ) -> Iterator[tuple[Item, Any]]:
        """Yield each task's item with what the call returned, or with its LeitmotivError.

        ``function`` must be importable by its module and name. Tasks are taken from the iterable
        a few ahead of what is yielded, so any number fits in memory.
        """
        waiting: deque[tuple[Item, Future[Any] | None]] = deque()
        for task in tasks:
            future = None
            if task.args is not None:
                future = self._threads.submit(self._call, function, task.args, task.subject)
            waiting.append((task.item, future))
            while waiting and (
                len(waiting) > _AHEAD * len(self._workers) or _is_done(waiting[0][1])
            ):
                yield _outcome(*waiting.popleft())
        while waiting:
            yield _outcome(*waiting.popleft())

    def _call(self, function: Callable[..., Any], args: tuple[Any, ...], subject: str) -> Any:
        worker = self._idle.get()
        try:
            if worker.num_calls >= _CALLS_PER_PROCESS:
                worker.close()
            is_fresh = not worker.is_running
            try:
                return self._try(worker, function, args, subject)
            except LeitmotivError:
                if is_fresh or worker.is_running or self._closing:
                    raise
            return self._try(worker, function, args, subject)
        finally:
            self._idle.put(worker)

    def _try(
        self, worker: Worker, function: Callable[..., Any], args: tuple[Any, ...], subject: str
    ) -> Any:
        if self._closing:
            raise ReadError(f"{subject}: the import was stopped; run it again to go on")
        return worker.call(function, args, timeout_sec=self.timeout_sec, subject=subject)


def _is_done(future: Future[Any] | None) -> bool:
    return future is None or future.done()


def _outcome(item: Item, future: Future[Any] | None) -> tuple[Item, Any]:
    if future is None:
        return item, None
    try:
        return item, future.result()
    except LeitmotivError as error:
        return item, error
