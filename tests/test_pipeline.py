"""The whole flow: one seed, one piece; every stage told and timed; whole bundles or none."""

from __future__ import annotations

import json
from collections import defaultdict
from pathlib import Path

import numpy as np
import pytest

from leitmotiv.audio import LoopPoints, integrated_lufs, read_audio, true_peak_dbtp
from leitmotiv.errors import AudioError, BriefError, ReadError, ReleaseError, RenderError
from leitmotiv.mix import PRESETS
from leitmotiv.piece_mix import STYLE_MIXES, mix_form, mix_preset
from leitmotiv.pipeline import (
    Piece,
    PipelineOptions,
    compose_brief,
    plan_brief,
    render_file,
    save_piece,
    save_rendering,
)
from leitmotiv.score import Part, Score, make_notes, write_midi
from leitmotiv.styles import load_style, style_names
from leitmotiv.theory import TICKS_PER_QUARTER

BRIEF = "a calm waltz for flute and cello in G major, 4 bars"
MODELLED = PipelineOptions(engine="modelled")
LUFS_TOLERANCE = 0.5  # a short piece: the meter's gate sees few blocks
STREAMING_LUFS = -14.0


class Heard:
    """A progress that remembers what it was told."""

    def __init__(self) -> None:
        self.fractions: dict[str, list[float]] = defaultdict(list)

    def __call__(self, stage: str, fraction: float, message: str) -> None:
        assert message
        self.fractions[stage].append(fraction)


@pytest.fixture(scope="module")
def heard() -> Heard:
    return Heard()


@pytest.fixture(scope="module")
def piece(heard: Heard) -> Piece:
    """One small piece for all tests that only look."""
    return compose_brief(BRIEF, seed=3, options=MODELLED, progress=heard)


def test_every_stage_is_told_in_order_and_timed(piece: Piece, heard: Heard) -> None:
    stages = ["plan", "compose", "perform", "render", "mix", "master", "review"]
    assert list(heard.fractions) == stages
    assert [time.stage for time in piece.timings] == stages
    for fractions in heard.fractions.values():
        assert fractions == sorted(fractions)
        assert fractions[0] == 0.0
        assert fractions[-1] == 1.0


def test_the_brief_is_obeyed(piece: Piece) -> None:
    assert (piece.plan.key, piece.plan.meter, piece.plan.num_bars) == ("G major", "3/4", 4)
    assert piece.score.num_bars == 4
    assert [part.program for part in piece.score.parts] == [73, 42]


def test_stems_sum_to_a_master_of_the_right_loudness(piece: Piece) -> None:
    assert len(piece.stems.audio) == len(piece.score.parts)
    assert all(audio.any() for audio in piece.stems.audio)
    assert piece.master.integrated_lufs == pytest.approx(STREAMING_LUFS, abs=LUFS_TOLERANCE)
    assert piece.master.true_peak_dbtp <= -1.0
    assert piece.master.duration_sec >= piece.score.duration_sec


def test_the_same_seed_makes_the_same_piece(piece: Piece) -> None:
    again = compose_brief(BRIEF, seed=3, options=MODELLED)
    assert again.plan == piece.plan
    assert again.score == piece.score
    assert again.performance == piece.performance
    assert np.array_equal(again.master.audio, piece.master.audio)


def test_another_seed_makes_another_piece(piece: Piece) -> None:
    other = compose_brief(BRIEF, seed=4, options=MODELLED)
    assert other.score != piece.score


def test_a_plan_makes_the_piece_that_its_brief_made(piece: Piece) -> None:
    again = compose_brief(piece.plan, options=MODELLED)
    assert again.score == piece.score


def test_a_seed_beside_a_plan_changes_the_notes_alone(piece: Piece) -> None:
    other = plan_brief(piece.plan, seed=99)
    assert other.seed == 99
    assert other.replace(seed=piece.plan.seed) == piece.plan


def test_a_drawn_seed_stands_in_the_plan() -> None:
    plan = plan_brief(BRIEF)
    assert plan_brief(BRIEF, seed=plan.seed) == plan
    assert plan.seed != plan_brief(BRIEF).seed


def test_an_empty_brief_is_refused() -> None:
    with pytest.raises(BriefError, match="empty"):
        compose_brief("  ")


