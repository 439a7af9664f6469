"""Checks on the shape of a melody, against what human melodies do.

Purpose: notice a tune that crawls, jumps about, hammers one note or never changes its rhythm.

Conventions: a melody is read in windows of eight bars. Each limit is crossed by at most one in a
hundred of 2,163 such windows from human music (folk tunes, hymns, art songs, chorales, string
quartets); there the remark is a note, and a warning only well past it.

Public names: :class:`MelodyProfile`, :func:`melody_profiles`, :func:`check_melody_shape`.

References
----------
D. Huron, *Sweet Anticipation*, MIT Press 2006, chapter 5 (small intervals, repeated notes).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from leitmotiv.review.finding import Finding, Severity
from leitmotiv.review.reading import Line, Reading

__all__ = ["MelodyProfile", "check_melody_shape", "melody_profiles"]

_WINDOW_BARS = 8
_MIN_NOTES = 10

# Mean and standard deviation over the human windows.
_HUMAN: dict[str, tuple[float, float]] = {
    "step_share": (0.526, 0.181),
    "repeat_share": (0.130, 0.130),
    "leap_share": (0.164, 0.123),
    "rhythm_share": (0.634, 0.201),
    "rest_share": (0.110, 0.132),
}


@dataclass(frozen=True)
class MelodyProfile:
    """Eight bars of a melody in numbers.

    ``span`` is the range in semitones without the outermost tenth of the notes; ``num_pitches``
    counts different pitches; ``step_share``, ``repeat_share`` and ``leap_share`` are the shares of
    intervals of 1-2, 0 and more than 4 semitones; ``longest_repeat`` counts equal pitches in a row;
    ``rhythm_share`` is the number of different bar rhythms for each bar; ``rest_share`` the share
    of time in which the melody is silent.
    """

    start_bar: int
    num_notes: int
    span: int
    num_pitches: int
    step_share: float
    repeat_share: float
    leap_share: float
    longest_repeat: int
    rhythm_share: float
    rest_share: float

    @property
    def strangeness(self) -> float:
        """Mean squared distance from the human mean in standard deviations; about 1 is human."""
        distances = [(getattr(self, name) - mean) / std for name, (mean, std) in _HUMAN.items()]
        return float(np.mean(np.square(distances)))


def melody_profiles(reading: Reading, line: Line) -> tuple[MelodyProfile, ...]:
    """Return the profile of each window of eight bars that holds at least ten notes."""
    profiles = []
    lines = reading.score.bar_ticks
    for start in range(reading.start_bar, reading.stop_bar - _WINDOW_BARS + 1, _WINDOW_BARS):
        stop = start + _WINDOW_BARS
        first, last = np.searchsorted(line.bar, (start, stop))
        if last - first < _MIN_NOTES:
            continue
        onset, pitch = line.onset[first:last], line.pitch[first:last]
        interval = np.abs(np.diff(pitch))
        following = np.append(onset[1:], lines[stop])
        sounding = np.minimum(line.end[first:last], following) - onset
        place = onset - lines[line.bar[first:last]]
        edges = np.searchsorted(line.bar[first:last], np.arange(start, stop + 1)).tolist()
        rhythms = {place[edges[i] : edges[i + 1]].tobytes() for i in range(_WINDOW_BARS)}
        low, high = np.percentile(pitch, (5, 95))
        changes = np.flatnonzero(np.diff(pitch))
        runs = np.diff(np.concatenate([[-1], changes, [len(pitch) - 1]]))
        profiles.append(
            MelodyProfile(
                start_bar=start,
                num_notes=len(pitch),
                span=round(float(high - low)),
                num_pitches=len(np.unique(pitch)),
                step_share=float(((interval > 0) & (interval <= 2)).mean()),
                repeat_share=float((interval == 0).mean()),
                leap_share=float((interval > 4).mean()),
                longest_repeat=int(runs.max()),
                rhythm_share=len(rhythms) / _WINDOW_BARS,
                rest_share=max(
                    1.0 - float(sounding.sum()) / float(lines[stop] - lines[start]), 0.0
                ),
            )
        )
    return tuple(profiles)


def check_melody_shape(reading: Reading) -> Iterator[Finding]:
    """Yield stretches of the melody that hardly any human melody resembles."""
    part = reading.melody
    if part is None or (part.role != "melody" and not part.is_monophonic):
        return
    for profile in melody_profiles(reading, part.top_line):
        bar = profile.start_bar
        place = f"in bars {bar + 1}-{bar + _WINDOW_BARS}"
        for words, is_extreme in _oddities(profile):
            severe = is_extreme and not reading.is_colourful
            severity: Severity = "warning" if severe else "note"
            yield Finding(
                "melody shape", severity, f"{part.name}: {words} {place}", part.index, bar
            )


def _oddities(profile: MelodyProfile) -> Iterator[tuple[str, bool]]:
    """Yield what is odd, and whether it is beyond what the human windows hold."""
    if profile.span < 5 or profile.num_pitches < 5:
        extreme = profile.span < 3 or profile.num_pitches < 3
        yield f"the tune stays within {profile.span} semitones", extreme
    if profile.span > 30:
        yield f"the tune wanders over {profile.span} semitones", profile.span > 38
    if profile.repeat_share > 0.6 or profile.longest_repeat > 12:
        extreme = profile.repeat_share > 0.85 or profile.longest_repeat > 24
        words = f"{profile.repeat_share:.0%} repeated notes, {profile.longest_repeat} in a row"
        yield words, extreme
    if profile.leap_share > 0.6:
        yield f"{profile.leap_share:.0%} leaps", profile.leap_share > 0.85
    if profile.step_share < 0.06 and profile.repeat_share < 0.5:
        yield "hardly a step", False
    if profile.rhythm_share < 0.2:
        yield "one rhythm throughout", False
    if profile.rest_share > 0.6:
        yield f"silent for {profile.rest_share:.0%} of the time", profile.rest_share > 0.85
