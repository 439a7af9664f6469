from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.signal import hilbert

from leitmotiv.effects import make_effect
from leitmotiv.errors import AudioError

PLAIN = {
    "low_cut_hz": 10.0,
    "high_cut_hz": 20_000.0,
    "diffusion": 0.0,
    "wow_cents": 0.0,
    "flutter_cents": 0.0,
    "ceiling_db": 0.0,
    "wet_level": 1.0,
    "dry_level": 0.0,
}


RATE = 11_025  # of what lasts ten minutes


def plain(**settings):
    """An evolving delay with nothing but echoes, but for the settings."""
    extra = {key: settings.pop(key) for key in ("sample_rate", "num_channels") if key in settings}
    return make_effect("evolving_delay", PLAIN | settings, **extra)


def click(num_samples: int, num_channels: int = 2, size: float = 0.5) -> np.ndarray:
    audio = np.zeros((num_channels, num_samples), np.float32)
    audio[:, 0] = size
    return audio


def level_db(audio: np.ndarray) -> float:
    return float(20 * np.log10(np.sqrt(np.mean(np.square(audio, dtype=np.float64))) + 1e-12))


def chord(num_samples: int, sample_rate: int) -> np.ndarray:
    """Three plucked tones that have died away after a second or two."""
    time = np.arange(num_samples) / sample_rate
    tones = [np.sin(2 * np.pi * hz * time) for hz in (196.0, 293.7, 493.9)]
    one = 0.2 * np.sum(tones, axis=0) * np.exp(-3 * time) * np.minimum(time / 0.005, 1)
    return np.stack([one, one]).astype(np.float32)


@pytest.mark.parametrize("feedback", [0.3, 0.7, 0.95])
def test_each_echo_stands_on_its_sample_and_has_the_feedbacks_gain(feedback):
    out = plain(delay_sec=0.02, feedback=feedback).process(click(10_000))
    at = np.flatnonzero(out[0])
    assert at[:10].tolist() == [960 * n for n in range(1, 11)]
    assert out[0, at[:10]] == pytest.approx(0.5 * feedback ** np.arange(10), rel=1e-5)


def test_taps_stand_at_their_shares_with_their_levels_and_places():
    effect = plain(
        delay_sec=0.1,
        feedback=0.0,
        tap_times=[0.25, 0.75, 1.0],
        tap_levels=[0.5, 0.8, 1.0],
        tap_pans=[-1.0, 0.5, 0.0],
    )
    out = effect.process(click(9600))
    assert np.flatnonzero(out[0]).tolist() == [1200, 3600, 4800]
    assert out[0, [1200, 3600, 4800]] == pytest.approx([0.25, 0.2, 0.5])
    assert out[1, [1200, 3600, 4800]] == pytest.approx([0.0, 0.4, 0.5])


def test_ping_pong_enters_left_changes_sides_and_keeps_the_power():
    out = plain(delay_sec=0.02, feedback=0.9, ping_pong=1.0).process(click(4000))
    assert out[:, 960] == pytest.approx([0.5 * math.sqrt(2), 0.0])
    assert out[:, 1920] == pytest.approx([0.0, 0.45 * math.sqrt(2)])
    assert out[:, 2880] == pytest.approx([0.405 * math.sqrt(2), 0.0])


def test_the_nth_echo_is_cut_n_times():
    out = plain(delay_sec=0.1, feedback=1.0 - 0.06, high_cut_hz=2000.0, low_cut_hz=200.0)
    heard = out.process(click(5 * 4800))[0]
    gains = []
    for n in (1, 2, 3):
        spectrum = np.abs(np.fft.rfft(heard[n * 4800 : (n + 1) * 4800]))
        gains.append(20 * np.log10(spectrum[[20, 200]] / 0.5 / 0.94 ** (n - 1)))
    # Second order at its corner: 3.01 dB each time, and the other cut adds a little.
    assert np.array(gains)[:, 0] == pytest.approx([-3.0, -6.0, -9.0], abs=0.15)
    assert np.array(gains)[:, 1] == pytest.approx([-3.0, -6.0, -9.0], abs=0.15)


