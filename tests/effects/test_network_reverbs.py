"""The algorithmic reverbs keep what their knobs promise."""

from __future__ import annotations

import inspect
from functools import lru_cache

import numpy as np
import pytest
from scipy.signal import butter, sosfilt

from leitmotiv.effects import load_effect
from leitmotiv.effects.network_reverb import NetworkReverb
from leitmotiv.errors import AudioError

SAMPLE_RATE = 48_000
KINDS = ("hall", "room", "plate", "cathedral", "shimmer", "infinite")
PLAIN = {"wet_level": 1.0, "dry_level": 0.0}
STILL = {"octave_level": 0.0, "fifth_level": 0.0, "hold": 0.0}


def make(kind: str, **settings: float) -> NetworkReverb:
    """A reverb heard alone; without shimmer and hold unless they are asked for."""
    effect = load_effect(f"{kind}_reverb")
    knobs = {knob.name for knob in effect.parameters}
    plain = PLAIN | {name: value for name, value in STILL.items() if name in knobs}
    return effect(**(plain | settings))


def response(reverb: NetworkReverb, duration_sec: float, channel: int = 0) -> np.ndarray:
    click = np.zeros((2, round(duration_sec * reverb.sample_rate)), np.float32)
    click[channel, 0] = 1.0
    return reverb.process(click)


@lru_cache
def usual(kind: str, seed: int) -> np.ndarray:
    reverb = make(kind, seed=seed)
    return response(reverb, 1.15 * reverb.get("decay_sec") + 0.4, channel=seed % 2)


def in_blocks(
    effect: NetworkReverb, audio: np.ndarray, cut: int, curves: dict | None = None
) -> np.ndarray:
    done = []
    for at in range(0, audio.shape[1], cut):
        piece = {name: curve[at : at + cut] for name, curve in (curves or {}).items()}
        done.append(effect.process(audio[:, at : at + cut], automation=piece))
    return np.concatenate(done, axis=1)


def reverberation_time(impulse: np.ndarray, centre_hz: float) -> float:
    """T30 in a band (ISO 3382-1): Schroeder's backward integration, -5 to -35 dB.

    Bands are third octaves, as the decay bends within an octave at the top; in the bass octaves,
    as a third holds too few modes.
    """
    octaves = 1.0 if centre_hz < 500 else 1 / 3
    edges = [centre_hz / 2 ** (octaves / 2), centre_hz * 2 ** (octaves / 2)]
    sections = butter(3, edges, "band", fs=SAMPLE_RATE, output="sos")
    energy = np.cumsum(sosfilt(sections, impulse.astype(float))[::-1] ** 2)[::-1]
    level = 10 * np.log10(energy / energy[0] + 1e-30)
    start, stop = np.argmax(level < -5), np.argmax(level < -35)
    slope = np.polyfit(np.arange(stop - start) / SAMPLE_RATE, level[start:stop], 1)[0]
    return float(-60 / slope)


def decay_rate(kind: str, centre_hz: float) -> float:
    """Measured RT60: the mean over two rooms of the kind and both ears."""
    rooms = [usual(kind, seed)[side] for seed in (0, 1) for side in (0, 1)]
    return float(np.mean([reverberation_time(room, centre_hz) for room in rooms]))


@pytest.mark.parametrize("kind", KINDS)
def test_rt60_is_the_promised_one_within_five_percent(kind):
    reverb = make(kind)
    # The bass of a small room holds too few modes to measure to 5 %.
    centres = (500, 1000, 2000, 4000, 8000) if kind == "room" else (125, 250, 500, 1000, 4000, 8000)
    for centre_hz in centres:
        assert decay_rate(kind, centre_hz) == pytest.approx(reverb.decay_at(centre_hz), rel=0.05)


