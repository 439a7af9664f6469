"""Each check fires on its fault, at the right place, and stays silent on a clean piece."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from leitmotiv.plan import ThemePlacement
from leitmotiv.review import SCORE_CHECKS, Finding, review_score, score_badness
from leitmotiv.score import (
    ChordChange,
    KeyChange,
    MeterChange,
    Part,
    Score,
    TempoMap,
    make_notes,
)
from leitmotiv.theory import ChordSymbol, Key, Meter

from .choir_piece import BAR, VOICES, choir_plan, choir_score, voice, with_notes


def changed(name: str, index: int, pitch: int) -> dict[str, Sequence[int]]:
    pitches = list(VOICES[name])
    pitches[index] = pitch
    return {name: pitches}


def named(findings: Sequence[Finding], check: str) -> list[Finding]:
    return [finding for finding in findings if finding.check == check]


def test_a_clean_piece_has_no_findings() -> None:
    assert review_score(choir_score(), choir_plan()) == ()
    assert score_badness(()) == 0.0


def test_review_never_edits_and_gives_the_same_findings_again() -> None:
    score = choir_score(**changed("Soprano", 4, 73))
    before = [part.notes.copy() for part in score.parts]
    findings = review_score(score, choir_plan())
    assert findings == review_score(score, choir_plan())
    for part, notes in zip(score.parts, before, strict=True):
        assert np.array_equal(part.notes, notes)


def test_an_empty_score_is_an_error_and_breaks_no_check() -> None:
    empty = Score(length_ticks=4 * BAR)
    assert [f.message for f in review_score(empty)] == ["the score has no notes"]
    silent = choir_score(**dict.fromkeys(VOICES, ()))
    findings = review_score(silent, choir_plan())
    assert named(findings, "silence")[0].severity == "error"


@pytest.mark.parametrize(("pitch", "severity"), [(100, "note"), (104, "error")])
def test_range(pitch: int, severity: str) -> None:
    flute = Part("Flute", 73, notes=make_notes([0, BAR, 2 * BAR], [480] * 3, [72, pitch - 3, 72]))
    found = named(review_score(Score(parts=(flute,))), "range")
    where = [(f.severity, f.part_index, f.bar_index, f.tick, f.pitch) for f in found]
    assert where == [(severity, 0, 1, BAR, pitch - 3)]


def test_range_is_stricter_under_a_plan_and_milder_for_patches() -> None:
    high = choir_score(**changed("Soprano", 2, 82))
    assert [f.severity for f in named(review_score(high, choir_plan()), "range")] == ["warning"]
    assert [f.severity for f in named(review_score(high), "range")] == ["note"]


def test_under_its_lowest_string_a_violin_has_no_note() -> None:
    def violin(pitch: int) -> list[tuple[str, int | None]]:
        score = Score(
            parts=(Part("Violin", 40, notes=make_notes([0, 480], [480] * 2, [62, pitch])),)
        )
        return [(f.severity, f.pitch) for f in named(review_score(score), "range")]

    assert violin(55) == []
    assert violin(54) == [("warning", 54)]
    assert violin(98) == [("note", 98)]


def test_wrong_notes_near_each_other_are_one_finding() -> None:
    score = choir_score(Soprano=(76, 72, 82, 72, 82, 74, 72, 72))
    (found,) = named(review_score(score, choir_plan()), "range")
    assert "2 notes" in found.message
    assert "bars 2-3" in found.message


def test_planned_register_is_a_note() -> None:
    plan = choir_plan()
    parts = (plan.parts[0].model_copy(update={"low": 70}), *plan.parts[1:])
    found = named(review_score(choir_score(), plan.model_copy(update={"parts": parts})), "range")
    assert [(f.severity, f.bar_index) for f in found] == [("note", 1)]


def test_doubled_note() -> None:
    score = choir_score()
    notes = make_notes([0, 480], [1920, 1440], [60, 60])
    found = named(review_score(with_notes(score, 2, notes)), "doubled note")
    assert [(f.part_index, f.bar_index) for f in found] == [(2, 0)]


def test_legato_overlap_is_no_doubled_note() -> None:
    notes = make_notes([0, 960], [980, 960], [60, 60])
    assert not named(review_score(with_notes(choir_score(), 2, notes)), "doubled note")


def test_stuck_note() -> None:
    def held(bars: int) -> list[str]:
        part = Part("Pad", 89, notes=make_notes([0], [bars * BAR], [60]), role="pad")
        return [f.severity for f in named(review_score(Score(parts=(part,))), "stuck note")]

    assert (held(8), held(12), held(17)) == ([], ["warning"], ["error"])


def test_a_silent_bar_is_a_note_and_a_hole_an_error() -> None:
    def gapped(*bars: int) -> Score:
        onsets = [BAR * bar for bar in range(6) if bar not in bars]
        notes = make_notes(onsets, [BAR] * len(onsets), [60] * len(onsets))
        return Score(parts=(Part("Tune", notes=notes),), length_ticks=6 * BAR)

    def found(*bars: int) -> list[tuple[str, int | None]]:
        return [(f.severity, f.bar_index) for f in named(review_score(gapped(*bars)), "silence")]

    assert found() == []
    assert found(2) == [("note", 2)]
    assert found(2, 3) == [("warning", 2)]
    assert found(1, 2, 3, 4) == [("error", 1)]
    assert found(1, 3) == [("note", 1), ("note", 3)]


def test_a_plan_asks_for_no_silent_bars() -> None:
    late = choir_score(**dict.fromkeys(VOICES, ()))
    found = named(review_score(with_notes(late, 0, make_notes([0], [BAR], [72])), choir_plan()),
                  "silence")  # fmt: skip
    assert [(f.severity, f.bar_index) for f in found] == [("error", 1)]


def test_a_held_note_fills_its_bars() -> None:
    part = Part("Pad", 89, notes=make_notes([0], [4 * BAR], [60]))
    assert not named(review_score(Score(parts=(part,)), bars=(2, 4)), "silence")


def test_key() -> None:
    up = [pitch + 1 for pitch in VOICES["Soprano"]]
    found = named(review_score(choir_score(Soprano=up, Alto=up, Tenor=up), choir_plan()), "key")
    assert [(f.severity, f.bar_index) for f in found] == [("error", 0)]
    assert "C major" in found[0].message


def test_minor_key_owns_its_leading_tone() -> None:
    part = voice("Tune", [69, 68, 69, 66, 68, 69], "melody")
    score = Score(parts=(part,), keys=(KeyChange(0, Key.parse("A minor")),))
    assert not named(review_score(score), "key")


def test_strong_beat_dissonance() -> None:
    found = named(
        review_score(choir_score(**changed("Alto", 4, 72)), choir_plan()), "strong-beat dissonance"
    )
    assert [(f.part_index, f.bar_index) for f in found] == [(1, 2)]
    assert "C5 against G" in found[0].message


def test_a_dissonance_that_resolves_by_step_is_allowed() -> None:
    # A 4-3 suspension over G: C5 to B4.
    score = choir_score(Alto=(67, 67, 65, 69, 72, 71, 64, 67))
    assert not named(review_score(score, choir_plan()), "strong-beat dissonance")


def test_colourful_styles_take_the_ninth() -> None:
    score = choir_score(**changed("Alto", 6, 62))
    found = named(review_score(score, choir_plan()), "strong-beat dissonance")
    assert [f.bar_index for f in found] == [3]
    jazz = review_score(score, choir_plan(genre="jazz"))
    assert not named(jazz, "strong-beat dissonance")


def test_chords_of_the_score_serve_where_there_is_no_plan() -> None:
    score = choir_score(**changed("Alto", 4, 72))
    guessed = named(review_score(score), "strong-beat dissonance")
    assert [(f.severity, f.bar_index) for f in guessed] == [("note", 2)]  # G, from the notes
    score = replace(score, chords=(ChordChange(0, ChordSymbol.parse("C")),))
    score = replace(score, chords=(*score.chords, ChordChange(2 * BAR, ChordSymbol.parse("G"))))
    stated = named(review_score(score), "strong-beat dissonance")
    assert ("warning", 2) in [(f.severity, f.bar_index) for f in stated]


def test_rootless_voicings_are_no_dissonance_under_chord_symbols_that_are_sevenths() -> None:
    # A pianist's left hand over Dm7 and G7: the third, the seventh and the ninth or thirteenth.
    left = make_notes([0, 0, 0, BAR, BAR, BAR], [1920] * 6, [53, 60, 64, 53, 59, 64])
    bass = make_notes([0, BAR], [1920] * 2, [38, 43])
    parts = (Part("Left hand", notes=left, role="harmony"), Part("Bass", 32, False, "bass", bass))

    def found(*symbols: str) -> list[Finding]:
        chords = tuple(ChordChange(i * BAR, ChordSymbol.parse(s)) for i, s in enumerate(symbols))
        review = review_score(Score(parts=parts, chords=chords))
        return named(review, "strong-beat dissonance")

    assert found("D:min7", "G:7") == []
    assert [f.bar_index for f in found("D:min", "G:maj")] == [0, 1]


def test_a_piece_that_modulates_is_not_foreign_to_its_key() -> None:
    def scale(tonic: int) -> list[int]:
        return [tonic + step for step in (0, 4, 7, 12, 11, 7, 5, 4, 2, 7, 5, 2, 0, 4, 7, 0)] * 2

    pitches = scale(60) + scale(66)  # eight bars of C major, eight of F sharp major
    part = Part("Tune", notes=make_notes(range(0, 64 * 480, 480), [480] * 64, pitches))
    assert not named(review_score(Score(parts=(part,))), "key")


def test_semitone_clash() -> None:
    found = named(
        review_score(choir_score(**changed("Alto", 4, 72)), choir_plan()), "semitone clash"
    )
    assert [(f.severity, f.bar_index) for f in found] == [("warning", 2)]


def test_a_major_seventh_chord_is_no_clash() -> None:
    plan = choir_plan()
    chords = tuple(c.model_copy(update={"symbol": "C:maj7"}) for c in plan.chords)
    parts = [
        voice(name, [pitch] * 8, "") for name, pitch in zip(VOICES, (72, 71, 64, 48), strict=True)
    ]
    score = Score(parts=tuple(parts), length_ticks=4 * BAR)
    assert not named(
        review_score(score, plan.model_copy(update={"chords": chords})), "semitone clash"
    )


def test_cadence_in_the_bass_and_in_the_melody() -> None:
    wrong_bass = choir_score(Bass=(48, 52, 53, 45, 43, 55, 45, 45))
    found = named(review_score(wrong_bass, choir_plan()), "cadence")
    assert [(f.severity, f.part_index, f.bar_index) for f in found] == [("error", 3, 3)]
    inverted = choir_score(Bass=(48, 52, 53, 45, 43, 55, 52, 52))
    assert [f.severity for f in named(review_score(inverted, choir_plan()), "cadence")] == [
        "warning"
    ]
    wrong_tune = choir_score(Soprano=(76, 72, 69, 72, 74, 71, 74, 74))
    found = named(review_score(wrong_tune, choir_plan()), "cadence")
    assert [(f.severity, f.part_index) for f in found] == [("error", 0)]


def test_a_broken_chord_closes_on_its_lowest_note() -> None:
    score = choir_score(Bass=(48, 52, 53, 45, 43, 55, 48, 52))
    plan = choir_plan()
    assert named(review_score(score, plan), "cadence")  # a bass line has to stay
    left_hand = plan.parts[3].model_copy(update={"role": "harmony"})
    plan = plan.model_copy(update={"parts": (*plan.parts[:3], left_hand)})
    assert not [f for f in named(review_score(score, plan), "cadence") if f.part_index == 3]


def test_parallel_octaves_and_fifths_only_where_the_style_minds() -> None:
    octaves = choir_score(
        Soprano=(76, 72, 77, 69, 67, 71, 72, 72), Bass=(48, 52, 53, 45, 43, 55, 48, 48)
    )
    found = named(review_score(octaves, choir_plan()), "parallel octaves")
    outer = [(f.severity, f.bar_index) for f in found if "Soprano and Bass" in f.message]
    assert outer == [("warning", 1), ("warning", 2)]
    assert not named(review_score(octaves, choir_plan(genre="rock")), "parallel octaves")
    fifths = choir_score(
        Soprano=(76, 72, 72, 74, 76, 71, 72, 72), Bass=(48, 52, 53, 55, 57, 55, 48, 48)
    )
    found = named(review_score(fifths, choir_plan()), "parallel fifths")
    assert [f.bar_index for f in found if f.severity == "warning"] == [1, 2]


def test_octave_doubling_is_no_fault() -> None:
    tune = (60, 62, 64, 65, 67, 65, 64, 60)
    score = choir_score(Soprano=[pitch + 12 for pitch in tune], Bass=[pitch - 12 for pitch in tune])
    found = named(review_score(score, choir_plan()), "parallel octaves")
    assert not [f for f in found if "Soprano and Bass" in f.message]


def test_voice_crossing() -> None:
    found = named(
        review_score(choir_score(**changed("Bass", 2, 77)), choir_plan()), "voice crossing"
    )
    assert [(f.part_index, f.bar_index) for f in found] == [(3, 1)]


def test_large_leaps() -> None:
    tune = voice("Tune", [60, 73, 60, 79, 67, 67], "melody", program=0)
    found = named(review_score(Score(parts=(tune,))), "large leap")
    assert [f.severity for f in found] == ["note", "note", "warning"]


def test_a_lone_high_note_in_a_part_of_chords_is_noted() -> None:
    onset = [240 * k for k in range(64) for _ in (0, 1)]
    pitch = [p for k in range(64) for p in (52, 64 + k % 5)]
    chords = make_notes(onset, [240] * 128, pitch)
    clean = Score(parts=(Part("Piano", 0, notes=chords),))
    assert not named(review_score(clean), "large leap")
    spoilt = chords.copy()
    top = np.flatnonzero((spoilt["onset"] == 240 * 30) & (spoilt["pitch"] > 60))[0]
    spoilt["pitch"][top] += 19
    found = named(review_score(Score(parts=(Part("Piano", 0, notes=spoilt),))), "large leap")
    assert [(f.severity, f.bar_index, f.tick) for f in found] == [("note", 3, 7200)]
    # A part that jumps up there all the time means it.
    often = chords.copy()
    often["pitch"][(often["onset"] % 960 == 480) & (often["pitch"] > 60)] += 19
    assert not named(review_score(Score(parts=(Part("Piano", 0, notes=often),))), "large leap")


def test_a_leap_over_a_rest_is_free() -> None:
    notes = make_notes([0, 1920], [480, 480], [60, 84])
    score = Score(parts=(Part("Tune", 0, role="melody", notes=notes),))
    assert not named(review_score(score), "large leap")


def test_chords_on_one_voiced_and_bowed_instruments() -> None:
    chord = make_notes([0, 0, 0], [960] * 3, [62, 64, 76])
    low = make_notes([0, 0], [960] * 2, [55, 57])  # both on the lowest string
    assert named(review_score(Score(parts=(Part("", 40, notes=low),))), "unplayable chord")
    rolled = make_notes([0, 0, 0], [960] * 3, [55, 62, 71])
    assert not named(review_score(Score(parts=(Part("", 40, notes=rolled),))), "unplayable chord")
    chord = make_notes([0, 0, 0], [960] * 3, [58, 60, 76])
    for program, count in ((73, 1), (56, 1), (40, 1), (0, 0), (48, 0)):
        score = Score(parts=(Part("", program, notes=chord),))
        assert len(named(review_score(score), "unplayable chord")) == count
    double_stop = Score(parts=(Part("", 40, notes=rolled[1:]),))
    assert not named(review_score(double_stop), "unplayable chord")
    section = Score(parts=(Part("Trumpets", 56, notes=chord),))
    assert not named(review_score(section), "unplayable chord")


def test_winds_must_breathe() -> None:
    def flute(gap: int) -> Score:
        onsets = range(0, 480 * 80, 480)
        notes = make_notes(onsets, [480 - gap] * 80, [72, 74, 76, 77] * 20)
        return Score(parts=(Part("Flute", 73, role="melody", notes=notes),), tempo_map=TempoMap())

    assert [f.severity for f in named(review_score(flute(0)), "breath")] == ["warning"]
    assert not named(review_score(flute(120)), "breath")


def test_a_phrase_that_runs_on_is_noted() -> None:
    plan = choir_plan()
    phrases = tuple(
        plan.sections[0].phrases[0].model_copy(update={"start_bar_index": bar, "num_bars": 2})
        for bar in (0, 2)
    )
    section = plan.sections[0].model_copy(update={"phrases": phrases})
    plan = plan.model_copy(update={"sections": (section,)})
    score = choir_score()
    eighths = make_notes(range(0, 4 * BAR, 240), [240] * 32, [72, 74] * 16)
    found = named(review_score(with_notes(score, 0, eighths), plan), "breath")
    assert [(f.severity, f.bar_index) for f in found] == [("note", 1)]
    assert not named(review_score(score, plan), "breath")


def test_monotony_needs_more_than_four_equal_bars() -> None:
    def tune(bars: int) -> Score:
        notes = make_notes(range(0, bars * BAR, 480), [480] * 4 * bars, [60, 62, 64, 62] * bars)
        return Score(parts=(Part("Tune", role="melody", notes=notes),))

    assert not named(review_score(tune(4)), "monotony")
    assert [f.bar_index for f in named(review_score(tune(5)), "monotony")] == [0]


def test_plan_mismatches_are_errors() -> None:
    plan = choir_plan()
    longer = replace(choir_score(), length_ticks=6 * BAR)
    assert "6 bars, the plan 4" in named(review_score(longer, plan), "plan")[0].message
    waltz = replace(choir_score(), meters=(MeterChange(0, Meter(3, 4)),))
    assert any("3/4" in f.message for f in named(review_score(waltz, plan), "plan"))
    fewer = choir_score().with_parts(choir_score().parts[:3])
    assert any("3 parts" in f.message for f in named(review_score(fewer, plan), "plan"))
    other = choir_score().with_part(0, replace(choir_score().parts[0], program=40))
    assert [f.part_index for f in named(review_score(other, plan), "plan")] == [0]


def test_rests_against_the_plan() -> None:
    found = named(review_score(choir_score(), choir_plan(silent=(1,))), "rests")
    assert [f.part_index for f in found] == [1]
    missing = choir_score(Tenor=())
    assert [f.part_index for f in named(review_score(missing, choir_plan()), "rests")] == [2]


def test_a_missing_theme_is_an_error() -> None:
    plan = choir_plan()
    placement = ThemePlacement(bar_index=0, num_bars=2, part_index=0, transform="statement")
    plan = plan.model_copy(update={"placements": (placement,)})
    assert not named(review_score(choir_score(), plan), "theme")
    late = with_notes(choir_score(), 0, make_notes([2 * BAR], [BAR], [72]))
    assert [f.severity for f in named(review_score(late, plan), "theme")] == ["error"]


def test_a_window_of_bars_sees_only_its_own_faults() -> None:
    score = choir_score(**changed("Soprano", 7, 96))
    assert named(review_score(score, choir_plan(), bars=(3, 4)), "range")
    assert review_score(score, choir_plan(), bars=(0, 3)) == ()


def test_humanised_onsets_read_like_written_ones(rng: np.random.Generator) -> None:
    score = choir_score()
    for index, part in enumerate(score.parts):
        notes = part.notes.copy()
        notes["onset"] = np.maximum(notes["onset"] + rng.integers(-18, 19, len(notes)), 0)
        notes["duration"] -= 40
        score = with_notes(score, index, notes)
    score = replace(score, length_ticks=4 * BAR)
    assert review_score(score, choir_plan()) == ()


def test_drums_are_left_out_of_harmony() -> None:
    drums = Part(
        "Drums", is_drum=True, notes=make_notes(range(0, 4 * BAR, 240), 32 * [60], 32 * [37])
    )
    score = Score(parts=(*choir_score().parts, drums), length_ticks=4 * BAR)
    assert not named(review_score(score), "semitone clash")
    assert not named(review_score(score), "range")


def test_badness_ranks_errors_over_warnings_over_notes() -> None:
    one = {s: score_badness([Finding("range", s, "")]) for s in ("note", "warning", "error")}  # type: ignore[arg-type]
    assert 0 < one["note"] < one["warning"] < one["error"]


def test_every_check_has_a_sentence() -> None:
    for check in SCORE_CHECKS:
        assert (check.__doc__ or "").startswith("Yield ")


def test_random_scores_break_no_check(rng: np.random.Generator) -> None:
    for _ in range(20):
        parts = []
        for index in range(int(rng.integers(1, 6))):
            count = int(rng.integers(0, 60))
            notes = make_notes(
                rng.integers(0, 4 * BAR, count),
                rng.integers(1, 9000, count),
                rng.integers(0, 128, count),
            )
            role = str(rng.choice(["melody", "bass", "harmony", ""]))
            parts.append(
                Part(f"P{index}", int(rng.integers(128)), bool(rng.random() < 0.2), role, notes)
            )
        score = Score(parts=tuple(parts))
        for finding in review_score(score, choir_plan()):
            assert finding.bar_index is None or 0 <= finding.bar_index < max(score.num_bars, 1)
