"""Review of audio: the master and its stems.

Purpose: what a mastering engineer checks last: clipping, silence, offset, loudness, true peak,
dead stems. Nothing is ever edited.

Conventions: levels in dBFS, dBTP and LUFS; ``part_index`` of a finding is the index of the stem.

Public names: :func:`review_audio`.

References
----------
ITU-R BS.1770-4 (loudness, true peak); EBU R 128.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from leitmotiv.audio.buffers import Master, Stems
from leitmotiv.review.finding import Finding

__all__ = ["review_audio"]

_FULL_SCALE = 0.9999
_MIN_CLIPPED_RUN = 3  # samples at full scale in a row
_MAX_OFFSET = 1e-3  # of full scale, -60 dBFS
_SILENCE = 1e-4  # -80 dBFS
_HOLE_SEC = 3.0
_MAX_LEAD_SEC = 2.0
_LOUDNESS_TOLERANCE_LU = 1.0
_FAINT_STEM_DB = -36.0


def review_audio(
    master: Master,
    stems: Stems | None = None,
    *,
    target_lufs: float = -14.0,
    max_true_peak_dbtp: float = -1.0,
) -> tuple[Finding, ...]:
    """Listen to a master, and to its stems where given, and return what stands out.

    Parameters
    ----------
    target_lufs : float
        Integrated loudness the master should have, within 1 LU.
    max_true_peak_dbtp : float
        Highest true peak allowed.

    Returns
    -------
    tuple of Finding
        Empty where nothing is amiss.

    Examples
    --------
    >>> import numpy as np
    >>> silence = Master(np.zeros((2, 48_000), np.float32), 48_000, -np.inf, -np.inf)
    >>> [finding.message for finding in review_audio(silence)]
    ['the master is silent']
    """
    findings = list(_check_master(master, target_lufs, max_true_peak_dbtp))
    if stems is not None:
        findings += _check_stems(stems)
    return tuple(findings)


def _check_master(
    master: Master, target_lufs: float, max_true_peak_dbtp: float
) -> Iterator[Finding]:
    audio, sample_rate = master.audio, master.sample_rate
    if not np.isfinite(audio).all():
        yield Finding("corrupt audio", "error", "the master holds samples that are not finite")
        return
    envelope = np.abs(audio[0])
    np.maximum(envelope, np.abs(audio[1]), out=envelope)
    if not len(envelope) or envelope.max() < _SILENCE:
        yield Finding("silence", "error", "the master is silent")
        return
    clipped = _runs(envelope >= _FULL_SCALE)
    clipped = clipped[clipped[:, 1] - clipped[:, 0] >= _MIN_CLIPPED_RUN]
    if len(clipped):
        message = f"clipped in {len(clipped)} places, first at {clipped[0, 0] / sample_rate:.2f} s"
        yield Finding("clipping", "error", message)
    offset = float(np.abs(audio.mean(axis=1, dtype=np.float64)).max())
    if offset > _MAX_OFFSET:
        yield Finding("DC offset", "warning", f"offset of {20 * np.log10(offset):.0f} dBFS")
    yield from _check_holes(envelope, sample_rate)
    if abs(master.integrated_lufs - target_lufs) > _LOUDNESS_TOLERANCE_LU:
        message = f"{master.integrated_lufs:.1f} LUFS where {target_lufs:g} is the target"
        yield Finding("loudness", "note" if master.notes else "warning", message)
    if master.true_peak_dbtp > max_true_peak_dbtp + 0.05:
        message = f"true peak {master.true_peak_dbtp:.1f} dBTP is above {max_true_peak_dbtp:g}"
        yield Finding("true peak", "warning", message)


def _check_holes(envelope: NDArray[np.float32], sample_rate: int) -> Iterator[Finding]:
    silent = _runs(envelope < _SILENCE)
    for start, stop in silent.tolist():
        start_sec, length_sec = start / sample_rate, (stop - start) / sample_rate
        if stop == len(envelope):
            continue  # the end of the tail
        if start == 0 and length_sec > _MAX_LEAD_SEC:
            yield Finding("silence", "warning", f"the first {length_sec:.1f} s are silent")
        elif start > 0 and length_sec > _HOLE_SEC:
            message = f"silent for {length_sec:.1f} s from {start_sec:.1f} s"
            yield Finding("silence", "warning", message)


def _runs(flags: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Return [start, stop) of every run of true values, shape (runs, 2)."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], flags, [False]]).astype(np.int8)))
    return edges.reshape(-1, 2).astype(np.int64)


def _check_stems(stems: Stems) -> Iterator[Finding]:
    levels = []
    for index, (name, audio) in enumerate(zip(stems.names, stems.audio, strict=True)):
        if not np.isfinite(audio).all():
            message = f"stem {name!r} holds samples that are not finite"
            yield Finding("corrupt audio", "error", message, index)
        peak = float(np.maximum(audio.max(initial=0.0), -audio.min(initial=0.0)))
        if peak < _SILENCE:
            yield Finding("dead stem", "warning", f"stem {name!r} is silent", index)
        power = sum(float(channel @ channel) for channel in audio) / max(audio.size, 1)
        levels.append(10.0 * np.log10(max(power, 1e-20)))
    loudest = max(levels, default=0.0)
    for index, (name, level) in enumerate(zip(stems.names, levels, strict=True)):
        if -90.0 < level < loudest + _FAINT_STEM_DB:
            message = f"stem {name!r} lies {loudest - level:.0f} dB below the loudest"
            yield Finding("faint stem", "note", message, index)
