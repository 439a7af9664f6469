"""Amplifiers: how fast they play, how true the captures are, how long one takes to learn.

    python benchmarks/amp.py                    speeds and errors
    python benchmarks/amp.py --train            and a light capture learnt from nothing
    python benchmarks/amp.py --picture FILE.png the picture of docs/amp.md

Everything runs on one core. Published captures and recorded guitar are used where a folder
``shared`` stands beside the checkout; see its pages.
"""

from __future__ import annotations

import argparse
import io
import json
import time
import zipfile
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from leitmotiv.effects.cabinet import Cabinet
from leitmotiv.effects.cabinet_responses import CABINETS, cabinet_response
from leitmotiv.effects.effect import AutomatedEffect, apply
from leitmotiv.effects.nam_file import NamFile, read_nam
from leitmotiv.effects.nam_player import NamPlayer
from leitmotiv.effects.neural_amp import NeuralAmp, capture_file, capture_names
from leitmotiv.effects.tube_amp import TubeAmp
from leitmotiv.instruments.amp_signal import amp_signal

RATE = 48_000
SHARED = Path(__file__).resolve().parents[2] / "shared"
HELD_OUT_SEED, TRAINING_SEED = 77, 5


def best_of(work: Any, repeats: int = 5) -> float:
    """Seconds of processor time of the fastest of some runs: a busy machine counts less."""
    times = []
    for _ in range(repeats):
        began = time.process_time()
        work()
        times.append(time.process_time() - began)
    return max(min(times), 1e-9)


def in_blocks(player: NamPlayer, audio: np.ndarray, size: int) -> None:
    """Play in blocks."""
    for at in range(0, len(audio), size):
        player.play(audio[at : at + size])


def speeds() -> None:
    """Real-time factors at 48 kHz, mono, of one core."""
    rng = np.random.default_rng(0)
    audio = (0.1 * rng.standard_normal(4 * RATE)).astype(np.float32)
    seconds = len(audio) / RATE
    players: dict[str, NamPlayer] = {}
    try:
        from leitmotiv.training.amp_model import SIZES, AmpNet

        for size, stacks in SIZES.items():
            net = AmpNet(stacks, 0.1)
            file = NamFile("0.5.4", "WaveNet", net.export_config(), net.export_weights(), RATE)
            players[f"size {size}"] = NamPlayer(file)
    except ImportError:
        print("sizes are left out: they need the extra train")
    published = SHARED / "bench" / "nam"
    if published.is_dir():
        for path in sorted(published.glob("*.nam")):
            players[path.name] = NamPlayer(read_nam(path))
    print(f"{'capture':<36}{'mult/sample':>12}{'x real time':>13}{'in blocks of 64':>17}")
    for name, player in players.items():
        player.play(audio[:4096])
        whole = seconds / best_of(partial(player.play, audio))
        blocks = 1.0 / best_of(partial(in_blocks, player, audio[:RATE], 64), 3)
        print(f"{name:<36}{player.num_multiplies:>12,}{whole:>13.0f}{blocks:>17.0f}")
    effects: dict[str, AutomatedEffect] = {
        "neural_amp": NeuralAmp(num_channels=1),
        "neural_amp at 44.1 kHz": NeuralAmp(num_channels=1, sample_rate=44_100),
        "tube_amp vintage": TubeAmp(num_channels=1),
        "tube_amp lead": TubeAmp(voicing="lead", num_channels=1),
        "cabinet": Cabinet(num_channels=1),
    }
    print(f"{'effect, mono':<36}{'x real time':>13}{'latency ms':>12}")
    for name, effect in effects.items():
        block = audio[None]
        effect.process(block[:, :4096])
        factor = block.shape[1] / effect.sample_rate / best_of(partial(effect.process, block))
        latency_ms = 1e3 * effect.latency_samples / effect.sample_rate
        print(f"{name:<36}{factor:>13.0f}{latency_ms:>12.2f}")


