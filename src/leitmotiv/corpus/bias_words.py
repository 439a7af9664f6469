"""Plain sentences about what a model trained on a library will not know.

Conventions: every sentence rests on a share of notes from the report's tables, or on what the
representation cannot hold. Shares below one in two hundred count as "hardly any".

Public names: :func:`plain_sentences`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

__all__ = ["plain_sentences"]

_HARDLY = 0.005
_LITTLE = 0.03
_UNKNOWN = "unknown"

_UNHEARD_GENRES = ("jazz", "blues", "pop", "hip-hop", "electronic dance music", "film music")
_ALL_REGIONS = (
    "Poland",
    "Germany and Austria",
    "Bohemia and Hungary",
    "Italy",
    "France and the Low Countries",
    "Britain and Ireland",
    "Spain and Portugal",
    "Nordic countries",
    "Russia",
    "North America",
    "Latin America",
)
_OUTSIDE = "Africa, the Middle East, South and East Asia"
_FAMILIES = ("piano", "strings", "voice", "organ", "reed", "brass", "pipe", "guitar", "bass")
_FAMILIES_FOR_GAMES = ("synth lead", "synth pad", "chromatic percussion", "world", "drums")
_ODD_METERS = ("5/4", "5/8", "7/4", "7/8", "10/8", "11/8")
_SIMPLE_METERS = ("4/4", "2/2", "3/4", "2/4", "6/8", "3/8")


def _percent(share: float) -> str:
    if share == 0:
        return "none"
    return f"{share:.0%}" if share >= 0.01 else f"{share:.1%}" if share >= 0.001 else "under 0.1%"


def _listed(names: Iterable[str]) -> str:
    names = list(names)
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _rare(shares: Mapping[str, float], names: Iterable[str]) -> list[str]:
    return [name for name in names if shares.get(name, 0.0) < _HARDLY]


def plain_sentences(
    shares: Mapping[str, Mapping[str, float]], *, guessed_tempo: float, flat_dynamics: float
) -> list[str]:
    """Say what the shares mean.

    Parameters
    ----------
    shares : mapping
        For each table of the report, label to share of notes (0-1).
    guessed_tempo, flat_dynamics : float
        Share of notes in pieces whose tempo is no one's word, and whose notes are all as loud.

    Returns
    -------
    list of str
        Whole sentences; empty for an empty library.

    Examples
    --------
    >>> lines = plain_sentences(
    ...     {"genre": {"hymn": 1.0}, "meter": {"4/4": 1.0}}, guessed_tempo=0, flat_dynamics=1
    ... )
    >>> lines[0]
    'Hymn makes up 100% of the notes: left to itself, a model will write that.'
    """
    genres = {k: v for k, v in shares.get("genre", {}).items() if k != _UNKNOWN}
    if not sum(shares.get("genre", {}).values()):
        return []
    lines = [*_genre_lines(genres), *_origin_lines(shares)]
    families = shares.get("family", {})
    if families:
        rare = _rare(families, (*_FAMILIES, *_FAMILIES_FOR_GAMES))
        if rare:
            lines.append(
                f"It has seen next to no {_listed(rare)}: parts for them will be borrowed from "
                "other instruments."
            )
    lines += _language_lines(shares)
    if guessed_tempo > 0.2:
        lines.append(
            f"The tempo of {_percent(guessed_tempo)} of the notes is an editor's or a program's "
            "guess; it will not know well which speed suits which music."
        )
    if flat_dynamics > 0.2:
        lines.append(
            f"{_percent(flat_dynamics)} of the notes carry no dynamics; it learns loudness from "
            "the rest alone."
        )
    lines.append(
        "Twelve equal semitones, notated rhythm: it knows no microtones, no lyrics, no sound "
        "design and little of how performers bend time."
    )
    return lines


def _genre_lines(genres: Mapping[str, float]) -> list[str]:
    lines = []
    large = sorted((g for g in genres if genres[g] >= 0.15), key=lambda g: -genres[g])
    if large:
        verb = "makes" if len(large) == 1 else "make"
        total = sum(genres[g] for g in large)
        lines.append(
            f"{_listed(large).capitalize()} {verb} up {_percent(total)} of the notes: left to "
            "itself, a model will write that."
        )
    unheard = [g for g in _UNHEARD_GENRES if not any(g in genre for genre in genres)]
    if unheard:
        lines.append(
            f"Nothing is labelled {', '.join(unheard[:-1])} or {unheard[-1]}; it will not know "
            "their grooves, voicings or forms."
            if len(unheard) > 1
            else f"Nothing is labelled {unheard[0]}; it will not know its idiom."
        )
    modern = sum(share for genre, share in genres.items() if "rock" in genre or "game" in genre)
    if modern < 0.1:
        lines.append(
            f"Game, rock and electronic music is {_percent(modern)} of the notes: bands and beats "
            "need styles or fine-tuning."
        )
    return lines


def _origin_lines(shares: Mapping[str, Mapping[str, float]]) -> list[str]:
    lines = []
    centuries = shares.get("century", {})
    late = centuries.get("20th", 0.0) + centuries.get("21st", 0.0)
    if centuries and late < 0.2:
        lines.append(
            f"Music composed after 1900 is {_percent(late)} of the notes (of "
            f"{_percent(centuries.get(_UNKNOWN, 0.0))} the century is not known): it will hardly "
            "know modern harmony or rhythm."
        )
    early = sum(centuries.get(f"{c}th", 0.0) for c in range(9, 17))
    if centuries and early < _LITTLE:
        lines.append(f"Music before 1600 is {_percent(early)} of the notes.")
    regions = shares.get("region", {})
    known = {name: share for name, share in regions.items() if name != _UNKNOWN}
    unknown = regions.get(_UNKNOWN, 0.0)
    if unknown > 0.5:  # what so few notes say about the rest is no finding
        lines.append(
            f"The region is known for {_percent(1 - unknown)} of the notes only; none is known to "
            f"come from {_OUTSIDE}."
        )
    elif known:
        first = max(known, key=lambda name: known[name])
        rare = _rare(regions, _ALL_REGIONS)
        if known[first] > 0.25:
            lines.append(f"{first} alone is {_percent(known[first])} of the notes.")
        words = f"there is hardly any from {_listed(rare)}, and " if rare else ""
        if not set(known) - set(_ALL_REGIONS):
            lines.append(
                f"The music is European or from the Americas: {words}none is known to come from "
                f"{_OUTSIDE}."
            )
    composers = {
        name: share
        for name, share in shares.get("composer", {}).items()
        if not name.startswith("anonymous") and name != _UNKNOWN
    }
    top = sorted(composers.values(), reverse=True)[:10]
    if len(composers) > 20 and sum(top) > 0.3:
        lines.append(f"Ten composers wrote {_percent(sum(top))} of the notes.")
    return lines


def _language_lines(shares: Mapping[str, Mapping[str, float]]) -> list[str]:
    lines = []
    modes = shares.get("mode", {})
    church = sum(share for mode, share in modes.items() if mode not in ("major", "minor", _UNKNOWN))
    if modes:
        lines.append(
            f"By key finding, {_percent(modes.get('major', 0.0))} is in major, "
            f"{_percent(modes.get('minor', 0.0))} in minor and {_percent(church)} in church "
            "modes; scales beyond these it does not know."
        )
    meters = shares.get("meter", {})
    odd = sum(meters.get(meter, 0.0) for meter in _ODD_METERS)
    if meters and odd < 0.02:
        simple = sum(meters.get(meter, 0.0) for meter in _SIMPLE_METERS)
        lines.append(
            f"Meters of five and seven are {_percent(odd)} of the notes, "
            f"{', '.join(_SIMPLE_METERS[:-1])} and {_SIMPLE_METERS[-1]} {_percent(simple)}."
        )
    return lines
