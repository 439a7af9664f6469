"""Human annotations of scores, for the recognition benchmark.

- Keys that titles name ("Sonata in D minor") in a folder of archives with ``manifest.jsonl``, for
  pieces that are whole or a first movement.
- Keys and modes that transcribers wrote into ABC tunes (O'Neill, Ryan, Aird) of the ``music21``
  package.
- Chords and local keys of the Roman numeral analyses in ``music21``: 20 Bach chorales and 48
  Monteverdi madrigals.
- Phrases of the Essen folk song collection in ``music21``: one line of ABC is one phrase.

Nothing of this is shipped; ``music21`` is an optional tool of this benchmark.
"""

from __future__ import annotations

import json
import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from leitmotiv.score import MeterChange, Part, Score, make_notes
from leitmotiv.score.analysis import align_bars
from leitmotiv.score.midi import parse_midi
from leitmotiv.theory import Key, Meter

TITLE_KEY = re.compile(
    r"\b([A-H])(?:[- ]?(sharp|flat|b|#|♯|♭))?[- ]?\s?(major|minor|dur|moll)\b", re.IGNORECASE
)
# A later movement or a member of a cycle is rarely in the key that the title names.
LATER_MOVEMENT = re.compile(
    r"\[[2-9]|\[1\d|\b(2nd|3rd|4th|second|third)\b| [2-9]$|: [2-9]\.|, (II|III|IV)|\bcz\. ?[2-9]|"
    r"- (II|III|IV|V)\b|Mass|Passio|Suite|Partita|Scherzo|Romance|Mortuos|"
    r"(Menuet|Minuet) (2|II)",
    re.IGNORECASE,
)
ABC_KEY = re.compile(r"([A-G])([#b]?)\s*([A-Za-z]*)")
ABC_MODES = {
    "": "major",
    "maj": "major",
    "ion": "major",
    "m": "minor",
    "min": "minor",
    "aeo": "minor",
    "dor": "dorian",
    "mix": "mixolydian",
    "lyd": "lydian",
    "phr": "phrygian",
}


@dataclass(frozen=True)
class NamedKey:
    """A score and the key that a person gave it."""

    name: str
    score: Score
    key: Key


@dataclass(frozen=True)
class Analysed:
    """A score with a person's chords and keys: (start tick, root, quality, key), by start."""

    name: str
    score: Score
    chords: list[tuple[int, int, str, Key]]
    stream: Any  # the music21 score


@dataclass(frozen=True)
class Phrased:
    """A tune and the ticks at which its phrases start, the first left out."""

    score: Score
    starts: list[int]


