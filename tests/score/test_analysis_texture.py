"""Texture: heights, thickness and density of each bar, blind to drums."""

from __future__ import annotations

import numpy as np

from leitmotiv.score import Part, Score, TempoMap, make_notes
from leitmotiv.score.analysis import TEXTURE_FEATURES, bar_texture

TOP, MIDDLE, BOTTOM, THICKNESS, DENSITY = range(5)


def line(shift: int = 0, *, extra: bool = False) -> Score:
    pitches = [60, 64, 72, 76, 48, 52, 60, 64]
    onsets = [480 * k for k in range(8)]
    if extra:
        onsets, pitches = [*onsets, 1920, 1920], [*pitches, 40, 80]
    notes = make_notes(onsets, [480] * len(onsets), [p + shift for p in pitches])
    return Score((Part("Piano", 0, notes=notes),))


def test_the_order_of_columns_is_published() -> None:
    assert bar_texture(line()).shape == (2, len(TEXTURE_FEATURES))


def test_transposition_moves_heights_alone() -> None:
    change = bar_texture(line(6)) - bar_texture(line())
    np.testing.assert_allclose(change[:, [TOP, MIDDLE, BOTTOM]], 0.5)
    np.testing.assert_array_equal(change[:, [THICKNESS, DENSITY]], 0.0)


def test_more_notes_at_once_are_thicker_wider_and_no_denser() -> None:
    plain, thick = bar_texture(line()), bar_texture(line(extra=True))
    step = lambda table, column: table[1, column] - table[0, column]  # noqa: E731
    assert step(thick, THICKNESS) > step(plain, THICKNESS)
    assert step(thick, TOP) > step(plain, TOP)
    assert step(thick, BOTTOM) < step(plain, BOTTOM)
    assert step(thick, DENSITY) == step(plain, DENSITY)


def test_drums_are_not_heard_and_silence_has_no_texture() -> None:
    drums = make_notes([0, 120, 240, 1920], [60] * 4, [36, 38, 42, 49])
    score = line()
    with_drums = score.with_parts([*score.parts, Part("Drums", 0, True, "drums", drums)])
    np.testing.assert_array_equal(bar_texture(score), bar_texture(with_drums))
    late = score.parts[0].notes.copy()
    late["onset"][4:] += 1920  # the second bar is empty now
    table = bar_texture(Score((Part("Piano", 0, notes=late),)))
    assert np.isnan(table[1]).all()
    assert np.isfinite(table[[0, 2]]).all()


def test_density_is_of_seconds_not_of_bars() -> None:
    fast = Score(line().parts, TempoMap((0,), (240.0,)))
    change = bar_texture(fast) - bar_texture(Score(line().parts, TempoMap((0,), (120.0,))))
    np.testing.assert_allclose(change[:, DENSITY], 1.0)


def test_nothing_has_no_texture() -> None:
    assert bar_texture(Score(())).shape[1] == 5
