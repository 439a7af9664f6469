"""The picture of a report: a strip of bars under the roll, and whom they repeat."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from leitmotiv.errors import ReleaseError
from leitmotiv.release import draw_originality
from leitmotiv.review.fragment_index import Band, IndexedPiece
from leitmotiv.review.originality import BarOrigin, Level, NearestPiece, OriginalityReport
from leitmotiv.score import Part, Score, make_notes

RED, ORANGE = (193, 18, 31), (240, 166, 60)
PIECE = IndexedPiece("a", "Air $1 für Ännchen 試", "Ann", "PD", "demo", "Ann")


def score(num_parts: int = 2) -> Score:
    notes = make_notes(range(0, 8 * 1920, 480), [480] * 32, [60, 64, 67, 72] * 8)
    return Score(parts=tuple(Part(f"Part {n}", notes=notes) for n in range(num_parts)))


def report(*bars: tuple[int, int, Level], nearest: int = 1) -> OriginalityReport:
    return OriginalityReport(
        num_bars=8,
        bars=tuple(BarOrigin(bar, part, 20, PIECE, level) for bar, part, level in bars),
        nearest=tuple(NearestPiece(PIECE, 20, 0, 1, 4, 25, 3.0) for _ in range(nearest)),
        longest_notes=20 if bars else 0,
        known_share=0.2,
        num_fragments=40,
        band=Band(100, piece_notes={"0.5": 12, "0.9": 18, "0.95": 21, "0.99": 30}),
    )


def places(path: Path, colour: tuple[int, int, int]) -> np.ndarray:
    """Rows and columns of a colour left of the list."""
    with Image.open(path) as image:
        assert image.size == (1600, 900)
        pixels = np.asarray(image.convert("RGB")).astype(int)[:, :1180]
    return np.argwhere(np.abs(pixels - np.asarray(colour)).sum(axis=2) < 12)


def test_each_shared_bar_is_a_cell_of_its_colour_under_its_bar(tmp_path: Path) -> None:
    def centre(bar: int, part: int) -> np.ndarray:
        path = draw_originality(score(), report((bar, part, "beyond")), tmp_path / "x.png")
        found = places(path, RED)
        assert len(found) > 500
        return np.asarray(found.mean(axis=0))

    early, late = centre(1, 0), centre(6, 0)
    assert early[0] > 600, "under the roll"
    assert late[1] - early[1] == pytest.approx(5 / 8 * (0.735 - 0.042) * 1600, abs=8)
    both = draw_originality(
        score(), report((1, 0, "beyond"), (1, 1, "much")), tmp_path / "both.png"
    )
    assert places(both, RED)[:, 0].mean() < places(both, ORANGE)[:, 0].mean(), "parts in order"


def test_where_nothing_is_shared_there_is_no_strip(tmp_path: Path) -> None:
    path = draw_originality(score(), report(nearest=0), tmp_path / "own.png")
    assert not len(places(path, RED))
    empty = draw_originality(Score(parts=()), report(nearest=0), tmp_path / "empty.png")
    assert empty.is_file()


def test_many_parts_and_pieces_fit(tmp_path: Path) -> None:
    bars = [(bar, part, "beyond") for bar in range(8) for part in range(14)]
    path = draw_originality(score(14), report(*bars, nearest=30), tmp_path / "many.png")
    assert len(places(path, RED)) > 5000


def test_a_folder_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(ReleaseError, match="choose another folder"):
        draw_originality(score(), report(), tmp_path / "none" / "x.png")
