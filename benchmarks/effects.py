"""Speed of every effect on one core, against pedalboard's counterpart in the same run.

    pip install pedalboard        (GPL; for this comparison alone)
    python benchmarks/effects.py [--seconds 20] [--turns 5] [--only NAME ...]

Both get the same stereo noise of changing loudness at 48 kHz in blocks of 16384 samples. Kernels
are compiled before the clock starts; processor time is measured, taken alternately, and the best
of several turns counts, so a busy machine does not decide the result. Columns: times real time of
ours in large blocks, in blocks of 512, and in silence after sound (where numbers that fade away
could slow it down); pedalboard's in large blocks; ours over pedalboard's. Counterparts are not
equals: pedalboard's limiter looks ahead of nothing and sees no true peaks, its distortion and
ladder fold back what they make, its low pass falls by 6 dB an octave, its reverb is Freeverb.
Prints a table in Markdown.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import importlib.util
import math
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
from numpy.typing import NDArray

from leitmotiv.effects import EFFECTS, AutomatedEffect, make_effect

SAMPLE_RATE = 48_000
LARGE, SMALL = 16_384, 512
RESPONSE_SEC = 2.0

# Effect, settings, and the name and settings of pedalboard's counterparts in series.
Peer = tuple[tuple[str, dict[str, Any]], ...]
ROWS: tuple[tuple[str, dict[str, Any], Peer], ...] = (
    ("gain", {"gain_db": -3.0}, (("Gain", {"gain_db": -3.0}),)),
    ("pan", {"pan": 0.3}, ()),
    ("stereo_width", {"width": 1.3, "mono_below_hz": 120.0}, ()),
    (
        "parametric_eq",
        {"low_shelf_db": 3.0, "bell_1_db": -4.0, "bell_3_db": 2.0, "high_shelf_db": -2.0},
        (
            ("LowShelfFilter", {"cutoff_frequency_hz": 120, "gain_db": 3}),
            ("PeakFilter", {"cutoff_frequency_hz": 200, "gain_db": -4, "q": 1}),
            ("PeakFilter", {"cutoff_frequency_hz": 2000, "gain_db": 2, "q": 1}),
            ("HighShelfFilter", {"cutoff_frequency_hz": 8000, "gain_db": -2}),
        ),
    ),
    ("linear_phase_eq", {"bell_3_db": 3.0}, ()),
    ("filter", {"kind": "low_pass"}, (("LowpassFilter", {"cutoff_frequency_hz": 1000}),)),
    ("filter", {"kind": "ladder"}, (("LadderFilter", {"cutoff_hz": 1000}),)),
    ("compressor", {"ratio": 4.0}, (("Compressor", {"threshold_db": -20, "ratio": 4}),)),
    ("multiband_compressor", {}, ()),
    ("gate", {"threshold_db": -20.0}, (("NoiseGate", {"threshold_db": -20}),)),
    ("expander", {"threshold_db": -20.0}, (("NoiseGate", {"threshold_db": -20, "ratio": 2}),)),
    ("limiter", {"ceiling_dbtp": -6.0}, (("Limiter", {"threshold_db": -6}),)),
    ("saturation", {"oversampling": 1}, (("Distortion", {"drive_db": 6}),)),
    ("saturation", {}, (("Distortion", {"drive_db": 6}),)),
    ("tape", {}, ()),
    ("tube_amp", {}, ()),
    ("neural_amp", {}, ()),
    ("cabinet", {}, ()),
    ("chorus", {}, (("Chorus", {}),)),
    ("flanger", {}, (("Chorus", {"centre_delay_ms": 2, "feedback": 0.5}),)),
    ("phaser", {}, (("Phaser", {}),)),
    ("tremolo", {}, ()),
    ("delay", {}, (("Delay", {"delay_seconds": 0.375, "feedback": 0.35}),)),
    ("evolving_delay", {}, ()),
    ("pitch_shifter", {"semitones": 7.0}, (("PitchShift", {"semitones": 7}),)),
    ("granular", {}, ()),
    ("looper", {}, ()),
    ("plate_reverb", {}, (("Reverb", {}),)),
    ("hall_reverb", {}, (("Reverb", {}),)),
    ("room_reverb", {}, (("Reverb", {}),)),
    ("spring_reverb", {}, (("Reverb", {}),)),
    ("cathedral_reverb", {}, (("Reverb", {}),)),
    ("shimmer_reverb", {}, ()),
    ("infinite_reverb", {}, ()),
    ("convolution", {"file": "RESPONSE"}, (("Convolution", {}),)),
)


def sound(seconds: float) -> NDArray[np.float32]:
    """Return noise that swells and fades twice a second."""
    num_samples = round(seconds * SAMPLE_RATE)
    swell = 0.02 + np.sin(2 * np.pi * np.arange(num_samples) / SAMPLE_RATE) ** 4
    noise = np.random.default_rng(1).standard_normal((2, num_samples))
    return np.asarray(0.3 * swell * noise, dtype=np.float32)


def processor_sec(run: Callable[[NDArray[np.float32]], Any], audio: NDArray[np.float32],
                  block: int) -> float:  # fmt: skip
    """Return the processor time of one pass."""
    blocks = [
        np.ascontiguousarray(audio[:, at : at + block]) for at in range(0, audio.shape[1], block)
    ]
    start = time.process_time()
    for part in blocks:
        run(part)
    return time.process_time() - start


def make(name: str, settings: dict[str, Any], response: Path) -> AutomatedEffect:
    """Return one of our effects, loaded and compiled."""
    given = {
        key: str(response) if value == "RESPONSE" else value for key, value in settings.items()
    }
    effect = make_effect(name, given, sample_rate=SAMPLE_RATE)
    effect.process(sound(0.5))
    return effect


def counterpart(peer: Peer, response: NDArray[np.float32]) -> Callable[[NDArray[np.float32]], Any]:
    """Return pedalboard's, as a function of a block."""
    import pedalboard

    plugins = []
    for name, settings in peer:
        if name == "Convolution":
            plugins.append(pedalboard.Convolution(response, mix=0.5, sample_rate=SAMPLE_RATE))
        else:
            plugins.append(getattr(pedalboard, name)(**settings))
    board = plugins[0] if len(plugins) == 1 else pedalboard.Pedalboard(plugins)
    return lambda block: board.process(block, SAMPLE_RATE, reset=False)


