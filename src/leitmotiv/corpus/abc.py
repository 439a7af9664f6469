"""ABC in: one tune of a tunebook becomes a Score.

Purpose: most folk music on the net is ABC. music21 reads it (extra ``corpus``); here its stream
becomes a Score, and the fields that say who wrote and who transcribed a tune are kept.

Conventions:

- A tunebook is cut into tunes before it is read (:func:`split_tunes`); what stands before the
  first ``X:`` belongs to each of them.
- Repeats and endings are not unfolded, grace notes are dropped, ornaments are not played.
- A tune names no instrument: without ``%%MIDI program`` one voice is a fiddle, several are a piano
  or what their names say.

Public names: :func:`parse_abc`, :func:`split_tunes`, :func:`abc_fields`.

References: *The ABC music standard 2.1*, https://abcnotation.com/wiki/abc:standard:v2.1.
"""

from __future__ import annotations

import contextlib
import re
import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray

from leitmotiv.errors import LeitmotivError, MissingExtraError, ReadError
from leitmotiv.score import Part, Score, TempoMap, make_notes
from leitmotiv.score.general_midi import find_instrument
from leitmotiv.score.score import MAX_QPM, MIN_QPM, ChordChange, KeyChange, MeterChange
from leitmotiv.theory import TICKS_PER_QUARTER, ChordSymbol, Key, Meter, Mode
from leitmotiv.theory.chord import parse_lead_sheet

__all__ = ["abc_fields", "parse_abc", "split_tunes"]

MAX_TUNE_CHARACTERS = 200_000
MAX_TUNES = 100_000
DEFAULT_VELOCITY = 80
FIDDLE, PIANO = 40, 0

_TUNE_START = re.compile(r"^X:", re.MULTILINE)
_MODES = {"major": Mode.MAJOR, "ionian": Mode.MAJOR, "minor": Mode.MINOR, "aeolian": Mode.MINOR}


