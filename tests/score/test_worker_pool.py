"""Many calls, few processes; whatever a call does, it does to itself alone."""

from __future__ import annotations

import atexit
import math
import os
import signal
import sys
import threading
import time

import pytest

from leitmotiv.errors import ReadError, TheoryError
from leitmotiv.score.sandbox import Worker
from leitmotiv.score.worker_pool import Task, WorkerPool
from leitmotiv.theory import Key

MIB = 1 << 20
POSIX = pytest.mark.skipif(os.name != "posix", reason="signals are POSIX")


def pool(num_workers: int = 1, timeout_sec: float = 30.0, memory_bytes: int = 256 * MIB):
    return WorkerPool(num_workers, memory_bytes=memory_bytes, timeout_sec=timeout_sec)


def test_a_worker_answers_many_calls_in_one_process() -> None:
    with Worker(memory_bytes=256 * MIB) as worker:
        first = worker.call(os.getpid, (), timeout_sec=30)
        assert first == worker.call(os.getpid, (), timeout_sec=30) != os.getpid()
        with pytest.raises(TheoryError, match=r"^song: .*fifths=9"):
            worker.call(Key.from_fifths, (9,), timeout_sec=30, subject="song")
        assert worker.call(os.getpid, (), timeout_sec=30) == first, "an error ends no process"
        assert worker.num_calls == 4


def test_each_call_has_the_whole_time_limit() -> None:
    with Worker(memory_bytes=256 * MIB) as worker:
        worker.call(os.getpid, (), timeout_sec=30)
        for _ in range(4):
            worker.call(time.sleep, (0.4,), timeout_sec=1.2)
        with pytest.raises(ReadError, match=r"longer than 0\.3 seconds"):
            worker.call(time.sleep, (60,), timeout_sec=0.3)
        assert not worker.is_running
        assert worker.call(math.gcd, (12, 18), timeout_sec=30) == 6


def test_results_come_in_the_order_of_the_tasks() -> None:
    lengths = [0.3, 0.0, 0.1, 0.0, 0.2, 0.0]
    tasks = [Task(n, (length,), str(n)) for n, length in enumerate(lengths)]
    tasks.insert(2, Task(99, None))
    with pool(3) as workers:
        found = [item for item, _ in workers.map(time.sleep, tasks)]
    assert found == [0, 1, 99, 2, 3, 4, 5]


@POSIX
def test_a_crash_costs_its_own_task_alone() -> None:
    # SIGWINCH is one that a process takes no notice of.
    names = ["SIGWINCH", "SIGWINCH", "SIGSEGV", "SIGWINCH", "SIGSEGV", "SIGWINCH"]
    tasks = [Task(name, (int(getattr(signal, name)),), f"file {name}") for name in names]
    with pool(2) as workers:
        found = list(workers.map(signal.raise_signal, tasks))
    assert [name for name, _ in found] == names
    for name, outcome in found:
        if name == "SIGSEGV":
            assert "crashed (SIGSEGV)" in str(outcome)
        else:
            assert outcome is None


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux enforces RLIMIT_AS")
def test_memory_that_an_earlier_call_keeps_is_not_the_next_ones_fault() -> None:
    # What is registered for the end stays in memory until then.
    tasks = [Task(n, (len, bytes(40 * MIB))) for n in range(4)]
    with pool(memory_bytes=160 * MIB) as workers:
        outcomes = [outcome for _, outcome in workers.map(atexit.register, tasks)]
    assert outcomes == [len] * 4


def test_tasks_are_taken_a_few_ahead_only() -> None:
    taken = []

    def tasks():
        for number in range(1000):
            taken.append(number)
            yield Task(number, (number, 2))

    with pool() as workers:
        for item, outcome in workers.map(math.gcd, tasks()):
            assert outcome == math.gcd(item, 2)
            if item == 5:
                break
    assert len(taken) < 20


def test_closing_ends_calls_that_run() -> None:
    workers = pool()
    start = time.monotonic()
    threading.Timer(1.0, workers.close).start()
    ((_, outcome),) = workers.map(time.sleep, [Task(0, (120,))])
    assert isinstance(outcome, ReadError)
    assert time.monotonic() - start < 30


def test_the_number_of_workers_must_be_one_at_least() -> None:
    with pytest.raises(ValueError, match="num_workers=0 must be at least 1"):
        pool(0)
