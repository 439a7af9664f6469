"""Delays and movement, measured: what docs/delays.md says.

    python benchmarks/delays.py                    # figures, about two minutes
    python benchmarks/delays.py --pictures docs/images
    python benchmarks/delays.py --hold             # only ten minutes at feedback 1, and its picture

The phrase is played from recorded guitar notes where a folder ``shared/sounds`` lies beside the
checkout, and plucked otherwise.
"""

from __future__ import annotations

import argparse
import io
import math
import time
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from scipy.signal import lfilter, resample_poly

from leitmotiv.effects import apply, make_effect

RATE = 48_000
SOUNDS = Path(__file__).parents[2] / "shared" / "sounds" / "electric_guitar_clean.zip"
BEAT_SEC = 60 / 72
NOTES = ((0, 45), (0, 52), (1, 57), (2, 60), (3, 64), (4, 41), (4, 48), (5, 57), (6, 60), (7, 65))

QUARTERS = {"delay_sec": BEAT_SEC, "dry_level": 0.0, "wet_level": 1.0}
SETTINGS = {
    "default, dotted eighth": QUARTERS | {"delay_sec": 0.75 * BEAT_SEC, "feedback": 0.6},
    "bloom": QUARTERS
    | {"feedback": 0.82, "diffusion": 0.85, "diffusion_ms": 140.0, "high_cut_hz": 2500.0},
    "rising": QUARTERS
    | {"feedback": 0.85, "diffusion": 0.9, "octave_up_level": 0.5, "evolve": 0.3},
    "for ever": QUARTERS | {"feedback": 1.0, "diffusion": 0.8, "diffusion_ms": 160.0},
}


def pluck(pitch: int, sample_rate: int, rng: np.random.Generator) -> np.ndarray:
    """A plucked string: a burst in a damped loop (Karplus and Strong)."""
    period = round(sample_rate / (440 * 2 ** ((pitch - 69) / 12)))
    burst = np.zeros(3 * sample_rate)
    burst[:period] = lfilter([0.3], [1, -0.7], rng.standard_normal(period))
    loop = np.zeros(period + 2)
    loop[0], loop[period], loop[period + 1] = 1.0, -0.498, -0.498
    return np.asarray(lfilter([1.0], loop, burst))


def recorded(pitch: int, archive: zipfile.ZipFile, sample_rate: int) -> np.ndarray:
    import soundfile

    names = {
        int(name.split("/")[1][:3]): name
        for name in archive.namelist()
        if name.endswith("_f_rr1.flac")
    }
    near = min(names, key=lambda known: abs(known - pitch))
    audio, rate = soundfile.read(io.BytesIO(archive.read(names[near])))
    audio = resample_poly(audio, sample_rate, rate)
    places = np.arange(0, len(audio) - 1, 2 ** ((pitch - near) / 12))
    return np.interp(places, np.arange(len(audio)), audio)


def phrase(seconds: float, sample_rate: int = RATE) -> np.ndarray:
    """Two broken chords, then silence."""
    rng = np.random.default_rng(7)
    archive = zipfile.ZipFile(SOUNDS) if SOUNDS.exists() else None
    out = np.zeros(round(seconds * sample_rate))
    for beat, pitch in NOTES:
        note = (
            recorded(pitch, archive, sample_rate) if archive else pluck(pitch, sample_rate, rng)
        )[: round(3.2 * BEAT_SEC * sample_rate)]
        note[-2000:] *= np.linspace(1, 0, 2000)
        start = round(beat * BEAT_SEC * sample_rate)
        out[start : start + len(note)] += note
    out *= 0.35 / np.abs(out).max()
    return np.stack([out, out]).astype(np.float32)


def level_db(audio: np.ndarray) -> float:
    return 10 * math.log10(float(np.mean(np.square(audio, dtype=np.float64))) + 1e-24)


