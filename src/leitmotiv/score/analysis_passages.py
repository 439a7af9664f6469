"""Keys of a piece: the home key with its mode, and the keys of its passages.

Purpose: what key, where. Key signatures are used where a score has them, for a signature is a
human's word; the tonic and the mode are read off the notes.

Conventions: passages are half-open ranges of bars; the first starts at bar 0 and the last ends with
the piece. Passages are in major or minor, or in the home key where that is a church mode.

Public names: :func:`home_key`, :func:`key_passages`.

References
----------
C. L. Krumhansl, *Cognitive Foundations of Musical Pitch*, 1990, chapter 4 (profiles compared by
correlation). D. Temperley, *The Cognition of Basic Musical Structures*, MIT Press 2001, chapter 7
(passages as the best path, with a price for each change of key).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from leitmotiv.score.analysis_key import key_fit, key_weights, pitched_notes
from leitmotiv.score.score import Score
from leitmotiv.theory import Key, Mode, Spelling

__all__ = ["home_key", "key_passages"]

_CHURCH_MODES: tuple[tuple[Mode, tuple[float, ...]], ...] = (
    (Mode.DORIAN, (2.0, 0.0, 1.0, 1.0, 0.0, 1.0, 0.0, 2.0, 0.0, 1.0, 1.0, 0.0)),
    (Mode.MIXOLYDIAN, (2.0, 0.0, 1.0, 0.0, 1.0, 1.0, 0.0, 2.0, 0.0, 1.0, 1.0, 0.0)),
    (Mode.LYDIAN, (2.0, 0.0, 1.0, 0.0, 1.0, 0.0, 1.0, 2.0, 0.0, 1.0, 0.0, 1.0)),
    (Mode.PHRYGIAN, (2.0, 1.0, 0.0, 1.0, 0.0, 1.0, 0.0, 2.0, 1.0, 0.0, 1.0, 0.0)),
)
_MODES = (Mode.MAJOR, Mode.MINOR, *(mode for mode, _ in _CHURCH_MODES))
# Set on half of 4,000 transcribed tunes whose ABC names key and mode; the other half is in the
# benchmark. In units of correlation.
_MODE_PRICE = (0.0, 0.0, 0.12, 0.12, 0.18, 0.18)
_SIGNATURE_GAIN = 0.15
_FINAL_BASS_GAIN = 0.1
# A signature without accidentals at the start is also what programs write that know none.
_NO_SIGNATURE_GAIN = 0.08

_KERNEL = (0.5, 1.0, 0.5)  # bars around the one looked at
_CHANGE_PRICE = 0.5
_HOME_GAIN = 0.08


def _church_profiles() -> NDArray[np.float64]:
    """Zero-mean unit-norm profiles, shape (48, 12)."""
    rolled = np.asarray([np.roll(row, tonic) for _, row in _CHURCH_MODES for tonic in range(12)])
    centred = rolled - rolled.mean(axis=1, keepdims=True)
    return np.asarray(centred / np.linalg.norm(centred, axis=1, keepdims=True))


_CHURCH_PROFILES = _church_profiles()
_KEYS = tuple(Key(Spelling("C"), mode).transpose(tonic) for mode in _MODES for tonic in range(12))
_FIFTHS = np.asarray([key.fifths % 12 for key in _KEYS])
_PRICES = np.repeat(_MODE_PRICE, 12)


def _signature_gain(fifths: int) -> NDArray[np.float64]:
    """Gain of every candidate key under a signature, shape (72,)."""
    gain = _SIGNATURE_GAIN if fifths else _NO_SIGNATURE_GAIN
    return np.asarray(gain * (fifths % 12 == _FIFTHS))


def home_key(score: Score) -> tuple[Key, float] | None:
    """Return the key a piece is in and how much better it fits than the next best.

    Returns
    -------
    tuple of Key and float, or None
        Major, minor or a church mode; the lead in units of correlation (below 0.05 is a toss-up).
        None where nothing pitched sounds.

    Examples
    --------
    >>> from leitmotiv.score import Part, make_notes
    >>> pitches = [62, 69, 71, 72, 74, 72, 71, 69, 67, 71, 69, 65, 62]
    >>> notes = make_notes(range(0, 13 * 480, 480), [480] * 13, pitches)
    >>> str(home_key(Score(parts=(Part("tune", notes=notes),)))[0])
    'D dorian'
    """
    weights, final_bass = key_weights(score)
    if final_bass < 0:
        return None
    centred = weights - weights.mean()
    church = _CHURCH_PROFILES @ (centred / max(float(np.linalg.norm(centred)), 1e-9))
    fit = np.concatenate([key_fit(weights), church]) - _PRICES
    fit[final_bass::12] += _FINAL_BASS_GAIN
    if score.keys and score.keys[0].tick == 0:
        fit += _signature_gain(score.keys[0].key.fifths)
    first, second = np.argsort(-fit, kind="stable")[:2]
    return _KEYS[first], round(float(fit[first] - fit[second]), 3)


def _bar_weights(score: Score) -> NDArray[np.float64]:
    """Sounding time of each pitch class in and around each bar, shape (bars, 12)."""
    notes, bars = pitched_notes(score), score.bar_ticks
    bar = score.bar_index_at(notes["onset"])
    length = np.minimum(notes["duration"], bars[bar + 1] - notes["onset"]).astype(np.float64)
    spill = notes["duration"] - length
    following = np.minimum(bar + 1, score.num_bars - 1)
    pitch_class = notes["pitch"].astype(np.int64) % 12
    size = score.num_bars * 12
    own = np.bincount(bar * 12 + pitch_class, length, size)
    held_over = np.bincount(following * 12 + pitch_class, spill, size)
    table = (own + held_over).reshape(score.num_bars, 12)
    table = table / np.maximum(table.sum(axis=1, keepdims=True), 1e-9)
    reach = len(_KERNEL) // 2
    padded = np.pad(table, ((reach, reach), (0, 0)))
    around = np.lib.stride_tricks.sliding_window_view(padded, len(_KERNEL), axis=0)
    return np.asarray(around @ np.asarray(_KERNEL))


def _best_path(emission: NDArray[np.float64]) -> NDArray[np.int64]:
    """Viterbi with one price for every change, shape (bars,)."""
    num_bars, num_states = emission.shape
    previous = np.empty((num_bars, num_states), dtype=np.int64)
    stay = np.arange(num_states)
    total = emission[0].copy()
    for bar in range(1, num_bars):
        best = int(total.argmax())
        change = total[best] - _CHANGE_PRICE > total
        previous[bar] = np.where(change, best, stay)
        total = np.where(change, total[best] - _CHANGE_PRICE, total) + emission[bar]
    path = np.empty(num_bars, dtype=np.int64)
    path[-1] = total.argmax()
    for bar in range(num_bars - 1, 0, -1):
        path[bar - 1] = previous[bar, path[bar]]
    return path


def key_passages(score: Score, home: Key) -> list[tuple[int, int, Key]]:
    """Return the passages of a piece that stay in one key.

    Parameters
    ----------
    score : Score
        At least one pitched note.
    home : Key
        As :func:`home_key` gives it; passages near it are read as it.

    Returns
    -------
    list of (start bar, end bar, Key)
        Half-open ranges that cover the piece.
    """
    emission = key_fit(_bar_weights(score))
    starts = score.bar_ticks[:-1]
    for change in score.keys:
        inside = starts >= change.tick
        gain = _signature_gain(change.key.fifths)[:24]
        earlier = [c for c in score.keys if c.tick < change.tick]
        if earlier:
            gain = gain - _signature_gain(earlier[-1].key.fifths)[:24]
        emission[inside] += gain
    home_index = home.tonic_pitch_class + 12 * home.mode.is_minor_like
    emission[:, home_index] += _HOME_GAIN
    path = _best_path(emission)
    borders = [0, *(np.flatnonzero(np.diff(path)) + 1).tolist(), len(path)]
    keys = [home if index == home_index else _KEYS[index] for index in path[borders[:-1]].tolist()]
    return list(zip(borders[:-1], borders[1:], keys, strict=True))
