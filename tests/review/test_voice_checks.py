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


def test_a_part_that_leaves_the_key_alone_is_named_and_a_modulation_is_not() -> None:
    lines = {name: list(pitches) * 3 for name, pitches in VOICES.items()}
    scale = [72, 74, 76, 77, 79, 77, 76, 74] * 3
    lines["Soprano"] = [*scale[:8], 73, 75, 78, 80, *scale[12:]]
    stray = Score(parts=tuple(voice(name, line, "") for name, line in lines.items()))
    found = [f for f in named(review_score(stray), "key") if f.part_index is not None]
    assert [(f.part_index, f.bar_index) for f in found] == [(0, 4)]
    assert "alone" in found[0].message
    together = {name: [*p, *(q + 1 for q in p), *p] for name, p in VOICES.items()}
    moved = Score(parts=tuple(voice(name, line, "") for name, line in together.items()))
    assert not [f for f in named(review_score(moved), "key") if f.part_index is not None]


def test_leaps_of_parts_without_a_role_are_judged_by_the_player() -> None:
    def leaps(program: int, interval: int) -> list[str]:
        line = [55, 57, 55 + interval, 57, 55, 57, 59, 60]
        found = review_score(Score(parts=(voice("Line", line, "", program=program),)))
        return [finding.severity for finding in named(found, "large leap")]

    assert leaps(40, 16) == []
    assert leaps(40, 24) == ["note", "note"]
    assert leaps(40, 36) == ["warning", "warning"]
    assert leaps(52, 20) == ["warning", "warning"]  # a voice
