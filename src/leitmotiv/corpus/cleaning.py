"""Which pieces no one should learn from, and which are the same piece twice.

Conventions: a reason is a short sentence for the library; a fingerprint is 32 hex digits.

Public names: :func:`reason_to_quarantine`, :func:`fingerprint`.
"""

from __future__ import annotations

import hashlib

import numpy as np
from numpy.typing import NDArray

from leitmotiv.score import Score

__all__ = ["fingerprint", "reason_to_quarantine"]

MIN_NOTES = 8
MAX_BARS = 9_999
MAX_PARTS = 128
MAX_NOTES_PER_QUARTER = 400.0
MAX_QUARTERS_PER_NOTE = 64.0
_DRUMS = 1024  # where drum keys stand beside pitches


def reason_to_quarantine(score: Score) -> str | None:
    """Return why a score cannot be music to learn from; None where nothing speaks against it.

    Examples
    --------
    >>> from leitmotiv.score import Part, make_notes
    >>> reason_to_quarantine(Score(parts=(Part("Flute", notes=make_notes([0], [480], [60])),)))
    'only 1 note; 8 are the least'
    >>> scale = make_notes(range(0, 3840, 480), [480] * 8, range(60, 68))
    >>> reason_to_quarantine(Score(parts=(Part("Flute", notes=scale),))) is None
    True
    """
    count = score.num_notes
    if count == 0:
        return "empty: no notes"
    if count < MIN_NOTES:
        return f"only {count} note{'s' if count > 1 else ''}; {MIN_NOTES} are the least"
    onsets = np.concatenate([part.notes["onset"] for part in score.parts])
    if onsets.min() == onsets.max():
        return f"all {count} notes start at tick {int(onsets.min())}"
    if score.num_bars > MAX_BARS:
        return f"{score.num_bars} bars; {MAX_BARS} are the most"
    sounding = sum(1 for part in score.parts if len(part.notes))
    if sounding > MAX_PARTS:
        return f"{sounding} parts; {MAX_PARTS} are the most"
    quarters = max(int(onsets.max() - onsets.min()), 1) / 480
    if count / quarters > MAX_NOTES_PER_QUARTER:
        return f"{count / quarters:.0f} notes a quarter; {MAX_NOTES_PER_QUARTER:.0f} are the most"
    if quarters / count > MAX_QUARTERS_PER_NOTE:
        return f"a note only every {quarters / count:.0f} quarters"
    pitched = [part.notes["pitch"] for part in score.parts if not part.is_drum and len(part.notes)]
    if pitched:
        pitches = np.concatenate(pitched)
        if len(pitches) == count and pitches.min() == pitches.max():
            return f"all {count} notes are of pitch {int(pitches[0])}"
    return None


_PITCHES = 2048  # more than any pitch or drum key, so that a pair fits one whole number


def _sounding(score: Score) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Onsets in ticks and pitches (drum keys from 1024) of all notes, sorted, each pair once."""
    pairs = [np.zeros(0, np.int64)]
    for part in score.parts:
        pitches = part.notes["pitch"].astype(np.int64) + _DRUMS * part.is_drum
        pairs.append(part.notes["onset"].astype(np.int64) * _PITCHES + pitches)
    both = np.unique(np.concatenate(pairs))
    return both // _PITCHES, both % _PITCHES


def fingerprint(score: Score) -> str:
    """Return a hash that pieces with the same notes share, up to transposition and tempo.

    What counts is the order of the pitch sets, relative to the lowest pitch of the first, and the
    time between them in ratios to its median, rounded to powers of two: so a piece written in
    other note values, at another resolution or in another tempo keeps its fingerprint, and a
    piece with another rhythm gets another one. Velocities, durations and the division into
    parts do not count. A score without notes gives the hash of nothing.

    Examples
    --------
    >>> from leitmotiv.score import Part, make_notes
    >>> def line(step, first):
    ...     notes = make_notes(range(0, 4 * step, step), [step] * 4, range(first, first + 4))
    ...     return Score(parts=(Part("Flute", notes=notes),))
    >>> fingerprint(line(480, 60)) == fingerprint(line(240, 67))
    True
    """
    onsets, pitches = _sounding(score)
    if not len(onsets):
        return hashlib.sha256(b"").hexdigest()[:32]
    gaps = np.diff(onsets)
    steps = np.sort(gaps[gaps > 0])
    unit = int(steps[(len(steps) - 1) // 2]) if len(steps) else 1
    # Rounding to ticks pulls notes of one chord apart by a tick or two in a scaled copy.
    starts = np.concatenate([[True], gaps > unit / 16])
    group = np.cumsum(starts) - 1
    first = onsets[starts]
    ratio = np.log2(np.maximum(np.diff(first), 1) / unit)
    rhythm = np.concatenate([[0], np.floor(ratio + 0.5)]).astype(np.int64)
    both = np.unique(group * _PITCHES + pitches)
    group, pitches = both // _PITCHES, both % _PITCHES
    melodic = pitches < _DRUMS
    if melodic.any():
        pitches = np.where(melodic, pitches - pitches[melodic][0], pitches)
    table = np.stack([group, pitches, rhythm[group]], axis=1)
    return hashlib.sha256(table.astype("<i4").tobytes()).hexdigest()[:32]
