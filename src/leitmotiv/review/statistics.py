"""Statistics of a piece: what can be counted in any score, whoever wrote it.

Purpose: the numbers in which music that was composed here is held against music that people wrote
(:mod:`~leitmotiv.review.comparison`). Each is one figure a piece; nothing here says what is good.

Conventions:

- Only notes count. Key and chords are estimated afresh for every piece, also where its plan would
  know them, and roles and names of parts are ignored: both sides are read with the same eyes.
- Drums are left out. Onsets are rounded to twelfths of a quarter, so that played and written
  scores read alike.
- The *melody* is the skyline of the highest part that sounds in at least half of the bars.
- A figure that a piece is too short or too sparse for is NaN.

Public names: :class:`Statistic`, :data:`STATISTICS`, :class:`Melody`, :func:`opening`,
:func:`score_statistics`.

References
----------
L.-C. Yang and A. Lerch, "On the evaluation of generative models in music", Neural Computing and
Applications 32, 2020 (pitch range, intervals, note lengths as distributions over pieces).
S.-L. Wu and Y.-H. Yang, "The Jazz Transformer on the front line", ISMIR 2020 (pitch-class entropy,
groove similarity, structureness in three ranges). D. Huron, *Sweet Anticipation*, MIT Press 2006,
chapter 5 (steps, leaps that turn back, arches).
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from leitmotiv.score import Score, make_notes
from leitmotiv.score.analysis import (
    align_bars,
    bar_similarity,
    chords_per_half_bar,
    estimate_key,
    half_bar_starts,
    phrase_end_bars,
)
from leitmotiv.score.score import Part
from leitmotiv.theory import TICKS_PER_QUARTER, ChordSymbol, Key

__all__ = ["STATISTICS", "Melody", "Statistic", "opening", "score_statistics"]

_SNAP_TICKS = 40
_STRONG_ACCENT = 0.5


@dataclass(frozen=True)
class Statistic:
    """What a figure is called, and how fine a difference means something.

    ``tolerance`` is the least width, in units of the figure, at which values are told apart.
    """

    name: str
    group: str
    label: str
    unit: str
    tolerance: float


STATISTICS: tuple[Statistic, ...] = (
    Statistic("pitch_class_entropy_1", "pitch", "pitch-class entropy, 1 bar", "bits", 0.10),
    Statistic("pitch_class_entropy_4", "pitch", "pitch-class entropy, 4 bars", "bits", 0.10),
    Statistic("scale_share", "pitch", "sounding time inside the key's scale", "share", 0.02),
    Statistic("range", "pitch", "range, 5th to 95th percentile", "semitones", 1.5),
    Statistic("mean_pitch", "pitch", "mean pitch", "MIDI pitch", 1.5),
    Statistic("groove_similarity", "rhythm", "groove similarity of bars", "share", 0.02),
    Statistic("density", "rhythm", "notes a quarter", "notes", 0.20),
    Statistic("density_variation", "rhythm", "how much density changes by bar", "sd / mean", 0.05),
    Statistic("off_beat_share", "rhythm", "onsets off the beat", "share", 0.04),
    Statistic("rhythm_entropy", "rhythm", "entropy of melody note values", "bits", 0.15),
    Statistic("polyphony", "texture", "pitches that sound together", "pitches", 0.25),
    Statistic("silence", "texture", "time in which nothing sounds", "share", 0.01),
    Statistic("dissonance", "texture", "harsh pairs among sounding pairs", "share", 0.01),
    Statistic("chord_tone_share", "harmony", "sounding time on chord tones", "share", 0.02),
    Statistic(
        "strong_chord_tone_share", "harmony", "melody on strong beats in chord", "share", 0.04
    ),
    Statistic("non_chord_by_step", "harmony", "melodic dissonances left by step", "share", 0.05),
    Statistic("chord_changes", "harmony", "chord changes a bar", "changes", 0.10),
    Statistic("chord_vocabulary", "harmony", "entropy of chords", "bits", 0.20),
    Statistic("step_share", "melody", "melodic steps", "share", 0.04),
    Statistic("repeat_share", "melody", "repeated melody notes", "share", 0.03),
    Statistic("leap_share", "melody", "leaps of a fourth or more", "share", 0.03),
    Statistic("mean_interval", "melody", "mean melodic interval", "semitones", 0.25),
    Statistic("turn_rate", "melody", "changes of direction", "share", 0.04),
    Statistic("leap_recovery", "melody", "leaps that turn back or go on by step", "share", 0.05),
    Statistic("melody_range", "melody", "range of the melody", "semitones", 1.5),
    Statistic("arch_share", "melody", "phrases that rise, then fall", "share", 0.08),
    Statistic("melody_density", "melody", "melody notes a quarter", "notes", 0.12),
    Statistic("structure_short", "structure", "structureness, 2 bars", "similarity", 0.03),
    Statistic("structure_middle", "structure", "structureness, 4 bars", "similarity", 0.03),
    Statistic("structure_long", "structure", "structureness, 8 bars", "similarity", 0.03),
    Statistic("phrase_bars", "phrase", "mean phrase length", "bars", 0.4),
    Statistic("phrase_regularity", "phrase", "phrases of 2, 4 or 8 bars", "share", 0.08),
    Statistic("cadence_rate", "phrase", "phrases that end on I or V", "share", 0.08),
    Statistic("authentic_rate", "phrase", "phrases that end V-I", "share", 0.06),
)
"""All figures, in the order in which they are shown."""


def opening(score: Score, num_bars: int) -> Score:
    """Return the first bars of a score with nothing but its notes and meters.

    Figures such as structureness grow with length, so pieces are compared over equal lengths.

    Parameters
    ----------
    score : Score
    num_bars : int
        At least 1; a shorter piece stays whole. Silent bars at the start are passed over.
    """
    sounding = [part for part in score.parts if not part.is_drum and len(part.notes)]
    if not sounding:
        return Score(meters=score.meters)
    first = int(score.bar_index_at(min(int(part.notes["onset"][0]) for part in sounding)))
    start = int(score.bar_ticks[first])
    stop = int(score.bar_ticks[min(first + num_bars, score.num_bars)])
    parts = []
    for part in sounding:
        notes = part.notes[(part.notes["onset"] >= start) & (part.notes["onset"] < stop)]
        onset = (notes["onset"] - start + _SNAP_TICKS // 2) // _SNAP_TICKS * _SNAP_TICKS
        onset = np.minimum(onset, stop - start - _SNAP_TICKS)
        end = np.minimum(notes["onset"] + notes["duration"], stop) - start
        if len(notes):
            cut = make_notes(onset, np.maximum(end - onset, _SNAP_TICKS // 2), notes["pitch"])
            parts.append(Part("", program=part.program, notes=cut))
    meters = [
        replace(change, tick=max(change.tick - start, 0))
        for index, change in enumerate(score.meters)
        if change.tick < stop
        and not (index + 1 < len(score.meters) and score.meters[index + 1].tick <= start)
    ]
    return Score(parts=tuple(parts), meters=tuple(meters), length_ticks=stop - start)


def score_statistics(score: Score, *, num_bars: int = 32) -> dict[str, float]:
    """Count every figure of :data:`STATISTICS` in the first bars of a piece.

    Parameters
    ----------
    score : Score
        Any score; drum parts are ignored.
    num_bars : int
        Bars that are read from the first sounding one on.

    Returns
    -------
    dict from name to float
        NaN where a figure does not apply; all of them for a piece without pitched notes.

    Examples
    --------
    >>> pitches = [60, 62, 64, 65, 67, 65, 64, 62] * 2
    >>> part = Part("scale", notes=make_notes(range(0, 16 * 480, 480), [480] * 16, pitches))
    >>> found = score_statistics(Score(parts=(part,)))
    >>> found["step_share"], found["mean_interval"] < 2, found["polyphony"]
    (1.0, True, 1.0)
    """
    found = {statistic.name: math.nan for statistic in STATISTICS}
    piece = opening(align_bars(score), num_bars)
    if not piece.parts or piece.num_bars < 1:
        return found
    key = estimate_key(piece)
    chords = [change.chord for change in chords_per_half_bar(piece)]
    halves = half_bar_starts(piece)
    melody = Melody.of(piece)
    notes = np.concatenate([part.notes for part in piece.parts])
    found.update(_pitch(piece, notes, key))
    found.update(_rhythm(piece, notes, melody))
    found.update(_texture(piece, notes))
    found.update(_harmony(piece, notes, melody, chords, halves))
    found.update(melody.statistics(piece))
    found.update(_structure(piece))
    found.update(_phrases(piece, melody, chords, key))
    return found


def _entropy(weights: NDArray[np.float64]) -> float:
    total = float(weights.sum())
    if total <= 0:
        return math.nan
    share = weights[weights > 0] / total
    return float(-(share * np.log2(share)).sum()) + 0.0


def _mean(values: NDArray[np.float64] | list[float], least: int = 1) -> float:
    kept = [value for value in values if value == value]
    return float(np.mean(kept)) if len(kept) >= least else math.nan


def _pitch(piece: Score, notes: NDArray[np.void], key: Key) -> dict[str, float]:
    bar = piece.bar_index_at(notes["onset"])
    weight = notes["duration"].astype(np.float64)
    table = np.zeros((piece.num_bars, 12))
    np.add.at(table, (bar, notes["pitch"] % 12), weight)
    fours = [table[start : start + 4].sum(axis=0) for start in range(0, len(table), 4)]
    scale = np.zeros(12, dtype=bool)
    scale[list(key.scale)] = True
    if key.mode == "minor":  # the melodic sixth and the leading tone belong to it
        scale[[(key.tonic_pitch_class + 9) % 12, (key.tonic_pitch_class + 11) % 12]] = True
    pitch = notes["pitch"].astype(np.float64)
    return {
        "pitch_class_entropy_1": _mean([_entropy(row) for row in table]),
        "pitch_class_entropy_4": _mean([_entropy(row) for row in fours]),
        "scale_share": float(weight[scale[notes["pitch"] % 12]].sum() / weight.sum()),
        "range": float(np.subtract(*np.percentile(pitch, [95, 5]))),
        "mean_pitch": float(pitch.mean()),
    }


def _rhythm(piece: Score, notes: NDArray[np.void], melody: Melody) -> dict[str, float]:
    bar = piece.bar_index_at(notes["onset"])
    starts = piece.bar_ticks
    length = np.diff(starts)
    usual = int(np.bincount(length).argmax())
    slots = max(usual // _SNAP_TICKS, 1)
    grid = np.zeros((piece.num_bars, slots), dtype=bool)
    slot = np.minimum((notes["onset"] - starts[bar]) // _SNAP_TICKS, slots - 1)
    grid[bar, slot] = True
    rows = grid[(length == usual) & grid.any(axis=1)].astype(np.float64)
    groove = math.nan
    if len(rows) >= 4:
        # Wu and Yang (2020), eq. 2, with the share of slots struck in either bar as its base:
        # empty slots agree in any music and would push all values towards 1.
        both = rows @ rows.T
        count = rows.sum(axis=1)
        either = count[:, None] + count[None, :] - both
        above = np.triu_indices(len(rows), 1)
        groove = float((both[above] / np.maximum(either[above], 1)).mean())
    per_bar = np.bincount(bar, minlength=piece.num_bars) * (TICKS_PER_QUARTER / length)
    beats = np.asarray([piece.meter_at(int(tick)).beat_ticks for tick in starts[:-1]])
    place = np.unique(np.stack([bar, notes["onset"] - starts[bar]]), axis=1)
    off = place[1] % beats[place[0]] != 0
    gaps = np.diff(melody.onset)
    values = np.bincount(np.round(np.log2(np.maximum(gaps, 1) / 30) * 2).clip(0).astype(int))
    return {
        "groove_similarity": groove,
        "density": len(notes) * TICKS_PER_QUARTER / piece.length_ticks,
        "density_variation": float(per_bar.std() / per_bar.mean()) if len(rows) > 3 else math.nan,
        "off_beat_share": float(off.mean()),
        "rhythm_entropy": _entropy(values.astype(np.float64)) if len(gaps) >= 8 else math.nan,
    }


def _texture(piece: Score, notes: NDArray[np.void]) -> dict[str, float]:
    steps = piece.length_ticks // _SNAP_TICKS
    sounding = np.zeros((steps, 128), dtype=bool)
    first = notes["onset"] // _SNAP_TICKS
    last = np.maximum((notes["onset"] + notes["duration"]) // _SNAP_TICKS, first + 1)
    for start, stop, pitch in zip(first, last, notes["pitch"], strict=True):
        sounding[start:stop, pitch] = True
    count = sounding.sum(axis=1)
    # Pairs a minor second, a major seventh or a minor ninth apart, of all pairs at one time.
    harsh = sum(int((sounding[:, : 128 - size] & sounding[:, size:]).sum()) for size in (1, 11, 13))
    pairs = float((count * (count - 1) / 2).sum())
    return {
        "polyphony": float(count[count > 0].mean()) if count.any() else math.nan,
        "silence": float((count == 0).mean()),
        "dissonance": harsh / pairs if pairs >= 8 else math.nan,
    }


def _in_chord(
    chords: list[ChordSymbol], half: NDArray[np.int64], pitch: NDArray[np.int64]
) -> NDArray[np.float64]:
    """1 on a chord tone, 0 off it, NaN without a chord; shape (n,)."""
    masks = np.full((len(chords), 12), np.nan)
    for index, chord in enumerate(chords):
        if not chord.is_none:
            masks[index] = 0.0
            masks[index, list(chord.pitch_classes)] = 1.0
    return np.asarray(masks[half, pitch % 12])


def _harmony(
    piece: Score,
    notes: NDArray[np.void],
    melody: Melody,
    chords: list[ChordSymbol],
    halves: NDArray[np.int64],
) -> dict[str, float]:
    half = np.searchsorted(halves, notes["onset"], side="right") - 1
    # A note belongs to the chord under its start; what it is held over is suspension.
    ends = np.append(halves[1:], piece.length_ticks)[half]
    weight = np.minimum(notes["duration"], ends - notes["onset"]).astype(np.float64)
    inside = _in_chord(chords, half, notes["pitch"].astype(np.int64))
    known = ~np.isnan(inside)
    share = (
        float((inside[known] * weight[known]).sum() / weight[known].sum())
        if known.any()
        else math.nan
    )
    line = _in_chord(chords, np.searchsorted(halves, melody.onset, side="right") - 1, melody.pitch)
    strong = line[(melody.accents(piece) >= _STRONG_ACCENT) & ~np.isnan(line)]
    step = np.abs(np.diff(melody.pitch))
    foreign = line[:-1] == 0
    by_step = (step[foreign] >= 1) & (step[foreign] <= 2)
    names = [str(chord).split("/")[0] for chord in chords if not chord.is_none]
    changes = sum(a != b for a, b in itertools.pairwise(names))
    _, counts = np.unique(names, return_counts=True) if names else (None, np.zeros(0))
    return {
        "chord_tone_share": share,
        "strong_chord_tone_share": float(strong.mean()) if len(strong) >= 4 else math.nan,
        "non_chord_by_step": float(by_step.mean()) if foreign.sum() >= 4 else math.nan,
        "chord_changes": changes / piece.num_bars,
        "chord_vocabulary": _entropy(counts.astype(np.float64)),
    }


@dataclass(frozen=True, eq=False)
class Melody:
    """The skyline of the leading part: onset, end, pitch, each of shape (n,), and its part."""

    onset: NDArray[np.int64]
    end: NDArray[np.int64]
    pitch: NDArray[np.int64]

    @classmethod
    def of(cls, piece: Score) -> Melody:
        """Find the melody of a piece that has at least one part with notes."""

        def bars(part: Part) -> int:
            return len(np.unique(piece.bar_index_at(part.notes["onset"])))

        present = [part for part in piece.parts if 2 * bars(part) >= piece.num_bars]
        leader = max(
            present or [max(piece.parts, key=bars)],
            key=lambda part: float(part.notes["pitch"].mean()),
        )
        rows: list[tuple[int, int, int]] = []
        notes = leader.notes
        last = np.append(notes["onset"][1:] != notes["onset"][:-1], True)  # highest at an onset
        for note in notes[last]:
            onset, pitch = int(note["onset"]), int(note["pitch"])
            # What starts below a note that still sounds is accompaniment.
            if rows and rows[-1][1] - onset > _SNAP_TICKS and rows[-1][2] > pitch:
                continue
            rows.append((onset, onset + int(note["duration"]), pitch))
        table = np.asarray(rows, dtype=np.int64)
        return cls(table[:, 0], table[:, 1], table[:, 2])

    def as_part(self) -> Part:
        """View the line as a part of its own."""
        return Part("", notes=make_notes(self.onset, self.end - self.onset, self.pitch))

    def accents(self, piece: Score) -> NDArray[np.float64]:
        """Metrical weight of each note, 0-1."""
        starts = piece.bar_ticks
        bar = piece.bar_index_at(self.onset)
        return np.asarray(
            [
                piece.meter_at(int(starts[index])).accent(int(onset - starts[index]))
                for onset, index in zip(self.onset, bar, strict=True)
            ]
        )

    def statistics(self, piece: Score) -> dict[str, float]:
        """Intervals and contours; empty for fewer than eight notes."""
        if len(self.pitch) < 8:
            return {}
        move = np.diff(self.pitch)
        size = np.abs(move)
        moving = move[move != 0]
        turns = np.sign(moving[1:]) != np.sign(moving[:-1])
        leap = size[:-1] >= 5
        back = (np.sign(move[1:]) == -np.sign(move[:-1])) | (size[1:] <= 2)
        return {
            "step_share": float(((size >= 1) & (size <= 2)).mean()),
            "repeat_share": float((size == 0).mean()),
            "leap_share": float((size >= 5).mean()),
            "mean_interval": float(size.mean()),
            "turn_rate": float(turns.mean()) if len(turns) else math.nan,
            "leap_recovery": float(back[leap].mean()) if leap.sum() >= 3 else math.nan,
            "melody_range": float(np.ptp(self.pitch)),
            "arch_share": self._arch_share(piece),
            "melody_density": len(self.pitch) * TICKS_PER_QUARTER / piece.length_ticks,
        }

    def _arch_share(self, piece: Score) -> float:
        """Phrases whose middle third lies above their first and last (Huron's arches)."""
        ends = piece.bar_ticks[np.asarray(phrase_end_bars(piece, self.as_part())) + 1]
        phrase = np.searchsorted(ends, self.onset, side="right")
        arches = []
        for index in range(len(ends)):
            pitch = self.pitch[phrase == index]
            if len(pitch) >= 6:
                thirds = [float(part.mean()) for part in np.array_split(pitch, 3)]
                arches.append(float(thirds[1] > max(thirds[0], thirds[2])))
        return _mean(arches, 2)


def _structure(piece: Score) -> dict[str, float]:
    """Mean, over all stretches of n bars, of the likeness to their best other occurrence."""
    similarity = bar_similarity(piece).astype(np.float64)
    found = {}
    for name, span in (("short", 2), ("middle", 4), ("long", 8)):
        count = len(similarity) - span + 1
        value = math.nan
        if len(similarity) >= 2 * span:
            # Entry (a, b): stretch a against stretch b, bar by bar.
            total = sum(similarity[i : i + count, i : i + count] for i in range(span)) / span
            apart = np.abs(np.subtract.outer(np.arange(count), np.arange(count))) >= span
            # A stretch in the middle of a short piece has no room for another occurrence.
            best = np.where(apart, total, 0.0).max(axis=1)[apart.any(axis=1)]
            value = float(best.mean())
        found[f"structure_{name}"] = value
    return found


def _phrases(piece: Score, melody: Melody, chords: list[ChordSymbol], key: Key) -> dict[str, float]:
    ends = phrase_end_bars(piece, melody.as_part())
    lengths = np.diff([-1, *ends])
    if len(ends) < 2:
        return {}
    tonic = key.tonic_pitch_class
    stable = authentic = 0
    for bar in ends:
        roots = [
            chord.root_pitch_class
            for chord in chords[max(2 * bar - 1, 0) : 2 * bar + 2]
            if not chord.is_none
        ]
        if not roots:
            continue
        stable += (roots[-1] - tonic) % 12 in (0, 7)
        authentic += (roots[-1] - tonic) % 12 == 0 and any((r - tonic) % 12 == 7 for r in roots)
    return {
        "phrase_bars": float(lengths.mean()),
        "phrase_regularity": float(np.isin(lengths, (2, 4, 8)).mean()),
        "cadence_rate": stable / len(ends),
        "authentic_rate": authentic / len(ends),
    }