def recorded_guitar() -> np.ndarray | None:
    """A minute of single recorded notes, overlapping in pairs; None where there are none."""
    archive = SHARED / "sounds" / "electric_guitar_clean.zip"
    if not archive.is_file():
        return None
    rng = np.random.default_rng(4)
    audio = np.zeros(60 * RATE, np.float32)
    with zipfile.ZipFile(archive) as notes:
        names = [n for n in notes.namelist() if n.endswith(".flac") and "_note_" in n]
        for second in np.arange(0.2, 58.0, 0.45):
            name = names[int(rng.integers(len(names)))]
            note, rate = soundfile.read(io.BytesIO(notes.read(name)), dtype="float32")
            if rate != RATE:
                from leitmotiv.audio import resample

                note = resample(note[None], rate, RATE)[0]
            at = round(second * RATE)
            part = note[: min(len(audio) - at, round(1.6 * RATE))] * rng.uniform(0.3, 1.0)
            audio[at : at + len(part)] += part * np.linspace(1, 0, len(part), dtype=np.float32)
    return audio * np.float32(0.8 / np.abs(audio).max())


def error(capture: str, audio: np.ndarray) -> tuple[float, float]:
    """Error-to-signal ratio of a capture against its amplifier, plain and with pre-emphasis."""
    file = read_nam(capture_file(capture))
    lag = file.metadata["training"]["delay_samples"]
    target = apply(audio[None], TubeAmp(num_channels=1, **file.metadata["amplifier"]))[0]
    played = NamPlayer(file).play(audio)
    if lag < 0:
        played, target = played[-lag:], target[: len(target) + lag]
    elif lag > 0:
        played, target = played[: len(played) - lag], target[lag:]
    ratios = []
    for a, b in ((played, target), (np.diff(played, prepend=0), np.diff(target, prepend=0))):
        if a is not played:  # pre-emphasis: each sample less 0.85 of the one before
            a = played[1:] - 0.85 * played[:-1]
            b = target[1:] - 0.85 * target[:-1]
        ratios.append(float(np.sum((a - b).astype(np.float64) ** 2) / np.sum(b**2)))
    return ratios[0], ratios[1]


def errors() -> None:
    """Built-in captures on sound that they have not learnt from."""
    sounds = {
        "modelled guitar, other phrases": amp_signal(
            RATE, 60.0, np.random.default_rng(HELD_OUT_SEED)
        )[20 * RATE :]
    }
    recorded = recorded_guitar()
    if recorded is not None:
        sounds["recorded guitar"] = recorded
    print(f"{'capture':<8}{'heard on':<32}{'ESR':>8}{'pre-emphasis':>14}{'KiB':>6}")
    for capture in capture_names():
        size = capture_file(capture).stat().st_size / 1024
        for name, audio in sounds.items():
            plain, bright = error(capture, audio)
            print(f"{capture:<8}{name:<32}{plain:>8.4f}{bright:>14.4f}{size:>6.0f}")


def training() -> list[tuple[int, float, float]]:
    """Learn the edge of breakup at the light size; return step, seconds and error."""
    from leitmotiv.training.amp import AmpOptions, train_amp

    dry = amp_signal(RATE, 150.0, np.random.default_rng(TRAINING_SEED))
    settings = read_nam(capture_file("edge")).metadata["amplifier"]
    wet = apply(dry[None], TubeAmp(num_channels=1, **settings))[0]
    began, curve = time.process_time(), []

    def report(step: int, num_steps: int, plain: float, bright: float) -> None:
        curve.append((step, time.process_time() - began, plain))
        print(
            f"step {step:>5} of {num_steps}: {curve[-1][1]:6.0f} s CPU, ESR {plain:.4f}", flush=True
        )

    done = train_amp(dry, wet, RATE, AmpOptions(size="light", num_threads=1), report=report)
    first = next((seconds for _, seconds, ratio in curve if ratio <= 0.02), float("nan"))
    print(
        f"light: ESR {done.esr:.4f} ({done.esr_emphasized:.4f} with pre-emphasis) after "
        f"{done.num_steps} steps, {curve[-1][1] / 60:.1f} min of one core; "
        f"0.02 reached after {first / 60:.1f} min"
    )
    return curve


