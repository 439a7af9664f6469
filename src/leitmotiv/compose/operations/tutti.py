"""Tutti: what a full orchestra adds when a piece reaches its height.

Purpose: nine written parts that all play are not yet a climax. As in the scores, the sound grows by
doubling and by register: an oboe joins the tune, bassoons the bass, trombones fill the harmony, a
tuba deepens it, flutes and violins take the tune up an octave, cymbals and bass drum mark the goal.

Conventions: a section's *share* is its place among the sections, 0 to 1. Doublings take time,
length and loudness from what they double; all notes added or moved here are of origin STYLE or
THEME, and no note of origin HUMAN is moved.

Public names: :func:`tutti`, :data:`TUTTI_PLAYERS`.

References
----------
N. Rimsky-Korsakov, *Principles of Orchestration*, ch. II-III (melody in octaves, tutti).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from leitmotiv.compose.harmony_spans import merged_spans
from leitmotiv.compose.voicing import voice_chord
from leitmotiv.plan import Plan
from leitmotiv.score import NOTE_DTYPE, Origin, Part, Score, make_notes

__all__ = ["TUTTI_PLAYERS", "tutti"]

# name, General MIDI program, range, share from which it plays
TUTTI_PLAYERS: tuple[tuple[str, int, int, int, float], ...] = (
    ("Oboe", 68, 58, 88, 0.45),
    ("Bassoons", 70, 34, 65, 0.45),
    ("Trombones", 57, 43, 69, 0.6),
    ("Tuba", 58, 28, 55, 0.75),
)
_PERCUSSION_SHARE, _OCTAVE_SHARE = 0.6, 0.7
_HIGHEST = {73: 96, 40: 96, 48: 96, 49: 96}  # flutes and violins, in a tutti
_CRASH, _BASS_DRUM = 49, 36
_BRASS = range(56, 64)


def tutti(score: Score, plan: Plan) -> Score:
    """Orchestrate the growth of a score that was composed from a plan.

    Parameters
    ----------
    score : Score
    plan : Plan
        With the score's parts in the same order; its sections grow.

    Returns
    -------
    Score
        The same length. The tune climbs by an octave towards the end where its player can; an
        orchestra (one with brass and eight parts) is joined by further players and percussion.
    """
    if len(plan.sections) < 2:
        return score
    share = np.zeros(plan.num_bars)
    for index, section in enumerate(plan.sections):
        bars = slice(section.start_bar_index, section.end_bar_index)
        share[bars] = index / (len(plan.sections) - 1)
    leads = _leads(plan)
    tune = _tune(score, plan, leads)
    low = _bass(score, plan)
    raised = _raised(score, plan, leads, share)
    brass = sum(part.program in _BRASS and not part.is_drum for part in plan.parts)
    if not brass or plan.num_parts < 8:
        return raised
    parts = list(raised.parts)
    for index, part in enumerate(parts):
        if part.program == 73 and not part.is_drum:
            parts[index] = _over_the_tune(part, index, tune, plan, leads, share)
    loud = _loudness(score, plan)
    for name, program, bottom, top, since in TUTTI_PLAYERS:
        if name == "Trombones":
            notes = _chords(plan, bottom, top, share >= since, loud)
        else:
            source = tune if name == "Oboe" else low
            shift = -12 if name == "Tuba" else 0
            bar = source["onset"] // plan.bar_ticks
            notes = _moved(source[share[bar] >= since], shift, bottom, top)
        parts.append(Part(name, program, False, "pad" if name == "Trombones" else "", notes))
    parts.append(Part("Percussion", 48, True, "drums", _strokes(plan, share)))
    return raised.with_parts(parts)


def _leads(plan: Plan) -> NDArray[np.int64]:
    """The part that has the theme in each bar, else the one whose task the melody is."""
    usual = next((i for i, part in enumerate(plan.parts) if part.role == "melody"), 0)
    leads = np.full(plan.num_bars, usual, dtype=np.int64)
    for placement in plan.placements:
        stop = placement.bar_index + placement.num_bars
        leads[placement.bar_index : stop] = placement.part_index
    return leads


def _bar(notes: NDArray[np.void], plan: Plan) -> NDArray[np.int64]:
    return np.asarray(np.minimum(notes["onset"] // plan.bar_ticks, plan.num_bars - 1))


def _top(notes: NDArray[np.void]) -> NDArray[np.void]:
    """The highest note of each onset, cut where the next one begins."""
    order = np.lexsort((notes["pitch"], notes["onset"]))
    notes = notes[order].copy()
    if not len(notes):
        return notes
    line = notes[np.append(notes["onset"][1:] != notes["onset"][:-1], True)]
    gaps = np.append(np.diff(line["onset"]), np.iinfo(np.int32).max)
    line["duration"] = np.minimum(line["duration"], gaps)
    return np.asarray(line)


def _tune(score: Score, plan: Plan, leads: NDArray[np.int64]) -> NDArray[np.void]:
    pieces = [np.zeros(0, dtype=NOTE_DTYPE)]
    for part in np.unique(leads).tolist():
        notes = score.parts[part].notes
        pieces.append(_top(notes[leads[_bar(notes, plan)] == part]))
    tune = np.concatenate(pieces)
    return np.asarray(tune[np.argsort(tune["onset"], kind="stable")])


def _bass(score: Score, plan: Plan) -> NDArray[np.void]:
    """The line of the players whose task the bass is, the highest of them: cellos, not basses."""
    low = [i for i, p in enumerate(plan.parts) if p.role == "bass" and p.program != 47]
    if not low:
        return np.zeros(0, dtype=NOTE_DTYPE)
    part = max(low, key=lambda i: plan.parts[i].low + plan.parts[i].high)
    return _top(score.parts[part].notes)


def _moved(notes: NDArray[np.void], shift: int, bottom: int, top: int) -> NDArray[np.void]:
    """A line for another player: by octaves into the range, of origin STYLE."""
    notes = notes.copy()
    pitch = notes["pitch"].astype(np.int64) + shift
    pitch += 12 * np.maximum(-(-(bottom - pitch) // 12), 0)
    pitch -= 12 * np.maximum(-(-(pitch - top) // 12), 0)
    notes["pitch"], notes["origin"] = pitch, Origin.STYLE
    return notes


def _raised(
    score: Score, plan: Plan, leads: NDArray[np.int64], share: NDArray[np.float64]
) -> Score:
    """The tune an octave higher towards the end, section by section, where it stays playable."""
    for part in np.unique(leads).tolist():
        entry, notes = plan.parts[part], score.parts[part].notes.copy()
        ceiling = max(_HIGHEST.get(entry.program, 0), entry.high)
        bar = _bar(notes, plan)
        for section in plan.sections:
            first, stop = section.start_bar_index, section.end_bar_index
            here = (bar >= first) & (bar < stop) & (leads[bar] == part)
            here &= notes["origin"] != Origin.HUMAN
            if share[first] < _OCTAVE_SHARE or not here.any():
                continue
            if int(notes["pitch"][here].max()) + 12 <= ceiling:
                notes["pitch"][here] += 12
        score = score.with_part(part, score.parts[part].with_notes(notes))
    return score


def _over_the_tune(
    part: Part,
    index: int,
    tune: NDArray[np.void],
    plan: Plan,
    leads: NDArray[np.int64],
    share: NDArray[np.float64],
) -> Part:
    """Flutes leave their own line for the tune in the upper octave."""
    bar, theirs = _bar(part.notes, plan), _bar(tune, plan)
    keep = (share[bar] < _OCTAVE_SHARE) | (leads[bar] == index)
    double = tune[(share[theirs] >= _OCTAVE_SHARE) & (leads[theirs] != index)]
    double = double[double["pitch"] + 12 <= _HIGHEST[73]]
    return part.with_notes(np.concatenate([part.notes[keep], _moved(double, 12, 60, 96)]))


def _loudness(score: Score, plan: Plan) -> NDArray[np.float64]:
    notes = np.concatenate([part.notes for part in score.parts])
    bar = _bar(notes, plan)
    total = np.bincount(bar, notes["velocity"].astype(float), plan.num_bars)
    count = np.bincount(bar, minlength=plan.num_bars)
    return np.where(count > 0, total / np.maximum(count, 1), 80.0)


def _chords(
    plan: Plan, bottom: int, top: int, plays: NDArray[np.bool_], loud: NDArray[np.float64]
) -> NDArray[np.void]:
    """Held harmony in three voices."""
    rows: list[tuple[int, int, int, int]] = []
    previous: tuple[int, ...] | None = None
    for span in merged_spans(plan, max_bars=1):
        if span.chord.is_none or not plays[span.bar_index]:
            continue
        pitches = voice_chord(
            span.chord,
            span.key,
            kind="open",
            num_voices=3,
            low=bottom,
            high=top,
            center=55.0,
            previous=previous,
        )
        previous = pitches or previous
        velocity = int(np.clip(loud[span.bar_index] - 6, 1, 127))
        rows += [(span.start, span.duration, pitch, velocity) for pitch in pitches]
    return make_notes(
        [row[0] for row in rows],
        [row[1] for row in rows],
        [row[2] for row in rows],
        [row[3] for row in rows],
        origin=Origin.STYLE,
    )


def _strokes(plan: Plan, share: NDArray[np.float64]) -> NDArray[np.void]:
    """Cymbals and bass drum where a section begins; at the height, every second bar the drum."""
    onset, pitch, velocity = [], [], []
    starts = {section.start_bar_index for section in plan.sections}
    for bar in range(plan.num_bars):
        loud = round(60 + 55 * float(share[bar]))
        if share[bar] < _PERCUSSION_SHARE:
            continue
        tick = bar * plan.bar_ticks
        if bar in starts or bar == plan.num_bars - 1:
            onset += [tick, tick]
            pitch += [_BASS_DRUM, _CRASH]
            velocity += [min(loud + 5, 120), loud]
        elif share[bar] > 0.85 and bar % 2 == 0:
            onset.append(tick)
            pitch.append(_BASS_DRUM)
            velocity.append(loud)
    return make_notes(onset, [480] * len(onset), pitch, velocity, origin=Origin.STYLE)