def test_diffusion_keeps_the_level_and_the_beat_of_a_repeat():
    effect = plain(delay_sec=0.5, feedback=0.9, diffusion=1.0, num_channels=1)
    pulse = np.zeros((1, 3 * 24_000), np.float32)
    pulse[0, :49] = 0.5 * np.hanning(49)  # below 2 kHz: reading between samples costs the top
    out = effect.process(pulse)[0, 24:].astype(np.float64)
    first, second = out[24_000 - 9000 : 33_000], out[48_000 - 9000 : 64_000]
    assert np.square(second).sum() == pytest.approx(0.81 * np.square(first).sum(), rel=0.05)
    places = np.arange(len(second)) - 9000
    middle = (places * np.square(second)).sum() / np.square(second).sum()
    assert abs(middle) < 0.005 * 48_000
    assert np.abs(second).max() < 0.5 * np.abs(first).max()  # no click is left of the click


@pytest.mark.parametrize(("knob", "rate"), [("wow", 1.0), ("flutter", 6.0)])
def test_the_tape_bends_the_pitch_by_the_cents_at_the_rate(knob, rate):
    time = np.arange(3 * 48_000) / 48_000
    tone = np.stack([np.sin(2 * np.pi * 1000 * time)] * 2).astype(np.float32)
    effect = plain(delay_sec=0.1, feedback=0.0, **{f"{knob}_cents": 20.0, f"{knob}_hz": rate})
    left = effect.process(tone)[0]
    phase = np.unwrap(np.angle(hilbert(left[6000:].astype(np.float64))))
    steps = np.convolve(np.diff(phase), np.full(480, 1 / 480), "valid")[4800:-4800]
    cents = 1200 * np.log2(steps * 48_000 / (2 * np.pi * 1000))
    assert cents.max() == pytest.approx(20.0, abs=0.5)
    assert cents.min() == pytest.approx(-20.0, abs=0.5)
    spectrum = np.abs(np.fft.rfft(cents * np.hanning(len(cents)), 48_000 * 8))
    assert np.argmax(spectrum) / 8 == pytest.approx(rate, rel=0.05)


def test_freeze_closes_the_input_and_holds_the_loop(rng):
    noise = (0.1 * rng.standard_normal((2, 48_000))).astype(np.float32)
    effect = plain(delay_sec=0.1, feedback=0.2)
    effect.process(noise)
    effect.set("freeze", 1.0)
    effect.process(noise)
    turns = [effect.process(noise[:, :4800]) for _ in range(20)]
    assert level_db(turns[0]) > -30
    assert np.abs(turns[-1] - turns[0]).max() < 2e-4
    assert effect.tail_sec == math.inf


def test_input_level_nought_lets_the_echoes_ring_out(rng):
    noise = (0.1 * rng.standard_normal((2, 4800))).astype(np.float32)
    effect = plain(delay_sec=0.1, feedback=0.5)
    effect.process(noise)
    effect.set("input_level", 0.0)
    effect.process(noise)  # glides down, and the first echoes
    later = [effect.process(noise) for _ in range(4)]
    fall = np.diff([level_db(block) for block in later])
    assert fall == pytest.approx(-6.02, abs=0.6)


