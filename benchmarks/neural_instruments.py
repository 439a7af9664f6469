"""Neural instruments: how near held-out notes come, how fast they play, morphs and clones.

Held-out notes are pitches and velocities that training never saw; every note is rendered to audio
by the player and compared with the note of the data set by the log-mel distance that
``leitmotiv.instruments.neural_distance`` defines. Beside it stand, for the same notes:

- *neighbour*: the nearest note of the training split, repitched by resampling;
- *ceiling*: the note itself, analysed and rendered again without the network;
- *modelled*: the modelled instrument of the same program;
- *encoder*: the encoder's latent of that very note, decoded.

    python benchmarks/neural_instruments.py DATASET [--recordings FOLDER] [--every 1] [--json FILE]
        [--parts held-out,speed,morph,clone]

DATASET is what ``leitmotiv sounds dataset`` wrote. Speeds are processor time on one core at 48 kHz,
the best of several turns, kernels compiled before.
"""

from __future__ import annotations

import argparse
import itertools
import json
import time
import zipfile
from math import gcd
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
from scipy.signal import resample, resample_poly

from leitmotiv.instruments.modelled import render_part as render_modelled
from leitmotiv.instruments.neural import NEURAL_PROGRAMS, render_part
from leitmotiv.instruments.neural_analysis import find_onset
from leitmotiv.instruments.neural_catalogue import INSTRUMENTS, Instrument
from leitmotiv.instruments.neural_clone import clone_timbre, note_from_audio
from leitmotiv.instruments.neural_dataset import NoteExample, read_dataset
from leitmotiv.instruments.neural_distance import Distance, log_mel_distance
from leitmotiv.instruments.neural_model import load_network
from leitmotiv.instruments.neural_morph import (
    DESCRIPTOR_NAMES,
    MorphTimbre,
    describe_timbre,
    is_monotone,
    latent_morph,
)
from leitmotiv.instruments.neural_pack import describe, encoder_input
from leitmotiv.instruments.neural_player import render_note
from leitmotiv.instruments.neural_timbre import (
    GRID_SEC,
    NetworkTimbre,
    TimbreNote,
    level_of,
    timbre_of,
)
from leitmotiv.score.score import Part, Score, make_notes

RATE = 48_000
CLONE_VELOCITY = {"p": 45, "f": 100, "vl1": 35, "vl2": 60, "vl3": 85, "vl4": 110}


class AnalysedTimbre:
    """Plays back one analysed note: what is left of it without the network."""

    def __init__(self, levels_db: Any, time_sec: Any, pitch: float, stiff: float, kind: Any):
        grid = np.stack([np.interp(GRID_SEC, time_sec, row) for row in levels_db.T], 1)
        grid -= level_of(grid, pitch, GRID_SEC)
        self.kind = kind
        self._note = TimbreNote(grid.astype(np.float32), stiff, 200.0, kind == "plucked")

    def notes(self, pitch: Any, velocity: Any) -> list[TimbreNote]:
        return [self._note for _ in pitch]


def end_of(example: NoteExample) -> float:
    return example.key_up_sec or len(example.audio) / RATE


def neighbour(example: NoteExample, known: list[NoteExample]) -> Any:
    """The nearest training note, resampled to the pitch."""
    best = min(
        known,
        key=lambda other: (
            abs(other.pitch - example.pitch),
            abs(other.velocity - example.velocity),
        ),
    )
    ratio = 2.0 ** ((example.pitch - best.pitch) / 12)
    moved = resample(best.audio, max(int(len(best.audio) / ratio), 16))
    return np.pad(moved, (0, max(0, len(example.audio) - len(moved))))


def modelled_note(program: int, example: NoteExample) -> Any:
    ticks = max(int(end_of(example) * 960), 1)
    part = Part("x", program, notes=make_notes([0], [ticks], [example.pitch], example.velocity))
    length = len(example.audio) + RATE // 2
    audio = render_modelled(part, Score((part,)), RATE, length, np.random.default_rng(1)).mean(0)
    return audio[find_onset(audio, RATE) :]


