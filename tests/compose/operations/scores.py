"""Small hand-made pieces for tests of the operations."""

from __future__ import annotations

from leitmotiv.score import KeyChange, MeterChange, Part, Score, TempoMap, make_notes
from leitmotiv.theory import Key, Meter

# One root a bar in G major; the tune is sung over it.
ROOTS = (43, 48, 50, 43, 40, 45, 50, 43)
TUNE = (
    ((71, 480), (74, 480), (71, 480), (67, 480)),
    ((72, 960), (76, 480), (74, 480)),
    ((69, 480), (72, 480), (74, 480), (66, 480)),
    ((67, 1920),),
    ((71, 480), (72, 480), (71, 960)),
    ((69, 480), (72, 480), (76, 480), (72, 480)),
    ((74, 960), (72, 480), (69, 480)),
    ((67, 1920),),
)
_THIRDS = {43: (59, 62), 48: (60, 64), 50: (60, 66), 40: (59, 64), 45: (60, 64)}


def tune_part(*, early: int = 0) -> Part:
    """The tune, eight bars of 4/4; ``early`` ticks before the grid, as a player might be."""
    onset, duration, pitch = [], [], []
    for bar, notes in enumerate(TUNE):
        tick = 1920 * bar
        for note, length in notes:
            onset.append(max(tick - early, 0))
            duration.append(length - 7)
            pitch.append(note)
            tick += length
    return Part("Tune", 73, notes=make_notes(onset, duration, pitch, 83))


def song(*, repeats: int = 1, early: int = 0) -> Score:
    """Tune, broken chords and bass in G major, eight bars a repeat."""
    chords_on, chords_pitch, bass_on, bass_pitch = [], [], [], []
    for bar, root in enumerate(ROOTS):
        for beat in (1, 2, 3):
            for pitch in _THIRDS[root]:
                chords_on.append(1920 * bar + 480 * beat + 3)
                chords_pitch.append(pitch)
        bass_on += [1920 * bar, 1920 * bar + 960]
        bass_pitch += [root, root]
    parts = (
        tune_part(early=early),
        Part("Guitar", 24, notes=make_notes(chords_on, [410] * len(chords_on), chords_pitch, 61)),
        Part("Bass", 32, notes=make_notes(bass_on, [900] * len(bass_on), bass_pitch, 70)),
    )
    if repeats > 1:
        parts = tuple(
            part.with_notes(
                make_notes(
                    [int(t) + 15360 * k for k in range(repeats) for t in part.notes["onset"]],
                    part.notes["duration"].tolist() * repeats,
                    part.notes["pitch"].tolist() * repeats,
                    part.notes["velocity"].tolist() * repeats,
                )
            )
            for part in parts
        )
    return Score(
        parts=parts,
        tempo_map=TempoMap((0,), (96.0,)),
        meters=(MeterChange(0, Meter(4, 4)),),
        keys=(KeyChange(0, Key.parse("G major")),),
        title="Song",
        length_ticks=15360 * repeats,
    )