@pytest.mark.parametrize(
    ("decay_sec", "low", "high", "damping_hz"),
    [(0.8, 1.0, 1.0, 5000.0), (1.5, 1.6, 0.3, 3000.0), (4.0, 0.5, 0.7, 8000.0)],
)
def test_decay_follows_its_knobs(decay_sec, low, high, damping_hz):
    halls = [
        make(
            "hall", decay_sec=decay_sec, low_decay_ratio=low, high_decay_ratio=high,
            damping_hz=damping_hz, seed=seed,
        )
        for seed in (0, 1)
    ]  # fmt: skip
    rooms = [response(hall, 1.3 * decay_sec + 0.3) for hall in halls]
    for centre_hz in (500, 1000, 4000, 8000):
        measured = np.mean(
            [reverberation_time(room[s], centre_hz) for room in rooms for s in (0, 1)]
        )
        assert measured == pytest.approx(halls[0].decay_at(centre_hz), rel=0.05)


@pytest.mark.parametrize("kind", KINDS)
def test_no_mode_rings(kind):
    # The tail of a good room has the spectrum of noise: exponentially distributed power, whose
    # geometric mean is 0.56 of its mean. Ringing modes push it down: 0.1-0.4 unmodulated.
    decay_sec = make(kind).decay_at(1000.0)
    flatness = []
    for impulse in usual(kind, 0):
        start, stop = round(0.4 * decay_sec * 48000), round(0.9 * decay_sec * 48000)
        tail = impulse[start:stop] * 10 ** (3 * np.arange(stop - start) / 48000 / decay_sec)
        power = np.abs(np.fft.rfft(tail * np.hanning(len(tail)))) ** 2
        frequency_hz = np.fft.rfftfreq(len(tail), 1 / SAMPLE_RATE)
        power = power[(frequency_hz > 150) & (frequency_hz < 4000)]
        width = max(round(100 / frequency_hz[1]), 5)
        whitened = (power / np.convolve(power, np.ones(width) / width, "same"))[width:-width]
        flatness.append(np.exp(np.log(whitened + 1e-12).mean()))
    # The infinite bed moves slowly, so that held chords stay in tune over minutes.
    assert np.mean(flatness) > (0.38 if kind == "infinite" else 0.47)


@pytest.mark.parametrize(
    ("kind", "by_ms"), [("hall", 110), ("room", 25), ("plate", 25), ("cathedral", 150)]
)
def test_echo_density_reaches_that_of_noise(kind, by_ms):
    # Abel and Huang 2006: share of samples outside one standard deviation, over that of noise.
    reverb = make(kind, pre_delay_ms=0.0)
    window = response(reverb, 0.4)[0, by_ms * 48 : by_ms * 48 + 1920]
    assert np.mean(np.abs(window) > window.std()) / 0.3173 > 0.85


@pytest.mark.parametrize("kind", KINDS)
def test_the_two_ears_hear_different_tails(kind):
    tail = usual(kind, 0)[:, 4800:]
    assert abs(np.corrcoef(tail)[0, 1]) < 0.15


@pytest.mark.parametrize("kind", ["hall", "plate"])
@pytest.mark.parametrize("size", [1, 64, 441, 4096])
def test_output_is_the_same_in_blocks_of_any_size(kind, size, rng):
    num_samples = 1200 if size == 1 else 9000
    audio = (0.1 * rng.standard_normal((2, num_samples))).astype(np.float32)
    knobs = {"swell_level": 0.5, "ducking_db": 12.0, "swell_sec": 0.1}
    whole = make(kind, **knobs).process(audio)
    assert np.array_equal(in_blocks(make(kind, **knobs), audio, size), whole)


@pytest.mark.parametrize("size", [1, 441])
def test_automation_is_the_same_in_blocks_of_any_size(size, rng):
    num_samples = 1200 if size == 1 else 9000
    audio = (0.1 * rng.standard_normal((2, num_samples))).astype(np.float32)
    curves = {
        "decay_sec": np.geomspace(1.0, 8.0, num_samples),
        "size": np.linspace(0.8, 1.4, num_samples),
        "hold": np.linspace(0.0, 1.0, num_samples),
        "pre_delay_ms": np.linspace(0.0, 9.0, num_samples),
    }
    whole = make("shimmer", octave_level=0.7).process(audio, automation=curves)
    cut = in_blocks(make("shimmer", octave_level=0.7), audio, size, curves)
    assert np.array_equal(cut, whole)


