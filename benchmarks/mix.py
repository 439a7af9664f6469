"""Mix and master in figures: melody audibility, peaks, exactness, encoding, speed.

For each of twenty briefs of many styles the dry stems are made once (and kept in ``--cache``), then
mixed and mastered, and measured:

- in how many bars the melody stands over the rest within the style's band,
- peaks of stems and mix, loudness and true peak of the master, and the true peaks after MP3, Opus
  and Vorbis of the loudest five seconds,
- processor time of mixing and mastering a minute of music.

``--engine`` names the instruments; ``auto`` is a sound bank where one is found, else neural.
``--before CHECKOUT`` does the same with another version of the code on the same dry stems.
``--codecs`` prints loudness and true peak of each profile in each format, measured on the decoded
audio; loudness with pyloudnorm, which is not ours.

    python benchmarks/mix.py --cache /tmp/dry --before ../before --codecs
"""

from __future__ import annotations

import argparse
import json
import os
import pickle
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

BRIEFS = {
    "waltz": "a wistful waltz for string quartet in D minor, 60 seconds",
    "rock": "rock song in E minor, 45 seconds",
    "electronic": "electronic dance track, 124 bpm, 45 seconds",
    "lofi": "lo-fi beat, 80 bpm, 40 seconds",
    "orch": "heroic orchestral film cue, 50 seconds",
    "jazz": "jazz trio ballad, 45 seconds",
    "ambient": "ambient drone piece, 50 seconds",
    "piano": "calm piano piece in G major, 40 seconds",
    "choir": "a hymn for choir, 40 seconds",
    "celtic": "celtic jig, 40 seconds",
    "funk": "funk groove, 40 seconds",
    "tango": "tango for small ensemble, 40 seconds",
    "synthwave": "synthwave night drive, 45 seconds",
    "house": "deep house loop, 45 seconds",
    "pop": "pop song, happy, 45 seconds",
    "march": "march for brass band, 40 seconds",
    "tension": "tense film underscore, 45 seconds",
    "bossa": "bossa nova, 40 seconds",
    "chiptune": "chiptune game loop, 40 seconds",
    "baroque": "baroque trio sonata, 40 seconds",
}
SEED = 7

# What a version of the code does with dry stems; runs in a process of its own, so that two
# versions can be compared. It uses only names that both have.
WORKER = """
import inspect, json, pickle, sys, time
import numpy as np
from leitmotiv.audio import Stems
from leitmotiv.mix import balance_stems, find_preset, master, mix_down, trim_tail
from leitmotiv import pipeline

def run(path, out):
    plan, performance, names, audio, sample_rate = pickle.load(open(path, "rb"))
    preset = pipeline.mix_preset(performance, plan)
    more = {}
    if "form" in inspect.signature(balance_stems).parameters:
        more["form"] = pipeline.mix_form(performance, plan)
    dry = Stems(names, tuple(one.copy() for one in audio), sample_rate)
    start = time.process_time()
    stems = trim_tail(balance_stems(
        dry, tuple(part.role for part in performance.parts), preset=preset, overwrite=True,
        programs=tuple(None if p.is_drum else p.program for p in performance.parts), **more,
    ), overwrite=True)
    mix = mix_down(stems)
    middle = time.process_time()
    tone = {"tone": find_preset(preset).tone} if hasattr(find_preset(preset), "tone") else {}
    done = master(mix, sample_rate, **tone)
    end = time.process_time()
    numbered = {f"stem{n}": audio for n, audio in enumerate(stems.audio)}
    np.savez(out, mix=mix, master=done.audio, **numbered)
    minutes = dry.duration_sec / 60
    took = {"mix_sec": (middle - start) / minutes, "master_sec": (end - middle) / minutes}
    print(json.dumps(took), flush=True)

pairs = json.loads(sys.argv[1])
run(*pairs[0])  # warm
for pair in pairs:
    run(*pair)
"""


def dry_stems(cache: Path, engine: Any) -> Iterator[tuple[str, Path]]:
    """Compose and render what is not in the cache of that engine yet."""
    from leitmotiv.compose import compose, perform
    from leitmotiv.instruments import RenderOptions, render_stems
    from leitmotiv.models import open_model
    from leitmotiv.pipeline import plan_brief

    model = open_model(None)
    for name, brief in BRIEFS.items():
        path = cache / (f"{name}.pkl" if engine == "auto" else f"{name}.{engine}.pkl")
        if not path.exists():
            rng = np.random.default_rng(SEED)
            plan = plan_brief(brief, seed=SEED)
            performance = perform(compose(plan, model=model, rng=rng), plan, rng=rng)
            dry = render_stems(performance, options=RenderOptions(engine=engine), rng=rng)
            content = (plan, performance, dry.names, list(dry.audio), dry.sample_rate)
            path.write_bytes(pickle.dumps(content))
        yield name, path