def echoes() -> None:
    print("## Echoes")
    plain = {
        "low_cut_hz": 10.0, "high_cut_hz": 20_000.0, "diffusion": 0.0, "wow_cents": 0.0,
        "flutter_cents": 0.0, "ceiling_db": 0.0, "wet_level": 1.0, "dry_level": 0.0,
    }  # fmt: skip
    click = np.zeros((2, 3 * RATE), np.float32)
    click[:, 0] = 0.5
    for feedback in (0.5, 0.9, 0.95):
        effect = make_effect("evolving_delay", plain | {"delay_sec": 0.1, "feedback": feedback})
        out = effect.process(click)[0]
        places = np.flatnonzero(np.abs(out) > 1e-9)[:20]
        gains = out[places] / (0.5 * feedback ** np.arange(len(places)))
        late = np.abs(places - 4800 * np.arange(1, len(places) + 1)).max()
        print(
            f"feedback {feedback}: {len(places)} echoes, at most {late} samples from their place, "
            f"{np.abs(20 * np.log10(gains)).max():.5f} dB from their level"
        )
    pulse = np.zeros((1, 4 * RATE), np.float32)
    pulse[0, :49] = 0.5 * np.hanning(49)
    effect = make_effect(
        "evolving_delay",
        plain | {"delay_sec": 1.0, "feedback": 0.9, "diffusion": 1.0},
        num_channels=1,
    )
    out = effect.process(pulse)[0, 24:].astype(np.float64)
    for n in (2, 3):
        around = out[n * RATE - 12_000 : n * RATE + 30_000]
        power = np.square(around)
        centre = ((np.arange(len(power)) - 12_000) * power).sum() / power.sum()
        width = np.sqrt(
            ((np.arange(len(power)) - 12_000 - centre) ** 2 * power).sum() / power.sum()
        )
        alike = np.correlate(around, around, "full")[len(around) - 1 :]
        ring = np.abs(alike[240:4800]).max() / alike[0]
        change = 10 * math.log10(power.sum() / np.square(out[RATE - 99 : RATE + 99]).sum())
        print(
            f"diffused echo {n}: middle {centre / 48:+.2f} ms from the beat, {width / 48:.0f} ms "
            f"wide, level {change:+.2f} dB (feedback alone {20 * (n - 1) * math.log10(0.9):+.2f}), "
            f"likest to itself 5-100 ms later: {ring:.2f}"
        )


def hold(pictures: Path | None) -> None:
    print("## Ten minutes at feedback 1 (22.05 kHz, the phrase, then silence)")
    rate, curves = 22_050, {}
    settings: dict[str, dict[str, float]] = {
        "default": {"delay_sec": 0.5},
        "short and diffused": {"delay_sec": 0.05, "diffusion": 1.0},
        "long cloud": {"delay_sec": BEAT_SEC, "diffusion": 1.0, "diffusion_ms": 160.0},
        "dark": {"delay_sec": 0.4, "high_cut_hz": 1500.0, "low_cut_hz": 250.0},
        "rising": {"delay_sec": 0.4, "octave_up_level": 0.3, "reverse_level": 0.3, "evolve": 0.1},
    }
    audio = phrase(10.0, rate)
    for name, values in settings.items():
        effect = make_effect(
            "evolving_delay",
            {"feedback": 1.0, "wet_level": 1.0, "dry_level": 0.0, **values},
            sample_rate=rate,
        )
        start = time.process_time()
        effect.process(audio)
        silence = np.zeros((2, 10 * rate), np.float32)
        blocks = [effect.process(silence) for _ in range(59)]
        spent = time.process_time() - start
        levels = np.array([level_db(block) for block in blocks])
        curves[name] = levels
        print(
            f"{name}: {levels[0]:.1f} dBFS after 20 s, {levels[5]:.1f} after a minute, "
            f"{levels[-1]:.1f} after ten; range {np.ptp(levels):.2f} dB; largest sample "
            f"{max(np.abs(block).max() for block in blocks):.2f}; {600 / spent:.0f}x real time"
        )
    if pictures:
        import matplotlib

        matplotlib.use("Agg")
        import matplotlib.pyplot as plt

        figure, axis = plt.subplots(figsize=(9, 3))
        for name, levels in curves.items():
            axis.plot((10 + 10 * (1 + np.arange(len(levels)))) / 60, levels, label=name)
        axis.set(xlabel="minutes", ylabel="level in dBFS", ylim=(-40, 0))
        axis.set_title("Feedback 1 after a phrase of ten seconds")
        axis.legend(ncols=3, fontsize=8)
        axis.grid(alpha=0.3)
        figure.tight_layout()
        figure.savefig(pictures / "delays-hold.png", dpi=80)
        plt.close(figure)


