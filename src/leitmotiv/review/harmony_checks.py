"""Checks on harmony: key, chords, clashes and cadences.

Purpose: compare what sounds with the key and the chords it is meant to sound over. The chords are
the plan's, else the score's own, else those that the notes suggest; a remark that leans on a
suggestion is a note, not a warning.

Conventions: *strong* means the downbeat or the start of a group inside the bar (accent 0.75 up).

Public names: the checks.

References
----------
E. Aldwell and C. Schachter, *Harmony and Voice Leading*, 4th ed., 2011, chapters 8 and 11
(dissonance treatment, cadences).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from leitmotiv.review.finding import Finding, Severity
from leitmotiv.review.reading import Line, PartReading, Reading, place_of
from leitmotiv.theory import ChordSymbol, Key, pitch_name

if TYPE_CHECKING:
    from leitmotiv.plan import Plan, PlanPhrase

__all__ = [
    "check_cadences",
    "check_key",
    "check_semitone_clashes",
    "check_stray_parts",
    "check_strong_beats",
]

_STRONG = 0.75
_KEY_WINDOW_BARS = 4
_FOREIGN_WARNING, _FOREIGN_ERROR = 0.15, 0.35
_STRAY_SHARE, _STEADY_SHARE, _STRAY_NOTES = 0.55, 0.1, 4
_RING_TICKS = 90  # a note about to end is no clash


def check_key(reading: Reading) -> Iterator[Finding]:
    """Yield phrases in which too much of the sound is foreign to key and chord."""
    if all(key is None for key in reading.keys) or not reading.pitched:
        return
    num_bars = reading.score.num_bars
    total, foreign = np.zeros(num_bars), np.zeros(num_bars)
    for part in reading.pitched:
        pitch_class = part.pitch % 12
        own = (
            reading.scale_masks[part.bar, pitch_class]
            | reading.colour_masks[part.half, pitch_class]
        )
        total += np.bincount(part.bar, part.duration, num_bars)
        foreign += np.bincount(part.bar[~own], part.duration[~own], num_bars)
    factor = 1.6 if reading.is_colourful else 1.0
    for start, stop in _windows(reading):
        sound = total[start:stop].sum()
        share = foreign[start:stop].sum() / sound if sound else 0.0
        if share > factor * _FOREIGN_WARNING:
            severity: Severity = "error" if share > factor * _FOREIGN_ERROR else "warning"
            message = (
                f"{share:.0%} of the sound in bars {start + 1}-{stop} is foreign to "
                f"{reading.keys[start]}"
            )
            yield Finding("key", severity, message, None, start)


def check_stray_parts(reading: Reading) -> Iterator[Finding]:
    """Yield parts that leave the key for two bars while all others stay in it.

    A wrong transposition or accidental sounds like this; a modulation takes everybody along.
    """
    num_bars = reading.score.num_bars
    if len(reading.pitched) < 2 or reading.keys.count(None) == num_bars:
        return
    total = np.zeros((len(reading.pitched), num_bars))
    foreign, number = total.copy(), total.copy()
    for row, part in enumerate(reading.pitched):
        out = ~reading.scale_masks[part.bar, part.pitch % 12]
        total[row] = np.bincount(part.bar, part.duration, num_bars)
        foreign[row] = np.bincount(part.bar[out], part.duration[out], num_bars)
        number[row] = np.bincount(part.bar[out], minlength=num_bars)
    total, foreign, number = (a[:, :-1] + a[:, 1:] for a in (total, foreign, number))
    rest_total, rest_foreign = total.sum(axis=0) - total, foreign.sum(axis=0) - foreign
    strays = (foreign >= _STRAY_SHARE * total) & (number >= _STRAY_NOTES)
    strays &= (rest_total > 0) & (rest_foreign <= _STEADY_SHARE * rest_total)
    for row, part in enumerate(reading.pitched):
        bars = np.flatnonzero(strays[row])
        for run in np.split(bars, np.flatnonzero(np.diff(bars) > 2) + 1):
            if not len(run):
                continue
            bar, last = int(run[0]), int(run[-1]) + 2
            message = f"{part.name} leaves {reading.keys[bar]} alone in bars {bar + 1}-{last}"
            severity: Severity = "note" if reading.plan is None else "warning"
            yield Finding("key", severity, message, part.index, bar)


def _windows(reading: Reading) -> Iterator[tuple[int, int]]:
    """Yield (first bar, bar after the last) of each phrase, or of every four bars."""
    if reading.plan is None:
        for start in range(reading.start_bar, reading.stop_bar, _KEY_WINDOW_BARS):
            yield start, min(start + _KEY_WINDOW_BARS, reading.stop_bar)
        return
    for phrase in _phrases(reading):
        start = max(phrase.start_bar_index, reading.start_bar)
        stop = min(phrase.end_bar_index, reading.stop_bar)
        if start < stop:
            yield start, stop


def _phrases(reading: Reading) -> Iterator[PlanPhrase]:
    if reading.plan is not None:
        for section in reading.plan.sections:
            yield from section.phrases


def _resolves(reading: Reading, line: Line, index: int) -> bool:
    """Whether a line moves on by step, soon, to a chord tone."""
    if index + 1 >= len(line):
        return False
    step = abs(int(line.pitch[index + 1] - line.pitch[index]))
    soon = line.onset[index + 1] - line.onset[index] <= 2 * reading.beat_ticks(int(line.bar[index]))
    if not (1 <= step <= 2 and soon):
        return False
    half = int(np.searchsorted(reading.half_starts, line.onset[index + 1], side="right")) - 1
    return bool(reading.colour_masks[half, line.pitch[index + 1] % 12])


def moves_by_step(reading: Reading, part: PartReading, index: int) -> bool:
    """Whether a part goes on from a note by step within two beats, in whatever voice."""
    soon = int(part.onset[index]) + 2 * reading.beat_ticks(int(part.bar[index]))
    soon = max(soon, int(part.end[index]) + _RING_TICKS)
    later = (part.onset > part.onset[index]) & (part.onset <= soon)
    step = np.abs(part.pitch[later] - part.pitch[index])
    return bool(((step >= 1) & (step <= 2)).any())


def check_strong_beats(reading: Reading) -> Iterator[Finding]:
    """Yield strong-beat notes foreign to the chord that do not resolve by step."""
    if not reading.has_chord.any():
        return
    for part in reading.pitched:
        foreign = (
            (part.accent >= _STRONG)
            & reading.has_chord[part.half]
            & ~reading.colour_masks[part.half, part.pitch % 12]
        )
        if not foreign.any():
            continue
        line = part.bottom_line if part.role == "bass" else part.top_line
        found: dict[int, list[int]] = {}
        for index in np.flatnonzero(foreign).tolist():
            bar = int(part.bar[index])
            least = reading.beat_ticks(bar)
            if part.duration[index] < (least // 2 if reading.has_stated_chords else least):
                continue
            place = int(np.searchsorted(line.onset, part.onset[index]))
            in_line = place < len(line) and line.pitch[place] == part.pitch[index]
            if in_line and _resolves(reading, line, place):
                continue
            if not reading.has_stated_chords and moves_by_step(reading, part, index):
                continue
            found.setdefault(bar, []).append(index)
        for bar, indices in found.items():
            names = ", ".join(_pitch_text(reading, part, index) for index in indices[:3])
            chord = reading.chords[int(part.half[indices[0]])]
            message = f"{part.name}: {names} against {_chord_text(chord)} in bar {bar + 1}"
            severity: Severity = "warning" if reading.has_stated_chords else "note"
            where = place_of(part, indices[0])
            yield Finding("strong-beat dissonance", severity, message, part.index, bar, **where)


def _pitch_text(reading: Reading, part: PartReading, index: int) -> str:
    return pitch_name(int(part.pitch[index]), reading.keys[int(part.bar[index])])


def _chord_text(chord: ChordSymbol | None) -> str:
    return "no chord" if chord is None else chord.lead_sheet


def check_semitone_clashes(reading: Reading) -> Iterator[Finding]:
    """Yield strong beats on which two notes a semitone or a minor ninth apart sound together.

    A semitone inside the chord itself (the seventh of Cmaj7 beside its root) is not reported, nor
    is one between its ninth or sixth and a chord tone in genres that voice chords that way, nor
    one that a step of either note resolves.
    """
    if not reading.pitched:
        return
    owner = np.concatenate([np.full(len(p), i) for i, p in enumerate(reading.pitched)])
    number = np.concatenate([np.arange(len(p)) for p in reading.pitched])
    onset = np.concatenate([part.onset for part in reading.pitched])
    end = np.concatenate([part.end for part in reading.pitched])
    pitch = np.concatenate([part.pitch for part in reading.pitched])
    accent = np.concatenate([part.accent for part in reading.pitched])
    order = np.argsort(onset, kind="stable")
    owner, number, onset, end, pitch = (a[order] for a in (owner, number, onset, end, pitch))
    ticks = np.unique(onset[accent[order] >= _STRONG])
    half = np.maximum(np.searchsorted(reading.half_starts, ticks, side="right") - 1, 0)
    keys, starts = reading.keys, reading.score.bar_ticks
    longest = int((end - onset).max())
    for row, tick in enumerate(ticks.tolist()):
        first, last = np.searchsorted(onset, (tick - longest, tick + 1))
        alive = np.arange(first, last)[end[first:last] > tick + _RING_TICKS]
        notes = alive[np.argsort(pitch[alive], kind="stable")]
        gap = pitch[notes][None, :] - pitch[notes][:, None]
        inside = reading.colour_masks[half[row], pitch[notes] % 12]
        wrong = ((gap == 1) | (gap == 13)) & ~(inside[:, None] & inside[None, :])
        for a, b in np.argwhere(wrong).tolist():
            pair = (int(notes[a]), int(notes[b]))
            if any(moves_by_step(reading, reading.pitched[owner[n]], int(number[n])) for n in pair):
                continue
            bar = min(int(np.searchsorted(starts, tick, side="right")) - 1, len(keys) - 1)
            low, high = (pitch_name(int(pitch[n]), keys[bar]) for n in pair)
            known = reading.has_stated_chords and bool(reading.has_chord[half[row]])
            severity: Severity = "warning" if known else "note"
            message = f"{low} against {high} on a strong beat in bar {bar + 1}"
            yield Finding("semitone clash", severity, message, None, bar, tick, int(pitch[pair[1]]))
            break


def check_cadences(reading: Reading) -> Iterator[Finding]:
    """Yield phrase ends whose bass or melody does not come to rest on the planned chord."""
    plan = reading.plan
    if plan is None:
        return
    for phrase in _phrases(reading):
        bar = phrase.end_bar_index - 1
        if phrase.cadence == "none" or not reading.start_bar <= bar < reading.stop_bar:
            continue
        half = plan.goal_half(bar)
        chord = plan.chord_at(bar, half)
        if chord.is_none or bar >= reading.score.num_bars:
            continue
        start, stop = (int(tick) for tick in reading.score.bar_ticks[bar : bar + 2])
        if half == 0 and plan.chord_at(bar, 1) != chord:
            stop = start + plan.half_tick
        is_last = bar == plan.num_bars - 1
        yield from _check_cadence(reading, bar, (start, stop), chord, is_last=is_last)


def _check_cadence(
    reading: Reading, bar: int, ticks: tuple[int, int], chord: ChordSymbol, *, is_last: bool
) -> Iterator[Finding]:
    start, stop = ticks
    key = reading.keys[bar]
    severity: Severity = "error" if is_last else "warning"
    place = f"the close in bar {bar + 1}"
    bass, melody = reading.bass, reading.melody
    if bass is not None:
        pitch = _last_pitch(bass.bottom_line, start, stop)
        inside = bass.pitch[(bass.onset >= start) & (bass.onset < stop)]
        held = reading.plan is None or _is_one_chord(reading.plan, bar)
        if bass.role != "bass" and held and len(inside):
            pitch = int(inside.min())  # broken chords end above their bass
        if pitch is None and is_last and not _sounds(reading, start, stop):
            yield Finding("cadence", severity, f"nothing sounds at {place}", bass.index, bar)
        elif pitch is not None and pitch % 12 != chord.bass_pitch_class:
            foreign = pitch % 12 not in chord.pitch_classes
            message = (
                f"{bass.name}: {pitch_name(pitch, key)} under {_chord_text(chord)} at {place}, "
                f"which wants {chord.bass}"
            )
            level: Severity = severity if foreign else ("warning" if is_last else "note")
            yield Finding("cadence", level, message, bass.index, bar)
    if melody is not None and melody is not bass:
        pitch = _last_pitch(melody.top_line, start, stop)
        if pitch is not None and not _is_restful(reading, pitch, chord, key):
            message = (
                f"{melody.name}: {pitch_name(pitch, key)} over {_chord_text(chord)} at {place}"
            )
            yield Finding("cadence", severity, message, melody.index, bar)


def _is_one_chord(plan: Plan, bar: int) -> bool:
    return plan.chord_at(bar, 0) == plan.chord_at(bar, 1)


def _is_restful(reading: Reading, pitch: int, chord: ChordSymbol, key: Key | None) -> bool:
    if pitch % 12 in chord.pitch_classes:
        return True
    return reading.is_colourful and (pitch - chord.root_pitch_class) % 12 in (2, 9)


def _sounds(reading: Reading, start: int, stop: int) -> bool:
    return any(bool(((p.onset < stop) & (p.end > start)).any()) for p in reading.pitched)


def _last_pitch(line: Line, start: int, stop: int) -> int | None:
    """Return the last pitch of a line that sounds in ``start <= tick < stop``."""
    index = int(np.searchsorted(line.onset, stop, side="left")) - 1
    if index < 0 or line.end[index] <= start:
        return None
    # An upbeat to the next phrase is not the close: step back to the last long note.
    chosen: NDArray[np.int64] = np.flatnonzero(line.onset[: index + 1] >= start)
    if len(chosen) > 1:
        length = np.minimum(line.end[chosen], stop) - line.onset[chosen]
        longest = int(length.max())
        index = int(chosen[np.flatnonzero(length >= longest)[-1]])
    return int(line.pitch[index])
