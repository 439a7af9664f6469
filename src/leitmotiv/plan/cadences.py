"""Cadences: naming what a phrase ends with, and the key that chords are in.

Purpose: one definition of each cadence, used to plan, to check and to describe.

Conventions: a cadence is read from the chord on the downbeat of the phrase's last bar and from
the half bar before it, as scale degrees of the section's key:

- authentic: a chord on the dominant (or a diminished one on the leading note), then the tonic;
- half: the dominant;
- deceptive: the dominant, then the sixth degree;
- plagal: the subdominant, then the tonic.

Public names: :func:`name_cadence`, :func:`is_cadence`, :func:`estimate_key_of_chords`,
:func:`estimate_key_of_theme`.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from leitmotiv.plan.brief import ThemeNote
from leitmotiv.plan.plan import Cadence
from leitmotiv.theory import ChordSymbol, Key, Mode

__all__ = ["estimate_key_of_chords", "estimate_key_of_theme", "is_cadence", "name_cadence"]


def _degree(chord: ChordSymbol | None, key: Key) -> int | None:
    """Return semitones of the chord's root above the tonic; None for no chord."""
    if chord is None or chord.is_none:
        return None
    return (chord.root_pitch_class - key.tonic_pitch_class) % 12


def name_cadence(before: ChordSymbol | None, last: ChordSymbol, key: Key) -> Cadence:
    """Name the cadence that two neighbouring chords make in a key.

    Examples
    --------
    >>> chord = ChordSymbol.parse
    >>> name_cadence(chord("G:7"), chord("C:maj"), Key.parse("C"))
    'authentic'
    >>> name_cadence(chord("G:7"), chord("A:min"), Key.parse("C"))
    'deceptive'
    """
    goal, source = _degree(last, key), _degree(before, key)
    is_dominant = source == 7 and before is not None and "b5" not in before.degrees
    is_leading = source == 11 and before is not None and "b5" in before.degrees
    if goal == 0 and last.bass_degree == "1":
        if is_dominant or is_leading:
            return "authentic"
        if source == 5:
            return "plagal"
    if goal in (8, 9) and is_dominant:
        return "deceptive"
    if goal == 7 and "b5" not in last.degrees:
        return "half"
    return "none"


def is_cadence(before: ChordSymbol | None, last: ChordSymbol, key: Key, cadence: Cadence) -> bool:
    """Return whether two chords make the cadence that is asked for; ``none`` asks for nothing."""
    return cadence == "none" or name_cadence(before, last, key) == cadence


def estimate_key_of_chords(chords: Sequence[ChordSymbol]) -> Key:
    """Return the major or minor key that fits a progression best; C major for no chords.

    Each chord scores its notes that lie in the key (harmonic minor's leading note counts), the
    first and last chord score as tonic, and a dominant before a tonic scores once more.

    Examples
    --------
    >>> str(
    ...     estimate_key_of_chords(
    ...         [ChordSymbol.parse(c) for c in ("D:min", "G:min", "A:7", "D:min")]
    ...     )
    ... )
    'D minor'
    """
    sounding = [chord for chord in chords if not chord.is_none]
    if not sounding:
        return Key.parse("C major")
    best, best_score = Key.parse("C major"), float("-inf")
    for mode in (Mode.MAJOR, Mode.MINOR):
        for fifths in (0, 1, -1, 2, -2, 3, -3, 4, -4, 5, -5, 6):
            key = Key.from_fifths(fifths, mode)
            score = _fit(sounding, key)
            if score > best_score + 1e-9:
                best, best_score = key, score
    return best


def estimate_key_of_theme(theme: Sequence[ThemeNote]) -> Key:
    """Return the major or minor key that fits a melody best; C major for no notes.

    Notes of the key count by their length, more on the tonic triad; the first and last note count
    as tonic or fifth and as tonic. A raised seventh in minor is a note of the key.

    Examples
    --------
    >>> pitches = (69, 74, 73, 74, 77, 76, 74)
    >>> notes = [
    ...     ThemeNote(onset_quarter=n, duration_quarter=1, pitch=p) for n, p in enumerate(pitches)
    ... ]
    >>> str(estimate_key_of_theme(notes))
    'D minor'
    """
    best, best_score = Key.parse("C major"), float("-inf")
    for mode in (Mode.MAJOR, Mode.MINOR):
        for fifths in (0, 1, -1, 2, -2, 3, -3, 4, -4, 5, -5, 6):
            key = Key.from_fifths(fifths, mode)
            tonic = key.tonic_pitch_class
            scale = set(key.scale)
            leading = (tonic + 11) % 12
            triad = {tonic, (tonic + (3 if mode is Mode.MINOR else 4)) % 12, (tonic + 7) % 12}
            score = 0.0
            for note in theme:
                pc = note.pitch % 12
                weight = note.duration_quarter
                score += weight * (1.0 if pc in scale else 0.6 if pc == leading else -1.5)
                score += 0.5 * weight * (pc in triad)
            if theme:
                first, last = theme[0].pitch % 12, theme[-1].pitch % 12
                score += 1.0 * (first == tonic) + 0.6 * (first == (tonic + 7) % 12)
                score += 1.5 * (last == tonic) + 0.4 * (last in triad)
            if score > best_score + 1e-9:
                best, best_score = key, score
    return best


def _fit(chords: Sequence[ChordSymbol], key: Key) -> float:
    scale = set(key.scale)
    if key.mode is Mode.MINOR:
        scale.add((key.tonic_pitch_class + 11) % 12)
    third = 3 if key.mode is Mode.MINOR else 4
    tonic_third = (key.tonic_pitch_class + third) % 12
    score = 0.0
    for chord in chords:
        tones = chord.pitch_classes
        score += sum(1.0 if tone in scale else -1.5 for tone in tones) / len(tones)
        if _degree(chord, key) == 0:
            score += 0.25 if tonic_third in tones else -0.5
    for position, weight in ((0, 1.0), (-1, 1.5)):
        chord = chords[position]
        if _degree(chord, key) == 0 and tonic_third in chord.pitch_classes:
            score += weight
    for first, second in pairwise(chords):
        if _degree(first, key) == 7 and _degree(second, key) == 0:
            score += 0.5
    return score
