"""Score to stems: names, lengths, determinism, errors."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from leitmotiv.errors import RenderError
from leitmotiv.instruments import RenderOptions, render_stems
from leitmotiv.score.score import Part, Score, make_notes

OPTIONS = RenderOptions(engine="modelled", tail_sec=0.5)


@pytest.fixture
def score() -> Score:
    notes = make_notes([0, 480, 960], [480, 480, 480], [60, 64, 67])
    return Score(
        (
            Part("violin", 40, notes=notes),
            Part("violin", 40, notes=notes),
            Part("piano", 0),
            Part("drums", 0, True, notes=make_notes([0, 960], [240, 240], [36, 38])),
        )
    )


def test_one_stem_a_part_with_its_own_name(score: Score) -> None:
    stems = render_stems(score, options=OPTIONS, rng=np.random.default_rng(0))
    assert stems.names == ("violin", "violin 2", "piano", "drums")
    assert stems.num_samples == int((score.duration_sec + 0.5) * 48_000)
    assert [bool(audio.any()) for audio in stems.audio] == [True, True, False, True]


def test_two_players_of_one_line_are_not_one(score: Score) -> None:
    stems = render_stems(score, options=OPTIONS, rng=np.random.default_rng(0))
    assert not np.array_equal(stems.audio[0], stems.audio[1])


def test_the_same_seed_gives_the_same_stems(score: Score) -> None:
    first = render_stems(score, options=OPTIONS, rng=np.random.default_rng(3))
    second = render_stems(score, options=OPTIONS, rng=np.random.default_rng(3))
    for one, other in zip(first.audio, second.audio, strict=True):
        np.testing.assert_array_equal(one, other)


def test_progress_ends_at_one(score: Score) -> None:
    calls: list[tuple[float, str]] = []
    render_stems(
        score,
        options=OPTIONS,
        rng=np.random.default_rng(0),
        progress=lambda share, name: calls.append((share, name)),
    )
    assert [share for share, _ in calls] == [0.25, 0.5, 0.75, 1.0]
    assert {name for _, name in calls} == {"violin", "violin 2", "piano", "drums"}


def test_a_score_without_parts_has_no_stems() -> None:
    assert render_stems(Score(), options=OPTIONS, rng=np.random.default_rng(0)).names == ()


def test_other_sample_rates(score: Score) -> None:
    options = RenderOptions(engine="modelled", sample_rate=22_050, tail_sec=0.0)
    stems = render_stems(score, options=options, rng=np.random.default_rng(0))
    assert stems.sample_rate == 22_050
    assert np.isfinite(stems.audio[0]).all()


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"engine": "magic"}, "engine='magic' must be one of"),
        ({"sample_rate": 10}, "sample_rate=10 must be"),
        ({"tail_sec": -1.0}, "tail_sec=-1 must be"),
    ],
)
def test_options_out_of_range_are_named(values: dict[str, object], message: str) -> None:
    with pytest.raises(RenderError, match=message):
        RenderOptions(**values)  # type: ignore[arg-type]


def test_a_missing_soundfont_is_named(score: Score, tmp_path: Path) -> None:
    options = RenderOptions(soundfont=tmp_path / "none.sf2")
    with pytest.raises(RenderError, match=r"none\.sf2' is not a file"):
        render_stems(score, options=options, rng=np.random.default_rng(0))


def test_a_score_that_is_too_long_is_refused() -> None:
    long = Score((Part("flute", 73, notes=make_notes([480 * 8000], [480], [72])),))
    with pytest.raises(RenderError, match="must be at most 3600 s"):
        render_stems(long, options=OPTIONS, rng=np.random.default_rng(0))
