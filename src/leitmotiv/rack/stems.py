"""Stems through racks: each part's own effects, before the mix.

Purpose: play every stem through the rack that its part names, at the tempo of the piece.

Conventions: a stem keeps its length; what a rack lets ring beyond it is cut. Delays and swings of
a rack that count in note values follow the piece. Silent stems are left alone.

Public names: :func:`rack_stems`, :func:`load_racks`.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from leitmotiv.audio import Stems
from leitmotiv.errors import AudioError
from leitmotiv.rack.graph import RackGraph
from leitmotiv.rack.preset import load_preset
from leitmotiv.rack.rack import Rack

__all__ = ["load_racks", "rack_stems"]

_BLOCK = 2**15


def load_racks(names: Iterable[str]) -> Mapping[str, RackGraph]:
    """Return the racks that are named, each once; empty names are left out.

    Raises
    ------
    AudioError
        If a rack does not exist or cannot be made.
    """
    racks = {name: load_preset(name) for name in sorted(set(names)) if name}
    for graph in racks.values():
        Rack(graph)  # says now what is wrong with its settings
    return racks


def _through(audio: NDArray[np.float32], graph: RackGraph, sample_rate: int) -> NDArray[np.float32]:
    if not audio.any():
        return audio
    rack = Rack(graph, sample_rate=sample_rate)
    late, num_samples = rack.latency_samples, audio.shape[1]
    out = np.empty_like(audio)
    for start in range(0, num_samples + late, _BLOCK):
        block = audio[:, start : start + _BLOCK]
        if block.shape[1] < _BLOCK:  # past the end: silence brings out what is late
            missing = min(_BLOCK, num_samples + late - start) - block.shape[1]
            block = np.pad(block, ((0, 0), (0, missing)))
        done = rack.process(np.ascontiguousarray(block))
        first, skipped = max(start - late, 0), max(late - start, 0)
        done = done[:, min(skipped, done.shape[1]) :]
        out[:, first : first + done.shape[1]] = done[:, : num_samples - first]
    return out


def rack_stems(
    stems: Stems,
    racks: Sequence[RackGraph | None],
    *,
    tempo_bpm: float,
    progress: Callable[[float, str], None] | None = None,
) -> Stems:
    """Play stems through racks.

    Parameters
    ----------
    stems : Stems
    racks : sequence of RackGraph or None
        One a stem; None plays dry.
    tempo_bpm : float
        Of the piece; takes the place of each rack's own.
    progress : callable, optional
        Called with the share done (0-1) and the name of the stem just finished.

    Returns
    -------
    Stems
        Same names and length; stems without a rack are the same buffers.

    Raises
    ------
    AudioError
        If there is not one entry a stem.
    """
    if len(racks) != len(stems.audio):
        raise AudioError(f"{len(racks)} racks for {len(stems.audio)} stems; give one a stem")
    audio = list(stems.audio)
    tempo_bpm = min(max(tempo_bpm, 20.0), 400.0)
    # Kernels release the interpreter lock.
    with ThreadPoolExecutor(max_workers=min(os.cpu_count() or 1, 4)) as pool:
        jobs = {
            pool.submit(
                _through, audio[index], replace(graph, tempo_bpm=tempo_bpm), stems.sample_rate
            ): index
            for index, graph in enumerate(racks)
            if graph is not None
        }
        for done, job in enumerate(as_completed(jobs), start=1):
            audio[jobs[job]] = job.result()
            if progress is not None:
                progress(done / len(jobs), stems.names[jobs[job]])
    return Stems(stems.names, tuple(audio), stems.sample_rate)