def test_the_reverse_tap_plays_backwards():
    ramp = np.zeros((2, 9600), np.float32)
    time = np.arange(4800) / 48_000
    ramp[:, :4800] = np.sin(2 * np.pi * (200 * time + 5000 * time**2))  # a rising sweep
    effect = plain(delay_sec=0.1, feedback=0.0, reverse_level=1.0, tap_levels=[0.0])
    out = effect.process(ramp)[0]
    turned = out[4800 + 960 : 9600 - 960]
    frames = turned[: len(turned) // 960 * 960].reshape(-1, 960)
    heights = [np.argmax(np.abs(np.fft.rfft(f * np.hanning(960)))) for f in frames]
    assert heights == sorted(heights, reverse=True)
    assert heights[0] > heights[-1]


@pytest.mark.parametrize(("knob", "ratio"), [("octave_up_level", 2.0), ("octave_down_level", 0.5)])
def test_octave_taps_are_octaves(knob, ratio):
    time = np.arange(2 * 48_000) / 48_000
    tone = np.stack([0.5 * np.sin(2 * np.pi * 330 * time)] * 2).astype(np.float32)
    out = plain(delay_sec=0.2, feedback=0.0, tap_levels=[0.0], **{knob: 1.0}).process(tone)[0]
    spectrum = np.abs(np.fft.rfft(out[24_000:] * np.hanning(72_000)))
    peak = np.argmax(spectrum)
    assert peak / 1.5 == pytest.approx(330 * ratio, abs=0.7)
    near = spectrum[peak - 6 : peak + 7]
    assert np.square(near).sum() / np.square(spectrum).sum() > 0.98
    assert np.sqrt(np.mean(np.square(out[24_000:]))) == pytest.approx(0.354, rel=0.08)


def test_evolve_sends_the_octave_round_the_loop():
    audio = chord(4 * 48_000, 48_000)
    settings = {"delay_sec": 0.3, "feedback": 0.9, "octave_up_level": 0.5}
    centres = []
    for evolve in (0.0, 0.6):
        out = plain(evolve=evolve, **settings).process(audio)[0, 3 * 48_000 :]
        power = np.abs(np.fft.rfft(out)) ** 2
        centres.append((power * np.arange(len(power))).sum() / power.sum())
    assert centres[1] > 1.7 * centres[0]


def test_echoes_step_aside_for_the_input_or_for_the_side_chain(rng):
    noise = (0.1 * rng.standard_normal((2, 24_000))).astype(np.float32)
    loud = np.full_like(noise, 0.5)
    free = plain(delay_sec=0.1, feedback=0.3).process(noise)
    ducked = plain(delay_sec=0.1, feedback=0.3, duck_db=12.0).process(noise, side_chain=loud)
    by_itself = plain(delay_sec=0.1, feedback=0.3, duck_db=12.0).process(noise)
    quiet = plain(delay_sec=0.1, feedback=0.3, duck_db=12.0)
    unmoved = quiet.process(noise, side_chain=np.zeros_like(noise))
    assert level_db(ducked[:, 9600:]) - level_db(free[:, 9600:]) == pytest.approx(-12, abs=0.1)
    assert level_db(by_itself[:, 9600:]) - level_db(free[:, 9600:]) < -8
    assert np.array_equal(unmoved, free)


def test_a_held_chord_is_as_loud_after_a_minute_and_still_in_tune():
    effect = make_effect(
        "evolving_delay",
        {"delay_sec": 0.4, "feedback": 1.0, "diffusion": 0.8, "wet_level": 1.0, "dry_level": 0.0},
        sample_rate=22_050,
    )
    effect.process(chord(4 * 22_050, 22_050))
    silence = np.zeros((2, 4 * 22_050), np.float32)
    heard = [effect.process(silence) for _ in range(15)]
    levels = [level_db(block) for block in heard]
    assert max(levels) - min(levels) < 2.0
    spectrum = np.abs(np.fft.rfft(heard[-1][0] * np.hanning(4 * 22_050))) ** 2
    near = sum(
        spectrum[round(4 * hz) - 24 : round(4 * hz) + 25].sum() for hz in (196, 293.7, 493.9)
    )
    assert near / spectrum.sum() > 0.85


@pytest.mark.slow
@pytest.mark.parametrize(
    "settings",
    [
        {"delay_sec": 0.05, "diffusion": 1.0},
        {"delay_sec": 0.83, "diffusion": 1.0, "diffusion_ms": 200.0, "wow_cents": 15.0},
        {"delay_sec": 0.3, "ping_pong": 1.0, "high_cut_hz": 1500.0, "low_cut_hz": 300.0},
    ],
)
def test_feedback_one_holds_the_level_for_ten_minutes(settings):
    effect = make_effect(
        "evolving_delay",
        {"feedback": 1.0, "wet_level": 1.0, "dry_level": 0.0, **settings},
        sample_rate=RATE,
    )
    effect.process(chord(10 * RATE, RATE))
    silence = np.zeros((2, 30 * RATE), np.float32)
    levels = [level_db(effect.process(silence)) for _ in range(20)]
    assert max(levels) - min(levels) < 3.0


@pytest.mark.slow
def test_ten_minutes_of_playing_into_feedback_one_stay_under_the_ceiling(rng):
    effect = make_effect(
        "evolving_delay",
        {
            "delay_sec": 0.37,
            "feedback": 1.0,
            "reverse_level": 0.5,
            "octave_up_level": 0.5,
            "octave_down_level": 0.5,
            "evolve": 0.5,
            "ceiling_db": -6.0,
            "wet_level": 1.0,
            "dry_level": 0.0,
        },
        sample_rate=RATE,
    )
    for _ in range(20):
        noise = (0.3 * rng.standard_normal((2, 30 * RATE))).astype(np.float32)
        out = effect.process(noise)
        # The line holds 2 dB over the ceiling at most; four taps of it are heard.
        assert np.abs(out).max() < 10 ** (-4 / 20) * (1 + 3 * 0.5 * math.sqrt(2)) + 0.1
        assert level_db(out) > -30


def test_no_knob_clicks_when_it_is_turned():
    time = np.arange(24_000) / 48_000
    tone = np.stack([0.2 * np.sin(2 * np.pi * 110 * time)] * 2).astype(np.float32)
    still = make_effect("evolving_delay", {"delay_sec": 0.1}).process(tone)
    rough = np.abs(np.diff(still[:, 12_000:], 3)).max()
    for knob in make_effect("evolving_delay").parameters:
        effect = make_effect("evolving_delay", {"delay_sec": 0.1})
        before = effect.process(tone[:, :12_000])
        effect.set(knob.name, 0.7 * knob.high + 0.3 * knob.low)
        out = np.concatenate([before, effect.process(tone[:, 12_000:])], axis=1)
        if "octave" in knob.name or "reverse" in knob.name:
            continue  # they add what has another pitch or another edge
        assert np.abs(np.diff(out[:, 11_900:], 3)).max() < 20 * rough + 1e-4, knob.name


def test_diffusion_that_is_turned_up_leaves_no_gap(rng):
    noise = (0.1 * rng.standard_normal((2, 48_000))).astype(np.float32)
    effect = plain(delay_sec=0.2, feedback=0.8)
    effect.process(noise)
    effect.set("diffusion", 0.5)
    out = effect.process(np.zeros((2, 24_000), np.float32))
    levels = [level_db(out[:, n : n + 480]) for n in range(0, 24_000, 480)]
    assert min(levels) > max(levels) - 16


def test_taps_that_do_not_match_are_refused():
    with pytest.raises(AudioError, match="have 2, 1 and 1 values"):
        make_effect("evolving_delay", {"tap_times": [0.5, 1.0]})
    with pytest.raises(AudioError, match=r"tap_times=1\.5 must be between 0.02 and 1"):
        make_effect("evolving_delay", {"tap_times": [1.5]})
    with pytest.raises(AudioError, match=r"feedback=1\.1 must be between 0 and 1"):
        make_effect("evolving_delay", {"feedback": 1.1})


def test_the_tail_is_as_long_as_the_echoes():
    effect = plain(delay_sec=0.05, feedback=0.5)
    out = effect.process(click(round((effect.tail_sec + 0.2) * 48_000)))
    assert np.abs(out[:, round(effect.tail_sec * 48_000) :]).max() < 0.5e-3
    assert make_effect("evolving_delay", {"feedback": 1.0}).tail_sec == math.inf
