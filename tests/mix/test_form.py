from __future__ import annotations

import numpy as np
import pytest

from leitmotiv.errors import AudioError
from leitmotiv.mix import MixForm, bar_differences_lu, share_within

BARS = np.array([0.0, 2.0, 4.0, 6.0])


def form(*lead: set[int]) -> MixForm:
    return MixForm(BARS, np.full(3, 0.5), tuple(frozenset(one) for one in lead))


def test_the_difference_is_that_of_the_powers_while_the_melody_plays():
    melody = np.full(60, 0.02)
    rest = np.full(60, 0.01)
    melody[20:30] = 0.0  # half of bar 2 it rests, and the others are loud there
    rest[20:30] = 0.1
    differences = bar_differences_lu([melody, rest, 0.5 * rest], form({0}, {0}, {0}))
    np.testing.assert_allclose(differences, 10 * np.log10(2 / 1.5), atol=1e-6)


def test_bars_in_which_nothing_can_be_judged_are_left_out():
    melody, rest = np.full(60, 0.02), np.full(60, 0.01)
    melody[20:39] = 0.0
    rest[40:] = 0.0
    differences = bar_differences_lu([melody, rest], form({0}, {0}, {0}))
    assert np.isfinite(differences).tolist() == [True, False, False]  # rests; then plays alone
    assert np.isnan(bar_differences_lu([melody, rest], form(set(), set(), set()))).all()
    assert np.isnan(bar_differences_lu([], form({0}, {0}, {0}))).all()


def test_the_lead_may_change_from_bar_to_bar():
    powers = [np.full(60, 0.04), np.full(60, 0.01)]
    differences = bar_differences_lu(powers, form({0}, {1}, {0, 1}))
    np.testing.assert_allclose(differences[:2], [6.02, -6.02], atol=0.01)
    assert np.isnan(differences[2])  # nobody accompanies


def test_the_share_within_a_band():
    assert share_within(np.array([np.nan, -4.0, 0.0, 2.0, 9.0]), (-3.0, 6.0)) == 0.5
    assert share_within(np.array([np.nan]), (-3.0, 6.0)) == 1.0


def test_lengths_must_fit():
    with pytest.raises(AudioError, match="3 bar lines, 3 energies and 3 leads do not fit"):
        MixForm(BARS[:3], np.zeros(3), (frozenset(),) * 3)
    with pytest.raises(AudioError, match="must rise"):
        MixForm(BARS[::-1], np.zeros(3), (frozenset(),) * 3)
