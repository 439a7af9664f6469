"""The library: every imported piece with its licence, tags and training columns, in one file.

Purpose: an import of 20,000 files can be stopped and resumed, and nothing that was handed in
disappears: a piece is ``ok``, or ``quarantined`` or ``refused`` with the reason beside it.

Conventions:

- A library is a folder with one SQLite file, ``library.db``. One process writes at a time.
- A piece is known by its ``source`` and its ``file`` within the source; its ``id`` is unique.
- Pieces come out in the order of source and file, whatever order they came in.
- ``midi`` keeps the file as it was given (MIDI, MusicXML or ABC), compressed with zlib.

Public names: :class:`Library`, :class:`Piece`, :data:`STATUSES`, :data:`LIBRARY_FILE`.
"""

from __future__ import annotations

import contextlib
import json
import sqlite3
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from leitmotiv.errors import CorpusError

__all__ = ["LIBRARY_FILE", "STATUSES", "Library", "Piece"]

LIBRARY_FILE = "library.db"
LIBRARY_VERSION = 1
STATUSES = ("ok", "quarantined", "refused")

# Small columns stand before the large ones: SQLite then reads a row's head alone.
_SCHEMA = """
CREATE TABLE IF NOT EXISTS pieces (
  id TEXT PRIMARY KEY,
  source TEXT NOT NULL,
  file TEXT NOT NULL,
  title TEXT,
  composer TEXT,
  year INTEGER,
  licence TEXT,
  licence_url TEXT,
  attribution TEXT,
  genre TEXT,
  genre_source TEXT,
  status TEXT NOT NULL CHECK (status IN ('ok', 'quarantined', 'refused')),
  reason TEXT,
  sha256 TEXT,
  fingerprint TEXT,
  num_notes INTEGER,
  num_bars INTEGER,
  num_parts INTEGER,
  quarters REAL,
  duration_sec REAL,
  split TEXT,
  analysis TEXT,
  meta TEXT NOT NULL,
  tags TEXT NOT NULL,
  columns BLOB,
  ngrams BLOB,
  midi BLOB,
  UNIQUE (source, file)
);
CREATE INDEX IF NOT EXISTS by_fingerprint ON pieces (fingerprint);
CREATE INDEX IF NOT EXISTS by_status ON pieces (status);
"""
_PAGE = 500  # pieces read at once
LOCK_TIMEOUT_SEC = 10.0


@dataclass(frozen=True)
class Piece:
    """One row of the library without its large columns.

    ``meta`` is what the source says (the manifest entry), ``tags`` what analysis found, ``reason``
    why a piece is not ``ok``. ``split`` is None until splits are assigned; ``analysis`` is the
    version of the code that read the piece.
    """

    id: str
    source: str
    file: str
    title: str = ""
    composer: str = ""
    year: int | None = None
    licence: str | None = None
    licence_url: str | None = None
    attribution: str = ""
    genre: str | None = None
    genre_source: str | None = None
    status: str = "ok"
    reason: str | None = None
    sha256: str | None = None
    fingerprint: str | None = None
    num_notes: int = 0
    num_bars: int = 0
    num_parts: int = 0
    quarters: float = 0.0
    duration_sec: float = 0.0
    split: str | None = None
    analysis: str | None = None
    meta: Mapping[str, Any] = field(default_factory=dict)
    tags: Mapping[str, Any] = field(default_factory=dict)


_FIELDS = tuple(item.name for item in fields(Piece))
_LARGE = ("columns", "ngrams", "midi")


