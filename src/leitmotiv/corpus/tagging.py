"""Tags by analysis: what a score is, read off its notes.

Purpose: every piece of a library carries the terms in which a brief and a plan speak, so that a
model can be steered by them and a person can search by them.

Conventions: ``bars`` are half-open ranges of bar indices from 0; chords are named as in a score
(``C:maj7/3``, ``N``), two a bar; densities are onsets a quarter. The result is plain JSON.

Public names: :func:`tag_score`, :data:`TAGS_VERSION`.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from leitmotiv.corpus.moods import MOOD_FORMULA, MoodCues, estimate_mood
from leitmotiv.score import Part, Score
from leitmotiv.score.analysis import (
    chords_per_half_bar,
    estimate_key,
    pitched_notes,
    repeated_sections,
)
from leitmotiv.theory import TICKS_PER_QUARTER
from leitmotiv.tokens import tags

__all__ = ["TAGS_VERSION", "tag_score"]

TAGS_VERSION = 1


def _part_tags(score: Score) -> list[dict[str, Any]]:
    """Register, density, polyphony and role of every part."""
    count = np.asarray([len(part.notes) for part in score.parts], dtype=np.int64)
    onsets = np.asarray([len(np.unique(part.notes["onset"])) for part in score.parts])
    mean = np.asarray(
        [part.notes["pitch"].mean() if len(part.notes) else 0 for part in score.parts]
    )
    drums = np.asarray([part.is_drum for part in score.parts], dtype=bool)
    guessed = tags.guess_roles(mean, count / np.maximum(onsets, 1), onsets, drums)
    quarters = max(score.length_ticks / TICKS_PER_QUARTER, 1e-9)
    rows = []
    for index, part in enumerate(score.parts):
        role = part.role or (tags.ROLES[guessed[index] - 1] if guessed[index] else "")
        rows.append(
            {
                "name": part.name,
                "program": "drums" if part.is_drum else part.program,
                "role": role,
                "register": _register(part),
                "density": round(float(onsets[index] / quarters), 2),
                "notes_per_onset": round(float(count[index] / max(onsets[index], 1)), 2),
            }
        )
    return rows


def _register(part: Part) -> list[int] | None:
    """Return low, mean and high pitch; None for drums and silent parts."""
    if part.is_drum or not len(part.notes):
        return None
    pitch = part.notes["pitch"]
    return [int(pitch.min()), round(float(pitch.mean())), int(pitch.max())]


def _meters(score: Score) -> list[dict[str, Any]]:
    starts = [int(score.bar_index_at(change.tick)) for change in score.meters]
    ends = [*starts[1:], score.num_bars]
    return [
        {"bars": [start, end], "meter": str(change.meter)}
        for start, end, change in zip(starts, ends, score.meters, strict=True)
        if end > start
    ]


def _sections(score: Score) -> list[dict[str, Any]]:
    """Sections with the bars that an earlier one of the same letter stands in."""
    marks = repeated_sections(score)
    starts = [int(score.bar_index_at(mark.tick)) for mark in marks]
    first: dict[str, int] = {}
    rows = []
    for mark, (start, end) in zip(marks, pairwise([*starts, score.num_bars]), strict=True):
        letter = mark.label.rstrip("'")
        row: dict[str, Any] = {"bars": [start, end], "label": mark.label}
        if letter in first:
            row["repeats_bar"] = first[letter]
        first.setdefault(letter, start)
        rows.append(row)
    return rows


def tag_score(score: Score, *, genre: str | None = None) -> dict[str, Any]:
    """Describe a score in the terms of a brief and a plan.

    Parameters
    ----------
    score : Score
        With upbeats aligned (see :func:`leitmotiv.score.analysis.align_bars`).
    genre : str or None
        What the source says.

    Returns
    -------
    dict
        JSON-able.

    Examples
    --------
    >>> from leitmotiv.score import make_notes
    >>> scale = make_notes(range(0, 3840, 480), [480] * 8, [60, 62, 64, 65, 67, 69, 71, 72])
    >>> found = tag_score(Score(parts=(Part("Flute", program=73, notes=scale),)), genre="folk")
    >>> found["key"], found["meters"], found["parts"][0]["role"]
    ('C major', [{'bars': [0, 2], 'meter': '4/4'}], 'melody')
    """
    notes = pitched_notes(score)
    key = estimate_key(score) if len(notes) else None
    qpm: NDArray[np.float64] = np.asarray(score.tempo_map.qpm, dtype=np.float64)
    cues = MoodCues(
        major_share=None if key is None else float(not key.mode.is_minor_like),
        bpm=float(qpm[0]),
        mean_pitch=float(np.average(notes["pitch"], weights=notes["duration"]))
        if len(notes)
        else None,
    )
    valence, arousal = estimate_mood(cues)
    return {
        "version": TAGS_VERSION,
        "key": None if key is None else str(key),
        "meters": _meters(score),
        "tempo": {"qpm": round(float(qpm[0]), 2), "lowest": float(qpm.min())},
        "chords": [str(change.chord) for change in chords_per_half_bar(score)],
        "sections": _sections(score),
        "parts": _part_tags(score),
        "mood": {"valence": valence, "arousal": arousal, "formula": MOOD_FORMULA},
        "genre": {"name": genre, "source": "stated"} if genre else None,
    }
