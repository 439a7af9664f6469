"""The reverbs in figures and pictures: decay, modes, density, ears, speed, endless beds.

Everything is measured from responses to clicks and to a plucked phrase, in this run:

- RT60 by Schroeder's backward integration (T30, third octaves) against the promised curve;
- spectral flatness of the tail (noise has 0.56, ringing modes pull it down) and the time after
  which the echo density is that of noise (Abel and Huang 2006, 0.85);
- correlation of the two ears, energy of the response to a click;
- times real time on this machine, processor time, best of several turns;
- how level and tuning of a held chord stand after a minute and ten.

    python benchmarks/reverbs.py [--pictures docs/images] [--long]

``--long`` holds the chord for ten minutes instead of one. Prints the tables of docs/reverbs.md.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.signal import butter, sosfilt

from leitmotiv.effects import AutomatedEffect, Reverb, load_effect, room_response
from leitmotiv.effects.convolution import Convolution
from leitmotiv.effects.impulse_responses import BANDS_HZ, SPACES, impulse_response

SAMPLE_RATE = 48_000
CENTRES_HZ = (125, 250, 500, 1000, 2000, 4000, 8000)
KINDS = ("hall", "room", "plate", "cathedral", "shimmer", "infinite")
ALONE = {"wet_level": 1.0, "dry_level": 0.0}
STILL = {"octave_level": 0.0, "fifth_level": 0.0, "hold": 0.0, "attack_ms": 0.0}
CHORD = (45, 52, 57, 61, 64, 69)

Audio = NDArray[np.float32]


def make(kind: str, **settings: Any) -> Any:
    """A reverb heard alone, without shimmer and hold."""
    effect = load_effect(f"{kind}_reverb")
    knobs = {knob.name for knob in effect.parameters}
    plain = ALONE | {name: value for name, value in STILL.items() if name in knobs}
    return effect(**(plain | settings))


def response(effect: AutomatedEffect, duration_sec: float, channel: int = 0) -> Audio:
    """What comes out after a click in one channel."""
    click = np.zeros((2, round(duration_sec * SAMPLE_RATE)), np.float32)
    click[channel, 0] = 1.0
    return effect.process(click)


def reverberation_time(impulse: Audio, centre_hz: float) -> float:
    """T30 in a third of an octave (ISO 3382-1), in the bass in an octave."""
    half = 1 / 2 if centre_hz < 500 else 1 / 6
    edges = [centre_hz * 2**-half, centre_hz * 2**half]
    sections = butter(3, edges, "band", fs=SAMPLE_RATE, output="sos")
    energy = np.cumsum(sosfilt(sections, impulse.astype(float))[::-1] ** 2)[::-1]
    level = 10 * np.log10(energy / energy[0] + 1e-30)
    start, stop = np.argmax(level < -5), np.argmax(level < -35)
    slope = np.polyfit(np.arange(stop - start) / SAMPLE_RATE, level[start:stop], 1)[0]
    return float(-60 / slope)


def flatness(impulse: Audio, decay_sec: float) -> float:
    """Spectral flatness of the tail between 150 Hz and 4 kHz, its slope taken out."""
    start, stop = (round(share * decay_sec * SAMPLE_RATE) for share in (0.4, 0.9))
    rise = 10 ** (3 * np.arange(stop - start) / SAMPLE_RATE / decay_sec)
    tail = impulse[start:stop] * rise * np.hanning(stop - start)
    power, grid = np.abs(np.fft.rfft(tail)) ** 2, np.fft.rfftfreq(len(tail), 1 / SAMPLE_RATE)
    power = power[(grid > 150) & (grid < 4000)]
    width = max(round(100 / grid[1]), 5)
    white = (power / np.convolve(power, np.ones(width) / width, "same"))[width:-width]
    return float(np.exp(np.log(white + 1e-12).mean()))


def density_ms(impulse: Audio) -> float:
    """When the share of outliers in 20 ms comes to 0.85 of that of noise, for good."""
    width, step = 960, 240
    starts = range(0, round(0.4 * SAMPLE_RATE), step)
    windows = [impulse[start : start + width] for start in starts]
    dense = np.asarray([np.mean(np.abs(w) > w.std()) / 0.3173 > 0.85 for w in windows])
    late = np.convolve(dense, np.ones(4), "valid") >= 3
    return float(1e3 * np.argmax(late) * step / SAMPLE_RATE)


def times_real_time(effect: Any, seconds: float = 8.0, turns: int = 4) -> float:
    """Audio time over processor time, in blocks of 8192 samples."""
    noise = np.random.default_rng(1).standard_normal((2, round(seconds * SAMPLE_RATE)))
    audio = (0.1 * noise).astype(np.float32)
    effect.process(audio[:, :8192])
    best = np.inf
    for _ in range(turns):
        start = time.process_time()
        for at in range(0, audio.shape[1], 8192):
            effect.process(audio[:, at : at + 8192])
        best = min(best, time.process_time() - start)
    return seconds / best


def pluck(pitch: int, duration_sec: float, rng: np.random.Generator) -> NDArray[np.float64]:
    """A plucked string (Karplus and Strong 1983)."""
    from scipy.signal import lfilter

    period = SAMPLE_RATE / (440 * 2 ** ((pitch - 69) / 12)) - 0.5
    whole = int(period)
    burst = np.zeros(round(duration_sec * SAMPLE_RATE))
    burst[:whole] = np.convolve(rng.uniform(-1, 1, whole), np.ones(8) / 8, "same")
    loop = np.zeros(whole + 3)
    share = period - whole  # linear interpolation and a two-point mean in the loop
    taps = 0.4975 * np.convolve([1 - share, share], [1.0, 1.0])
    loop[0], loop[whole : whole + 3] = 1.0, -taps
    return np.asarray(lfilter([1.0], loop, burst))


def phrase(duration_sec: float) -> Audio:
    """Six notes of A major, half a second apart."""
    rng = np.random.default_rng(7)
    audio = np.zeros(round(duration_sec * SAMPLE_RATE))
    for index, pitch in enumerate(CHORD):
        start = index * SAMPLE_RATE // 2
        note = pluck(pitch, min(4.0, duration_sec - index / 2), rng)
        audio[start : start + len(note)] += note
    return np.stack([audio, audio], dtype=np.float32) * np.float32(0.3 / np.abs(audio).max())


def print_networks() -> dict[str, list[float]]:
    """Table of the algorithmic reverbs; returns measured over promised RT60 by kind."""
    print("\nRT60 measured over promised, percent off (mean of four seeds, both ears)\n")
    print("| reverb | decay | " + " | ".join(f"{hz} Hz" for hz in CENTRES_HZ) + " |")
    print("|---|---|" + "---|" * len(CENTRES_HZ))
    ratios: dict[str, list[float]] = {}
    rows: list[str] = []
    for kind in KINDS:
        effect = make(kind)
        decay_sec = effect.get("decay_sec")
        rooms = [response(make(kind, seed=s), 1.2 * decay_sec + 0.5, s % 2) for s in range(4)]
        ratios[kind] = [
            float(np.mean([reverberation_time(ear, hz) for room in rooms for ear in room]))
            / effect.decay_at(hz)
            for hz in CENTRES_HZ
        ]
        off = " | ".join(f"{100 * (ratio - 1):+.1f}" for ratio in ratios[kind])
        print(f"| {kind} | {decay_sec:g} s | {off} |")
        decay_mid = effect.decay_at(1000.0)
        flat = np.mean([flatness(ear, decay_mid) for room in rooms for ear in room])
        pre = round(effect.get("pre_delay_ms") * 1e-3 * SAMPLE_RATE)
        dense = np.mean([density_ms(room[0, pre:]) for room in rooms])
        ears = np.mean([abs(np.corrcoef(room[:, 4800:])[0, 1]) for room in rooms])
        energy_db = 10 * np.log10(np.mean([np.square(room).sum() for room in rooms]))
        speed = times_real_time(load_effect(f"{kind}_reverb")())
        rows.append(
            f"| {kind} | {flat:.2f} | {dense:.0f} ms | {ears:.2f} | {energy_db:+.1f} dB "
            f"| {speed:.0f} |"
        )
    hall = Reverb(decay_sec=2.2)
    rooms = [room_response(hall, 3.2)[channel] for channel in (0, 1)]
    flat = np.mean([flatness(ear, 2.2) for room in rooms for ear in room])
    dense = np.mean([density_ms(room[0, 864:]) for room in rooms])
    ears = np.mean([abs(np.corrcoef(room[:, 4800:])[0, 1]) for room in rooms])
    energy_db = 10 * np.log10(np.mean([np.square(room).sum() for room in rooms]))
    rows.append(
        f"| the mix's hall (NumPy) | {flat:.2f} | {dense:.0f} ms | {ears:.2f} "
        f"| {energy_db:+.1f} dB | {times_real_time(hall):.0f} |"
    )
    print("\n| reverb | flatness of the tail | dense after | ears | click | x real time |")
    print("|---|---|---|---|---|---|")
    print("\n".join(rows))
    old = [
        np.mean([reverberation_time(ear, hz) for room in rooms for ear in room]) / 2.2 - 1
        for hz in (250, 500, 1000)
    ]
    print("\nthe mix's hall, 250 Hz to 1 kHz: RT60 off by", *(f"{100 * o:+.1f} %" for o in old))
    return ratios


def print_spring() -> None:
    """Decay and speed of the springs."""
    effect: Any = load_effect("spring_reverb")
    off = []
    for decay_sec in (1.0, 2.0, 4.0):
        spring = effect(decay_sec=decay_sec, **ALONE)
        out = response(spring, 1.4 * decay_sec + 0.3)
        for hz in (250, 500, 1000, 2000):
            measured = np.mean([reverberation_time(ear, hz) for ear in out])
            off.append(measured / spring.decay_at(hz) - 1)
    print(f"\nspring: RT60 off by {100 * np.max(np.abs(off)):.1f} % at most, 250 Hz to 2 kHz, "
          f"1 to 4 s; {times_real_time(effect()):.0f} x real time")  # fmt: skip


def print_convolution() -> None:
    """Speed with and without latency; decay of the synthesised spaces against Eyring."""
    print("\n| convolution, stereo by four paths | seconds | x real time |")
    print("|---|---|---|")
    for kind in ("living_room", "concert_hall", "cathedral"):
        for block_length in (0, 1024):
            effect = Convolution(kind=kind, block_length=block_length)
            told = f"{kind}, " + (f"{block_length} samples late" if block_length else "no latency")
            print(f"| {told} | {effect.tail_sec:.1f} | {times_real_time(effect):.0f} |")
    print("\n| space | seconds | RT60 at 1 kHz | by Eyring | made in |")
    print("|---|---|---|---|---|")
    for kind, room in SPACES.items():
        start = time.process_time()
        paths = impulse_response(kind)
        took = time.process_time() - start
        measured = np.mean([reverberation_time(path, BANDS_HZ[5]) for path in paths])
        eyring = f"{room.decay_sec()[5]:.2f} s" if room is not None else ""
        length = paths.shape[1] / SAMPLE_RATE
        print(f"| {kind} | {length:.1f} | {measured:.2f} s | {eyring} | {took:.2f} s |")


def print_bed(minutes: tuple[int, ...]) -> None:
    """A chord on hold: level, how much of it is in tune, how its level moves."""
    grid = np.fft.rfftfreq(10 * SAMPLE_RATE, 1 / SAMPLE_RATE)
    partials = [440 * 2 ** ((p - 69) / 12) * h for p in CHORD for h in range(1, 9)]
    near = np.zeros(len(grid), dtype=bool)
    for partial in partials:
        near |= np.abs(1200 * np.log2(np.maximum(grid, 1.0) / partial)) < 25
    low = grid < 2500
    print("\n| infinite, hold = 1 | level | within 25 cents | level moves by (rms) |")
    print("|---|---|---|---|")
    bed: Any = load_effect("infinite_reverb")(**ALONE)
    bed.process(phrase(8.0))
    silence = np.zeros((2, 10 * SAMPLE_RATE), np.float32)
    done_sec = 0
    for minute in (0, *minutes):
        while done_sec + 10 < 60 * minute:
            bed.process(silence)
            done_sec += 10
        out = bed.process(silence)
        done_sec += 10
        power = (np.abs(np.fft.rfft(out * np.hanning(out.shape[1]), axis=1)) ** 2).sum(axis=0)
        level_db = 10 * np.log10(np.square(out).mean())
        moves = np.std(10 * np.log10(np.square(out.reshape(2, 100, -1)).mean(axis=(0, 2))))
        tuned = 100 * power[near & low].sum() / power[low].sum()
        told = f"after {minute} min" if minute else "at once"
        print(f"| {told} | {level_db:.1f} dB | {tuned:.0f} % | {moves:.1f} dB |")


def spectrogram(axes: Any, audio: Audio, title: str, n_fft: int, floor_db: float) -> None:
    """Draw the level of the left channel over time and frequency."""
    from scipy.signal import stft

    grid, at, values = stft(audio[0], SAMPLE_RATE, nperseg=n_fft, noverlap=n_fft * 3 // 4)
    level = 20 * np.log10(np.abs(values) + 1e-12)
    level -= level.max()
    axes.pcolormesh(at, grid / 1000, level, vmin=floor_db, vmax=0, cmap="magma", rasterized=True)
    axes.set_title(title, fontsize=9)


def _save(figure: Any, path: Path) -> None:
    """Write a picture in 128 colours, which keeps it small."""
    from PIL import Image

    figure.savefig(path, dpi=84)
    with Image.open(path) as picture:
        small = picture.convert("RGB").quantize(128)
    small.save(path, optimize=True)


def draw(folder: Path, ratios: dict[str, list[float]]) -> None:
    """Write the pictures of docs/reverbs.md."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(2, 4, figsize=(11, 5), layout="constrained")
    lengths = {"hall": 2.0, "room": 0.6, "plate": 2.0, "cathedral": 5.0, "shimmer": 4.0}
    for place, kind in zip(axes.flat, KINDS, strict=False):
        seconds = lengths.get(kind, 4.0)
        spectrogram(place, response(make(kind), seconds), f"{kind}, a click", 1024, -70)
        place.set_ylim(0, 12)
    spring: Any = load_effect("spring_reverb")(**ALONE)
    spectrogram(axes[1, 2], response(spring, 0.5), "spring, a click", 256, -60)
    axes[1, 2].set_ylim(0, 6)
    for kind, values in ratios.items():
        axes[1, 3].semilogx(CENTRES_HZ, 100 * (np.asarray(values) - 1), "o-", ms=3, label=kind)
    axes[1, 3].axhspan(-5, 5, color="0.9", zorder=0)
    axes[1, 3].set_ylim(-10, 10)
    axes[1, 3].set_xticks(CENTRES_HZ, ["125", "250", "500", "1k", "2k", "4k", "8k"], fontsize=7)
    axes[1, 3].minorticks_off()
    axes[1, 3].set_title("RT60 against promise, percent", fontsize=9)
    axes[1, 3].legend(fontsize=6, ncols=2, loc="upper center")
    axes[0, 0].set_ylabel("kHz")
    axes[1, 0].set_ylabel("kHz")
    figure.supxlabel("seconds (last: Hz)", fontsize=9)
    _save(figure, folder / "reverbs.png")

    figure, axes = plt.subplots(2, 2, figsize=(11, 6), layout="constrained", sharex=True)
    audio = phrase(14.0)
    swell = load_effect("hall_reverb")(
        swell_level=1.0, swell_sec=2.0, decay_sec=1.5, early_level=0.0, **ALONE
    )
    played = {
        "plucked chord, dry": audio,
        "shimmer_reverb": load_effect("shimmer_reverb")(**ALONE).process(audio),
        "infinite_reverb": load_effect("infinite_reverb")(**ALONE).process(audio),
        "hall_reverb with swell_level 1 over 2 s": swell.process(audio),
    }
    for place, (title, out) in zip(axes.flat, played.items(), strict=True):
        spectrogram(place, out, title, 4096, -75)
        place.set_yscale("log")
        place.set_ylim(0.08, 8)
    figure.supxlabel("seconds", fontsize=9)
    figure.supylabel("kHz", fontsize=9)
    _save(figure, folder / "reverbs-chord.png")

    figure, axes = plt.subplots(2, 7, figsize=(14, 4.6), layout="constrained")
    for place, kind in zip(axes.flat, SPACES, strict=True):
        path = impulse_response(kind)[:1]
        spectrogram(place, path[:, : round(2.5 * SAMPLE_RATE)], kind, 512, -80)
        place.set_ylim(0, 12)
        place.tick_params(labelsize=7)
    figure.supxlabel("seconds", fontsize=9)
    figure.supylabel("kHz", fontsize=9)
    _save(figure, folder / "reverbs-spaces.png")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--pictures", type=Path, help="folder for the pictures of the docs")
    parser.add_argument("--long", action="store_true", help="hold the chord for ten minutes")
    given = parser.parse_args()
    ratios = print_networks()
    print_spring()
    print_convolution()
    print_bed((1, 10) if given.long else (1,))
    if given.pictures:
        draw(given.pictures, ratios)


if __name__ == "__main__":
    main()
