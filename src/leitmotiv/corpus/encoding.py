"""One piece as the small integer columns that the training pack is made of.

Shapes: ``M`` notes, ``B`` bars, ``P`` parts; see :data:`COLUMNS` for the types. The columns of a
piece are kept as compressed bytes in the library, so that packing is a copy and no analysis.

Public names: :class:`EncodedPiece`, :func:`encode_piece`, :func:`columns_to_bytes`,
:func:`bytes_to_columns`, :data:`COLUMNS`, :data:`MAX_NOTES`, :data:`MAX_PARTS`.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from leitmotiv.corpus.splits import line_ngrams
from leitmotiv.errors import CorpusError, LeitmotivError
from leitmotiv.score import Score
from leitmotiv.theory import Key
from leitmotiv.tokens import tags
from leitmotiv.tokens.grid import CellGrid, score_to_grid
from leitmotiv.tokens.vocabulary import duration_to_id

__all__ = [
    "COLUMNS",
    "MAX_NOTES",
    "MAX_PARTS",
    "EncodedPiece",
    "bytes_to_columns",
    "columns_to_bytes",
    "encode_piece",
]

MAX_PARTS = 40
MAX_NOTES = 60_000

COLUMNS: dict[str, np.dtype[Any]] = {
    "note_position": np.dtype(np.uint8),  # steps from the bar line, (M,)
    "note_pitch": np.dtype(np.uint8),  # MIDI pitch, drum keys from 128
    "note_duration": np.dtype(np.uint8),  # id
    "note_velocity": np.dtype(np.uint8),  # id, 0 unknown
    "cell_count": np.dtype(np.uint16),  # notes in each bar × part, (B * P,)
    "bar_steps": np.dtype(np.uint8),  # (B,)
    "bar_meter": np.dtype(np.uint8),
    "bar_fifths": np.dtype(np.int8),
    "bar_chord": np.dtype(np.uint8),
    "bar_second_chord": np.dtype(np.uint8),
    "bar_breath": np.dtype(np.uint8),
    "bar_energy": np.dtype(np.uint8),
    "part_program": np.dtype(np.uint8),  # (P,)
    "part_role": np.dtype(np.uint8),
    "piece": np.dtype(np.int32),  # (6,): notes, bars, parts, genre, mode, tempo
}


@dataclass(frozen=True)
class EncodedPiece:
    """Columns for training and fragments for the split."""

    columns: dict[str, NDArray[Any]]
    ngrams: NDArray[np.int64]


def _key(score: Score, entry: Mapping[str, Any]) -> Key | None:
    text = entry.get("key")
    if not text:
        return None
    try:
        return Key.parse(str(text))
    except LeitmotivError:
        return None


def encode_piece(score: Score, entry: Mapping[str, Any]) -> EncodedPiece:
    """Turn a score into training columns.

    Parameters
    ----------
    score : Score
        With upbeats aligned (see :func:`leitmotiv.score.analysis.align_bars`).
    entry : mapping
        What the source says: ``genre``, ``key``, ``tempo`` with ``tempo_source`` (a tempo counts
        only when "marked" or "file"), ``n_velocities`` (below 3 means velocities say nothing).
        Missing fields are unknown conditions.

    Returns
    -------
    EncodedPiece

    Raises
    ------
    CorpusError
        If there are fewer than 2 or more than 60,000 notes, or more than 40 parts.

    Examples
    --------
    >>> from leitmotiv.score import Part, Score, make_notes
    >>> line = make_notes([0, 480, 960], [480] * 3, [60, 62, 64])
    >>> piece = encode_piece(Score(parts=(Part(name="Flute", notes=line, program=73),)), {})
    >>> piece.columns["note_pitch"].tolist()
    [60, 62, 64]
    """
    key = _key(score, entry)
    stated = entry.get("tempo_source") in ("marked", "file")
    known = _num_velocities(score, entry) >= 3
    grid = score_to_grid(
        score,
        genre=tags.genre_id(entry.get("genre")),
        mode=tags.mode_id(str(key.mode) if key else None),
        tempo=tags.tempo_id(entry["tempo"]) if stated and entry.get("tempo") else 0,
    )
    if not score.keys and key is not None:
        grid.fifths[:] = key.fifths
    if not known:
        grid.energy[:] = 0
    if not 2 <= len(grid.notes) <= MAX_NOTES or grid.num_parts > MAX_PARTS:
        raise CorpusError(
            f"{len(grid.notes)} notes in {grid.num_parts} parts: training takes 2 to "
            f"{MAX_NOTES} notes in at most {MAX_PARTS} parts; split the piece"
        )
    return EncodedPiece(_columns(grid, known=known), line_ngrams(score))


def _num_velocities(score: Score, entry: Mapping[str, Any]) -> int:
    if "n_velocities" in entry:
        return int(entry["n_velocities"] or 0)
    loud = [part.notes["velocity"] for part in score.parts if len(part.notes)]
    return len(np.unique(np.concatenate(loud))) if loud else 0


def _columns(grid: CellGrid, *, known: bool) -> dict[str, NDArray[Any]]:
    """One piece as small integer columns; ``known`` tells whether its velocities mean anything."""
    notes = grid.notes
    cells = notes["bar"].astype(np.int64) * grid.num_parts + notes["part"]
    drum = grid.is_drum[notes["part"]]
    velocity = np.clip(notes["velocity"] // 16 + 1, 1, 8) if known else 0
    values: dict[str, Any] = {
        "note_position": notes["position"],
        "note_pitch": notes["pitch"] + 128 * drum,
        "note_duration": duration_to_id(notes["duration"]),
        "note_velocity": velocity + np.zeros(len(notes)),
        "cell_count": np.bincount(cells, minlength=grid.num_bars * grid.num_parts),
        "bar_steps": grid.bar_steps,
        "bar_meter": grid.meter,
        "bar_fifths": grid.fifths,
        "bar_chord": grid.chords[:, 0],
        "bar_second_chord": grid.chords[:, 1],
        "bar_breath": grid.breath,
        "bar_energy": grid.energy,
        "part_program": np.where(grid.is_drum, 129, grid.programs + 1),
        "part_role": grid.roles,
        "piece": [len(notes), grid.num_bars, grid.num_parts, grid.genre, grid.mode, grid.tempo],
    }
    return {name: np.asarray(values[name]).astype(kind) for name, kind in COLUMNS.items()}


def columns_to_bytes(columns: Mapping[str, NDArray[Any]]) -> bytes:
    """Return one piece's columns as compressed bytes."""
    plain = b"".join(
        np.ascontiguousarray(columns[name], dtype=kind.newbyteorder("<")).tobytes()
        for name, kind in COLUMNS.items()
    )
    sizes = np.asarray([len(columns[name]) for name in COLUMNS], dtype="<u4").tobytes()
    return zlib.compress(sizes + plain, 6)


def bytes_to_columns(data: bytes) -> dict[str, NDArray[Any]]:
    """Return the columns of :func:`columns_to_bytes`.

    Raises
    ------
    CorpusError
        If the bytes are damaged.
    """
    try:
        plain = zlib.decompress(data)
        sizes = np.frombuffer(plain, dtype="<u4", count=len(COLUMNS))
        offset = sizes.nbytes
        columns: dict[str, NDArray[Any]] = {}
        for size, (name, kind) in zip(sizes, COLUMNS.items(), strict=True):
            columns[name] = np.frombuffer(
                plain, dtype=kind.newbyteorder("<"), count=int(size), offset=offset
            )
            offset += columns[name].nbytes
    except (zlib.error, ValueError) as error:
        raise CorpusError(
            f"the columns of a piece are damaged ({error}); import the piece again"
        ) from error
    return columns
