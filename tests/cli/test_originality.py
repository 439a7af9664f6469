"""The command says what is shared, in words and as JSON, and names a bad file in one line."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from leitmotiv.cli.originality import originality_command
from leitmotiv.errors import LeitmotivError
from leitmotiv.review.fragment_index import Band, FragmentIndex, IndexedPiece
from leitmotiv.score import Part, Score, make_notes, write_midi
from leitmotiv.score.fragments import KINDS, fragments


@pytest.fixture
def files(tmp_path: Path, rng: np.random.Generator) -> tuple[Path, Path]:
    """A tune as a MIDI file, and an index that knows it."""
    onset = np.cumsum(rng.choice([12, 24, 48], 48))
    pitch = 60 + np.abs(np.cumsum(rng.choice([-5, -3, -2, -1, 1, 2, 4, 5], 48))) % 24
    notes = make_notes(onset * 20, np.append(np.diff(onset), 24) * 20, pitch)
    write_midi(Score(parts=(Part("Flute", 73, notes=notes),)), tmp_path / "tune.mid")
    found = {}
    for kind in KINDS:
        values = fragments(np.zeros(48, np.int64), onset, pitch + 3, kind).hashes
        found[kind.name] = (values, np.zeros(len(values), np.int64))
    index = FragmentIndex.build(
        [IndexedPiece("a", "Air", "Ann", "CC0-1.0", "demo")], found, keep_one_in=1
    )
    quantiles = {"0.5": 9.0, "0.9": 12.0, "0.95": 14.0, "0.99": 16.0}
    band = {"": Band(7, quantiles, quantiles, {"0.5": 0.1, "0.95": 0.3})}
    FragmentIndex(index.pieces, index.hashes, index.owners, 1, band).save(tmp_path / "index.npz")
    return tmp_path / "tune.mid", tmp_path / "index.npz"


def test_the_table_names_title_composer_and_licence(
    files: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    originality_command(files[0], index_path=files[1], genre="", all_bars=True, as_json=False)
    printed = capsys.readouterr().out
    for word in ("Air", "Ann", "CC0-1.0", "Flute", "19 in 20", "top 1 %"):
        assert word in printed


def test_json_is_all_that_is_printed(
    files: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    originality_command(files[0], index_path=files[1], genre="", all_bars=False, as_json=True)
    data = json.loads(capsys.readouterr().out)
    assert data["level"] == "beyond"
    assert data["nearest"][0]["piece"]["title"] == "Air"
    assert data["band"]["num_pieces"] == 7


def test_what_is_no_score_or_no_index_is_said(files: tuple[Path, Path], tmp_path: Path) -> None:
    (tmp_path / "text.mid").write_text("no music")
    for file, index in ((tmp_path / "text.mid", files[1]), (files[0], files[0])):
        with pytest.raises(LeitmotivError):
            originality_command(file, index_path=index, genre="", all_bars=False, as_json=False)


def test_the_picture_is_drawn_where_it_is_asked_for_and_never_over_another(
    files: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    picture = tmp_path / "x.png"
    given = {"index_path": files[1], "genre": "", "all_bars": False, "as_json": False}
    originality_command(files[0], **given, picture=picture)
    assert picture.stat().st_size > 10_000
    assert str(picture) in capsys.readouterr().out.replace("\n", "")
    with pytest.raises(LeitmotivError, match="overwrite"):
        originality_command(files[0], **given, picture=picture)
