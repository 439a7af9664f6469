"""The chorales benchmark: floors are distributions, passages are four honest voices."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"


def load(name: str, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    try:
        return importlib.import_module(name)
    finally:
        sys.modules.pop(name, None)


def chorales(rng: np.random.Generator) -> list[np.ndarray]:
    steps = rng.integers(-2, 3, (3, 40, 4)) * (rng.random((3, 40, 4)) < 0.3)
    return list(np.array([70, 64, 58, 48]) + np.cumsum(steps, axis=1))


@pytest.mark.parametrize("floor", ["unigram_floor", "bigram_floor"])
def test_the_probabilities_of_a_floor_sum_to_one(
    floor: str, rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("torch")
    jsb = load("jsb", monkeypatch)
    train, piece = chorales(rng), chorales(rng)[0][:7]
    total = 0.0
    for symbol in range(jsb.NUM_SYMBOLS):
        asked = piece.copy()
        asked[-1] = -1 if symbol == 0 else symbol - 1 + jsb.LOWEST_PITCH
        total = total + np.exp(getattr(jsb, floor)(train, [asked])[-1])
    np.testing.assert_allclose(total, 1.0, atol=1e-9)


def test_a_folder_without_the_data_is_refused_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("torch")
    jsb = load("jsb", monkeypatch)
    with pytest.raises(SystemExit, match=r"no Jsb16thSeparated.json there"):
        jsb.read_chorales(tmp_path)


def part(onset: list[int], pitch: list[int], duration: int) -> np.ndarray:
    notes = np.zeros(len(onset), dtype=[("onset", int), ("pitch", int), ("duration", int)])
    notes["onset"], notes["pitch"], notes["duration"] = onset, pitch, duration
    return notes


def test_parts_become_frames_by_height_and_half_notes_become_quarters(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    jsb_extra = load("jsb_extra", monkeypatch)
    onset = [960 * i for i in range(24)]
    parts = [part(onset, [p + i % 3 for i in range(24)], 960) for p in (48, 72, 60, 67)]
    (frames,) = jsb_extra.passages(parts)
    assert frames.shape == (24 * 4, 4)
    assert frames[4].tolist() == [73, 68, 61, 49]


def test_passages_with_fewer_than_three_voices_are_cut_away(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    jsb_extra = load("jsb_extra", monkeypatch)
    frames = np.full((200, 4), 60)
    frames[90:110, :2] = -1
    assert jsb_extra.full_texture(frames) == [(0, 90), (108, 200)]


def test_pieces_that_quote_a_chorale_are_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    jsb_extra = load("jsb_extra", monkeypatch)
    entry = {
        "source": "open_hymnal",
        "tier": "A",
        "jsb_overlap": None,
        "n_tracks": 4,
        "programs": [52] * 4,
    }
    assert jsb_extra.wanted(entry)
    for split in ("train", "valid", "test"):
        assert not jsb_extra.wanted(entry | {"jsb_overlap": split})
