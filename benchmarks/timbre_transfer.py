"""What timbre transfer achieves on held-out phrases, and what its adversary adds.

Phrases that no training saw are played by one instrument (half of them by programs that no
training heard), transferred, and compared with the same phrase played by the target class. Six
ways, the network's and the equaliser's through the same filter and fill:

- ``source``: nothing is done.
- ``mean EQ``: one equaliser a clip, which brings its mean spectrum to the target class's.
- ``plain``: the network, trained as long on the same batches, without the adversary (the ablation).
- ``adversarial``: the shipped network.
- ``oracle``: the paired target's own levels in place of a network's: what the filter can reach.
- ``real``: the paired target itself.

    python -m leitmotiv.instruments.timbre_pairs train.npz --phrases 350 --seed 1
    python benchmarks/timbre_transfer.py --pack train.npz [--phrases 30] [--picture FILE.png]

Columns:

- ``pair dB``: mean absolute difference of band levels to the paired target (lower is better).
- ``Frechet``: Frechet distance of cepstra and their motion to the class's paired targets (lower).
- ``movement``, ``grain``: level changes from frame to frame and from band to band, as a share of
  the target's; 1 is right, below 1 is over-smoothed.
- ``spread``: standard deviation over time of each band, as a share of the target's.
- ``class``: how often a classifier, fitted here to the pack's renderings and nothing else, takes
  the result for the target class; its accuracy on real renderings it has not seen stands above.
- ``chroma``: cosine similarity of pitch classes with the source, frame by frame.
- ``onset F``: F-measure of onsets within 50 ms of the phrase's own.

``--notes FOLDER`` also makes phrases of recorded single notes and prints the ``class`` column for
them. Needs a SoundFont with the acoustic classes; the figures of the docs are MuseScore General's.
"""

from __future__ import annotations

import argparse
import json
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.fft import dct
from scipy.linalg import sqrtm
from scipy.optimize import minimize
from scipy.signal import resample_poly

from leitmotiv.audio import magnitude_to_db, read_audio, stft
from leitmotiv.instruments.timbre_bands import FLOOR_DB, TimbreBands
from leitmotiv.instruments.timbre_network import TimbreNetwork, shipped_network
from leitmotiv.instruments.timbre_pairs import CLASSES, HELD_OUT, PhrasePlayer, random_phrase
from leitmotiv.instruments.timbre_transfer import transfer_timbre

SAMPLE_RATE = 48_000
LOWEST_DB = -80.0
BUILT_IN = ("synth", "pad")
PLAIN = Path(__file__).parent / "data" / "timbre-transfer-plain.npz"
NAMES = list(CLASSES)
BANDS = TimbreBands(SAMPLE_RATE)
Levels = NDArray[np.float32]


def levels_of(audio: NDArray[np.float32]) -> Levels:
    """Levels (bands, frames), at least LOWEST_DB."""
    return np.maximum(BANDS.of_audio(audio), LOWEST_DB)


class Given:
    """Stands in for a network: answers what a function makes of the levels."""

    context_frames = 0

    def __init__(self, target: Levels | None = None, mean: Levels | None = None) -> None:
        self.target, self.mean, self.place = target, mean, 0

    def index_of(self, name: str) -> int:
        return NAMES.index(name)

    def answer_db(self, heard: Levels, label: int) -> Levels:
        if self.mean is not None:
            return heard + self.mean[:, None]
        assert self.target is not None
        piece = self.target[:, self.place : self.place + heard.shape[1]]
        self.place += heard.shape[1]
        return np.pad(piece, ((0, 0), (0, heard.shape[1] - piece.shape[1])), mode="edge")


def active(levels: Levels) -> NDArray[np.bool_]:
    power = np.sum(10 ** (levels / 10), axis=0)
    return power > power.max() * 1e-4


def mean_levels(levels: Levels) -> Levels:
    """Mean power of the active frames, dB (bands,)."""
    return 10 * np.log10(np.mean(10 ** (levels[:, active(levels)] / 10), axis=1) + 1e-10)


def cepstra(levels: Levels) -> NDArray[np.float64]:
    """Twenty cepstral coefficients and their motion over 50 ms, active frames, (frames, 40)."""
    kept = active(levels)[5:]
    coefficients = dct(levels, axis=0, norm="ortho")[:20].T
    both = np.concatenate([coefficients[5:], coefficients[5:] - coefficients[:-5]], axis=1)
    return both[kept].astype(np.float64)


