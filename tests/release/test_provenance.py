from __future__ import annotations

import json
from types import SimpleNamespace

import numpy as np

import leitmotiv
from leitmotiv.release import build_provenance
from leitmotiv.release.provenance import soundfont_licence
from leitmotiv.review.fragment_index import Band, IndexedPiece
from leitmotiv.review.originality import NearestPiece, OriginalityReport
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


def test_it_says_what_is_shared_with_training_pieces_and_whose_they_are():
    piece = IndexedPiece("a", "Air", "Ann", "CC-BY-4.0", "demo", "Ann's airs")
    band = Band(100, piece_notes={"0.5": 12, "0.9": 18, "0.95": 21, "0.99": 30})
    report = OriginalityReport(
        num_bars=8,
        bars=(),
        nearest=tuple(NearestPiece(piece, 24 - n, 0, 1, 4) for n in range(7)),
        longest_notes=24,
        known_share=0.25,
        num_fragments=40,
        band=band,
    )
    entry = build_provenance(score=make_score(), originality=report)["originality"]
    assert entry["longest_passage_notes"] == 24
    assert entry["longer_than_share_of_human_pieces"] == 0.95
    assert entry["level"] == "beyond"
    assert [near["num_notes"] for near in entry["nearest"]] == [24, 23, 22, 21, 20]
    assert entry["nearest"][0]["attribution"] == "Ann's airs"
    assert entry["nearest"][0]["licence"] == "CC-BY-4.0"
    assert {finding.severity for finding in report.findings()} == {"note"}
    assert len(report.findings()) == 3  # 24, 23, 22: above 21
    json.dumps(entry, allow_nan=False)
    assert build_provenance(score=make_score())["originality"] is None