def picture(path: Path) -> None:
    """Distortion against level, a capture over its amplifier, and the cabinets."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt
    from scipy.signal import freqz

    figure, axes = plt.subplots(2, 2, figsize=(11, 7.4), layout="constrained")
    levels_db = np.arange(-48, 1, 3.0)
    for capture in capture_names():
        settings = read_nam(capture_file(capture)).metadata["amplifier"]
        shares = []
        for level in 10 ** (levels_db / 20):
            wave = level * np.sin(2 * np.pi * 220 * np.arange(RATE // 2) / RATE)
            out = TubeAmp(num_channels=1, **settings).process(wave[None].astype(np.float32))[0]
            spectrum = np.abs(np.fft.rfft(out[-12_000:] * np.hanning(12_000)))
            lines = [spectrum[55 * k - 3 : 55 * k + 4].max() for k in range(1, 30)]
            shares.append(100 * np.linalg.norm(lines[1:]) / lines[0])
        axes[0, 0].semilogy(levels_db, shares, label=capture)
    axes[0, 0].set(
        title="The simulated amplifier: harmonics of 220 Hz",
        xlabel="input level, dBFS",
        ylabel="% of the fundamental",
    )
    axes[0, 0].legend()
    audio = amp_signal(RATE, 30.0, np.random.default_rng(HELD_OUT_SEED))[-6 * RATE :]
    file = read_nam(capture_file("lead" if "lead" in capture_names() else "edge"))
    target = apply(audio[None], TubeAmp(num_channels=1, **file.metadata["amplifier"]))[0]
    played = np.roll(NamPlayer(file).play(audio), file.metadata["training"]["delay_samples"])
    at = int(np.argmax(np.convolve(np.abs(target), np.ones(480), "same")[RATE:])) + RATE
    part = slice(at - 200, at + 600)
    time_ms = np.arange(800) / RATE * 1e3
    axes[0, 1].plot(time_ms, audio[part], color="0.7", label="dry guitar")
    axes[0, 1].plot(time_ms, target[part], label="amplifier")
    axes[0, 1].plot(time_ms, played[part], "--", label="capture")
    axes[0, 1].set(title=f"{file.metadata['name']}", xlabel="ms", ylabel="amplitude")
    axes[0, 1].legend(loc="lower right")
    frequency = np.fft.rfftfreq(8192, 1 / RATE)
    for signal, label in ((target, "amplifier"), (played, "capture"), (played - target, "error")):
        frames = np.lib.stride_tricks.sliding_window_view(signal, 8192)[::4096]
        power = np.mean(np.abs(np.fft.rfft(frames * np.hanning(8192))) ** 2, axis=0)
        axes[1, 0].semilogx(frequency[4:], 10 * np.log10(power[4:] + 1e-12), label=label)
    axes[1, 0].set(title="Six seconds of guitar", xlabel="Hz", ylabel="dB", xlim=(40, 20_000))
    axes[1, 0].legend()
    grid = np.geomspace(40, 16_000, 500)
    for cabinet in CABINETS:
        response = cabinet_response(cabinet, "dynamic", sample_rate=RATE)
        _, gain = freqz(response, worN=grid, fs=RATE)
        axes[1, 1].semilogx(grid, 20 * np.log10(np.abs(gain)), label=cabinet)
    axes[1, 1].set(title="Cabinets, dynamic microphone", xlabel="Hz", ylabel="dB", ylim=(-40, 14))
    axes[1, 1].legend()
    for axis in axes.flat:
        axis.grid(alpha=0.3)
    figure.savefig(path, dpi=90)
    print(path)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--train", action="store_true")
    parser.add_argument("--picture", type=Path, metavar="FILE.png")
    parser.add_argument("--json", type=Path, metavar="FILE", help="Write the training curve.")
    arguments = parser.parse_args()
    if arguments.picture is not None:
        picture(arguments.picture)
        return
    speeds()
    errors()
    if arguments.train:
        curve = training()
        if arguments.json is not None:
            arguments.json.write_text(json.dumps(curve), encoding="utf-8")


if __name__ == "__main__":
    main()