def test_a_piece_is_saved_whole(piece: Piece, tmp_path: Path) -> None:
    saved = save_piece(piece, tmp_path / "out")
    names = {str(path.relative_to(saved.folder)) for path in saved.files}
    assert names >= {
        "score.mid",
        "score.musicxml",
        "plan.json",
        "master.wav",
        "pianoroll.png",
        "provenance.json",
    }
    assert sum(name.startswith("stems/") for name in names) == len(piece.stems.audio)
    provenance = json.loads((saved.folder / "provenance.json").read_text(encoding="utf-8"))
    assert provenance["seed"] == piece.seed
    assert provenance["plan_sha256"] == piece.plan.digest
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_a_fault_while_writing_leaves_nothing(
    piece: Piece, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full_disk(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("leitmotiv.release.bundle.write_audio", full_disk)
    with pytest.raises(ReleaseError, match="disk is full"):
        save_piece(piece, tmp_path / "out")
    assert not list(tmp_path.iterdir())


def test_a_soundfont_that_is_not_there_is_refused_before_the_work(tmp_path: Path) -> None:
    with pytest.raises(RenderError, match=r"nowhere\.sf2"):
        PipelineOptions(soundfont=tmp_path / "nowhere.sf2")


def test_a_soundfont_and_modelled_instruments_contradict(tmp_path: Path) -> None:
    with pytest.raises(RenderError, match="drop one"):
        PipelineOptions(engine="modelled", soundfont=tmp_path / "any.sf2")


def test_every_style_has_a_mix() -> None:
    assert {load_style(name).mix_preset for name in style_names()} <= set(STYLE_MIXES)
    assert set(STYLE_MIXES.values()) <= set(PRESETS)


@pytest.mark.parametrize(
    ("programs", "drums", "preset"),
    [((52, 52, 52, 52), False, "choir"), ((40, 42), False, "chamber"), ((33, 27), True, "band")],
)
def test_mix_fits_the_voices(programs: tuple[int, ...], drums: bool, preset: str) -> None:
    parts = [Part(str(n), program) for n, program in enumerate(programs)]
    if drums:
        parts.append(Part("kit", is_drum=True))
    assert mix_preset(Score(tuple(parts))) == preset


def test_a_file_made_elsewhere_sounds(tmp_path: Path) -> None:
    notes = make_notes([0, 480, 960], [480, 480, 960], [60, 64, 67])
    write_midi(Score((Part("Horn", 60, notes=notes),)), tmp_path / "horn.mid")
    rendering = render_file(tmp_path / "horn.mid", options=MODELLED)
    assert [time.stage for time in rendering.timings] == ["read", "render", "mix", "master"]
    assert np.array_equal(rendering.score.parts[0].notes["pitch"], [60, 64, 67])
    saved = save_rendering(rendering, tmp_path / "out")
    assert {"master.wav", "provenance.json"} <= {path.name for path in saved.files}
    assert not (saved.folder / "plan.json").exists()


def test_a_file_without_notes_is_refused(tmp_path: Path) -> None:
    write_midi(Score((Part("Horn", 60),)), tmp_path / "rest.mid")
    with pytest.raises(RenderError, match="no notes"):
        render_file(tmp_path / "rest.mid", options=MODELLED)


def test_a_file_that_is_no_music_is_refused(tmp_path: Path) -> None:
    (tmp_path / "song.mid").write_bytes(b"no music")
    with pytest.raises(ReadError, match=r"song\.mid"):
        render_file(tmp_path / "song.mid", options=MODELLED)


def test_the_drummers_data_is_named_where_a_drummer_plays(tmp_path: Path, piece: Piece) -> None:
    rock = compose_brief("a rock song with drums, 2 bars", seed=1, options=MODELLED)
    save_piece(rock, tmp_path / "rock")
    save_piece(piece, tmp_path / "waltz")
    told = {
        name: json.loads((tmp_path / name / "provenance.json").read_text(encoding="utf-8"))
        for name in ("rock", "waltz")
    }
    assert told["rock"]["drum_model"]["licence"] == "CC-BY-4.0"
    assert "Groove MIDI Dataset" in told["rock"]["drum_model"]["attribution"]
    assert told["waltz"]["drum_model"] is None


def test_the_mixer_is_told_bars_energy_lead_and_kick() -> None:
    plan = plan_brief("rock song in E minor, 8 bars, 4/4, 120 bpm", seed=3)
    parts = [part for part in plan.parts if part.role in ("melody", "counter", "drums")]
    melody = next(part for part in parts if part.role == "melody")
    bar = 4 * TICKS_PER_QUARTER
    lead = Part(melody.name, melody.program, role="melody",
                notes=make_notes([0, 2 * bar], [2 * bar, bar], [69, 71]))  # fmt: skip
    counter = Part("Counter", 41, role="counter", notes=make_notes([3 * bar], [bar], [60]))
    drums = Part("Drums", 0, True, role="drums",
                 notes=make_notes([0, 480, 480], [60, 60, 60], [36, 38, 36]))  # fmt: skip
    score = Score((lead, counter, drums), length_ticks=8 * bar)
    form = mix_form(score, plan)
    assert form is not None
    np.testing.assert_allclose(np.diff(form.bar_sec), 2.0)
    assert [sorted(one) for one in form.lead[:4]] == [[0], [0], [0], [1]]
    assert form.lead[7] == frozenset()
    np.testing.assert_allclose(form.kick_sec, [0.0, 0.5])
    assert form.bar_energy[0] == plan.section_at(0).energy
    assert mix_form(Score()) is None


def test_what_a_rack_lets_ring_is_heard_out() -> None:
    plan = plan_brief("calm piano, 2 bars, 4/4, 120 bpm, C major", seed=2)
    rings = plan.replace(parts=tuple(p.replace(rack="cathedral-choir") for p in plan.parts))
    piece = compose_brief(rings, options=MODELLED)
    end_sec = float(piece.performance.tempo_map.tick_to_sec(piece.performance.bar_ticks[-1]))
    assert piece.stems.duration_sec > end_sec + 4
    levels = np.abs(piece.master.audio[:, -24_000:]).max()
    assert levels < 0.01 * np.abs(piece.master.audio).max()


def test_a_loop_has_the_length_of_its_bars_and_no_seam(tmp_path: Path) -> None:
    options = PipelineOptions(engine="modelled", as_loop=True, format="flac", profile="game")
    piece = compose_brief("calm piano, 4 bars, 4/4, 120 bpm, C major", seed=2, options=options)
    played = piece.performance
    end_sec = float(played.tempo_map.tick_to_sec(played.bar_ticks[-1]))
    length = round(end_sec * piece.stems.sample_rate)
    assert piece.stems.num_samples == length
    assert piece.master.loop == LoopPoints(0, length)
    assert piece.master.integrated_lufs == pytest.approx(-23.0, abs=0.02)
    assert "loudness" not in {finding.check for finding in piece.findings}
    audio = piece.master.audio
    step = np.abs(audio[:, 0] - audio[:, -1]).max()
    assert step <= np.abs(np.diff(audio, axis=1)).max()
    assert np.abs(audio[:, -2000:]).max() > 1e-4  # it does not fade
    saved = save_piece(piece, tmp_path / "out")
    names = [path.name for path in saved.files]
    assert "master.flac" in names
    assert all(path.suffix == ".flac" for path in saved.files if path.parent.name == "stems")


def test_a_lossy_master_stands_beside_wav_stems_with_sections_marked(tmp_path: Path) -> None:
    options = PipelineOptions(engine="modelled", format="ogg")
    piece = compose_brief("calm piano, 4 bars, 4/4, C major", seed=2, options=options)
    assert [marker.label for marker in piece.master.markers][:1] == ["A"]
    saved = save_piece(piece, tmp_path / "out")
    assert {path.suffix for path in saved.files if path.parent.name == "stems"} == {".wav"}
    heard, sample_rate = read_audio(tmp_path / "out" / "master.ogg")
    assert integrated_lufs(heard, sample_rate) == pytest.approx(-14.0, abs=0.1)
    assert true_peak_dbtp(heard) <= -1.0
    with pytest.raises(AudioError, match="format='aac' must be one of"):
        PipelineOptions(format="aac")
    with pytest.raises(AudioError, match="profile='loud' must be one of"):
        PipelineOptions(profile="loud")
