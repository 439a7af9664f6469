"""Pairs to learn timbre transfer from: one phrase, played note for note by many instruments.

Purpose: build the data set of the transfer network, and the held-out phrases it is judged by, from
nothing but a seed, a SoundFont and the built-in synthesisers; no recording and no composition by
anybody is in it.

Each phrase is drawn at random (a line, two voices, chords, arpeggios, in any register) and played
by one program of several classes. Acoustic classes come from the SoundFont, ``synth`` and ``pad``
from this package's own synthesisers; one more rendering a phrase, from the engine that the
class does not use, serves as a source only, so that the network meets strangers. Programs in
:data:`HELD_OUT` are never trained on.

The pack is one ``.npz``: ``levels`` uint8 (renderings, bands, frames) in half decibels above
:data:`~leitmotiv.instruments.timbre_bands.FLOOR_DB`, and for each rendering its ``phrase``,
``label`` (index into ``classes``; -1 for a source only) and ``program``.

Command: ``python -m leitmotiv.instruments.timbre_pairs PACK.npz --phrases 400 --seed 1``.

Public names: :data:`CLASSES`, :data:`HELD_OUT`, :data:`PHRASE_SEC`, :class:`PhrasePlayer`,
:func:`random_phrase`, :func:`build_pack`.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from leitmotiv.audio.buffers import SAMPLE_RATE
from leitmotiv.instruments.render import Engine, RenderOptions, render_stems
from leitmotiv.instruments.timbre_bands import FLOOR_DB, TimbreBands
from leitmotiv.score.score import Part, Score, make_notes

__all__ = ["CLASSES", "HELD_OUT", "PHRASE_SEC", "PhrasePlayer", "build_pack", "random_phrase"]

CLASSES: dict[str, tuple[int, ...]] = {
    "strings": (40, 41, 42, 48, 48, 49),
    "brass": (56, 57, 60, 61, 61),
    "woodwind": (68, 70, 71, 73, 74),
    "orchestra": (48,),
    "choir": (52, 53),
    "piano": (0, 1),
    "guitar": (24, 25, 26),
    "organ": (16, 19),
    "synth": (62, 80, 81, 81, 87, 63),
    "pad": (50, 51, 89, 90, 94, 95),
}
"""Target classes and their General MIDI programs; a program listed twice is drawn twice as often.

