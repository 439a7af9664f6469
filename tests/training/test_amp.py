"""An amplifier is learnt from two recordings, and what is learnt plays the same elsewhere."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from leitmotiv.effects.nam_file import NamFile  # noqa: E402
from leitmotiv.effects.nam_player import NamPlayer  # noqa: E402
from leitmotiv.training.amp import (  # noqa: E402
    AmpOptions,
    error_to_signal,
    find_delay,
    pre_emphasized,
    train_amp,
)
from leitmotiv.training.amp_model import SIZES, AmpNet  # noqa: E402
from leitmotiv.training.errors import TrainingError  # noqa: E402

RATE = 8_000


def recordings(rng: np.random.Generator, duration_sec: float = 12.0) -> tuple[np.ndarray, ...]:
    """Noise that swells, and what a filtered soft clipper makes of it."""
    count = round(duration_sec * RATE)
    swell = 0.1 + 0.4 * np.abs(np.sin(np.arange(count) / 3000))
    dry = (swell * rng.standard_normal(count)).astype(np.float32)
    bent = np.tanh(3 * np.convolve(dry, [0.6, 0.3, 0.1])[:count])
    return dry, (0.5 * bent).astype(np.float32)


@pytest.mark.parametrize("size", SIZES)
def test_exported_weights_play_as_the_network(size: str, rng: np.random.Generator) -> None:
    torch.manual_seed(3)
    net = AmpNet(SIZES[size], 0.2)
    file = NamFile("0.5.4", "WaveNet", net.export_config(), net.export_weights(), RATE)
    player = NamPlayer(file)
    assert player.receptive_field == net.receptive_field
    audio = (0.3 * rng.standard_normal(1500)).astype(np.float32)
    padded = np.concatenate([np.zeros(net.receptive_field - 1, np.float32), audio])
    with torch.no_grad():
        expected = net(torch.from_numpy(padded)[None])[0].numpy()
    np.testing.assert_allclose(player.play(audio), expected, rtol=0, atol=2e-6)


@pytest.mark.parametrize("delay", [0, 1, 333, -57, 4000])
@pytest.mark.parametrize("polarity", [1.0, -1.0])
def test_the_delay_is_found_whatever_the_polarity(
    delay: int, polarity: float, rng: np.random.Generator
) -> None:
    dry, wet = recordings(rng)
    moved = np.roll(wet, delay) * np.float32(polarity)
    # A few samples early, so that the beginning of the answer is not cut off.
    assert delay - 6 <= find_delay(dry, moved, RATE) <= delay


def test_recordings_that_do_not_belong_together_are_refused(rng: np.random.Generator) -> None:
    dry, _ = recordings(rng)
    _, other = recordings(rng)
    with pytest.raises(TrainingError, match="does not answer to the dry one"):
        find_delay(dry, other, RATE)
    with pytest.raises(TrainingError, match="the wet recording is silent"):
        find_delay(dry, np.zeros_like(dry), RATE)


def test_error_to_signal_is_a_share_of_energy(rng: np.random.Generator) -> None:
    target = rng.standard_normal(1000).astype(np.float32)
    assert error_to_signal(target, target) == 0.0
    assert error_to_signal(0.9 * target, target) == pytest.approx(0.01, rel=1e-4)
    assert error_to_signal(np.zeros_like(target), target) == pytest.approx(1.0)
    assert error_to_signal(target, np.zeros_like(target)) == np.inf
    steady = pre_emphasized(np.ones(10))
    np.testing.assert_allclose(steady, 0.15)


def test_the_same_seed_learns_the_same(rng: np.random.Generator) -> None:
    dry, wet = recordings(rng)
    options = AmpOptions(size="nano", num_steps=6, window=256, batch_size=2, num_threads=1)
    one = train_amp(dry, np.roll(wet, 40), RATE, options)
    assert 34 <= one.delay_samples <= 40
    assert one.finished
    assert one.held_out_sec >= 2.0
    two = train_amp(dry, np.roll(wet, 40), RATE, options)
    np.testing.assert_array_equal(one.weights, two.weights)
    other = train_amp(dry, np.roll(wet, 40), RATE, AmpOptions(**{**vars(options), "seed": 1}))
    assert not np.array_equal(one.weights, other.weights)


@pytest.mark.slow
def test_a_soft_clipper_is_learnt_to_two_per_cent(rng: np.random.Generator) -> None:
    dry, wet = recordings(rng)
    options = AmpOptions(size="nano", num_steps=400, window=1024, num_threads=1)
    capture = train_amp(dry, wet, RATE, options)
    assert capture.esr <= 0.02
    # What is told of the held-out end is what the player makes of it.
    file = NamFile("0.5.4", "WaveNet", capture.config, capture.weights, RATE)
    cut = round(capture.held_out_sec * RATE)
    played = NamPlayer(file).play(dry)
    lag = capture.delay_samples
    target = np.roll(wet, -lag)[-cut : len(wet) + min(lag, 0)]
    assert error_to_signal(played[-cut:][: len(target)], target) == pytest.approx(
        capture.esr, rel=0.2
    )


def test_a_run_that_was_stopped_goes_on_to_the_same_end(
    tmp_path: Path, rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("leitmotiv.training.amp._SAVE_EVERY_SEC", 0.0)
    dry, wet = recordings(rng)
    options = AmpOptions(size="nano", num_steps=20, window=256, batch_size=2, num_threads=1)
    whole = train_amp(dry, wet, RATE, options)
    checkpoint = tmp_path / "run"

    def stop(step: int, num_steps: int, plain: float, bright: float) -> None:
        if step == 11:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train_amp(dry, wet, RATE, options, checkpoint=checkpoint, report=stop)
    assert checkpoint.is_file()
    steps = []
    again = train_amp(
        dry, wet, RATE, options, checkpoint=checkpoint, report=lambda s, *_: steps.append(s)
    )
    assert steps[0] == 12
    np.testing.assert_array_equal(again.weights, whole.weights)
    assert not checkpoint.exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (AmpOptions(size="huge"), "size='huge' must be one of nano"),
        (AmpOptions(num_steps=-1), "num_steps=-1 must be above 0"),
        (AmpOptions(minutes=0.0), r"minutes=0.0 must be above 0"),
        (AmpOptions(delay_samples=60_000), "leaves less than"),
    ],
)
def test_options_out_of_range_are_named(
    options: AmpOptions, message: str, rng: np.random.Generator
) -> None:
    with pytest.raises(TrainingError, match=message):
        train_amp(*recordings(rng), RATE, options)


def test_recordings_that_are_too_short_or_broken_are_refused(rng: np.random.Generator) -> None:
    dry, wet = recordings(rng)
    with pytest.raises(TrainingError, match=r"the dry recording has 1.0 s"):
        train_amp(dry[:RATE], wet[:RATE], RATE)
    with pytest.raises(TrainingError, match="free of NaN"):
        train_amp(dry, np.where(np.arange(len(wet)) == 5, np.nan, wet), RATE)
