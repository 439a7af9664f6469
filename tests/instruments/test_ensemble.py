"""Sections: several players, in tune and in time together, no louder than one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from leitmotiv.instruments.ensemble import (
    desks_of_part,
    is_section,
    onset_spread_sec,
    section_desks,
)
from leitmotiv.instruments.render import Engine, RenderOptions, render_stems
from leitmotiv.instruments.sampler import SampledEngine
from leitmotiv.score.score import Part, Score, make_notes

from .test_sampler import LOOPED, SAMPLE_RATE, SEC, cents
from .tiny_soundfont import Bank, Preset, Sample, Zone, sine, write_soundfont


@pytest.fixture
def bank(tmp_path: Path) -> Path:
    """Violin and strings that play the same looped tone."""
    tone = Sample(sine(480.0, 2_000), loop=(1_000, 2_000))
    zone = Zone((LOOPED,))
    return write_soundfont(
        tmp_path / "strings.sf2", Bank((tone,), ((zone,),), (Preset(40), Preset(48)))
    )


def _render(bank: Path, part: Part, *, ensemble: bool = True) -> np.ndarray:
    engine = SampledEngine(bank, ensemble=ensemble)
    return engine.render_part(part, Score(parts=(part,)), 3 * SAMPLE_RATE).astype(np.float64)


def _held(program: int, name: str = "x") -> Part:
    return Part(name, program, notes=make_notes([480], [5 * SEC // 2], [60], [100]))


@pytest.mark.parametrize("num_desks", range(2, 9))
def test_a_section_is_in_tune_in_time_and_in_the_middle(num_desks: int) -> None:
    desks = section_desks(num_desks)
    for name in ("detune_cents", "delay_sec", "pan"):
        values = [getattr(desk, name) for desk in desks]
        assert np.mean(values) == pytest.approx(0.0, abs=1e-9), name
        assert np.ptp(values) > 0.0, name
    power = sum(10.0 ** (desk.gain_db / 10.0) for desk in desks)
    assert 10.0 * np.log10(power) == pytest.approx(0.0, abs=0.2)


def test_programs_and_plural_names_make_a_section() -> None:
    assert is_section(Part("x", 48))
    assert is_section(Part("First Violins", 40))
    assert is_section(Part("Horns in F", 60))
    assert not is_section(Part("Violin I", 40))
    assert not is_section(Part("Brass", 0))  # a piano is not a section, whatever its name
    assert not is_section(Part("Violins", 48, is_drum=True))
    assert len(desks_of_part(Part("Violins", 40))) > len(desks_of_part(Part("x", 48))) > 1


def test_a_section_differs_from_one_player_but_not_in_loudness(bank: Path) -> None:
    for program, name in ((48, "x"), (40, "Violins")):
        one = _render(bank, _held(program, name), ensemble=False)[:, 48_000:96_000]
        many = _render(bank, _held(program, name))[:, 48_000:96_000]
        level = 10.0 * np.log10(np.mean(many**2) / np.mean(one**2))
        assert abs(level) < 3.0  # desks beat against each other
        # One player is steady and in the middle; a section beats and has width.
        frames = np.sqrt((many**2).reshape(2, -1, 2_400).mean(axis=2))
        assert np.std(20.0 * np.log10(frames)) > 0.3
        assert np.mean((many[0] - many[1]) ** 2) > 0.02 * np.mean(many**2)
        assert np.mean((one[0] - one[1]) ** 2) < 1e-9


def test_a_section_sounds_at_the_written_pitch(bank: Path) -> None:
    audio = _render(bank, _held(48)).sum(axis=0)[28_800:124_800]
    power = np.abs(np.fft.rfft(audio * np.hanning(len(audio)))) ** 2
    near = np.arange(920, 1_000)  # 0.5 Hz a bin
    centre = np.sum(near * power[near]) / np.sum(power[near]) / 2.0
    assert abs(cents(centre, 480.0)) < 3.0


def test_a_solo_part_is_left_alone(bank: Path) -> None:
    part = _held(40, "Violin")
    np.testing.assert_array_equal(_render(bank, part), _render(bank, part, ensemble=False))


def test_attacks_are_spread_but_stay_on_the_beat() -> None:
    desks = section_desks(5)
    late = np.array([onset_spread_sec(desk, 200) for desk in desks])
    assert np.abs(late).max() < 0.026
    assert 0.010 < np.ptp(late, axis=0).mean() < 0.040  # from first to last: 30 ms in halls
    assert np.abs(late.mean()) < 0.002
    np.testing.assert_array_equal(late[2], onset_spread_sec(desks[2], 200))


def test_repeated_notes_take_turns_between_neighbouring_samples(tmp_path: Path) -> None:
    samples = tuple(
        Sample(sine(480.0 * harmonic * 2 ** (k / 12), 4_800), root_key=60 + k)
        for k, harmonic in ((-1, 2), (0, 1), (1, 3))
    )
    zones = tuple(
        Zone(((43, key | key << 8),), target=index) for index, key in enumerate((59, 60, 61))
    )
    path = write_soundfont(tmp_path / "keys.sf2", Bank(samples, (zones,)))
    part = Part("x", notes=make_notes([0, 240, 480, 720], [120] * 4, [60] * 4, [100] * 4))
    audio = SampledEngine(path, round_robin=True).render_part(part, Score(parts=(part,)), 48_000)
    strikes = audio[0].reshape(4, 12_000)[:, :4_000]
    peaks = [int(np.argmax(np.abs(np.fft.rfft(strike)))) * 12 for strike in strikes]
    assert peaks == pytest.approx([480, 1_440, 960, 480], rel=0.01)


@pytest.mark.parametrize("engine", ["modelled", "neural"])
def test_built_in_instruments_play_sections_too(engine: Engine) -> None:
    notes = make_notes([0], [SEC], [67], [90])
    parts = (Part("Violins", 40, notes=notes), Part("Violin", 40, notes=notes))
    options = RenderOptions(engine, tail_sec=0.0)
    stems = render_stems(Score(parts), options=options, rng=np.random.default_rng(1))
    many, one = (audio[:, 9_600:].astype(np.float64) for audio in stems.audio)
    assert abs(10.0 * np.log10(np.mean(many**2) / np.mean(one**2))) < 3.0
    width = [np.mean((a[0] - a[1]) ** 2) / np.mean(a**2) for a in (many, one)]
    assert width[0] > width[1] + 0.02