``orchestra`` is strings with brass and woodwinds beside them."""

HELD_OUT: dict[str, tuple[int, ...]] = {
    "strings": (43, 45),
    "brass": (58, 59),
    "woodwind": (69, 75),
    "guitar": (46,),
    "organ": (21,),
    "synth": (84, 86),
    "pad": (92,),
}
"""Programs that training never hears; the benchmark transfers from them."""

PHRASE_SEC = 6.0
_BUILT_IN = ("synth", "pad")
_QPM = 120.0
_SCALES = ((0, 2, 4, 5, 7, 9, 11), (0, 2, 3, 5, 7, 8, 10), (0, 2, 3, 5, 7, 9, 10), (0, 2, 4, 7, 9))
_TICKS_PER_SEC = 960  # 480 ticks a quarter at 120 quarters a minute


def _line(
    rng: np.random.Generator, low: int, high: int, pace_sec: float, scale: NDArray[np.int64]
) -> list[tuple[float, float, int, int]]:
    """One voice: (onset, duration, pitch, velocity), seconds; steps with a few leaps and rests."""
    notes = []
    at = float(rng.choice([0.0, 0.1, pace_sec / 2]))
    place = int(rng.integers(low, high + 1))
    legato = rng.uniform(0.35, 1.05)
    velocity = float(rng.uniform(45, 110))
    while at < PHRASE_SEC - 0.9:
        length = pace_sec * float(rng.choice([0.5, 1.0, 1.0, 1.0, 2.0]))
        if rng.random() > 0.1:
            tones = scale[(scale >= low) & (scale <= high)]
            pitch = int(tones[np.abs(tones - place).argmin()])
            loud = int(np.clip(velocity + rng.normal(0, 6), 25, 125))
            notes.append((at, max(length * legato, 0.06), pitch, loud))
        place = int(np.clip(place + rng.choice([-7, -4, -2, -2, -1, 1, 2, 2, 4, 7]), low, high))
        velocity = float(np.clip(velocity + rng.normal(0, 5), 35, 120))
        at += length
    return notes


def _chords(
    rng: np.random.Generator, low: int, high: int, pace_sec: float, scale: NDArray[np.int64]
) -> list[tuple[float, float, int, int]]:
    """Three to five voices that move together, held or broken up."""
    notes = []
    at = 0.0
    tones = scale[(scale >= low) & (scale <= high)]
    broken = rng.random() < 0.35
    num_voices = int(rng.integers(3, 6))
    while at < PHRASE_SEC - 0.9:
        length = pace_sec * float(rng.choice([1.0, 2.0, 4.0]))
        first = int(rng.integers(0, max(len(tones) - 2 * num_voices, 1)))
        chord = tones[first::2][:num_voices]
        loud = int(rng.integers(45, 110))
        for index, pitch in enumerate(chord):
            delay = index * length / (num_voices + 1) if broken else 0.0
            notes.append((at + delay, length * 0.95 - delay, int(pitch), loud))
        at += length
    return notes


def random_phrase(rng: np.random.Generator) -> NDArray[np.void]:
    """Draw a phrase of :data:`PHRASE_SEC` seconds with its last second for the release.

    Returns
    -------
    ndarray of NOTE_DTYPE, shape (n,)
        To be played at 120 quarters a minute.
    """
    key = int(rng.integers(12))
    degrees = np.array(_SCALES[int(rng.integers(len(_SCALES)))])
    scale = np.sort((np.arange(0, 11)[:, None] * 12 + degrees + key).ravel())
    pace_sec = float(np.exp(rng.uniform(np.log(0.12), np.log(1.2))))
    low = int(rng.integers(38, 74))
    notes: list[tuple[float, float, int, int]] = []
    texture = rng.choice(["line", "duo", "chords", "both"], p=[0.4, 0.15, 0.2, 0.25])
    if texture in ("line", "duo", "both"):
        notes += _line(rng, low, low + 16, pace_sec, scale)
    if texture == "duo":
        notes += _line(rng, max(low - 14, 33), low - 1, pace_sec * 2, scale)
    if texture in ("chords", "both"):
        base = low if texture == "chords" else max(low - 22, 33)
        notes += _chords(rng, base, base + 22, max(pace_sec, 0.3), scale)
    onset, duration, pitch, velocity = (np.array(column) for column in zip(*notes, strict=True))
    end = np.minimum(onset + duration, PHRASE_SEC - 0.6)
    ticks = np.round(onset * _TICKS_PER_SEC).astype(np.int64)
    length = np.maximum(np.round((end - onset) * _TICKS_PER_SEC).astype(np.int64), 40)
    return make_notes(ticks, length, pitch, velocity)


class PhrasePlayer:
    """Plays phrases on any class.

    Parameters
    ----------
    soundfont : Path, optional
        Bank of the acoustic classes; else the best one on this machine.
    """

    def __init__(self, soundfont: Path | None = None) -> None:
        from leitmotiv.instruments.banks import find_soundfonts
        from leitmotiv.instruments.sampler import SampledEngine

        found = [soundfont] if soundfont is not None else find_soundfonts()
        self.soundfont = found[0] if found else None
        self._engine = None if self.soundfont is None else SampledEngine(self.soundfont)

    def play(
        self, notes: NDArray[np.void], program: int, *, sampled: bool, rng: np.random.Generator
    ) -> NDArray[np.float32]:
        """Play notes on one program; float32 (2, :data:`PHRASE_SEC` at 48 kHz)."""
        part = Part("phrase", program, notes=notes)
        score = Score((part,))
        num_samples = int(PHRASE_SEC * SAMPLE_RATE)
        if sampled and self._engine is not None:
            return self._engine.render_part(part, score, num_samples)
        engine: Engine = "modelled"
        options = RenderOptions(engine=engine, tail_sec=PHRASE_SEC)
        return render_stems(score, options=options, rng=rng).audio[0][:, :num_samples]

    def play_class(
        self, notes: NDArray[np.void], name: str, program: int, rng: np.random.Generator
    ) -> NDArray[np.float32]:
        """Play notes on a program of a class, with the engine of that class."""
        if name != "orchestra":
            return self.play(notes, program, sampled=name not in _BUILT_IN, rng=rng)
        audio = self.play(notes, int(rng.choice([48, 49])), sampled=True, rng=rng)
        for section in ("brass", "woodwind"):
            other = self.play(notes, int(rng.choice(CLASSES[section])), sampled=True, rng=rng)
            ratio = np.sqrt(np.mean(np.square(audio)) / (np.mean(np.square(other)) + 1e-12))
            audio = audio + other * np.float32(min(ratio, 30.0) * 10 ** (rng.uniform(-12, -2) / 20))
        return audio


def build_pack(
    path: Path,
    *,
    num_phrases: int,
    seed: int,
    classes_per_phrase: int = 5,
    soundfont: Path | None = None,
    progress: Callable[[float], None] | None = None,
) -> dict[str, object]:
    """Render phrases and write the pack; return its description, which stands in it as JSON."""
    player = PhrasePlayer(soundfont)
    bands = TimbreBands(SAMPLE_RATE)
    names = list(CLASSES)
    levels, phrases, labels, programs = [], [], [], []
    for phrase in range(num_phrases):
        rng = np.random.default_rng((seed, phrase))
        notes = random_phrase(rng)
        chosen = rng.permutation(len(names))[:classes_per_phrase]
        jobs = [(int(i), names[i], int(rng.choice(CLASSES[names[i]])), False) for i in chosen]
        stranger = names[int(rng.integers(len(names)))]
        jobs.append((-1, stranger, int(rng.choice(CLASSES[stranger])), True))
        for label, name, program, other in jobs:
            if other:
                audio = player.play(notes, program, sampled=name in _BUILT_IN, rng=rng)
            else:
                audio = player.play_class(notes, name, program, rng)
            steps = np.round((bands.of_audio(audio) - FLOOR_DB) * 2)
            levels.append(np.clip(steps, 0, 255).astype(np.uint8))
            phrases.append(phrase)
            labels.append(label)
            programs.append(program)
        if progress is not None:
            progress((phrase + 1) / num_phrases)
    description: dict[str, object] = {
        "num_phrases": num_phrases,
        "seed": seed,
        "renderings": len(levels),
        "seconds": len(levels) * PHRASE_SEC,
        "floor_db": FLOOR_DB,
        "soundfont": None if player.soundfont is None else player.soundfont.name,
        "soundfont_sha256": None
        if player.soundfont is None
        else hashlib.sha256(player.soundfont.read_bytes()).hexdigest(),
    }
    np.savez_compressed(
        path,
        levels=np.stack(levels),
        phrase=np.array(phrases, np.int32),
        label=np.array(labels, np.int32),
        program=np.array(programs, np.int32),
        classes=np.array(names),
        description=np.array(json.dumps(description)),
    )
    return description


def main() -> None:
    """Build a pack from the command line."""
    parser = argparse.ArgumentParser(description="Render the data set of timbre transfer.")
    parser.add_argument("pack", type=Path)
    parser.add_argument("--phrases", type=int, default=400)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--soundfont", type=Path)
    arguments = parser.parse_args()

    def show(share: float) -> None:
        print(f"\r{share:6.1%}", end="", file=sys.stderr, flush=True)

    description = build_pack(
        arguments.pack,
        num_phrases=arguments.phrases,
        seed=arguments.seed,
        soundfont=arguments.soundfont,
        progress=show,
    )
    print(json.dumps(description, indent=1))


if __name__ == "__main__":
    main()
