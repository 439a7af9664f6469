"""Joining: players that a brief adds to the usual line-up of its genre.

Purpose: "a rock song with drums" asks for a rock band in which there are drums, "jazz with
saxophone" for a jazz band and a saxophonist; "for piano and drums" asks for those two alone.
The text tells the two apart (:mod:`leitmotiv.plan.players`); this module seats those who join.

Conventions:

- Somebody who already plays is not added. A plain word ("guitar", "bass") is met by any
  instrument of its family; a particular one ("slap bass") takes the place of its relative, so
  that two instruments of a family do not play the same chords.
- A single-line instrument that joins leads, unless the leader was asked for too; who led before
  becomes a counter-melody, or harmony where it can play chords. Everybody else accompanies.
- A list with a bass and two others is a complete band: families that it does not name stay away.

Public names: :func:`join_line_up`, :func:`plays_chords`, :func:`num_covered`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from leitmotiv.plan.vocabulary import PaletteEntry
from leitmotiv.score.general_midi import DRUM_KIT, Instrument, find_instrument

__all__ = ["join_line_up", "num_covered", "plays_chords"]

_CHORDAL_FAMILIES = ("piano", "organ", "guitar", "synth pad")
_CHORDAL_NAMES = (
    "Orchestral Harp", "Vibraphone", "Marimba", "Dulcimer", "Koto", "String Ensemble 1",
    "String Ensemble 2", "Synth Strings 1", "Synth Strings 2", "Choir Aahs", "Synth Choir",
)  # fmt: skip
_SINGLE_LINE_NAMES = (
    "Accordion", "Harmonica", "Tango Accordion", "Overdriven Guitar", "Electric Guitar (clean)",
)  # fmt: skip
_PLAIN = {
    "Acoustic Guitar (nylon)": "guitar",
    "Electric Guitar (clean)": "guitar",
    "Electric Bass (finger)": "bass",
    "Acoustic Bass": "bass",
    "String Ensemble 1": "strings",
    "Brass Section": "brass",
}
"""What a plain word becomes, and the family that it stands for."""
_KINDS = {
    "Fiddle": "strings",
    "String Ensemble 1": "strings",
    "String Ensemble 2": "strings",
    "Synth Strings 1": "strings",
    "Synth Strings 2": "strings",
    "Contrabass": "bass",
    "Brass Section": "brass",
    "Choir Aahs": "voice",
    "Voice Oohs": "voice",
    "Synth Choir": "voice",
}
_PADDING = ("String Ensemble 1", "String Ensemble 2", "Synth Strings 1", "Synth Strings 2",
            "Choir Aahs", "Voice Oohs", "Synth Choir")  # fmt: skip
_SWAPPING_KINDS = ("piano", "organ", "guitar", "bass", "synth lead", "synth pad", "voice")
_SEATS = ("melody", "counter", "harmony", "pad", "bass", "drums")
_MIN_BAND = 3


def plays_chords(instrument: Instrument) -> bool:
    """Return whether an instrument accompanies with chords as soon as somebody else sings."""
    if instrument.name in _SINGLE_LINE_NAMES:
        return False
    return instrument.family in _CHORDAL_FAMILIES or instrument.name in _CHORDAL_NAMES


def _kind(instrument: Instrument) -> str:
    return _KINDS.get(instrument.name, instrument.family)


def _player(entry: PaletteEntry) -> Instrument:
    if entry.instrument.lower() in ("drums", DRUM_KIT.name.lower()):
        return DRUM_KIT
    instrument = find_instrument(entry.instrument)
    assert instrument is not None, entry.instrument  # data files are tested
    return instrument


def _covers(player: Instrument, wanted: Instrument) -> bool:
    """Return whether somebody of the line-up is what was asked for."""
    if player.name == wanted.name or (player.is_drum and wanted.is_drum):
        return True
    return wanted.name in _PLAIN and _kind(player) == _PLAIN[wanted.name]


def num_covered(line_up: Sequence[PaletteEntry], joining: Sequence[Instrument]) -> int:
    """Return how many of those who join a line-up play in it already."""
    players = [_player(entry) for entry in line_up]
    return sum(any(_covers(player, wanted) for player in players) for wanted in joining)


def join_line_up(
    line_up: Sequence[PaletteEntry], joining: Sequence[Instrument], *, full: bool = False
) -> list[PaletteEntry]:
    """Return a line-up in which everybody plays who joins.

    Parameters
    ----------
    line_up : sequence of PaletteEntry
        The usual line-up of a genre.
    joining : sequence of Instrument
        Who must play; repeated for two players.
    full : bool
        Whether everybody of the line-up plays besides, whoever joins.

    Examples
    --------
    >>> band = [
    ...     PaletteEntry("Lead", "Overdriven Guitar", "melody"),
    ...     PaletteEntry("Bass", "Electric Bass (pick)", "bass"),
    ... ]
    >>> [(e.name, e.role) for e in join_line_up(band, [find_instrument("alto sax"), DRUM_KIT])]
    [('Alto Sax', 'melody'), ('Lead', 'counter'), ('Bass', 'bass'), ('Drums', 'drums')]
    """
    entries = list(line_up)
    kinds = {_kind(instrument) for instrument in joining}
    if not full and "bass" in kinds and len(kinds) >= _MIN_BAND:
        entries = [entry for entry in entries if _kind(_player(entry)) in kinds]
    free = [] if full else list(range(len(entries)))  # seats that nobody has been given yet
    added: list[PaletteEntry] = []
    for wanted in joining:
        seat = next((i for i in free if _covers(_player(entries[i]), wanted)), None)
        swap = _kind(wanted) in _SWAPPING_KINDS
        if seat is None and swap:
            # Accompanists make room first.
            relatives = [i for i in free if _kind(_player(entries[i])) == _kind(wanted)]
            seat = min(relatives, key=lambda i: entries[i].role == "melody", default=None)
            if seat is not None:
                entries[seat] = replace(
                    entries[seat], name=_short_name(wanted), instrument=wanted.name, span=None
                )
        if seat is not None:
            free.remove(seat)
        else:
            added.append(PaletteEntry(_short_name(wanted), wanted.name, _role_of(wanted)))
    keeps_lead = not full and any(
        e.role == "melody" and i not in free for i, e in enumerate(entries)
    )
    return _seated(entries, added, keeps_lead=keeps_lead)


def _short_name(instrument: Instrument) -> str:
    if instrument.is_drum:
        return "Drums"
    return "Piano" if "Grand Piano" in instrument.name else instrument.name.partition(" (")[0]


def _role_of(instrument: Instrument) -> str:
    if instrument.is_drum:
        return "drums"
    if _kind(instrument) == "bass":
        return "bass"
    if instrument.name in _PADDING or instrument.family == "synth pad":
        return "pad"
    return "harmony" if plays_chords(instrument) else "melody"


def _seated(
    entries: list[PaletteEntry], added: list[PaletteEntry], *, keeps_lead: bool
) -> list[PaletteEntry]:
    """Merge those who join by role; one leads."""
    leads = [index for index, entry in enumerate(added) if entry.role == "melody"]
    for index in leads if keeps_lead else leads[1:]:
        added[index] = replace(added[index], role="counter")
    if leads and not keeps_lead:
        entries = [
            replace(entry, role="harmony" if plays_chords(_player(entry)) else "counter")
            if entry.role == "melody"
            else entry
            for entry in entries
        ]
    return sorted(added + entries, key=lambda entry: _SEATS.index(entry.role))
