"""Many files that nobody vouches for, at the price of few processes.

Purpose: starting a process for each of a thousand small files takes longer than reading them. Here
a few workers read one file after another; a file that brings its worker down costs itself alone.

Public names: :func:`read_scores`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from queue import SimpleQueue

from leitmotiv.errors import LeitmotivError, ReadError
from leitmotiv.score.files import MEMORY_BYTES, MUSICXML_TIMEOUT_SEC, parse_score
from leitmotiv.score.sandbox import Worker
from leitmotiv.score.score import Score

__all__ = ["read_scores"]

_CALLS_PER_PROCESS = 500  # what a parser leaks does not pile up


def read_scores(
    files: Iterable[tuple[str, bytes]],
    *,
    num_workers: int = 2,
    timeout_sec: float = MUSICXML_TIMEOUT_SEC,
    parser: Callable[[bytes], Score] = parse_score,
) -> Iterator[tuple[str, Score | ReadError]]:
    """Read MIDI and MusicXML files in worker processes, in order, a few ahead of the caller.

    Parameters
    ----------
    files : iterable of (name, content)
        Taken as they are needed, so that a long list need not fit in memory.
    num_workers : int
        Processes at a time.
    timeout_sec : float
        Wall clock that one file may take.
    parser : callable
        What reads the bytes; importable by its module and name.

    Yields
    ------
    (str, Score or ReadError)
        The name with what was read, or with one line that says why not; it begins with the name.
    """
    idle: SimpleQueue[Worker] = SimpleQueue()
    workers = [Worker(memory_bytes=MEMORY_BYTES) for _ in range(num_workers)]
    for worker in workers:
        idle.put(worker)

    def read(name: str, data: bytes) -> Score | ReadError:
        worker = idle.get()
        try:
            if worker.num_calls >= _CALLS_PER_PROCESS:
                worker.close()
            return worker.call(parser, (data,), timeout_sec=timeout_sec, subject=name)
        except LeitmotivError as error:
            return error if isinstance(error, ReadError) else ReadError(str(error))
        finally:
            idle.put(worker)

    waiting: deque[tuple[str, Future[Score | ReadError]]] = deque()
    try:
        with ThreadPoolExecutor(num_workers) as pool:
            try:
                for name, data in files:
                    waiting.append((name, pool.submit(read, name, data)))
                    if len(waiting) > 4 * num_workers:
                        done, future = waiting.popleft()
                        yield done, future.result()
                while waiting:
                    done, future = waiting.popleft()
                    yield done, future.result()
            finally:
                for _, future in waiting:
                    future.cancel()
                for worker in workers:
                    worker.interrupt()  # a caller that stops early waits for nothing
    finally:
        for worker in workers:
            worker.close()
