"""``leitmotiv corpus``: what a person sees, and what is left when something goes wrong."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from leitmotiv.cli.library import reason_group
from leitmotiv.cli.main import main
from leitmotiv.corpus.library import Library
from leitmotiv.score import Part, Score, make_notes
from leitmotiv.score.midi import midi_bytes


def tune(seed: int) -> bytes:
    pitches = [60 + (seed * number * number + number) % 13 for number in range(32)]
    notes = make_notes(range(0, 32 * 240, 240), [240] * 32, pitches)
    return midi_bytes(Score((Part("Flute", program=73, notes=notes),)))


@pytest.fixture
def songs(tmp_path: Path) -> Path:
    """Three songs, one of them twice, one broken file and a text."""
    folder = tmp_path / "songs"
    folder.mkdir()
    for number, name in enumerate(("a", "b", "c"), 1):
        (folder / f"{name}.mid").write_bytes(tune(number))
    (folder / "d.mid").write_bytes(tune(1))
    (folder / "e.mid").write_bytes(b"not music")
    (folder / "words.txt").write_text("la la")
    return folder


def run(*arguments: object, status: int = 0) -> None:
    with pytest.raises(SystemExit) as stop:
        main(["corpus", *(str(argument) for argument in arguments)])
    assert stop.value.code == status


def add(songs: Path, library: Path, *more: object, status: int = 0) -> None:
    run("add", songs, "--library", library, "--workers", 1, *more, status=status)


def test_the_catalogue_is_listed_and_each_entry_in_full(capsys: pytest.CaptureFixture[str]) -> None:
    run("sources")
    printed = capsys.readouterr().out
    assert "openscore_lieder" in printed
    assert "CC-BY-SA-4.0" in printed
    run("sources", "freedoom")
    printed = capsys.readouterr().out
    assert "https://github.com/freedoom/freedoom" in printed
    assert "Redistribution and use in source and binary forms" in printed
    run("sources", "--json")
    assert {"name", "home", "licence", "attribution", "way"} <= set(
        json.loads(capsys.readouterr().out)[0]
    )


def test_songs_without_a_licence_are_refused_in_one_line_with_the_remedy(
    songs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    add(songs, tmp_path / "lib", status=2)
    captured = capsys.readouterr()
    assert captured.err.count("\n") == 1
    assert "no licence is given; if you know it, state a licence with --licence" in captured.err


def test_add_check_and_pack_tell_what_came_of_it(
    songs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    library = tmp_path / "lib"
    given = ("--licence", "CC-BY-4.0", "--attribution", "Ann Smith", "--genre", "folk")
    add(songs, library, *given)
    printed = capsys.readouterr().out
    assert "Added 3 pieces with 96 notes" in printed
    assert "kept apart 2, refused 0, known already 0, other files 1" in printed
    assert "1  duplicate of another piece" in printed
    add(songs, library, *given, "--json")
    report = json.loads(capsys.readouterr().out)
    assert report["known_already"] == 5
    assert report["in_library"] == {"ok": 3, "quarantined": 2, "refused": 0}

    run("check", "--library", library)
    printed = capsys.readouterr().out
    assert "CC-BY-4.0  attribution       3     96" in printed
    assert "Together: attribution: use, share and sell, in any product" in printed
    run("check", "--library", library, "--reasons")
    lines = capsys.readouterr().out.splitlines()
    assert [line.split("\t")[:2] for line in lines] == [
        ["quarantined", "songs/d.mid"],
        ["quarantined", "songs/e.mid"],
    ]

    run("pack", "--library", library, "-o", tmp_path / "songs.npz")
    printed = capsys.readouterr().out
    assert "3 pieces, 96 notes" in printed
    assert (tmp_path / "songs.npz").is_file()
    run("pack", "--library", library, "-o", tmp_path / "songs.npz", status=2)
    assert "exists already" in capsys.readouterr().err


def test_check_of_a_recipe_counts_what_pack_would_take(
    songs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    add(songs, tmp_path / "lib", "--licence", "CC-BY-SA-4.0", "-q")
    capsys.readouterr()
    recipe = tmp_path / "recipe.toml"
    recipe.write_text('[data]\nsources = ["songs"]\n')
    run("check", "--library", tmp_path / "lib", "--recipe", recipe, "--json")
    assert json.loads(capsys.readouterr().out)["licences"] == []
    recipe.write_text('[data]\nsources = ["songs"]\nshare_alike = true\n')
    run("check", "--library", tmp_path / "lib", "--recipe", recipe, "--json")
    assert json.loads(capsys.readouterr().out)["licences"][0]["pieces"] == 3


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("add", "nonsense"), "neither a file or folder nor a collection"),
        (("add", "gone/x.mid"), "does not exist"),
        (("add", "tavern"), "has no archive to download"),
        (("add", "tavern", "--from", "gone"), "does not exist"),
        (("add", "x", "--from", "gone"), "needs the name of one collection"),
        (("add", "x", "--licence", "mine"), "must be an SPDX identifier"),
        (("add", "x", "--workers", "0"), "workers"),
        (("check",), "holds no library.db; import music first"),
        (("pack", "gone.toml"), "does not exist"),
        (("sources", "gone"), "nor a collection of the catalogue"),
    ],
)
def test_bad_input_is_one_line_and_leaves_nothing(
    arguments: tuple[str, ...],
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    run(*arguments, status=2)
    captured = capsys.readouterr()
    assert captured.err.count("\n") == 1
    assert message in captured.err
    assert not list(tmp_path.iterdir())


def test_a_local_copy_of_a_collection_takes_its_licence(songs: Path, tmp_path: Path) -> None:
    run("add", "tavern", "--from", songs, "--library", tmp_path / "lib", "-q")
    with Library(tmp_path / "lib") as library:
        piece = library.piece("tavern/a.mid")
    assert piece.licence == "CC-BY-SA-4.0"
    assert piece.attribution.startswith("TAVERN corpus")


@pytest.mark.skipif(os.name != "posix", reason="signals are POSIX")
def test_ctrl_c_keeps_what_was_read_and_says_how_to_go_on(tmp_path: Path) -> None:
    folder, library = tmp_path / "songs", tmp_path / "lib"
    folder.mkdir()
    for number in range(400):
        (folder / f"{number:03}.mid").write_bytes(tune(number))
    arguments = ["corpus", "add", str(folder), "--library", str(library), "--licence", "PD"]
    process = subprocess.Popen(
        [sys.executable, "-m", "leitmotiv", *arguments],
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and process.poll() is None:
        if (library / "library.db").is_file() and _count(library):
            break
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    _, error = process.communicate(timeout=120)
    if process.returncode == 0:
        pytest.skip("the import was done before it could be stopped")
    assert process.returncode == 130
    assert "run the same command again to go on" in error
    kept = _count(library)
    assert 0 < kept < 400
    main_status = subprocess.run([sys.executable, "-m", "leitmotiv", *arguments, "-q"]).returncode
    assert main_status == 0
    assert _count(library) == 400


def _count(library: Path) -> int:
    with Library(library) as kept:
        return sum(kept.counts().values())


def test_reasons_are_counted_without_names_and_numbers() -> None:
    assert reason_group("song.mid: the file begins with b'x': no") == "the file begins with …: no"
    assert reason_group("song-2.mid: 10,490 notes in 41 parts") == "N notes in N parts"
    assert reason_group("duplicate of a/b.mid, which has a freer licence") == (
        "duplicate of another piece, which has a freer licence"
    )