def measure_instrument(
    instrument: Instrument, folder: Path, every: int
) -> dict[str, list[Distance]]:
    network = load_network()
    timbre = timbre_of(instrument.name)
    known = list(read_dataset(folder, split="train", instrument=instrument.name))
    held_out = list(read_dataset(folder, split="test", instrument=instrument.name))[::every]
    found: dict[str, list[Distance]] = {}

    def add(name: str, example: NoteExample, audio: Any) -> None:
        end = end_of(example)
        found.setdefault(name, []).append(log_mel_distance(example.audio, audio, end_sec=end))

    for example in held_out:
        end, pitch, velocity = end_of(example), example.pitch, example.velocity
        add("neural", example, render_note(timbre, pitch, velocity, end))
        add("neighbour", example, neighbour(example, known))
        frames = describe(
            example.audio,
            pitch,
            stiff=instrument.kind == "plucked",
            key_up_sec=example.key_up_sec,
        )
        levels = np.concatenate(
            [np.nan_to_num(frames.harmonic_db, nan=-100.0), frames.noise_db], axis=1
        )
        again = AnalysedTimbre(
            levels, frames.time_sec, pitch, frames.inharmonicity, instrument.kind
        )
        add("ceiling", example, render_note(again, pitch, velocity, end))
        coded = network.encode(
            encoder_input(frames)[None], np.array([pitch]), np.array([velocity])
        )[0]
        own = NetworkTimbre(network, coded, instrument.kind)
        add("encoder", example, render_note(own, pitch, velocity, end))
        if instrument.bank_program is not None:
            add("modelled", example, modelled_note(instrument.bank_program, example))
    return found


def report_held_out(folder: Path, every: int) -> dict[str, Any]:
    columns = ("neural", "encoder", "neighbour", "ceiling", "modelled")
    print(f"{'instrument':<24}{'notes':>6}" + "".join(f"{name:>11}" for name in columns))
    table: dict[str, dict[str, float]] = {}
    for instrument in INSTRUMENTS:
        found = measure_instrument(instrument, folder, every)
        if not found:
            continue
        row = {name: float(np.mean([d.all_db for d in values])) for name, values in found.items()}
        row["heard"] = float(np.mean([d.heard_db for d in found["neural"]]))
        row["notes"] = len(found["neural"])
        table[instrument.name] = row
        cells = "".join(f"{row[c]:11.2f}" if c in row else f"{'':>11}" for c in columns)
        print(f"{instrument.name:<24}{row['notes']:6.0f}{cells}", flush=True)
    count = sum(row["notes"] for row in table.values())
    for name in (*columns, "heard"):
        rows = [row for row in table.values() if name in row]
        total = sum(row["notes"] for row in rows)
        mean = sum(row[name] * row["notes"] for row in rows) / total
        print(f"mean over {total:.0f} notes, {name}: {mean:.2f} dB")
    below = sum(row["neural"] <= 2.8 for row in table.values())
    print(f"{below} of {len(table)} instruments at or below 2.8 dB; {count:.0f} notes")
    return table


def phrase(program: int, voices: int, seconds: float) -> tuple[Part, Score]:
    """``voices`` lines in parallel, eight notes a second each... as quavers at 120."""
    instrument = next(i for i in INSTRUMENTS if i.bank_program == program)
    middle = (instrument.low + instrument.high) // 2
    onsets, pitches = [], []
    for step in range(int(seconds * 4)):
        for voice in range(voices):
            onsets.append(step * 240)
            pitches.append(middle + 4 * voice + (0, 2, 4, 5, 7, 5, 4, 2)[step % 8])
    notes = make_notes(onsets, [238] * len(onsets), pitches, 80)
    part = Part("x", program, notes=notes)
    return part, Score((part,))


