"""Scores from files that people hand in.

Purpose: read MIDI and MusicXML by what is inside the file, with every limit on the way.

Conventions: the file is opened here and parsed in a worker process
(:mod:`leitmotiv.score.sandbox`); whatever is wrong with it becomes one line that names the file,
the requirement and the remedy.

Public names: :func:`read_score`, :func:`read_midi`, :func:`read_musicxml`, :func:`parse_score`.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from leitmotiv.errors import ReadError
from leitmotiv.score.midi import parse_midi
from leitmotiv.score.musicxml_read import parse_musicxml
from leitmotiv.score.sandbox import BYTES_PER_MIB, run_in_worker
from leitmotiv.score.score import Score

__all__ = ["parse_score", "read_midi", "read_musicxml", "read_score"]

MAX_MIDI_BYTES = 32 * BYTES_PER_MIB
MAX_MUSICXML_BYTES = 128 * BYTES_PER_MIB
MEMORY_BYTES = 1024 * BYTES_PER_MIB
MIDI_TIMEOUT_SEC = 20.0
MUSICXML_TIMEOUT_SEC = 120.0

_XML_STARTS = (b"<?xml", b"<!DOCTYPE", b"<score-partwise", b"<score-timewise", b"<!--")


def read_score(path: str | os.PathLike[str]) -> Score:
    """Read a MIDI or MusicXML file, told apart by its content, not by its name.

    Parameters
    ----------
    path : path
        ``.mid``, ``.musicxml``, ``.xml`` or ``.mxl``.

    Returns
    -------
    Score
        Every note is of origin HUMAN.

    Raises
    ------
    ReadError
        If the file is missing, unreadable, too large, damaged or no music; one line.
    """
    data = _read_bytes(path, MAX_MUSICXML_BYTES)
    timeout_sec = MIDI_TIMEOUT_SEC if _kind_of(data) == "midi" else MUSICXML_TIMEOUT_SEC
    return _parse(_parser_of(data, f"{_shown(path)}: "), data, path, timeout_sec)


def parse_score(data: bytes) -> Score:
    """Read the bytes of a MIDI or MusicXML file in this process, told apart by their content.

    For files that nobody vouches for use :func:`read_score`, which works in a process apart.

    Raises
    ------
    ReadError
        If the bytes are no music or are damaged; one line.
    """
    return _parser_of(data, "")(data)


def _parser_of(data: bytes, subject: str) -> Callable[[bytes], Score]:
    kind = _kind_of(data)
    if kind is None:
        raise ReadError(
            f"{subject}the file begins with {data[:8]!r}; it must be MIDI (.mid) or MusicXML "
            "(.musicxml, .mxl): export it from a notation program or a DAW"
        )
    return parse_midi if kind == "midi" else parse_musicxml


def read_midi(path: str | os.PathLike[str]) -> Score:
    """Read a MIDI file, format 0 or 1, in a worker process.

    Raises
    ------
    ReadError
        If the file is missing, unreadable, too large, damaged or no MIDI file; one line.
    """
    return _parse(parse_midi, _read_bytes(path, MAX_MIDI_BYTES), path, MIDI_TIMEOUT_SEC)


def read_musicxml(path: str | os.PathLike[str]) -> Score:
    """Read a MusicXML file, plain or compressed (.mxl), in a worker process.

    Raises
    ------
    ReadError
        If the file is missing, unreadable, too large, damaged or no MusicXML; one line.
    """
    data = _read_bytes(path, MAX_MUSICXML_BYTES)
    return _parse(parse_musicxml, data, path, MUSICXML_TIMEOUT_SEC)


def _parse(
    parser: Callable[[bytes], Score], data: bytes, path: str | os.PathLike[str], timeout_sec: float
) -> Score:
    return run_in_worker(
        parser,
        (data,),
        timeout_sec=timeout_sec,
        memory_bytes=MEMORY_BYTES,
        subject=_shown(path),
    )


def _shown(path: str | os.PathLike[str]) -> str:
    return " ".join(str(Path(path)).split())


def _kind_of(data: bytes) -> str | None:
    if data[:4] == b"MThd" or (data[:4] == b"RIFF" and data[8:12] == b"RMID"):
        return "midi"
    if data[:4] == b"PK\x03\x04":
        return "musicxml"
    text = data[:4096]
    for mark, encoding in ((b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be")):
        if text.startswith(mark):
            text = text[2:].decode(encoding, "ignore").encode()
    return (
        "musicxml" if text.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(_XML_STARTS) else None
    )


def _read_bytes(path: str | os.PathLike[str], max_bytes: int) -> bytes:
    shown = _shown(path)
    try:
        # The handle is asked, not the path: the file cannot change its size in between.
        with open(path, "rb") as stream:
            data = stream.read(max_bytes + 1)
    except FileNotFoundError:
        raise ReadError(f"{shown}: the file does not exist; check its name and folder") from None
    except IsADirectoryError:
        raise ReadError(f"{shown}: this is a folder; name a MIDI or MusicXML file in it") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        if os.path.isdir(path):  # Windows says: permission denied
            reason = "it is a folder"
        raise ReadError(
            f"{shown}: the file cannot be read ({reason}); check its permissions"
        ) from error
    if not data:
        raise ReadError(
            f"{shown}: the file is empty; it must hold MIDI or MusicXML: export it again"
        )
    if len(data) > max_bytes:
        raise ReadError(
            f"{shown}: the file is larger than {max_bytes // BYTES_PER_MIB} MiB; "
            "split the piece into shorter files"
        )
    return data
