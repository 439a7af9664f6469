from __future__ import annotations

import os

import numpy as np
import pytest

from leitmotiv.errors import ReadError
from leitmotiv.score import (
    MeterChange,
    Part,
    Score,
    make_notes,
    midi_bytes,
    read_midi,
    read_score,
    write_midi,
)
from leitmotiv.score import files as score_files
from leitmotiv.theory import Meter

MIB = 1 << 20


@pytest.fixture
def waltz() -> Score:
    return Score(
        (
            Part("Violin", 40, notes=make_notes([0, 480, 960], [480] * 3, [72, 74, 76])),
            Part("Cello", 42, notes=make_notes([0], [1440], [48])),
        ),
        meters=(MeterChange(0, Meter(3, 4)),),
        title="Waltz",
    )


def test_a_score_is_read_by_content_whatever_its_name(waltz, tmp_path):
    path = tmp_path / "waltz.txt"
    write_midi(waltz, path)
    assert read_score(path) == read_midi(path) == waltz


@pytest.mark.parametrize("reader", [read_score, read_midi])
@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "the file is empty"),
        (b"Dear diary, today I wrote a waltz.", "begins with b'Dear"),
        (b"MThd\x00\x00\x00\x06\x00\x01\x00\x01\x01\xe0MTrk\x00\x00\x00\x40\x00\x90", "damaged"),
        (b"MThd\x00\x00\x00\x06\x00\x01", "cut short"),
    ],
)
def test_bad_content_gives_one_line_that_names_the_file(reader, content, message, tmp_path):
    path = tmp_path / "song.mid"
    path.write_bytes(content)
    with pytest.raises(ReadError, match=message) as caught:
        reader(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_missing_file_and_a_folder_are_told_apart(tmp_path):
    with pytest.raises(ReadError, match="does not exist; check its name"):
        read_score(tmp_path / "missing.mid")
    with pytest.raises(ReadError, match="folder"):
        read_score(tmp_path)
    with pytest.raises(ReadError, match="cannot be read"):
        read_score("null\0byte.mid")


@pytest.mark.skipif(
    os.name != "posix" or os.geteuid() == 0, reason="root and Windows may read everything"
)
def test_an_unreadable_file_says_so(waltz, tmp_path):
    path = tmp_path / "secret.mid"
    write_midi(waltz, path)
    path.chmod(0)
    with pytest.raises(ReadError, match="check its permissions"):
        read_score(path)


def test_size_limit(waltz, tmp_path, monkeypatch):
    path = tmp_path / "long.mid"
    write_midi(waltz, path)
    monkeypatch.setattr(score_files, "MAX_MIDI_BYTES", 100)
    with pytest.raises(ReadError, match="larger than 0 MiB; split"):
        read_midi(path)


def damage(data: bytes, rng: np.random.Generator) -> bytes:
    """Flip some bytes, cut the end, or repeat a piece from the middle."""
    broken = bytearray(data)
    kind = rng.integers(3)
    if kind == 0:
        for position in rng.integers(0, len(broken), size=rng.integers(1, 12)):
            broken[position] = rng.integers(256)
    elif kind == 1:
        del broken[int(rng.integers(len(broken))) :]
    else:
        start, stop = sorted(int(i) for i in rng.integers(0, len(broken), size=2))
        broken[stop:stop] = broken[start:stop]
    return bytes(broken)


def parse_damaged(data: bytes, seed: int, num: int) -> list[str]:
    """Parse many damaged copies; return what went wrong in any other way than ReadError."""
    from leitmotiv.score import parse_midi

    rng = np.random.default_rng(seed)
    surprises = []
    for index in range(num):
        try:
            parse_midi(damage(data, rng))
        except ReadError as error:
            if "\n" in str(error):
                surprises.append(f"{index}: more than one line: {error}")
        except Exception as error:
            surprises.append(f"{index}: {type(error).__name__}: {error}")
    return surprises


@pytest.mark.parametrize("seed", range(3))
def test_damaged_files_give_a_score_or_a_read_error(waltz, seed):
    assert parse_damaged(midi_bytes(waltz, texts=("made for a test",)), seed, 400) == []


def outcome(path) -> str:
    try:
        return type(read_midi(path)).__name__
    except ReadError as error:
        return "named" if str(path) in str(error) else str(error)


def test_damaged_files_through_the_worker(waltz, tmp_path, rng):
    path = tmp_path / "damaged.mid"
    data = midi_bytes(waltz)
    for _ in range(6):
        path.write_bytes(damage(data, rng))
        assert outcome(path) in ("Score", "named")
