"""Packing keeps licences, leaves out what may not or cannot be used, and says so."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest

from leitmotiv.corpus.pack import main, open_licence, pack_archives
from leitmotiv.errors import CorpusError
from leitmotiv.score import Part, Score, make_notes
from leitmotiv.score.midi import write_midi
from leitmotiv.training.windows import Pack


def corpus(folder: Path, licences: dict[str, str | None]) -> Path:
    """An archive with one small piece for each name, and a broken file."""
    notes = make_notes(range(0, 9600, 480), [480] * 20, range(60, 80))
    midi = folder / "one.mid"
    write_midi(Score(parts=(Part(name="Flute", program=73, notes=notes),)), midi)
    lines = []
    with zipfile.ZipFile(folder / "toy.zip", "w") as archive:
        for name, licence in licences.items():
            archive.writestr(f"toy/{name}.mid", midi.read_bytes())
            lines.append({"source": "toy", "file": f"toy/{name}.mid", "licence": licence})
        archive.writestr("toy/broken.mid", b"MThd but no more")
        lines.append({"source": "toy", "file": "toy/broken.mid", "licence": "PD"})
    text = "\n".join(json.dumps({**line, "split": "train"}) for line in lines)
    (folder / "manifest.jsonl").write_text(text + "\n")
    return folder


def test_share_alike_and_unknown_licences_stay_out(tmp_path: Path) -> None:
    folder = corpus(tmp_path, {"a": "CC0-1.0", "b": "CC-BY-SA-4.0", "c": None, "d": "CC-BY-4.0"})
    header = pack_archives(folder, ["toy"], tmp_path / "toy.npz", workers=1)
    assert header["licences"] == {"CC0-1.0": 1, "CC-BY-4.0": 1}
    assert header["refused"]["licence CC-BY-SA-4.0"] == 1
    assert header["refused"]["licence None"] == 1
    assert Pack(tmp_path / "toy.npz").header == header


def test_a_broken_file_costs_itself_alone(tmp_path: Path) -> None:
    folder = corpus(tmp_path, {"a": "PD"})
    header = pack_archives(folder, ["toy"], tmp_path / "toy.npz", workers=1)
    assert header["pieces"] == 1
    assert sum(header["refused"].values()) == 1


def test_nothing_to_pack_is_an_error_and_leaves_no_file(tmp_path: Path) -> None:
    folder = corpus(tmp_path, {"a": "CC-BY-NC-4.0"})
    with pytest.raises(CorpusError, match="nothing to pack"):
        pack_archives(folder, ["toy"], tmp_path / "toy.npz", workers=1)
    assert not list(tmp_path.glob("toy.npz*"))


def test_a_missing_archive_or_manifest_is_named(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match=r"manifest\.jsonl cannot be read"):
        pack_archives(tmp_path, ["toy"], tmp_path / "toy.npz")
    folder = corpus(tmp_path, {"a": "PD"})
    (folder / "toy.zip").unlink()
    with pytest.raises(CorpusError, match="is missing"):
        pack_archives(folder, ["toy"], tmp_path / "toy.npz")


@pytest.mark.parametrize(
    ("licence", "is_open"),
    [("CC0-1.0", True), ("CC-BY-NC-4.0", False), ("CC-BY-ND-4.0", False), ("GPL-3.0", False)],
)
def test_licences_that_ask_for_more_are_not_open(licence: str, is_open: bool) -> None:
    assert open_licence(licence) is is_open


def test_the_command_prints_what_it_packed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = corpus(tmp_path, {"a": "PD", "b": "CC-BY-SA-4.0"})
    recipe = tmp_path / "recipe.toml"
    recipe.write_text('[data]\nsources = ["toy"]\n')
    main([str(recipe), "--corpus", str(folder), "--out", str(tmp_path / "toy.npz")])
    printed = capsys.readouterr().out
    assert "1 pieces, 20 notes" in printed
    assert "licence CC-BY-SA-4.0" in printed
