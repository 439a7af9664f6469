"""Training frame models: batches hold every piece, mixtures are mixtures, a pattern is learned."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs the extra train")

from leitmotiv.training.frame_features import collate, frame_features  # noqa: E402
from leitmotiv.training.frame_model import FrameConfig, FrameModel  # noqa: E402
from leitmotiv.training.frame_train import (  # noqa: E402
    Draw,
    FrameSchedule,
    cell_log_probs,
    fit,
    make_batches,
    moving_cells,
)

SMALL = {"width": 32, "layers": 1, "heads": 2, "hidden": 32, "head_hidden": 32, "dropout": 0.0}


def scale(start: int, length: int = 48) -> np.ndarray:
    """Four voices that climb in parallel, one diatonic step a beat."""
    degrees = np.array([0, 2, 4, 5, 7, 9, 11, 12])
    climb = degrees[np.arange(length) // 4 % 8]
    return np.stack([start + 12 + climb, start + 7 + climb, start + climb, start - 12 + climb], 1)


def toy_pieces(count: int = 6) -> list[dict]:
    return [frame_features(scale(52 + index)) for index in range(count)]


def test_every_piece_is_in_one_batch_within_the_limit(rng: np.random.Generator) -> None:
    pieces = [frame_features(scale(54, int(length))) for length in rng.integers(20, 60, 23)]
    batches = make_batches(pieces, 200, rng)
    assert sorted(index for batch in batches for index in batch) == list(range(23))
    for batch in batches:
        longest = max(len(pieces[index]["frames"]) for index in batch)
        assert len(batch) == 1 or len(batch) * longest <= 200


def test_an_epoch_mixes_in_the_share_of_extra_batches(rng: np.random.Generator) -> None:
    schedule = FrameSchedule(batch_steps=100, extra_share=0.5, extra_until=0.6)
    draw = Draw(toy_pieces(), toy_pieces(3), schedule, rng)
    for progress, share in ((0.0, 0.5), (0.6, 0.0), (1.0, 0.0)):
        kinds = [is_extra for is_extra, _ in draw.epoch(progress)]
        assert np.mean(kinds) == pytest.approx(share)


def test_a_crop_begins_anew_and_keeps_its_place_in_the_bar() -> None:
    whole, crop = frame_features(scale(54)), frame_features(scale(54), 12)
    assert np.array_equal(crop["frames"], whole["frames"][12:])
    assert (crop["pitch"][0] == -2).all()
    assert np.array_equal(crop["ids"][:, -2:], whole["ids"][12:, -2:])
    assert crop["anchor"] == whole["frames"][12].min()


@pytest.mark.parametrize("backbone", ["transformer", "gru"])
def test_a_simple_pattern_is_learned_and_holds_in_another_key(backbone: str) -> None:
    torch.manual_seed(1)
    model = FrameModel(FrameConfig(backbone=backbone, **SMALL))
    held_out = [frame_features(scale(59))]
    before = -cell_log_probs([model], held_out).mean()
    schedule = FrameSchedule(
        max_updates=24, warmup_steps=3, batch_steps=300, crop=0.0, ema=0.8, max_shift=2
    )
    result = fit(model, toy_pieces(), held_out, schedule, seed=1, report=lambda _: None)
    after = -cell_log_probs([result.model], held_out).mean()
    assert after == pytest.approx(result.held_out_nats)
    assert after < 0.6 * before
    assert result.steps == 24


def test_a_mixture_is_the_mean_of_probabilities() -> None:
    models = []
    for seed in (1, 2):
        torch.manual_seed(seed)
        models.append(FrameModel(FrameConfig(**SMALL)))
    pieces = toy_pieces(2)
    mixed = cell_log_probs(models, pieces, shifts=(0, 3))
    members = [cell_log_probs([model], pieces, shifts=(by,)) for model in models for by in (0, 3)]
    np.testing.assert_allclose(np.exp(mixed), np.mean(np.exp(members), axis=0), rtol=1e-5)


def test_a_mixture_of_transpositions_loses_no_probability() -> None:
    """Each copy's distribution, moved back by its shift, stays within the symbols."""
    torch.manual_seed(1)
    model = FrameModel(FrameConfig(**SMALL)).eval()
    config, pieces = model.config, toy_pieces(1)
    total = torch.zeros(())
    with torch.no_grad():
        for shift in (-6, 0, 6):
            table = model.distributions(collate(pieces, [shift])).double().exp()
            low = config.lowest_pitch - config.base + 1 + shift
            inside = table[..., 0] + table[..., low : low + 46].sum(-1)
            assert float(inside.max()) <= 1 + 1e-6
            total = total + inside / 3
    assert float(total.max()) <= 1 + 1e-6


def test_moving_cells_differ_from_the_step_before() -> None:
    pieces = toy_pieces(1)
    moving = moving_cells(pieces)
    assert moving[0].all()
    assert np.array_equal(np.flatnonzero(moving[:, 0]) % 4, np.zeros(moving[:, 0].sum()))


def test_bad_settings_are_refused() -> None:
    with pytest.raises(ValueError, match="max_shift=9"):
        FrameSchedule(max_shift=9)
    with pytest.raises(ValueError, match="at least one"):
        cell_log_probs([], toy_pieces(1))
