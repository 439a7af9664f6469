"""Progress is plain lines in a pipe, a live display on a terminal, nothing when quiet."""

from __future__ import annotations

import io

from leitmotiv.cli.progress import ProgressDisplay, ProgressLines, show_progress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def report_two_stages(progress: object) -> None:
    assert callable(progress)
    for stage in ("compose", "render"):
        for fraction in (0.0, 0.5, 1.0):
            progress(stage, fraction, f"{stage} something")


def test_a_pipe_gets_one_plain_line_a_stage() -> None:
    stream = io.StringIO()
    with show_progress(stream) as progress:
        assert isinstance(progress, ProgressLines)
        report_two_stages(progress)
    lines = stream.getvalue().splitlines()
    assert [line.split()[0] for line in lines] == ["compose", "render"]
    assert all(" s  " in line for line in lines)
    assert "\x1b" not in stream.getvalue()


def test_a_terminal_gets_a_display() -> None:
    stream = Terminal()
    with show_progress(stream) as progress:
        assert isinstance(progress, ProgressDisplay)
        report_two_stages(progress)
    assert "compose" in stream.getvalue()


def test_quiet_gets_nothing() -> None:
    with show_progress(io.StringIO(), quiet=True) as progress:
        assert progress is None