def main() -> None:
    """Run the benchmark and print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--turns", type=int, default=5)
    parser.add_argument("--only", nargs="*", default=None)
    options = parser.parse_args()
    has_peer = importlib.util.find_spec("pedalboard") is not None
    if not has_peer:
        print("pedalboard is not installed; our own speed only\n")
    audio = sound(options.seconds)
    silence = np.zeros_like(audio)
    length = round(RESPONSE_SEC * SAMPLE_RATE)
    response = np.random.default_rng(2).standard_normal((2, length)) * 10 ** (
        -3 * np.arange(length) / length
    )
    response = (0.02 * response).astype(np.float32)
    ratios = []
    print("| effect | x real time | blocks of 512 | silence | pedalboard | x real time | ratio |")
    print("|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "response.wav"
        soundfile.write(file, response.T, SAMPLE_RATE, subtype="FLOAT")
        for name, settings, peer in ROWS:
            if options.only is not None and name not in options.only:
                continue
            with contextlib.suppress(ModuleNotFoundError):
                importlib.import_module(f"leitmotiv.effects.{EFFECTS[name][0]}")
                ours = make(name, settings, file)
                theirs = counterpart(peer, response) if peer and has_peer else None
                best = [math.inf] * 4
                for _ in range(options.turns):
                    best[0] = min(best[0], processor_sec(ours.process, audio, LARGE))
                    if theirs is not None:
                        best[3] = min(best[3], processor_sec(theirs, audio, LARGE))
                for _ in range(max(options.turns // 2, 1)):
                    best[1] = min(best[1], processor_sec(ours.process, audio, SMALL))
                    best[2] = min(best[2], processor_sec(ours.process, silence, LARGE))
                speeds = [options.seconds / spent for spent in best]
                shown = {k: v for k, v in settings.items() if isinstance(v, str | int)}
                shown = {k: v for k, v in shown.items() if v != "RESPONSE"}
                label = f"`{name}`" + "".join(f", {k} {v}" for k, v in shown.items())
                row = f"| {label} | {speeds[0]:.0f} | {speeds[1]:.0f} | {speeds[2]:.0f} "
                if theirs is None:
                    print(row + "| | | |", flush=True)
                    continue
                ratios.append(speeds[0] / speeds[3])
                names = ", ".join(dict.fromkeys(plugin for plugin, _ in peer))
                print(row + f"| {names} | {speeds[3]:.0f} | {ratios[-1]:.2f} |", flush=True)
    if ratios:
        mean = math.exp(float(np.mean(np.log(ratios))))
        print(f"\ngeometric mean of the ratios: {mean:.2f} over {len(ratios)} effects")


if __name__ == "__main__":
    main()
