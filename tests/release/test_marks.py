from __future__ import annotations

import pytest

from leitmotiv.errors import ReleaseError
from leitmotiv.release import build_provenance, mark_score, midi_texts, wav_tags
from leitmotiv.release.marks import release_date
from leitmotiv.score import Origin, Score

from .pieces import make_score


def test_the_mark_follows_the_origins():
    assert mark_score(make_score(origin=Origin.MODEL)).code == "trainedAlgorithmicMedia"
    assert mark_score(make_score(origin=Origin.STYLE)).code == "algorithmicMedia"
    assert mark_score(make_score(origin=Origin.HUMAN)).code == "digitalCreation"
    # A theme is the model's unless it came with the brief.
    theme = make_score(origin=Origin.THEME)
    assert mark_score(theme).code == "trainedAlgorithmicMedia"
    assert mark_score(theme, theme_by_person=True).code == "digitalCreation"
    model, human = make_score().parts[0], make_score(origin=Origin.HUMAN).parts[1]
    both = mark_score(make_score().with_parts((model, human)))
    assert both.code == "compositeWithTrainedAlgorithmicMedia"
    assert both.uri == f"http://cv.iptc.org/newscodes/digitalsourcetype/{both.code}"


def test_an_empty_score_has_a_mark():
    assert mark_score(Score()).code == "algorithmicMedia"


def test_texts_are_ascii_and_say_it_in_words_and_in_a_term():
    texts = midi_texts(build_provenance(score=make_score(title="Élégie"), seed=3))
    assert all(text.isascii() for text in texts)
    assert texts[0].startswith("This music was composed by an AI model")
    assert texts[1].endswith("digitalsourcetype/trainedAlgorithmicMedia")


def test_wav_tags_carry_the_mark_three_times():
    provenance = build_provenance(score=make_score(title="A & B"), seed=3)
    tags = wav_tags(provenance, content="master", sample_rate=48000, integrated_lufs=-14.0)
    assert "trainedAlgorithmicMedia" in tags["info"]["ICMT"]
    assert tags["info"]["INAM"] == "A & B (master)"
    assert "trainedAlgorithmicMedia" in tags["bext"].coding_history[0]
    assert "A &amp; B" in tags["ixml"]
    assert "ICRD" not in tags["info"]


def test_the_date_is_taken_from_source_date_epoch_alone(monkeypatch):
    monkeypatch.delenv("SOURCE_DATE_EPOCH", raising=False)
    assert release_date() is None
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "86400")
    assert release_date() == "1970-01-02"
    provenance = build_provenance(score=make_score())
    assert wav_tags(provenance, content="x", sample_rate=48000)["info"]["ICRD"] == "1970-01-02"
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "yesterday")
    with pytest.raises(ReleaseError, match="SOURCE_DATE_EPOCH='yesterday' must be whole seconds"):
        release_date()
