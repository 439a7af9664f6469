"""Analysis: what a score says about its own key, harmony and form.

Purpose: the musical facts that plans, conditions and checks need when a score does not state
them. Deterministic, vectorised, and fast enough to run over a whole corpus.

Conventions: drum parts are ignored; notes weigh their duration in ticks. An empty score is in
C major, has the chord N throughout and no sections.

Public names: :func:`estimate_key` (:mod:`~leitmotiv.score.analysis_key`),
:func:`chords_per_half_bar`, :func:`half_bar_starts` (:mod:`~leitmotiv.score.analysis_chords`),
:func:`repeated_sections`, :func:`bar_similarity` (:mod:`~leitmotiv.score.analysis_form`),
:func:`home_key`, :func:`key_passages` (:mod:`~leitmotiv.score.analysis_passages`),
:func:`phrase_end_bars`, :func:`melody_line` (:mod:`~leitmotiv.score.analysis_phrases`),
:func:`estimate_upbeat`, :func:`align_bars` (:mod:`~leitmotiv.score.analysis_upbeat`),
:func:`bar_texture` (:mod:`~leitmotiv.score.analysis_texture`).
"""

from __future__ import annotations

from leitmotiv.score.analysis_chords import chords_per_half_bar, half_bar_starts
from leitmotiv.score.analysis_form import bar_similarity, repeated_sections
from leitmotiv.score.analysis_key import estimate_key, pitched_notes
from leitmotiv.score.analysis_passages import home_key, key_passages
from leitmotiv.score.analysis_phrases import melody_line, phrase_end_bars
from leitmotiv.score.analysis_texture import TEXTURE_FEATURES, bar_texture
from leitmotiv.score.analysis_upbeat import align_bars, estimate_upbeat

__all__ = [
    "TEXTURE_FEATURES",
    "align_bars",
    "bar_similarity",
    "bar_texture",
    "chords_per_half_bar",
    "estimate_key",
    "estimate_upbeat",
    "half_bar_starts",
    "home_key",
    "key_passages",
    "melody_line",
    "phrase_end_bars",
    "pitched_notes",
    "repeated_sections",
]
