"""Pedals, slurs, glides and stealing: who sounds when, measured on a tiny bank."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from leitmotiv.errors import RenderError
from leitmotiv.instruments.generators import Gen
from leitmotiv.instruments.sampler import PartStream, SampledEngine
from leitmotiv.score.score import Part, Score, make_notes

from .test_sampler import (
    CLICKS,
    LOOPED,
    SAMPLE_RATE,
    SEC,
    TONE,
    cents,
    controls,
    engine,
    frequency_hz,
    play,
    rms_db,
)
from .tiny_soundfont import Bank, Sample, Zone, sine, write_soundfont


def test_sostenuto_holds_only_keys_that_are_down_when_it_is_pressed(tmp_path: Path) -> None:
    moves = controls((0.2, 66, 127), (0.8, 66, 0))
    early, late = (0.0, 0.3, 60, 127), (0.3, 0.2, 60, 127)
    held = play(engine(tmp_path), [early], 1.0, moves)
    assert rms_db(held, 0.4, 0.75) > -40.0
    assert rms_db(held, 0.9, 1.0) < -90.0
    assert rms_db(play(engine(tmp_path), [late], 1.0, moves), 0.6, 0.75) < -90.0


def test_sustain_takes_over_from_sostenuto(tmp_path: Path) -> None:
    moves = controls((0.1, 66, 127), (0.4, 64, 127), (0.5, 66, 0), (0.8, 64, 0))
    audio = play(engine(tmp_path), [(0.0, 0.2, 60, 127)], 1.0, moves)
    assert rms_db(audio, 0.55, 0.75) > -40.0
    assert rms_db(audio, 0.9, 1.0) < -90.0


def test_the_soft_pedal_dims_what_starts_under_it(tmp_path: Path) -> None:
    sampler = engine(tmp_path, (Gen.FILTER_CUTOFF, 12_000), sample=CLICKS)
    moves = controls((0.2, 67, 127), (0.6, 67, 0))
    loud, soft, again = (play(sampler, [(at, 0.15, 60, 100)], 1.0, moves) for at in (0.0, 0.3, 0.7))
    assert rms_db(soft, 0.35, 0.4) < rms_db(loud, 0.05, 0.1) - 3.5
    assert rms_db(again, 0.75, 0.8) == pytest.approx(rms_db(loud, 0.05, 0.1), abs=0.1)


@pytest.mark.parametrize(
    ("events", "shift_cents"),
    [
        ([(101, 0), (100, 1), (6, 96), (38, 0)], 50.0),  # fine tuning: 4096 / 8192 of a semitone
        ([(101, 0), (100, 2), (6, 67)], 300.0),  # coarse tuning: 67 - 64 semitones
        ([(101, 0), (100, 2), (98, 5), (6, 67)], 0.0),  # an NRPN in between takes the data
    ],
)
def test_registered_parameters_tune(
    tmp_path: Path, events: list[tuple[int, int]], shift_cents: float
) -> None:
    moves = controls(*[(0.0, controller, value) for controller, value in events])
    audio = play(engine(tmp_path), [(0.0, 1.0, 60, 100)], 1.0, moves)
    assert abs(cents(frequency_hz(audio, 0.1, 0.9), 480.0) - shift_cents) < 1.0


def test_all_notes_off_and_all_sound_off_end_notes(tmp_path: Path) -> None:
    note = [(0.0, 0.9, 60, 127)]
    for controller in (120, 123):
        audio = play(engine(tmp_path), note, 1.0, controls((0.4, controller, 0)))
        assert rms_db(audio, 0.1, 0.35) > -30.0
        assert rms_db(audio, 0.6, 0.9) < -90.0


def test_release_time_follows_its_sound_controller(tmp_path: Path) -> None:
    sampler = engine(tmp_path, (Gen.VOL_ENV_RELEASE, 0))
    levels = [
        rms_db(play(sampler, [(0.0, 0.3, 60, 127)], 1.0, controls((0.0, 72, value))), 0.44, 0.45)
        for value in (32, 64, 96)
    ]
    # 1 s for 96 dB at 64: 13.9 dB after 0.145 s; half that time at 32, twice at 96.
    assert levels[1] - levels[0] == pytest.approx(13.9, abs=0.5)
    assert levels[2] - levels[1] == pytest.approx(7.0, abs=0.5)


def test_portamento_glides_from_the_note_before(tmp_path: Path) -> None:
    notes = [(0.0, 0.3, 60, 100), (0.3, 0.7, 72, 100)]
    speed = 89  # 0.33 s
    audio = play(engine(tmp_path), notes, 1.0, controls((0.0, 65, 127), (0.0, 5, speed)))
    middle = frequency_hz(audio, 0.43, 0.5)
    assert 480.0 * 1.2 < middle < 960.0 * 0.9
    assert abs(cents(frequency_hz(audio, 0.7, 0.95), 960.0)) < 2.0
    plain = play(engine(tmp_path), notes, 1.0, controls((0.0, 5, speed)))
    assert abs(cents(frequency_hz(plain, 0.43, 0.5), 960.0)) < 4.0


def test_portamento_control_names_the_key_to_glide_from(tmp_path: Path) -> None:
    moves = controls((0.1, 5, 89), (0.29, 84, 48))
    audio = play(engine(tmp_path), [(0.0, 0.25, 72, 1), (0.3, 0.6, 60, 100)], 1.0, moves)
    assert 240.0 < frequency_hz(audio, 0.31, 0.4) < 400.0


def test_legato_leaves_the_attack_out(tmp_path: Path) -> None:
    attack = (Gen.VOL_ENV_ATTACK, -1_200)  # half a second
    notes = [(0.0, 0.6, 60, 127), (0.6, 0.4, 64, 127)]
    sampler = engine(tmp_path, attack)
    slurred = play(sampler, notes, 1.0, controls((0.0, 68, 127)))
    apart = play(sampler, notes, 1.0)
    assert rms_db(slurred, 0.65, 0.7) > rms_db(apart, 0.65, 0.7) + 6.0
    assert abs(cents(frequency_hz(slurred, 0.7, 0.95), 480.0 * 2 ** (4 / 12))) < 3.0


def test_a_repeated_or_distant_note_is_not_slurred(tmp_path: Path) -> None:
    sampler = engine(tmp_path, (Gen.VOL_ENV_ATTACK, -1_200))
    moves = controls((0.0, 68, 127))
    for second in ((0.6, 0.4, 60, 127), (0.6, 0.4, 80, 127), (0.8, 0.2, 64, 127)):
        notes = [(0.0, 0.6, 60, 127), second]
        np.testing.assert_array_equal(play(sampler, notes, 1.0, moves), play(sampler, notes, 1.0))


def _many(count: int) -> Part:
    onsets = np.arange(count) * 12
    pitches = 36 + np.arange(count) % 60
    return Part("many", notes=make_notes(onsets, 9_600, pitches, 40 + np.arange(count) % 80))


def test_no_more_voices_sound_than_allowed(tmp_path: Path) -> None:
    zones = (Zone((LOOPED, (Gen.PAN, -500))), Zone((LOOPED, (Gen.PAN, 500))))
    path = write_soundfont(tmp_path / "pair.sf2", Bank((TONE,), (zones,)))
    sampler = SampledEngine(path, max_voices=32)
    part = _many(60)
    stream = PartStream(sampler, part, Score(parts=(part,)))
    most = 0
    while stream._position < SAMPLE_RATE:
        stream.read(64)
        most = max(most, stream.num_sounding)
    # Steals end before the new voice starts, so the limit is met; both sides of a pair go.
    assert 30 <= most <= 32


def test_stealing_does_not_click(tmp_path: Path) -> None:
    low = Sample(sine(48.0, 20_000), loop=(0, 20_000))  # slow waves: any step would stand out
    path = write_soundfont(
        tmp_path / "low.sf2", Bank((low,), ((Zone((LOOPED, (Gen.VOL_ENV_ATTACK, -4_000))),),))
    )
    part = Part("low", notes=make_notes([0, 480], [1_920, 1_440], [60, 61], [60, 127]))
    score = Score(parts=(part,))
    audio = SampledEngine(path, max_voices=1).render_part(part, score, SAMPLE_RATE)
    step = np.abs(np.diff(audio[0].astype(np.float64)))
    near = step[SAMPLE_RATE // 2 - 2_000 : SAMPLE_RATE // 2 + 100].max()
    assert near < 4.0 * step[5_000 : SAMPLE_RATE // 2 - 2_000].max()


def test_the_quietest_note_gives_way(tmp_path: Path) -> None:
    sampler = SampledEngine(engine(tmp_path).soundfont.path, max_voices=2)
    notes = [(0.0, 1.0, 48, 127), (0.1, 1.0, 60, 30), (0.5, 0.5, 72, 127)]
    audio = play(sampler, notes)
    spectrum = np.abs(np.fft.rfft(audio[0, 28_800:45_600] * np.hanning(16_800), SAMPLE_RATE))
    assert spectrum[240] > 100.0 * spectrum[480]
    assert spectrum[960] > 100.0 * spectrum[480]


def test_more_notes_at_once_than_voices_keep_to_the_limit(tmp_path: Path) -> None:
    sampler = SampledEngine(engine(tmp_path).soundfont.path, max_voices=10)
    part = Part("cluster", notes=make_notes([0] * 40, [SEC] * 40, range(40, 80)))
    stream = PartStream(sampler, part, Score(parts=(part,)))
    stream.read(1_000)
    assert stream.num_sounding == 10


def test_the_limit_must_leave_a_voice(tmp_path: Path) -> None:
    with pytest.raises(RenderError, match="max_voices=0 must be"):
        engine(tmp_path, max_voices=0)


def test_stolen_voices_do_not_depend_on_blocks(tmp_path: Path) -> None:
    sampler = SampledEngine(engine(tmp_path).soundfont.path, max_voices=7)
    part = _many(40)
    score = Score(parts=(part,))
    whole = sampler.render_part(part, score, 40_000)
    for size in (64, 441, 4_096):
        blocks = np.concatenate(list(sampler.stream(part, score, size, 40_000)), axis=1)
        np.testing.assert_array_equal(blocks, whole)
