"""Bias report: what a library holds, and so what a model trained on it will not know.

Purpose: counts, notes and hours by genre, composer, century, region, instrument family, mode and
meter, and plain sentences about what is missing. What is not known is counted as "unknown", never
guessed; a share is always of everything.

Conventions: hours are as notated, at the tempo the file states. Notes are counted for shares,
since a model learns from notes; instruments share out each piece's hours by their notes. Centuries
are those of composition (see :func:`leitmotiv.corpus.composers.century_of`).

Public names: :func:`bias_report`, :func:`piece_facts`, :class:`BiasReport`, :class:`BiasTable`,
:class:`BiasRow`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from leitmotiv.corpus.bias_words import plain_sentences
from leitmotiv.corpus.composers import century_of, find_composer
from leitmotiv.score.general_midi import GM_INSTRUMENTS

if TYPE_CHECKING:
    from leitmotiv.corpus.library import Library, Piece

__all__ = ["BiasReport", "BiasRow", "BiasTable", "bias_report", "piece_facts"]

UNKNOWN = "unknown"
# What a collection is made of, where a piece names nobody.
_COLLECTION_REGIONS = {
    "ceol_rince": "Britain and Ireland",
    "nifc_polish": "Poland",
    "nifc_chopin_first_editions": "Poland",
    "optional_music21_folk": "Britain and Ireland",
    "rjl20_oldtime": "North America",
}
_COLLECTION_CENTURIES = {"freedoom": 21, "groove_midi_dataset": 21, "helland_free_music": 21}
_OTHER_FAMILY_NAMES = {
    "synth fx": "synth effects",
    "sound fx": "sound effects",
    "ethnic": "world",
    "ensemble/choir": "voice",
}
_ANONYMOUS = ("", "anon", "anonim", "anonymous", "trad", "traditional", UNKNOWN)
_TITLES = {
    "genre": "Genre",
    "composer": "Composer",
    "century": "Century",
    "region": "Region",
    "family": "Instrument family",
    "mode": "Mode",
    "meter": "Meter",
}


@dataclass(frozen=True)
class BiasRow:
    """One line of a table; ``share`` is of all notes, 0-1."""

    label: str
    pieces: int
    notes: int
    hours: float
    share: float


@dataclass(frozen=True)
class BiasTable:
    """One way to divide the library: ``name`` for programs, ``title`` for people."""

    name: str
    title: str
    rows: tuple[BiasRow, ...]

    def share(self, *labels: str) -> float:
        """Return the share of all notes under these labels together."""
        return sum(row.share for row in self.rows if row.label in labels)


@dataclass(frozen=True)
class BiasReport:
    """The whole report; ``sentences`` say what a model will and will not know."""

    pieces: int
    notes: int
    hours: float
    tables: tuple[BiasTable, ...]
    sentences: tuple[str, ...]

    def table(self, name: str) -> BiasTable:
        """Return a table by its name, such as "genre"."""
        return next(table for table in self.tables if table.name == name)

    def to_dict(self) -> dict[str, Any]:
        """Return the report as JSON."""
        return asdict(self)


def piece_facts(piece: Piece) -> dict[str, dict[str, float]]:
    """Return where a piece belongs: for each table, labels with their part of the piece (sum 1).

    Analysis comes first, then what the source says, then "unknown".
    """
    tags, meta = piece.tags, piece.meta
    composer = find_composer(piece.composer or "")
    century = century_of(piece.composer or "", piece.year)
    if century is None:
        century = _COLLECTION_CENTURIES.get(piece.source)
    region = composer.region if composer else _COLLECTION_REGIONS.get(piece.source, UNKNOWN)
    guessed = tags.get("genre") or {}
    return {
        "genre": {piece.genre or guessed.get("name") or UNKNOWN: 1.0},
        "composer": {composer.name if composer else _composer_label(piece.composer): 1.0},
        "century": {_century_label(century): 1.0},
        "region": {region: 1.0},
        "family": _families(tags, meta),
        "mode": {_mode(tags.get("key") or meta.get("key")): 1.0},
        "meter": {_meter(tags, meta): 1.0},
    }


def _century_label(century: int | None) -> str:
    if century is None:
        return UNKNOWN
    return f"{century}{'st' if century % 10 == 1 and century != 11 else 'th'}"


def _composer_label(name: str | None) -> str:
    words = (name or "").strip()
    return "anonymous and traditional" if _is_nobody(words) else words


def _is_nobody(name: str) -> bool:
    first = name.lower().replace(".", " ").split("(")[0].split()
    return not first or first[0].strip(",") in _ANONYMOUS


def _families(tags: Mapping[str, Any], meta: Mapping[str, Any]) -> dict[str, float]:
    """Each instrument family's part of the notes."""
    notes: dict[str, float] = defaultdict(float)
    for part in tags.get("parts", ()):
        program = part["program"]
        name = "drums" if program == "drums" else _family(int(program))
        notes[name] += part["num_notes"]
    if not notes:
        for name, count in (meta.get("families") or {}).items():
            notes[_OTHER_FAMILY_NAMES.get(name, name)] += count
    total = sum(notes.values())
    return {name: count / total for name, count in notes.items()} if total else {UNKNOWN: 1.0}


