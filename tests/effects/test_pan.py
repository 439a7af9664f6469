from __future__ import annotations

import numpy as np
import pytest

from leitmotiv.effects.pan import Pan
from leitmotiv.errors import AudioError

PLACES = np.linspace(-1.0, 1.0, 201)
SAME = np.full((2, 201), 0.5, np.float32)


def test_constant_power_keeps_the_power_of_what_is_in_the_middle():
    out = Pan().process(SAME, automation={"pan": PLACES})
    np.testing.assert_allclose((out**2).sum(axis=0), 0.5, rtol=1e-6)
    assert np.all(np.diff(out[1] - out[0]) > 0)


def test_balance_never_turns_up():
    out = Pan(law="balance").process(SAME, automation={"pan": PLACES})
    assert out.max() == 0.5
    assert out[0, -1] == out[1, 0] == 0.0


def test_fold_loses_nothing_of_either_side(rng):
    audio = rng.standard_normal((2, 48_000)).astype(np.float32)
    out = Pan(law="fold", pan=-0.6).process(audio)
    assert (out**2).sum() == pytest.approx((audio**2).sum(), rel=0.02)
    left = Pan(law="fold", pan=-1.0).process(audio)
    np.testing.assert_allclose(left[0], audio[0] + audio[1], atol=1e-6)
    assert np.abs(left[1]).max() < 1e-6


@pytest.mark.parametrize("law", ["constant_power", "balance", "fold"])
def test_the_middle_changes_nothing_and_sides_mirror_each_other(law, rng):
    audio = rng.standard_normal((2, 100)).astype(np.float32)
    assert np.array_equal(Pan(law=law).process(audio), audio)
    right = Pan(law=law, pan=0.3).process(audio)
    left = Pan(law=law, pan=-0.3).process(audio[::-1].copy())
    np.testing.assert_allclose(right, left[::-1], atol=1e-6)


def test_what_cannot_be_panned_is_refused():
    with pytest.raises(AudioError, match="law='linear' must be one of constant_power"):
        Pan(law="linear")  # type: ignore[arg-type]
    with pytest.raises(AudioError, match="num_channels=1 must be 2"):
        Pan(num_channels=1)
