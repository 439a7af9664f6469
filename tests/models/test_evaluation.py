"""Nats are a probability's: they sum to one, and follow the network's answer."""

from __future__ import annotations

import numpy as np

from leitmotiv.models import load_model
from leitmotiv.models.evaluation import SessionScorer, field_nats


def test_probabilities_of_all_answers_sum_to_one(rng: np.random.Generator) -> None:
    logits = rng.normal(0, 4, (1, 9)).astype(np.float32).repeat(9, axis=0)
    nats = field_nats(np.roll(logits, 1, axis=1)[:8], np.arange(1, 9))
    others = np.exp(-nats).sum()
    zero = np.exp(-field_nats(logits[:1], np.asarray([8])))[0]
    assert np.isclose(others + zero, 1.0)


def test_a_scorer_counts_only_asked_fields_and_looks_at_no_later_answer(
    rng: np.random.Generator,
) -> None:
    scorer = SessionScorer(load_model())
    events = np.tile(np.asarray([[3, 61, 24, 4]]), (12, 1))
    events[:, 0] += 12 * np.arange(12)
    events[0] = (2, 0, 0, 0)
    conditions = np.zeros((12, 18), dtype=np.int64)
    time = np.maximum(events[:, 0] - 3, 0).astype(np.float32)
    targets = np.vstack([events[1:], [[1, 0, 0, 0]]])
    nats = scorer.nats(events, conditions, time, targets)
    assert nats.shape == (12, 4)
    assert np.array_equal(nats > 0, targets > 0)
    changed = targets.copy()
    changed[:, 2] = 7
    again = scorer.nats(events, conditions, time, changed)
    asked = targets[:, 1] > 0
    # int8 activations are quantised per call, so equal inputs may round differently.
    assert np.allclose(nats[asked][:, :2], again[asked][:, :2], atol=0.05)
