"""A recording through a rack, from file to file.

Purpose: process recordings of any length in a memory of a few megabytes.

Conventions: mono is heard in the middle of both sides, stereo stays stereo; more channels are
folded to stereo only when asked for (ITU-R BS.775: centre and surrounds at -3 dB, no LFE). The
sample rate stays, but below 22,050 Hz the rack works at 48,000 Hz, where its filters have room.
The output is the input's length and the rack's tail; a tail that still sounds fades out at its end.
The format follows the suffix. The file appears under its name when it is whole.

Public names: :class:`Processed`, :func:`process_file`.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from leitmotiv.audio import Resampler
from leitmotiv.audio.formats import AudioReader, AudioWriter, find_format
from leitmotiv.errors import AudioError
from leitmotiv.rack.graph import RackGraph
from leitmotiv.rack.rack import Rack

__all__ = ["Processed", "process_file"]

_BLOCK = 2**15
LOWEST_RATE, WORKING_RATE = 22_050, 48_000
FADE_SEC = 0.5


@dataclass(frozen=True)
class Processed:
    """What came of a recording: where it is, its length and its peak in dBFS."""

    path: Path
    duration_sec: float
    sample_rate: int
    peak_dbfs: float


def _to_stereo(block: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return float32 (2, samples) of any number of channels in WAV order."""
    channels = len(block)
    if channels == 1:
        return np.repeat(block, 2, axis=0)
    if channels == 2:
        return block
    # Left, right, centre, LFE, surround left, surround right; others in turn.
    left, right = block[0].copy(), block[1].copy()
    for channel in range(2, channels):
        if channels >= 6 and channel == 3:
            continue
        part = block[channel] * np.float32(10 ** (-3 / 20))
        centred = channel == 2 and channels != 4
        if centred or channel % 2 == 0:
            left += part
        if centred or channel % 2 == 1:
            right += part
    return np.stack([left, right])


def process_file(
    source: str | os.PathLike[str],
    target: str | os.PathLike[str],
    graph: RackGraph,
    *,
    snapshot: str | None = None,
    morph: tuple[str, str] | None = None,
    tail_sec: float | None = None,
    downmix: bool = False,
    overwrite: bool = False,
    progress: Callable[[float], None] | None = None,
) -> Processed:
    """Send a recording through a rack.

    Parameters
    ----------
    source, target : path
        What is read and what is written: wav, flac, ogg, opus or mp3 by its suffix.
    graph : RackGraph
    snapshot : str, optional
        Where the knobs stand from the start.
    morph : pair of str, optional
        Two snapshots; the knobs travel from one to the other over the recording.
    tail_sec : float, optional
        How long it rings on, 0-120 s; the rack's own by default.
    downmix : bool
        Whether more than two channels are folded to stereo.
    overwrite : bool
        Whether ``target`` may exist.
    progress : callable, optional
        Called with the share done, 0-1.

    Raises
    ------
    AudioError
        If a file cannot be read or written, holds no or impossible samples, or has more than two
        channels and ``downmix`` is not set.
    """
    source, target = Path(source), Path(target)
    find_format(target.name)
    if target.exists() and source.exists() and target.samefile(source):
        raise AudioError(f"{target} is the recording itself; choose another name for the result")
    if target.exists() and not overwrite:
        raise AudioError(f"{target} exists; choose another name or overwrite it with --overwrite")
    if target.is_dir():
        raise AudioError(f"{target} is a folder; name a file for the result")
    if not target.parent.is_dir():
        kind = "is no folder" if target.parent.exists() else "does not exist"
        raise AudioError(f"{target} cannot be written: {target.parent} {kind}")
    if tail_sec is not None and not 0.0 <= tail_sec <= 120.0:
        raise AudioError(f"tail_sec={tail_sec:g} must be between 0 and 120 seconds")
    with AudioReader(source) as recording:
        if not recording.num_samples:
            raise AudioError(f"{source} holds no samples; there is nothing to process")
        if recording.num_channels > 2 and not downmix:
            raise AudioError(
                f"{source} has {recording.num_channels} channels; the rack works in stereo: "
                "fold it with --downmix"
            )
        rate = recording.sample_rate
        if rate < LOWEST_RATE:
            rate = WORKING_RATE
        num_samples = -(-recording.num_samples * rate // recording.sample_rate)
        rack = Rack(graph, sample_rate=rate)
        if snapshot is not None:
            rack.start_at(snapshot)
        if morph is not None:
            rack.travel(*morph, num_samples / rate)
        tail = round((rack.tail_sec if tail_sec is None else tail_sec) * rate)
        entering = _entering(recording, rate, tail + rack.latency_samples)
        peak = 0.0
        with AudioWriter(target, rate, 2, format=find_format(target.name)) as writer:
            done = 0
            for block in _leaving(entering, rack, num_samples, tail):
                peak = max(peak, float(np.abs(block).max(initial=0.0)))
                writer.write(block)
                done += block.shape[1]
                if progress is not None:
                    progress(done / (num_samples + tail))
    peak_dbfs = float(20 * np.log10(peak)) if peak > 0 else -np.inf
    return Processed(target, done / rate, writer.sample_rate, peak_dbfs)


def _entering(recording: AudioReader, rate: int, rest: int) -> Iterator[NDArray[np.float32]]:
    """Yield the recording in stereo at the working rate, and silence after it."""
    resampler = None
    if rate != recording.sample_rate:
        resampler = Resampler(recording.sample_rate, rate)
    for block in recording.blocks(_BLOCK):
        stereo = _to_stereo(block)
        yield stereo if resampler is None else resampler.process(stereo)
    if resampler is not None:
        yield resampler.finish()
    for start in range(0, rest, _BLOCK):
        yield np.zeros((2, min(_BLOCK, rest - start)), np.float32)


def _leaving(
    entering: Iterator[NDArray[np.float32]], rack: Rack, num_samples: int, tail: int
) -> Iterator[NDArray[np.float32]]:
    """Yield what the rack makes of it, its latency taken out and the end of the tail faded."""
    late, done, total = rack.latency_samples, 0, num_samples + tail
    fade = min(round(FADE_SEC * rack.sample_rate), tail)
    for block in entering:
        out = rack.process(block)
        skipped = min(late, out.shape[1])
        late -= skipped
        out = out[:, skipped : skipped + total - done]
        if fade and done + out.shape[1] > total - fade:
            place = np.arange(done, done + out.shape[1]) - (total - fade)
            ramp = np.cos(0.5 * np.pi * np.clip(place / fade, 0.0, 1.0))
            out = out * ramp.astype(np.float32)
        done += out.shape[1]
        yield out
