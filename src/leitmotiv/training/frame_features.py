"""What a frame model reads of a piece: feature columns of the past, stacked into batches.

A piece is an array of frames (T, V): the MIDI pitch of each voice at each 16th step, -1 for
silence. Row ``t`` of every feature depends on frames before ``t`` alone, and nothing but the pitch
itself changes under transposition: pitches are told by their interval above the *anchor*, the
lowest note of the first frame, which is known from step 1 on and is nearly the tonic.

Repeats are shown by the longest match, as in PPM* compression (Cleary and Teahan, 1997): what
followed the longest earlier passage that ended as the music ends now, for all voices together and
for each voice alone.

Shapes: ``B`` pieces, ``T`` steps, ``V`` voices, ``C`` id columns.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

__all__ = ["collate", "column_sizes", "frame_features", "match_ends"]

SILENT = -1  # a resting voice in a frame array
MAX_INTERVAL = 16  # melodic intervals are clipped here
MAX_HELD = 17  # steps held, clipped
LENGTH_EDGES = (4, 8, 16, 32)  # lengths in steps that tell short matches from long ones
FADE_STEPS = (6.0, 32.0, 128.0)  # half lives of the pitch-class sums


NO_INTERVAL = 2 * MAX_INTERVAL + 1  # one id past the intervals: silence on either side
NUM_INTERVALS = 2 * MAX_INTERVAL + 3  # and one past it: nothing there yet
NUM_PITCH_CLASSES = 14  # twelve, silence, nothing there yet
NUM_LENGTHS = len(LENGTH_EDGES) + 2


def intervals(later: NDArray, earlier: NDArray) -> NDArray[np.int64]:
    """Clipped interval ids; `NO_INTERVAL` where either side is silent."""
    clipped = np.clip(later - earlier, -MAX_INTERVAL, MAX_INTERVAL) + MAX_INTERVAL
    return np.where((later < 0) | (earlier < 0), NO_INTERVAL, clipped)


def match_ends(same: NDArray) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """For each step the step after the longest earlier passage that ends as the music ends now.

    ``same[t, s]`` says that steps ``t`` and ``s`` are alike. Returns for each ``t`` in ``0..T-1``
    the step ``s < t`` (the latest of several) for which most steps before ``s`` and before ``t``
    are alike, and their number; 0 and 0 where not even one is.

    >>> line = np.array([60, 62, 64, 60, 62, 64])
    >>> match_ends(line[:, None] == line[None, :])
    (array([0, 0, 0, 0, 1, 2]), array([0, 0, 0, 0, 1, 2]))
    """
    length = len(same)
    best = np.zeros(length, dtype=np.int64)
    count = np.zeros(length, dtype=np.int64)
    run = np.zeros(length + 1, dtype=np.int64)  # run[s]: alike steps before s and before t
    for step in range(1, length):
        run[1:] = np.where(same[step - 1], run[:-1] + 1, 0)
        run[0] = 0
        past = run[1:step] if step > 1 else run[:0]
        if len(past) and past.max() > 0:
            best[step] = step - 1 - int(np.argmax(past[::-1]))
            count[step] = past.max()
    return best, count


def frame_features(frames: NDArray[np.int64], start_step: int = 0) -> dict[str, NDArray]:
    """Everything the model reads of a piece, from frames (T, V) of pitches, -1 for silence.

    With ``start_step`` the piece begins there, as if nothing had sounded before; the places in the
    bar stay what they were.

    Row ``t`` of each array depends on frames before ``t`` alone. Nothing changes under
    transposition but ``pitch``. Keys: ``pitch`` (T, V) the frame before (-2 at the start);
    ``ids`` (T, C) embedding ids, see `column_sizes`; ``chroma`` (T, 12 · fades); ``anchor`` ();
    ``held``, ``sounding`` (T, V) last sounding pitch or -1; ``matched`` (T, V) pitch that followed
    the longest match, -2 for none; ``frames`` the answer.
    """
    frames = frames[start_step:]
    length, voices = frames.shape
    before = np.full((length, voices), -2, dtype=np.int64)
    before[1:] = frames[:-1]
    sounding_first = frames[0][frames[0] >= 0]
    anchor = int(sounding_first.min()) if len(sounding_first) else 60

    held = np.zeros((length, voices), dtype=np.int64)
    sounding = np.full((length, voices), SILENT, dtype=np.int64)
    last_interval = np.full((length, voices), NUM_INTERVALS - 1, dtype=np.int64)
    for step in range(1, length):
        now = frames[step - 1]
        if step == 1:
            held[step] = 1
            sounding[step] = now
            continue
        kept = now == frames[step - 2]
        held[step] = np.where(kept, held[step - 1] + 1, 1)
        sounding[step] = np.where(now >= 0, now, sounding[step - 1])
        moved = intervals(now, sounding[step - 1])
        last_interval[step] = np.where(kept, last_interval[step - 1], moved)

    classes = np.where(before >= 0, (before - anchor) % 12, np.where(before == -2, 13, 12))
    lowest = np.where(before >= 0, before, 999).min(axis=1, keepdims=True)
    above = np.where((before >= 0) & (lowest < 999), (before - lowest) % 12, classes.clip(12))

    chroma = np.zeros((length, len(FADE_STEPS), 12), dtype=np.float32)
    sums = np.zeros((len(FADE_STEPS), 12))
    fade = 0.5 ** (1.0 / np.array(FADE_STEPS))[:, None]
    for step in range(1, length):
        now = frames[step - 1]
        counts = np.bincount((now[now >= 0] - anchor) % 12, minlength=12)
        sums = sums * fade + counts * (1 - fade)
        chroma[step] = sums

    columns = [classes, last_interval, np.minimum(held, MAX_HELD), above]
    same: NDArray = np.stack([frames[:, None, v] == frames[None, :, v] for v in range(voices)])
    best, count = match_ends(np.logical_and.reduce(same))
    matched = np.where((count > 0)[:, None], frames[best], -2)
    for found, long in [
        (matched, np.repeat(count[:, None], voices, axis=1)),
        own_matches(frames, same),
    ]:
        step_to = np.where(found == -2, NUM_INTERVALS - 1, intervals(found, before))
        bucket = np.where(long > 0, 1 + np.searchsorted(LENGTH_EDGES, long), 0)
        columns += [step_to, bucket]
    time = start_step + np.arange(length)
    columns.append(np.stack([time % 16, time % 12], axis=1))
    return {
        "frames": frames,
        "pitch": before,
        "ids": np.concatenate(columns, axis=1),
        "chroma": chroma.reshape(length, -1),
        "anchor": np.array(anchor),
        "sounding": sounding,
        "matched": matched,
    }


def own_matches(
    frames: NDArray[np.int64], same: NDArray[np.bool_]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """What followed each voice's own longest match (T, V), -2 for none, and its length (T, V)."""
    found = np.full(frames.shape, -2, dtype=np.int64)
    long = np.zeros(frames.shape, dtype=np.int64)
    for voice in range(frames.shape[1]):
        best, count = match_ends(same[voice])
        found[:, voice] = np.where(count > 0, frames[best, voice], -2)
        long[:, voice] = count
    return found, long


