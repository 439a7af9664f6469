"""The commands that work on files: what they write, and how they refuse."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from leitmotiv.cli.main import main
from leitmotiv.score import KeyChange, Part, Score, make_notes, read_score, write_midi
from leitmotiv.theory import Key

OPERATIONS = (
    *("fill", "continue", "harmonise", "add-part", "vary"),
    *("arrange", "bridge", "climax", "imitate"),
)


def run(*arguments: str) -> int:
    with pytest.raises(SystemExit) as done:
        main(arguments)
    return int(done.value.code or 0)


@pytest.fixture
def song(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Score:
    """A tune over a bass, written as ``song.mid`` into the working folder."""
    monkeypatch.chdir(tmp_path)
    tune = make_notes(range(0, 7680, 480), [480] * 16, [60, 64, 67, 64, 65, 69, 67, 65] * 2)
    bass = make_notes(range(0, 7680, 1920), [1920] * 4, [48, 53, 48, 43])
    parts = (Part("Tune", 73, notes=tune), Part("Bass", 32, notes=bass))
    score = Score(parts, keys=(KeyChange(0, Key.parse("C major")),))
    write_midi(score, "song.mid")
    return score


@pytest.mark.parametrize("name", OPERATIONS)
def test_help_shows_an_example(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(name, "--help") == 0
    assert f"leitmotiv {name} " in capsys.readouterr().out


def test_fill_writes_a_file_that_keeps_the_rest(
    song: Score, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ("fill", "song.mid", "--bars", "3", "--parts", "tune", "--seed", "1")
    assert run(*arguments, "-o", "new.mid", "--json") == 0
    report = json.loads(capsys.readouterr().out)
    assert report["notes_by_origin"]["model"] > 0
    written = read_score("new.mid")
    old, new = song.parts[0].notes, written.parts[0].notes
    outside = old["onset"] // 1920 != 2
    kept = new[new["onset"] // 1920 != 2]
    for name in ("onset", "duration", "pitch", "velocity"):
        assert np.array_equal(kept[name], old[outside][name])
    assert b"AI model" in Path("new.mid").read_bytes()


def test_the_same_seed_writes_the_same_bytes(song: Score) -> None:
    for name in ("a.musicxml", "b.musicxml"):
        assert run("vary", "song.mid", "--kind", "ornament", "--seed", "5", "-o", name, "-q") == 0
    assert Path("a.musicxml").read_bytes() == Path("b.musicxml").read_bytes()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("fill", "song.mid", "--bars", "9"), "from 1 to 4"),
        (("fill", "song.mid", "--bars", "1", "-o", "x.pdf"), "must end in .mid"),
        (("fill", "none.mid", "--bars", "1"), "does not exist"),
        (("vary", "song.mid", "--kind", "odd"), "must be one of"),
        (("add-part", "song.mid", "kazooka"), "unknown"),
        (("climax", "song.mid", "--seconds", "5"), "between 20 and 180"),
        (("imitate", "nowhere"), "does not exist"),
        (("continue", "song.mid", "--seed", "x"), "whole number"),
    ],
)
def test_bad_input_is_one_line_and_nothing_is_written(
    song: Score, arguments: tuple[str, ...], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(*arguments) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1
    assert [path.name for path in Path().iterdir()] == ["song.mid"]


def test_a_second_result_gets_a_name_of_its_own(
    song: Score, capsys: pytest.CaptureFixture[str]
) -> None:
    for wanted in ("song-vary.mid", "song-vary-2.mid"):
        assert run("vary", "song.mid", "--kind", "mode", "-q") == 0
        assert capsys.readouterr().out.strip() == wanted
    before = Path("song-vary.mid").read_bytes()
    assert run("vary", "song.mid", "--kind", "ornament", "--seed", "1", "-o", "song-vary.mid") == 2
    assert "exists already" in capsys.readouterr().err
    assert Path("song-vary.mid").read_bytes() == before


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("fill", ".", "--bars", "1"), "is a folder"),
        (("imitate", "nowhere"), "does not exist; name a folder"),
        (("imitate", "song.mid"), "is a file; name a folder"),
        (("review", "song.mid", "-o", "marked.txt"), "must end in .png"),
        (("climax", "song.mid", "--seconds", "500"), "between 20 and 180"),
    ],
)
def test_mistaken_paths_are_named_for_what_they_are(
    song: Score, arguments: tuple[str, ...], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    files = sorted(Path().iterdir())
    assert run(*arguments) == 2
    assert message in capsys.readouterr().err
    assert sorted(Path().iterdir()) == files
