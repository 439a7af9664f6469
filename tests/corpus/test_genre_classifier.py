"""The shipped genre classifier rests on open music, and its training learns and repeats itself."""

from __future__ import annotations

import json
from importlib import resources

import numpy as np

from leitmotiv.corpus.genre_classifier import FEATURE_NAMES, genre_features, guess_genre
from leitmotiv.corpus.licences import open_licence
from leitmotiv.corpus.tagging import tag_score
from leitmotiv.corpus.train_genre_classifier import train
from leitmotiv.score import Part, Score, make_notes
from leitmotiv.tokens.tags import GENRES


def stored():
    path = resources.files("leitmotiv.corpus").joinpath("genre_classifier.json")
    return json.loads(path.read_text("utf-8")), len(path.read_bytes())


def test_weights_are_small_and_know_where_they_come_from():
    model, size = stored()
    assert size < 200_000
    assert tuple(model["genres"]) == GENRES
    assert sum(model["sources"].values()) == model["pieces"]
    assert all(open_licence(licence) for licence in model["licences"])
    assert model["held_out"]["mean_recall"] > 0.9


def test_features_have_names_and_are_finite():
    tune = make_notes(range(0, 9600, 480), [480] * 20, [60 + i % 8 for i in range(20)])
    for parts in ((), (Part("Flute", 73, notes=tune),), (Part("Kit", is_drum=True, notes=tune),)):
        score = Score(parts=parts)
        features = genre_features(score, tag_score(score, genre="any"))
        assert features.shape == (len(FEATURE_NAMES),)
        assert np.isfinite(features).all()


def test_nothing_to_hear_has_no_genre():
    assert guess_genre(Score(), tag_score(Score(), genre="any")) == (None, 0.0)


def test_training_learns_what_can_be_learnt_and_repeats_itself():
    rng = np.random.default_rng(0)
    labels = np.arange(240) % 3
    features = rng.normal(size=(240, 12))
    features[np.arange(240), labels] += 4.0
    model = train(features[:180], labels[:180], seed=2, steps=200)
    again = train(features[:180], labels[:180], seed=2, steps=200)
    inside = (features[180:] - model["mean"]) / model["scale"]
    hidden = np.maximum(inside @ model["hidden"] + model["hidden_bias"], 0.0)
    guess = (hidden @ model["output"] + model["output_bias"]).argmax(axis=1)
    assert (guess == labels[180:]).mean() > 0.85
    assert all(np.array_equal(model[name], again[name]) for name in model)
