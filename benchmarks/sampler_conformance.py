"""Conformance of the SoundFont sampler: every program and drum of a bank against FluidSynth.

Each program plays nine notes (three keys, three velocities) and the standard kit its 47 General
MIDI keys at two velocities, each note alone in a slot, dry, at 48 kHz, in both players. Four
differences are taken for each note, after the bank's constant gain has been removed:

- level: energy of the whole slot, dB;
- onset: when the energy of 10 ms first stands 20 dB below its highest value, the players'
  constant lag removed, ms;
- pitch: shift of the spectrum's strongest peak, cents (only where a peak stands out);
- spectrum: mean difference over the third-octave bands within 40 dB of the loudest, dB.

    python benchmarks/sampler_conformance.py [BANK ...] [--json FILE] [--programs 0,40,48]
        [--old-sources]

FluidSynth before 2.5 lets a falling modulator source run from 1 to 1/128 where the standard
(9.5.3) and later versions let it run from 127/128 to 0; ``--old-sources`` does so too, which tells
that difference from ours.

Prints a table with the median of each difference for each program, its worst note, and totals.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import signal

from leitmotiv.instruments import controllers
from leitmotiv.instruments.banks import find_soundfonts
from leitmotiv.instruments.controllers import map_source
from leitmotiv.instruments.sampler import SampledEngine
from leitmotiv.score.general_midi import GM_INSTRUMENTS

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from tests.instruments import fluidsynth_reference as reference

PITCHES, VELOCITIES = (43, 60, 77), (40, 80, 120)
DRUM_KEYS, DRUM_VELOCITIES = tuple(range(35, 82)), (50, 110)
SLOTS_A_TURN = 120
SILENT_DB = -80.0
FLOOR_DB = 40.0
MEASURES = ("level_db", "onset_ms", "pitch_cents", "spectrum_db")


def envelope_onset_sec(audio: NDArray[np.float32]) -> float:
    """Time at which the energy of 10 ms first stands within 20 dB of its maximum."""
    power = np.sum(audio.astype(np.float64) ** 2, axis=0)
    window = np.hanning(reference.SAMPLE_RATE // 100)
    energy = signal.fftconvolve(power, window, mode="same")
    return float(np.argmax(energy >= 1e-2 * energy.max())) / reference.SAMPLE_RATE


def falling_from_one(code: int, value: NDArray[np.float64]) -> NDArray[np.float64]:
    """Map a falling modulator source as FluidSynth before 2.5 does: from 1 to 1/128."""
    if not code & 0x100 or code & 0xFF in (0, 14, 16):
        return map_source(code, value)
    return map_source(code, value - 1.0)


def band_levels_db(audio: NDArray[np.float32]) -> NDArray[np.float64]:
    """Energy in third octaves from 31 Hz to 16 kHz, both channels together."""
    power = np.sum(np.abs(np.fft.rfft(audio.astype(np.float64), axis=1)) ** 2, axis=0)
    hz = np.fft.rfftfreq(audio.shape[1], 1.0 / reference.SAMPLE_RATE)
    edges = 31.25 * 2.0 ** ((np.arange(29) - 0.5) / 3.0)
    sums = np.diff(np.concatenate([[0.0], np.cumsum(power)])[np.searchsorted(hz, edges)])
    return np.asarray(10.0 * np.log10(sums + 1e-12))


def spectrum_difference_db(mine: NDArray[np.float32], theirs: NDArray[np.float32]) -> float:
    """Mean difference of the bands that matter, their common level removed."""
    a, b = band_levels_db(mine), band_levels_db(theirs)
    weight = b > b.max() - FLOOR_DB
    difference = a[weight] - b[weight]
    return float(np.mean(np.abs(difference - np.median(difference))))


def measure(bank: Path, slots: list[reference.Slot]) -> list[dict[str, Any]]:
    """Return one row of differences a note; keys that the bank leaves out are skipped."""
    sampler = SampledEngine(bank)
    rows: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as folder:
        for first in range(0, len(slots), SLOTS_A_TURN):
            some = slots[first : first + SLOTS_A_TURN]
            played = reference.play_slots(bank, some, Path(folder))
            for slot, theirs in zip(some, played, strict=True):
                score = reference.slot_score(slot)
                mine = sampler.render_part(score.parts[0], score, theirs.shape[1])
                silent = reference.level_db(theirs) < SILENT_DB
                if silent != (reference.level_db(mine) < SILENT_DB):
                    print(f"{slot}: heard in one player only", file=sys.stderr)
                if silent:
                    continue
                onset = envelope_onset_sec(mine) - envelope_onset_sec(theirs)
                rows.append(
                    {
                        "program": 128 if slot.is_drum else slot.program,
                        "pitch": slot.pitch,
                        "velocity": slot.velocity,
                        "level_db": reference.level_db(mine) - reference.level_db(theirs),
                        "onset_ms": 1000.0 * onset,
                        "pitch_cents": reference.pitch_difference_cents(mine, theirs),
                        "spectrum_db": spectrum_difference_db(mine, theirs),
                    }
                )
    for name in ("level_db", "onset_ms"):
        constant = float(np.median([row[name] for row in rows]))
        for row in rows:
            row[name] -= constant
    return rows


def summary(rows: list[dict[str, Any]]) -> dict[str, tuple[float, float]]:
    """Return (median, largest) absolute difference for each measure."""
    found = {}
    for name in MEASURES:
        values = np.abs([row[name] for row in rows if row[name] is not None] or [0.0])
        found[name] = (float(np.median(values)), float(values.max()))
    return found


def name_of(program: int) -> str:
    """Return the General MIDI name, or the kit."""
    return "Standard kit" if program == 128 else GM_INSTRUMENTS[program].name


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("banks", type=Path, nargs="*")
    parser.add_argument("--json", type=Path, help="every note's row, for docs/build_sampler.py")
    parser.add_argument("--programs", help="comma-separated, 128 for drums; all by default")
    parser.add_argument("--old-sources", action="store_true")
    options = parser.parse_args()
    if options.old_sources:
        controllers.map_source = falling_from_one
    if reference.FLUIDSYNTH is None:
        raise SystemExit("fluidsynth is not installed")
    banks = options.banks or find_soundfonts()
    programs = [int(p) for p in options.programs.split(",")] if options.programs else range(129)
    slots = [
        reference.Slot(program, pitch, velocity)
        for program in programs
        if program < 128
        for pitch in PITCHES
        for velocity in VELOCITIES
    ]
    if 128 in programs:
        slots += [
            reference.Slot(0, key, velocity, True)
            for key in DRUM_KEYS
            for velocity in DRUM_VELOCITIES
        ]
    everything: dict[str, Any] = {}
    for bank in banks:
        rows = measure(bank, slots)
        everything[bank.name] = rows
        print(f"\n{bank.name}: median (largest) difference from FluidSynth")
        print("program                      level dB     onset ms      pitch ct     spectrum dB")
        for program in programs:
            mine = [row for row in rows if row["program"] == program]
            if mine:
                cells = summary(mine).values()
                text = "".join(f"{middle:7.2f} ({worst:5.2f})" for middle, worst in cells)
                print(f"{program:3d} {name_of(program):24.24s}{text}")
        total = "".join(f"{a:7.2f} ({b:5.2f})" for a, b in summary(rows).values())
        print(f"all {len(rows)} notes{total:>73s}")
        within = np.mean(
            [
                abs(r["level_db"]) <= 1.5
                and abs(r["onset_ms"]) <= 5.0
                and abs(r["pitch_cents"] or 0.0) <= 3.0
                and r["spectrum_db"] <= 1.5
                for r in rows
            ]
        )
        print(f"within 1.5 dB, 5 ms, 3 cents and 1.5 dB of spectrum: {100 * within:.1f} % of notes")
    if options.json:
        options.json.write_text(json.dumps(everything))


if __name__ == "__main__":
    main()
