"""A clean guitar through the ambient rig: speed, levels, and a picture of before and after.

    python benchmarks/ambient_guitar.py OUT_FOLDER [--notes electric_guitar_clean.zip]
        [--preset cinematic-ambient-guitar]

The phrase, eight slow bars of broken chords under a melody, is played by the plucked model and,
where an archive of recorded single notes is given, by those (file names `NNN_note_DYNAMIC_rrN`,
NNN the MIDI pitch). Each goes through the rack on one core; the figures are processor seconds
against seconds of music, kernels compiled beforehand. The pictures show input and output on one
scale of levels.
"""

from __future__ import annotations

import argparse
import io
import re
import time
import zipfile
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray
from scipy.signal import resample_poly

from leitmotiv.audio import SAMPLE_RATE, integrated_lufs, true_peak_dbtp, write_wav
from leitmotiv.instruments import RenderOptions, render_stems
from leitmotiv.rack import Rack, load_preset
from leitmotiv.score import Part, Score, TempoMap, make_notes

TEMPO_QPM = 72.0
# bass, broken chord, melody of each bar: E minor 9, C major 7, G with added ninth, D over F sharp.
BARS = (
    (40, (52, 59, 66, 67, 71, 67, 66), ((0, 74, 2), (2, 71, 2))),
    (36, (48, 55, 59, 64, 67, 64, 59), ((0, 72, 3), (3, 71, 1))),
    (43, (50, 57, 59, 62, 69, 62, 59), ((0, 69, 2), (2, 74, 2))),
    (42, (50, 57, 62, 66, 69, 66, 62), ((0, 73, 3), (3, 74, 1))),
    (40, (52, 59, 66, 67, 71, 67, 66), ((0, 78, 2), (2, 76, 2))),
    (36, (48, 55, 59, 64, 67, 64, 59), ((0, 74, 2), (2, 72, 2))),
    (43, (50, 57, 59, 62, 69, 62, 59), ((0, 71, 4),)),
    (40, (52, 59, 64, 67, 71, 76, 78), ((0, 79, 4),)),
)


def phrase() -> list[tuple[float, float, int, int]]:
    """Return (onset_quarter, duration_quarter, pitch, velocity) of every note."""
    notes: list[tuple[float, float, int, int]] = []
    for bar, (bass, chord, melody) in enumerate(BARS):
        at = 4.0 * bar
        notes.append((at, 3.9, max(bass, 40), 78))
        for step, pitch in enumerate(chord, start=1):
            notes.append((at + step / 2, 2.0, pitch, 52 + 5 * (step == 4)))
        for beat, pitch, length in melody:
            notes.append((at + beat, length, pitch, 88))
    return sorted(notes)


def by_model() -> NDArray[np.float32]:
    """Return the phrase on the plucked model of a clean electric guitar."""
    onset, length, pitch, velocity = (np.array(column) for column in zip(*phrase(), strict=True))
    notes = make_notes(
        np.rint(onset * 480).astype(int), np.rint(length * 480).astype(int), pitch, velocity
    )
    score = Score((Part("guitar", 27, notes=notes),), tempo_map=TempoMap((0,), (TEMPO_QPM,)))
    options = RenderOptions(engine="modelled", tail_sec=3.0)
    return render_stems(score, options=options, rng=np.random.default_rng(1)).audio[0]


