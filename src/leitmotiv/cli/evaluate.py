"""``leitmotiv evaluate``: bits per note and per second of music on anybody's files.

Files are read in processes apart while the model works, so that a damaged one costs a line in the
report and nothing else.

Public names: :func:`evaluate_command`, :func:`load_scorer`, :func:`read_inputs`.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from leitmotiv.errors import CorpusError, LeitmotivError, MissingExtraError, ModelError

if TYPE_CHECKING:
    from leitmotiv.corpus.inputs import Input
    from leitmotiv.evaluation import BitCount
    from leitmotiv.models.evaluation import EventScorer
    from leitmotiv.score import Score

__all__ = ["evaluate_command", "load_scorer", "read_inputs"]


def load_scorer(checkpoint: str) -> tuple[EventScorer, dict[str, Any]]:
    """Load what is to be evaluated, and say what it is.

    Parameters
    ----------
    checkpoint : str
        ``default`` (the shipped weights), a ``.pt`` file of a training run (needs the extra
        ``train``), or an exported model: its folder, its sidecar or one of its ONNX files.

    Raises
    ------
    ModelError
        If it is missing, damaged or of another version.
    MissingExtraError
        If a ``.pt`` file is given and PyTorch is not installed.
    """
    if Path(checkpoint).suffix.lower() == ".pt":
        return _load_checkpoint(Path(checkpoint))
    from leitmotiv.models import open_model
    from leitmotiv.models.evaluation import SessionScorer

    model = open_model(None if checkpoint == "default" else checkpoint)
    _check_vocabulary(checkpoint, model.vocabulary_version)
    about = {
        "name": model.name,
        "weights": model.sidecar.get("weights", "?"),
        "parameters": int(model.sidecar.get("parameters", 0)),
    }
    return SessionScorer(model), about


def _load_checkpoint(path: Path) -> tuple[EventScorer, dict[str, Any]]:
    if not path.is_file():
        raise ModelError(f"checkpoint={str(path)!r} does not exist; check its name and folder")
    try:
        from leitmotiv.training.scoring import CheckpointScorer
    except ImportError as error:
        raise MissingExtraError(error.name or "torch", "train") from error
    try:
        scorer = CheckpointScorer(path)
    except Exception as error:  # unpickling bytes that are no checkpoint raises anything
        raise ModelError(
            f"checkpoint={str(path)!r} cannot be read ({type(error).__name__}); name a checkpoint "
            "that leitmotiv train of this release wrote"
        ) from error
    _check_vocabulary(str(path), scorer.vocabulary_version)
    about = {"name": path.name, "weights": "float32", "parameters": scorer.num_parameters}
    return scorer, about


def _check_vocabulary(name: str, version: int) -> None:
    from leitmotiv.tokens.vocabulary import VOCABULARY_VERSION

    if version != VOCABULARY_VERSION:
        raise ModelError(
            f"checkpoint={name!r} was trained on vocabulary {version}; this release reads "
            f"{VOCABULARY_VERSION}: use a checkpoint of this release"
        )


def read_inputs(inputs: list[Input], limit: int | None) -> Iterator[tuple[str, Score | str]]:
    """Name each file with what is in it, or with why that cannot be known."""
    from leitmotiv.score.files import MEMORY_BYTES, MUSICXML_TIMEOUT_SEC, parse_score
    from leitmotiv.score.worker_pool import Task, WorkerPool

    files = islice(((one.source, file) for one in inputs for file in one), limit)
    several = len(inputs) > 1
    tasks = (
        Task(
            (f"{source}/{file.file}" if several else file.file, file.problem),
            None if file.data is None else (file.data,),
            subject="",
        )
        for source, file in files
    )
    with WorkerPool(2, memory_bytes=MEMORY_BYTES, timeout_sec=MUSICXML_TIMEOUT_SEC) as pool:
        for (name, problem), outcome in pool.map(parse_score, tasks):
            if problem is not None:
                yield name, problem
            elif isinstance(outcome, LeitmotivError):
                yield name, str(outcome).removeprefix(": ")
            else:
                yield name, outcome


def evaluate_command(
    checkpoint: str, *, data: Path, per_file: bool, limit: int | None, as_json: bool
) -> None:
    """Evaluate a model on files and print what it needed.

    Raises
    ------
    CorpusError
        If no file could be read.
    """
    from leitmotiv.corpus.inputs import find_inputs
    from leitmotiv.evaluation import BitCount, evaluate_score

    scorer, about = load_scorer(checkpoint)
    inputs = find_inputs(data)
    total = sum(one.num_files for one in inputs)
    start = time.perf_counter()
    given, none = BitCount(), BitCount()
    rows: list[dict[str, Any]] = []
    skipped: list[tuple[str, str]] = []
    for name, read in read_inputs(inputs, limit):
        _show_progress(len(rows) + len(skipped) + 1, min(total, limit or total))
        if isinstance(read, str):
            skipped.append((name, read))
            continue
        counts = evaluate_score(scorer, read)
        if not counts[0].num_notes:
            skipped.append((name, "it holds no notes"))
            continue
        given, none = given + counts[0], none + counts[1]
        rows.append({"file": name, **_row(*counts)})
    _show_progress(0, 0)
    if not rows:
        raise CorpusError(
            f"data={str(data)!r}: nothing in it could be evaluated; the first of {len(skipped)}: "
            f"{skipped[0][0]}: {skipped[0][1]}"
        )
    report = {
        "checkpoint": checkpoint,
        "model": about,
        "data": str(data),
        "files": len(rows),
        "skipped": [{"file": name, "reason": reason} for name, reason in skipped],
        **_row(given, none),
        "fields_given": given.field_bits(),
        "fields_none": none.field_bits(),
        "wall_sec": round(time.perf_counter() - start, 3),
    }
    if as_json:
        print(json.dumps({**report, "per_file": rows} if per_file else report, indent=1))
        return
    print("\n".join(_lines(report, rows if per_file else [])))


def _row(given: BitCount, none: BitCount) -> dict[str, Any]:
    return {
        "notes": given.num_notes,
        "seconds": round(given.seconds, 3),
        "bits_per_note_given": given.bits_per_note,
        "bits_per_note_none": none.bits_per_note,
        "bits_per_second_given": given.bits_per_second,
        "bits_per_second_none": none.bits_per_second,
    }


def _show_progress(number: int, total: int) -> None:
    """One line drawn in place on a terminal; nothing in a pipe."""
    if sys.stderr.isatty():
        print(f"\r{number} of {total} files" if total else "\r\033[K", end="", file=sys.stderr)


def _lines(report: dict[str, Any], rows: list[dict[str, Any]]) -> Iterator[str]:
    about = report["model"]
    yield (
        f"{about['name']} ({about['parameters'] / 1e6:.1f} M parameters, {about['weights']}) on "
        f"{report['data']}"
    )
    yield (
        f"  {report['files']:,} {'file' if report['files'] == 1 else 'files'}, "
        f"{report['notes']:,} notes, "
        f"{report['seconds'] / 60:,.1f} minutes of music"
    )
    if rows:
        yield ""
        yield "  bits a note   bits a second    notes  file"
        yield "  given   none   given   none"
        for row in rows:
            yield (
                f"  {row['bits_per_note_given']:5.2f}  {row['bits_per_note_none']:5.2f}  "
                f"{row['bits_per_second_given']:6.1f} {row['bits_per_second_none']:6.1f}  "
                f"{row['notes']:7,}  {row['file']}"
            )
    yield ""
    yield f"  {'conditions':<26} {'given':>8} {'none':>8}"
    yield (
        f"  {'bits per note':<26} {report['bits_per_note_given']:8.3f} "
        f"{report['bits_per_note_none']:8.3f}"
    )
    for name, value in report["fields_given"].items():
        if value == value:  # NaN where no file has velocities
            label = f"  {name}" if name != "velocity" else "velocity, counted apart"
            yield f"  {label:<26} {value:8.3f} {report['fields_none'][name]:8.3f}"
    yield (
        f"  {'bits per second of music':<26} {report['bits_per_second_given']:8.1f} "
        f"{report['bits_per_second_none']:8.1f}"
    )
    if report["skipped"]:
        yield ""
        yield f"  skipped {len(report['skipped'])}:"
        for item in report["skipped"]:
            yield f"    {item['file']}: {item['reason']}"