def manifest(folder: Path) -> list[dict[str, Any]]:
    """Every line of a manifest."""
    lines = (folder / "manifest.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


def read_piece(folder: Path, entry: dict[str, Any]) -> Score:
    """Read one piece of an archive as the library does."""
    return align_bars(parse_midi(_archive(folder / f"{entry['source']}.zip").read(entry["file"])))


@cache
def _archive(path: Path) -> zipfile.ZipFile:
    """Opened once: reading the directory of a large archive takes longer than a piece."""
    return zipfile.ZipFile(path)


def title_key(title: str) -> Key | None:
    """The key that a title names, None for none and for later movements."""
    found = TITLE_KEY.search(title)
    if not found or LATER_MOVEMENT.search(title):
        return None
    letter, accidental, mode = found.group(1).upper(), found.group(2) or "", found.group(3).lower()
    german = mode in ("dur", "moll")
    if letter == "H":
        letter = "B"
    elif letter == "B" and german and not accidental:
        accidental = "b"
    accidental = {"sharp": "#", "♯": "#", "flat": "b", "♭": "b"}.get(accidental.lower(), accidental)
    return Key.parse(
        f"{letter}{accidental.lower()} {'major' if mode in ('major', 'dur') else 'minor'}"
    )


def keys_in_titles(folder: Path) -> Iterator[NamedKey]:
    """Pieces whose title names their key; Groove, Essen and tunes have none."""
    for entry in manifest(folder):
        key = title_key(entry["title"] or "")
        if key is not None and not entry["source"].startswith("optional"):
            yield NamedKey(f"{entry['composer']}: {entry['title']}", read_piece(folder, entry), key)


def _abc_fields(path: Path) -> Iterator[dict[str, str]]:
    """Title, key and tune text of every tune in an ABC file."""
    tune: dict[str, str] = {}
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        line = line.split("%")[0].rstrip()
        if line.startswith("X:"):
            if "K" in tune:
                yield tune
            tune = {"text": ""}
        elif re.match(r"[A-Za-z]:", line):
            tune.setdefault(line[0], line[2:].strip())
        elif tune and line.strip():
            tune["text"] += line.strip() + "\n"
    if "K" in tune:
        yield tune


def _music21_corpus() -> Path:
    import music21

    return Path(music21.__file__).parent / "corpus"


def _abc_key(text: str) -> Key | None:
    found = ABC_KEY.fullmatch(text)
    mode = ABC_MODES.get(found.group(3).lower()[:3]) if found else None
    if found is None or mode is None:
        return None
    return Key.parse(f"{found.group(1)}{found.group(2)} {mode}")


def _plain(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "", text.lower())


def keys_of_tunes(folder: Path, every: int = 1) -> Iterator[NamedKey]:
    """Every n-th folk tune of the archive with the K: field of the ABC file it came from."""
    matched = 0
    known: dict[tuple[str, str], set[str]] = {}
    for book in ("oneills1850", "ryansMammoth", "airdsAirs"):
        for path in sorted((_music21_corpus() / book).glob("*.abc")):
            for tune in _abc_fields(path):
                name = (f"{book}/{path.name}", _plain(tune.get("T", "")))
                known.setdefault(name, set()).add(tune["K"])
    for entry in manifest(folder):
        if entry["source"] != "optional_music21_folk":
            continue
        name = (entry["source_path"].split("#")[0], _plain(entry["title"] or ""))
        texts = known.get(name, set())
        key = _abc_key(next(iter(texts))) if len(texts) == 1 else None
        if key is None:
            continue
        matched += 1
        if matched % every == 0:
            yield NamedKey(entry["title"], read_piece(folder, entry), key)


def _ticks(quarters: float) -> int:
    return round(float(quarters) * 480)


def from_music21(stream: Any, name: str) -> tuple[Score, dict[int, int]]:
    """Turn a music21 score into ours; also the start tick of each measure number.

    A pickup is pushed to the end of a full bar, so that bar lines stand where they are written.
    """
    measures = list(stream.parts[0].getElementsByClass("Measure"))
    pickup = measures[0].duration.quarterLength
    full = measures[0].barDuration.quarterLength
    shift = full - pickup if pickup < full else 0
    starts = {m.number: _ticks(m.offset + shift) for m in measures}
    parts = []
    for part in stream.parts:
        rows = []
        for note in part.flatten().stripTies().notes:
            if note.duration.quarterLength > 0:
                at = _ticks(note.offset)
                rows += [
                    (at + _ticks(shift), _ticks(note.duration.quarterLength), pitch.midi)
                    for pitch in note.pitches
                ]
        if rows:
            onset, duration, pitch = np.asarray(rows).T
            parts.append(Part(str(part.partName), notes=make_notes(onset, duration, pitch)))
    meters = []
    for measure in measures:
        for signature in measure.getElementsByClass("TimeSignature"):
            tick = starts[measure.number] if meters else 0
            meter = Meter.parse(signature.ratioString)
            if not meters or (tick > meters[-1].tick and meter != meters[-1].meter):
                meters.append(MeterChange(tick, meter))
    score = Score(
        parts=tuple(parts), meters=tuple(meters) or (MeterChange(0, Meter(4, 4)),), title=name
    )
    return score, starts


def _figure(numeral: Any) -> tuple[int, str]:
    """Root pitch class and triad quality of a Roman numeral."""
    quality = {"major": "maj", "minor": "min", "diminished": "dim", "augmented": "aug"}
    return int(numeral.root().pitchClass), quality.get(numeral.quality, numeral.quality)


def _our_key(key: Any) -> Key:
    return Key.parse(f"{key.tonic.name.replace('-', 'b')} {key.mode}")


def analysed(which: str, count: int) -> Iterator[Analysed]:
    """Scores with Roman numeral analyses, ``count`` spread over "bach" or "monteverdi"."""
    from music21 import corpus

    folder = "bach/choraleAnalyses" if which == "bach" else "monteverdi"
    paths = sorted((_music21_corpus() / folder).glob("*.rntxt"))
    for path in paths[:: max(len(paths) // count, 1)][:count]:
        text = path.read_text(encoding="utf-8", errors="replace")
        work = re.search(r"^BWV:\s*([\d.]+)", text, re.MULTILINE)
        name = f"bach/bwv{work.group(1)}" if work else f"monteverdi/{path.stem}"
        try:
            analysis = corpus.parse(path)
            stream = corpus.parse(name if work else f"monteverdi/{path.stem}.mxl")
            score, starts = from_music21(stream, name)
        except Exception as error:  # music21 raises all kinds
            print(f"  left out {name}: {error}")
            continue
        chords = []
        for numeral in analysis.recurse().getElementsByClass("RomanNumeral"):
            measure = numeral.getContextByClass("Measure")
            if measure.number not in starts:
                continue
            at = starts[measure.number] + _ticks(numeral.offset)
            chords.append((at, *_figure(numeral), _our_key(numeral.key)))
        yield Analysed(name, score, sorted(chords, key=lambda row: row[0]), stream)


_ABC_TOKEN = re.compile(r"\|+|([_^=]*)([A-Ga-gz])([,']*)(\d*)(/?\d*)")
_STEPS = {"c": 0, "d": 2, "e": 4, "f": 5, "g": 7, "a": 9, "b": 11}


def _abc_line(text: str, unit: int) -> Iterator[tuple[str, int, int]]:
    """Tokens of one line: ("bar", 0, 0), ("note", pitch, ticks) or ("rest", 0, ticks)."""
    for found in _ABC_TOKEN.finditer(text):
        letter = found.group(2)
        if letter is None:
            yield "bar", 0, 0
            continue
        times = int(found.group(4) or 1)
        slash = found.group(5)
        divide = int(slash[1:] or 2) if slash else 1
        ticks = unit * times // divide
        if letter == "z":
            yield "rest", 0, ticks
            continue
        pitch = 60 + _STEPS[letter.lower()] + 12 * letter.islower()
        pitch += 12 * (found.group(3).count("'") - found.group(3).count(","))
        pitch += found.group(1).count("^") - found.group(1).count("_")
        yield "note", pitch, ticks


def essen_songs() -> Iterator[Phrased]:
    """Songs of the Essen collection in one regular meter; keys are not read (phrases need none)."""
    for path in sorted((_music21_corpus() / "essenFolksong").glob("*.abc")):
        for tune in _abc_fields(path):
            meter_text, unit_text = tune.get("M", ""), tune.get("L", "1/16")
            if not re.fullmatch(r"\d+/\d+", meter_text) or re.search(r"[({\[\"-]", tune["text"]):
                continue
            meter = Meter.parse(meter_text)
            numerator, denominator = map(int, unit_text.split("/"))
            unit = 1920 * numerator // denominator
            at, first_bar, rows, starts = 0, None, [], []
            for line in tune["text"].splitlines():
                starts.append(at)
                for kind, pitch, ticks in _abc_line(line, unit):
                    if kind == "bar" and first_bar is None and at > 0:
                        first_bar = at
                    if kind == "note" and ticks > 0:
                        rows.append((at, ticks, pitch))
                    at += ticks
            if len(rows) < 12 or len(starts) < 3 or first_bar is None:
                continue
            shift = meter.bar_ticks - first_bar if first_bar < meter.bar_ticks else 0
            onset, duration, pitches = np.asarray(rows).T
            notes = make_notes(onset + shift, duration, np.clip(pitches, 0, 127))
            score = Score(parts=(Part("Voice", 52, notes=notes),), meters=(MeterChange(0, meter),))
            yield Phrased(score, [start + shift for start in starts[1:]])