@pytest.mark.parametrize(
    ("knob", "start", "stop"),
    [
        ("decay_sec", 0.5, 12.0), ("size", 0.8, 1.2), ("damping_hz", 800.0, 12000.0),
        ("wet_level", 0.1, 1.0), ("diffusion", 0.2, 1.0), ("hold", 0.0, 1.0),
        ("freeze", 0.0, 1.0), ("modulation_depth", 0.0, 1.0), ("pre_delay_ms", 0.0, 40.0),
    ],
)  # fmt: skip
def test_a_turned_knob_makes_no_zipper_noise(knob, start, stop):
    time_sec = np.arange(72_000) / SAMPLE_RATE
    tone = 0.3 * np.sin(2 * np.pi * 300 * time_sec) * np.minimum(time_sec / 0.2, 1.0)
    hall = make("hall", **{knob: start})
    hall.process(np.stack([tone, tone])[:, :48_000].astype(np.float32))
    hall.set(knob, stop)
    turned = hall.process(np.stack([tone, tone])[:, 48_000:].astype(np.float32))
    # A step spreads over the whole spectrum; a glide stays beside the tone.
    above = sosfilt(butter(8, 3000, "high", fs=SAMPLE_RATE, output="sos"), turned[0])
    assert np.abs(above[2400:]).max() < 2e-3 * np.abs(turned[0]).max()


def test_a_size_that_glides_arrives_at_whole_samples_and_keeps_the_energy():
    hall = make("infinite", hold=1.0)
    response(hall, 1.0)
    hall.set("size", 1.3)
    hall.process(np.zeros((2, 96_000), np.float32))
    first = hall.process(np.zeros((2, 96_000), np.float32))
    last = [hall.process(np.zeros((2, 96_000), np.float32)) for _ in range(5)][-1]
    assert np.square(last).mean() == pytest.approx(np.square(first).mean(), rel=0.1)


def test_hold_keeps_the_energy():
    bed = make("infinite", hold=1.0)
    response(bed, 1.0)
    seconds = bed.process(np.zeros((2, 30 * SAMPLE_RATE), np.float32)).reshape(2, 10, -1)
    level_db = 10 * np.log10(np.square(seconds).mean(axis=(0, 2)))
    assert np.ptp(level_db) < 1.0


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["infinite", "shimmer"])
def test_ten_minutes_on_hold_are_bounded_and_do_not_die(kind, rng):
    shimmer = {"octave_level": 1.0, "fifth_level": 1.0} if kind == "shimmer" else {}
    bed = make(kind, hold=1.0, **shimmer)
    noise = (0.3 * rng.standard_normal((2, 20 * SAMPLE_RATE))).astype(np.float32)
    loud = [bed.process(noise) for _ in range(3)][-1]
    assert np.sqrt(np.square(loud).mean()) < 1.6
    silence = np.zeros((2, 20 * SAMPLE_RATE), np.float32)
    bed.process(silence)
    level = [np.sqrt(np.square(bed.process(silence)).mean()) for _ in range(28)]
    assert level[-1] == pytest.approx(level[0], rel=0.12)
    assert max(level) < 1.6


def test_a_full_bed_makes_room_instead_of_growing(rng):
    bed = make("infinite", hold=1.0)
    noise = rng.standard_normal((2, 10 * SAMPLE_RATE)).astype(np.float32)
    level = [np.sqrt(np.square(bed.process(0.5 * noise)).mean()) for _ in range(3)]
    assert level[2] == pytest.approx(level[1], rel=0.2)
    assert level[2] < 0.3


def test_freeze_keeps_what_sounds_and_lets_nothing_in(rng):
    noise = (0.2 * rng.standard_normal((2, SAMPLE_RATE))).astype(np.float32)
    alone, disturbed = make("hall"), make("hall")
    for hall in (alone, disturbed):
        hall.process(noise)
        hall.set("freeze", 1.0)
        hall.process(0.0 * noise)
    quiet = alone.process(0.0 * noise)
    assert np.allclose(disturbed.process(noise), quiet, atol=1e-6)
    later = alone.process(np.zeros((2, 10 * SAMPLE_RATE), np.float32))[:, -SAMPLE_RATE:]
    assert np.square(later).mean() == pytest.approx(np.square(quiet).mean(), rel=0.3)
    assert alone.tail_sec == np.inf


