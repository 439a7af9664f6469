"""The note data set: its layout, its splits, and that it is there whole or not at all."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import numpy as np
import pytest
import soundfile

from leitmotiv.errors import RenderError
from leitmotiv.instruments import neural_dataset, neural_pack
from leitmotiv.instruments.neural_analysis import note_level
from leitmotiv.instruments.neural_catalogue import INSTRUMENTS, Instrument, instrument_named
from leitmotiv.instruments.neural_dataset import (
    QUALITIES,
    REFERENCE_RMS,
    bank_plan,
    build_dataset,
    read_dataset,
)
from leitmotiv.instruments.neural_pack import NUM_MOMENTS, pack_dataset

from .tiny_soundfont import Bank, Preset, Sample, Zone, sine, write_soundfont

RATE = 48_000
FLUTE = Instrument("flute", "flute", 70, 74, "held", 0)
BASS = instrument_named("plucked double bass")


@pytest.fixture(autouse=True)
def small_catalogue(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (neural_dataset, neural_pack):
        monkeypatch.setattr(module, "INSTRUMENTS", (FLUTE, BASS))


@pytest.fixture
def bank(tmp_path: Path) -> Path:
    loop = sine(RATE / 160, 160 * 60)
    sample = Sample(loop, loop=(160 * 10, 160 * 50), root_key=62)
    looped = ((Zone(((54, 1),)),),)
    bank = Bank((sample,), instruments=looped, presets=(Preset(0),))
    return write_soundfont(tmp_path / "tiny.sf2", bank)


@pytest.fixture
def recordings(tmp_path: Path) -> Path:
    folder = tmp_path / "recordings"
    folder.mkdir()
    entries = []
    with zipfile.ZipFile(folder / "bass.zip", "w") as bundle:
        for pitch in (30, 33, 36):
            t = np.arange(44_100) / 44_100
            tone = np.sin(2 * np.pi * 440 * 2 ** ((pitch - 69) / 12) * t) * np.exp(-3 * t)
            soundfile.write(tmp_path / "note.flac", 0.4 * tone, 44_100)
            bundle.write(tmp_path / "note.flac", f"bass/{pitch:03d}.flac")
            entries.append(
                {
                    "file": f"bass/{pitch:03d}.flac",
                    "instrument": BASS.recording,
                    "pitch": pitch,
                    "dynamic": "f",
                    "pitch_checked": True,
                    "licence": "CC0-1.0",
                    "attribution": "nobody",
                    "source": "synthetic",
                    "source_path": "x",
                    "sha256": "0",
                }
            )
    (folder / "manifest.jsonl").write_text("\n".join(json.dumps(e) for e in entries))
    return folder


def test_the_layout_is_that_of_nsynth(bank: Path, recordings: Path, tmp_path: Path) -> None:
    folder = tmp_path / "notes"
    told: list[str] = []
    number = build_dataset(
        folder,
        bank,
        recordings=recordings,
        instruments=(FLUTE, BASS),
        progress=lambda share, name: told.append(name),
    )
    examples = json.loads((folder / "examples.json").read_text())
    assert number == len(examples) == len(bank_plan(FLUTE)) + 3
    assert told == ["flute", "plucked double bass"]
    name, entry = next(iter(examples.items()))
    assert name == entry["note_str"] == "flute_acoustic_flute-070-030-0"
    assert entry["instrument_family_str"] == "flute"
    assert entry["instrument_source_str"] == "acoustic"
    assert len(entry["qualities"]) == len(QUALITIES)
    assert set(entry["qualities_str"]) <= set(QUALITIES)
    assert entry["origin"]["licence"] == "MIT"
    assert len(entry["origin"]["sha256"]) == 64
    plucked = [e for e in examples.values() if e["instrument_str"] == BASS.name]
    assert {e["origin"]["licence"] for e in plucked} == {"CC0-1.0"}
    assert [e["split"] for e in plucked] == ["train", "train", "test"]
    for example in read_dataset(folder):
        assert note_level(example.audio, RATE) == pytest.approx(REFERENCE_RMS, rel=0.05)
        assert np.abs(example.audio[:480]).max() > 0.001


def test_held_out_pitches_and_velocities_are_in_no_training_note() -> None:
    for instrument in INSTRUMENTS:
        plan = bank_plan(instrument)
        train = {(pitch, velocity) for pitch, velocity, split in plan if split == "train"}
        test = {(pitch, velocity) for pitch, velocity, split in plan if split == "test"}
        assert test
        assert not {velocity for _, velocity in test} & {velocity for _, velocity in train}
        unseen = {pitch for pitch, _ in test} - {pitch for pitch, _ in train}
        assert len(unseen) >= (instrument.high - instrument.low) // 6


def test_a_bank_under_the_gpl_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RenderError, match="GPL"):
        build_dataset(tmp_path / "notes", tmp_path / "TimGM6mb.sf2")


def test_a_folder_that_exists_and_recordings_without_a_manifest_are_refused(
    bank: Path, tmp_path: Path
) -> None:
    with pytest.raises(RenderError, match="exists"):
        build_dataset(tmp_path, bank)
    with pytest.raises(RenderError, match=r"manifest\.jsonl"):
        build_dataset(tmp_path / "notes", bank, recordings=tmp_path)
    with pytest.raises(RenderError, match="holds no data set"):
        next(iter(read_dataset(tmp_path)))


def test_a_build_that_is_stopped_leaves_nothing(bank: Path, tmp_path: Path) -> None:
    def stop(share: float, name: str) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        build_dataset(tmp_path / "notes", bank, instruments=(FLUTE,), progress=stop)
    assert not list(tmp_path.glob("notes*"))


def test_a_pack_holds_every_note(bank: Path, tmp_path: Path) -> None:
    number = build_dataset(tmp_path / "notes", bank, instruments=(FLUTE,))
    assert pack_dataset(tmp_path / "notes", tmp_path / "notes.npz") == number
    with np.load(tmp_path / "notes.npz") as pack:
        assert pack["harmonic"].shape == (number, NUM_MOMENTS, 64)
        # A sine: the first harmonic stands far above the second.
        level = pack["harmonic"].astype(float)[:, 40] / 2 - 100
        assert (level[:, 0] > level[:, 1] + 30).all()
        assert set(pack["split"].tolist()) == {0, 1}