def purity_db(out: np.ndarray, frequencies: list[float]) -> float:
    heard = out[RATE // 2 : -RATE // 2].astype(np.float64)
    now, window = np.arange(len(heard)) / RATE, np.hanning(len(heard))
    matrix = np.array(
        [f(2 * np.pi * hz * now) * window for hz in frequencies for f in (np.cos, np.sin)]
    ).T
    found = matrix @ np.linalg.lstsq(matrix, heard * window, rcond=None)[0]
    return 10 * math.log10(np.square(found).sum() / np.square(heard * window - found).sum())


def pitch() -> None:
    print("## Pitch shifter")
    print("| kind | semitones | cents off | note, dB | chord, dB | attack, ms | before it, dB |")
    print("|---|---|---|---|---|---|---|")
    now = np.arange(3 * RATE) / RATE
    chord = [196.0, 293.66, 392.0, 493.88, 587.33]

    def tones(*frequencies: float) -> np.ndarray:
        waves = [np.sin(2 * np.pi * hz * now + k) for k, hz in enumerate(frequencies)]
        return (0.5 / len(waves) * np.sum(waves, axis=0))[None].astype(np.float32)

    for kind in ("smooth", "tight"):
        for semitones in (-24.0, -12.0, -5.0, 0.1, 7.0, 12.0, 24.0):
            ratio = 2 ** (semitones / 12)
            effect = make_effect(
                "pitch_shifter", {"semitones": semitones, "kind": kind}, num_channels=1
            )
            note = apply(tones(440.0), effect)[0]
            spectrum = np.abs(np.fft.rfft(note[RATE:-RATE] * np.hanning(RATE), 1 << 19))
            peak = int(np.argmax(spectrum))
            a, b, c = np.log(spectrum[peak - 1 : peak + 2])
            found = (peak + 0.5 * (a - c) / (a - 2 * b + c)) * RATE / (1 << 19)
            effect.reset()
            many = apply(tones(*chord), effect)[0]
            attacks, early = [], []
            for start in range(20_000, 22_000, 257):
                burst = np.zeros((1, RATE), np.float32)
                later = np.arange(RATE - start) / RATE
                burst[0, start:] = 0.5 * np.sin(2 * np.pi * 440 * later) * np.exp(-8 * later)
                effect.reset()
                out = apply(burst, effect)[0]
                attacks.append((np.flatnonzero(np.abs(out) > 0.1)[0] - start) / 48)
                power = np.square(out)
                early.append(10 * math.log10(power[:start].sum() / power.sum() + 1e-12))
            print(
                f"| {kind} | {semitones:g} | {1200 * math.log2(found / 440 / ratio):+.3f} | "
                f"{purity_db(note, [440 * ratio]):.0f} | "
                f"{purity_db(many, [hz * ratio for hz in chord]):.0f} | "
                f"{min(attacks):+.1f} to {max(attacks):+.1f} | {max(early):.0f} |"
            )
    for kind in ("smooth", "tight"):
        latency = make_effect("pitch_shifter", {"kind": kind}).latency_samples
        print(f"latency, {kind}: {latency} samples, {latency / 48:.1f} ms")


def speed() -> None:
    print("## Speed, stereo at 48 kHz in blocks of 4096, one core (times real time)")
    print("| effect | on music | on its own tail and silence |")
    print("|---|---|---|")
    audio = phrase(10.0)
    silence = np.zeros_like(audio)
    cases: dict[str, tuple[str, dict[str, object]]] = {
        "chorus, 3 voices": ("chorus", {}),
        "flanger": ("flanger", {}),
        "phaser, 6 stages": ("phaser", {}),
        "phaser, barber pole, 6 notches": ("phaser", {"direction": "up"}),
        "tremolo": ("tremolo", {}),
        "delay": ("delay", {}),
        "evolving delay": ("evolving_delay", {}),
        "evolving delay, no diffusion": ("evolving_delay", {"diffusion": 0.0}),
        "evolving delay, both octaves and reverse": (
            "evolving_delay",
            {"octave_up_level": 0.3, "octave_down_level": 0.3, "reverse_level": 0.3},
        ),
        "pitch shifter, smooth": ("pitch_shifter", {"semitones": 7.0}),
        "pitch shifter, tight": ("pitch_shifter", {"semitones": 7.0, "kind": "tight"}),
        "granular": ("granular", {}),
        "looper, 4 layers": (
            "looper", {"loop_sec": 1.0, "auto_record": True, "overdub": 1.0}
        ),
    }  # fmt: skip
    for label, (name, settings) in cases.items():
        effect = make_effect(name, settings)
        effect.process(audio[:, :4800])  # loads the compiled code
        best = {}
        for _ in range(3):
            effect.reset()
            for what, sound in (("music", audio), ("tail", silence), ("silence", silence)):
                start = time.process_time()
                for at in range(0, sound.shape[1], 4096):
                    effect.process(sound[:, at : at + 4096])
                spent = time.process_time() - start
                best[what] = min(best.get(what, spent), spent)
        print(f"| {label} | {10 / best['music']:.0f} | {10 / best['silence']:.0f} |")


def save(figure: Any, path: Path) -> None:
    """Save with few colours: a spectrogram is noise, which does not pack well."""
    from PIL import Image

    buffer = io.BytesIO()
    figure.savefig(buffer, dpi=60)
    Image.open(buffer).convert("RGB").quantize(48).save(path, optimize=True)


def draw(pictures: Path) -> None:
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    def panel(axis: Any, audio: np.ndarray, title: str, high: float = 8000.0) -> None:
        quiet = 1e-9 * np.random.default_rng(0).standard_normal(len(audio))
        axis.specgram(
            audio + quiet, NFFT=4096, noverlap=3072, Fs=RATE, vmin=-140, vmax=-40, cmap="magma"
        )
        axis.set(yscale="log", ylim=(60, high), title=title)

    audio = phrase(20.0)
    figure, axes = plt.subplots(5, 1, figsize=(10, 13), sharex=True)
    panel(axes[0], audio[0], "the phrase")
    for axis, (name, settings) in zip(axes[1:], SETTINGS.items(), strict=True):
        panel(axis, make_effect("evolving_delay", settings).process(audio)[0], f"echoes: {name}")
    axes[-1].set_xlabel("seconds")
    figure.tight_layout()
    save(figure, pictures / "delays-evolving.png")
    plt.close(figure)

    noise = 0.2 * np.random.default_rng(1).standard_normal((2, 12 * RATE)).astype(np.float32)
    sources = {
        "phaser on noise": ("phaser", {"rate_hz": 0.25, "num_stages": 8}, noise),
        "barber pole on noise": (
            "phaser",
            {"direction": "up", "rate_hz": 0.4, "num_stages": 6, "depth_octaves": 3.0,
             "wet_level": 1.0, "dry_level": 0.0},
            noise,
        ),
        "granular cloud of the phrase": (
            "granular", {"dry_level": 0.0, "octave_chance": 0.25, "spray_ms": 800.0}, audio
        ),
        "looper: the phrase's first 3.3 s, darker and shuffled with each pass": (
            "looper",
            {"loop_sec": 4 * BEAT_SEC, "auto_record": True, "pass_dark_octaves": 0.6,
             "shuffle_chance": 0.6, "pass_gain_db": -2.0, "dry_level": 0.0},
            audio,
        ),
    }  # fmt: skip
    figure, axes = plt.subplots(4, 1, figsize=(10, 11))
    for axis, (title, (name, settings, sound)) in zip(axes, sources.items(), strict=True):
        panel(axis, make_effect(name, settings).process(sound)[0], title, 16_000.0)
    figure.tight_layout()
    save(figure, pictures / "delays-movement.png")
    plt.close(figure)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pictures", type=Path, help="folder to draw into")
    parser.add_argument("--hold", action="store_true", help="only ten minutes at feedback 1")
    arguments = parser.parse_args()
    if not arguments.hold:
        echoes()
        pitch()
        speed()
        if arguments.pictures:
            draw(arguments.pictures)
    hold(arguments.pictures)


if __name__ == "__main__":
    main()
