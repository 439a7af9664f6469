"""A few notes become an instrument; a broken one is refused in one line."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from leitmotiv.errors import AudioError, RenderError
from leitmotiv.instruments import RenderOptions, render_stems
from leitmotiv.instruments.neural_clone import (
    ClonedTimbre,
    SourceNote,
    clone_timbre,
    load_clone,
    note_from_audio,
    pitch_of_text,
    read_note,
    reconstruct_note,
    save_clone,
)
from leitmotiv.instruments.neural_distance import log_mel_distance
from leitmotiv.instruments.neural_player import render_note
from leitmotiv.instruments.neural_timbre import timbre_of
from leitmotiv.score.score import Part, Score, make_notes

RATE = 48_000
SHARED = Path(__file__).resolve().parents[3] / "shared" / "sounds"


def strange_note(pitch: int, seconds: float = 0.7) -> NDArray[np.float64]:
    """A tone like none of the trained: strong fourth and fifth harmonics, slow attack."""
    t = np.arange(int(seconds * RATE)) / RATE
    f0 = 440 * 2 ** ((pitch - 69) / 12)
    levels = (0.2, 0.05, 0.02, 0.4, 0.3, 0.02, 0.1, 0.05, 0.02)
    audio = sum(a * np.sin(2 * np.pi * f0 * (k + 1) * t + k) for k, a in enumerate(levels))
    return np.asarray(audio * np.minimum(t / 0.05, 1.0))


@pytest.fixture(scope="module")
def notes() -> list[SourceNote]:
    return [note_from_audio(strange_note(pitch), RATE, pitch=pitch) for pitch in (55, 62, 69)]


@pytest.fixture(scope="module")
def clone(notes: list[SourceNote]) -> ClonedTimbre:
    return clone_timbre(notes, name="strange", rounds=5)


def distance(clone: ClonedTimbre, pitch: int) -> float:
    note = note_from_audio(strange_note(pitch), RATE, pitch=pitch)
    audio = render_note(clone.timbre, pitch, 80, note.key_up_sec)
    return log_mel_distance(note.audio, audio, end_sec=note.key_up_sec).all_db


def test_a_clone_comes_near_notes_it_was_not_given(
    clone: ClonedTimbre, notes: list[SourceNote]
) -> None:
    nearest = min(
        log_mel_distance(
            notes[1].audio, render_note(timbre_of(name), 62, 80, notes[1].key_up_sec)
        ).all_db
        for name in ("clarinet", "accordion", "church organ", "oboe", "violin")
    )
    assert clone.timbre.kind == "held"
    assert clone.fitted_db < 0.5 * clone.encoder_db
    assert distance(clone, 62) < 0.6 * nearest
    assert distance(clone, 65) < 0.8 * nearest


def test_a_clone_survives_its_file(clone: ClonedTimbre, tmp_path: Path) -> None:
    save_clone(clone, tmp_path / "strange.json")
    again = load_clone(tmp_path / "strange.json")
    assert (again.name, again.low, again.high) == ("strange", 55, 69)
    one, two = (c.timbre.notes([60], [80])[0].levels_db for c in (clone, again))
    np.testing.assert_allclose(one, two, atol=0.05)
    assert [path.name for path in tmp_path.iterdir()] == ["strange.json"]


def test_a_cloned_instrument_plays_a_part(clone: ClonedTimbre, tmp_path: Path) -> None:
    save_clone(clone, tmp_path / "strange.json")
    part = Part("Lead", 80, notes=make_notes([0], [480], [62]))
    score = Score((part, Part("Bass", 33, notes=make_notes([0], [480], [38]))))

    def stems(**given: object) -> tuple[NDArray[np.float32], ...]:
        options = RenderOptions(engine="modelled", tail_sec=0.2, **given)  # type: ignore[arg-type]
        return render_stems(score, options=options, rng=np.random.default_rng(1)).audio

    plain = stems()
    mine = stems(clones=(("lead", tmp_path / "strange.json"),))
    np.testing.assert_array_equal(plain[1], mine[1])
    assert not np.array_equal(plain[0], mine[0])
    with pytest.raises(RenderError, match="no part is named 'Horn'"):
        stems(clones=(("Horn", tmp_path / "strange.json"),))


def test_one_note_goes_through_encoder_and_decoder(notes: list[SourceNote]) -> None:
    audio, fitted = reconstruct_note(notes[0])
    _, coded = reconstruct_note(notes[0], fit=False)
    assert np.isfinite(audio).all()
    assert fitted.all_db < 0.6 * coded.all_db


def test_a_plucked_note_is_heard_as_one() -> None:
    t = np.arange(RATE) / RATE
    audio = sum(np.sin(2 * np.pi * 220 * k * t) / k * np.exp(-t * (2 + k)) for k in range(1, 8))
    clone = clone_timbre([note_from_audio(np.asarray(audio), RATE)], rounds=0)
    assert clone.timbre.kind == "plucked"
    assert clone.low == 57


@pytest.mark.parametrize(
    ("name", "pitch"), [("C#4", 61), ("Bb2", 46), ("a0", 21), ("64", 64), ("C-1", None)]
)
def test_pitches_are_read_from_words(name: str, pitch: int | None) -> None:
    if pitch is None:
        with pytest.raises(RenderError, match="note name"):
            pitch_of_text(name)
    else:
        assert pitch_of_text(name) == pitch


def test_a_pitch_in_the_file_name_counts_and_stereo_is_read(tmp_path: Path) -> None:
    audio = strange_note(57, 0.5)
    path = tmp_path / "horn_A3_loud.wav"
    soundfile.write(path, np.stack([audio, 0.5 * audio], 1), RATE)
    assert read_note(path).pitch == 57
    soundfile.write(tmp_path / "058_horn.wav", audio, 44_100)
    assert read_note(tmp_path / "058_horn.wav").pitch == 58


@pytest.mark.parametrize(
    ("audio", "message"),
    [
        (np.zeros(RATE), "is silent"),
        (np.full(RATE, np.nan), "NaN"),
        (strange_note(60, 0.05), "must last 0.1 s"),
    ],
)
def test_notes_that_cannot_be_used_are_named(audio: NDArray[np.float64], message: str) -> None:
    with pytest.raises(AudioError, match=message):
        note_from_audio(audio, RATE, pitch=60)


def test_a_clone_needs_a_note_and_a_file_must_be_a_clone(tmp_path: Path) -> None:
    with pytest.raises(RenderError, match="at least one note"):
        clone_timbre([])
    (tmp_path / "x.json").write_text("{}")
    for name in ("x.json", "none.json"):
        with pytest.raises(RenderError, match=r"no cloned instrument|no such file"):
            load_clone(tmp_path / name)


def test_a_clone_of_other_weights_is_refused(clone: ClonedTimbre, tmp_path: Path) -> None:
    path = tmp_path / "strange.json"
    save_clone(clone, path)
    data = json.loads(path.read_text())
    path.write_text(json.dumps({**data, "weights_sha256": "0"}))
    with pytest.raises(RenderError, match="other weights"):
        load_clone(path)


@pytest.mark.slow
@pytest.mark.skipif(not SHARED.is_dir(), reason="the folder ../shared/sounds is absent")
@pytest.mark.parametrize(("name", "dynamic"), [("alto saxophone", "f"), ("tuba", "vl3")])
def test_instruments_that_were_left_out_of_training_can_be_cloned(name: str, dynamic: str) -> None:
    lines = (SHARED / "manifest.jsonl").read_text(encoding="utf-8").splitlines()
    entries = [json.loads(line) for line in lines]
    chosen = [
        e
        for e in entries
        if e["instrument"] == name
        and e["dynamic"] == dynamic
        and e["take"] == "rr1"
        and e["articulation"] in (None, "s")
    ]
    chosen.sort(key=lambda e: e["pitch"])
    notes = []
    for entry in chosen:
        archive = SHARED / (entry["file"].split("/")[0] + ".zip")
        with zipfile.ZipFile(archive) as bundle, bundle.open(entry["file"]) as file:
            audio, rate = soundfile.read(file, dtype="float32", always_2d=True)
        notes.append(note_from_audio(audio.T, rate, pitch=entry["pitch"], velocity=90))
    picked = np.linspace(0, len(notes) - 1, 10).round().astype(int).tolist()
    clone = clone_timbre([notes[k] for k in picked])
    others = [note for k, note in enumerate(notes) if k not in picked]
    found = [
        log_mel_distance(
            note.audio,
            render_note(clone.timbre, note.pitch, note.velocity, note.key_up_sec),
            end_sec=note.key_up_sec,
        ).all_db
        for note in others
    ]
    assert np.mean(found) < 4.8
