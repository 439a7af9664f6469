"""The bias report counts everything once, names the unknown as such and says what is missing."""

from __future__ import annotations

import json

import pytest

from leitmotiv.corpus.bias import bias_report, piece_facts
from leitmotiv.corpus.bias_picture import draw_bias
from leitmotiv.corpus.library import Library, Piece


def part(program, num_notes):
    return {"program": program, "num_notes": num_notes}


def piece(number, **changes):
    fields = {
        "composer": "Bach, Johann Sebastian",
        "genre": "choral",
        "num_notes": 1000,
        "duration_sec": 60.0,
        "meta": {"n_velocities": 1, "tempo_source": "default"},
        "tags": {
            "key": "D minor",
            "meters": [{"bars": [0, 4], "meter": "4/4"}, {"bars": [4, 5], "meter": "3/4"}],
            "parts": [part(52, 750), part(19, 250)],
        },
    } | changes
    return Piece(f"demo_{number}", "demo", f"{number}.mid", **fields)


def test_every_table_adds_up_to_all_notes_and_hours():
    pieces = [
        piece(1),
        piece(2, composer="Anonim", genre=None, tags={}, meta={}),
        piece(3, composer="Verdi, Giuseppe", num_notes=313, duration_sec=7200),
    ]
    report = bias_report(pieces)
    assert (report.pieces, report.notes) == (3, 2313)
    assert report.hours == pytest.approx((60 + 60 + 7200) / 3600, abs=0.01)
    for table in report.tables:
        assert sum(row.share for row in table.rows) == pytest.approx(1.0)
        assert sum(row.notes for row in table.rows) == pytest.approx(2313, abs=1)
        assert sum(row.hours for row in table.rows) == pytest.approx(report.hours, abs=0.02)


def test_facts_come_from_analysis_first():
    facts = piece_facts(piece(1, meta={"key": "C major", "time_signature": "6/8"}))
    assert facts["mode"] == {"minor": 1.0}
    assert facts["meter"] == {"4/4": 1.0}
    assert facts["family"] == {"voice": 0.75, "organ": 0.25}
    assert facts["century"] == {"18th": 1.0}
    assert facts["region"] == {"Germany and Austria": 1.0}


def test_source_answers_where_analysis_is_silent():
    meta = {"key": "C major", "time_signature": "6/8", "families": {"pipe": 5}}
    facts = piece_facts(piece(1, tags={}, meta=meta))
    assert facts["mode"] == {"major": 1.0}
    assert facts["meter"] == {"6/8": 1.0}
    assert facts["family"] == {"pipe": 1.0}


def test_what_nobody_knows_is_unknown():
    facts = piece_facts(piece(1, composer="X. Nobody", genre=None, tags={}, meta={}))
    for name in ("genre", "century", "region", "family", "mode", "meter"):
        assert facts[name] == {"unknown": 1.0}
    assert facts["composer"] == {"X. Nobody": 1.0}
    assert set(piece_facts(piece(1, composer="trad. (Ireland)"))["composer"]) == {
        "anonymous and traditional"
    }


def test_a_guessed_genre_counts_where_none_is_stated():
    guessed = {"genre": {"name": "hymn", "source": "guessed", "probability": 0.8}}
    assert piece_facts(piece(1, genre=None, tags=guessed))["genre"] == {"hymn": 1.0}


def test_sentences_say_what_is_missing_and_not_what_is_there():
    choral = " ".join(bias_report([piece(1)]).sentences)
    assert "Choral makes up 100%" in choral
    assert "Nothing is labelled jazz" in choral
    assert "after 1900 is none" in choral
    assert "Meters of five and seven are none" in choral
    assert "guitar" in choral
    jazz = piece(
        2,
        genre="jazz",
        composer="Someone (1901-1980)",
        tags={
            "key": "C dorian",
            "meters": [{"bars": [0, 9], "meter": "5/4"}],
            "parts": [part(25, 1000)],
        },
    )
    mixed = " ".join(bias_report([piece(1), jazz]).sentences)
    assert "labelled blues" in mixed
    assert "jazz, blues" not in mixed
    assert "guitar" not in mixed
    assert "after 1900" not in mixed
    assert "Meters of five" not in mixed


def test_few_known_regions_are_no_finding_about_the_rest():
    strangers = [piece(number, composer="X. Nobody") for number in range(2, 8)]
    sentences = " ".join(bias_report([piece(1), *strangers]).sentences)
    assert "The region is known for 14% of the notes only" in sentences
    assert "European" not in sentences


def test_an_empty_library_has_a_report_without_claims():
    report = bias_report([])
    assert (report.pieces, report.notes, report.sentences) == (0, 0, ())


def test_centuries_stand_in_time_and_unknown_comes_last():
    names = ["Verdi, Giuseppe", "X. Nobody", "Palestrina, Giovanni", "Bach, J. S."]
    report = bias_report([piece(i, composer=name) for i, name in enumerate(names)])
    assert [row.label for row in report.table("century").rows] == [
        "16th",
        "18th",
        "19th",
        "unknown",
    ]


def test_report_reads_a_library_and_is_json(tmp_path):
    with Library(tmp_path, create=True) as library:
        with library.transaction():
            library.add(piece(1))
            library.add(piece(2, status="quarantined", reason="too short"))
        report = bias_report(library)
    assert report.pieces == 1
    assert json.loads(json.dumps(report.to_dict()))["tables"][0]["name"] == "genre"


@pytest.mark.parametrize("count", [1, 40])
def test_picture_is_drawn_for_few_and_many_rows(tmp_path, count):
    pieces = [
        piece(i, composer=f"Someone Number{i} With A Very Long Name Indeed", genre=f"genre {i}")
        for i in range(count)
    ]
    draw_bias(bias_report(pieces), tmp_path / "deep" / "bias.png")
    data = (tmp_path / "deep" / "bias.png").read_bytes()
    assert data.startswith(b"\x89PNG")
    assert int.from_bytes(data[16:20], "big") == 1800
