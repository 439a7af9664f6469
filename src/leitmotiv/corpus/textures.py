"""Texture, density and register of passages, and the role of every part.

Purpose: say of each passage what a plan says of a section (``solo``, ``sparse``, ``homophonic``,
``polyphonic``, ``full``) and of each part what a palette says.

Conventions, first that holds:

- solo: hardly ever do two pitches sound together (mean below 1.15 where anything sounds);
- sparse: at least four parts, at most half of them active;
- full: six or more pitches sound together on average, in at least four parts;
- polyphonic: two or more active single lines that start fewer than half of their notes together;
- homophonic: everything else, chords and melodies over accompaniment alike.

A part is active in a passage in which it has at least a quarter as many onsets as the busiest.

Public names: :func:`describe_passages`, :func:`describe_parts`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from leitmotiv.score import Score
from leitmotiv.theory import TICKS_PER_QUARTER
from leitmotiv.tokens import tags

__all__ = ["describe_parts", "describe_passages"]

_SOLO_VOICES, _FULL_VOICES = 1.15, 6.0
_ACTIVE_SHARE = 0.25
_SINGLE_LINE = 1.15  # notes an onset
_CHORDAL = 1.5  # notes an onset: a keyboard or guitar that fills the harmony, bass included
_TOGETHER = 0.5
_SINGERS = (52, 53, 54, 85)  # General MIDI choirs, synth voice, lead voice


def describe_parts(score: Score) -> list[dict[str, Any]]:
    """Return name, program, role, register, density and notes an onset of every part.

    A role that the part states stands; others are guessed (see
    :func:`leitmotiv.tokens.tags.guess_roles`) with two additions: a single sung part among players
    is the melody, and a lowest part that plays chords is harmony.
    """
    count = np.asarray([len(part.notes) for part in score.parts], dtype=np.int64)
    onsets = np.asarray(
        [int((np.diff(part.notes["onset"]) > 0).sum()) + 1 if len(part.notes) else 0
         for part in score.parts],
        dtype=np.int64,
    )  # fmt: skip
    mean = np.asarray(
        [float(part.notes["pitch"].mean()) if len(part.notes) else 0.0 for part in score.parts]
    )
    drums = np.asarray([part.is_drum for part in score.parts], dtype=bool)
    guessed = tags.guess_roles(mean, count / np.maximum(onsets, 1), onsets, drums)
    _lead_singer(score, guessed, onsets)
    chordal = count >= _CHORDAL * np.maximum(onsets, 1)
    guessed[chordal & (guessed == tags.role_id("bass"))] = tags.role_id("harmony")
    quarters = max(score.length_ticks / TICKS_PER_QUARTER, 1e-9)
    rows = []
    for index, part in enumerate(score.parts):
        pitch = part.notes["pitch"]
        register = None
        if len(pitch) and not part.is_drum:
            register = [int(pitch.min()), round(mean[index]), int(pitch.max())]
        rows.append(
            {
                "name": part.name,
                "program": "drums" if part.is_drum else part.program,
                "role": part.role or (tags.ROLES[guessed[index] - 1] if guessed[index] else ""),
                "register": register,
                "density": round(float(onsets[index] / quarters), 2),
                "num_notes": int(count[index]),
                "notes_per_onset": round(float(count[index] / max(onsets[index], 1)), 2),
            }
        )
    return rows


def _lead_singer(score: Score, roles: NDArray[np.int64], onsets: NDArray[np.int64]) -> None:
    """Give the melody to a lone singer; whoever had it before accompanies."""
    singers = [
        index
        for index, part in enumerate(score.parts)
        if part.program in _SINGERS and not part.is_drum and onsets[index] > 0
    ]
    if len(singers) != 1 or 8 * onsets[singers[0]] < onsets.max():
        return
    roles[roles == tags.role_id("melody")] = tags.role_id("harmony")
    roles[singers[0]] = tags.role_id("melody")


def _columns(score: Score) -> tuple[NDArray[np.int64], ...]:
    """Part, onset, duration, pitch (-1 for drums) and bar of every note, sorted by onset."""
    sounding = [(i, part.notes) for i, part in enumerate(score.parts) if len(part.notes)]
    if not sounding:
        return (np.zeros(0, dtype=np.int64),) * 5
    part = np.concatenate([np.full(len(notes), index) for index, notes in sounding])
    fields = [
        np.concatenate([notes[name] for _, notes in sounding]).astype(np.int64)
        for name in ("onset", "duration", "pitch")
    ]
    order = np.argsort(fields[0], kind="stable")
    part = part[order]
    onset, duration, pitch = (field[order] for field in fields)
    drums = np.asarray([p.is_drum for p in score.parts], dtype=bool)
    pitch[drums[part]] = -1
    return part, onset, duration, pitch, score.bar_index_at(onset)


def describe_passages(score: Score, passages: Sequence[tuple[int, int]]) -> list[dict[str, Any]]:
    """Describe passages given as half-open ranges of bars.

    Returns
    -------
    list of dict
        ``texture`` of the pitched parts (drums alone are solo, silence is sparse); ``density`` in
        notes a quarter of all parts; ``register`` as lowest, mean and highest pitch, None where
        nothing pitched sounds.
    """
    part, onset, duration, pitch, bar = _columns(score)
    bars = score.bar_ticks
    num_parts = len(score.parts)
    rows = []
    for start, end in passages:
        low, high = np.searchsorted(bar, [start, end])
        inside = slice(int(low), int(high))
        length = max(int(bars[end] - bars[start]), 1)
        row: dict[str, Any] = {"texture": "sparse", "density": 0.0, "register": None}
        if high > low:
            row["density"] = round(float((high - low) * TICKS_PER_QUARTER / length), 2)
            row["texture"] = "solo"
            kept = pitch[inside] >= 0
            heard = pitch[inside][kept]
            if len(heard):
                row["register"] = [int(heard.min()), round(float(heard.mean())), int(heard.max())]
                row["texture"] = _texture(
                    part[inside][kept], onset[inside][kept], duration[inside][kept], num_parts
                )
        rows.append(row)
    return rows


def _texture(
    part: NDArray[np.int64],
    onset: NDArray[np.int64],
    duration: NDArray[np.int64],
    num_parts: int,
) -> str:
    end = np.maximum.accumulate(onset + duration)
    silence = np.maximum(onset[1:] - end[:-1], 0).sum()
    sounding = max(int(end[-1] - onset[0] - silence), 1)
    voices = float(duration.sum()) / sounding
    if voices < _SOLO_VOICES:
        return "solo"
    # Each part's onsets: a chord counts once.
    place = onset * num_parts + part
    own = np.unique(place)
    onsets = np.bincount(own % num_parts, minlength=num_parts)
    notes = np.bincount(part, minlength=num_parts)
    active = onsets >= max(_ACTIVE_SHARE * onsets.max(), 1)
    num_active = int(active.sum())
    if num_parts >= 4 and 2 * num_active <= num_parts:
        return "sparse"
    if voices >= _FULL_VOICES and num_active >= 4:
        return "full"
    lines = active & (notes < _SINGLE_LINE * np.maximum(onsets, 1))
    if lines.sum() >= 2:
        of_lines = own[lines[own % num_parts]] // num_parts
        moments = int((np.diff(np.sort(of_lines)) > 0).sum()) + 1
        together = (len(of_lines) / moments - 1) / (int(lines.sum()) - 1)
        if together < _TOGETHER:
            return "polyphonic"
    return "homophonic"
