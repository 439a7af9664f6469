"""``leitmotiv evaluate --music``: sets of files against people and baselines."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest

from leitmotiv.cli.main import main
from leitmotiv.score import Part, Score, make_notes
from leitmotiv.score.midi import midi_bytes
from leitmotiv.score.musicxml import write_musicxml


def piece(seed: int, width: int = 2) -> Score:
    rng = np.random.default_rng(seed)
    pitches = 64 + np.cumsum(rng.integers(-width, width + 1, 96)) % 14
    bass = rng.choice([36, 41, 43, 45], 24)
    return Score(
        (
            Part("top", notes=make_notes(np.arange(96) * 480, 480, pitches)),
            Part("bass", notes=make_notes(np.arange(24) * 1920, 1920, bass)),
        )
    )


@pytest.fixture
def sets(tmp_path: Path) -> Path:
    for name, start, count, width in (("people", 0, 12, 2), ("mine", 50, 5, 2), ("wild", 70, 3, 9)):
        folder = tmp_path / name
        folder.mkdir()
        for number in range(count):
            data = midi_bytes(piece(start + number, width))
            (folder / f"{number}.mid").write_bytes(data)
    (tmp_path / "mine" / "words.mid").write_text("no music")
    return tmp_path


def run(*arguments: str | Path) -> int:
    with pytest.raises(SystemExit) as stop:
        main(["evaluate", *map(str, arguments)])
    return int(stop.value.code or 0)


def test_what_is_like_the_people_comes_out_nearer_than_what_is_not(
    sets: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    status = run(
        "--music",
        sets / "mine",
        "--against",
        sets / "people",
        "--baseline",
        sets / "wild",
        "--json",
    )
    assert status == 0
    report = json.loads(capsys.readouterr().out)
    mine, wild = report["sets"]
    assert (mine["pieces"], wild["pieces"], report["human_pieces"]) == (5, 3, 12)
    assert mine["share_within"] > wild["share_within"]
    assert [text.split(":")[0] for text in report["skipped"]] == ["words.mid"]
    assert {item["aspect"] for item in mine["likeness"]} == {"melody", "rhythm", "harmony"}


def test_the_page_holds_everything_and_loads_nothing(
    sets: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = sets / "page.html"
    arguments = ("--music", sets / "mine", "--against", "hymn", "-o", page)
    assert run(*arguments) == 0
    out = capsys.readouterr().out
    text = page.read_text(encoding="utf-8")
    share = re.search(r"mine: (\d+) of (\d+) figures", out)
    assert share is not None
    assert f"{share[1]} of {share[2]} figures" in text
    assert text.count("<figure>") == int(share[2])
    assert "src=" not in text
    assert "http" not in text
    assert run(*arguments) == 2
    assert "exists" in capsys.readouterr().err
    assert run(*arguments, "--overwrite") == 0


def test_without_against_the_nearest_genre_is_named(
    sets: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("--music", sets / "mine") == 0
    assert "the nearest genre" in capsys.readouterr().out


def test_a_bundle_counts_once(sets: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for number in range(2):
        bundle = sets / "bundles" / str(number)
        bundle.mkdir(parents=True)
        (bundle / "score.mid").write_bytes(midi_bytes(piece(number)))
        write_musicxml(piece(number), bundle / "score.musicxml")
    assert run("--music", sets / "bundles", "--against", sets / "people", "--json") == 0
    assert json.loads(capsys.readouterr().out)["sets"][0]["pieces"] == 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--music", "nowhere"], "does not exist"),
        (["--music", "one"], "must be at least 2"),
        (["--music", "mine", "--against", "wild"], "must be at least 8"),
        (["--music", "mine", "--against", "polka"], "no shipped human figures"),
        (["--music", "mine", "--baseline", "one"], "must be at least 2"),
        (["default", "--music", "mine"], "drop one of them"),
        (["--data", "mine"], "name a CHECKPOINT"),
    ],
)
def test_bad_input_is_one_line(
    sets: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    message: str,
) -> None:
    (sets / "one").mkdir()
    (sets / "one" / "a.mid").write_bytes(midi_bytes(piece(1)))
    monkeypatch.chdir(sets)
    assert run(*arguments) == 2
    captured = capsys.readouterr()
    assert message in captured.err
    assert captured.err.count("\n") == 1
    assert captured.out == ""


def test_the_two_that_are_most_alike_are_named(
    sets: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (sets / "mine" / "twin.mid").write_bytes((sets / "mine" / "3.mid").read_bytes())
    assert run("--music", sets / "mine", "--against", sets / "people") == 0
    out = capsys.readouterr().out
    assert "most alike, 1.00: 3.mid and twin.mid" in out or "twin.mid and 3.mid" in out