def column_sizes(voices: int) -> list[int]:
    """Number of ids of each column of ``ids``."""
    per_voice = [
        NUM_PITCH_CLASSES,
        NUM_INTERVALS,
        MAX_HELD + 1,
        NUM_PITCH_CLASSES,
        NUM_INTERVALS,
        NUM_LENGTHS,
        NUM_INTERVALS,
        NUM_LENGTHS,
    ]
    return [size for size in per_voice for _ in range(voices)] + [16, 12]


def collate(pieces: list[dict[str, NDArray]], shifts: list[int]) -> dict[str, Tensor]:
    """Stack pieces of unlike length, each transposed by its shift in semitones.

    Padding follows the music, so a causal model never reads it; ``real`` (B, T) marks the music.
    """
    length = max(len(piece["frames"]) for piece in pieces)

    def stack(name: str, shift: bool) -> Tensor:
        first = pieces[0][name]
        filler = SILENT if shift else 0
        out = np.full((len(pieces), length, first.shape[1]), filler, dtype=first.dtype)
        for row, (piece, by) in enumerate(zip(pieces, shifts, strict=True)):
            values = piece[name]
            out[row, : len(values)] = (
                np.where(values >= 0, values + by, values) if shift else values
            )
        return torch.from_numpy(out)

    batch = {name: stack(name, True) for name in ("frames", "pitch", "sounding", "matched")}
    batch |= {name: stack(name, False) for name in ("ids", "chroma")}
    real = np.zeros((len(pieces), length), dtype=bool)
    for row, piece in enumerate(pieces):
        real[row, : len(piece["frames"])] = True
    anchors = [int(piece["anchor"]) + by for piece, by in zip(pieces, shifts, strict=True)]
    batch["anchor"] = torch.tensor(anchors)
    batch["real"] = torch.from_numpy(real)
    return batch
