"""Mood of a piece as valence and arousal, by a published ranking of musical cues.

Purpose: a first guess of how a piece feels, for pieces that nobody has rated.

The formula: a weighted sum of cues, each scaled to [-1, 1] around a middle value and clipped. Sums
and not products, because listeners add cues up: Eerola, Friberg and Bresin (2013) found no
interaction between cues, linear cues explained 77-89 % of their ratings, and the order of weight
was mode, tempo, register, dynamics, articulation. The direction of every cue is that of the rules
that Livingstone et al. (2010) collected from 102 studies:

- valence rises with the major mode, tempo, register, staccato and consonant harmony;
- arousal rises with tempo, loudness, note density, staccato and register.

Gagnon and Peretz (2003) found tempo to outweigh mode in happy-sad judgements of melodies; those
mix valence with arousal, which is why tempo has part in both sums here.

Not validated on listeners by this project: the weights below follow the order that the studies
give and sum to 1; the numbers themselves are a choice. Tempo and dynamics that a source does not
state are left out and the other weights share their part.

Public names: :func:`estimate_mood`, :class:`MoodCues`, :data:`MOOD_FORMULA`.

References
----------
T. Eerola, A. Friberg and R. Bresin, "Emotional expression in music: contribution, linearity, and
additivity of primary musical cues", Frontiers in Psychology 4:487, 2013. S. R. Livingstone,
R. Muhlberger, A. R. Brown and W. F. Thompson, "Changing musical emotion: a computational rule
system for modifying score and performance", Computer Music Journal 34(1), 2010. L. Gagnon and
I. Peretz, "Mode and tempo relative contributions to 'happy-sad' judgements in equitone melodies",
Cognition and Emotion 17(1), 2003.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

__all__ = ["MOOD_FORMULA", "MoodCues", "estimate_mood"]

MOOD_FORMULA = (
    "weighted cues after Eerola, Friberg & Bresin 2013 and Livingstone et al. 2010; "
    "not validated on listeners"
)

# Middle and the distance from it that counts as 1. Tempo and density are heard in ratios.
_MIDDLE_BPM, _BPM_OCTAVES = 96.0, 1.0
_MIDDLE_PITCH, _PITCH_SPAN = 62.0, 18.0
_MIDDLE_VELOCITY, _VELOCITY_SPAN = 70.0, 40.0
_MIDDLE_NOTES_PER_SEC, _NOTES_OCTAVES = 4.0, 2.0
_MIDDLE_DISSONANCE, _DISSONANCE_SPAN = 0.15, 0.15

_VALENCE = {"mode": 0.45, "tempo": 0.25, "register": 0.1, "articulation": 0.08, "harmony": 0.12}
_AROUSAL = {
    "tempo": 0.35,
    "dynamics": 0.25,
    "density": 0.2,
    "articulation": 0.12,
    "register": 0.08,
}


@dataclass(frozen=True)
class MoodCues:
    """What the formula hears of a piece; None where it is not known.

    ``major_share`` is the share of the piece in keys with a major third, 0-1; ``bpm`` felt beats a
    minute; ``mean_pitch`` MIDI, weighted by duration; ``mean_velocity`` 1-127; ``notes_per_sec``
    onsets of all parts together; ``legato`` the mean share of the time to the next onset that a
    note sounds, 0-1; ``dissonance`` the share of sounding time outside the chord, 0-1.
    """

    major_share: float | None = None
    bpm: float | None = None
    mean_pitch: float | None = None
    mean_velocity: float | None = None
    notes_per_sec: float | None = None
    legato: float | None = None
    dissonance: float | None = None


def _clip(value: float) -> float:
    return min(max(value, -1.0), 1.0)


def _scaled(cues: MoodCues) -> dict[str, float]:
    """Return each known cue in [-1, 1]."""
    found: dict[str, float] = {}
    if cues.major_share is not None:
        found["mode"] = _clip(2 * cues.major_share - 1)
    if cues.bpm is not None:
        found["tempo"] = _clip(math.log2(max(cues.bpm, 1.0) / _MIDDLE_BPM) / _BPM_OCTAVES)
    if cues.mean_pitch is not None:
        found["register"] = _clip((cues.mean_pitch - _MIDDLE_PITCH) / _PITCH_SPAN)
    if cues.mean_velocity is not None:
        found["dynamics"] = _clip((cues.mean_velocity - _MIDDLE_VELOCITY) / _VELOCITY_SPAN)
    if cues.notes_per_sec is not None:
        ratio = max(cues.notes_per_sec, 1e-3) / _MIDDLE_NOTES_PER_SEC
        found["density"] = _clip(math.log2(ratio) / _NOTES_OCTAVES)
    if cues.legato is not None:
        found["articulation"] = _clip(1.0 - 2.0 * max(cues.legato - 0.3, 0.0) / 0.7)
    if cues.dissonance is not None:
        found["harmony"] = _clip(-(cues.dissonance - _MIDDLE_DISSONANCE) / _DISSONANCE_SPAN)
    return found


def estimate_mood(cues: MoodCues) -> tuple[float, float]:
    """Return valence and arousal, each in [-1, 1], rounded to two decimals.

    Parameters
    ----------
    cues : MoodCues
        Unknown cues are left out; with none known the mood is (0.0, 0.0).

    Returns
    -------
    tuple of float
        (valence, arousal). See the module's header for the studies; not validated on listeners.

    Examples
    --------
    >>> estimate_mood(MoodCues(major_share=1.0, bpm=144))[0] > 0.5
    True
    >>> estimate_mood(MoodCues(major_share=0.0, bpm=60))[1] < -0.5
    True
    """
    known = _scaled(cues)
    result = []
    for weights in (_VALENCE, _AROUSAL):
        total = sum(weights[name] for name in weights if name in known)
        value = sum(weights[name] * known[name] for name in weights if name in known)
        result.append(round(value / total, 2) if total else 0.0)
    return result[0], result[1]
