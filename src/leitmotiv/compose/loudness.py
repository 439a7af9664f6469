"""Loudness learned from what composers write: where the music itself asks to be louder or softer.

Purpose: the planned energy says how loud a section is. Inside it the notes say where to grow:
composers mark high, thick and busy bars louder. How much was learned from the dynamics of printed
scores whose licences ask for no more than a name (``leitmotiv.corpus.train_loudness``); the data
file says from which, and how well it does on scores that it has not seen.

Conventions: a contour is in MIDI velocities, one value a bar. Each comes from its own bar and the
plan alone, so that a bar which is written anew leaves the performance of the others as it was.

Public names: :func:`loudness_contour`, :func:`usual_pitch`.
"""

from __future__ import annotations

import json
from functools import cache
from importlib import resources
from typing import Any

import numpy as np
from numpy.typing import NDArray

from leitmotiv.plan import Plan, PlanPart
from leitmotiv.score import Score
from leitmotiv.score.analysis import bar_texture

__all__ = ["loudness_contour", "usual_pitch"]

_MOST = 12.0  # velocities; beyond it the planned energy of sections would be overruled


@cache
def _model() -> dict[str, Any]:
    path = resources.files("leitmotiv.compose") / "data" / "loudness.json"
    model: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return model


def usual_pitch(part: PlanPart) -> float:
    """Return the middle of a part's register, in MIDI pitch: of the plan, so no note moves it."""
    return part.low + 0.45 * (part.high - part.low)


def loudness_contour(score: Score, plan: Plan) -> NDArray[np.float64]:
    """Return how much louder than usual each bar is to be played, shape (num_bars,).

    Parameters
    ----------
    score : Score
        Written; its velocities are not read.
    plan : Plan
        Its parts say what is high, low and thick for these players.

    Returns
    -------
    ndarray
        Velocities between -12 and 12; 0 in bars without pitched notes.
    """
    model = _model()
    usual = [usual_pitch(part) / 12 for part in plan.parts if not part.is_drum]
    if not usual:
        return np.zeros(score.num_bars)
    thickness = np.log2((1 + len(usual)) / 2)  # half of the players strike together
    expected = [max(usual), float(np.mean(usual)), min(usual), thickness, model["usual_density"]]
    away = np.nan_to_num(bar_texture(score) - np.asarray(expected))
    return np.clip(away @ np.asarray(model["coefficients"]), -_MOST, _MOST)