def _family(program: int) -> str:
    special = {47: "timpani", 52: "voice", 53: "voice", 54: "voice"}
    family = special.get(program) or GM_INSTRUMENTS[program].family
    return "string ensemble" if family == "ensemble" else family


def _mode(key: str | None) -> str:
    return key.split()[-1] if key else UNKNOWN


def _meter(tags: Mapping[str, Any], meta: Mapping[str, Any]) -> str:
    """The meter of the most bars."""
    bars: dict[str, int] = defaultdict(int)
    for row in tags.get("meters", ()):
        bars[row["meter"]] += row["bars"][1] - row["bars"][0]
    if bars:
        return max(bars, key=lambda name: bars[name])
    return str(meta.get("time_signature") or UNKNOWN)


def bias_report(library: Library | Iterable[Piece]) -> BiasReport:
    """Count what a library holds.

    Parameters
    ----------
    library : Library or iterable of Piece
        Of a library, the pieces that are ``ok``.

    Returns
    -------
    BiasReport
        Tables sorted by notes; centuries by time.

    Examples
    --------
    >>> from leitmotiv.corpus.library import Piece
    >>> piece = Piece("a", "demo", "a.mid", composer="J. S. Bach", num_notes=90, duration_sec=60)
    >>> report = bias_report([piece])
    >>> report.table("century").rows[0].label, report.table("region").rows[0].label
    ('18th', 'Germany and Austria')
    """
    pieces: Iterable[Piece] = library.pieces() if hasattr(library, "pieces") else library
    counts: dict[str, dict[str, list[float]]] = {name: {} for name in _TITLES}
    num_pieces = notes = 0
    seconds = guessed_tempo = flat_dynamics = 0.0
    for piece in pieces:
        num_pieces += 1
        notes += piece.num_notes
        seconds += piece.duration_sec
        guessed_tempo += piece.num_notes * (not _tempo_known(piece))
        flat_dynamics += piece.num_notes * (int(piece.meta.get("n_velocities") or 0) < 3)
        for name, labels in piece_facts(piece).items():
            for label, part in labels.items():
                row = counts[name].setdefault(label, [0, 0.0, 0.0])
                row[0] += 1
                row[1] += part * piece.num_notes
                row[2] += part * piece.duration_sec
    tables = tuple(_table(name, rows, notes) for name, rows in counts.items())
    sentences = plain_sentences(
        {table.name: {row.label: row.share for row in table.rows} for table in tables},
        guessed_tempo=guessed_tempo / max(notes, 1),
        flat_dynamics=flat_dynamics / max(notes, 1),
    )
    return BiasReport(num_pieces, notes, round(seconds / 3600, 2), tables, tuple(sentences))


def _tempo_known(piece: Piece) -> bool:
    if "tempo_source" in piece.meta:
        return piece.meta["tempo_source"] in ("marked", "file", "performance", "click track")
    return bool((piece.tags.get("tempo") or {}).get("known", False))


def _table(name: str, counts: Mapping[str, list[float]], total: int) -> BiasTable:
    rows = [
        BiasRow(label, int(row[0]), round(row[1]), round(row[2] / 3600, 2), row[1] / max(total, 1))
        for label, row in counts.items()
    ]
    if name == "century":
        rows.sort(key=lambda row: (row.label == UNKNOWN, row.label.zfill(4)))
    else:
        rows.sort(key=lambda row: (-row.notes, row.label))
    return BiasTable(name, _TITLES[name], tuple(rows))
