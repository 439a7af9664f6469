"""From files to the library: licence gate, worker processes, duplicates, resume.

Conventions:

- Files are taken in the order of :mod:`leitmotiv.corpus.inputs`, and decided in that order, so
  the library is the same whatever the number of workers, and whether or not it was interrupted.
- A file that the library has with the same content and licence is skipped, unless an older version
  of this code read it; one that has changed takes the place of what was there.
- Of pieces with the same notes the first is kept, unless a later one has a licence that asks for
  less.

Public names: :func:`import_files`, :class:`ImportOptions`, :class:`ImportReport`.
"""

from __future__ import annotations

import hashlib
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import PurePosixPath
from typing import Any

from leitmotiv.corpus.catalogue import attribution_of
from leitmotiv.corpus.inputs import Input, InputFile
from leitmotiv.corpus.library import Library, Piece
from leitmotiv.corpus.licences import KINDS, gate, licence_kind, stated_licence
from leitmotiv.corpus.reading import ANALYSIS_VERSION, ReadPiece, read_piece
from leitmotiv.errors import LeitmotivError
from leitmotiv.score.worker_pool import Task, WorkerPool

__all__ = ["ImportOptions", "ImportReport", "import_files"]

BATCH_PIECES = 200
BATCH_SEC = 3.0
MEMORY_BYTES = 1 << 30
TIMEOUT_SEC = 120.0

Progress = Callable[[int, int, str], None]


@dataclass(frozen=True)
class ImportOptions:
    """How to import.

    ``licence``, ``attribution``, ``composer`` and ``genre`` speak for files whose source says
    nothing of it; ``licence`` also for those that would be refused. ``retry`` takes up quarantined
    files again.
    """

    licence: str | None = None
    attribution: str = ""
    composer: str = ""
    genre: str | None = None
    workers: int = 2
    retry: bool = False
    timeout_sec: float = TIMEOUT_SEC
    memory_bytes: int = MEMORY_BYTES


@dataclass
class ImportReport:
    """What an import did; ``added`` counts pieces by status."""

    added: Counter[str] = field(default_factory=Counter)
    skipped: int = 0
    passed_over: int = 0
    num_files: int = 0
    num_notes: int = 0
    seconds: float = 0.0
    reasons: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True)
class _Candidate:
    """A file on its way, with what is known before it is read."""

    file: InputFile
    sha256: str | None
    licence: str | None
    verdict: tuple[str, str] | None  # status and reason where it need not be read
    skip: bool


def import_files(
    library: Library,
    inputs: Iterable[Input],
    options: ImportOptions = ImportOptions(),
    *,
    progress: Progress | None = None,
) -> ImportReport:
    """Bring files into a library.

    Parameters
    ----------
    library : Library
        Open for writing. What is decided is written every few seconds; an exception, Ctrl-C
        included, first writes what is decided so far.
    inputs : iterable of Input
        As :func:`leitmotiv.corpus.inputs.find_inputs` gives them.
    options : ImportOptions
    progress : callable or None
        Called as ``progress(num_done, num_files, source)``.

    Returns
    -------
    ImportReport

    Raises
    ------
    CorpusError
        If the stated licence is unknown or the library cannot be written.
    """
    inputs = list(inputs)
    stated = stated_licence(options.licence)
    report = ImportReport(passed_over=sum(one.num_passed_over for one in inputs))
    total = sum(one.num_files for one in inputs)
    start = time.monotonic()
    with WorkerPool(
        options.workers, memory_bytes=options.memory_bytes, timeout_sec=options.timeout_sec
    ) as pool:
        writer = _Writer(library, report, options)
        try:
            tasks = _tasks(library, inputs, options, stated)
            for number, (candidate, outcome) in enumerate(pool.map(read_piece, tasks), 1):
                writer.take(candidate, outcome)
                report.num_files = number
                if progress is not None:
                    progress(number, max(total, number), candidate.file.source)
        finally:
            writer.flush()
    report.seconds = time.monotonic() - start
    return report


def _tasks(
    library: Library, inputs: Iterable[Input], options: ImportOptions, stated: str | None
) -> Iterator[Task[_Candidate]]:
    for one in inputs:
        for file in one:
            candidate = _judge(library, file, options, stated)
            args = None
            if not candidate.skip and candidate.verdict is None:
                args = (file.data, file.file, dict(file.entry), _defaults(file, options))
            yield Task(candidate, args, PurePosixPath(file.file).name)


def _judge(
    library: Library, file: InputFile, options: ImportOptions, stated: str | None
) -> _Candidate:
    licence, refusal = gate(file.entry.get("licence") or file.defaults.get("licence"), stated)
    sha256 = None if file.data is None else hashlib.sha256(file.data).hexdigest()
    verdict = None
    if file.problem is not None:
        verdict = ("quarantined", file.problem)
    elif refusal is not None:
        verdict = ("refused", refusal)
    known = library.find(file.source, file.file)
    skip = (
        known is not None
        and (known.sha256, known.licence) == (sha256, licence)
        and (verdict is not None or known.analysis == ANALYSIS_VERSION)
        and (known.status == "refused") == (verdict is not None and verdict[0] == "refused")
        and not (options.retry and known.status == "quarantined")
    )
    return _Candidate(file, sha256, licence, verdict, skip)