def test_ducking_steps_back_while_the_input_is_loud_and_returns(rng):
    noise = (0.3 * rng.standard_normal((2, SAMPLE_RATE))).astype(np.float32)
    audio = np.concatenate([noise, np.zeros((2, 2 * SAMPLE_RATE), np.float32)], axis=1)
    knobs = {"decay_sec": 6.0, "early_level": 0.0, "high_decay_ratio": 1.0}
    plain = make("hall", **knobs).process(audio)
    ducked = make("hall", **knobs, ducking_db=20.0).process(audio)
    level = np.sqrt(np.square(ducked).reshape(2, 30, -1).mean(axis=(0, 2)))
    level /= np.sqrt(np.square(plain).reshape(2, 30, -1).mean(axis=(0, 2)))
    assert 20 * np.log10(level[9]) == pytest.approx(-20, abs=1.0)
    assert np.all(np.diff(level[10:]) > -1e-3)
    assert level[-1] == pytest.approx(1.0, abs=0.02)


def test_ducking_listens_to_the_side_chain(rng):
    noise = (0.3 * rng.standard_normal((2, SAMPLE_RATE))).astype(np.float32)
    quiet = make("hall", ducking_db=20.0).process(noise, side_chain=0.0 * noise)
    assert np.array_equal(quiet, make("hall").process(noise))


def test_the_swell_rises_to_its_end():
    reverb = make("hall", swell_level=1.0, swell_sec=2.0, decay_sec=0.4, early_level=0.0)
    out = response(reverb, 3.5)[0]
    level_db = 10 * np.log10(np.square(out).reshape(14, -1).mean(axis=1) + 1e-12)  # quarters
    assert 7 <= np.argmax(level_db) <= 8  # around two seconds
    assert np.polyfit(np.arange(1, 8), level_db[1:8], 1)[0] > 3.0  # 36 dB over the build
    assert level_db[11] < level_db.max() - 40


def partials(audio: np.ndarray, frequencies_hz: list[float]) -> np.ndarray:
    """Power around some frequencies."""
    power = np.abs(np.fft.rfft(audio.mean(axis=0) * np.hanning(audio.shape[1]))) ** 2
    grid = np.fft.rfftfreq(audio.shape[1], 1 / SAMPLE_RATE)
    return np.asarray([power[np.abs(grid / f - 1) < 0.06].sum() for f in frequencies_hz])


@pytest.mark.parametrize(("knob", "ratio"), [("octave_level", 2.0), ("fifth_level", 2 ** (7 / 12))])
def test_the_shimmer_rises_by_its_interval_and_later_ones_come_later(knob, ratio):
    time_sec = np.arange(4 * SAMPLE_RATE) / SAMPLE_RATE
    tone = 0.3 * np.sin(2 * np.pi * 330 * time_sec) * (time_sec < 0.5)
    out = make("shimmer", decay_sec=4.0, **{knob: 0.8}).process(
        np.stack([tone, tone], dtype=np.float32)
    )
    steps = [330 * ratio**n for n in range(4)]
    early, late = partials(out[:, :24_000], steps), partials(out[:, 96_000:], steps)
    assert np.argmax(early) == 0
    assert late[1] > 0.03 * late[0]
    assert np.all(late[1:3] / late[0] > 3 * early[1:3] / early[0])
    silent = make("shimmer", decay_sec=4.0).process(np.stack([tone, tone], dtype=np.float32))
    assert partials(silent[:, 96_000:], steps)[1] < 1e-3 * late[1]


