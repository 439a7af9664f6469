"""Notes to training material: one npz file that the trainer reads with nothing but NumPy.

Every note of a data set is analysed at 64 moments, dense in the attack; levels are stored in half
decibels as bytes. The file also holds what turns levels into a mel spectrum, so that training can
be steered by the distance that the benchmark reports.

Conventions: level in dB = byte / 2 - 100 (:data:`LOWEST_DB`); byte 0 is the floor.

Public names: :func:`pack_dataset`, :func:`moments`, :func:`describe`, :func:`mel_response`,
:func:`noise_response`, :func:`encoder_input`, :data:`NUM_MOMENTS`, :data:`ENCODER_SEC`.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from leitmotiv.instruments.neural_analysis import NoteFrames, analyse_note
from leitmotiv.instruments.neural_catalogue import INSTRUMENTS
from leitmotiv.instruments.neural_dataset import (
    RATE,
    REFERENCE_RMS,
    NoteExample,
    read_dataset,
)
from leitmotiv.instruments.neural_grid import (
    FLOOR_DB,
    GROUP_EDGES,
    NUM_BANDS,
    NUM_GROUPS,
    log_mel,
    mel_filters,
    noise_edges_hz,
)

__all__ = [
    "ENCODER_SEC",
    "LOWEST_DB",
    "NUM_MOMENTS",
    "describe",
    "encoder_input",
    "mel_response",
    "moments",
    "noise_response",
    "pack_dataset",
]

NUM_MOMENTS = 64
LOWEST_DB = -100.0
N_FFT, N_MELS = 4096, 64
_EARLY, _EARLY_SEC = 22, 0.16
RESPONSE_STEPS = 2
"""Frequencies a bin at which :func:`mel_response` is tabulated."""

ENCODER_SEC = (0.004, 0.015, 0.035, 0.07, 0.13, 0.25, 0.45, 0.75, 1.15, 1.65)
"""Moments at which the encoder looks at a note."""

_SPLITS = {"train": 0, "test": 1}


def moments(end_sec: float, shift: float = 0.5) -> NDArray[np.float64]:
    """Moments of a note that is held ``end_sec``: 22 in the first 160 ms, then evenly spread.

    ``shift`` from 0 to 1 moves the grid between its neighbours, so that many notes cover all times.

    Examples
    --------
    >>> times = moments(2.0)
    >>> len(times), float(times[0]) < 0.002, float(times[-1]) <= 2.0
    (64, True, True)
    """
    early = min(_EARLY_SEC, 0.5 * end_sec)
    first = early * ((np.arange(_EARLY) + 0.6 * shift) / _EARLY) ** 1.6
    rest = np.arange(NUM_MOMENTS - _EARLY) + shift
    late = early + (end_sec - early) * rest / (NUM_MOMENTS - _EARLY)
    return np.asarray(np.concatenate([first, np.minimum(late, end_sec)]))


def describe(
    audio: NDArray[Any],
    pitch: float,
    *,
    stiff: bool,
    key_up_sec: float | None,
    shift: float = 0.5,
    sample_rate: int = RATE,
) -> NoteFrames:
    """Analyse a note of the data set (at the reference level) at its :func:`moments`."""
    end = len(audio) / sample_rate - 0.03
    if key_up_sec is not None:
        end = min(end, key_up_sec - 0.01)
    return analyse_note(
        np.asarray(audio, np.float64) / REFERENCE_RMS,
        sample_rate,
        pitch,
        moments(max(end, 0.1), shift),
        stiff=stiff,
        key_up_sec=key_up_sec,
    )


@lru_cache(maxsize=4)
def mel_response(sample_rate: int = RATE) -> NDArray[np.float32]:
    """Mel power of a sine of amplitude 1, tabulated over frequency: (steps, N_MELS)."""
    window = np.hanning(N_FFT + 1)[:N_FFT]
    fine = np.abs(np.fft.rfft(window, N_FFT * RESPONSE_STEPS)) ** 2
    fine /= N_FFT * np.sum(window**2)
    reach = 6
    filters = mel_filters(sample_rate, N_FFT, N_MELS)
    num_bins = filters.shape[1]
    table = np.zeros(((num_bins - 1) * RESPONSE_STEPS, N_MELS), np.float32)
    for row in range(len(table)):
        nearest = row // RESPONSE_STEPS
        bins = np.arange(max(nearest - reach, 0), min(nearest + reach + 1, num_bins))
        table[row] = filters[:, bins] @ fine[np.abs(bins * RESPONSE_STEPS - row)]
    # As in log_mel: a sine of amplitude 1 carries 1, not 1/2, over both halves of the spectrum.
    return table * np.float32(1.0 / max(float(table.sum(1).max()), 1e-9)) * _peak_sum()


def _peak_sum() -> np.float32:
    """Mel power that log_mel gives to a sine of amplitude 1 at 1 kHz, summed over bands."""
    t = np.arange(3 * N_FFT) / RATE
    mel = log_mel(np.sin(2 * np.pi * 1000.0 * t), RATE, np.array([3 * N_FFT // 2]))
    return np.float32((10 ** (mel[0] / 10)).sum())


@lru_cache(maxsize=4)
def noise_response(sample_rate: int = RATE) -> NDArray[np.float32]:
    """Mel power of noise with RMS 1 in each band: (NUM_BANDS, N_MELS)."""
    filters = mel_filters(sample_rate, N_FFT, N_MELS)
    frequency = np.arange(filters.shape[1]) * sample_rate / N_FFT
    edges = noise_edges_hz()
    table = np.zeros((NUM_BANDS, N_MELS), np.float32)
    for band in range(NUM_BANDS):
        inside = (frequency >= edges[band]) & (frequency < edges[band + 1])
        # Noise of RMS 1 has power 1 in all, a sine of amplitude 1 half of that: log_mel counts 2.
        table[band] = filters[:, inside].sum(1) * 2.0 / max(int(inside.sum()), 1)
    return table


def encoder_input(frames: NoteFrames) -> NDArray[np.float32]:
    """What the encoder sees: levels at :data:`ENCODER_SEC`, scaled to about -1..1.

    Shape (len(ENCODER_SEC) * (NUM_GROUPS + NUM_BANDS),); a note that ends early keeps its last
    level.
    """
    levels = np.concatenate([np.nan_to_num(frames.harmonic_db, nan=FLOOR_DB), frames.noise_db], 1)
    place = np.interp(ENCODER_SEC, frames.time_sec, np.arange(len(levels)))
    low = np.floor(place).astype(np.int64)
    high = np.minimum(low + 1, len(levels) - 1)
    mixed = levels[low] + (place - low)[:, None] * (levels[high] - levels[low])
    return np.asarray((np.maximum(mixed, -90.0) + 45.0) / 45.0, np.float32).reshape(-1)


def _bytes(levels: NDArray[Any]) -> NDArray[np.uint8]:
    filled = np.nan_to_num(levels, nan=LOWEST_DB)
    return np.clip(np.rint((filled - LOWEST_DB) * 2), 0, 255).astype(np.uint8)


def _one(example: NoteExample, number: int) -> dict[str, Any]:
    instrument = INSTRUMENTS[example.entry["instrument"]]
    shift = (number * 0.6180339887) % 1.0
    frames = describe(
        example.audio,
        example.pitch,
        stiff=instrument.kind == "plucked",
        key_up_sec=example.key_up_sec,
        shift=shift,
    )
    centres = np.rint(frames.time_sec * RATE).astype(np.int64)
    mel = log_mel(example.audio / REFERENCE_RMS, RATE, centres)
    steady = frames.time_sec > min(0.2, 0.4 * float(frames.time_sec[-1]))
    return {
        "instrument": example.entry["instrument"],
        "pitch": example.pitch,
        "velocity": example.velocity,
        "split": _SPLITS[example.split],
        "cents": float(np.median(frames.cents[steady])),
        "inharmonicity": frames.inharmonicity,
        "release": frames.release_db_per_sec,
        "time": frames.time_sec.astype(np.float32),
        "harmonic": _bytes(frames.harmonic_db),
        "noise": _bytes(frames.noise_db),
        "mel": _bytes(mel),
        "encoder": encoder_input(frames).astype(np.float16),
    }


def _chunk(task: tuple[str, str, int]) -> list[dict[str, Any]]:
    folder, instrument, first = task
    notes = read_dataset(folder, instrument=instrument)
    return [_one(example, first + number) for number, example in enumerate(notes)]


def pack_dataset(
    folder: str | os.PathLike[str],
    path: str | os.PathLike[str],
    *,
    workers: int = 1,
    progress: Callable[[float, str], None] | None = None,
) -> int:
    """Analyse a data set into one npz file; returns the number of notes.

    ``workers`` processes share the work, one instrument at a time each.
    """
    import json

    entries = json.loads((Path(folder) / "examples.json").read_text(encoding="utf-8"))
    names = list(dict.fromkeys(entry["instrument_str"] for entry in entries.values()))
    tasks = [(str(folder), name, 1000 * number) for number, name in enumerate(names)]
    rows: list[dict[str, Any]] = []
    if workers > 1:
        with ProcessPoolExecutor(workers) as pool:
            for done, found in enumerate(pool.map(_chunk, tasks), start=1):
                rows += found
                if progress is not None:
                    progress(done / len(tasks), names[done - 1])
    else:
        for done, task in enumerate(tasks, start=1):
            rows += _chunk(task)
            if progress is not None:
                progress(done / len(tasks), names[done - 1])
    arrays = {key: np.array([row[key] for row in rows]) for key in rows[0]}
    target = Path(path)
    part = target.with_name(target.name + ".part.npz")
    content: dict[str, Any] = dict(
        **arrays,
        names=np.array([instrument.name for instrument in INSTRUMENTS]),
        group_edges=np.array(GROUP_EDGES),
        mel_response=mel_response(),
        noise_response=noise_response(),
        sample_rate=RATE,
        n_fft=N_FFT,
        response_steps=RESPONSE_STEPS,
        lowest_db=LOWEST_DB,
        num_bands=NUM_BANDS,
        num_groups=NUM_GROUPS,
    )
    np.savez_compressed(part, **content)
    part.rename(target)
    return len(rows)
