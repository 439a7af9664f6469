"""A batch of files gives what each gives alone, and a bad one costs no other."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from leitmotiv.errors import ReadError
from leitmotiv.score import Part, Score, batches, make_notes
from leitmotiv.score.midi import midi_bytes, parse_midi


def file(pitch: int) -> bytes:
    return midi_bytes(Score((Part("flute", program=73, notes=make_notes([0], [480], [pitch])),)))


def test_files_come_back_in_order_and_bad_ones_say_why() -> None:
    good = {f"{pitch}.mid": file(pitch) for pitch in range(60, 72)}
    files = [*good.items()]
    files.insert(3, ("text.mid", b"not music"))
    files.insert(9, ("cut.mid", file(60)[:40]))
    found = list(batches.read_scores(iter(files)))
    assert [name for name, _ in found] == [name for name, _ in files]
    for name, score in found:
        if name in good:
            assert score == parse_midi(good[name])
        else:
            assert isinstance(score, ReadError)
            assert str(score).startswith(f"{name}: ")


def parse_or_crash(data: bytes) -> Score:
    """A parser that one file brings down."""
    if data == b"boom":
        os.abort()
    return parse_midi(data)


def test_a_crash_costs_the_file_that_caused_it(monkeypatch: pytest.MonkeyPatch) -> None:
    # The worker must find this module by name.
    monkeypatch.syspath_prepend(str(Path(__file__).parent))
    monkeypatch.setattr(parse_or_crash, "__module__", Path(__file__).stem)
    files = [("a.mid", file(60)), ("bad.mid", b"boom"), ("b.mid", file(61))]
    found = dict(batches.read_scores(files, parser=parse_or_crash, num_workers=1))
    assert isinstance(found["bad.mid"], ReadError)
    assert found["a.mid"] == parse_midi(file(60))
    assert found["b.mid"] == parse_midi(file(61))


def test_a_caller_may_stop_early() -> None:
    found = batches.read_scores((f"{n}.mid", file(60)) for n in range(1000))
    assert next(found)[0] == "0.mid"
    found.close()


def test_no_files_give_nothing() -> None:
    assert list(batches.read_scores([])) == []
