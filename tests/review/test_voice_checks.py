"""Leading tones, crossings and habits of a pair of voices."""

from __future__ import annotations

from leitmotiv.review import Finding, review_score
from leitmotiv.score import Score

from .choir_piece import BAR, VOICES, choir_plan, choir_score, voice


def named(found: tuple[Finding, ...], check: str) -> list[Finding]:
    return [finding for finding in found if finding.check == check]


def test_the_leading_tone_goes_home() -> None:
    resolved = choir_score(Soprano=(76, 72, 69, 72, 74, 71, 72, 72))
    assert not named(review_score(resolved, choir_plan()), "leading tone")
    left = choir_score(Soprano=(76, 72, 69, 72, 74, 71, 79, 72))
    (found,) = named(review_score(left, choir_plan()), "leading tone")
    assert (found.bar_index, found.pitch, found.tick) == (2, 71, 2 * BAR + 960)


def test_other_styles_may_leave_it() -> None:
    left = choir_score(Soprano=(76, 72, 69, 72, 74, 71, 79, 72))
    assert not named(review_score(left, choir_plan(genre="rock")), "leading tone")


def test_voices_that_stay_crossed_are_named() -> None:
    def crossed(tenor: list[int]) -> list[Finding]:
        lines = {name: list(pitches) * 3 for name, pitches in VOICES.items()}
        lines["Tenor"] = tenor + list(VOICES["Tenor"]) * 2
        score = Score(parts=tuple(voice(name, line, "") for name, line in lines.items()))
        found = named(review_score(score), "voice crossing")
        return [finding for finding in found if finding.severity == "note"]

    (found,) = crossed([60, 72, 72, 72, 71, 71, 60, 64])
    assert (found.part_index, found.bar_index, found.tick, found.pitch) == (2, 0, 960, 72)
    assert "10 beats" in found.message
    assert crossed([60, 60, 60, 72, 62, 59, 60, 64]) == []


def test_a_habit_is_named_once_where_no_plan_says_otherwise() -> None:
    tune = [60, 64, 62, 65, 64, 67, 65, 69] * 4
    names = ("Soprano", "Alto", "Bass")
    lines = ([p + 12 for p in tune], [67] * 32, [p - 7 for p in tune])  # fifths throughout
    parts = [voice(name, line, "") for name, line in zip(names, lines, strict=True)]
    found = named(review_score(Score(parts=tuple(parts))), "parallel fifths")
    assert len(found) == 1
    assert "times, first in bar 1" in found[0].message
