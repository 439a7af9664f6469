"""Knobs move without steps, by one law, however the audio is cut into blocks."""

from __future__ import annotations

import numpy as np
import pytest

from leitmotiv.effects import EFFECTS, Gain, load_effect, make_effect
from leitmotiv.errors import AudioError

ONES = np.ones((2, 4800), np.float32)


def in_blocks(effect: Gain, audio: np.ndarray, size: int) -> np.ndarray:
    blocks = [effect.process(audio[:, at : at + size]) for at in range(0, audio.shape[1], size)]
    return np.concatenate(blocks, axis=1)


@pytest.mark.parametrize("size", [1, 64, 441, 4096])
def test_a_turned_knob_glides_the_same_way_in_blocks_of_any_size(size: int) -> None:
    effects = Gain(), Gain()
    for effect in effects:
        effect.set("gain_db", -20.0)
    whole, cut = effects[0].process(ONES), in_blocks(effects[1], ONES, size)
    assert np.array_equal(whole, cut)


def test_a_turned_knob_arrives_after_its_smoothing_time_without_a_step() -> None:
    effect = Gain()
    effect.set("gain_db", -20.0)
    out = effect.process(ONES)[0]
    arrived = round(0.020 * 48_000) - 1
    assert out[arrived] == pytest.approx(0.1, rel=1e-6)
    assert out[arrived - 1] > out[arrived]
    assert np.all(out[arrived:] == out[arrived])
    assert np.abs(np.diff(out)).max() < 3e-3


def test_a_knob_turned_back_half_way_starts_from_where_it_was() -> None:
    effect = Gain()
    effect.set("gain_db", -20.0)
    before = effect.process(ONES[:, :480])[0, -1]
    effect.set("gain_db", 0.0)
    after = effect.process(ONES)[0]
    assert abs(after[0] - before) < 3e-3
    assert after[-1] == 1.0


def test_automation_is_taken_sample_by_sample_and_stays_where_it_ended() -> None:
    effect = Gain()
    curve = np.linspace(0.0, -40.0, 4800)
    out = effect.process(ONES, automation={"gain_db": curve})
    assert np.allclose(20 * np.log10(out[0]), curve, atol=1e-4)
    assert np.allclose(effect.process(ONES), 0.01, rtol=1e-5)


def test_automation_beyond_the_range_is_held_at_its_end() -> None:
    out = Gain().process(ONES, automation={"gain_db": np.full(4800, 1000.0)})
    assert out[0, -1] == pytest.approx(10 ** (48 / 20), rel=1e-6)


def test_reset_puts_the_knobs_where_they_were_set() -> None:
    effect = Gain()
    effect.set("gain_db", -20.0)
    effect.reset()
    assert effect.process(ONES)[0, 0] == pytest.approx(0.1, rel=1e-6)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: Gain(gain_db=100.0), "gain_db=100 must be between -120 and 48 dB"),
        (lambda: Gain(gain_db=float("nan")), "gain_db=nan must be"),
        (lambda: Gain().set("cutoff_hz", 1.0), "no parameter 'cutoff_hz'; it has gain_db"),
        (lambda: Gain().process(ONES * np.nan), "NaN"),
        (lambda: Gain().process(ONES[:1]), "shape"),
        (lambda: Gain().process(ONES, side_chain=ONES), "no side chain"),
        (lambda: Gain().process(ONES, automation={"gain_db": np.zeros(7)}), "one value a sample"),
        (lambda: Gain().process(ONES, automation={"gain_db": np.full(4800, np.nan)}), "NaN"),
        (lambda: load_effect("gian"), "did you mean 'gain'"),
        (lambda: make_effect("gain", {"level": 1}), "no setting 'level'; it has gain_db, invert"),
        (lambda: make_effect("gain", {"gain_db": "loud"}), "must be a number"),
    ],
)
def test_what_cannot_be_done_is_refused_in_words(call: object, message: str) -> None:
    with pytest.raises(AudioError, match=message):
        call()  # type: ignore[operator]


def test_an_empty_block_gives_an_empty_block() -> None:
    assert Gain().process(np.zeros((2, 0), np.float32)).shape == (2, 0)


def test_every_name_in_the_registry_is_lower_case_and_its_module_is_named_once() -> None:
    assert all(name == name.lower() for name in EFFECTS)
    assert len(set(EFFECTS.values())) == len(EFFECTS)