def mixed(source: Path, paths: dict[str, Path], folder: Path) -> dict[str, dict[str, float]]:
    """Mix and master every piece with the code of a checkout."""
    pairs = [(str(path), str(folder / f"{name}.npz")) for name, path in paths.items()]
    environment = {**os.environ, "PYTHONPATH": str(source.resolve() / "src")}
    run = subprocess.run(
        [sys.executable, "-c", WORKER, json.dumps(pairs)],
        env=environment, check=True, capture_output=True, text=True,
    )  # fmt: skip
    lines = [json.loads(line) for line in run.stdout.splitlines()][1:]
    return dict(zip(paths, lines, strict=True))


def figures(name: str, dry: Path, result: Path) -> dict[str, Any]:
    """Measure one result; both versions are held against the same bands and bars."""
    from leitmotiv.audio import FORMATS, hop_powers, round_trip, sample_peak_dbfs, true_peak_dbtp
    from leitmotiv.audio.sound_report import measure_sound
    from leitmotiv.mix import bar_differences_lu, find_preset, share_within
    from leitmotiv.piece_mix import mix_form, mix_preset

    plan, performance, _, _, sample_rate = pickle.loads(dry.read_bytes())
    form = mix_form(performance, plan)
    assert form is not None
    content = np.load(result)
    stems = [content[f"stem{n}"] for n in range(len(content.files) - 2)]
    differences = bar_differences_lu([hop_powers(one, sample_rate) for one in stems], form)
    band = find_preset(mix_preset(performance, plan)).melody_over_lu
    judged = differences[np.isfinite(differences)]
    master = content["master"]
    report = measure_sound(master, sample_rate)
    curve = report.short_term_lufs
    start = int(np.argmax(curve)) * sample_rate // 10
    loudest = master[:, start : start + 5 * sample_rate]
    encoded = {
        one.name: true_peak_dbtp(round_trip(loudest, sample_rate, one)[0])
        for one in FORMATS.values()
        if one.lossy and one.is_available
    }
    return {
        "name": name,
        "bars": len(judged),
        "inside": share_within(differences, band),
        "low": float(np.percentile(judged, 5)),
        "median": float(np.median(judged)),
        "stem_peak": max(sample_peak_dbfs(one) for one in stems),
        "mix_peak": sample_peak_dbfs(content["mix"]),
        "lufs": report.integrated_lufs,
        "dbtp": report.true_peak_dbtp,
        "range": report.loudness_range_lu,
        "encoded": encoded,
    }


def print_table(title: str, rows: list[dict[str, Any]], speed: dict[str, dict[str, float]]) -> None:
    print(f"\n{title}")
    print(
        f"{'piece':11}{'bars':>5}{'in band':>9}{'5 %':>7}{'median':>8}{'stem pk':>9}{'mix pk':>8}"
        f"{'LUFS':>8}{'dBTP':>7}{'LRA':>6}{'coded':>7}{'mix s':>7}{'mstr s':>7}"
    )
    for row in rows:
        took = speed[row["name"]]
        print(
            f"{row['name']:11}{row['bars']:5d}{row['inside']:9.0%}{row['low']:7.1f}"
            f"{row['median']:8.1f}{row['stem_peak']:9.1f}{row['mix_peak']:8.1f}"
            f"{row['lufs']:8.2f}{row['dbtp']:7.2f}{row['range']:6.1f}"
            f"{max(row['encoded'].values()):7.2f}{took['mix_sec']:7.2f}{took['master_sec']:7.2f}"
        )
    bars = sum(row["bars"] for row in rows)
    inside = sum(row["inside"] * row["bars"] for row in rows)
    held = sum(row["inside"] >= 0.95 for row in rows)
    coded = [peak for row in rows for peak in row["encoded"].values()]
    below = np.mean(np.asarray(coded) <= -1)
    error = max(abs(row["lufs"] + 14) for row in rows)
    mix_sec, master_sec = (
        np.mean([took[key] for took in speed.values()]) for key in ("mix_sec", "master_sec")
    )
    print(
        f"all: {inside / bars:.1%} of {bars} bars in band, 95 % held by {held} of {len(rows)}; "
        f"loudness error at most {error:.3f} LU; encoded peaks at most {max(coded):.2f} dBTP, "
        f"{below:.0%} at or below -1; processor seconds a minute of music: mix {mix_sec:.2f}, "
        f"master {master_sec:.2f}"
    )


