"""Make the built-in amp captures anew: play the signal through our own amplifier, and learn it.

    python benchmarks/amp_captures.py               all of them, into src/leitmotiv/effects/data
    python benchmarks/amp_captures.py lead -o runs  one of them, elsewhere

Needs the extra ``train``. Everything is seeded; on one quiet core a capture takes about five
minutes. A run that was stopped goes on from its checkpoint.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np

from leitmotiv.cli.amp import measure_capture
from leitmotiv.effects.effect import apply
from leitmotiv.effects.nam_file import NamFile, write_nam
from leitmotiv.effects.tube_amp import TubeAmp
from leitmotiv.instruments.amp_signal import amp_signal

SAMPLE_RATE = 48_000
SIGNAL_SEC, SIGNAL_SEED, NUM_STEPS = 150.0, 5, 5000
DATA = Path(__file__).parents[1] / "src" / "leitmotiv" / "effects" / "data"

# Knobs of TubeAmp, and how the capture is described.
CAPTURES: dict[str, tuple[str, str, dict[str, Any]]] = {
    "clean": (
        "Simulated valve amplifier, clean",
        "clean",
        {
            "drive": 0.3,
            "bass": 0.55,
            "middle": 0.5,
            "treble": 0.6,
            "presence": 0.35,
            "master": 0.42,
            "sag": 0.2,
        },
    ),
    "edge": (
        "Simulated valve amplifier, edge of breakup",
        "crunch",
        {
            "drive": 0.46,
            "bass": 0.5,
            "middle": 0.6,
            "treble": 0.55,
            "presence": 0.3,
            "master": 0.45,
            "sag": 0.3,
        },
    ),
    "lead": (
        "Simulated valve amplifier, lead",
        "hi_gain",
        {
            "voicing": "lead",
            "drive": 0.5,
            "bass": 0.45,
            "middle": 0.7,
            "treble": 0.5,
            "presence": 0.3,
            "master": 0.42,
            "sag": 0.3,
        },
    ),
}


def make(name: str, folder: Path, dry: np.ndarray) -> None:
    """Make one capture."""
    from leitmotiv.training.amp import AmpOptions, train_amp

    title, tone, settings = CAPTURES[name]
    wet = apply(dry[None], TubeAmp(num_channels=1, sample_rate=SAMPLE_RATE, **settings))[0]
    done = train_amp(
        dry,
        wet,
        SAMPLE_RATE,
        AmpOptions(size="light", num_steps=NUM_STEPS, num_threads=1),
        checkpoint=folder / f"{name}.checkpoint",
        report=lambda step, count, plain, bright: print(
            f"{name}: step {step} of {count}, ESR {plain:.5f}, with pre-emphasis {bright:.5f}",
            flush=True,
        ),
    )
    metadata: dict[str, Any] = {
        "name": title,
        "modeled_by": "The Leitmotiv developers",
        "gear_type": "amp",
        "gear_make": "Leitmotiv",
        "gear_model": "TubeAmp",
        "tone_type": tone,
        "licence": "CC0-1.0",
        "amplifier": settings,
        "training": {
            "validation_esr": round(done.esr, 6),
            "validation_esr_pre_emphasis": round(done.esr_emphasized, 6),
            "steps": done.num_steps,
            "delay_samples": done.delay_samples,
        },
    }
    file = NamFile("0.5.4", "WaveNet", done.config, done.weights, SAMPLE_RATE, metadata)
    loudness_db, gain = measure_capture(file)
    metadata |= {"loudness": round(loudness_db, 3), "gain": round(gain, 4)}
    file = NamFile("0.5.4", "WaveNet", done.config, done.weights, SAMPLE_RATE, metadata)
    write_nam(folder / f"{name}.nam", file)
    size = (folder / f"{name}.nam").stat().st_size
    print(f"{name}: ESR {done.esr:.5f} ({done.esr_emphasized:.5f}), {size / 1024:.0f} KiB")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", default=list(CAPTURES), metavar="NAME")
    parser.add_argument("-o", "--output", type=Path, default=DATA)
    arguments = parser.parse_args()
    arguments.output.mkdir(parents=True, exist_ok=True)
    dry = amp_signal(SAMPLE_RATE, SIGNAL_SEC, np.random.default_rng(SIGNAL_SEED))
    for name in arguments.names:
        make(name, arguments.output, dry)


if __name__ == "__main__":
    main()
