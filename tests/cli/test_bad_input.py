"""Bad input, over the real program: one line, a status other than 0, and nothing half-written."""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from leitmotiv.pipeline import plan_brief

BRIEF = "a calm piece for flute in G major, 4 bars"
FAST = ("--engine", "modelled", "--seed", "1")
LIMIT_SEC = 240


def leitmotiv(
    *arguments: str, folder: Path, before: Callable[[], None] | None = None
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "leitmotiv", *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=LIMIT_SEC,
        preexec_fn=before,
    )


def tree(folder: Path) -> dict[str, bytes | None]:
    """Everything below a folder, hidden files too."""
    return {
        str(path.relative_to(folder)): path.read_bytes() if path.is_file() else None
        for path in sorted(folder.rglob("*"))
    }


def assert_one_line(done: subprocess.CompletedProcess[str], *words: str) -> None:
    assert done.returncode == 2, done.stdout + done.stderr
    assert done.stderr.startswith("leitmotiv: error: ")
    assert done.stderr.count("\n") == 1, done.stderr
    for word in words:
        assert word in done.stderr, done.stderr


def shortened_plan() -> dict[str, object]:
    return plan_brief(BRIEF, seed=1).to_dict()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["compose", ""], ["empty", "leitmotiv compose"]),
        (["compose", "   "], ["empty"]),
        (["plan", "xyzzy qwfp zxcv"], ["xyzzy"]),
        (["compose", "a waltz, 0 bars"], ["0", "bars"]),
        (["compose", "a waltz, 999999 bars"], ["999999"]),
        (["plan", "a waltz at 9000 bpm"], ["9000"]),
        (["compose", BRIEF, "--bars", "0"], ["bars=0", "1 to 2000"]),
        (["compose", BRIEF, "--bars", "many"], ["bars=many"]),
        (["compose", BRIEF, "--seed", "-1"], ["seed=-1"]),
        (["compose", BRIEF, "--adventure", "1.5"], ["adventure=1.5", "0 to 1"]),
        (["plan", BRIEF, "--drum-intensity", "loud"], ["=loud", "0 to 1"]),
        (["compose", BRIEF, "--engine", "pipe"], ["engine=pipe", "modelled"]),
        (["compose", BRIEF, "--soundfont", "nowhere.sf2"], ["nowhere.sf2"]),
        (["compose", "nowhere.json"], ["nowhere.json", "No such file"]),
        (["compose", "plan.json", "--bars", "4"], ["--bars 4", "plan"]),
        (["render", "nowhere.mid"], ["nowhere.mid"]),
        (["review", "nowhere.mid"], ["nowhere.mid"]),
        (["render", "."], ["."]),
        (["compose"], ["see: leitmotiv compose --help"]),
        (["dance"], ["dance"]),
        (["compose", BRIEF, "--loud"], ["--loud"]),
    ],
    ids=lambda value: " ".join(value)[:40] if isinstance(value, list) else None,
)
def test_bad_arguments(arguments: list[str], words: list[str], tmp_path: Path) -> None:
    done = leitmotiv(*arguments, folder=tmp_path)
    assert_one_line(done, *words)
    assert not tree(tmp_path)


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("", "JSON"),
        ("{", "JSON"),
        ("[1, 2]", "plan"),
        ("null", "plan"),
        ("{}", "missing"),
        ("\x00\x01\x02", "JSON"),
        ('{"schema_version": NaN}', "plan"),
        ("[" * 100_000, "JSON"),
    ],
    ids=["empty", "cut", "list", "null", "no fields", "binary", "nan", "deep"],
)
def test_corrupt_plan(text: str, word: str, tmp_path: Path) -> None:
    (tmp_path / "plan.json").write_text(text, encoding="utf-8")
    done = leitmotiv("compose", "plan.json", "-o", "out", folder=tmp_path)
    assert_one_line(done, "plan.json", word)
    assert set(tree(tmp_path)) == {"plan.json"}


