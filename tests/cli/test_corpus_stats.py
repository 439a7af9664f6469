"""``leitmotiv corpus stats`` prints tables and plain words, draws, and refuses an empty library."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from leitmotiv.cli.corpus import corpus_app
from leitmotiv.corpus.library import Library, Piece


@pytest.fixture
def library(tmp_path):
    folder = tmp_path / "library"
    with Library(folder, create=True) as opened, opened.transaction():
        for number, name in enumerate(["Verdi, Giuseppe", "Bach, Johann Sebastian", "Anonim"]):
            opened.add(
                Piece(
                    f"demo_{number}",
                    "demo",
                    f"{number}.mid",
                    composer=name,
                    genre=f"genre {number}",
                    num_notes=1000 - number,
                    duration_sec=3600,
                )
            )
    return folder


def run(*arguments):
    return CliRunner().invoke(corpus_app, ["stats", *map(str, arguments)])


def test_tables_and_sentences_are_printed(library):
    found = run("--library", library)
    assert found.exit_code == 0
    assert "3 pieces, 2,997 notes, 3.0 hours" in found.output
    for words in ("Instrument family", "Verdi, Giuseppe", "18th", "will not know", "jazz"):
        assert words in found.output


def test_rows_beyond_the_limit_are_added_up(library):
    found = run("--library", library, "--rows", 1)
    assert "2 more" in found.output
    lines = [line.split() for line in found.output.splitlines()]
    assert ["genre", "0", "1", "1,000", "1.0", "33.4%"] in lines
    assert not any(words[:3] == ["genre", "2", "1"] for words in lines)


def test_json_is_nothing_but_json(library):
    report = json.loads(run("--library", library, "--json").output)
    assert report["pieces"] == 3
    assert report["tables"][2]["name"] == "century"


def test_picture_is_written(library, tmp_path):
    found = run("--library", library, "--png", tmp_path / "bias.png")
    assert found.exit_code == 0
    assert (tmp_path / "bias.png").read_bytes().startswith(b"\x89PNG")


def test_a_source_that_is_not_there_is_said(library):
    found = run("--library", library, "--source", "nothing")
    assert found.exit_code != 0
    assert "holds no pieces of nothing" in str(found.exception or found.output)