def test_shimmer_on_hold_rises_with_what_enters_and_then_stands():
    time_sec = np.arange(2 * SAMPLE_RATE) / SAMPLE_RATE
    tone = 0.3 * np.sin(2 * np.pi * 330 * time_sec) * (time_sec < 1.0)
    bed = make("infinite", hold=1.0, octave_level=0.7)
    bed.process(np.stack([tone, tone], dtype=np.float32))
    silence = np.zeros((2, 4 * SAMPLE_RATE), np.float32)
    bed.process(silence)
    first = partials(bed.process(silence), [330, 660, 1320])
    for _ in range(5):
        last = partials(bed.process(silence), [330, 660, 1320])
    assert first[1] > 0.05 * first[0]
    assert 10 * np.log10(last / first) == pytest.approx(np.zeros(3), abs=3.0)


def test_a_slow_attack_fades_every_onset_in(rng):
    burst = np.zeros((2, SAMPLE_RATE), np.float32)
    burst[:, ::24_000] = 1.0  # clicks: they are gone before the fade has let them in
    tone = 0.3 * np.sin(2 * np.pi * 330 * np.arange(SAMPLE_RATE) / SAMPLE_RATE)
    tone = np.stack([tone, tone], dtype=np.float32)
    power = {}
    for name, audio in (("clicks", burst), ("tone", tone)):
        for attack_ms in (0.0, 100.0):
            out = make("hall", attack_ms=attack_ms).process(audio)
            power[name, attack_ms] = np.square(out[:, SAMPLE_RATE // 2 :]).sum()
    assert power["clicks", 100.0] < 0.01 * power["clicks", 0.0]
    assert power["tone", 100.0] > 0.5 * power["tone", 0.0]


def test_silence_ends_in_exact_silence_without_denormals():
    hall = make("plate", decay_sec=0.3)
    response(hall, 0.1)
    out = hall.process(np.zeros((2, 8 * SAMPLE_RATE), np.float32))
    assert not out[:, -SAMPLE_RATE:].any()
    for state in vars(hall).values():
        if isinstance(state, np.ndarray) and state.dtype.kind == "f":
            small = np.abs(state[state != 0])
            assert small.min(initial=1.0) > np.finfo(state.dtype).tiny


@pytest.mark.parametrize("kind", KINDS)
def test_the_constructor_says_what_the_knobs_are(kind):
    effect = load_effect(f"{kind}_reverb")
    signature = inspect.signature(effect).parameters
    defaults = {knob.name: knob.default for knob in effect.parameters}
    assert {n: signature[n].default for n in defaults} == defaults
    assert set(signature) - set(defaults) >= {"seed", "swell_sec", "sample_rate", "num_channels"}


@pytest.mark.parametrize("sample_rate", [22_050, 96_000])
def test_decay_does_not_depend_on_the_sample_rate(sample_rate):
    hall = make("hall", sample_rate=sample_rate, decay_sec=1.5)
    out = response(hall, 2.2)[0]
    energy = np.cumsum(out[::-1].astype(float) ** 2)[::-1]
    level = 10 * np.log10(energy / energy[0] + 1e-30)
    start, stop = np.argmax(level < -15), np.argmax(level < -35)
    measured = 3 * (stop - start) / sample_rate
    assert 0.8 * 1.5 < measured < 1.15 * 1.5


def test_mono_comes_back_mono():
    hall = make("hall", num_channels=1)
    click = np.zeros((1, 9600), np.float32)
    click[0, 0] = 1.0
    assert np.abs(hall.process(click)).max() > 0


def test_reset_makes_it_new(rng):
    audio = (0.1 * rng.standard_normal((2, 9600))).astype(np.float32)
    bed = make("shimmer", octave_level=0.5)
    first = bed.process(audio)
    bed.reset()
    assert np.array_equal(bed.process(audio), first)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"decay_sec": 0.0}, "decay_sec=0 must be between 0.1 and 60"),
        ({"swell_sec": 99.0}, "swell_sec=99 must be between"),
        ({"num_channels": 6}, "num_channels=6 must be between 1 and 2"),
        ({"octave_semitones": 50.0}, "semitones=50 must be between"),
    ],
)
def test_what_cannot_be_built_is_refused_in_words(settings, message):
    with pytest.raises(AudioError, match=message):
        make("shimmer", **settings)
