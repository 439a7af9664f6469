"""A theme of one's own: its length, its place in a range and a key, its close.

Purpose: what the planner does to a theme that the brief gives so that a piece can state it.

Conventions: notes count in quarters from the theme's first downbeat; a theme is changed only
where it could not be played, or where the request names another key for the theme of a file.

Public names: :func:`given_theme_bars`, :func:`fit_theme`, :func:`theme_in_key`,
:func:`close_as_theme`, :data:`MAX_THEME_BARS`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from leitmotiv.errors import BriefError
from leitmotiv.plan.brief import ThemeNote
from leitmotiv.plan.cadences import estimate_key_of_theme
from leitmotiv.plan.form import SectionSketch
from leitmotiv.plan.plan import PlanPart
from leitmotiv.score.general_midi import find_instrument
from leitmotiv.theory import TICKS_PER_QUARTER, Key, Meter, pitch_name

__all__ = ["MAX_THEME_BARS", "close_as_theme", "fit_theme", "given_theme_bars", "theme_in_key"]

MAX_THEME_BARS = 8


def given_theme_bars(theme: Sequence[ThemeNote], meter: Meter) -> int:
    """Return the bars that a given theme fills in a meter.

    Raises
    ------
    BriefError
        If they are more than a theme may have.
    """
    quarters = max(note.onset_quarter + note.duration_quarter for note in theme)
    bars = max(math.ceil(quarters * TICKS_PER_QUARTER / meter.bar_ticks - 1e-6), 1)
    if bars > MAX_THEME_BARS:
        raise BriefError(
            f"theme: its {quarters:g} quarters fill {bars} bars of {meter} but it may fill at most "
            f"{MAX_THEME_BARS}; give the idea alone, the piece grows from it"
        )
    return bars


def fit_theme(
    theme: Sequence[ThemeNote], parts: Sequence[PlanPart], *, may_widen: bool = True
) -> tuple[tuple[ThemeNote, ...], tuple[PlanPart, ...]]:
    """Bring a given theme and the part that sings it together.

    The theme stays as it is where the part reaches it; else it moves by octaves; else the part
    may use more of its instrument, if ``may_widen``.

    Raises
    ------
    BriefError
        If it spans more than that.
    """
    voices = tuple(parts)
    index = next((i for i, part in enumerate(voices) if part.role == "melody"), None)
    if index is None:
        return tuple(theme), voices
    singer = voices[index]
    pitches = [note.pitch for note in theme]
    lowest, highest = min(pitches), max(pitches)
    low, high = singer.low, singer.high
    instrument = find_instrument(singer.instrument) if may_widen else None
    if instrument is not None:
        low, high = min(low, instrument.low), max(high, instrument.high)
    for floor, ceiling in ((singer.low, singer.high), (low, high)):
        moves = [
            12 * octaves
            for octaves in range(-10, 11)
            if floor <= lowest + 12 * octaves and highest + 12 * octaves <= ceiling
        ]
        if not moves:
            continue
        move = min(moves, key=abs)
        wider = singer.replace(
            low=min(singer.low, lowest + move), high=max(singer.high, highest + move)
        )
        moved = tuple(note.replace(pitch=note.pitch + move) for note in theme) if move else theme
        return tuple(moved), (*voices[:index], wider, *voices[index + 1 :])
    raise BriefError(
        f"theme: its {pitch_name(lowest)} to {pitch_name(highest)} does not fit the range of "
        f"{singer.name}, {pitch_name(low)} to {pitch_name(high)}, in any octave; "
        "narrow the theme or give it to another instrument"
    )


def theme_in_key(theme: Sequence[ThemeNote], key: Key) -> tuple[ThemeNote, ...]:
    """Return a theme in another key, moved by the shortest way; one that fits it stays.

    A theme fits where the key's scale holds all of its notes, in minor also with the seventh degree
    raised. In the other mode each note keeps its degree of the scale.
    """
    used = {note.pitch % 12 for note in theme}
    tonic = key.tonic_pitch_class
    harmonic = {*key.scale, (tonic + 11) % 12} - {(tonic + 10) % 12}
    own = estimate_key_of_theme(theme)
    if used <= set(key.scale) or own == key or (key.mode.is_minor_like and used <= harmonic):
        return tuple(theme)
    lift = (key.tonic_pitch_class - own.tonic_pitch_class + 6) % 12 - 6
    before, after = _steps(own), _steps(key)
    found = []
    for note in theme:
        octave, within = divmod(note.pitch - own.tonic_pitch_class, 12)
        degree = max(i for i, step in enumerate(before) if step <= within)
        away = within - before[degree]
        # The leading note leads in either mode.
        to = 11 if within == 11 else after[degree] + away
        pitch = own.tonic_pitch_class + lift + 12 * octave + to
        found.append(note.replace(pitch=min(max(pitch, 0), 127)))
    return tuple(found)


def _steps(key: Key) -> list[int]:
    return sorted((pc - key.tonic_pitch_class) % 12 for pc in key.scale)


def close_as_theme(
    sections: Sequence[SectionSketch], theme: Sequence[ThemeNote], meter: Meter, key: Key
) -> None:
    """Let the phrase that a given theme fills close as the theme does: on the tonic or open."""
    bars = given_theme_bars(theme, meter)
    first = next((s for s in sections if s.letter not in "IZ"), None)
    if first is None or not first.phrases:
        return
    end = 0
    for phrase in first.phrases:
        end += phrase.num_bars
        if end == bars:
            last = max(theme, key=lambda note: note.onset_quarter).pitch % 12
            tonic = key.tonic_pitch_class
            third = 3 if key.mode.is_minor_like else 4
            if last in {tonic, (tonic + third) % 12}:
                phrase.cadence = "authentic"
            elif (last - tonic) % 12 in (2, 7, 11):
                phrase.cadence = "half"