def frechet(a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
    """Frechet distance of two sets of vectors as Gaussians, over the number of dimensions."""
    mean = np.square(a.mean(axis=0) - b.mean(axis=0)).sum()
    cov_a, cov_b = np.cov(a.T), np.cov(b.T)
    root = np.real(sqrtm(cov_a @ cov_b))
    return float((mean + np.trace(cov_a + cov_b - 2 * root)) / a.shape[1])


def clip_features(levels: Levels) -> NDArray[np.float64]:
    frames = cepstra(levels)
    motion = np.abs(frames[:, 20:]).mean(axis=0)
    return np.concatenate([frames[:, :20].mean(axis=0), frames[:, :20].std(axis=0), motion])


class Classifier:
    """Softmax regression on a clip's cepstral statistics."""

    def __init__(self, features: NDArray[np.float64], labels: NDArray[np.int64]) -> None:
        self.mean, self.std = features.mean(axis=0), features.std(axis=0) + 1e-9
        x = self._design(features)
        shape = (x.shape[1], len(NAMES))
        hot = np.eye(len(NAMES))[labels]

        def cost(flat: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
            w = flat.reshape(shape)
            score = x @ w
            score -= score.max(axis=1, keepdims=True)
            p = np.exp(score)
            p /= p.sum(axis=1, keepdims=True)
            loss = -np.log(p[hot > 0] + 1e-30).mean() + 1e-3 * np.square(w).sum()
            return float(loss), (x.T @ (p - hot) / len(x) + 2e-3 * w).ravel()

        self.w = minimize(cost, np.zeros(shape).ravel(), jac=True, method="L-BFGS-B").x
        self.w = self.w.reshape(shape)

    def _design(self, features: NDArray[np.float64]) -> NDArray[np.float64]:
        x = np.clip((features - self.mean) / self.std, -5, 5)
        return np.concatenate([x, np.ones((len(x), 1))], axis=1)

    def predict(self, features: NDArray[np.float64]) -> NDArray[np.int64]:
        return np.argmax(self._design(features) @ self.w, axis=1)


def chroma(audio: NDArray[np.float32]) -> NDArray[np.float64]:
    """Pitch classes over time, (12, frames), from spectra of 170 ms up to 2 kHz."""
    spectrum = np.abs(stft(audio, n_fft=8192, hop_length=2048)).mean(axis=0)
    frequency = np.arange(spectrum.shape[0]) * SAMPLE_RATE / 8192
    used = (frequency > 100) & (frequency < 2000)
    pitch = np.round(69 + 12 * np.log2(frequency[used] / 440)).astype(int) % 12
    return np.eye(12)[:, pitch] @ np.sqrt(spectrum[used])


def chroma_similarity(a: NDArray[np.float32], b: NDArray[np.float32]) -> float:
    first, second = chroma(a), chroma(b)
    first, second = first - first.mean(axis=0), second - second.mean(axis=0)
    size = np.linalg.norm(first, axis=0) * np.linalg.norm(second, axis=0)
    loud = np.linalg.norm(first, axis=0)
    kept = (loud > loud.max() * 0.05) & (size > 0)
    return float(np.mean((first * second).sum(axis=0)[kept] / size[kept]))


def onsets_of(audio: NDArray[np.float32]) -> NDArray[np.float64]:
    """Peaks of the rise of band levels, seconds."""
    levels = np.maximum(BANDS.of_audio(audio), -60.0)
    rise = np.maximum(levels[:, 2:] - levels[:, :-2], 0).mean(axis=0)
    peaks = []
    for index in range(1, len(rise) - 1):
        near = rise[max(index - 5, 0) : index + 6]
        if (
            rise[index] == near.max()
            and rise[index] > 1.0 + rise[max(index - 40, 0) : index + 40].mean()
        ):
            peaks.append((index + 1) * BANDS.hop_length / SAMPLE_RATE)
    return np.array(peaks)


def onset_f(found: NDArray[np.float64], wanted: NDArray[np.float64]) -> float:
    if not len(found) or not len(wanted):
        return 0.0
    near = np.abs(found[:, None] - wanted[None, :]) <= 0.05
    precision, recall = near.any(axis=1).mean(), near.any(axis=0).mean()
    return float(2 * precision * recall / max(precision + recall, 1e-9))


def direction(source: str, target: str) -> str:
    if (source in BUILT_IN) == (target in BUILT_IN):
        return "other"
    return "to synth" if target in BUILT_IN else "from synth"


def draw(path: Path, player: PhrasePlayer, network: TimbreNetwork) -> None:
    """Draw source, transfer and the real target: from strings to a synthesiser, and back."""
    from matplotlib.figure import Figure

    notes = random_phrase(np.random.default_rng(11))
    rng = np.random.default_rng(1)
    figure = Figure(figsize=(13, 8), dpi=66)
    for row, (origin, target) in enumerate((("strings", "synth"), ("synth", "strings"))):
        programs = {"strings": 48, "synth": 81}
        source = player.play_class(notes, origin, programs[origin], rng)
        paired = player.play_class(notes, target, programs[target], rng)
        paired *= np.sqrt(np.mean(np.square(source)) / np.mean(np.square(paired)))
        made = transfer_timbre(source, SAMPLE_RATE, target, network=network)
        titles = (f"source: {origin}", f"transferred to {target}", f"played by {target}")
        for column, (audio, title) in enumerate(
            zip((source, made, paired), titles, strict=True), start=1
        ):
            spectrum = np.abs(stft(audio, n_fft=4096, hop_length=512)).mean(axis=0)[:900]
            axes = figure.add_subplot(2, 3, 3 * row + column)
            axes.imshow(
                magnitude_to_db(spectrum / 1024), origin="lower", aspect="auto", cmap="magma",
                vmin=-100, vmax=-25, extent=(0, 6, 0, 900 * SAMPLE_RATE / 4096 / 1000),
            )  # fmt: skip
            axes.set_title(title, fontsize=11)
            axes.set_xlabel("seconds")
            axes.set_ylabel("kHz")
    figure.tight_layout()
    figure.savefig(path)


def recorded_phrase(folder: Path, rng: np.random.Generator) -> NDArray[np.float32]:
    """Six seconds of recorded single notes, one after the other."""
    files = sorted(path for path in folder.rglob("*") if path.suffix in (".flac", ".wav"))
    audio = np.zeros((1, 14 * SAMPLE_RATE), np.float32)
    at = 0
    while at < 5.3 * SAMPLE_RATE:
        note, rate = read_audio(files[int(rng.integers(len(files)))])
        note = resample_poly(note[:1], SAMPLE_RATE, rate, axis=1)
        length = int(rng.uniform(0.4, 1.0) * SAMPLE_RATE)
        note = note[:, :length].copy()
        fade = min(2400, note.shape[1])
        note[:, note.shape[1] - fade :] *= np.linspace(1, 0, fade)
        audio[:, at : at + note.shape[1]] += note
        at += length
    return audio[:, : 6 * SAMPLE_RATE]


def judge_recorded(folder: Path, networks: dict[str, Any], classifier: Classifier) -> None:
    """Print how often transfers of recorded notes are taken for their target."""
    phrases = [recorded_phrase(folder, np.random.default_rng(seed)) for seed in range(6)]
    for method, network in networks.items():
        taken = {}
        for target in NAMES:
            made = [transfer_timbre(a, SAMPLE_RATE, target, network=network) for a in phrases]
            found = [classifier.predict(clip_features(levels_of(m))[None])[0] for m in made]
            taken[target] = sum(NAMES[index] == target for index in found)
        share = sum(taken.values()) / (len(phrases) * len(NAMES))
        print(f"{folder.name}, {method}: class {share:.1%}, of {len(phrases)} each: {taken}")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--phrases", type=int, default=30)
    parser.add_argument("--pack", type=Path, required=True, help="renderings of other phrases")
    parser.add_argument("--network", type=Path, help="another .npz than the shipped one")
    parser.add_argument("--plain", type=Path, default=PLAIN)
    parser.add_argument("--soundfont", type=Path)
    parser.add_argument("--picture", type=Path)
    parser.add_argument("--notes", type=Path, action="append", help="folder of recorded notes")
    parser.add_argument("--json", type=Path, help="write the figures there")
    parser.add_argument("--no-fill", action="store_true", help="filter alone, no stretched copies")
    arguments = parser.parse_args()
    player = PhrasePlayer(arguments.soundfont)
    network = TimbreNetwork(arguments.network) if arguments.network else shipped_network()
    methods: dict[str, Any] = {"source": None, "mean EQ": None}
    if arguments.plain.is_file():
        methods["plain"] = TimbreNetwork(arguments.plain)
    methods |= {"adversarial": network, "oracle": None, "real": None}

    mean: dict[str, list[Levels]] = defaultdict(list)
    features = []
    with np.load(arguments.pack) as pack:
        labelled = np.flatnonzero(pack["label"] >= 0)
        y = pack["label"][labelled]
        for row, label in zip(pack["levels"][labelled], y, strict=True):
            levels = np.maximum(row.astype(np.float32) / 2 + FLOOR_DB, LOWEST_DB)
            features.append(clip_features(levels))
            mean[NAMES[label]].append(mean_levels(levels))
    x = np.array(features)
    most = 2 * len(x) // 3
    held_out = float((Classifier(x[:most], y[:most]).predict(x[most:]) == y[most:]).mean())
    classifier = Classifier(x, y)
    class_mean = {name: np.mean(mean[name], axis=0) for name in NAMES}
    print(f"classifier on real renderings it was not fitted to: {held_out:.1%}")

    rows: dict[tuple[str, str], list[dict[str, float]]] = defaultdict(list)
    frames: dict[tuple[str, str], list[NDArray[np.float64]]] = defaultdict(list)
    spent = heard_sec = 0.0
    for number in range(arguments.phrases):
        rng = np.random.default_rng((4, number))
        notes = random_phrase(rng)
        wanted_onsets = np.unique(notes["onset"]) / 960.0
        strange = number % 2 == 1
        pool = HELD_OUT if strange else CLASSES
        # Every third phrase from a synthesiser, so that both directions are well heard.
        origin = str(rng.choice([n for n in pool if (n in BUILT_IN) == (number % 3 == 0)]))
        source = player.play_class(notes, origin, int(rng.choice(pool[origin])), rng)
        heard = levels_of(source)
        others = [n for n in NAMES if n != origin and n not in BUILT_IN]
        targets = [str(n) for n in rng.permutation(others)[:2]]
        targets += [str(rng.choice([n for n in BUILT_IN if n != origin]))]
        for target in targets:
            program = int(rng.choice(CLASSES[target]))
            paired = player.play_class(notes, target, program, rng)
            wanted = levels_of(paired)
            for method, model in methods.items():
                begun = time.process_time()
                if method in ("source", "real"):
                    made = source if method == "source" else paired
                else:
                    if method == "mean EQ":
                        model = Given(mean=class_mean[target] - mean_levels(heard))
                    elif method == "oracle":
                        model = Given(target=wanted)
                    made = transfer_timbre(
                        source, SAMPLE_RATE, target, network=model, fill=not arguments.no_fill
                    )
                if method == "adversarial":
                    spent += time.process_time() - begun
                    heard_sec += source.shape[1] / SAMPLE_RATE
                levels = levels_of(made)
                kept = active(wanted)
                rows[method, direction(origin, target)].append(
                    {
                        "pair dB": float(np.abs(levels - wanted).mean()),
                        "movement": float(
                            np.abs(np.diff(levels)).mean() / np.abs(np.diff(wanted)).mean()
                        ),
                        "grain": float(
                            np.abs(np.diff(levels[:, kept], axis=0)).mean()
                            / np.abs(np.diff(wanted[:, kept], axis=0)).mean()
                        ),
                        "spread": float(levels.std(axis=1).mean() / wanted.std(axis=1).mean()),
                        "class": float(
                            NAMES[classifier.predict(clip_features(levels)[None])[0]] == target
                        ),
                        "chroma": chroma_similarity(source, made),
                        "onset F": onset_f(onsets_of(made), wanted_onsets),
                        "strange": float(strange),
                    }
                )
                frames[method, target].append(cepstra(levels))
        print(f"\r{number + 1}/{arguments.phrases}", end="", flush=True)
    print()

    result: dict[str, Any] = {"classifier_on_real": held_out}
    columns = ["pair dB", "movement", "grain", "spread", "class", "chroma", "onset F"]
    for group in ("all", "to synth", "from synth", "unheard programs"):
        print(f"\n{group}\n{'':<13}{'Frechet':>9}" + "".join(f"{c:>10}" for c in columns))
        for method in methods:
            chosen = [
                row
                for (m, d), some in rows.items()
                if m == method
                for row in some
                if group in ("all", d) or (group == "unheard programs" and row["strange"])
            ]
            values = {c: float(np.mean([row[c] for row in chosen])) for c in columns}
            distance = float("nan")
            if group == "all":
                distance = float(
                    np.mean(
                        [
                            frechet(
                                np.concatenate(frames[method, t]),
                                np.concatenate(frames["real", t]),
                            )
                            for t in NAMES
                            if len(frames[method, t]) >= 3
                        ]
                    )
                )
                values["Frechet"] = distance
            result[f"{group}: {method}"] = {k: round(v, 4) for k, v in values.items()}
            shown = f"{distance:9.1f}" if distance == distance else " " * 9
            print(f"{method:<13}{shown}" + "".join(f"{values[c]:>10.3f}" for c in columns))
    result["real_time_factor"] = round(heard_sec / spent, 1)
    print(f"\n{result['real_time_factor']:.0f} times real time, one core, stereo at 48 kHz")
    if arguments.picture:
        draw(arguments.picture, player, network)
    for folder in arguments.notes or []:
        judge_recorded(folder, {k: v for k, v in methods.items() if v is not None}, classifier)
    if arguments.json:
        arguments.json.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
