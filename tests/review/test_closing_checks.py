"""Pieces without a plan: where they end, and whether they arrive."""

from __future__ import annotations

from leitmotiv.review import Finding, review_score
from leitmotiv.score import Part, Score, TempoMap, make_notes

BAR = 1920
TONIC, DOMINANT, SECOND, SIXTH = (
    (48, 60, 64, 67),
    (43, 59, 62, 67),
    (50, 57, 62, 65),
    (45, 60, 64, 69),
)


def chords(*bars: tuple[int, ...]) -> Score:
    onset = [BAR * bar for bar, chord in enumerate(bars) for _ in chord]
    pitch = [note for chord in bars for note in chord]
    notes = make_notes(onset, [BAR] * len(pitch), pitch)
    return Score(parts=(Part("Piano", notes=notes),), tempo_map=TempoMap((0,), (60.0,)))


def cadences(score: Score, **options: object) -> list[Finding]:
    found = review_score(score, **options)  # type: ignore[arg-type]
    return [finding for finding in found if finding.check == "cadence"]


def test_a_piece_that_ends_at_home_is_closed() -> None:
    assert cadences(chords(*(TONIC, SIXTH, SECOND, DOMINANT) * 2, TONIC)) == []


def test_a_piece_that_stops_on_another_chord_is_not() -> None:
    score = chords(*(TONIC, DOMINANT, TONIC, DOMINANT, TONIC, SIXTH, TONIC, SECOND))
    (found,) = cadences(score)
    assert (found.severity, found.bar_index, found.pitch) == ("warning", 7, 50)
    assert "not over the tonic of C major" in found.message


def test_a_loop_and_a_passage_have_no_end() -> None:
    score = chords(*(TONIC, DOMINANT, TONIC, DOMINANT, TONIC, SIXTH, TONIC, SECOND))
    assert cadences(score, loop=(0, 8)) == []
    assert cadences(score, bars=(0, 4)) == []


def test_harmony_that_never_arrives() -> None:
    wandering = chords(*([TONIC, SIXTH] * 20), TONIC)
    assert any("no cadence between" in finding.message for finding in cadences(wandering))
    arriving = chords(*([TONIC, SIXTH, SECOND, DOMINANT] * 10), TONIC)
    assert cadences(arriving) == []