def by_recordings(archive: Path) -> NDArray[np.float32]:
    """Return the phrase played with recorded notes, each at most two semitones away."""
    found: dict[tuple[int, str], list[str]] = {}
    with zipfile.ZipFile(archive) as notes:
        for name in sorted(notes.namelist()):
            match = re.search(r"(\d{3})_note_([fp])_rr\d", name)
            if match:
                found.setdefault((int(match[1]), match[2]), []).append(name)
        pitches = sorted({pitch for pitch, _ in found})
        quarter = 60 / TEMPO_QPM * SAMPLE_RATE
        audio = np.zeros(round((4 * len(BARS) + 4) * quarter), np.float32)
        for number, (onset, length, pitch, velocity) in enumerate(phrase()):
            near = min(pitches, key=lambda p: (abs(p - pitch), p))
            takes = found[near, "f" if velocity > 70 else "p"]
            sound, rate = soundfile.read(
                io.BytesIO(notes.read(takes[number % len(takes)])), dtype="float32"
            )
            ratio = 2 ** ((pitch - near) / 12) * rate / SAMPLE_RATE
            up, down = 1000, round(1000 * ratio)
            sound = resample_poly(sound, up, down)
            held = min(len(sound), round((length + 0.1) * quarter))
            sound = sound[:held]
            fade = min(2400, held // 4)
            sound[-fade:] *= np.linspace(1, 0, fade, dtype=np.float32)
            at = round(onset * quarter)
            audio[at : at + held] += (velocity / 100) * sound[: len(audio) - at]
    audio *= 0.35 / np.abs(audio).max()
    return np.stack([audio, audio])


def through(preset: str, audio: NDArray[np.float32]) -> tuple[NDArray[np.float32], float]:
    """Return the output with its tail, and the real-time factor on this core."""
    rack = Rack(load_preset(preset))
    rack.process(audio[:, :8192])
    rack.reset()
    tail = np.zeros((2, round(rack.tail_sec * SAMPLE_RATE)), np.float32)
    fed = np.concatenate([audio, tail], axis=1)
    began = time.process_time()
    out = np.concatenate(
        [rack.process(fed[:, at : at + 8192]) for at in range(0, fed.shape[1], 8192)], axis=1
    )
    factor = fed.shape[1] / SAMPLE_RATE / (time.process_time() - began)
    return out[:, rack.latency_samples :], factor


def node_shares(preset: str, audio: NDArray[np.float32]) -> dict[str, float]:
    """Return the share of the processor time that each node of the rack takes."""
    rack = Rack(load_preset(preset))
    spent: dict[str, float] = {}
    for node in rack.graph.nodes:
        effect = rack.effect(node.name)
        process = effect.process

        def timed(*args: object, _name: str = node.name, _run: object = process, **more: object):
            began = time.process_time()
            result = _run(*args, **more)  # type: ignore[operator]
            spent[_name] = spent.get(_name, 0.0) + time.process_time() - began
            return result

        effect.process = timed  # type: ignore[method-assign]
    rack.process(audio[:, : 10 * SAMPLE_RATE])
    total = sum(spent.values())
    return {name: sec / total for name, sec in sorted(spent.items(), key=lambda item: -item[1])}


def draw(path: Path, before: NDArray[np.float32], after: NDArray[np.float32], title: str) -> None:
    """Draw both spectrograms, mel frequency over time."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 6.2), facecolor="#fcfbf8")
    FigureCanvasAgg(figure)
    rows = figure.subplots(2, 1, sharex=True, sharey=True)
    n_fft, hop = 4096, 1024
    window = np.hanning(n_fft).astype(np.float32)
    for axes, audio, name in zip(rows, (before, after), ("clean", title), strict=True):
        mono = audio.mean(axis=0)
        frames = np.lib.stride_tricks.sliding_window_view(np.pad(mono, n_fft // 2), n_fft)[::hop]
        power = np.abs(np.fft.rfft(frames * window, axis=1)).T ** 2
        decibel = 10 * np.log10(power + 1e-9)
        edges = np.geomspace(50, 16_000, 200)
        bins = np.clip((edges * n_fft / SAMPLE_RATE).astype(int), 1, len(decibel) - 1)
        image = decibel[bins] - decibel[bins].max()
        axes.imshow(
            image, origin="lower", aspect="auto", cmap="magma", vmin=-80, vmax=0,
            extent=(0, audio.shape[1] / SAMPLE_RATE, 0, len(edges)),
        )  # fmt: skip
        marks = (100, 200, 500, 1000, 2000, 5000, 10_000)
        places = [float(np.interp(np.log(m), np.log(edges), np.arange(200))) for m in marks]
        axes.set_yticks(places, [f"{m:g}" for m in marks], fontsize=7)
        axes.set_ylabel("Hz", fontsize=8)
        axes.set_title(name, loc="left", fontsize=9)
    rows[1].set_xlabel("seconds", fontsize=8)
    figure.tight_layout()
    figure.savefig(path, dpi=110)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--notes", type=Path, help="archive of recorded single notes")
    parser.add_argument("--preset", default="cinematic-ambient-guitar")
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    sources = {"model": by_model()}
    if options.notes:
        sources["recorded"] = by_recordings(options.notes)
    name = Path(options.preset).stem
    for kind, audio in sources.items():
        out, factor = through(options.preset, audio)
        print(
            f"{kind:9} {audio.shape[1] / SAMPLE_RATE:5.1f} s  {factor:5.1f}x real time  "
            f"{integrated_lufs(out, SAMPLE_RATE):6.1f} LUFS  {true_peak_dbtp(out):5.1f} dBTP"
        )
        write_wav(options.folder / f"{kind}-clean.wav", audio, SAMPLE_RATE)
        write_wav(options.folder / f"{kind}-{name}.wav", np.clip(out, -1, 1), SAMPLE_RATE)
        draw(options.folder / f"{kind}-{name}.png", audio, out, name)
    shares = node_shares(options.preset, next(iter(sources.values())))
    print("share of the time: " + ", ".join(f"{n} {s:.0%}" for n, s in shares.items()))


if __name__ == "__main__":
    main()
