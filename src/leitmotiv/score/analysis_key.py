"""Key finding by correlation with key profiles.

Purpose: name the key of a piece that does not state one.

Conventions: the durations of the twelve pitch classes over the whole piece, its opening and its
close are compared with a major and a minor profile on every tonic. Opening and close count extra,
because a piece is named for where it starts and ends and not for where it travels; the last bass
note tips the scale.

Public names: :func:`estimate_key`, :func:`pitched_notes`.

References
----------
C. L. Krumhansl, *Cognitive Foundations of Musical Pitch*, Oxford University Press 1990, chapter 4
(the method). C. S. Sapp, "Visual hierarchical key analysis", ACM Computers in Entertainment 3(4),
2005 (the profiles, chosen because they were the best of seven published sets on our corpus).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from leitmotiv.score.score import NOTE_DTYPE, Score
from leitmotiv.theory import TICKS_PER_QUARTER, Key, Mode, Spelling

__all__ = ["estimate_key", "pitched_notes"]

_MAJOR_PROFILE = (2.0, 0.0, 1.0, 0.0, 1.0, 1.0, 0.0, 2.0, 0.0, 1.0, 0.0, 1.0)
_MINOR_PROFILE = (2.0, 0.0, 1.0, 1.0, 0.0, 1.0, 0.0, 2.0, 1.0, 0.0, 0.5, 0.5)
_OPENING_WEIGHT, _CLOSE_WEIGHT = 1.0, 0.5
_FINAL_BASS_GAIN = 0.05  # in units of correlation: settles ties
_EDGE_BARS = 8  # opening and close: at most this many bars, and an eighth of the piece


def _unit_profiles() -> NDArray[np.float64]:
    """Return zero-mean unit-norm profiles, shape (24, 12): major on 0-11, then minor."""
    rolled = [np.roll(p, tonic) for p in (_MAJOR_PROFILE, _MINOR_PROFILE) for tonic in range(12)]
    profiles = np.asarray(rolled) - np.mean(rolled, axis=1, keepdims=True)
    return np.asarray(profiles / np.linalg.norm(profiles, axis=1, keepdims=True))


_PROFILES = _unit_profiles()


def pitched_notes(score: Score) -> NDArray[np.void]:
    """Return the notes of all parts but drums in one array of NOTE_DTYPE, sorted by onset."""
    arrays = [part.notes for part in score.parts if not part.is_drum and len(part.notes)]
    if not arrays:
        return np.zeros(0, NOTE_DTYPE)
    notes = np.concatenate(arrays)
    return np.asarray(notes[np.argsort(notes["onset"], kind="stable")])


def _share(notes: NDArray[np.void]) -> NDArray[np.float64]:
    """Return each pitch class's share of the sounding time, shape (12,)."""
    weights = np.bincount(notes["pitch"] % 12, notes["duration"].astype(np.float64), 12)
    return np.asarray(weights / max(weights.sum(), 1.0))


def estimate_key(score: Score) -> Key:
    """Estimate the key of a score from its notes.

    Returns
    -------
    Key
        Major or minor, spelled with the fewest accidentals. C major for a score without pitched
        notes.

    Examples
    --------
    >>> from leitmotiv.score import Part, make_notes
    >>> pitches = [62, 65, 69, 67, 65, 64, 62, 61, 62]
    >>> part = Part("tune", notes=make_notes(range(0, 4320, 480), [480] * 9, pitches))
    >>> str(estimate_key(Score(parts=(part,))))
    'D minor'
    """
    notes = pitched_notes(score)
    if not len(notes):
        return Key(Spelling("C"), Mode.MAJOR)
    bars = score.bar_ticks
    edge = int(np.clip(score.num_bars // 8, 1, _EDGE_BARS))
    opening = notes[notes["onset"] < bars[min(edge, len(bars) - 1)]]
    close = notes[notes["onset"] >= bars[max(len(bars) - 1 - edge, 0)]]
    share = _share(notes) + _OPENING_WEIGHT * _share(opening) + _CLOSE_WEIGHT * _share(close)
    centred = share - share.mean()
    fit = _PROFILES @ (centred / max(float(np.linalg.norm(centred)), 1e-9))
    end = notes["onset"] + notes["duration"]
    final_bass = int(notes["pitch"][end >= end.max() - TICKS_PER_QUARTER // 2].min())
    fit[[final_bass % 12, 12 + final_bass % 12]] += _FINAL_BASS_GAIN
    best = int(np.argmax(fit))
    mode = Mode.MAJOR if best < 12 else Mode.MINOR
    return Key(Spelling("C"), mode).transpose(best % 12)
