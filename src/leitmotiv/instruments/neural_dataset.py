"""A data set of single notes: rendered from a bank, joined by recordings, in the layout of NSynth.

A folder with ``examples.json`` (one entry a note: pitch, velocity, instrument, family, source,
qualities, split, licence) and ``audio/NOTE.flac`` (mono, 16 bit, 48 kHz). Every fifth pitch is held
out at velocities that training never sees, and so is one velocity of another fifth.

Conventions: a note begins at its onset; ``key_up_sec`` is when the key was let go, null where a
recording rings out by itself. Audio is scaled so that its loudest 100 ms have K-weighted RMS
:data:`REFERENCE_RMS`; the dynamic is told by ``velocity`` and by the timbre.

Public names: :func:`build_dataset`, :func:`read_dataset`, :class:`NoteExample`,
:data:`REFERENCE_RMS`, :data:`QUALITIES`.

References: J. Engel et al., *Neural Audio Synthesis of Musical Notes with WaveNet Autoencoders*,
2017; https://magenta.tensorflow.org/datasets/nsynth.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from math import gcd
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
from numpy.typing import NDArray
from scipy.signal import resample_poly

from leitmotiv.errors import RenderError
from leitmotiv.instruments.neural_analysis import find_ending, find_onset, note_level
from leitmotiv.instruments.neural_catalogue import FAMILIES, INSTRUMENTS, SOURCES, Instrument
from leitmotiv.instruments.sampler import SampledEngine
from leitmotiv.score.score import Part, Score, make_notes

__all__ = ["QUALITIES", "REFERENCE_RMS", "NoteExample", "build_dataset", "read_dataset"]

RATE = 48_000
REFERENCE_RMS = 0.1
QUALITIES = (
    "bright",
    "dark",
    "distortion",
    "fast_decay",
    "long_release",
    "multiphonic",
    "nonlinear_env",
    "percussive",
    "reverb",
    "tempo-synced",
)
TRAIN_VELOCITIES = (30, 60, 90, 120)
TEST_VELOCITIES = (45, 105)  # at pitches held out
OTHER_VELOCITY = 75  # held out at pitches that are known
HOLD_SEC = {"held": 1.8, "plucked": 3.2}
RELEASE_SEC = 0.7
_TICKS_PER_SEC = 960
DYNAMICS = {"pp": 28, "p": 45, "mp": 60, "m": 70, "mf": 78, "f": 100, "ff": 118}
_NEVER = "timgm6mb"


@dataclass(frozen=True, eq=False)
class NoteExample:
    """One note of the data set; ``audio`` is float32 (samples,) at 48 kHz."""

    name: str
    instrument: str
    pitch: int
    velocity: int
    split: str
    key_up_sec: float | None
    audio: NDArray[np.float32]
    entry: dict[str, Any]


def bank_plan(instrument: Instrument) -> list[tuple[int, int, str]]:
    """Pitch, velocity and split of every note of an instrument.

    Examples
    --------
    >>> from leitmotiv.instruments.neural_catalogue import instrument_named
    >>> plan = bank_plan(instrument_named("oboe"))
    >>> [(p, v, s) for p, v, s in plan if p == 61]
    [(61, 45, 'test'), (61, 105, 'test')]
    """
    plan = []
    for pitch in range(instrument.low, instrument.high + 1):
        place = (pitch - instrument.low) % 5
        if place == 3:
            plan += [(pitch, velocity, "test") for velocity in TEST_VELOCITIES]
            continue
        plan += [(pitch, velocity, "train") for velocity in TRAIN_VELOCITIES]
        if place == 1:
            plan.append((pitch, OTHER_VELOCITY, "test"))
    return plan


def _bank_notes(
    engine: SampledEngine, instrument: Instrument
) -> Iterator[tuple[int, int, str, float, NDArray[np.float32]]]:
    """Render every note of the plan, each alone."""
    assert instrument.bank_program is not None
    hold = HOLD_SEC[instrument.kind]
    ticks = int(hold * _TICKS_PER_SEC)
    length = int((hold + RELEASE_SEC) * RATE)
    for pitch, velocity, split in bank_plan(instrument):
        notes = make_notes([0], [ticks], [pitch], velocity)
        score = Score((Part("note", instrument.bank_program, notes=notes),))
        stereo = engine.render_part(score.parts[0], score, length)
        # One channel: the sum of two microphones would comb.
        power = (stereo.astype(np.float64) ** 2).sum(1)
        yield pitch, velocity, split, hold, stereo[int(np.argmax(power))]


def _recorded_notes(
    folder: Path, instrument: Instrument
) -> Iterator[tuple[int, int, str, dict[str, Any], NDArray[np.float32]]]:
    """Read the recordings of one instrument; ``folder`` holds ``manifest.jsonl`` and zip files."""
    import zipfile

    lines = (folder / "manifest.jsonl").read_text(encoding="utf-8").splitlines()
    entries = [json.loads(line) for line in lines if line.strip()]
    chosen = [e for e in entries if e["instrument"] == instrument.recording and e["pitch_checked"]]
    pitches = sorted({entry["pitch"] for entry in chosen})
    held_out = set(pitches[2::5])
    for entry in chosen:
        archive = folder / (entry["file"].split("/")[0] + ".zip")
        with zipfile.ZipFile(archive) as bundle, bundle.open(entry["file"]) as file:
            audio, rate = soundfile.read(file, dtype="float32", always_2d=True)
        mono = audio.T[int(np.argmax((audio**2).sum(0)))]
        common = gcd(RATE, rate)
        mono = resample_poly(mono, RATE // common, rate // common).astype(np.float32)
        split = "test" if entry["pitch"] in held_out else "train"
        yield entry["pitch"], DYNAMICS[entry["dynamic"]], split, entry, mono


def _trimmed(audio: NDArray[np.float32], longest_sec: float) -> NDArray[np.float32]:
    """Begin at the onset, at the reference level; empty for silence."""
    level = note_level(audio, RATE)
    if level < 1e-6:
        return audio[:0]
    start = find_onset(audio, RATE)
    cut = audio[start : start + int(longest_sec * RATE)] * np.float32(REFERENCE_RMS / level)
    fade = min(int(0.01 * RATE), len(cut))
    cut[len(cut) - fade :] *= np.linspace(1, 0, fade, dtype=np.float32)
    return cut


def _qualities(
    audio: NDArray[np.float32], instrument: Instrument, key_up: float | None
) -> list[int]:
    """The ten marks of NSynth, from simple measures; those that do not apply are 0."""
    spectrum = np.abs(np.fft.rfft(audio[: 2 * RATE])) ** 2
    hz = np.fft.rfftfreq(min(len(audio), 2 * RATE), 1 / RATE)
    centroid = float((hz * spectrum).sum() / max(spectrum.sum(), 1e-20))

    def rms(begin: float, end: float) -> float:
        piece = audio[int(begin * RATE) : int(end * RATE)]
        return float(np.sqrt(np.mean(piece**2))) if len(piece) else 0.0

    early, late = rms(0.02, 0.15), rms(0.9, 1.2)
    after = rms(key_up + 0.3, key_up + 0.5) if key_up else 0.0
    marks = dict.fromkeys(QUALITIES, 0)
    marks["bright"] = int(centroid > 2200)
    marks["dark"] = int(centroid < 450)
    marks["fast_decay"] = int(late < 0.1 * early)
    marks["long_release"] = int(key_up is not None and after > 0.05 * rms(key_up - 0.2, key_up))
    marks["percussive"] = int(instrument.kind == "plucked")
    marks["nonlinear_env"] = int(instrument.kind == "held" and late > 1.6 * early)
    return [marks[quality] for quality in QUALITIES]


def _checksum(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def build_dataset(
    folder: str | os.PathLike[str],
    bank: str | os.PathLike[str],
    *,
    recordings: str | os.PathLike[str] | None = None,
    instruments: Sequence[Instrument] = INSTRUMENTS,
    bank_licence: str = "MIT",
    progress: Callable[[float, str], None] | None = None,
) -> int:
    """Write the data set; the folder appears when it is complete.

    Parameters
    ----------
    folder : path
        Must not exist.
    bank : path
        SF2 or SF3 file to render. Banks whose licence forbids it have no place here; TimGM6mb (GPL)
        is refused.
    recordings : path, optional
        Folder with ``manifest.jsonl`` and one zip archive an instrument; without it, the
        instruments that are made of recordings are left out.
    instruments : sequence of Instrument
        Which to build.
    bank_licence : str
        Written beside every note of the bank.
    progress : callable, optional
        Called with the share done and the instrument at work.

    Returns
    -------
    int
        Number of notes.

    Raises
    ------
    RenderError
        If the folder exists, or bank or recordings cannot be read.
    """
    target, bank = Path(folder), Path(bank).resolve()
    if target.exists():
        raise RenderError(f"folder={str(target)!r} exists; name a new one")
    if bank.name.lower().startswith(_NEVER):
        raise RenderError(
            f"bank={str(bank)!r} is under the GPL; use MuseScore General or another free bank"
        )
    if recordings is not None and not (Path(recordings) / "manifest.jsonl").is_file():
        raise RenderError(f"recordings={str(recordings)!r} must hold a manifest.jsonl")
    engine = SampledEngine(bank, RATE, interpolation=7)
    part = target.with_name(target.name + ".part")
    shutil.rmtree(part, ignore_errors=True)
    (part / "audio").mkdir(parents=True)
    examples: dict[str, dict[str, Any]] = {}
    origin = {"licence": bank_licence, "file": bank.name, "sha256": _checksum(bank)}

    def add(
        instrument: Instrument,
        number: int,
        pitch: int,
        velocity: int,
        split: str,
        key_up: float | None,
        audio: NDArray[np.float32],
        made_from: dict[str, Any],
    ) -> None:
        if not len(audio):
            return
        slug = instrument.name.replace(" ", "_")
        stem = f"{instrument.family}_{instrument.source}_{slug}-{pitch:03d}-{velocity:03d}"
        name = f"{stem}-{sum(other.startswith(stem) for other in names)}"
        names.append(name)
        soundfile.write(part / "audio" / f"{name}.flac", audio, RATE, subtype="PCM_16")
        marks = _qualities(audio, instrument, key_up)
        examples[name] = {
            "note": len(examples),
            "note_str": name,
            "instrument": number,
            "instrument_str": instrument.name,
            "pitch": pitch,
            "velocity": velocity,
            "sample_rate": RATE,
            "qualities": marks,
            "qualities_str": [q for q, mark in zip(QUALITIES, marks, strict=True) if mark],
            "instrument_family": FAMILIES.index(instrument.family),
            "instrument_family_str": instrument.family,
            "instrument_source": SOURCES.index(instrument.source),
            "instrument_source_str": instrument.source,
            "split": split,
            "key_up_sec": key_up,
            "origin": made_from,
        }

    try:
        for index, instrument in enumerate(instruments):
            number = INSTRUMENTS.index(instrument)
            longest = HOLD_SEC[instrument.kind] + RELEASE_SEC
            names: list[str] = []
            if progress is not None:
                progress(index / len(instruments), instrument.name)
            if instrument.bank_program is not None:
                for pitch, velocity, split, hold, audio in _bank_notes(engine, instrument):
                    start = find_onset(audio, RATE) / RATE
                    cut = _trimmed(audio, longest)
                    add(instrument, number, pitch, velocity, split, hold - start, cut, origin)
            elif recordings is not None:
                for pitch, velocity, split, entry, audio in _recorded_notes(
                    Path(recordings), instrument
                ):
                    kept = ("licence", "attribution", "source", "source_path", "sha256")
                    made_from = {key: entry[key] for key in kept}
                    cut = _trimmed(audio, longest)
                    key_up = None
                    if instrument.kind == "held" and len(cut):
                        key_up = round(find_ending(cut, RATE)[0], 4)
                    add(instrument, number, pitch, velocity, split, key_up, cut, made_from)
        text = json.dumps(examples, indent=1, ensure_ascii=False)
        (part / "examples.json").write_text(text, encoding="utf-8")
        part.rename(target)
    except BaseException:
        shutil.rmtree(part, ignore_errors=True)
        raise
    return len(examples)


def read_dataset(
    folder: str | os.PathLike[str], *, split: str | None = None, instrument: str | None = None
) -> Iterator[NoteExample]:
    """Go through the notes of a data set, in the order of ``examples.json``.

    Raises
    ------
    RenderError
        If the folder holds no data set.
    """
    root = Path(folder)
    try:
        examples = json.loads((root / "examples.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise RenderError(
            f"folder={str(root)!r} holds no data set; build one with leitmotiv sounds dataset"
        ) from error
    for name, entry in examples.items():
        if split is not None and entry["split"] != split:
            continue
        if instrument is not None and entry["instrument_str"] != instrument:
            continue
        audio, _ = soundfile.read(root / "audio" / f"{name}.flac", dtype="float32")
        yield NoteExample(
            name,
            entry["instrument_str"],
            entry["pitch"],
            entry["velocity"],
            entry["split"],
            entry["key_up_sec"],
            audio,
            entry,
        )
