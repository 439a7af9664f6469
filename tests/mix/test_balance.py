from __future__ import annotations

import tracemalloc

import numpy as np
import pytest

from leitmotiv.audio import Stems, hop_powers, integrated_lufs, sample_peak_dbfs
from leitmotiv.errors import AudioError
from leitmotiv.mix import (
    PRESETS,
    MixForm,
    balance_stems,
    bar_differences_lu,
    find_preset,
    master,
    mix_down,
    seat_parts,
    trim_tail,
)
from leitmotiv.plan.vocabulary import genre_names
from leitmotiv.styles import load_style, style_names

SAMPLE_RATE = 48000
ROLES = ("melody", "counter", "harmony", "bass")
QUARTET = (40, 40, 41, 42)


def plucks(frequency_hz: float, level: float, seconds: float = 6.0) -> np.ndarray:
    time = np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    wave = level * np.sin(2 * np.pi * frequency_hz * time) * np.exp(-4 * (time % 0.5))
    return np.stack([wave, wave]).astype(np.float32)


@pytest.fixture
def stems() -> Stems:
    audio = tuple(plucks(f, a) for f, a in ((880, 0.3), (660, 0.04), (330, 0.2), (110, 0.9)))
    return Stems(("Violin I", "Violin II", "Viola", "Cello"), audio)


@pytest.mark.parametrize("preset", PRESETS)
def test_stems_sum_to_the_mix_and_nothing_clips(stems, preset):
    balanced = balance_stems(stems, ROLES, programs=QUARTET, preset=preset)
    mix = mix_down(balanced)
    assert np.abs(np.sum(balanced.audio, axis=0, dtype=np.float64) - mix).max() < 1e-6
    assert balanced.names == stems.names
    assert balanced.num_samples == stems.num_samples
    assert sample_peak_dbfs(mix) <= -2.99
    assert max(sample_peak_dbfs(audio) for audio in balanced.audio) <= -0.99
    assert -24 < integrated_lufs(mix, SAMPLE_RATE) <= -19.9


def test_roles_decide_the_levels(stems):
    balanced = balance_stems(stems, ROLES, programs=QUARTET)
    levels = [integrated_lufs(audio, SAMPLE_RATE) for audio in balanced.audio]
    before = [integrated_lufs(audio, SAMPLE_RATE) for audio in stems.audio]
    assert max(before) - min(before) > 15
    assert levels[0] == max(levels)
    assert max(levels) - min(levels) < 10


def test_louder_rendering_gives_the_same_balance(stems):
    louder = Stems(stems.names, tuple(np.float32(0.25) * audio for audio in stems.audio))
    first = balance_stems(stems, ROLES, programs=QUARTET)
    second = balance_stems(louder, ROLES, programs=QUARTET)
    for one, other in zip(first.audio, second.audio, strict=True):
        np.testing.assert_allclose(one, other, atol=2e-5)


def test_a_silent_stem_stays_silent_and_a_sparse_one_is_not_blown_up(stems):
    sparse = np.zeros_like(stems.audio[1])
    sparse[:, 1000:5000] = 0.001 * stems.audio[1][:, 1000:5000]
    audio = (stems.audio[0], np.zeros_like(sparse), sparse, stems.audio[3])
    balanced = balance_stems(Stems(stems.names, audio), ROLES, programs=QUARTET)
    assert not balanced.audio[1].any()
    assert sample_peak_dbfs(balanced.audio[2]) < -60


def test_all_silent_and_empty():
    silent = Stems(("a", "b"), (np.zeros((2, 9600), np.float32),) * 2)
    assert not mix_down(balance_stems(silent, ("melody", "bass"))).any()
    assert mix_down(Stems((), ())).shape == (2, 0)
    assert balance_stems(Stems((), ()), ()).audio == ()


@pytest.mark.parametrize("samples", [1, 7, 480, 30000])
def test_very_short_stems(samples):
    audio = (np.full((2, samples), 0.3, np.float32), np.full((2, samples), -0.1, np.float32))
    balanced = balance_stems(Stems(("a", "b"), audio), ("melody", "bass"))
    assert balanced.num_samples == samples
    assert np.isfinite(mix_down(balanced)).all()


def test_the_input_is_left_alone_and_the_result_repeats(stems):
    before = [audio.copy() for audio in stems.audio]
    first = balance_stems(stems, ROLES, programs=QUARTET)
    again = balance_stems(stems, ROLES, programs=QUARTET)
    for old, audio, one, other in zip(before, stems.audio, first.audio, again.audio, strict=True):
        assert np.array_equal(old, audio)
        assert np.array_equal(one, other)


