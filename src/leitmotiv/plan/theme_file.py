"""A theme from a file, and a theme in another meter.

Purpose: the top line of the first bars of a MIDI or MusicXML file becomes the theme of a brief;
a theme written in one meter is barred anew in another.

Conventions:

- The file is parsed in a worker process (:mod:`leitmotiv.score.files`). The part that lies highest
  sings; of its chords the highest note, and what lies far below the line is accompaniment.
- A file of up to :data:`MAX_WHOLE_BARS` bars is taken whole, of a longer one the first
  :data:`FIRST_BARS`. Times played by hand are moved to the nearest sixteenth or triplet.
- Another meter keeps downbeats on downbeats: each bar becomes a bar. A beat parted in three
  becomes one parted in two and the other way round; where the new bar has more beats its first
  ones are twice as long, where it has fewer the first ones half as long, so that a half note and
  two quarters become three quarters. Meters whose bars are multiples of each other, such as 2/4
  and 4/4, keep the values and get other bar lines.

Public names: :func:`read_theme_file`, :func:`with_theme_file`, :func:`rebar_theme`,
:data:`MAX_WHOLE_BARS`, :data:`FIRST_BARS`.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from leitmotiv.errors import BriefError, TheoryError
from leitmotiv.plan.brief import MAX_BPM, MIN_BPM, Brief, ThemeNote, check_meter
from leitmotiv.score import Score
from leitmotiv.score.files import read_score
from leitmotiv.theory import TICKS_PER_QUARTER, Meter

__all__ = [
    "FIRST_BARS",
    "MAX_WHOLE_BARS",
    "ThemeFile",
    "read_theme_file",
    "rebar_theme",
    "with_theme_file",
]

MAX_WHOLE_BARS = 8
FIRST_BARS = 4
MAX_FILE_BARS = 512
_MIN_NOTES = 2
_MAX_NOTES = 128
_FAR_BELOW = 16  # semitones under the line: another voice
_LIMITS = (
    f"a theme has {_MIN_NOTES} to {_MAX_NOTES} notes in up to {MAX_WHOLE_BARS} bars (of a longer "
    f"file the first {FIRST_BARS})"
)
_UNSAID_QPM = 120.0  # what a file without a tempo is played at
# Places of a beat that hands mean: halves, quarters and thirds.
_PLACES = np.asarray([0.0, 1 / 4, 1 / 3, 1 / 2, 2 / 3, 3 / 4, 1.0])


class ThemeFile(NamedTuple):
    """A theme read from a file: its notes, its meter and what the file says of the tempo."""

    notes: tuple[ThemeNote, ...]
    meter: str
    bpm: float | None
    num_bars: int
    left_out_bars: int


def read_theme_file(path: str | os.PathLike[str]) -> ThemeFile:
    """Read the top line of the first bars of a MIDI or MusicXML file.

    Raises
    ------
    BriefError
        If the file holds no theme: no pitched notes, too few, too many, too many bars.
    ReadError
        If it cannot be read or is damaged. Both in one line.
    """
    shown = " ".join(str(Path(path)).split())
    score = read_score(path)
    parts = [part for part in score.parts if not part.is_drum and len(part.notes)]
    if not parts:
        raise BriefError(f"theme file {shown} holds no pitched notes; {_LIMITS}")
    first_tick = min(int(part.notes["onset"][0]) for part in parts)
    meter_value = score.meter_at(first_tick)
    try:
        meter = Meter.parse(check_meter(str(meter_value)))
    except TheoryError as error:
        raise BriefError(f"theme file {shown}: {error}") from None
    first = int(score.bar_index_at(first_tick))
    start = int(score.bar_ticks[first])
    end = max(part.end_tick for part in parts)
    length = -(-(end - start - TICKS_PER_QUARTER // 4) // meter.bar_ticks)
    if length > MAX_FILE_BARS:
        raise BriefError(
            f"theme file {shown} has {length} bars but at most {MAX_FILE_BARS} are read; {_LIMITS}"
        )
    bars = length if length <= MAX_WHOLE_BARS else FIRST_BARS
    bars = max(bars, 1)
    stop = start + bars * meter.bar_ticks
    line = _top_line(_singing_part(score, start, stop), start, stop)
    if not _MIN_NOTES <= len(line) <= _MAX_NOTES:
        raise BriefError(
            f"theme file {shown} has {len(line)} note{'s' * (len(line) != 1)} in the top line of "
            f"its first {bars} bars; {_LIMITS}"
        )
    qpm = float(score.tempo_map.qpm[0])
    bpm = round(qpm * TICKS_PER_QUARTER / meter.beat_ticks, 2)
    said = qpm != _UNSAID_QPM and MIN_BPM <= bpm <= MAX_BPM
    return ThemeFile(line, str(meter), bpm if said else None, bars, length - bars)


def with_theme_file(brief: Brief, path: str | os.PathLike[str]) -> Brief:
    """Return a brief with the theme of a file, and its tempo where the brief leaves it open.

    Raises
    ------
    BriefError
        If the brief has a theme already, or the file holds none.
    ReadError
        If the file cannot be read.
    """
    name = " ".join(Path(path).name.split())
    if brief.theme is not None:
        raise BriefError(
            f"theme: the words give one and the file {name} another; keep one of the two"
        )
    read = read_theme_file(path)
    notes = f"{len(read.notes)} notes, {read.num_bars} bar{'s' * (read.num_bars != 1)}"
    rest = f", the other {read.left_out_bars} bars left out" if read.left_out_bars > 0 else ""
    understood = f"theme: {notes} of {read.meter} from {name}{rest}"
    silent = (brief.bpm, brief.tempo, brief.genre, brief.duration_sec) == (None,) * 4
    changes: dict[str, object] = {}
    if silent and not brief.moods:
        changes["bpm"] = read.bpm
    return brief.replace(
        theme=read.notes,
        theme_meter=read.meter,
        understood=(*brief.understood, understood),
        **changes,
    )


def _singing_part(score: Score, start: int, stop: int) -> NDArray[np.void]:
    """Notes of the part that lies highest among those that play in half of the bars or more."""
    best: tuple[bool, float, NDArray[np.void]] | None = None
    for part in score.parts:
        if part.is_drum:
            continue
        notes = part.notes[(part.notes["onset"] >= start) & (part.notes["onset"] < stop)]
        if not len(notes):
            continue
        span = (int(notes["onset"][-1]) - int(notes["onset"][0])) / (stop - start)
        rank = (part.role == "melody" or span >= 0.4, float(np.median(notes["pitch"])))
        if best is None or rank > best[:2]:
            best = (*rank, notes)
    return np.zeros(0, dtype=score.parts[0].notes.dtype) if best is None else best[2]


def _snap(quarter: float) -> float:
    """Move a time to a place that hands mean, unless it is written on an even finer one."""
    for unit in (8, 6):
        if abs(quarter * unit - round(quarter * unit)) < 1e-6:
            return round(quarter * unit) / unit
    beat, inside = divmod(quarter, 1.0)
    return float(beat + _PLACES[np.argmin(np.abs(_PLACES - inside))])


def _top_line(notes: NDArray[np.void], start: int, stop: int) -> tuple[ThemeNote, ...]:
    """Thin a part out to its highest line, in quarters from ``start``."""
    found: dict[float, tuple[int, float]] = {}
    for note in notes:
        onset = _snap((int(note["onset"]) - start) / TICKS_PER_QUARTER)
        end = (min(int(note["onset"] + note["duration"]), stop) - start) / TICKS_PER_QUARTER
        if onset * TICKS_PER_QUARTER < stop - start and (
            onset not in found or note["pitch"] > found[onset][0]
        ):
            found[onset] = (int(note["pitch"]), end)
    line: list[tuple[float, int, float]] = []
    for onset, (pitch, end) in sorted(found.items()):
        if line:
            _, above, until = line[-1]
            covered = until > onset + 0.1 and pitch < above - 4
            if covered or pitch < above - _FAR_BELOW:
                continue  # a lower voice under a note that is held, or another hand
        line.append((onset, pitch, end))
    theme = []
    last = (stop - start) / TICKS_PER_QUARTER
    for index, (onset, pitch, end) in enumerate(line):
        following = line[index + 1][0] if index + 1 < len(line) else last
        # A short gap is touch, not a rest; a longer one is.
        gap = following - end
        duration = following - onset if gap < 0.25 else max(round((end - onset) * 8) / 8, 0.125)
        duration = min(duration, following - onset, 64.0)
        theme.append(ThemeNote(onset_quarter=onset, duration_quarter=duration, pitch=pitch))
    return tuple(theme)


def rebar_theme(theme: Sequence[ThemeNote], source: Meter, target: Meter) -> tuple[ThemeNote, ...]:
    """Return a theme written in one meter as it goes in another.

    Examples
    --------
    >>> theme = [
    ...     ThemeNote(onset_quarter=onset, duration_quarter=length, pitch=60)
    ...     for onset, length in ((0, 2), (2, 1), (3, 1), (4, 4))
    ... ]
    >>> waltz = rebar_theme(theme, Meter.parse("4/4"), Meter.parse("3/4"))
    >>> [(note.onset_quarter, note.duration_quarter) for note in waltz]
    [(0.0, 1.0), (1.0, 1.0), (2.0, 1.0), (3.0, 3.0)]
    """
    same_beat = source.is_compound == target.is_compound
    lengths = sorted((source.bar_ticks, target.bar_ticks))
    if same_beat and lengths[1] % lengths[0] == 0:
        return tuple(theme)
    found = []
    for note in theme:
        start = _moved(note.onset_quarter, source, target)
        end = _moved(note.onset_quarter + note.duration_quarter, source, target)
        start, end = round(start * 24) / 24, round(end * 24) / 24
        length = max(end - start, 1 / 24)
        found.append(ThemeNote(onset_quarter=start, duration_quarter=length, pitch=note.pitch))
    return tuple(found)


def _moved(quarter: float, source: Meter, target: Meter) -> float:
    """Carry a time from bar to bar, beat to beat and division to division."""
    bar, tick = divmod(quarter * TICKS_PER_QUARTER, source.bar_ticks)
    before, after = source.bar_ticks / source.beat_ticks, target.bar_ticks / target.beat_ticks
    beat = _beat_in(tick / source.beat_ticks, before, after)
    whole, inside = divmod(beat, 1.0)
    if source.is_compound and not target.is_compound:
        inside = float(np.interp(inside, [0, 1 / 3, 2 / 3, 1], [0, 1 / 2, 3 / 4, 1]))
    elif target.is_compound and not source.is_compound:
        inside = float(np.interp(inside, [0, 1 / 2, 1], [0, 2 / 3, 1]))
    place = bar * target.bar_ticks + (whole + inside) * target.beat_ticks
    return float(place / TICKS_PER_QUARTER)


def _beat_in(beat: float, before: float, after: float) -> float:
    """Carry a place counted in beats from a bar of so many beats to one of others."""
    if before == after:
        return beat
    if max(before, after) >= 2 * min(before, after):
        return beat * after / before
    if after > before:  # the first beats take two
        doubled = after - before
        return min(2 * beat, beat + doubled)
    halved = 2 * (before - after)
    return max(beat / 2, beat - (before - after)) if beat >= halved else beat / 2
