"""Pack a corpus into one file for training.

The pack is a plain ``.npz`` of small integer arrays plus a JSON header, so that
``leitmotiv.training`` reads it with NumPy alone. Pieces are stored as cells (bars × parts) with
their tags; windows, transposition and masking are drawn at batch time.

Licences travel with the pack: the header lists sources, licences and attributions.

Command line: ``python -m leitmotiv.corpus.pack recipes/composer.toml --corpus FOLDER --out FILE``.

Public names: :func:`pack_archives`, :func:`open_licence`, :func:`without_addresses`,
:data:`PACK_VERSION`.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
import tomllib
import zipfile
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from leitmotiv.corpus.attribution import ATTRIBUTIONS
from leitmotiv.errors import CorpusError, LeitmotivError
from leitmotiv.score.analysis import align_bars
from leitmotiv.score.midi import parse_midi
from leitmotiv.theory import Key
from leitmotiv.tokens import tags
from leitmotiv.tokens.grid import CellGrid, score_to_grid
from leitmotiv.tokens.vocabulary import VOCABULARY_VERSION, duration_to_id

__all__ = ["PACK_VERSION", "open_licence", "pack_archives", "without_addresses"]

PACK_VERSION = 1
_MAX_PARTS = 40
_MAX_NOTES = 60_000

Manifest = dict[str, Any]


def open_licence(licence: str | None) -> bool:
    """Tell whether weights trained on a piece raise no share-alike or unknown-licence question.

    Examples
    --------
    >>> [open_licence(x) for x in ("CC0-1.0", "PD", "CC-BY-4.0", "CC-BY-SA-3.0", None)]
    [True, True, True, False, False]
    """
    if licence is None:
        return False
    free = ("CC0", "PD", "CC-BY-", "BSD", "MIT", "Apache")
    return licence.startswith(free) and not any(x in licence for x in ("-SA", "-NC", "-ND"))


def without_addresses(name: str) -> str:
    """Return a contributor's name without e-mail addresses: credit needs none.

    Examples
    --------
    >>> without_addresses("Ann Smith <ann@example.org>"), without_addresses("ann@example.org")
    ('Ann Smith', '')
    """
    return re.sub(r"[<(\[]?\S+@\S+?[>)\]]?(?=\s|,|$)", "", name).strip(" ,;-")


def _piece_grid(data: bytes, entry: Manifest) -> CellGrid:
    # The archives start at the first note: without this an upbeat shifts every bar line.
    score = align_bars(parse_midi(data))
    key = None
    if entry.get("key"):
        try:
            key = Key.parse(entry["key"])
        except LeitmotivError:
            key = None
    tempo = tags.tempo_id(entry["tempo"]) if entry.get("tempo_source") in ("marked", "file") else 0
    grid = score_to_grid(
        score,
        genre=tags.genre_id(entry.get("genre")),
        mode=tags.mode_id(str(key.mode) if key else None),
        tempo=tempo,
    )
    if not score.keys and key is not None:
        grid.fifths[:] = key.fifths
    if entry.get("n_velocities", 0) < 3:
        grid.energy[:] = 0
    return grid


def _encode(task: tuple[str, list[Manifest]]) -> list[tuple[Manifest, dict[str, NDArray[Any]]]]:
    """Read the listed pieces of one archive; broken ones are left out with their reason."""
    archive, entries = task
    packed: list[tuple[Manifest, dict[str, NDArray[Any]]]] = []
    with zipfile.ZipFile(archive) as bundle:
        for entry in entries:
            try:
                grid = _piece_grid(bundle.read(entry["file"]), entry)
            except (LeitmotivError, KeyError) as error:
                packed.append(({**entry, "_reason": str(error)}, {}))
                continue
            if not 2 <= len(grid.notes) <= _MAX_NOTES or grid.num_parts > _MAX_PARTS:
                packed.append(({**entry, "_reason": "too few or too many notes or parts"}, {}))
                continue
            packed.append((entry, _columns(grid, known=entry.get("n_velocities", 0) >= 3)))
    return packed


def _columns(grid: CellGrid, *, known: bool) -> dict[str, NDArray[Any]]:
    """One piece as small integer columns; ``known`` tells whether its velocities mean anything."""
    notes = grid.notes
    cells = notes["bar"].astype(np.int64) * grid.num_parts + notes["part"]
    drum = grid.is_drum[notes["part"]]
    velocity = np.clip(notes["velocity"] // 16 + 1, 1, 8) if known else 0
    piece = [len(notes), grid.num_bars, grid.num_parts, grid.genre, grid.mode, grid.tempo]
    return {
        "note_position": notes["position"].astype(np.uint8),
        "note_pitch": (notes["pitch"] + 128 * drum).astype(np.uint8),
        "note_duration": duration_to_id(notes["duration"]).astype(np.uint8),
        "note_velocity": (velocity + np.zeros(len(notes))).astype(np.uint8),
        "cell_count": np.bincount(cells, minlength=grid.num_bars * grid.num_parts).astype(
            np.uint16
        ),
        "bar_steps": grid.bar_steps.astype(np.uint8),
        "bar_meter": grid.meter.astype(np.uint8),
        "bar_fifths": grid.fifths.astype(np.int8),
        "bar_chord": grid.chords[:, 0].astype(np.uint8),
        "bar_second_chord": grid.chords[:, 1].astype(np.uint8),
        "bar_breath": grid.breath.astype(np.uint8),
        "bar_energy": grid.energy.astype(np.uint8),
        "part_program": np.where(grid.is_drum, 129, grid.programs + 1).astype(np.uint8),
        "part_role": grid.roles.astype(np.uint8),
        "piece": np.asarray(piece, dtype=np.int32),
    }


def _manifest(folder: Path) -> Iterator[Manifest]:
    try:
        with open(folder / "manifest.jsonl", encoding="utf-8") as lines:
            for line in lines:
                yield json.loads(line)
    except (OSError, ValueError) as error:
        raise CorpusError(
            f"{folder}/manifest.jsonl cannot be read ({error}); point --corpus at a folder of "
            "archives with a manifest"
        ) from error


def pack_archives(
    folder: Path,
    sources: Sequence[str],
    path: Path,
    *,
    workers: int = 2,
    licence_filter: bool = True,
    progress: Any = None,
) -> dict[str, Any]:
    """Read archives with a ``manifest.jsonl`` and write one pack.

    Parameters
    ----------
    folder : Path
        Holds ``SOURCE.zip`` for each source and ``manifest.jsonl``.
    sources : sequence of str
        Which sources to take.
    path : Path
        The ``.npz`` to write; written whole or not at all.
    workers : int
        Processes.
    licence_filter : bool
        Leave share-alike and unknown licences out (see :func:`open_licence`).

    Returns
    -------
    dict
        The pack's header: counts, licences, attributions, what was left out and why.

    Raises
    ------
    CorpusError
        If the manifest or an archive is missing, or nothing is left to pack.
    """
    wanted: dict[str, list[Manifest]] = {source: [] for source in sources}
    refused: Counter[str] = Counter()
    for entry in _manifest(folder):
        if entry["source"] not in wanted:
            continue
        if entry.get("jsb_overlap"):
            refused["overlaps the JSB benchmark"] += 1
        elif licence_filter and not open_licence(entry.get("licence")):
            refused[f"licence {entry.get('licence')}"] += 1
        else:
            wanted[entry["source"]].append(entry)
    tasks: list[tuple[str, list[Manifest]]] = []
    for source, entries in wanted.items():
        archive = folder / f"{source}.zip"
        if not archive.is_file():
            raise CorpusError(f"{archive} is missing; leave {source!r} out or add the archive")
        tasks += [(str(archive), entries[i : i + 100]) for i in range(0, len(entries), 100)]
    entries_out: list[Manifest] = []
    columns: dict[str, list[NDArray[Any]]] = {}
    with ProcessPoolExecutor(max_workers=workers) as pool:
        for number, packed in enumerate(pool.map(_encode, tasks)):
            for entry, arrays in packed:
                if not arrays:
                    refused[entry["_reason"].split(";")[0][:80]] += 1
                    continue
                entries_out.append(entry)
                for name, array in arrays.items():
                    columns.setdefault(name, []).append(array)
            if progress:
                progress((number + 1) / len(tasks))
    if not entries_out:
        raise CorpusError(f"nothing to pack from {', '.join(sources)}; refused: {dict(refused)}")
    return _write(path, entries_out, columns, refused)


def _write(
    path: Path,
    entries: list[Manifest],
    columns: dict[str, list[NDArray[Any]]],
    refused: Counter[str],
) -> dict[str, Any]:
    arrays: Any = {
        name: np.concatenate(parts) for name, parts in columns.items() if name != "piece"
    }
    arrays["piece"] = np.stack(columns["piece"])
    names = sorted({entry["source"] for entry in entries})
    arrays["piece_source"] = np.asarray([names.index(e["source"]) for e in entries], np.uint8)
    split = {"train": 0, "valid": 1, "test": 2}
    arrays["piece_split"] = np.asarray(
        [split.get(str(e.get("split")), 0) for e in entries], np.uint8
    )
    header = {
        "pack_version": PACK_VERSION,
        "vocabulary_version": VOCABULARY_VERSION,
        "sources": names,
        "genres": list(tags.GENRES),
        "pieces": len(entries),
        "notes": int(arrays["piece"][:, 0].sum()),
        "licences": dict(Counter(e["licence"] for e in entries)),
        "by_source": _by_source(entries, arrays["piece"]),
        "refused": dict(refused),
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(path.name + ".part")
    try:
        with open(temporary, "wb") as file:
            arrays["header"] = np.frombuffer(json.dumps(header).encode(), dtype=np.uint8)
            np.savez_compressed(file, **arrays)
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
    return header


def _by_source(entries: Iterable[Manifest], pieces: NDArray[Any]) -> dict[str, Any]:
    table: dict[str, Any] = {}
    for entry, piece in zip(entries, pieces, strict=True):
        row = table.setdefault(
            entry["source"],
            {
                "pieces": 0,
                "notes": 0,
                "licences": {},
                "attribution": ATTRIBUTIONS.get(entry["source"], ""),
                "named": [],
            },
        )
        row["pieces"] += 1
        row["notes"] += int(piece[0])
        row["licences"][entry["licence"]] = row["licences"].get(entry["licence"], 0) + 1
        # CC BY asks for the name of each contributor; the manifest has them per piece.
        named = without_addresses(entry.get("attribution") or "")
        if named and named not in row["named"] and len(row["named"]) < 400:
            row["named"].append(named)
    return table


def main(arguments: list[str] | None = None) -> None:
    """Command line: pack the sources that a recipe names."""
    parser = argparse.ArgumentParser(description="Pack a corpus for training.")
    parser.add_argument("recipe", type=Path, help="TOML file with data.sources")
    parser.add_argument("--corpus", type=Path, required=True, help="archives and manifest.jsonl")
    parser.add_argument("--out", type=Path, default=Path("runs/corpus.npz"))
    parser.add_argument("--share-alike", action="store_true", help="keep share-alike pieces")
    options = parser.parse_args(arguments)
    recipe = tomllib.loads(options.recipe.read_text(encoding="utf-8"))
    header = pack_archives(
        options.corpus,
        recipe["data"]["sources"],
        options.out,
        licence_filter=not options.share_alike,
        progress=lambda share: print(f"\r{share:4.0%}", end="", file=sys.stderr, flush=True),
    )
    print(f"\n{header['pieces']:,} pieces, {header['notes']:,} notes in {options.out}")
    for licence, count in sorted(header["licences"].items()):
        print(f"  {licence:<14} {count:,}")
    for reason, count in header["refused"].items():
        print(f"  left out: {count:,} ({reason})")


if __name__ == "__main__":
    main()