def test_high_pass_spares_a_low_melody():
    low = plucks(60.0, 0.3)
    balanced = balance_stems(Stems(("Cello",), (low,)), ("melody",), programs=(42,))
    spectrum = np.abs(np.fft.rfft(balanced.audio[0][0]))
    assert np.argmax(spectrum) == 360


def test_seats():
    quartet = seat_parts(ROLES, QUARTET)
    assert [seat.pan for seat in quartet] == sorted(seat.pan for seat in quartet)
    assert seat_parts(("melody",), (40,))[0].pan == 0.0
    choir = seat_parts(ROLES, (52,) * 4, seating="choir")
    assert choir[0].pan == -choir[-1].pan < 0
    band = seat_parts(("melody", "harmony", "harmony", "bass", "drums"), seating="band")
    assert [band[i].pan for i in (0, 3, 4)] == [0, 0, 0]
    assert band[1].pan == -band[2].pan
    assert all(abs(seat.pan) <= 0.95 for seat in seat_parts(("harmony",) * 16, (40,) * 16))


def test_panning_is_heard_where_the_seat_is(stems):
    balanced = balance_stems(stems, ROLES, programs=QUARTET)
    left_minus_right = [
        integrated_lufs(audio[:1], SAMPLE_RATE) - integrated_lufs(audio[1:], SAMPLE_RATE)
        for audio in balanced.audio
    ]
    assert left_minus_right[0] > 2
    assert left_minus_right[3] < -2


def test_bad_requests_are_one_line(stems):
    with pytest.raises(AudioError, match="3 roles for 4 stems; give one role a stem"):
        balance_stems(stems, ROLES[:3])
    with pytest.raises(AudioError, match="role='lead' must be one of melody, counter"):
        balance_stems(stems, ("lead", *ROLES[1:]))
    with pytest.raises(AudioError, match="preset='hall' must be one of concert, chamber"):
        balance_stems(stems, ROLES, preset="hall")
    with pytest.raises(AudioError, match="2 programs for 4 stems"):
        balance_stems(stems, ROLES, programs=(1, 2))


def test_every_genre_and_style_finds_a_preset():
    names = {*genre_names(), *(load_style(name).mix_preset for name in style_names()), "default"}
    assert {find_preset(name).name for name in names} <= set(PRESETS)


def test_a_wide_stem_survives_one_loudspeaker(stems):
    noise = np.random.default_rng(1).standard_normal((2, 4 * SAMPLE_RATE)).astype(np.float32)
    noise *= np.float32(0.1)
    wide = Stems(("Pad",), (noise,))
    balanced = balance_stems(wide, ("pad",), programs=(89,), preset="ambient").audio[0]
    middle, side = balanced[0] + balanced[1], balanced[0] - balanced[1]
    assert 10 * np.log10(np.mean(side**2) / np.mean(middle**2)) < -3.9
    assert np.mean(side**2) > 0


def test_the_tail_ends_when_nothing_is_heard_and_the_stems_still_sum(stems):
    silence = np.zeros((2, 3 * SAMPLE_RATE), dtype=np.float32)
    longer = Stems(stems.names, tuple(np.hstack([a, silence]) for a in stems.audio))
    cut = trim_tail(longer)
    assert stems.num_samples <= cut.num_samples + SAMPLE_RATE // 2
    assert cut.num_samples < stems.num_samples + SAMPLE_RATE // 2
    assert {audio.shape for audio in cut.audio} == {(2, cut.num_samples)}
    heard = cut.num_samples - SAMPLE_RATE // 2
    np.testing.assert_array_equal(mix_down(cut)[:, :heard], mix_down(longer)[:, :heard])
    assert trim_tail(Stems(("Rest",), (silence,))).num_samples == silence.shape[1]


def test_overwriting_gives_the_same_mix_in_the_same_buffers(stems):
    silence = np.zeros((2, 3 * SAMPLE_RATE), dtype=np.float32)
    longer = Stems(stems.names, tuple(np.hstack([a, silence]) for a in stems.audio))
    expected = trim_tail(balance_stems(longer, ROLES, programs=QUARTET))
    balanced = balance_stems(longer, ROLES, programs=QUARTET, overwrite=True)
    cut = trim_tail(balanced, overwrite=True)
    for own, old, new in zip(longer.audio, expected.audio, cut.audio, strict=True):
        assert np.shares_memory(own, new)
        assert not np.shares_memory(own, old)
        assert np.array_equal(old, new)


