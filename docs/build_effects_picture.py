"""Draw what filters, dynamics and saturation do: ``python docs/build_effects_picture.py``.

Writes ``docs/images/effects.png``. Every line is measured from what the effects put out.
"""

from __future__ import annotations

from pathlib import Path

import matplotlib
import numpy as np
from numpy.typing import NDArray

from leitmotiv.effects import AutomatedEffect, apply, make_effect

matplotlib.use("Agg")
from matplotlib import pyplot
from matplotlib.axes import Axes

PICTURE = Path(__file__).parent / "images" / "effects.png"
SAMPLE_RATE = 48_000
TIME = np.arange(SAMPLE_RATE) / SAMPLE_RATE
HERTZ = np.arange(20, 20_001)
COLOURS = ("#0b6fb8", "#d1495b", "#2a9d6f", "#e08e17", "#6a4c93")


def response_db(effect: AutomatedEffect, level: float = 1e-3) -> NDArray[np.float64]:
    """Return the spectrum of a small click's echo, one Hz a bin."""
    click = np.zeros((1, SAMPLE_RATE), np.float32)
    click[0, 0] = level
    spectrum = np.abs(np.fft.rfft(effect.process(click)[0])) / level
    return np.asarray(20 * np.log10(np.maximum(spectrum, 1e-9)))


def filters(axes: Axes) -> None:
    """One cutoff, every kind."""
    for colour, (kind, resonance, slope_db) in zip(
        COLOURS,
        (("low_pass", 0.0, 12), ("low_pass", 0.8, 24), ("high_pass", 0.0, 24),
         ("band_pass", 0.6, 12), ("ladder", 0.8, 24)),
        strict=True,
    ):  # fmt: skip
        settings = {"kind": kind, "resonance": resonance, "slope_db": slope_db}
        effect = make_effect("filter", settings, num_channels=1)
        label = f"{kind}, resonance {resonance:g}, {slope_db} dB"
        axes.semilogx(HERTZ, response_db(effect, 1e-5)[HERTZ], color=colour, label=label)
    axes.set(title="filter, cutoff 1 kHz", xlabel="Hz", ylabel="dB", ylim=(-60, 25))


def crossovers(axes: Axes) -> None:
    """The bands of the multiband compressor and their sum."""
    for colour, band in zip(COLOURS, ("low", "mid", "high"), strict=False):
        others = {f"{b}_gain_db": -48.0 for b in ("low", "mid", "high") if b != band}
        idle = {f"{b}_ratio": 1.0 for b in ("low", "mid", "high")}
        effect = make_effect("multiband_compressor", others | idle, num_channels=1)
        axes.semilogx(HERTZ, response_db(effect)[HERTZ], color=colour, label=band)
    effect = make_effect("multiband_compressor", idle, num_channels=1)
    axes.semilogx(HERTZ, response_db(effect)[HERTZ], color="black", label="sum")
    axes.set(title="multiband_compressor, nothing compressed", xlabel="Hz", ylim=(-50, 8))


def dynamics(axes: Axes) -> None:
    """Level in, level out."""
    levels = np.arange(-80.0, 1.0, 2.0)
    square = np.where(np.arange(24_000) // 24 % 2, 1.0, -1.0)
    for colour, (name, settings) in zip(
        COLOURS,
        (("compressor", {"threshold_db": -30.0, "ratio": 4.0, "knee_db": 0.0}),
         ("compressor", {"threshold_db": -30.0, "ratio": 4.0, "knee_db": 20.0}),
         ("expander", {"threshold_db": -40.0, "ratio": 2.0}),
         ("gate", {"threshold_db": -50.0, "range_db": 30.0}),
         ("limiter", {"ceiling_dbtp": -6.0})),
        strict=True,
    ):  # fmt: skip
        out = []
        for level in levels:
            audio = (10 ** (level / 20) * square)[None].astype(np.float32)
            done = apply(audio, make_effect(name, settings, num_channels=1))
            out.append(20 * np.log10(np.median(np.abs(done[0, -4800:]))))
        knee = f", knee {settings['knee_db']:g} dB" if "knee_db" in settings else ""
        axes.plot(levels, out, color=colour, label=name + knee)
    axes.plot(levels, levels, color="#bbbbbb", zorder=0)
    axes.set(title="level in, level out", xlabel="dB", ylabel="dB", ylim=(-110, 5))


def aliasing(axes: Axes) -> None:
    """What a driven sine leaves between its harmonics."""
    sine = (0.9 * np.sin(2 * np.pi * 5003 * TIME))[None].astype(np.float32)
    drive = 10 ** (12 / 20)
    shown = [("tanh as it is", np.tanh(drive * sine[0]) / drive)]
    for oversampling in (1, 2):
        settings = {"drive_db": 12.0, "oversampling": oversampling}
        effect = make_effect("saturation", settings, num_channels=1)
        shown.append((f"saturation, oversampling {oversampling}", apply(sine, effect)[0]))
    for colour, (label, audio) in zip(("#bbbbbb", *COLOURS), shown, strict=False):
        spectrum = np.abs(np.fft.rfft(audio * np.blackman(SAMPLE_RATE)))
        level = 20 * np.log10(spectrum / spectrum.max() + 1e-8)
        axes.plot(np.arange(24_001) / 1000, level, color=colour, label=label, lw=0.8)
    axes.set(title="a sine of 5003 Hz, driven by 12 dB", xlabel="kHz", ylim=(-140, 5))


def main() -> None:
    """Draw the four."""
    figure, grid = pyplot.subplots(2, 2, figsize=(12, 8), facecolor="#fcfbf8", layout="constrained")
    for axes, draw in zip(grid.flat, (filters, crossovers, dynamics, aliasing), strict=True):
        draw(axes)
        axes.grid(color="#e5e2da", lw=0.6)
        axes.legend(fontsize=8, frameon=False)
    figure.savefig(PICTURE, dpi=80)
    print(PICTURE)


if __name__ == "__main__":
    main()
