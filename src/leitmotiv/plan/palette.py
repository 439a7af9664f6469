"""Palette: who plays, with what task and in which range.

Purpose: turn instruments (or a genre's usual line-up) into parts with roles.

Conventions:

- A list of instruments that equals a known ensemble takes that ensemble's parts as they are.
- Guests of a known ensemble are seated beside it.
- Otherwise the first-named or the highest single-line instrument gets the melody, the lowest the
  bass, and the ones between harmony or a counter-melody. Keyboards, guitars and harps accompany
  as soon as somebody else can sing, and play both tasks (two parts) when alone.
- There is exactly one melody part; ranges are sounding MIDI pitches inside the instrument's own.

Public names: :func:`make_palette`, :data:`MAX_PLANNED_PARTS`.

References
----------
S. Adler, *The Study of Orchestration*, 4th ed., W. W. Norton 2016.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

from leitmotiv.errors import BriefError
from leitmotiv.plan.brief import MIN_RANGE_SEMITONES, BriefPart, PartRange
from leitmotiv.plan.joining import join_line_up, num_covered, plays_chords
from leitmotiv.plan.plan import PlanPart, Role
from leitmotiv.plan.vocabulary import Genre, PaletteEntry, vocabulary
from leitmotiv.score.general_midi import DRUM_KIT, ENSEMBLES, Instrument, find_instrument
from leitmotiv.theory import pitch_name

__all__ = ["MAX_PLANNED_PARTS", "is_excluded", "make_palette"]

MAX_PLANNED_PARTS = 12

# Where each role is at home, in MIDI pitches; cut to the instrument's own range.
_WINDOWS: dict[Role, tuple[int, int]] = {
    "melody": (58, 88),
    "counter": (53, 84),
    "harmony": (46, 79),
    "bass": (28, 57),
    "pad": (45, 79),
    "drums": (27, 87),
}
_MIN_SPAN = 14
_MIN_ENSEMBLE = 3
_LEAD_REACH = 7  # semitones: who is named first leads, unless much lower than another
_STRINGS = (
    "Violin", "Viola", "Cello", "Contrabass", "Tremolo Strings", "Pizzicato Strings",
    "String Ensemble 1", "String Ensemble 2", "Synth Strings 1", "Synth Strings 2",
)  # fmt: skip
_TWO_HANDED_FAMILIES = ("piano", "organ")
_ROMAN = ("I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX", "X", "XI", "XII")
# Who leads where several parts could: lower is first.
_LEAD_FAMILIES = ("ensemble", "strings", "world", "pipe", "reed", "brass")


@dataclass
class _Draft:
    instrument: Instrument
    role: Role = "harmony"
    name: str = ""
    low: int = 0
    high: int = 127


def is_excluded(
    instrument: Instrument, without: Sequence[str], *, wanted: Sequence[str] = ()
) -> bool:
    """Return whether an instrument is one of those that must not appear.

    An instrument ``wanted`` by name outlives the exclusion of a relative ("electric piano, no
    piano"), though not its own.
    """
    if instrument.name in wanted and instrument.name not in without:
        without = [word for word in without if word in ("drums", DRUM_KIT.name)]
    for word in without:
        if instrument.is_drum:
            if word in ("drums", DRUM_KIT.name):
                return True
            continue
        other = find_instrument(word)
        if other is None or other.is_drum:
            continue
        alike = other.family == instrument.family and other.family in ("piano", "bass", "guitar")
        if other.name == "Brass Section":
            alike = instrument.family == "brass"
        if other.name in ("String Ensemble 1", "String Ensemble 2"):
            alike = instrument.name in _STRINGS
        if alike or other.name == instrument.name:
            return True
    return False


def _window(instrument: Instrument, role: Role) -> tuple[int, int]:
    low, high = _WINDOWS[role]
    low, high = max(low, instrument.low), min(high, instrument.high)
    if high - low >= _MIN_SPAN:
        return low, high
    # The instrument lives elsewhere: take two octaves of its own range nearest to the role.
    if instrument.low > _WINDOWS[role][0]:
        return instrument.low, min(instrument.low + 24, instrument.high)
    return max(instrument.high - 24, instrument.low), instrument.high


def _resolve(name: str) -> Instrument:
    if name.lower() in ("drums", DRUM_KIT.name.lower()):
        return DRUM_KIT
    instrument = find_instrument(name)
    if instrument is None:
        raise BriefError(
            f"instruments: {name!r} is not a known instrument; use a General MIDI name such as "
            "'Violin', 'Acoustic Grand Piano' or 'Drum Kit'"
        )
    return instrument


def _middle(instrument: Instrument) -> float:
    return (instrument.low + instrument.high) / 2


def _from_ensemble(instruments: Sequence[Instrument]) -> list[_Draft] | None:
    wanted = Counter(instrument.name for instrument in instruments)
    for name, parts in ENSEMBLES.items():
        if name == "piano solo" or Counter(p.instrument.name for p in parts) != wanted:
            continue
        return [_Draft(p.instrument, cast(Role, p.role), p.name, p.low, p.high) for p in parts]
    return None


def _draft_of(instrument: Instrument, entry: PaletteEntry) -> _Draft:
    low, high = entry.span or (0, 127)
    return _Draft(instrument, cast(Role, entry.role), entry.name, low, high)


def _from_genres(instruments: Sequence[Instrument]) -> list[_Draft] | None:
    """Return the usual line-up of a genre where exactly its instruments are asked for."""
    wanted = Counter(instrument.name for instrument in instruments)
    for genre in vocabulary().genres.values():
        for entries in genre.palettes:
            players = [_resolve(entry.instrument) for entry in entries]
            if len(entries) > 2 and Counter(player.name for player in players) == wanted:
                return [
                    _draft_of(player, entry) for player, entry in zip(players, entries, strict=True)
                ]
    return None


def _around_ensemble(instruments: Sequence[Instrument]) -> list[_Draft] | None:
    """Seat guests beside the largest known ensemble among the players."""
    wanted = Counter(instrument.name for instrument in instruments)
    known = sorted(ENSEMBLES.values(), key=len, reverse=True)
    for parts in known:
        players = Counter(part.instrument.name for part in parts)
        if len(parts) < _MIN_ENSEMBLE or not players <= wanted:
            continue
        entries = [PaletteEntry(p.name, p.instrument.name, p.role, (p.low, p.high)) for p in parts]
        guests = wanted - players
        entries = join_line_up(entries, [_resolve(name) for name in guests.elements()], full=True)
        return [_draft_of(_resolve(entry.instrument), entry) for entry in entries]
    return None


def _two_hands(instrument: Instrument, *, alone: bool, bass_free: bool) -> list[_Draft]:
    """Return the two parts of a keyboard, or of one plucked instrument playing alone."""
    if instrument.family in _TWO_HANDED_FAMILIES:
        base = "Piano" if "Piano" in instrument.name else instrument.name
        names = (f"{base} right hand", f"{base} left hand")
    else:
        base = instrument.name.partition(" (")[0]
        names = (f"{base} melody", f"{base} accompaniment")
    split_low, split_high = (58, 66) if instrument.high > 84 else (52, 64)
    # People's keyboard music stays within five octaves, and older keyboards had no more.
    lowest, highest = (36, 91) if "Piano" in instrument.name else (41, 86)
    low, high = max(instrument.low, lowest), min(instrument.high, highest)
    upper: Role = "melody" if alone else "harmony"
    lower: Role = "harmony" if alone or not bass_free else "bass"
    return [
        _Draft(instrument, upper, names[0], max(split_low, instrument.low), high),
        _Draft(instrument, lower, names[1], low, min(split_high, instrument.high)),
    ]


def _assign(instruments: Sequence[Instrument]) -> list[_Draft]:
    """Give roles to instruments that are no known ensemble."""
    pitched = [i for i in instruments if not i.is_drum]
    singers = [i for i in pitched if not plays_chords(i) and i.family != "bass"]
    chordal = [i for i in pitched if plays_chords(i)]
    basses = [i for i in pitched if i.family == "bass"]
    if not chordal and len(singers) > 1:
        # Nobody else has chords, so the accordions take them.
        chordal = [i for i in singers if i.name in ("Accordion", "Tango Accordion")][:1]
        for instrument in chordal:
            singers.remove(instrument)
    if len(pitched) == 1 and chordal:
        drafts = _two_hands(chordal[0], alone=True, bass_free=True)
        return drafts + [_Draft(DRUM_KIT, "drums") for i in instruments if i.is_drum]
    drafts = []
    order = sorted(range(len(singers)), key=lambda index: (-_middle(singers[index]), index))
    if order and _middle(singers[0]) >= _middle(singers[order[0]]) - _LEAD_REACH:
        order.remove(0)
        order.insert(0, 0)
    for rank, index in enumerate(order):
        instrument = singers[index]
        role: Role = "harmony"
        if rank == 0:
            role = "melody"
        elif rank == len(order) - 1 and not basses and _middle(instrument) <= 58:
            role = "bass"
        elif rank == 1 and (len(order) > 3 or len(chordal) > 0 or len(order) == 2):
            role = "counter"
        drafts.append(_Draft(instrument, role))
    bass_free = not basses and all(draft.role != "bass" for draft in drafts)
    has_melody = bool(singers)
    for index, instrument in enumerate(chordal):
        if instrument.family == "synth pad" and (has_melody or len(chordal) > 1):
            drafts.append(_Draft(instrument, "pad"))
        elif not has_melody:
            has_melody = True
            if len(chordal) == 1 or (index == 0 and instrument.family in _TWO_HANDED_FAMILIES):
                drafts += _two_hands(instrument, alone=True, bass_free=False)
            else:
                drafts.append(_Draft(instrument, "melody"))
        elif bass_free and instrument.family in _TWO_HANDED_FAMILIES:
            drafts += _two_hands(instrument, alone=False, bass_free=True)
            bass_free = False
        elif instrument.family == "ensemble" and any(d.role == "harmony" for d in drafts):
            drafts.append(_Draft(instrument, "pad"))
        else:
            drafts.append(_Draft(instrument, "harmony"))
    drafts += [_Draft(instrument, "bass") for instrument in basses]
    if not has_melody and basses:
        drafts[-len(basses)].role = "melody"
    drafts += [_Draft(DRUM_KIT, "drums") for i in instruments if i.is_drum]
    return drafts


def _one_melody(drafts: list[_Draft]) -> None:
    """Leave one melody part; the others of that role become counter-melodies."""
    leads = [draft for draft in drafts if draft.role == "melody"]
    pitched = [draft for draft in drafts if draft.role != "drums"]
    if not leads and pitched:
        pitched[0].role = "melody"
    if len(leads) < 2:
        return

    def rank(draft: _Draft) -> int:
        family = draft.instrument.family
        return _LEAD_FAMILIES.index(family) if family in _LEAD_FAMILIES else len(_LEAD_FAMILIES)

    lead = min(leads, key=rank)
    for draft in leads:
        if draft is not lead:
            draft.role = "counter"


def _with_chords(drafts: list[_Draft]) -> list[_Draft]:
    """Let a keyboard that leads play the chords too where nobody else does (a jazz trio)."""
    lead = next((d for d in drafts if d.role == "melody"), None)
    has_chords = any(d.role in ("harmony", "pad") for d in drafts)
    if lead is None or has_chords or lead.instrument.family not in _TWO_HANDED_FAMILIES:
        return drafts
    hands = _two_hands(lead.instrument, alone=True, bass_free=False)
    hands[1].low = max(hands[1].low, 45)  # a bass plays below
    index = drafts.index(lead)
    return drafts[:index] + hands + drafts[index + 1 :]


def _name_parts(drafts: list[_Draft]) -> None:
    short = {"Acoustic Grand Piano": "Piano", DRUM_KIT.name: "Drums", "Contrabass": "Double bass"}
    for draft in drafts:
        plain = draft.instrument.name.partition(" (")[0]
        draft.name = draft.name or short.get(draft.instrument.name, plain)
    counts = Counter(draft.name for draft in drafts)
    seen: Counter[str] = Counter()
    for draft in drafts:
        base = draft.name
        if counts[base] > 1:
            draft.name = f"{base} {_ROMAN[min(seen[base], len(_ROMAN) - 1)]}"
        seen[base] += 1


def _from_entries(
    entries: Sequence[PaletteEntry], without: Sequence[str], joining: Sequence[str] = ()
) -> list[_Draft]:
    drafts = []
    for entry in entries:
        instrument = _resolve(entry.instrument)
        if not is_excluded(instrument, without, wanted=joining):
            drafts.append(_draft_of(instrument, entry))
    same = {draft.instrument.name for draft in drafts}
    if len(drafts) == 2 and len(same) == 1 and drafts[0].instrument.family == "piano":
        return _two_hands(drafts[0].instrument, alone=True, bass_free=False)
    # Known ensembles have ranges of their own.
    return _from_ensemble([draft.instrument for draft in drafts]) or drafts


def _usual_drafts(
    genre: Genre,
    choice: int,
    line_up: Sequence[PaletteEntry],
    joining: Sequence[str],
    without: Sequence[str],
) -> list[_Draft]:
    """Return the usual line-up of a genre, with those who join it."""
    first = choice % len(genre.palettes)
    line_ups: list[Sequence[PaletteEntry]]
    line_ups = [line_up] if line_up else [*genre.palettes[first:], *genre.palettes[:first]]
    players = [_resolve(name) for name in joining]
    joining = [player.name for player in players]
    players = [p for p in players if not is_excluded(p, without, wanted=joining)]
    if not players:
        return _from_entries(line_ups[0], without)
    # Who must not appear gives up the seat before somebody else joins.
    line_ups = [
        [e for e in entries if not is_excluded(_resolve(e.instrument), without, wanted=joining)]
        for entries in line_ups
    ]
    entries = max(line_ups, key=lambda entries: num_covered(entries, players))
    entries = join_line_up(entries, players)
    if len(entries) > MAX_PLANNED_PARTS:
        raise BriefError(
            f"joining={len(players)} players make {len(entries)} parts with the usual line-up, of "
            f"which there must be at most {MAX_PLANNED_PARTS}; name fewer instruments"
        )
    return _from_entries(entries, without, joining)


def _exact_drafts(exact: Sequence[BriefPart], without: Sequence[str]) -> list[_Draft]:
    drafts = []
    for part in exact:
        instrument = _resolve(part.instrument)
        if is_excluded(instrument, without):
            continue
        role: Role = "drums" if instrument.is_drum else part.role
        low, high = _window(instrument, role)
        low = low if part.low is None else part.low
        high = high if part.high is None else part.high
        _check_range(instrument, low, high)
        drafts.append(_Draft(instrument, role, part.name or "", low, high))
    return drafts


def _check_range(instrument: Instrument, low: int, high: int) -> None:
    if instrument.is_drum or instrument.low <= low < high <= instrument.high:
        return
    raise BriefError(
        f"the range of {instrument.name!r}, {pitch_name(low)} to {pitch_name(high)}, must lie "
        f"between {pitch_name(instrument.low)} and {pitch_name(instrument.high)}, what a player "
        "reaches with ease; change the range or the instrument"
    )


def _apply_ranges(drafts: list[_Draft], ranges: Sequence[PartRange]) -> None:
    """Keep parts inside the ranges given for their instruments."""
    for wish in ranges:
        instrument = _resolve(wish.instrument)
        chosen = [draft for draft in drafts if draft.instrument.name == instrument.name]
        if not chosen:
            raise BriefError(
                f"ranges: {instrument.name!r} has a range but does not play; add it to the "
                "instruments or drop the range"
            )
        _check_range(instrument, wish.low, wish.high)
        for draft in chosen:
            low, high = max(draft.low, wish.low), min(draft.high, wish.high)
            hands = len(chosen) > 1 and instrument.family in _TWO_HANDED_FAMILIES
            # Two hands share the range; a single player has all of it.
            fits = hands and high - low >= MIN_RANGE_SEMITONES
            draft.low, draft.high = (low, high) if fits else (wish.low, wish.high)


def make_palette(
    genre: Genre,
    instruments: Sequence[str],
    without: Sequence[str] = (),
    *,
    choice: int = 0,
    line_up: Sequence[PaletteEntry] = (),
    joining: Sequence[str] = (),
    ranges: Sequence[PartRange] = (),
    exact: Sequence[BriefPart] | None = None,
) -> tuple[PlanPart, ...]:
    """Return the parts of a piece, melody to bass as scores print them.

    Parameters
    ----------
    instruments : sequence of str
        Names, one a player; empty for the genre's usual line-up.
    without : sequence of str
        Instruments to leave out.
    choice : int
        Which of the genre's line-ups to take.
    line_up : sequence of PaletteEntry
        A line-up that replaces the genre's own (from a style file).
    joining : sequence of str
        Instruments that join the usual line-up; without effect where ``instruments`` are given.
    ranges : sequence of PartRange
        Pitches that single instruments may use, inside the instrument's own range.
    exact : sequence of BriefPart, optional
        Every part as it shall be; only exclusions and ranges still apply.

    Raises
    ------
    BriefError
        If an instrument is unknown, there are too many, or nobody is left to play.
    """
    if exact is not None:
        drafts = _exact_drafts(exact, without)
    elif instruments:
        players = [_resolve(name) for name in instruments]
        players = [player for player in players if not is_excluded(player, without)]
        if len(players) > MAX_PLANNED_PARTS:
            raise BriefError(
                f"instruments={len(players)} players must be at most {MAX_PLANNED_PARTS}; "
                "name fewer instruments or a section such as 'strings'"
            )
        drafts = (
            _from_ensemble(players)
            or _from_genres(players)
            or _around_ensemble(players)
            or _assign(players)
        )
        if sum(player.is_drum for player in players) > 1:
            first = next(index for index, d in enumerate(drafts) if d.role == "drums")
            drafts = [d for i, d in enumerate(drafts) if d.role != "drums" or i == first]
    else:
        drafts = _usual_drafts(genre, choice, line_up, joining, without)
        if not any(draft.role != "drums" for draft in drafts):
            fallback = [
                i for i in ("piano", "violin", "flute") if not is_excluded(_resolve(i), without)
            ]
            drafts = _assign([_resolve(name) for name in fallback[:1]])
    if not drafts:
        raise BriefError(
            "instruments: nobody is left to play; name an instrument or drop one of the exclusions"
        )
    _one_melody(drafts)
    if exact is None:
        drafts = _with_chords(drafts)
    _name_parts(drafts)
    for draft in drafts:
        if (draft.low, draft.high) == (0, 127):
            draft.low, draft.high = _window(draft.instrument, draft.role)
    _apply_ranges(drafts, ranges)
    parts = []
    for draft in drafts:
        low, high = draft.low, draft.high
        parts.append(
            PlanPart(
                name=draft.name,
                instrument=draft.instrument.name,
                program=0 if draft.instrument.is_drum else draft.instrument.program,
                is_drum=draft.instrument.is_drum,
                role=draft.role,
                low=low,
                high=high,
            )
        )
    return tuple(parts)
