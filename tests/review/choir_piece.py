"""A flawless four-bar choir piece and its plan, to be spoilt by the tests."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from leitmotiv.plan import Plan, PlanChord, PlanPart, PlanPhrase, PlanSection, PlanTempo
from leitmotiv.score import Part, Score, TempoMap, make_notes

BAR = 1920
CHORDS = ("C:maj", "C:maj", "F:maj", "F:maj", "G:maj", "G:maj", "C:maj", "C:maj")
# Half notes: soprano, alto, tenor and bass over C C | F F | G G | C C.
VOICES: dict[str, tuple[int, ...]] = {
    "Soprano": (76, 72, 69, 72, 71, 74, 72, 72),
    "Alto": (67, 67, 65, 65, 67, 67, 64, 67),
    "Tenor": (60, 60, 60, 60, 62, 59, 60, 64),
    "Bass": (48, 52, 53, 45, 43, 55, 48, 48),
}
ROLES = ("melody", "harmony", "harmony", "bass")


def choir_plan(*, genre: str = "choral", silent: tuple[int, ...] = ()) -> Plan:
    section = PlanSection(
        label="A",
        name="theme",
        start_bar_index=0,
        num_bars=4,
        key="C major",
        energy=0.5,
        texture="homophonic",
        phrases=(PlanPhrase(start_bar_index=0, num_bars=4, cadence="authentic"),),
        parts_silent=silent,
    )
    parts = [
        PlanPart(name=name, instrument="Choir Aahs", program=52, role=role, low=36, high=84)
        for name, role in zip(VOICES, ROLES, strict=True)
    ]
    chords = [
        PlanChord(bar_index=index // 2, half=index % 2, symbol=symbol)
        for index, symbol in enumerate(CHORDS)
    ]
    return Plan(
        title="Test",
        genre=genre,
        key="C major",
        meter="4/4",
        num_bars=4,
        tempos=(PlanTempo(bar_index=0, bpm=90),),
        sections=(section,),
        chords=tuple(chords),
        parts=tuple(parts),
    )


def voice(name: str, pitches: Sequence[int], role: str, *, program: int = 52) -> Part:
    onsets = [960 * index for index in range(len(pitches))]
    return Part(name, program, False, role, make_notes(onsets, [960] * len(pitches), pitches))


def choir_score(**changed: Sequence[int]) -> Score:
    """Return the piece, with other pitches for some voices."""
    parts = [
        voice(name, changed.get(name, pitches), role)
        for (name, pitches), role in zip(VOICES.items(), ROLES, strict=True)
    ]
    return Score(parts=tuple(parts), tempo_map=TempoMap((0,), (90.0,)), length_ticks=4 * BAR)


def with_notes(score: Score, index: int, notes: object) -> Score:
    return score.with_part(index, replace(score.parts[index], notes=notes))  # type: ignore[arg-type]