def _defaults(file: InputFile, options: ImportOptions) -> dict[str, Any]:
    stated = {
        "attribution": options.attribution,
        "composer": options.composer,
        "genre": options.genre,
    }
    return {**file.defaults, **{name: value for name, value in stated.items() if value}}


class _Writer:
    """Decides on pieces in their order and writes them in batches."""

    def __init__(self, library: Library, report: ImportReport, options: ImportOptions) -> None:
        self._library, self._report, self._options = library, report, options
        self._batch: list[tuple[_Candidate, Any]] = []
        self._last = time.monotonic()

    def take(self, candidate: _Candidate, outcome: ReadPiece | LeitmotivError | None) -> None:
        if candidate.skip:
            self._report.skipped += 1
            return
        self._batch.append((candidate, outcome))
        if len(self._batch) >= BATCH_PIECES or time.monotonic() - self._last > BATCH_SEC:
            self.flush()

    def flush(self) -> None:
        batch, self._batch = self._batch, []
        if batch:
            with self._library.transaction():
                for candidate, outcome in batch:
                    self._write(candidate, outcome)
        self._last = time.monotonic()

    def _write(self, candidate: _Candidate, outcome: ReadPiece | LeitmotivError | None) -> None:
        file = candidate.file
        read, status, reason = ReadPiece(), "ok", None
        if candidate.verdict is not None:
            status, reason = candidate.verdict
        elif isinstance(outcome, ReadPiece):
            read, reason = outcome, outcome.reason or self._changed(candidate)
            status = "quarantined" if reason else "ok"
        else:
            status, reason = "quarantined", str(outcome)
        piece = self._piece(candidate, read, status, reason)
        if status == "ok":
            piece = self._without_duplicate(piece)
        keep = piece.status != "refused"
        self._library.add(
            piece, columns=read.columns, ngrams=read.ngrams, midi=file.data if keep else None
        )
        self._report.added[piece.status] += 1
        if piece.status == "ok":
            self._report.num_notes += piece.num_notes
        else:
            self._report.reasons[piece.reason or ""] += 1

    def _changed(self, candidate: _Candidate) -> str | None:
        listed = candidate.file.entry.get("sha256")
        if listed and listed != candidate.sha256:
            return "the content is not the one that the manifest lists (sha256)"
        return None

    def _without_duplicate(self, piece: Piece) -> Piece:
        kept = self._library.with_fingerprint(piece.fingerprint or "")
        if kept is None or (kept.source, kept.file) == (piece.source, piece.file):
            return piece
        if KINDS.index(licence_kind(piece.licence)) < KINDS.index(licence_kind(kept.licence)):
            self._library.set_status(
                kept.id, "quarantined", f"duplicate of {piece.id}, which has a freer licence"
            )
            self._report.added["ok"] -= 1
            self._report.added["quarantined"] += 1
            self._report.num_notes -= kept.num_notes
            return piece
        return replace(piece, status="quarantined", reason=f"duplicate of {kept.id}")

    def _piece(
        self, candidate: _Candidate, read: ReadPiece, status: str, reason: str | None
    ) -> Piece:
        file = candidate.file
        said = {name: value for name, value in file.entry.items() if value is not None}
        entry = {**_defaults(file, self._options), **said, **read.meta}
        known = self._library.find(file.source, file.file)
        return Piece(
            id=known.id if known else self._free_id(file),
            source=file.source,
            file=file.file,
            title=str(entry.get("title") or PurePosixPath(file.file).stem),
            composer=str(entry.get("composer") or ""),
            year=_year(entry.get("year")),
            licence=candidate.licence,
            licence_url=entry.get("licence_url") or None,
            attribution=str(entry.get("attribution") or attribution_of(file.source)),
            genre=entry.get("genre") or None,
            genre_source=entry.get("genre_source") or ("source" if entry.get("genre") else None),
            status=status,
            reason=reason,
            sha256=candidate.sha256,
            fingerprint=read.fingerprint,
            num_notes=read.num_notes,
            num_bars=read.num_bars,
            num_parts=read.num_parts,
            quarters=read.quarters,
            duration_sec=read.duration_sec,
            analysis=ANALYSIS_VERSION,
            meta=entry,
            tags=read.tags,
        )

    def _free_id(self, file: InputFile) -> str:
        wanted = file.entry.get("id")
        if isinstance(wanted, str) and wanted and not self._library.has_id(wanted):
            return wanted
        name, number = f"{file.source}/{file.file}", 2
        while self._library.has_id(name):
            name, number = f"{file.source}/{file.file}#{number}", number + 1
        return name


def _year(value: Any) -> int | None:
    try:
        return None if value is None else int(value)
    except (TypeError, ValueError):
        return None