def report_speed() -> dict[str, float]:
    found = {}
    print("times real time on one core: one voice, a group of four voices")
    for program, entry in NEURAL_PROGRAMS.items():
        factors = []
        for voices in (1, 4):
            part, score = phrase(program, voices, 8.0)
            best = np.inf
            for turn in range(3):
                begin = time.process_time()
                render_part(part, score, RATE, 9 * RATE, np.random.default_rng(turn))
                best = min(best, time.process_time() - begin)
            factors.append(9.0 / best)
        found[entry.instrument] = factors[1]
        print(f"{entry.instrument:<24}{factors[0]:8.0f}{factors[1]:8.0f}", flush=True)
    slowest = min(found, key=lambda name: found[name])
    middle = float(np.exp(np.mean(np.log(list(found.values())))))
    print(f"four voices: slowest {slowest} {found[slowest]:.0f}x, geometric mean {middle:.0f}x")
    return found


def report_morphs(pitch: int = 60, steps: int = 11) -> None:
    timbres = {instrument.name: timbre_of(instrument.name) for instrument in INSTRUMENTS}

    class Known:
        def __init__(self, timbre: NetworkTimbre):
            self.kind = timbre.kind
            self._notes = timbre.notes([pitch], [80])

        def notes(self, pitch: Any, velocity: Any) -> list[TimbreNote]:
            return self._notes

    known = {name: Known(timbre) for name, timbre in timbres.items()}
    places = np.linspace(0.0, 1.0, steps)
    good = dict.fromkeys(DESCRIPTOR_NAMES, 0)
    straight = dict.fromkeys(DESCRIPTOR_NAMES, 0)
    pairs = list(itertools.combinations(timbres, 2))
    sampled = 0
    for number, (one, two) in enumerate(pairs):
        row = [describe_timbre(MorphTimbre(known[one], known[two], a), pitch) for a in places]
        for name, fine in is_monotone(row, 1e-3).items():
            good[name] += fine
        if number % 10 == 0:
            sampled += 1
            row = [describe_timbre(latent_morph(timbres[one], timbres[two], a)) for a in places]
            for name, fine in is_monotone(row, 1e-3).items():
                straight[name] += fine
    print(f"pairs whose descriptor is monotone over {steps} steps at MIDI {pitch}:")
    for name in DESCRIPTOR_NAMES:
        print(
            f"{name:<14} morph {good[name]} of {len(pairs)}; "
            f"straight line of latents {straight[name]} of {sampled}"
        )


def _recorded(folder: Path, name: str) -> list[dict[str, Any]]:
    lines = (folder / "manifest.jsonl").read_text(encoding="utf-8").splitlines()
    entries = [json.loads(line) for line in lines if line.strip()]
    return [e for e in entries if e["instrument"] == name and e["pitch_checked"]]


def _source(folder: Path, entry: dict[str, Any]) -> Any:
    archive = folder / (entry["file"].split("/")[0] + ".zip")
    with zipfile.ZipFile(archive) as bundle, bundle.open(entry["file"]) as file:
        audio, rate = soundfile.read(file, dtype="float32", always_2d=True)
    return note_from_audio(
        audio.T,
        rate,
        pitch=entry["pitch"],
        velocity=CLONE_VELOCITY[entry["dynamic"]],
        name=entry["file"],
    )


