"""Plans that compare with a plan, and words of one's own, on the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from leitmotiv.cli.main import main


def _run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as end:
        main(arguments)
    out, err = capsys.readouterr()
    return int(end.value.code or 0), out, err


@pytest.fixture
def waltz(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    path = tmp_path / "waltz.json"
    brief = "a happy waltz for piano in G major, 16 bars, 120 bpm"
    assert _run(capsys, "plan", brief, "--seed", "3", "-o", str(path))[0] == 0
    return path


def test_a_plan_is_made_like_another_one(waltz: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, out, _ = _run(capsys, "plan", "like this but slower", "--like", str(waltz), "--json")
    assert status == 0
    before, after = json.loads(waltz.read_text(encoding="utf-8")), json.loads(out)
    assert after["tempos"][0]["bpm"] < before["tempos"][0]["bpm"]
    for name in ("key", "meter", "num_bars", "parts", "seed"):
        assert after[name] == before[name], name


def test_a_piece_is_chosen_by_its_name(waltz: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = "like scene 2 but sadder"
    status, out, _ = _run(capsys, "plan", text, "--like", f"scene 2={waltz}", "--json")
    assert (status, json.loads(out)["key"]) == (0, "G minor")
    status, _, err = _run(capsys, "plan", text, "--like", str(waltz))
    assert status != 0
    assert "refers to 'scene 2'" in err
    assert len(err.strip().splitlines()) == 1


def test_words_of_ones_own_are_understood(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    own = tmp_path / "own.toml"
    own.write_text("[moods.hygge]\nvalence = 0.6\narousal = -0.4\nwords = []\n", encoding="utf-8")
    status, out, _ = _run(capsys, "plan", "hygge waltz", "--words", str(own), "--json")
    assert (status, json.loads(out)["brief"]["moods"]) == (0, ["hygge"])


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--like", "missing.json"], "missing.json"),
        (["--words", "missing.toml"], "missing.toml"),
        (["--like", "a=x.json", "--like", "a=y.json"], "a"),
    ],
)
def test_missing_files_give_one_line(
    more: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    status, _, err = _run(capsys, "plan", "darker", *more)
    assert status != 0
    assert message in err
    assert len(err.strip().splitlines()) == 1
