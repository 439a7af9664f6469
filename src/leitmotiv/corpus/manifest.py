"""Manifests: what a collection says of its pieces, one JSON object a line.

Conventions: a line has at least ``source`` (the archive's name without ``.zip``) and ``file`` (the
name inside it); ``licence`` decides whether the piece is let in. Further fields that are used:
``id, title, composer, year, licence_url, attribution, genre, key, tempo, tempo_source,
n_velocities, sha256``. All others are kept with the piece.

Public names: :class:`Manifest`, :data:`MANIFEST`.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

from leitmotiv.errors import CorpusError

__all__ = ["MANIFEST", "Manifest"]

MANIFEST = "manifest.jsonl"
MAX_LINE_BYTES = 1 << 20

Entry = dict[str, Any]


class Manifest:
    """Where each source's lines stand, so that a long manifest need not be held as objects.

    ``bad_lines`` holds number and problem of each line that cannot be used.

    Parameters
    ----------
    path : Path
        The file, or the archive that the text comes from.
    text : bytes or None
        The text where it is not the file's own.

    Raises
    ------
    CorpusError
        If the file cannot be read.
    """

    def __init__(self, path: Path, text: bytes | None = None) -> None:
        self.path = path
        self._text = text
        self._offsets: dict[str, list[int]] = {}
        self.bad_lines: list[tuple[int, str]] = []
        try:
            with self._open() as stream:
                offset = 0
                for number, line in enumerate(stream, 1):
                    entry, problem = _parse_line(line)
                    if problem:
                        self.bad_lines.append((number, problem))
                    elif entry is not None:
                        self._offsets.setdefault(entry["source"], []).append(offset)
                    offset += len(line)
        except OSError as error:
            raise CorpusError(
                f"manifest={str(path)!r} cannot be read ({error.strerror or error}); "
                "name another one with --manifest"
            ) from error

    def _open(self) -> BinaryIO:
        return open(self.path, "rb") if self._text is None else io.BytesIO(self._text)

    @property
    def sources(self) -> list[str]:
        """Sources in the order of their first lines."""
        return list(self._offsets)

    def entries(self, source: str) -> Iterator[Entry]:
        """Yield the entries of a source in the manifest's order."""
        with self._open() as stream:
            for offset in self._offsets.get(source, []):
                stream.seek(offset)
                entry, _ = _parse_line(stream.readline())
                if entry is not None:
                    yield entry


def _parse_line(line: bytes) -> tuple[Entry | None, str | None]:
    if not line.strip():
        return None, None
    if len(line) > MAX_LINE_BYTES:
        return None, f"manifest line of {len(line)} bytes; {MAX_LINE_BYTES} are the most"
    try:
        entry = json.loads(line)
    except (ValueError, RecursionError) as error:
        return None, f"manifest line is not JSON ({' '.join(str(error).split())[:80]})"
    if not isinstance(entry, dict):
        return None, "manifest line is not a JSON object"
    missing = [
        name
        for name in ("source", "file")
        if not isinstance(entry.get(name), str) or not entry[name]
    ]
    if missing:
        return None, f"manifest line names no {' and no '.join(missing)}"
    return entry, None
