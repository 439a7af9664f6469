"""Whole pieces before and after: spectrograms side by side, loudness, peaks, width.

    python benchmarks/before_after.py OUT.png BEFORE AFTER [BEFORE AFTER ...]

BEFORE and AFTER are bundles of the same brief and seed, composed by two checkouts, for example
with `leitmotiv compose "..." --seed 4 --engine modelled -o before` by the older one.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.typing import NDArray

from leitmotiv.audio import integrated_lufs, read_audio, true_peak_dbtp

EDGES_HZ = np.geomspace(50, 16_000, 220)
MARKS_HZ = (100, 250, 1000, 4000, 10_000)


def spectrogram_db(audio: NDArray[np.float32], sample_rate: int) -> NDArray[np.float64]:
    """Return levels against the loudest, shape (frequencies, frames)."""
    n_fft, hop = 4096, 1024
    mono = np.pad(audio.mean(axis=0), n_fft // 2)
    frames = np.lib.stride_tricks.sliding_window_view(mono, n_fft)[::hop] * np.hanning(n_fft)
    power = np.abs(np.fft.rfft(frames, axis=1)).T ** 2
    bins = np.clip((EDGES_HZ * n_fft / sample_rate).astype(int), 1, n_fft // 2)
    decibel = 10 * np.log10(power[bins] + 1e-9)
    return np.asarray(decibel - decibel.max())


def side_db(audio: NDArray[np.float32]) -> float:
    """Return the energy of the side against the middle."""
    middle, side = audio[0] + audio[1], audio[0] - audio[1]
    return float(10 * np.log10((side @ side + 1e-12) / (middle @ middle + 1e-12)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("picture", type=Path)
    parser.add_argument("bundles", type=Path, nargs="+")
    options = parser.parse_args()
    pairs = list(zip(options.bundles[::2], options.bundles[1::2], strict=True))
    figure = Figure(figsize=(12, 2.6 * len(pairs)), facecolor="#fcfbf8")
    FigureCanvasAgg(figure)
    rows = figure.subplots(len(pairs), 2, squeeze=False)
    for row, pair in zip(rows, pairs, strict=True):
        for axes, bundle, when in zip(row, pair, ("before", "after"), strict=True):
            audio, sample_rate = read_audio(bundle / "master.wav")
            title = json.loads((bundle / "plan.json").read_text(encoding="utf-8"))["title"]
            print(
                f"{title:34} {when:7} {integrated_lufs(audio, sample_rate):6.1f} LUFS "
                f"{true_peak_dbtp(audio):5.1f} dBTP  side {side_db(audio):5.1f} dB  "
                f"{audio.shape[1] / sample_rate:5.1f} s"
            )
            axes.imshow(
                spectrogram_db(audio, sample_rate), origin="lower", aspect="auto", cmap="magma",
                vmin=-80, vmax=0, extent=(0, audio.shape[1] / sample_rate, 0, len(EDGES_HZ)),
            )  # fmt: skip
            places = np.interp(np.log(MARKS_HZ), np.log(EDGES_HZ), np.arange(len(EDGES_HZ)))
            axes.set_yticks(places, [f"{mark:g}" for mark in MARKS_HZ], fontsize=6)
            axes.tick_params(labelsize=6)
            axes.set_title(f"{title}, {when}", loc="left", fontsize=8)
    figure.tight_layout()
    figure.savefig(options.picture, dpi=100)


if __name__ == "__main__":
    main()
