"""Every cue pulls the mood in the direction that the named studies found."""

from __future__ import annotations

from dataclasses import replace

import pytest

from leitmotiv.corpus.moods import MoodCues, estimate_mood

PLAIN = MoodCues(
    major_share=0.5,
    bpm=96,
    mean_pitch=62,
    mean_velocity=70,
    notes_per_sec=4,
    legato=0.65,
    dissonance=0.15,
)


@pytest.mark.parametrize(
    ("cue", "low", "high"),
    [
        ("major_share", 0.0, 1.0),
        ("bpm", 60, 150),
        ("mean_pitch", 50, 72),
        ("legato", 1.0, 0.4),
        ("dissonance", 0.3, 0.05),
    ],
)
def test_cue_raises_valence(cue, low, high):
    below, above = (estimate_mood(replace(PLAIN, **{cue: value}))[0] for value in (low, high))
    assert above > below


@pytest.mark.parametrize(
    ("cue", "low", "high"),
    [
        ("bpm", 60, 150),
        ("mean_velocity", 40, 110),
        ("notes_per_sec", 1, 12),
        ("legato", 1.0, 0.4),
        ("mean_pitch", 50, 72),
    ],
)
def test_cue_raises_arousal(cue, low, high):
    below, above = (estimate_mood(replace(PLAIN, **{cue: value}))[1] for value in (low, high))
    assert above > below


def test_mode_says_nothing_about_arousal_and_loudness_nothing_about_valence():
    minor, loud = replace(PLAIN, major_share=0.0), replace(PLAIN, mean_velocity=120)
    assert estimate_mood(minor)[1] == estimate_mood(PLAIN)[1]
    assert estimate_mood(loud)[0] == estimate_mood(PLAIN)[0]


def test_mode_outweighs_tempo_in_valence():
    slow_major = MoodCues(major_share=1.0, bpm=48)
    fast_minor = MoodCues(major_share=0.0, bpm=192)
    assert estimate_mood(slow_major)[0] > estimate_mood(fast_minor)[0]


def test_four_corners_of_the_plane():
    fast = replace(PLAIN, bpm=176, mean_velocity=105, notes_per_sec=10, legato=0.5)
    slow = replace(PLAIN, bpm=52, mean_velocity=40, notes_per_sec=1.2, legato=1.0)
    for cues, arousal_sign in ((fast, 1), (slow, -1)):
        for major, valence_sign in ((1.0, 1), (0.0, -1)):
            valence, arousal = estimate_mood(replace(cues, major_share=major))
            assert valence * valence_sign > 0
            assert arousal * arousal_sign > 0.3


def test_unknown_cues_are_left_out_and_nothing_known_is_the_middle():
    assert estimate_mood(MoodCues()) == (0.0, 0.0)
    assert estimate_mood(MoodCues(major_share=1.0)) == (1.0, 0.0)


def test_extreme_values_stay_on_the_plane():
    extreme = MoodCues(1.0, 1e6, 127, 127, 1e6, 0.0, 0.0)
    assert estimate_mood(extreme) == (1.0, 1.0)
