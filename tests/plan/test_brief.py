"""The Brief checks its ranges and reads back what it wrote."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from leitmotiv.errors import BriefError
from leitmotiv.plan import Brief, ThemeNote, brief_json_schema


def test_round_trip(tmp_path: Path) -> None:
    brief = Brief(
        genre="waltz",
        key="D minor",
        moods=("sad",),
        chords=("D:min", "A:7"),
        theme=(ThemeNote(onset_quarter=0, duration_quarter=1.5, pitch=62),),
        seed=7,
    )
    assert Brief.from_json(brief.to_json(tmp_path / "brief.json")) == brief


def test_names_are_brought_into_one_spelling() -> None:
    brief = Brief(key="Dm", meter="C", chords=("C", "D:min7"), mode="aeolian")
    assert (brief.key, brief.meter, brief.chords) == ("D minor", "4/4", ("C:maj", "D:min7"))
    assert brief.mode == "minor"


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"num_bars": 0}, "num_bars=0 must be between 1 and 2000"),
        ({"bpm": 900}, "bpm=900 must be between 20 and 400"),
        ({"duration_sec": 0.5}, "duration_sec=0.5 must be between 2 and 3600"),
        ({"num_bars": 64, "duration_sec": 4}, "too short"),
        ({"key": "H#"}, "key"),
        ({"meter": "5/0"}, "denominator=0"),
        ({"chords": ()}, "chords is empty"),
        ({"chords": ("Z",)}, "chord"),
        ({"theme": ()}, "theme is empty"),
        ({"valence": 2}, "valence=2 must be between -1 and 1"),
        ({"colour": "red"}, "colour is not a known field"),
        ({"bpm": float("nan")}, "bpm"),
        ({"seed": -1}, "seed"),
        ({"seed": "a"}, "seed='a' is text but must be a whole number"),
        ({"instruments": "Violin"}, "is text but must be a list"),
        ({"instruments": ["Violin"] * 30}, "holds 30 but at most 16 entries fit"),
        ({"chords_per_bar": 3}, "chords_per_bar=3 must be one of 1, 2"),
        ({"text": "x" * 30_000}, "holds 30000 but at most 20000 characters fit"),
        ({"text": "x y " * 30_000}, "at most 20000 characters"),
        ({"key": "x z" * 300}, "must look like D minor"),
        ({"chords": ("Q" * 300,)}, "must look like C, D:min7"),
        ({"meter": "9" * 300 + "/4"}, "must be 1-64"),
        ({"meter": "1/64"}, "denominator=64 of a meter must be 1, 2, 4, 8, 16 or 32"),
        ({"meter": "12/4"}, "12 quarters but must last at most 8"),
    ],
)
def test_impossible_fields_give_one_line(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(BriefError, match=message) as error:
        Brief(**fields)
    assert "\n" not in str(error.value)
    assert len(str(error.value)) < 200


def test_schema_describes_every_field() -> None:
    schema = brief_json_schema()
    assert set(schema["properties"]) == set(Brief.model_fields)
    assert all("description" in entry for entry in schema["properties"].values())


@pytest.mark.parametrize("meter", ["5/0", "3/3", "5/64"])
def test_an_impossible_meter_names_the_note_values_that_are_possible(meter: str) -> None:
    with pytest.raises(BriefError, match="must be 1, 2, 4, 8, 16 or 32 here") as caught:
        Brief(meter=meter)
    assert "64," not in str(caught.value)
