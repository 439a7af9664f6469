"""What a worker process does with one file: read it, judge it, encode it, tag it.

Conventions: the functions here run inside :class:`leitmotiv.score.worker_pool.WorkerPool`, so they
may crash; what they return is small and picklable.

Public names: :func:`read_piece`, :class:`ReadPiece`, :func:`kind_of`, :data:`ANALYSIS_VERSION`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from xml.sax.saxutils import unescape

import numpy as np
from numpy.typing import NDArray

from leitmotiv.corpus.abc import abc_fields, parse_abc
from leitmotiv.corpus.cleaning import fingerprint, reason_to_quarantine
from leitmotiv.corpus.encoding import columns_to_bytes, encode_piece
from leitmotiv.corpus.tagging import TAGS_VERSION, tag_score
from leitmotiv.errors import CorpusError, ReadError
from leitmotiv.score import Score
from leitmotiv.score.analysis import align_bars
from leitmotiv.score.midi import parse_midi
from leitmotiv.score.musicxml_container import musicxml_text
from leitmotiv.score.musicxml_read import parse_musicxml
from leitmotiv.theory import TICKS_PER_QUARTER
from leitmotiv.tokens.vocabulary import VOCABULARY_VERSION

__all__ = ["ANALYSIS_VERSION", "ReadPiece", "kind_of", "read_piece"]

MIN_PROBABILITY = 0.5  # of a guessed genre
ANALYSIS_VERSION = f"1.{TAGS_VERSION}.{VOCABULARY_VERSION}"
"""Changes when the same file would be read, tagged or encoded in another way."""

_HEAD_BYTES = 1 << 16  # of a MusicXML file, where its head stands
_XML_STARTS = (b"<?xml", b"<!DOCTYPE", b"<score-partwise", b"<score-timewise", b"<!--")


@dataclass(frozen=True)
class ReadPiece:
    """What one file gave; ``reason`` says why it is not to be learned from, where it is not."""

    reason: str | None = None
    fingerprint: str | None = None
    num_notes: int = 0
    num_bars: int = 0
    num_parts: int = 0
    quarters: float = 0.0
    duration_sec: float = 0.0
    meta: Mapping[str, Any] = field(default_factory=dict)
    tags: Mapping[str, Any] = field(default_factory=dict)
    columns: bytes | None = None
    ngrams: NDArray[np.int64] | None = None


def kind_of(data: bytes, name: str) -> str | None:
    """Tell ``midi``, ``musicxml`` and ``abc`` apart by content; None where it is none of them.

    Examples
    --------
    >>> kind_of(b"MThd...", "a.abc"), kind_of(b"X:1\\nK:C\\nC", "a.abc"), kind_of(b"hello", "a.mid")
    ('midi', 'abc', None)
    """
    if data[:4] == b"MThd" or (data[:4] == b"RIFF" and data[8:12] == b"RMID"):
        return "midi"
    if data[:4] == b"PK\x03\x04":
        return "musicxml"
    text = data[:4096]
    for mark, encoding in ((b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be")):
        if text.startswith(mark):
            text = text[2:].decode(encoding, "ignore").encode()
    text = text.removeprefix(b"\xef\xbb\xbf").lstrip()
    if text.startswith(_XML_STARTS):
        return "musicxml"
    if re.search(r"\.abc(#\d+)?$", name.lower()) and b"K:" in data:
        return "abc"
    return None


def _parse(data: bytes, name: str) -> Score:
    kind = kind_of(data, name)
    if kind == "midi":
        return parse_midi(data)
    if kind == "musicxml":
        return parse_musicxml(data)
    if kind == "abc":
        return parse_abc(data)
    if not data:
        raise ReadError("the file is empty")
    raise ReadError(f"the file begins with {data[:8]!r}: neither MIDI nor MusicXML nor ABC")


def read_piece(
    data: bytes, name: str, entry: Mapping[str, Any], defaults: Mapping[str, Any] | None = None
) -> ReadPiece:
    """Read one file and find out all that the library keeps of it.

    Parameters
    ----------
    data : bytes
        MIDI, MusicXML or ABC.
    name : str
        The file's name; ABC is told by its suffix.
    entry : mapping
        What the source says of the piece.
    defaults : mapping or None
        What holds where neither the source nor the file says anything.

    Returns
    -------
    ReadPiece
        With a ``reason`` where the piece is absurd or cannot be encoded.

    Raises
    ------
    ReadError
        If the file cannot be read as music.
    """
    score = _parse(data, name)
    said = {key: value for key, value in entry.items() if value is not None}
    meta = {**(defaults or {}), **_meta(score), **_header(data, name), **said}
    reason = reason_to_quarantine(score)
    # Beyond this no piece is ok, and an absurd one could take all memory on the way.
    if reason is not None:
        return ReadPiece(reason, num_notes=score.num_notes, num_parts=len(score.parts), meta=meta)
    score = align_bars(score)
    facts: dict[str, Any] = {
        "fingerprint": fingerprint(score),
        "num_notes": score.num_notes,
        "num_bars": score.num_bars,
        "num_parts": len(score.parts),
        "quarters": score.length_ticks / TICKS_PER_QUARTER,
        "duration_sec": score.duration_sec,
        "meta": meta,
    }
    try:
        tags = tag_score(score, genre=meta.get("genre"), tempo_known=_tempo_known(meta))
        genre = _likely_genre(tags)
        if genre is not None:
            meta["genre"], meta["genre_source"] = genre, "guessed"
        encoded = encode_piece(score, meta)
    except CorpusError as error:
        return ReadPiece(reason=str(error), **facts)
    except (MemoryError, RecursionError):
        raise
    except Exception as error:  # a fault of ours: the file was read and is no absurd piece
        detail = " ".join(f"{type(error).__name__}: {error}".split())[:160]
        return ReadPiece(reason=f"analysis failed ({detail}); report it with the file", **facts)
    columns = columns_to_bytes(encoded.columns)
    return ReadPiece(tags=tags, columns=columns, ngrams=encoded.ngrams, **facts)


def _meta(score: Score) -> dict[str, Any]:
    """What a file says of itself, in the fields of a manifest."""
    velocities = [part.notes["velocity"] for part in score.parts if len(part.notes)]
    tempo = score.tempo_map.qpm[0]
    meta: dict[str, Any] = {
        "tempo": round(tempo, 2),
        # 120 is what MIDI and most programs assume where nothing is said.
        "tempo_source": "default" if score.tempo_map.qpm == (120.0,) else "file",
        "n_velocities": len(np.unique(np.concatenate(velocities))) if velocities else 0,
    }
    if score.title:
        meta["title"] = score.title
    return meta


def _header(data: bytes, name: str) -> dict[str, Any]:
    """Who wrote a piece and whose it is, as far as the file says."""
    kind = kind_of(data, name)
    if kind == "abc":
        return dict(abc_fields(data))
    if kind != "musicxml":
        return {}
    text = musicxml_text(data)[:_HEAD_BYTES].decode("utf-8", "replace")
    patterns = {
        "composer": r'<creator\s[^>]*type="composer"[^>]*>([^<]{1,200})<',
        "rights": r"<rights\b[^>]*>([^<]{1,400})<",
    }
    found = {key: re.search(pattern, text) for key, pattern in patterns.items()}
    return {key: " ".join(unescape(match[1]).split()) for key, match in found.items() if match}


def _tempo_known(meta: Mapping[str, Any]) -> bool:
    return meta.get("tempo_source") in ("marked", "file")


def _likely_genre(tags: Mapping[str, Any]) -> str | None:
    """The guessed genre where the guess is more likely right than wrong."""
    guess = tags.get("genre") or {}
    likely = guess.get("source") == "guessed" and guess.get("probability", 0) >= MIN_PROBABILITY
    return guess["name"] if likely else None
