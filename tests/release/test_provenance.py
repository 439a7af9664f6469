from __future__ import annotations

import json
from types import SimpleNamespace

import numpy as np

import leitmotiv
from leitmotiv.release import build_provenance
from leitmotiv.release.provenance import soundfont_licence
from leitmotiv.score import Origin, Score

from .pieces import make_plan, make_score


def test_it_says_who_wrote_what():
    score = make_score().with_parts(
        (make_score().parts[0], make_score(origin=Origin.STYLE).parts[1])
    )
    plan = make_plan()
    provenance = build_provenance(
        score=score,
        plan=plan,
        model_sidecar={"name": "score", "loss": float("nan"), "n": np.int64(3)},
        engine="sampled",
        soundfont="/usr/share/sounds/sf3/FluidR3Mono_GM.sf3",
        findings=(
            SimpleNamespace(check="range", severity="note", message="x", part_index=0, bar_index=2),
        ),
    )  # fmt: skip
    assert provenance["authorship"]["by_origin"] == {
        "human": 0,
        "model": 12,
        "style": 4,
        "theme": 0,
    }
    assert provenance["authorship"]["share_by_origin"]["model"] == 0.75
    assert provenance["authorship"]["parts"][1]["share_by_origin"]["style"] == 1.0
    assert provenance["plan_sha256"] == plan.digest
    assert (provenance["seed"], provenance["brief"]) == (5, "a small waltz")
    assert provenance["model"] == {"name": "score", "loss": None, "n": 3}
    assert provenance["instruments"]["soundfont"] == {
        "name": "FluidR3Mono_GM.sf3",
        "licence": "MIT",
    }
    assert provenance["findings"][0]["bar_index"] == 2
    assert provenance["software"]["leitmotiv"] == leitmotiv.__version__
    json.dumps(provenance, allow_nan=False)


def test_it_repeats_and_names_no_folder_and_no_time():
    first = build_provenance(score=make_score(), plan=make_plan())
    assert json.dumps(first) == json.dumps(build_provenance(score=make_score(), plan=make_plan()))
    assert "date" not in first
    assert "timings_sec" not in first
    named = build_provenance(
        score=make_score(), soundfont="/home/someone/my.sf2", timings={"mix": 1}
    )
    assert "/home" not in json.dumps(named)
    assert named["timings_sec"] == {"mix": 1}


def test_an_empty_score_has_shares_of_zero():
    authorship = build_provenance(score=Score())["authorship"]
    assert authorship["num_notes"] == 0
    assert set(authorship["share_by_origin"].values()) == {0.0}


def test_unknown_banks_have_no_licence():
    assert soundfont_licence("mine.sf2") is None