def decode(data: bytes) -> str:
    """Return the text of an ABC file: UTF-8, else Latin-1, with plain line ends."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("latin-1")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def split_tunes(data: bytes) -> list[bytes]:
    """Cut a tunebook into tunes, each with the fields of the file's head.

    Text without a tune comes back whole.

    Examples
    --------
    >>> split_tunes(b"L:1/8\\nX:1\\nK:C\\nCDEF\\n\\nX:2\\nK:G\\nGABc\\n")
    [b'L:1/8\\nX:1\\nK:C\\nCDEF\\n', b'L:1/8\\nX:2\\nK:G\\nGABc\\n']
    """
    text = decode(data)
    starts = [match.start() for match in _TUNE_START.finditer(text)]
    if not starts:
        return [data]
    # Of the head only fields and directives count; free text would be read as music.
    head = "".join(
        f"{line}\n"
        for line in text[: starts[0]].split("\n")
        if re.match(r"%%|[A-Za-z]:", line) and not re.match(r"[KTX]:", line)
    )
    ends = [*starts[1:], len(text)]
    return [
        (head + text[start:end].rstrip("\n") + "\n").encode()
        for start, end in zip(starts[:MAX_TUNES], ends, strict=False)
    ]


def abc_fields(data: bytes) -> dict[str, str]:
    """Return what a tune says of itself, in the fields of a manifest.

    Examples
    --------
    >>> abc_fields(b"X:1\\nT:The Lark\\nC:trad.\\nR:reel\\nZ:Ann Smith\\nK:D\\nDEFA")
    {'title': 'The Lark', 'composer': 'trad.', 'rhythm': 'reel', 'attribution': 'Ann Smith'}
    """
    names = {"T": "title", "C": "composer", "R": "rhythm", "O": "origin", "Z": "attribution"}
    found: dict[str, str] = {}
    for line in decode(data).split("\n"):
        name = names.get(line[:1]) if line[1:2] == ":" else None
        value = line[2:].partition("%")[0].strip().strip('"').strip()
        if name and value and name not in found:
            found[name] = value[:200]
        if line.startswith("K:"):  # the tune's body follows
            break
    return found


def parse_abc(data: bytes) -> Score:
    """Read one ABC tune in this process.

    music21 may take seconds and has no limits of its own: for a tune that came from elsewhere
    call this in a worker process.

    Raises
    ------
    ReadError
        If the text is no tune, is too long or has no notes.
    MissingExtraError
        If music21 is not installed.

    Examples
    --------
    >>> score = parse_abc(b"X:1\\nT:Scale\\nM:3/4\\nL:1/4\\nK:G\\nGAB|cde|\\n")  # doctest: +SKIP
    >>> score.parts[0].notes["pitch"].tolist(), str(score.keys[0].key)  # doctest: +SKIP
    ([67, 69, 71, 72, 74, 76], 'G major')
    """
    text = decode(data)
    if len(text) > MAX_TUNE_CHARACTERS:
        raise ReadError(
            f"the ABC tune has {len(text)} characters; {MAX_TUNE_CHARACTERS} are the most: split it"
        )
    try:
        from music21 import converter
    except ImportError as error:
        raise MissingExtraError("music21", "corpus") from error
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            stream = converter.parseData(text, format="abc")
            return _to_score(stream, text)
    except LeitmotivError as error:
        raise ReadError(f"the ABC tune holds a bad value: {error}") from error
    except RecursionError:
        raise
    except Exception as error:  # music21 raises whatever went wrong inside
        reason = " ".join(f"{type(error).__name__}: {error}".split())[:160]
        raise ReadError(f"the ABC tune cannot be read ({reason}); check its notation") from error


def _tick(offset: Any) -> int:
    return round(float(offset) * TICKS_PER_QUARTER)


def _to_score(stream: Any, text: str) -> Score:
    from music21 import harmony, key, meter, tempo

    streams = list(getattr(stream, "parts", None) or [stream])
    programs = [int(number) for number in re.findall(r"%%MIDI\s+program\s+(?:\d+\s+)?(\d+)", text)]
    parts: list[Part] = []
    chords: dict[int, ChordSymbol] = {}
    first: Any = None
    for number, one in enumerate(streams):
        flat = one.flatten()
        for symbol in flat.getElementsByClass(harmony.ChordSymbol):
            with contextlib.suppress(LeitmotivError, ValueError):
                chords.setdefault(_tick(symbol.offset), _chord(symbol.figure))
        parts.append(_part(one, flat, number, len(streams), programs))
        first = flat if first is None else first
    flat = first
    keys: dict[int, Key] = {}
    for change in flat.getElementsByClass(key.KeySignature):
        mode = _MODES.get(str(getattr(change, "mode", None) or "major"), Mode.MAJOR)
        with contextlib.suppress(LeitmotivError):
            keys[_tick(change.offset)] = Key.from_fifths(int(change.sharps), mode)
    qpm = next(
        (
            mark.getQuarterBPM()
            for mark in flat.getElementsByClass(tempo.MetronomeMark)
            if mark.getQuarterBPM()
        ),
        None,
    )
    known = qpm is not None and MIN_QPM <= qpm <= MAX_QPM
    title = abc_fields(text.encode()).get("title", "")
    return Score(
        parts=tuple(parts),
        tempo_map=TempoMap((0,), (float(qpm),)) if known and qpm is not None else TempoMap(),
        meters=_meters(
            streams[0], _named_meters(text, flat.getElementsByClass(meter.TimeSignature))
        ),
        keys=tuple(KeyChange(tick, keys[tick]) for tick in sorted(keys)),
        chords=tuple(ChordChange(tick, chords[tick]) for tick in sorted(chords)),
        title=title,
    )


def _chord(figure: str) -> ChordSymbol:
    return parse_lead_sheet(re.sub(r"(?<=[A-G])-", "b", figure))  # music21 writes B- for B flat


def _notes(flat: Any) -> NDArray[np.void]:
    """The sounding notes of a voice, ties merged (music21's own merging takes longer than all)."""
    from music21 import harmony

    rows: list[list[int]] = []  # onset, end, pitch
    tied: dict[int, int] = {}  # pitch -> row that goes on
    for element in flat.notes:
        if isinstance(element, harmony.ChordSymbol) or element.duration.isGrace:
            continue
        onset = _tick(element.offset)
        end = max(_tick(element.offset + element.duration.quarterLength), onset + 1)
        for note in getattr(element, "notes", (element,)):
            pitch = int(note.pitch.midi)
            tie = note.tie.type if note.tie is not None else ""
            row = tied.pop(pitch, None)
            if row is not None and tie in ("stop", "continue") and rows[row][1] == onset:
                rows[row][1] = end
            else:
                row = len(rows)
                rows.append([onset, end, pitch])
            if tie in ("start", "continue"):
                tied[pitch] = row
    pitches = [row[2] for row in rows] or [60]
    if not 0 <= min(pitches) <= max(pitches) <= 127:
        raise ReadError(f"pitch={min(pitches)} to {max(pitches)} must be 0-127; check the octaves")
    return make_notes(
        [row[0] for row in rows],
        [row[1] - row[0] for row in rows],
        [row[2] for row in rows],
        DEFAULT_VELOCITY,
    )


def _part(stream: Any, flat: Any, number: int, count: int, programs: list[int]) -> Part:
    name = str(stream.partName or "")
    instrument = find_instrument(name) if name else None
    program = FIDDLE if count == 1 else PIANO
    if instrument is not None:
        program = instrument.program
    if programs:
        program = min(programs[min(number, len(programs) - 1)], 127)
    name = name or ("Fiddle" if program == FIDDLE else f"Voice {number + 1}")
    return Part(name=name, program=program, notes=_notes(flat))


def _named_meters(text: str, signatures: Any) -> dict[int, Meter]:
    named: dict[int, Meter] = {}
    for one in signatures:
        with contextlib.suppress(LeitmotivError):
            named[_tick(one.offset)] = Meter(int(one.numerator), int(one.denominator))
    # What stands in the tune's head holds: music21 loses it behind some other fields.
    field = re.search(r"^M:\s*(\d{1,2})/(\d{1,2})", text, re.MULTILINE)
    if field and field.start() < text.find("\nK:"):
        with contextlib.suppress(LeitmotivError):
            named[0] = Meter(int(field[1]), int(field[2]))
    return named


def _meters(stream: Any, named: dict[int, Meter]) -> tuple[MeterChange, ...]:
    """Meters, with a change after each bar that is shorter than its meter, such as an upbeat."""
    meter = named.get(0, Meter(4, 4))
    changes = [MeterChange(0, meter)]
    for bar in stream.getElementsByClass("Measure"):
        tick = _tick(bar.offset)
        new = named.get(tick, meter)
        off = (tick - changes[-1].tick) % meter.bar_ticks != 0
        if tick > changes[-1].tick and (off or new != meter):
            changes.append(MeterChange(tick, new))
        meter = new
    return tuple(changes)
