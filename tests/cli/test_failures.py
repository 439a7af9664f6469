"""Whatever goes wrong becomes one line on stderr and a status."""

from __future__ import annotations

import errno
import os
import signal
from collections.abc import Callable

import pytest
import typer

from leitmotiv.cli.failures import guarded
from leitmotiv.errors import MissingExtraError, PlanError


def raising(error: BaseException) -> Callable[[], int | None]:
    def work() -> int | None:
        raise error

    return work


@pytest.mark.parametrize(
    ("error", "status", "line"),
    [
        (PlanError("num_bars=0\nmust be >= 1"), 2, "leitmotiv: error: num_bars=0 must be >= 1"),
        (MissingExtraError("torch", "train"), 2, "leitmotiv: error: torch is not installed"),
        (typer.BadParameter("seed=x is bad"), 2, "leitmotiv: error: "),
        (KeyboardInterrupt(), 130, "leitmotiv: stopped; nothing was written"),
        (typer.Abort(), 130, "leitmotiv: stopped; nothing was written"),
        (OSError(errno.ENOSPC, "No space left on device", "a.wav"), 2, "free some space"),
        (OSError(errno.EACCES, "Permission denied", "/root/x"), 2, "'/root/x': Permission denied"),
        (MemoryError(), 2, "out of memory"),
        (KeyError("oops"), 1, "leitmotiv: unexpected fault: KeyError: 'oops'; run again with"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, BaseException) else None,
)
def test_each_fault_has_its_line_and_status(
    error: BaseException, status: int, line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert guarded(raising(error), debug=False) == status
    out, err = capsys.readouterr()
    assert not out
    assert err.count("\n") == 1
    assert line in err


def test_debug_shows_the_traceback_of_an_unexpected_fault(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert guarded(raising(KeyError("oops")), debug=True) == 1
    assert "Traceback" in capsys.readouterr().err


def test_a_request_to_end_unwinds_and_clears_up(capsys: pytest.CaptureFixture[str]) -> None:
    cleared = []

    def work() -> int | None:
        try:
            os.kill(os.getpid(), signal.SIGTERM)
            signal.pause()
        finally:
            cleared.append(True)
        return 0

    assert guarded(work, debug=False) == 143
    assert cleared
    assert "nothing was written" in capsys.readouterr().err


def test_work_that_ends_well_has_status_0() -> None:
    assert guarded(lambda: None, debug=False) == 0