def report_clones(folder: Path) -> None:
    print("clones of instruments that training never heard, ten notes given:")
    for name, dynamic in (("alto saxophone", "f"), ("tuba", "vl3")):
        entries = [
            e
            for e in _recorded(folder, name)
            if e["dynamic"] == dynamic and e["take"] == "rr1" and e["articulation"] in (None, "s")
        ]
        entries.sort(key=lambda e: e["pitch"])
        chosen = set(np.linspace(0, len(entries) - 1, 10).round().astype(int).tolist())
        given = [_source(folder, e) for k, e in enumerate(entries) if k in chosen]
        others = [_source(folder, e) for k, e in enumerate(entries) if k not in chosen]
        begin = time.process_time()
        clone = clone_timbre(given, name=name)
        seconds = time.process_time() - begin
        by_encoder = clone_timbre(given, name=name, rounds=0)

        def mean(timbre: Any, notes: list[Any]) -> float:
            return float(
                np.mean(
                    [
                        log_mel_distance(
                            note.audio,
                            render_note(timbre, note.pitch, note.velocity, note.key_up_sec),
                            end_sec=note.key_up_sec,
                        ).all_db
                        for note in notes
                    ]
                )
            )

        repitched = []
        for note in others:
            near = min(given, key=lambda other: abs(other.pitch - note.pitch))
            ratio = 2.0 ** ((note.pitch - near.pitch) / 12)
            common = gcd(1000, round(1000 * ratio))
            moved = resample_poly(near.audio, 1000 // common, round(1000 * ratio) // common)
            end = min(note.key_up_sec, len(moved) / RATE - 0.1)
            repitched.append(log_mel_distance(note.audio, moved, end_sec=end).all_db)
        print(
            f"{name}: {len(given)} notes given {mean(clone.timbre, given):.2f} dB, "
            f"{len(others)} others {mean(clone.timbre, others):.2f} dB; encoder alone "
            f"{mean(by_encoder.timbre, given):.2f} and {mean(by_encoder.timbre, others):.2f} dB; "
            f"nearest given note repitched {np.mean(repitched):.2f} dB; fitted in {seconds:.1f} s"
        )


def draw(folder: Path, path: Path) -> None:
    """Held-out notes beside what the network makes of them, as mel spectrograms."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    from leitmotiv.instruments.neural_grid import log_mel

    names = ("violin", "trumpet", "clarinet", "steel guitar", "cello", "flute")
    figure, axes = plt.subplots(3, len(names), figsize=(15, 7), sharey=True)
    for column, name in enumerate(names):
        examples = list(read_dataset(folder, split="test", instrument=name))
        example = min(examples, key=lambda e: (abs(e.pitch - 62), e.velocity != 105))
        end = min(end_of(example), 1.8)
        program = next(i.bank_program for i in INSTRUMENTS if i.name == name)
        rows = {
            "held-out note": example.audio,
            "neural": render_note(timbre_of(name), example.pitch, example.velocity, end),
            "modelled": modelled_note(program or 0, example),
        }
        centres = np.arange(0, int(end * RATE), 512)
        for row, (title, audio) in enumerate(rows.items()):
            mel = log_mel(audio, RATE, centres, n_fft=2048, n_mels=96)
            axes[row, column].imshow(
                mel.T,
                origin="lower",
                aspect="auto",
                vmin=mel.max() - 75,
                vmax=mel.max(),
                extent=(0, end, 0, 96),
                cmap="magma",
            )
            axes[row, column].set_yticks([])
            if row == 0:
                axes[row, column].set_title(f"{name}, MIDI {example.pitch}")
            if column == 0:
                axes[row, column].set_ylabel(title)
        axes[2, column].set_xlabel("seconds")
    figure.tight_layout()
    figure.savefig(path, dpi=56)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("dataset", type=Path)
    parser.add_argument("--recordings", type=Path)
    parser.add_argument("--every", type=int, default=1, help="measure every n-th held-out note")
    parser.add_argument("--json", type=Path, help="write the table of held-out notes here")
    parser.add_argument("--parts", default="held-out,speed,morph,clone")
    parser.add_argument("--picture", type=Path, help="draw spectrograms into this PNG")
    given = parser.parse_args()
    parts = given.parts.split(",")
    network = load_network()
    weights = sum(w.size for w in network._weights.values())
    print(f"{len(network.names)} instruments, {weights / 1e6:.2f} M parameters")
    if "held-out" in parts:
        table = report_held_out(given.dataset, given.every)
        if given.json:
            given.json.write_text(json.dumps(table, indent=1), encoding="utf-8")
    if given.picture:
        draw(given.dataset, given.picture)
    if "speed" in parts:
        report_speed()
    if "morph" in parts:
        report_morphs()
    if "clone" in parts and given.recordings:
        report_clones(given.recordings)


if __name__ == "__main__":
    main()