def test_a_long_piece_takes_little_memory_beside_its_stems(rng, monkeypatch):
    monkeypatch.setattr("os.cpu_count", lambda: 2)
    audio = tuple(
        (0.1 * rng.standard_normal((2, 40 * SAMPLE_RATE))).astype(np.float32) for _ in range(2)
    )
    dry = Stems(("a", "b"), audio)
    short = balance_stems(Stems(("a",), (audio[0].copy(),)), ("melody",), overwrite=True)
    master(short.audio[0][:, : 2 * SAMPLE_RATE], SAMPLE_RATE)  # caches are filled
    tracemalloc.start()
    balanced = balance_stems(dry, ("melody", "bass"), overwrite=True)
    balance_peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.reset_peak()
    mastered = master(mix_down(trim_tail(balanced, overwrite=True)), SAMPLE_RATE)
    master_peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    stem = audio[0].nbytes
    transforms = 2 * 35_000_000  # two workers, whatever the length
    assert balance_peak < 2.2 * stem + transforms
    assert master_peak < 3.6 * stem + 20_000_000
    assert mastered.audio.nbytes == stem


def moving_form(seconds: float = 6.0) -> MixForm:
    bars = np.arange(0, seconds + 0.1, 1.0)
    energy = np.linspace(0.1, 0.9, len(bars) - 1)
    lead = (frozenset({0}),) * len(energy)
    return MixForm(bars, energy, lead, kick_sec=np.arange(0, seconds, 0.5))


def test_with_a_form_the_stems_still_sum_to_the_mix_and_nothing_clips(stems):
    for preset in ("concert", "electronic"):
        balanced = balance_stems(stems, ROLES, preset=preset, form=moving_form())
        mix = mix_down(balanced)
        assert np.abs(np.sum(balanced.audio, axis=0, dtype=np.float64) - mix).max() < 1e-6
        assert sample_peak_dbfs(mix) <= -2.99
        assert max(sample_peak_dbfs(audio) for audio in balanced.audio) <= -0.99


def test_each_stem_depends_on_the_others_by_gains_alone(stems):
    """Linear: a sound added to a stem comes out as the same sound, shaped the same way."""
    first = balance_stems(stems, ROLES, form=moving_form())
    doubled = Stems(stems.names, tuple(2 * audio for audio in stems.audio))
    second = balance_stems(doubled, ROLES, form=moving_form())
    for one, other in zip(first.audio, second.audio, strict=True):
        np.testing.assert_allclose(one, other, atol=2e-5)


def test_a_melody_that_sinks_is_brought_over_the_rest(stems):
    sinking = stems.audio[0].copy()
    sinking[:, 3 * SAMPLE_RATE :] *= np.float32(0.2)
    given = Stems(stems.names, (sinking, *stems.audio[1:]))
    differences = {}
    for name, form in (("still", None), ("ridden", moving_form())):
        balanced = balance_stems(given, ROLES, programs=QUARTET, preset="chamber", form=form)
        powers = [hop_powers(audio, SAMPLE_RATE) for audio in balanced.audio]
        differences[name] = bar_differences_lu(powers, moving_form())
    assert differences["still"].min() < -12
    assert differences["ridden"].min() > differences["still"].min() + 6
    assert np.ptp(differences["ridden"]) < np.ptp(differences["still"]) - 5


def test_pads_duck_under_the_kick_where_the_style_wants_it(rng):
    pad = (0.1 * rng.standard_normal((2, 6 * SAMPLE_RATE))).astype(np.float32)
    levels = {}
    for preset in ("electronic", "ambient"):
        balanced = balance_stems(
            Stems(("Pad",), (pad,)), ("pad",), preset=preset, form=moving_form()
        ).audio[0]
        # Just after each kick against just before the next.
        kicks = (np.arange(2, 10) * 0.5 * SAMPLE_RATE).astype(int)
        after = np.mean([np.mean(balanced[:, k + 200 : k + 1200] ** 2) for k in kicks])
        before = np.mean([np.mean(balanced[:, k - 3000 : k - 1000] ** 2) for k in kicks])
        levels[preset] = 10 * np.log10(after / before)
    assert levels["electronic"] == pytest.approx(-6.0, abs=1.0)
    assert levels["ambient"] == pytest.approx(0.0, abs=0.6)