def draw(folders: dict[str, Path], names: list[str], path: Path) -> None:
    """Spectrograms of the masters, version by version."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from PIL import Image
    from scipy.signal import stft

    figure = Figure(figsize=(11, 2.6 * len(names)), dpi=75, layout="constrained")
    FigureCanvasAgg(figure)
    grid = figure.subplots(len(names), len(folders), squeeze=False, sharex="row")
    for row, name in zip(grid, names, strict=True):
        for axes, (version, folder) in zip(row, folders.items(), strict=True):
            audio = np.load(folder / f"{name}.npz")["master"].mean(axis=0)
            hz, sec, values = stft(audio, 48000, nperseg=4096, noverlap=0)
            level = 20 * np.log10(np.abs(values) + 1e-7)
            rows = np.searchsorted(hz, np.geomspace(40, 16000, 240))
            extent = (0.0, float(sec[-1]), np.log2(40), np.log2(16000))
            axes.imshow(
                level[rows], origin="lower", aspect="auto", extent=extent,
                vmin=-100, vmax=-25, cmap="magma",
            )  # fmt: skip
            axes.set_yticks(np.log2([63, 250, 1000, 4000]), ["63 Hz", "250", "1k", "4k"])
            axes.set_title(f"{name}, {version}", fontsize=9, loc="left")
    figure.savefig(path)
    Image.open(path).convert("RGB").quantize(48).save(path, optimize=True)  # a third of the bytes


def print_codecs(paths: list[Path]) -> None:
    """Loudness and true peak of every profile in every format, on what is decoded."""
    import pyloudnorm

    from leitmotiv.audio import FORMATS, round_trip, true_peak_dbtp
    from leitmotiv.mix import PROFILES, master

    print("\nprofile        format  LUFS error  true peak (worst of the pieces, decoded)")
    excerpts = []
    for path in paths:
        content = np.load(path)
        excerpts.append(content["mix"][:, 48000 * 5 : 48000 * 20].copy())
    for profile in PROFILES.values():
        if profile.integrated_lufs is None:
            continue
        for name in ("wav16", "wav", "flac", "ogg", "opus", "mp3"):
            errors, peaks = [], []
            for mix in excerpts:
                lossy = name if FORMATS[name].lossy else None
                done = master(mix, 48000, profile=profile, format=lossy)
                heard, rate = round_trip(done.audio, 48000, name)
                loudness = pyloudnorm.Meter(rate, filter_class="DeMan").integrated_loudness(heard.T)
                errors.append(loudness - profile.integrated_lufs)
                peaks.append(true_peak_dbtp(heard))
            worst = max(errors, key=abs)
            print(f"{profile.name:15}{name:8}{worst:+10.3f}{max(peaks):11.2f}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--engine", default="auto", choices=("auto", "neural", "modelled", "sampled")
    )
    parser.add_argument("--cache", type=Path, help="folder of the dry stems")
    parser.add_argument("--before", type=Path, help="another checkout to compare with")
    parser.add_argument("--only", nargs="*", help="names of briefs")
    parser.add_argument("--codecs", action="store_true")
    parser.add_argument("--picture", type=Path, help="draw spectrograms as PNG")
    arguments = parser.parse_args()
    start = time.perf_counter()
    with tempfile.TemporaryDirectory() as temporary:
        cache = arguments.cache or Path(temporary) / "dry"
        cache.mkdir(parents=True, exist_ok=True)
        paths = {
            name: path
            for name, path in dry_stems(cache, arguments.engine)
            if not arguments.only or name in arguments.only
        }
        versions = {"after": Path(__file__).parents[1]}
        if arguments.before:
            versions = {"before": arguments.before, **versions}
        for title, source in versions.items():
            folder = Path(temporary) / title
            folder.mkdir()
            speed = mixed(source, paths, folder)
            rows = [figures(name, paths[name], folder / f"{name}.npz") for name in paths]
            print_table(title, rows, speed)
        if arguments.picture:
            folders = {title: Path(temporary) / title for title in versions}
            draw(folders, list(paths)[:3], arguments.picture)
        if arguments.codecs:
            chosen = [name for name in ("pop", "orch") if name in paths] or list(paths)[:1]
            print_codecs([Path(temporary) / "after" / f"{name}.npz" for name in chosen])
    print(f"\n{time.perf_counter() - start:.0f} s in all")


if __name__ == "__main__":
    main()
