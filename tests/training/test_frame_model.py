"""The frame model is causal in time and in voices, and its probabilities sum to one."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs the extra train")

from leitmotiv.training.frame_features import collate, frame_features  # noqa: E402
from leitmotiv.training.frame_model import FrameConfig, FrameModel  # noqa: E402

SMALL = {"width": 32, "layers": 2, "heads": 2, "hidden": 32, "head_hidden": 32, "dropout": 0.0}
LOG_TOLERANCE = 1e-4  # float32 sums in another order


def chorale(rng: np.random.Generator, length: int = 26) -> np.ndarray:
    """Four wandering voices that mostly hold, with a rest and a repeat."""
    frames = np.empty((length, 4), dtype=np.int64)
    frames[0] = [72, 67, 60, 48]
    for step in range(1, length):
        move = rng.random(4) < 0.4
        frames[step] = np.clip(frames[step - 1] + move * rng.integers(-3, 4, 4), 36, 81)
    frames[length // 2 :] = frames[: length - length // 2]
    frames[5, 1] = -1
    return frames


def model(
    backbone: str = "transformer", stride: int = 2, order: tuple[int, ...] = (0, 1, 2, 3)
) -> FrameModel:
    """A small model whose weights are large enough that every input matters."""
    torch.manual_seed(3)
    made = FrameModel(FrameConfig(backbone=backbone, stride=stride, order=order, **SMALL)).eval()
    with torch.no_grad():
        for parameter in made.parameters():
            if parameter.ndim == 2:
                parameter.mul_(3.0)
    return made


def log_probs(made: FrameModel, frames: np.ndarray, shift: int = 0) -> np.ndarray:
    with torch.no_grad():
        return made.log_probs(collate([frame_features(frames)], [shift])).numpy()


KINDS = [("transformer", 1), ("transformer", 2), ("transformer", 3), ("gru", 1), ("gru", 2)]


@pytest.mark.parametrize(("backbone", "stride"), KINDS)
def test_later_steps_never_change_earlier_probabilities(
    backbone: str, stride: int, rng: np.random.Generator
) -> None:
    made, frames = model(backbone, stride), chorale(rng)
    before = log_probs(made, frames)
    for step in range(len(frames)):
        changed = frames.copy()
        changed[step:] = rng.integers(36, 82, changed[step:].shape)
        after = log_probs(made, changed)
        np.testing.assert_allclose(after[:step], before[:step], atol=LOG_TOLERANCE)
        shorter = log_probs(made, frames[: step + 1])
        np.testing.assert_allclose(shorter, before[: step + 1], atol=LOG_TOLERANCE)


@pytest.mark.parametrize("order", [(0, 1, 2, 3), (3, 0, 2, 1)])
def test_later_voices_never_change_earlier_voices_of_their_step(
    order: tuple[int, ...], rng: np.random.Generator
) -> None:
    made, frames = model(order=order), chorale(rng)
    before = log_probs(made, frames)
    for step in range(len(frames)):
        for place, voice in enumerate(order):
            changed = frames.copy()
            changed[step, voice] = rng.integers(36, 82)
            earlier = list(order[:place])
            after = log_probs(made, changed)
            np.testing.assert_allclose(
                after[step, earlier], before[step, earlier], atol=LOG_TOLERANCE
            )


def test_earlier_steps_and_voices_do_matter(rng: np.random.Generator) -> None:
    made, frames = model(), chorale(rng)
    before = log_probs(made, frames)
    frames[9, 0] = 81 if frames[9, 0] != 81 else 80
    after = log_probs(made, frames)
    assert np.abs(after[9, 1:] - before[9, 1:]).max() > 100 * LOG_TOLERANCE
    assert np.abs(after[11:] - before[11:]).max() > 100 * LOG_TOLERANCE


@pytest.mark.parametrize(("backbone", "stride"), KINDS)
def test_probabilities_of_a_cell_sum_to_one(
    backbone: str, stride: int, rng: np.random.Generator
) -> None:
    made = model(backbone, stride)
    batch = collate([frame_features(chorale(rng)), frame_features(chorale(rng, 11))], [0, -4])
    with torch.no_grad():
        total = made.distributions(batch).double().exp().sum(-1)
    np.testing.assert_allclose(total.numpy(), 1.0, atol=1e-5)


def test_the_score_of_a_cell_is_its_share_of_the_distribution(rng: np.random.Generator) -> None:
    made = model()
    batch = collate([frame_features(chorale(rng))], [2])
    with torch.no_grad():
        table = made.distributions(batch)
        scores = made.log_probs(batch)
    answer = made.symbol(batch["frames"][batch["real"]])
    read_off = table.gather(2, answer[..., None])[..., 0]
    np.testing.assert_allclose(read_off.numpy(), scores.numpy(), atol=LOG_TOLERANCE)


def test_probabilities_of_whole_frames_sum_to_one() -> None:
    """By brute force over two voices of four symbols: no cell is counted twice or left out."""
    config = FrameConfig(
        voices=2, order=(1, 0), lowest_pitch=60, highest_pitch=60, stride=1, **SMALL
    )
    torch.manual_seed(1)
    made = FrameModel(config).eval()
    pitches = [-1, *range(config.base, config.base + config.num_symbols - 1)]
    first = np.array([[60, 58]])
    endings = [np.concatenate([first, [[a, b]]]) for a in pitches for b in pitches]
    with torch.no_grad():
        batch = collate([frame_features(frames) for frames in endings], [0] * len(endings))
        scores = made.log_probs(batch).view(len(endings), 2, 2)
    assert float(scores[:, 1].double().sum(-1).exp().sum()) == pytest.approx(1.0, abs=1e-5)


def test_padding_and_company_change_nothing(rng: np.random.Generator) -> None:
    made = model()
    pieces = [chorale(rng, 26), chorale(rng, 17)]
    with torch.no_grad():
        together = made.log_probs(collate([frame_features(p) for p in pieces], [0, 0])).numpy()
    apart = np.concatenate([log_probs(made, piece) for piece in pieces])
    np.testing.assert_allclose(together, apart, atol=LOG_TOLERANCE)


def test_transposing_by_the_shift_is_transposing_the_frames(rng: np.random.Generator) -> None:
    made = model()
    frames = np.clip(chorale(rng), -1, 75)
    higher = np.where(frames >= 0, frames + 5, frames)
    np.testing.assert_allclose(
        log_probs(made, frames, shift=5), log_probs(made, higher), atol=LOG_TOLERANCE
    )


def test_only_the_pitch_changes_under_transposition(rng: np.random.Generator) -> None:
    frames = chorale(rng)
    here, there = frame_features(frames), frame_features(np.where(frames >= 0, frames + 7, -1))
    assert np.array_equal(here["ids"], there["ids"])
    assert np.array_equal(here["chroma"], there["chroma"])
    assert not np.array_equal(here["pitch"], there["pitch"])


def test_a_repeated_passage_is_shown_what_followed(rng: np.random.Generator) -> None:
    frames = np.array([[72 + i, 67, 60, 48 + i] for i in range(8)] * 2)
    matched = frame_features(frames)["matched"]
    assert (matched[:9] == -2).all()
    assert np.array_equal(matched[9:], frames[9:])


def test_unknown_backbone_and_bad_order_are_refused() -> None:
    with pytest.raises(ValueError, match="backbone='lstm'"):
        FrameConfig(backbone="lstm")
    with pytest.raises(ValueError, match="each of 4 voices once"):
        FrameConfig(order=(0, 1, 2, 2))
