"""Pack pieces of a library into one file for training.

The pack is a plain ``.npz`` of small integer arrays plus a JSON header, so that
``leitmotiv.training`` reads it with NumPy alone. Pieces are stored as cells (bars × parts) with
their tags; windows, transposition and masking are drawn at batch time. Pieces stream from the
library to the file one by one, and the same selection gives the same bytes.

Licences travel with the pack: the header lists sources, licences and attributions. So does the
split into train, valid and test, with the seed that made it.

Public names: :class:`Selection`, :func:`pack_library`, :func:`without_addresses`,
:data:`PACK_VERSION`.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import tempfile
import zipfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from leitmotiv.corpus.catalogue import attribution_of
from leitmotiv.corpus.encoding import COLUMNS
from leitmotiv.corpus.library import Library, Piece
from leitmotiv.corpus.licences import licence_kind
from leitmotiv.corpus.splits import SPLITS, SplitPiece, assign_splits
from leitmotiv.errors import CorpusError
from leitmotiv.tokens import tags
from leitmotiv.tokens.vocabulary import VOCABULARY_VERSION

__all__ = ["PACK_VERSION", "Selection", "pack_library", "without_addresses"]

PACK_VERSION = 1
_EPOCH = (1980, 1, 1, 0, 0, 0)  # no clock in the file: the same pieces give the same bytes
_NAMED = 400  # contributors named per source

Progress = Callable[[float], None]


@dataclass(frozen=True)
class Selection:
    """What to take from a library.

    ``sources`` None takes all, in alphabetical order; ``share_alike`` takes licences that ask for
    the same licence, too; ``exclude`` leaves out pieces whose manifest field has one of the listed
    values; ``seed``, ``valid_share`` and ``test_share`` make the split.
    """

    sources: tuple[str, ...] | None = None
    share_alike: bool = False
    exclude: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
    seed: int = 1
    valid_share: float = 0.1
    test_share: float = 0.1

    @classmethod
    def from_recipe(cls, data: Mapping[str, Any]) -> Selection:
        """Read the table ``data`` of a recipe.

        Examples
        --------
        >>> Selection.from_recipe({"sources": ["mine"], "split_seed": 3}).seed
        3
        """
        sources = data.get("sources")
        return cls(
            sources=None if sources is None else tuple(sources),
            share_alike=bool(data.get("share_alike", False)),
            exclude={name: tuple(values) for name, values in data.get("exclude", {}).items()},
            seed=int(data.get("split_seed", 1)),
            valid_share=float(data.get("valid_share", 0.1)),
            test_share=float(data.get("test_share", 0.1)),
        )


def without_addresses(name: str) -> str:
    """Return a contributor's name without e-mail addresses: credit needs none.

    Examples
    --------
    >>> without_addresses("Ann Smith <ann@example.org>"), without_addresses("ann@example.org")
    ('Ann Smith', '')
    """
    return re.sub(r"[<(\[]?\S+@\S+?[>)\]]?(?=\s|,|$)", "", name).strip(" ,;-")


def chosen_pieces(library: Library, selection: Selection, refused: Counter[str]) -> Iterator[Piece]:
    known = sorted(library.totals("source"))
    sources = known if selection.sources is None else selection.sources
    missing = [source for source in sources if source not in known]
    if missing:
        raise CorpusError(
            f"source={missing[0]!r} is not in the library; it holds {', '.join(known) or 'nothing'}"
            f". Import it (leitmotiv corpus add) or leave it out of the recipe"
        )
    for source in sources:
        for piece in library.pieces(sources=[source]):
            reason = _refusal(piece, selection)
            if reason:
                refused[reason] += 1
            else:
                yield piece


def _refusal(piece: Piece, selection: Selection) -> str | None:
    for name, values in selection.exclude.items():
        if piece.meta.get(name) in values:
            return f"{name} is {piece.meta[name]}"
    allowed = {"public domain", "attribution", "stated by you"}
    if selection.share_alike:
        allowed.add("share-alike")
    return None if licence_kind(piece.licence) in allowed else f"licence {piece.licence}"


def split_pieces(library: Library, pieces: Iterable[Piece]) -> list[SplitPiece]:
    """Return what :func:`leitmotiv.corpus.splits.assign_splits` must know of each piece."""
    return [
        SplitPiece(
            id=piece.id,
            source=piece.source,
            composer=piece.composer,
            title=piece.title,
            genre=piece.genre or "",
            num_notes=piece.num_notes,
            ngrams=library.ngrams(piece.id),
            relatives=str(piece.meta.get("dup_group") or ""),
        )
        for piece in pieces
    ]


def pack_library(
    library: Library,
    path: Path,
    selection: Selection = Selection(),
    *,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Write one pack.

    Parameters
    ----------
    library : Library
        Pieces that are ``ok`` are taken; their split is stored in the library as well.
    path : Path
        The ``.npz`` to write; written whole or not at all.
    selection : Selection
        Which pieces, and the split.
    progress : callable or None
        Called with the share done, 0 to 1.

    Returns
    -------
    dict
        The pack's header: counts, licences, attributions, split, what was left out and why.

    Raises
    ------
    CorpusError
        If a source is not in the library, or nothing is left to pack.
    """
    refused: Counter[str] = Counter()
    pieces = list(chosen_pieces(library, selection, refused))
    if not pieces:
        raise CorpusError(
            f"nothing to pack from {library.folder}; left out: {dict(refused) or 'nothing'}"
        )
    splits = assign_splits(
        split_pieces(library, pieces),
        seed=selection.seed,
        valid_share=selection.valid_share,
        test_share=selection.test_share,
    )
    with library.transaction():
        library.set_splits({p.id: split for p, split in zip(pieces, splits, strict=True)})
    header = _header(pieces, splits, selection, refused)
    names = header["sources"]
    extra: dict[str, NDArray[Any]] = {
        "piece_source": np.asarray([names.index(p.source) for p in pieces], np.uint8),
        "piece_split": np.asarray([SPLITS.index(split) for split in splits], np.uint8),
        "piece_id": np.asarray([piece.id.encode() for piece in pieces]),
        "header": np.frombuffer(json.dumps(header).encode(), dtype=np.uint8),
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(path.name + ".part")
    try:
        with tempfile.TemporaryDirectory(dir=path.parent) as folder:
            counts = _spool(library, pieces, Path(folder), progress)
            _write(temporary, Path(folder), counts, extra)
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
    return header


def _spool(
    library: Library, pieces: list[Piece], folder: Path, progress: Progress | None
) -> dict[str, int]:
    """Append every piece's columns to one raw file a column; return their lengths."""
    counts = dict.fromkeys(COLUMNS, 0)
    with contextlib.ExitStack() as stack:
        files: dict[str, BinaryIO] = {
            name: stack.enter_context(open(folder / name, "wb")) for name in COLUMNS
        }
        for number, piece in enumerate(pieces):
            columns = library.columns(piece.id)
            for name, file in files.items():
                file.write(columns[name].tobytes())
                counts[name] += len(columns[name])
            if progress and number % 50 == 0:
                progress(number / len(pieces))
    return counts


def _write(
    path: Path, folder: Path, counts: dict[str, int], extra: dict[str, NDArray[Any]]
) -> None:
    """Write spooled columns and small arrays as the members of an ``.npz``."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as bundle:
        for name, kind in COLUMNS.items():
            shape = (counts[name] // 6, 6) if name == "piece" else (counts[name],)
            head = {"descr": kind.newbyteorder("<").str, "fortran_order": False, "shape": shape}
            with bundle.open(_member(name), "w", force_zip64=True) as member:
                np.lib.format.write_array_header_1_0(member, head)
                with open(folder / name, "rb") as column:
                    shutil.copyfileobj(column, member, 1 << 20)
        for name, array in extra.items():
            with bundle.open(_member(name), "w") as member:
                np.lib.format.write_array(member, array, allow_pickle=False)


def _member(name: str) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(f"{name}.npy", date_time=_EPOCH)
    info.compress_type = zipfile.ZIP_DEFLATED
    return info


def _header(
    pieces: list[Piece], splits: list[str], selection: Selection, refused: Counter[str]
) -> dict[str, Any]:
    return {
        "pack_version": PACK_VERSION,
        "vocabulary_version": VOCABULARY_VERSION,
        "sources": sorted({piece.source for piece in pieces}),
        "genres": list(tags.GENRES),
        "pieces": len(pieces),
        "notes": sum(piece.num_notes for piece in pieces),
        "licences": dict(Counter(piece.licence for piece in pieces)),
        "by_source": _by_source(pieces),
        "split": {
            "seed": selection.seed,
            "by": "work, composer and shared melodic fragments",
            **{name: splits.count(name) for name in SPLITS},
        },
        "refused": dict(refused),
    }


def _by_source(pieces: Iterable[Piece]) -> dict[str, Any]:
    table: dict[str, Any] = {}
    for piece in pieces:
        row = table.setdefault(
            piece.source,
            {
                "pieces": 0,
                "notes": 0,
                "licences": {},
                "attribution": attribution_of(piece.source),
                "named": [],
            },
        )
        row["pieces"] += 1
        row["notes"] += piece.num_notes
        row["licences"][piece.licence] = row["licences"].get(piece.licence, 0) + 1
        # CC BY asks for the name of each contributor; the library has them per piece.
        named = without_addresses(piece.attribution)
        known = named == row["attribution"] or named in row["named"]
        if named and not known and len(row["named"]) < _NAMED:
            row["named"].append(named)
    return table
