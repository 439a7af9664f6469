"""The Plan refuses contradictions in one line and survives its file."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from leitmotiv.errors import PlanError
from leitmotiv.plan import Brief, Plan, make_plan, parse_brief, plan_json_schema
from leitmotiv.theory import ChordSymbol, Key


@pytest.fixture(scope="module")
def plan() -> Plan:
    return make_plan(Brief(genre="waltz", key="D minor", num_bars=24), np.random.default_rng(1))


def test_json_round_trip_keeps_everything(plan: Plan, tmp_path: Path) -> None:
    path = plan.to_json(tmp_path / "plan.json")
    again = Plan.from_json(path)
    assert again == plan
    assert again.digest == plan.digest
    assert len(plan.digest) == 64


def test_writing_leaves_no_temporary_file(plan: Plan, tmp_path: Path) -> None:
    plan.to_json(tmp_path / "plan.json")
    assert [path.name for path in tmp_path.iterdir()] == ["plan.json"]


def test_schema_lists_every_field_with_a_description() -> None:
    schema = plan_json_schema()
    json.dumps(schema)
    assert set(schema["properties"]) == set(Plan.model_fields)
    for record in schema["$defs"].values():
        for name, entry in record.get("properties", {}).items():
            assert "description" in entry, name


def test_a_plan_is_frozen(plan: Plan) -> None:
    with pytest.raises(Exception, match="frozen"):
        plan.title = "other"  # type: ignore[misc]


def test_replace_checks_the_whole_again(plan: Plan) -> None:
    assert plan.replace(title="Other").title == "Other"
    with pytest.raises(PlanError, match="num_bars"):
        plan.replace(num_bars=25)


def test_lookups_agree_with_the_lists(plan: Plan) -> None:
    for bar in range(plan.num_bars):
        for half in (0, 1):
            assert str(plan.chord_at(bar, half)) == plan.chords[2 * bar + half].symbol
        section = plan.section_at(bar)
        assert section.start_bar_index <= bar < section.end_bar_index
        assert plan.sections[plan.section_index_at(bar)] == section
        phrase = plan.phrase_at(bar)
        assert phrase.start_bar_index <= bar < phrase.end_bar_index
        assert str(plan.key_at(bar)) == section.key
    with pytest.raises(PlanError, match="bar_index=24 must be between 0 and 23"):
        plan.chord_at(24)


def test_duration_follows_the_tempo_map(plan: Plan) -> None:
    total = sum(60.0 / plan.qpm_at(bar) * plan.bar_ticks / 480 for bar in range(plan.num_bars))
    assert plan.duration_sec == pytest.approx(total)


def test_bpm_counts_dotted_quarters_in_compound_meters() -> None:
    plan = make_plan(Brief(meter="6/8", bpm=60, num_bars=8), np.random.default_rng(0))
    assert plan.qpm_at(0) == pytest.approx(90.0)
    assert plan.half_tick == 720


def _edit(plan: Plan, **changes: object) -> dict[str, object]:
    data = plan.to_dict()
    data.update(changes)
    return data


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"schema_version": 99}, "schema_version=99 must be 1"),
        ({"key": "H minor"}, "key"),
        ({"meter": "5/0"}, "denominator=0"),
        ({"num_bars": 0}, "num_bars=0 must be between 1 and 2000"),
        ({"num_bars": 2001}, "num_bars=2001"),
        ({"unheard_of": 1}, "unheard_of is not a known field"),
        ({"key": "A minor"}, "key='A minor' must be the key of section A, 'D minor'.*chords too"),
        ({"meter": "1/64"}, "denominator=64"),
        ({"meter": "12/4"}, "12 quarters"),
        ({"num_bars": 5}, "num_bars=5 must equal the sum of the sections, 24"),
        ({"tempos": []}, r"tempos=\[\] must hold at least 1 entry; add"),
        ({"tempos": [{"bar_index": 0, "bpm": 90}] * 2}, "must be above 0.*sort the tempos"),
        (
            {"tempos": [{"bar_index": 0, "bpm": 90}, {"bar_index": 24, "bpm": 90}]},
            r"tempos\[1\].bar_index=24 must be below num_bars=24; move",
        ),
        ({"tempos": [{"bar_index": 0, "bpm": 900}]}, "bpm=900"),
        ({"tempos": [{"bar_index": 1, "bpm": 90}]}, "must be 0"),
        ({"loop": [0, 99]}, "loop"),
        ({"parts": []}, r"parts=\[\] must hold at least 1 entry; add"),
        ({"parts": {}}, "is an object but must be a list"),
        ({"parts": [3]}, "is a number but must be an object"),
        ({"chords": []}, "needs 48"),
        ({"sections": []}, "sections"),
        ({"title": None}, "title=None is null but must be text in quotes"),
    ],
)
def test_contradictions_are_refused_in_one_line(
    plan: Plan, changes: dict[str, object], message: str
) -> None:
    with pytest.raises(PlanError, match=message) as error:
        Plan.from_dict(_edit(plan, **changes))
    _assert_plain(error.value)


def _assert_plain(error: PlanError) -> None:
    """One line that anybody understands: no words of the library that checks."""
    for jargon in ("\n", "Tuple", "Input", "instance of", "validation", "valid dict", ": ="):
        assert jargon not in str(error)


@pytest.mark.parametrize(("data", "kind"), [([], "a list"), ("a", "text"), (None, "null")])
def test_something_else_than_an_object_is_named(data: object, kind: str) -> None:
    with pytest.raises(PlanError, match=f"it holds {kind} but must be an object") as error:
        Plan.from_dict(data)
    _assert_plain(error.value)


def test_a_piece_is_moved_by_key_sections_and_chords_together(plan: Plan) -> None:
    data = plan.to_dict()
    data["key"] = "A minor"
    for section in data["sections"]:
        section["key"] = str(Key.parse(section["key"]).transpose(7))
    for chord in data["chords"]:
        chord["symbol"] = str(ChordSymbol.parse(chord["symbol"]).transpose(7))
    moved = Plan.from_dict(data)
    assert {moved.key, moved.sections[0].key} == {"A minor"}


def test_an_intro_may_have_a_key_of_its_own(plan: Plan) -> None:
    data = plan.to_dict()
    data["sections"][0] |= {"label": "Intro", "name": "intro", "key": "G minor"}
    data["key"] = data["sections"][1]["key"]
    assert Plan.from_dict(data).key == data["key"]


def test_another_meter_keeps_bars_and_chords(plan: Plan) -> None:
    longer = plan.replace(meter="4/4")
    assert longer.chords == plan.chords
    assert longer.duration_sec == pytest.approx(plan.duration_sec * 4 / 3)


def test_gaps_between_sections_and_phrases_are_refused(plan: Plan) -> None:
    data = plan.to_dict()
    data["sections"][1]["start_bar_index"] += 1
    with pytest.raises(PlanError, match="without gap or overlap"):
        Plan.from_dict(data)
    data = plan.to_dict()
    data["sections"][0]["phrases"][0]["num_bars"] += 1
    with pytest.raises(PlanError, match="phrases"):
        Plan.from_dict(data)


def test_chords_out_of_order_or_unreadable_are_refused(plan: Plan) -> None:
    data = plan.to_dict()
    data["chords"][3], data["chords"][4] = data["chords"][4], data["chords"][3]
    with pytest.raises(PlanError, match="list every half bar in order"):
        Plan.from_dict(data)
    data = plan.to_dict()
    data["chords"][0]["symbol"] = "X:maj"
    with pytest.raises(PlanError, match=r"chords\[0\]: symbol"):
        Plan.from_dict(data)


def test_part_ranges_and_roles_must_be_sane(plan: Plan) -> None:
    data = plan.to_dict()
    data["parts"][0]["low"] = 100
    data["parts"][0]["high"] = 40
    with pytest.raises(PlanError, match="high=40"):
        Plan.from_dict(data)
    data = plan.to_dict()
    data["parts"][0]["is_drum"] = True
    with pytest.raises(PlanError, match="is_drum"):
        Plan.from_dict(data)
    data = plan.to_dict()
    data["placements"][0]["part_index"] = 12
    with pytest.raises(PlanError, match="part_index=12"):
        Plan.from_dict(data)
    data = plan.to_dict()
    data["sections"][0]["parts_silent"] = [9]
    with pytest.raises(PlanError, match="parts_silent"):
        Plan.from_dict(data)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "not valid JSON"),
        (b"{", "not valid JSON"),
        (b"[1, 2]", "plan file"),
        (b"\xff\xfe\x00", "not UTF-8"),
        (b"{}", "is missing"),
        (b"[" * 100_000, "not valid JSON"),
    ],
)
def test_broken_files_give_one_line(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "plan.json"
    path.write_bytes(content)
    with pytest.raises(PlanError, match=message) as error:
        Plan.from_json(path)
    assert "\n" not in str(error.value)


def test_a_missing_file_and_an_unwritable_folder_are_named(plan: Plan, tmp_path: Path) -> None:
    with pytest.raises(PlanError, match="cannot be read"):
        Plan.from_json(tmp_path / "none.json")
    with pytest.raises(PlanError, match="cannot be written"):
        plan.to_json(tmp_path / "no folder" / "plan.json")


def test_a_turn_back_dominant_is_not_the_goal_of_its_cadence() -> None:
    plan = make_plan(
        parse_brief("waltz in D minor, 24 bars, string quartet"), np.random.default_rng(3)
    )
    closes = [p for s in plan.sections for p in s.phrases if p.cadence == "authentic"]
    assert closes
    for phrase in closes:
        bar = phrase.end_bar_index - 1
        goal = plan.chord_at(bar, plan.goal_half(bar))
        assert goal.root_pitch_class == plan.key_at(bar).tonic_pitch_class
