"""The picture of a review: a mark where each finding is."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from leitmotiv.errors import ReleaseError
from leitmotiv.release import draw_review, ranked_findings
from leitmotiv.review import Finding
from leitmotiv.score import Part, Score, make_notes

RED, ORANGE = (193, 18, 31), (224, 122, 0)


def piece() -> Score:
    notes = make_notes(range(0, 8 * 1920, 480), [480] * 32, [60, 64, 67, 72] * 8)
    drums = make_notes([0, 480], [60, 60], [36, 38])
    return Score(parts=(Part("Tune", notes=notes), Part("Drums", is_drum=True, notes=drums)))


def pixels(path: Path) -> np.ndarray:
    with Image.open(path) as image:
        assert image.size == (1600, 900)
        return np.asarray(image.convert("RGB")).astype(int)


def coloured(image: np.ndarray, colour: tuple[int, int, int]) -> np.ndarray:
    """Columns and rows of the pixels of a colour inside the roll."""
    near = (np.abs(image - np.asarray(colour)).sum(axis=2) < 40)[:, :1180]
    return np.argwhere(near)


def test_marks_stand_at_bar_and_pitch(tmp_path: Path) -> None:
    def centre(bar: int, pitch: int) -> np.ndarray:
        finding = Finding("range", "error", "x", 0, bar, 1920 * bar, pitch)
        path = draw_review(piece(), [finding], tmp_path / f"{bar}-{pitch}.png")
        return np.asarray(coloured(pixels(path), RED).mean(axis=0))

    low, high, later = centre(1, 60), centre(1, 72), centre(6, 60)
    assert high[0] < low[0] - 50  # rows count downwards
    assert later[1] > low[1] + 400
    assert later[0] == pytest.approx(low[0], abs=6)


def test_a_clean_review_has_no_marks(tmp_path: Path) -> None:
    image = pixels(draw_review(piece(), [], tmp_path / "clean.png"))
    assert not len(coloured(image, RED))


def test_findings_of_everybody_and_of_drums_stand_on_the_edge(tmp_path: Path) -> None:
    for part in (None, 1):
        finding = Finding("silence", "error", "x", part, 2)
        image = pixels(draw_review(piece(), [finding], tmp_path / f"{part}.png"))
        marks = coloured(image, RED)
        assert len(marks)
        assert marks[:, 0].mean() < 300


def test_more_findings_than_fit_and_odd_places_are_drawn(tmp_path: Path) -> None:
    found = [Finding("range", "note", "word " * 30, 0, bar % 8, None, 60) for bar in range(90)]
    found += [Finding("x", "warning", "$x_1$ no mathematics", 9, 99), Finding("y", "error", "")]
    assert draw_review(piece(), found, tmp_path / "many.png").is_file()
    assert draw_review(Score(), found, tmp_path / "empty.png").is_file()


def test_the_worst_come_first_then_by_bar() -> None:
    found = [Finding("a", "note", "", None, 0), Finding("b", "warning", "", None, 5),
             Finding("c", "warning", "", None, 2), Finding("d", "error", "", None, 7)]  # fmt: skip
    assert [finding.check for finding in ranked_findings(found)] == ["d", "c", "b", "a"]


def test_a_folder_that_does_not_exist_is_a_one_line_error(tmp_path: Path) -> None:
    with pytest.raises(ReleaseError, match="cannot write"):
        draw_review(piece(), [], tmp_path / "none" / "x.png")


def test_a_message_in_letters_that_the_font_lacks_is_drawn_all_the_same(tmp_path: Path) -> None:
    finding = Finding("originality", "note", "9 notes are also in 試曲 by $x_1$", 0, 1)
    assert draw_review(piece(), [finding], tmp_path / "x.png").is_file()
