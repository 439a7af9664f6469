"""Speed of the SoundFont sampler: 36 voices, one core, against FluidSynth in the same run.

Both players get the same bank and the same notes, dry, at 48 kHz; banks are loaded and the
kernel compiled before the clock starts. Processor time is measured, so a busy machine does not
decide the result; the best of several turns counts, taken alternately.

    python benchmarks/sampler.py [--soundfont FILE] [--seconds 20] [--turns 5]

Prints times real time for both and their ratio for each program, then the geometric mean.
"""

from __future__ import annotations

import argparse
import ctypes
import ctypes.util
import math
import time
from pathlib import Path

import numpy as np

from leitmotiv.instruments.banks import find_soundfonts
from leitmotiv.instruments.sampler import SampledEngine
from leitmotiv.score.score import Part, Score, make_notes

SAMPLE_RATE = 48_000
NUM_VOICES = 36
PROGRAMS = {0: "piano", 19: "organ", 40: "violin", 48: "strings", 56: "trumpet", 81: "saw lead"}
CHORD_SEC = 2.0


class FluidSynth:
    """libfluidsynth through ctypes: events in, floats out."""

    def __init__(self, bank: Path) -> None:
        name = ctypes.util.find_library("fluidsynth")
        if name is None:
            raise OSError("libfluidsynth is not installed")
        lib = self.lib = ctypes.CDLL(name)
        pointer = ctypes.c_void_p
        for function in ("new_fluid_settings", "new_fluid_synth"):
            getattr(lib, function).restype = pointer
        settings = pointer(lib.new_fluid_settings())
        lib.fluid_settings_setnum(settings, b"synth.sample-rate", ctypes.c_double(SAMPLE_RATE))
        for switch in (b"synth.reverb.active", b"synth.chorus.active"):
            lib.fluid_settings_setint(settings, switch, 0)
        lib.fluid_settings_setint(settings, b"synth.cpu-cores", 1)
        self.synth = pointer(lib.new_fluid_synth(settings))
        if lib.fluid_synth_sfload(self.synth, str(bank).encode(), 1) < 0:
            raise OSError(f"FluidSynth cannot load {bank}")
        self.buffer = np.zeros((2, SAMPLE_RATE), dtype=np.float32)
        self.most_voices = 0

    def render(self, program: int, keys: list[int], velocity: int, num_chords: int) -> None:
        """Play a repeated chord, one onset every CHORD_SEC, held throughout."""
        lib, synth = self.lib, self.synth
        lib.fluid_synth_all_sounds_off(synth, -1)
        lib.fluid_synth_program_change(synth, 0, program)
        left, right = (row.ctypes.data_as(ctypes.c_void_p) for row in self.buffer)
        step = int(CHORD_SEC * SAMPLE_RATE)
        for _ in range(num_chords):
            for key in keys:
                lib.fluid_synth_noteoff(synth, 0, key)
            for key in keys:
                lib.fluid_synth_noteon(synth, 0, key, velocity)
            for _ in range(step // SAMPLE_RATE):
                lib.fluid_synth_write_float(synth, SAMPLE_RATE, left, 0, 1, right, 0, 1)
            self.most_voices = max(self.most_voices, lib.fluid_synth_get_active_voice_count(synth))


def main() -> None:
    """Run the benchmark and print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--soundfont", type=Path)
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--turns", type=int, default=5)
    options = parser.parse_args()
    bank = options.soundfont or next(iter(find_soundfonts()), None)
    if bank is None:
        raise SystemExit("no SoundFont found; name one with --soundfont FILE")
    engine = SampledEngine(bank, SAMPLE_RATE)
    try:
        fluidsynth: FluidSynth | None = FluidSynth(bank)
    except OSError as error:
        print(f"{error}; our own speed only")
        fluidsynth = None

    num_chords = max(int(options.seconds / CHORD_SEC), 1)
    seconds = num_chords * CHORD_SEC
    ticks = int(CHORD_SEC * 960)
    print(f"{bank.name}: {NUM_VOICES} voices, {seconds:g} s, best of {options.turns}")
    print("program      ours x real time   FluidSynth x real time   ratio")
    ratios, ours_all = [], []
    for program, name in PROGRAMS.items():
        keys = _keys(engine, program)
        onset = np.repeat(np.arange(num_chords) * ticks, len(keys))
        notes = make_notes(onset, ticks, np.tile(keys, num_chords), 80)
        part = Part(name, program, notes=notes)
        score = Score(parts=(part,))
        engine.render_part(part, score, SAMPLE_RATE)
        num_samples = int(seconds * SAMPLE_RATE)
        ours, theirs = math.inf, math.inf
        for _ in range(options.turns):
            start = time.process_time()
            engine.render_part(part, score, num_samples)
            ours = min(ours, time.process_time() - start)
            if fluidsynth is not None:
                start = time.process_time()
                fluidsynth.render(program, keys, 80, num_chords)
                theirs = min(theirs, time.process_time() - start)
        ours_all.append(seconds / ours)
        ratios.append(theirs / ours)
        print(
            f"{program:3d} {name:9s} {seconds / ours:14.1f} {seconds / theirs:20.1f} "
            f"{theirs / ours:19.2f}"
        )
    mean = math.exp(np.mean(np.log(ours_all)))
    print(f"geometric mean: {mean:.1f} x real time", end="")
    if fluidsynth is not None:
        print(f", {math.exp(np.mean(np.log(ratios))):.2f} x FluidSynth", end="")
        print(f" (up to {fluidsynth.most_voices} of its voices sounding)", end="")
    print()


def _keys(engine: SampledEngine, program: int) -> list[int]:
    """Return keys that together start NUM_VOICES voices."""
    regions = engine.soundfont.regions(*engine.soundfont.find_preset(program))
    keys, voices = [], 0
    for key in range(40, 96):
        layers = sum(
            r.key_low <= key <= r.key_high and r.velocity_low <= 80 <= r.velocity_high
            for r in regions
        )
        if layers and voices + layers <= NUM_VOICES:
            keys.append(key)
            voices += layers
    return keys


if __name__ == "__main__":
    main()
