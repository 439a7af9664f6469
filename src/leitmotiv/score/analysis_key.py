"""Key finding by correlation with key profiles.

Purpose: name the key of a piece that does not state one.

Conventions: the durations of the twelve pitch classes over the whole piece, its opening and its
close are compared with a major and a minor profile on every tonic. Opening and close count extra,
because a piece is named for where it starts and ends and not for where it travels; the last bass
note tips the scale.

Public names: :func:`estimate_key`, :func:`key_fit`, :func:`key_weights`, :func:`pitched_notes`.

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

__all__ = ["estimate_key", "key_fit", "key_weights", "pitched_notes"]

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


def key_fit(weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """Correlate pitch class weights with the profile of every key.

    Parameters
    ----------
    weights : ndarray, shape (..., 12)
        Sounding time of each pitch class, any unit.

    Returns
    -------
    ndarray, shape (..., 24)
        -1 to 1: major keys on tonics 0-11, then minor keys; 0 where nothing sounds.
    """
    centred = weights - weights.mean(axis=-1, keepdims=True)
    norm = np.linalg.norm(centred, axis=-1, keepdims=True)
    return np.asarray(centred / np.maximum(norm, 1e-9) @ _PROFILES.T)


def key_weights(score: Score) -> tuple[NDArray[np.float64], int]:
    """Weigh the pitch classes of a score for finding its key.

    Returns
    -------
    weights : ndarray, shape (12,)
        Shares of the sounding time of the whole, the opening and the close, summed with weights;
        zeros without pitched notes.
    final_bass : int
        Pitch class of the lowest note that sounds at the end; -1 without pitched notes.
    """
    notes = pitched_notes(score)
    if not len(notes):
        return np.zeros(12), -1
    bars = score.bar_ticks
    edge = int(np.clip(score.num_bars // 8, 1, _EDGE_BARS))
    opening = notes[notes["onset"] < bars[min(edge, len(bars) - 1)]]
    close = notes[notes["onset"] >= bars[max(len(bars) - 1 - edge, 0)]]
    weights = _share(notes) + _OPENING_WEIGHT * _share(opening) + _CLOSE_WEIGHT * _share(close)
    end = notes["onset"] + notes["duration"]
    final_bass = int(notes["pitch"][end >= end.max() - TICKS_PER_QUARTER // 2].min()) % 12
    return weights, final_bass


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
    weights, final_bass = key_weights(score)
    fit = key_fit(weights)
    if final_bass >= 0:
        fit[[final_bass, 12 + final_bass]] += _FINAL_BASS_GAIN
    best = int(np.argmax(fit))  # C major where nothing sounds
    mode = Mode.MAJOR if best < 12 else Mode.MINOR
    return Key(Spelling("C"), mode).transpose(best % 12)
