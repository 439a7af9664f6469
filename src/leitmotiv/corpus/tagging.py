"""Tags by analysis: what a score is, read off its notes.

Purpose: every piece of a library carries the terms in which a brief and a plan speak, so that a
model can be steered by them and a person can search by them.

Conventions: ``bars`` are half-open ranges of bar indices from 0; chords are named as in a score
(``C:maj7/3``, ``N``), two a bar; densities are notes or onsets a quarter. The result is plain
JSON. What the source states (genre, tempo, key signature, part roles) stands; the rest is
estimated.

Public names: :func:`tag_score`, :data:`TAGS_VERSION`.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from leitmotiv.corpus.genre_classifier import guess_genre
from leitmotiv.corpus.moods import MOOD_FORMULA, MoodCues, estimate_mood
from leitmotiv.corpus.textures import describe_parts, describe_passages
from leitmotiv.score import ChordChange, Score
from leitmotiv.score.analysis import chords_per_half_bar, pitched_notes, repeated_sections
from leitmotiv.score.analysis_passages import home_key, key_passages
from leitmotiv.score.analysis_phrases import melody_line, phrase_end_bars
from leitmotiv.theory import TICKS_PER_QUARTER, ChordSymbol, Key

__all__ = ["TAGS_VERSION", "tag_score"]

TAGS_VERSION = 1
_MIN_VELOCITIES = 3  # fewer different ones say nothing about dynamics


def tag_score(
    score: Score, *, genre: str | None = None, tempo_known: bool | None = None
) -> dict[str, Any]:
    """Describe a score in the terms of a brief and a plan.

    Parameters
    ----------
    score : Score
        With upbeats aligned (see :func:`leitmotiv.score.analysis.align_bars`).
    genre : str or None
        What the source says; None has it guessed.
    tempo_known : bool or None
        Whether the tempo is the source's own. None: yes, unless it is the 120 that a file without
        a tempo has. An unknown tempo says nothing about the mood.

    Returns
    -------
    dict
        JSON-able: ``key`` (home key), ``key_lead`` (how much better it fits than the next,
        in units of correlation), ``keys`` (passages with ``bars`` and ``key``), ``meters``,
        ``tempo`` (``qpm`` at the start, ``lowest``, ``highest``, ``known``), ``chords`` (two a
        bar),
        ``sections`` (``bars``, ``label``, ``repeats_bar`` of the first with that letter,
        ``texture``, ``density``, ``register``), ``phrase_end_bars``, ``parts`` (``role``,
        ``register``, ``density`` ...), ``density`` (notes a quarter), ``register``, ``mood``
        (``valence``, ``arousal``, ``formula``), ``genre`` (``name``, ``source``,
        ``probability`` where guessed).

    Examples
    --------
    >>> from leitmotiv.score import Part, make_notes
    >>> scale = make_notes(range(0, 3840, 480), [480] * 8, [60, 62, 64, 65, 67, 69, 71, 72])
    >>> found = tag_score(Score(parts=(Part("Flute", program=73, notes=scale),)), genre="folk")
    >>> found["key"], found["meters"], found["parts"][0]["role"]
    ('C major', [{'bars': [0, 2], 'meter': '4/4'}], 'melody')
    """
    home = home_key(score)
    passages = key_passages(score, home[0]) if home else []
    chords = chords_per_half_bar(score)
    parts = describe_parts(score)
    if tempo_known is None:
        tempo_known = score.tempo_map.qpm != (120.0,)
    whole = describe_passages(score, [(0, score.num_bars)])[0] if score.num_bars else {}
    sections = _sections(score)
    melody = next((i for i, row in enumerate(parts) if row["role"] == "melody"), None)
    ends = [] if melody is None else phrase_end_bars(score, score.parts[melody])
    valence, arousal = estimate_mood(_cues(score, passages, chords, tempo_known=tempo_known))
    found: dict[str, Any] = {
        "version": TAGS_VERSION,
        "key": str(home[0]) if home else None,
        "key_lead": home[1] if home else None,
        "keys": [{"bars": [start, end], "key": str(key)} for start, end, key in passages],
        "meters": _meters(score),
        "tempo": {
            "qpm": round(score.tempo_map.qpm[0], 2),
            "lowest": round(min(score.tempo_map.qpm), 2),
            "highest": round(max(score.tempo_map.qpm), 2),
            "known": tempo_known,
        },
        "chords": _names(chords),
        "sections": sections,
        "phrase_end_bars": ends,
        "parts": parts,
        "density": whole.get("density", 0.0),
        "register": whole.get("register"),
        "texture": whole.get("texture", "sparse"),
        "mood": {"valence": valence, "arousal": arousal, "formula": MOOD_FORMULA},
    }
    if genre is not None:
        found["genre"] = {"name": genre, "source": "stated"}
    else:
        name, probability = guess_genre(score, found)
        found["genre"] = {"name": name, "source": "guessed", "probability": probability}
    return found


def _names(chords: Sequence[ChordChange]) -> list[str]:
    """Names of chords; the same few objects come back often."""
    known: dict[int, str] = {}
    return [known.setdefault(id(change.chord), str(change.chord)) for change in chords]


def _meters(score: Score) -> list[dict[str, Any]]:
    starts = [int(score.bar_index_at(change.tick)) for change in score.meters]
    ends = [*starts[1:], score.num_bars]
    return [
        {"bars": [start, end], "meter": str(change.meter)}
        for start, end, change in zip(starts, ends, score.meters, strict=True)
        if end > start
    ]


def _sections(score: Score) -> list[dict[str, Any]]:
    """Sections with the first bar of the first that carries the same letter."""
    marks = repeated_sections(score)
    starts = [int(score.bar_index_at(mark.tick)) for mark in marks]
    ranges = list(pairwise([*starts, score.num_bars]))
    first: dict[str, int] = {}
    rows = []
    described = describe_passages(score, ranges)
    for mark, (start, end), texture in zip(marks, ranges, described, strict=True):
        letter = mark.label.rstrip("'")
        row: dict[str, Any] = {"bars": [start, end], "label": mark.label}
        if letter in first:
            row["repeats_bar"] = first[letter]
        first.setdefault(letter, start)
        rows.append({**row, **texture})
    return rows


def _cues(
    score: Score,
    passages: Sequence[tuple[int, int, Key]],
    chords: Sequence[ChordChange],
    *,
    tempo_known: bool,
) -> MoodCues:
    """Read what the mood formula listens to."""
    notes = pitched_notes(score)
    if not len(notes):
        return MoodCues()
    major = sum(end - start for start, end, key in passages if not key.mode.is_minor_like)
    beat_quarters = score.meters[0].meter.beat_ticks / TICKS_PER_QUARTER
    velocities = np.unique(notes["velocity"])
    duration_sec = max(score.duration_sec, 1e-3)
    return MoodCues(
        major_share=major / max(score.num_bars, 1),
        bpm=score.tempo_map.qpm[0] / beat_quarters if tempo_known else None,
        mean_pitch=float(np.average(notes["pitch"], weights=notes["duration"])),
        mean_velocity=float(notes["velocity"].mean())
        if len(velocities) >= _MIN_VELOCITIES
        else None,
        notes_per_sec=(int((np.diff(notes["onset"]) > 0).sum()) + 1) / duration_sec
        if tempo_known
        else None,
        legato=_legato(score),
        dissonance=_dissonance(score, chords),
    )


def _legato(score: Score) -> float | None:
    """Share of the time from onset to onset that the top line of each part sounds."""
    sounding = total = 0
    longest = 2 * score.meters[0].meter.bar_ticks  # a longer gap is a rest of the part
    for part in score.parts:
        if part.is_drum or len(part.notes) < 2:
            continue
        onset, end, _ = melody_line(part)
        gap = np.diff(onset)
        kept = gap <= longest
        sounding += int(np.minimum(end[:-1] - onset[:-1], gap)[kept].sum())
        total += int(gap[kept].sum())
    return sounding / total if total else None


def _dissonance(score: Score, chords: Sequence[ChordChange]) -> float | None:
    """Share of the sounding time outside the chord of the half bar in which a note starts."""
    notes = pitched_notes(score)
    inside: dict[ChordSymbol, int] = {}
    ticks = np.asarray([change.tick for change in chords])
    rows = [inside.setdefault(change.chord, len(inside)) for change in chords]
    table = np.zeros((len(inside), 12), dtype=bool)
    for chord, row in inside.items():
        table[row, list(chord.pitch_classes)] = True
    half = np.searchsorted(ticks, notes["onset"], side="right") - 1
    consonant = table[np.asarray(rows)[half], notes["pitch"] % 12]
    total = float(notes["duration"].sum())
    return float(notes["duration"][~consonant].sum()) / total if total else None
