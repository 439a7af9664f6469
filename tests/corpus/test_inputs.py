"""Whatever is handed in comes out once, in order, and never touches the disk."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest

from leitmotiv.corpus.catalogue import Collection
from leitmotiv.corpus.inputs import InputFile, find_inputs
from leitmotiv.errors import CorpusError

from .makers import archive, collection, manifest, tune

BOOK = b"""%abc
L:1/8
X:1
T:One
K:C
CDEF|

X:2
T:Two
K:G
GABc|
"""


def files(path: Path, **options) -> list[InputFile]:
    return [file for one in find_inputs(path, **options) for file in one]


def names(path: Path, **options) -> list[str]:
    return [f"{file.source}:{file.file}" for file in files(path, **options)]


def test_a_manifest_gives_the_order_and_what_is_said(tmp_path: Path) -> None:
    path = collection(tmp_path, "toy", 3)
    assert names(path) == ["toy:toy/002.mid", "toy:toy/001.mid", "toy:toy/000.mid"]
    assert files(path)[0].entry["licence"] == "CC0-1.0"
    assert names(tmp_path) == names(path), "a folder of archives gives the same"


def test_the_manifest_of_a_folder_orders_its_archives(tmp_path: Path) -> None:
    for name in ("b", "a", "c"):
        archive(tmp_path / f"{name}.zip", {"1.mid": tune(1)})
    manifest(tmp_path, [{"source": name, "file": "1.mid"} for name in ("c", "b")])
    assert names(tmp_path) == ["c:1.mid", "b:1.mid", "a:1.mid"]


def test_a_manifest_inside_an_archive_speaks_for_it(tmp_path: Path) -> None:
    lines = [{"source": "mine", "file": f"{n}.mid", "licence": "PD"} for n in (2, 1)]
    text = "\n".join(json.dumps(line) for line in lines)
    data = {"1.mid": tune(1), "2.mid": tune(2), "3.mid": tune(3), "manifest.jsonl": text.encode()}
    path = archive(tmp_path / "whatever.zip", data)
    assert names(path) == ["mine:2.mid", "mine:1.mid", "whatever:3.mid"]
    assert [file.entry.get("licence") for file in files(path)] == ["PD", "PD", None]


def test_a_named_manifest_wins(tmp_path: Path) -> None:
    path = collection(tmp_path, "toy", 2)
    other = manifest(_made(tmp_path / "other"), [{"source": "x", "file": "toy/000.mid"}])
    assert names(path, manifest=other) == ["x:toy/000.mid", "toy:toy/001.mid"]


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder


def test_loose_files_may_have_a_manifest_too(tmp_path: Path) -> None:
    folder = _made(tmp_path / "loose")
    for name in ("a.mid", "b.mid"):
        (folder / name).write_bytes(tune(1))
    manifest(folder, [{"source": "said", "file": "b.mid", "licence": "MIT"}])
    assert names(folder) == ["said:b.mid", "loose:a.mid"]


def test_a_folder_is_read_by_name_and_other_files_are_counted(tmp_path: Path) -> None:
    folder = _made(tmp_path / "music")
    for name in ("b.MID", "a.mid", "z.abc", "notes.txt", ".hidden.mid", "sub/c.xml"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(b"x")
    (one,) = find_inputs(folder)
    assert [file.file for file in one] == ["a.mid", "b.MID", "z.abc", "sub/c.xml"]
    assert (one.num_files, one.num_passed_over) == (4, 2)


def test_a_tunebook_comes_tune_by_tune(tmp_path: Path) -> None:
    (tmp_path / "book.abc").write_bytes(BOOK)
    found = files(tmp_path / "book.abc", source="tunes")
    assert [file.file for file in found] == ["book.abc#1", "book.abc#2"]
    assert found[1].data == b"L:1/8\nX:2\nT:Two\nK:G\nGABc|\n"


def test_a_collection_takes_its_own_files_and_says_what_they_do_not(tmp_path: Path) -> None:
    path = archive(
        tmp_path / "main.zip",
        {"repo-1234/scores/a.mid": tune(1), "repo-1234/scores/b_melody.mid": tune(2)}
        | {"repo-1234/other/c.mid": tune(3)},
    )
    entry = Collection(
        "songs", "Songs", "https://example.org", "CC0-1.0", "Ann", genre="folk",
        include=("scores/*.mid",), exclude=("*_melody.mid",),
    )  # fmt: skip
    (file,) = files(path, collection=entry)
    assert (file.source, file.file) == ("songs", "scores/a.mid")
    assert file.entry == {}
    assert file.defaults == {"licence": "CC0-1.0", "attribution": "Ann", "genre": "folk"}


def test_a_prepared_copy_of_a_collection_keeps_its_own_names_and_licences(tmp_path: Path) -> None:
    path = collection(tmp_path, "toy", 1, licence="CC-BY-4.0")
    entry = Collection("toy", "", "", "CC0-1.0", "Ann", include=("elsewhere/*",))
    (file,) = files(path, collection=entry)
    assert (file.entry["licence"], file.defaults["attribution"]) == ("CC-BY-4.0", "Ann")


def test_names_that_would_leave_the_folder_stay_names(tmp_path: Path) -> None:
    inner = _made(tmp_path / "in")
    path = archive(inner / "evil.zip", {"../../escape.mid": tune(1), "/root.mid": tune(2)})
    before = sorted(tmp_path.rglob("*"))
    assert [file.file for file in files(path)] == ["../../escape.mid", "/root.mid"]
    assert sorted(tmp_path.rglob("*")) == before


def test_a_name_that_a_zip_holds_twice_is_told_apart(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as bundle:
        bundle.writestr("a.mid", tune(1))
        with pytest.warns(UserWarning, match="Duplicate name"):
            bundle.writestr("a.mid", tune(2))
    first, second = files(tmp_path / "a.zip")
    assert (first.file, second.file) == ("a.mid", "a.mid#2")
    assert (first.data, second.data) == (tune(1), tune(2))


def test_damaged_entries_have_a_problem_and_the_others_come(tmp_path: Path) -> None:
    path = archive(tmp_path / "a.zip", {"a.mid": tune(1) * 20, "b.mid": tune(2)})
    data = bytearray(path.read_bytes())
    data[60:80] = bytes(20)
    path.write_bytes(bytes(data))
    first, second = files(path)
    assert first.data is None
    assert "damaged or locked" in (first.problem or "")
    assert second.data == tune(2)


def test_a_broken_archive_in_a_folder_stops_nothing(tmp_path: Path) -> None:
    folder = _made(tmp_path / "music")
    (folder / "broken.zip").write_bytes(b"no zip at all")
    (folder / "a.mid").write_bytes(tune(1))
    found = files(folder)
    assert [(file.file, file.data is None) for file in found] == [
        ("broken.zip", True),
        ("a.mid", False),
    ]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("gone.mid", None, "does not exist"),
        ("song.txt", b"la la", r"must be a folder, a \.zip or a file of music"),
        ("broken.zip", b"PK but no more", "the archive cannot be opened"),
        ("empty.zip", b"PK\x05\x06" + bytes(18), "holds no music"),
    ],
)
def test_what_cannot_be_read_is_one_clear_line(
    tmp_path: Path, name: str, content: bytes | None, message: str
) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(CorpusError, match=message) as error:
        find_inputs(tmp_path / name)
    assert "\n" not in str(error.value)


def test_a_manifest_that_lists_a_file_twice_loses_nothing(tmp_path: Path) -> None:
    path = archive(tmp_path / "toy.zip", {"a.mid": tune(1)})
    manifest(tmp_path, [{"source": "toy", "file": "a.mid", "licence": "PD"}] * 2)
    first, second = files(path)
    assert (first.file, first.data) == ("a.mid", tune(1))
    assert (second.file, second.data) == ("a.mid#2", None)