@pytest.mark.parametrize(
    ("field", "value"),
    [("num_bars", 5), ("schema_version", 99), ("key", "H sharp"), ("meter", "0/4"), ("extra", 1)],
)
def test_plan_that_contradicts_itself(field: str, value: object, tmp_path: Path) -> None:
    plan = {**shortened_plan(), field: value}
    (tmp_path / "plan.json").write_text(json.dumps(plan), encoding="utf-8")
    done = leitmotiv("compose", "plan.json", "-o", "out", folder=tmp_path)
    assert_one_line(done, "plan.json", field)
    assert set(tree(tmp_path)) == {"plan.json"}


@pytest.mark.parametrize("command", ["render", "review"])
@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"MThd",
        b"MThd\x00\x00\x00\x06\x00\x01\x00\x01\x01\xe0MTrk\x00\x00\x10\x00\x00\x90",
        b"this is no music at all",
        bytes(range(256)) * 40,
    ],
    ids=["empty", "header", "cut in a track", "text", "bytes"],
)
def test_broken_midi(command: str, data: bytes, tmp_path: Path) -> None:
    (tmp_path / "song.mid").write_bytes(data)
    done = leitmotiv(command, "song.mid", folder=tmp_path)
    assert_one_line(done, "song.mid")
    assert set(tree(tmp_path)) == {"song.mid"}


def test_a_file_in_the_way_is_refused_before_the_work(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("mine")
    done = leitmotiv("compose", BRIEF, *FAST, "-o", "out", folder=tmp_path)
    assert_one_line(done, "'out'", "-o")
    assert tree(tmp_path) == {"out": b"mine"}


def test_another_bundle_is_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "plan.json").write_text("mine")
    before = tree(tmp_path)
    done = leitmotiv("compose", BRIEF, *FAST, "-o", "out", folder=tmp_path)
    assert_one_line(done, "'out'", "--overwrite")
    assert tree(tmp_path) == before


def test_a_place_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    done = leitmotiv("compose", BRIEF, *FAST, "-o", "/proc/leitmotiv", folder=tmp_path)
    assert_one_line(done, "/proc/leitmotiv")
    assert not tree(tmp_path)


def limit_file_size() -> None:
    """No file may pass 300 kB, the master is larger: the disk is full halfway through."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, 300_000))


def test_a_disk_that_fills_up_leaves_nothing(tmp_path: Path) -> None:
    arguments = ("compose", BRIEF, *FAST, "-o", "out")
    done = leitmotiv(*arguments, folder=tmp_path, before=limit_file_size)
    assert_one_line(done, "out")
    assert not tree(tmp_path)


@pytest.mark.parametrize(
    ("number", "status", "words"),
    [(signal.SIGINT, 130, "nothing was written"), (signal.SIGTERM, 143, "nothing was written")],
)
def test_a_stop_in_the_middle_leaves_nothing(
    number: signal.Signals, status: int, words: str, tmp_path: Path
) -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "leitmotiv", "compose", BRIEF, *FAST, "--bars", "64", "-o", "out"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # A job in the background inherits "ignore", and then Ctrl-C rightly does nothing.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    ) as process:
        assert process.stdout is not None
        assert any(line.split()[:1] == ["perform"] for line in iter(process.stdout.readline, ""))
        os.kill(process.pid, number)  # rendering has begun
        _, err = process.communicate(timeout=LIMIT_SEC)
    assert process.returncode == status, err
    assert words in err
    assert err.count("\n") == 1
    assert not tree(tmp_path)


def test_a_brief_longer_than_a_file_name_is_read_as_a_brief(tmp_path: Path) -> None:
    result = leitmotiv("plan", "a calm piece for flute, " * 5000, folder=tmp_path)
    assert result.returncode == 2
    assert "File name" not in result.stderr
    assert "characters" in result.stderr
    assert len(result.stderr) < 1000


def test_the_bare_word_shows_the_help(tmp_path: Path) -> None:
    result = leitmotiv(folder=tmp_path)
    assert result.returncode == 0
    assert "Usage: leitmotiv" in result.stdout
    assert len(result.stdout.splitlines()) > 5