class Library:
    """The pieces of one folder.

    Parameters
    ----------
    folder : path
        Holds ``library.db``.
    create : bool
        Make the folder and an empty library where there is none.

    Raises
    ------
    CorpusError
        If there is no library and ``create`` is off, the file is no library or of another version,
        or it cannot be opened.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder, Library(folder, create=True) as library:
    ...     with library.transaction():
    ...         library.add(Piece("a", "demo", "a.mid", licence="CC0-1.0", num_notes=9))
    ...     [piece.id for piece in library.pieces()], library.counts()
    (['a'], {'ok': 1, 'quarantined': 0, 'refused': 0})
    """

    def __init__(self, folder: Path | str, *, create: bool = False) -> None:
        self.folder = Path(folder)
        self.path = self.folder / LIBRARY_FILE
        if not create and not self.path.is_file():
            raise CorpusError(
                f"library={str(self.folder)!r} holds no {LIBRARY_FILE}; import music first: "
                "leitmotiv corpus add PATH --library FOLDER"
            )
        try:
            if create:
                self.folder.mkdir(parents=True, exist_ok=True)
            self._db = sqlite3.connect(self.path, isolation_level=None, timeout=LOCK_TIMEOUT_SEC)
        except (OSError, sqlite3.Error) as error:
            raise CorpusError(
                f"library={str(self.folder)!r} cannot be opened ({error}); "
                "choose a folder that you may write with --library"
            ) from error
        try:
            self._prepare()
        except BaseException:
            self._db.close()
            raise

    def _prepare(self) -> None:
        with self._explained():
            self._db.row_factory = sqlite3.Row
            version = self._db.execute("PRAGMA user_version").fetchone()[0]
            if version == 0:
                self._db.execute("PRAGMA page_size = 16384")
                self._db.executescript(f"{_SCHEMA} PRAGMA user_version = {LIBRARY_VERSION};")
            elif version != LIBRARY_VERSION:
                raise CorpusError(
                    f"library={str(self.path)!r} is of version {version}, must be "
                    f"{LIBRARY_VERSION}; import the music again into a new folder"
                )

    @contextlib.contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.OperationalError as error:
            if "locked" not in str(error):
                raise CorpusError(
                    f"library={str(self.path)!r} cannot be used ({error}); check the disk's free "
                    "space and your rights on the folder"
                ) from error
            raise CorpusError(
                f"library={str(self.path)!r} is being written by another import; "
                "wait until it is done"
            ) from error
        except sqlite3.DatabaseError as error:
            if isinstance(error, sqlite3.IntegrityError):
                raise
            raise CorpusError(
                f"library={str(self.path)!r} is damaged or no library ({error}); "
                "choose another folder with --library"
            ) from error

    def close(self) -> None:
        """Close the file; a transaction that is open is given up."""
        self._db.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    # --- writing -----------------------------------------------------------------------------

    @contextlib.contextmanager
    def transaction(self) -> Iterator[None]:
        """Write all that happens inside, or nothing of it when an exception leaves the block."""
        with self._explained():
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                self._db.execute("ROLLBACK")
                raise
            self._db.execute("COMMIT")

    def add(
        self,
        piece: Piece,
        *,
        columns: bytes | None = None,
        ngrams: NDArray[np.int64] | None = None,
        midi: bytes | None = None,
    ) -> None:
        """Add a piece, or replace the one of the same source and file.

        ``columns`` as :func:`leitmotiv.corpus.encoding.columns_to_bytes` makes them, ``midi`` the
        file as it was given.

        Raises
        ------
        CorpusError
            If another piece has the same id.
        """
        row: dict[str, Any] = {name: getattr(piece, name) for name in _FIELDS}
        row["meta"], row["tags"] = _to_json(piece.meta), _to_json(piece.tags)
        row["columns"] = columns
        row["ngrams"] = None if ngrams is None else _pack_ngrams(ngrams)
        row["midi"] = None if midi is None else zlib.compress(midi, 6)
        names = ", ".join(row)
        updates = ", ".join(f"{name} = excluded.{name}" for name in row)
        with self._explained():
            try:
                self._db.execute(
                    f"INSERT INTO pieces ({names}) VALUES ({', '.join('?' * len(row))}) "
                    f"ON CONFLICT (source, file) DO UPDATE SET {updates}",
                    tuple(row.values()),
                )
            except sqlite3.IntegrityError as error:
                raise CorpusError(
                    f"id={piece.id!r} of {piece.source}/{piece.file} is taken by another piece or "
                    f"its status={piece.status!r} is unknown ({error}); give every piece its own id"
                ) from error

    def set_status(self, piece_id: str, status: str, reason: str | None) -> None:
        """Change the status of a piece."""
        with self._explained():
            self._db.execute(
                "UPDATE pieces SET status = ?, reason = ? WHERE id = ?", (status, reason, piece_id)
            )

    def set_splits(self, splits: Mapping[str, str]) -> None:
        """Store the split of each piece, by id."""
        with self._explained():
            self._db.executemany(
                "UPDATE pieces SET split = ? WHERE id = ?",
                [(split, piece_id) for piece_id, split in splits.items()],
            )

    # --- reading -----------------------------------------------------------------------------

    def pieces(
        self,
        status: str | None = "ok",
        *,
        sources: Iterable[str] | None = None,
    ) -> Iterator[Piece]:
        """Yield pieces by source and file, a page at a time, so that any number fits in memory.

        ``status`` None takes all; ``sources`` None takes all.
        """
        wanted = None if sources is None else sorted(set(sources))
        names = ", ".join(_FIELDS)
        conditions, given = ["(source, file) > (?, ?)"], []
        if status is not None:
            conditions.append("status = ?")
            given.append(status)
        if wanted is not None:
            conditions.append(f"source IN ({', '.join('?' * len(wanted))})")
            given += wanted
        # The unique index gives the order; without "+" SQLite would sort all of one status.
        where = " AND ".join(conditions).replace("status", "+status")
        query = f"SELECT {names} FROM pieces WHERE {where} ORDER BY source, file LIMIT {_PAGE}"
        last = ("", "")
        while True:
            with self._explained():
                rows = self._db.execute(query, (*last, *given)).fetchall()
            for row in rows:
                yield _to_piece(row)
            if len(rows) < _PAGE:
                return
            last = (rows[-1]["source"], rows[-1]["file"])

    def find(self, source: str, file: str) -> Piece | None:
        """Return the piece of a source and file; None where there is none."""
        return self._one("source = ? AND file = ?", (source, file))

    def piece(self, piece_id: str) -> Piece:
        """Return a piece by its id.

        Raises
        ------
        CorpusError
            If there is none.
        """
        piece = self._one("id = ?", (piece_id,))
        if piece is None:
            raise CorpusError(f"id={piece_id!r} is not in library {str(self.folder)!r}")
        return piece

    def has_id(self, piece_id: str) -> bool:
        """Tell whether an id is taken."""
        with self._explained():
            row = self._db.execute("SELECT 1 FROM pieces WHERE id = ?", (piece_id,)).fetchone()
        return row is not None

    def with_fingerprint(self, fingerprint: str) -> Piece | None:
        """Return the ``ok`` piece that has the same notes; None where there is none."""
        # The "+" keeps SQLite from walking through all that is ok: few share a fingerprint.
        return self._one("fingerprint = ? AND +status = 'ok'", (fingerprint,))

    def _one(self, where: str, given: tuple[str, ...]) -> Piece | None:
        with self._explained():
            row = self._db.execute(
                f"SELECT {', '.join(_FIELDS)} FROM pieces WHERE {where}", given
            ).fetchone()
        return None if row is None else _to_piece(row)

    def _blob(self, piece_id: str, name: str) -> bytes | None:
        with self._explained():
            row = self._db.execute(
                f"SELECT {name} FROM pieces WHERE id = ?", (piece_id,)
            ).fetchone()
        if row is None:
            raise CorpusError(f"id={piece_id!r} is not in library {str(self.folder)!r}")
        blob: bytes | None = row[0]
        return blob

    def columns(self, piece_id: str) -> dict[str, NDArray[Any]]:
        """Return the training columns of a piece, as :mod:`leitmotiv.corpus.encoding` names them.

        Raises
        ------
        CorpusError
            If the piece is unknown or was not encoded.
        """
        from leitmotiv.corpus.encoding import bytes_to_columns

        blob = self._blob(piece_id, "columns")
        if blob is None:
            raise CorpusError(f"id={piece_id!r} has no columns; only pieces that are ok have them")
        return bytes_to_columns(blob)

    def ngrams(self, piece_id: str) -> NDArray[np.int64]:
        """Return the melodic fragments of a piece, shape (n,); empty where it was not encoded."""
        blob = self._blob(piece_id, "ngrams")
        return np.zeros(0, np.int64) if blob is None else _unpack_ngrams(blob)

    def midi(self, piece_id: str) -> bytes | None:
        """Return the file as it was given; None where it was not kept (refused, or too large)."""
        blob = self._blob(piece_id, "midi")
        return None if blob is None else zlib.decompress(blob)

    def counts(self) -> dict[str, int]:
        """Return the number of pieces of each status."""
        with self._explained():
            rows = self._db.execute("SELECT status, COUNT(*) FROM pieces GROUP BY status")
            found = {str(status): int(count) for status, count in rows}
        return {status: found.get(status, 0) for status in STATUSES}

    def totals(self, by: str, status: str = "ok") -> dict[str, tuple[int, int, float]]:
        """Return pieces, notes and seconds of music by ``"source"``, ``"licence"`` or ``"genre"``.

        A piece that says nothing counts under the empty string.
        """
        if by not in ("source", "licence", "genre", "composer", "split"):
            raise ValueError(f"by={by!r} must be source, licence, genre, composer or split")
        with self._explained():
            rows = self._db.execute(
                f"SELECT {by}, COUNT(*), SUM(num_notes), SUM(duration_sec) FROM pieces "
                f"WHERE status = ? GROUP BY {by} ORDER BY {by}",
                (status,),
            ).fetchall()
        return {str(row[0] or ""): (int(row[1]), int(row[2]), float(row[3])) for row in rows}

    def sources(self) -> list[tuple[str, int]]:
        """Return each source with its number of pieces, whatever their status."""
        with self._explained():
            rows = self._db.execute(
                "SELECT source, COUNT(*) FROM pieces GROUP BY source ORDER BY source"
            ).fetchall()
        return [(str(row[0]), int(row[1])) for row in rows]

    def kept_apart(self) -> Iterator[tuple[str, str, str, str]]:
        """Yield status, source, file and reason of every piece that is not ``ok``."""
        with self._explained():
            rows = self._db.execute(
                "SELECT status, source, file, reason FROM pieces WHERE status != 'ok' "
                "ORDER BY status, source, file"
            ).fetchall()
        for row in rows:
            yield row[0], row[1], row[2], row[3] or ""


def _to_json(value: Mapping[str, Any]) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _to_piece(row: sqlite3.Row) -> Piece:
    values = {name: row[name] for name in _FIELDS}
    values["meta"], values["tags"] = json.loads(row["meta"]), json.loads(row["tags"])
    for name in ("title", "composer", "attribution"):
        values[name] = values[name] or ""
    for name in ("num_notes", "num_bars", "num_parts", "quarters", "duration_sec"):
        values[name] = values[name] or 0
    return Piece(**values)


def _pack_ngrams(ngrams: NDArray[np.int64]) -> bytes:
    return zlib.compress(np.ascontiguousarray(ngrams, dtype="<i8").tobytes(), 1)


def _unpack_ngrams(blob: bytes) -> NDArray[np.int64]:
    return np.frombuffer(zlib.decompress(blob), dtype="<i8").astype(np.int64)
