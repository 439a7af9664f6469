"""leitmotiv review: a table, a picture, JSON, on anybody's file."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from leitmotiv.cli.main import app
from leitmotiv.cli.review import finding_table
from leitmotiv.review import Finding
from leitmotiv.score import Part, Score, make_notes, write_midi, write_musicxml

BAR = 1920


def spoilt() -> Score:
    """A flute tune with a note that no flute has in bar 3."""
    pitches = [72, 76, 79, 76, 77, 74, 71, 67, 72, 40, 79, 76, 77, 74, 71, 72]
    notes = make_notes(range(0, 4 * BAR, 480), [480] * 16, pitches)
    return Score(parts=(Part("Flute", 73, role="melody", notes=notes),))


def run(*words: object) -> str:
    result = CliRunner().invoke(app, [str(word) for word in words], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


@pytest.mark.parametrize("name", ["tune.mid", "tune.musicxml"])
def test_any_file_is_read_without_a_plan(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    (write_midi if name.endswith("mid") else write_musicxml)(spoilt(), path)
    text = run("review", path)
    assert "Read as C major, chords from the notes" in text
    row = next(line for line in text.splitlines() if "range" in line)
    assert row.split()[:5] == ["1", "error", "3", "Flute", "range"]


def test_json_and_picture_say_the_same(tmp_path: Path) -> None:
    path, picture = tmp_path / "tune.mid", tmp_path / "tune.png"
    write_midi(spoilt(), path)
    data = json.loads(run("review", path, "--json", "-o", picture))
    finding = next(entry for entry in data["findings"] if entry["check"] == "range")
    assert (finding["bar_index"], finding["pitch"]) == (2, 40)
    assert finding["tick"] == 2 * BAR + 480
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert data["picture"] == str(picture)
    again = CliRunner().invoke(app, ["review", str(path), "--png", str(picture)])
    assert again.exit_code == 2 or again.exception is not None  # never over another file unasked
    run("review", path, "--png", picture, "--overwrite")


def test_the_seam_is_listened_to_only_when_asked(tmp_path: Path) -> None:
    path = tmp_path / "tune.mid"
    notes = make_notes([0, BAR, 2 * BAR], [BAR, BAR, 480], [60, 62, 64])
    write_midi(Score(parts=(Part("Tune", notes=notes),)), path)
    assert "loop seam" not in run("review", path)
    assert "silence at the seam" in run("review", path, "--loop")


def test_the_table_lines_up_and_wraps() -> None:
    found = [Finding("range", "error", "Flute: " + "word " * 40, 0, 2),
             Finding("key", "warning", "short", None, 11)]  # fmt: skip
    lines = list(finding_table(found, spoilt(), width=90))
    assert max(len(line) for line in lines) <= 90
    head, first, *rest = lines
    column = head.index("what")
    assert first[column : column + 5] == "word "
    assert all(line[:column].strip() == "" or line[column - 2 : column] == "  " for line in rest)
