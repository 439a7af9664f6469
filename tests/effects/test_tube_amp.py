"""The amplifier behaves as valves do: clean when soft, bounded when loud, silent in silence."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from leitmotiv.effects.effect import apply
from leitmotiv.effects.tube_amp import TubeAmp
from leitmotiv.errors import AudioError

RATE = 48_000


def tone(level: float, hz: float = 220.0, num_samples: int = 24_000) -> NDArray[np.float32]:
    wave = level * np.sin(2 * np.pi * hz * np.arange(num_samples) / RATE)
    return wave[None].astype(np.float32)


def distortion(audio: NDArray[np.float32], hz: float = 220.0) -> float:
    """Harmonics over the fundamental, of the last half second."""
    spectrum = np.abs(np.fft.rfft(audio[0, -12_000:] * np.hanning(12_000)))
    lines = [spectrum[round(hz * k / 4) - 3 : round(hz * k / 4) + 4].max() for k in range(1, 30)]
    return float(np.linalg.norm(lines[1:]) / lines[0])


def amp(**settings: float | str) -> TubeAmp:
    return TubeAmp(num_channels=1, **settings)  # type: ignore[arg-type]


@pytest.mark.parametrize("voicing", ["vintage", "lead"])
def test_distortion_grows_with_drive_from_clean_to_breakup(voicing: str) -> None:
    amounts = [
        distortion(amp(drive=drive, voicing=voicing).process(tone(0.2)))
        for drive in (0.1, 0.4, 0.6, 0.9)
    ]
    assert amounts == sorted(amounts)
    assert amounts[0] < 0.02
    assert amounts[-1] > 0.25


def test_the_player_s_touch_cleans_it_up() -> None:
    soft, hard = (distortion(amp(drive=0.55).process(tone(level))) for level in (0.03, 0.4))
    assert soft < 0.02
    assert hard > 0.1


def test_nothing_comes_of_silence() -> None:
    assert (
        np.abs(amp(drive=1.0, voicing="lead").process(np.zeros((1, 24_000), np.float32))).max()
        < 1e-6
    )


def test_the_loudest_input_stays_bounded(rng: np.random.Generator) -> None:
    loud = (10 * rng.standard_normal((1, 24_000))).astype(np.float32)
    out = amp(drive=1.0, master=1.0, treble=1.0, presence=1.0, voicing="lead").process(loud)
    assert np.isfinite(out).all()
    assert np.abs(out).max() < 2.0


def test_the_supply_sags_under_load_and_comes_back() -> None:
    burst = tone(0.5, num_samples=48_000)
    burst[:, :9600] *= 0.02
    burst[:, 28_800:] *= 0.02
    firm, soft = (amp(drive=0.6, sag=sag).process(burst)[0] for sag in (0.0, 1.0))

    def level(audio: NDArray[np.float32], at: int) -> float:
        return float(np.sqrt(np.mean(audio[at : at + 1200] ** 2)))

    attack, held, after = 9_700, 26_000, 46_000
    assert level(soft, held) < 0.85 * level(firm, held)
    assert level(soft, held) / level(soft, attack) < 0.97 * level(firm, held) / level(firm, attack)
    assert level(soft, after) == pytest.approx(level(firm, after), rel=0.1)


def test_aliasing_stays_48_db_below_the_signal() -> None:
    # 5 kHz has its harmonics at 10, 15 and 20 kHz; all else within the band is folded back.
    out = amp(drive=0.8).process(tone(0.3, hz=5000.0))
    spectrum = np.abs(np.fft.rfft(out[0, -12_000:] * np.hanning(12_000)))
    harmonic = np.zeros(len(spectrum), bool)
    for k in range(5):
        harmonic[max(1250 * k - 6, 0) : 1250 * k + 7] = True
    assert spectrum[~harmonic].max() < 10 ** (-48 / 20) * spectrum.max()


@pytest.mark.parametrize("rate", [22_050, 44_100, 96_000])
def test_the_tone_is_that_of_48_khz_at_other_rates(rate: int) -> None:
    def level_db(rate: int, hz: float) -> float:
        wave = 0.02 * np.sin(2 * np.pi * hz * np.arange(rate // 2) / rate)
        effect = TubeAmp(drive=0.3, sample_rate=rate, num_channels=1)
        out = effect.process(wave[None].astype(np.float32))[0, rate // 4 :]
        return float(20 * np.log10(np.sqrt(np.mean(out**2))))

    for hz in (100.0, 700.0, 4000.0):
        assert level_db(rate, hz) == pytest.approx(level_db(RATE, hz), abs=0.3)


def test_the_reported_latency_is_where_a_click_comes_out() -> None:
    click = np.zeros((1, 400), np.float32)
    click[0, 100] = 0.01
    out = apply(click, amp(drive=0.3))[0]
    assert abs(int(np.abs(out).argmax()) - 100) <= 1


def test_equal_channels_stay_equal_and_others_are_kept_apart(rng: np.random.Generator) -> None:
    mono = (0.2 * rng.standard_normal(3000)).astype(np.float32)
    other = (0.2 * rng.standard_normal(3000)).astype(np.float32)
    left = np.concatenate([mono, mono])
    right = np.concatenate([mono, other])
    both = TubeAmp(drive=0.6).process(np.stack([left, right]))
    np.testing.assert_array_equal(both[0], amp(drive=0.6).process(left[None])[0])
    np.testing.assert_array_equal(both[1], amp(drive=0.6).process(right[None])[0])
    stereo = TubeAmp(drive=0.6)
    first = stereo.process(np.stack([mono, mono]))
    second = stereo.process(np.stack([mono, other]))
    np.testing.assert_array_equal(np.concatenate([first, second], axis=1), both)


def test_an_unknown_voicing_is_named() -> None:
    with pytest.raises(AudioError, match="voicing='modern' must be one of vintage, lead"):
        TubeAmp(voicing="modern")
