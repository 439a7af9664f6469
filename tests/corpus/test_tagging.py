"""Tags say what was written into hand-made scores."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leitmotiv.corpus.tagging import tag_score
from leitmotiv.corpus.textures import describe_parts, describe_passages
from leitmotiv.score import KeyChange, MeterChange, Part, Score, TempoMap, make_notes
from leitmotiv.score.analysis_passages import home_key, key_passages
from leitmotiv.score.analysis_phrases import phrase_end_bars
from leitmotiv.theory import Key, Meter

QUARTER = 480
CADENCE = ((0, 4, 7), (5, 9, 12), (7, 11, 14), (0, 4, 7))  # I IV V I above the tonic


def chords(tonic, bars, *, start_bar=0, minor=False):
    """Rows (onset, duration, pitch) of one cadence chord a bar."""
    rows = []
    for bar in range(bars):
        for interval in CADENCE[bar % 4]:
            lowered = minor and interval in (4, 9)
            pitch = tonic + interval - lowered
            rows.append(((start_bar + bar) * 1920, 1920, pitch))
    return rows


def part(rows, name="Piano", program=0, **fields):
    onset, duration, pitch = np.asarray(rows).T
    return Part(name, program, notes=make_notes(onset, duration, pitch), **fields)


def line(pitches, name="Flute", program=73, *, length=QUARTER, start=0):
    onsets = start + length * np.arange(len(pitches))
    return Part(name, program, notes=make_notes(onsets, [length] * len(pitches), pitches))


def test_modulation_is_found_at_its_bar():
    rows = chords(60, 12) + chords(67, 12, start_bar=12) + chords(60, 12, start_bar=24)
    score = Score(parts=(part(rows),))
    home, _ = home_key(score)
    passages = key_passages(score, home)
    assert str(home) == "C major"
    assert [str(key) for _, _, key in passages] == ["C major", "G major", "C major"]
    assert abs(passages[1][0] - 12) <= 1
    assert abs(passages[1][1] - 24) <= 1


@pytest.mark.parametrize("tonic", [60, 62, 66])
def test_minor_is_told_from_major(tonic):
    major, minor = (
        home_key(Score(parts=(part(chords(tonic, 8, minor=flag)),)))[0] for flag in (False, True)
    )
    assert (major.mode, minor.mode) == ("major", "minor")
    assert {major.tonic_pitch_class, minor.tonic_pitch_class} == {tonic % 12}


@pytest.mark.parametrize("signature", ["D major", "G major"])
def test_signature_decides_what_the_notes_leave_open(signature):
    # Neither the fourth nor the seventh is sounded: D major and D mixolydian are both possible.
    tune = line([62, 66, 69, 71, 69, 66, 64, 62] * 4)
    key = Key.parse(signature)
    found, _ = home_key(Score(parts=(tune,), keys=(KeyChange(0, key),)))
    assert found.fifths == key.fifths
    assert found.tonic_pitch_class == 2


def test_passages_cover_the_piece_without_gaps():
    rng = np.random.default_rng(3)
    for _ in range(5):
        score = Score(parts=(line(rng.integers(40, 80, 97)),))
        passages = key_passages(score, home_key(score)[0])
        ends = [end for _, end, _ in passages]
        assert [start for start, _, _ in passages] == [0, *ends[:-1]]
        assert ends[-1] == score.num_bars


def test_phrases_end_where_the_melody_rests():
    bar, last = [(0, 960), (960, 960)], [(0, 960)]
    rows = []
    for phrase in range(4):
        for index in range(4):
            start = (phrase * 4 + index) * 1920
            rows += [(start + at, length, 60) for at, length in (last if index == 3 else bar)]
    melody = part(rows)
    assert phrase_end_bars(Score(parts=(melody,)), melody) == [3, 7, 11, 15]


def test_an_upbeat_belongs_to_the_next_phrase():
    rows = [(1440, 480, 60)]  # upbeat
    for bar in range(1, 9):
        start = bar * 1920
        if bar % 4:
            rows += [(start + 480 * i, 480, 62) for i in range(4)]
        else:
            rows += [(start, 1440, 62), (start + 1440, 480, 60)]
    melody = part(rows[:-1])
    assert phrase_end_bars(Score(parts=(melody,)), melody) == [4, 8]


def test_textures_by_construction():
    tune = [72, 74, 76, 77, 79, 77, 76, 74] * 4
    alone = Score(parts=(line(tune),))
    together = Score(parts=tuple(line(np.asarray(tune) - 12 * k, f"{k}", 40) for k in range(4)))
    apart = Score(
        parts=tuple(
            line(np.asarray(tune[: 28 - k]) - 7 * k, f"{k}", 40, start=k * 160) for k in range(3)
        )
    )
    piano = Score(parts=(line(tune, "Voice", 52), part(chords(48, 8))))
    full = Score(parts=tuple(part(chords(48 + 12 * (k % 3), 8), f"{k}") for k in range(5)))

    def texture(score):
        return describe_passages(score, [(0, score.num_bars)])[0]["texture"]

    assert texture(alone) == "solo"
    assert texture(together) == "homophonic"
    assert texture(apart) == "polyphonic"
    assert texture(piano) == "homophonic"
    assert texture(full) == "full"


def test_few_of_many_parts_are_sparse_and_silence_is_empty():
    busy = [line([60, 62, 64, 65] * 4, f"{k}", 40) for k in range(2)]
    late = [line([60, 62, 64, 65] * 4, f"late {k}", 40, start=16 * QUARTER) for k in range(3)]
    score = Score(parts=(*busy, *late), length_ticks=4 * 1920 * 3)
    rows = describe_passages(score, [(0, 4), (4, 8), (8, 12)])
    assert rows[0]["texture"] == "sparse"
    assert rows[1]["texture"] == "homophonic"
    assert rows[2] == {"texture": "sparse", "density": 0.0, "register": None}


def test_a_lone_singer_leads_and_chords_are_harmony():
    voice, piano = line([60, 62, 64, 65] * 8, "Voice", 52), part(chords(60, 8), "Piano")
    high = line([84, 86, 88, 89] * 8, "Flute", 73)
    drums = Part("Drums", is_drum=True, notes=voice.notes)
    roles = [row["role"] for row in describe_parts(Score(parts=(high, voice, piano, drums)))]
    assert roles[1:] == ["melody", "harmony", "drums"]
    assert roles[0] != "melody"


def test_a_stated_role_stands():
    bass = Part("Flute", 73, role="bass", notes=line([84, 86]).notes)
    assert describe_parts(Score(parts=(bass,)))[0]["role"] == "bass"


def test_sections_meters_and_tempo_are_named():
    tune_a, tune_b = [60, 64, 67, 72] * 4, [62, 59, 55, 62, 57, 53, 50, 57] * 2
    score = Score(
        parts=(line(tune_a + tune_b + tune_a),),
        tempo_map=TempoMap((0,), (96.0,)),
        meters=(MeterChange(0, Meter(4, 4)), MeterChange(8 * 1920, Meter(2, 4))),
    )
    found = tag_score(score, genre="folk")
    assert found["meters"] == [
        {"bars": [0, 8], "meter": "4/4"},
        {"bars": [8, 16], "meter": "2/4"},
    ]
    assert found["tempo"] == {"qpm": 96.0, "lowest": 96.0, "highest": 96.0, "known": True}
    plain = tag_score(Score(parts=score.parts), genre="folk")
    assert [row["label"] for row in plain["sections"]] == ["A", "B", "A"]
    assert plain["sections"][2]["repeats_bar"] == 0
    assert not plain["tempo"]["known"]
    assert len(plain["chords"]) == 2 * 12


def test_mood_follows_mode():
    happy, sad = (
        tag_score(Score(parts=(part(chords(60, 8, minor=flag)),)), genre="piano")["mood"]
        for flag in (False, True)
    )
    assert happy["valence"] > sad["valence"]


def test_genre_is_stated_or_guessed_with_a_probability():
    score = Score(parts=(part(chords(60, 8)),))
    assert tag_score(score, genre="polka")["genre"] == {"name": "polka", "source": "stated"}
    guessed = tag_score(score)["genre"]
    assert guessed["source"] == "guessed"
    assert 0 < guessed["probability"] <= 1


def test_drums_alone_are_recognised():
    beat = np.arange(256) * 240
    keys = np.where(np.arange(256) % 4 == 0, 36, np.where(np.arange(256) % 4 == 2, 38, 42))
    drums = Part("Drums", is_drum=True, notes=make_notes(beat, [120] * 256, keys, 80))
    assert tag_score(Score(parts=(drums,)))["genre"]["name"] == "drums"


@pytest.mark.parametrize(
    "score",
    [
        Score(),
        Score(parts=(Part("Empty"),)),
        Score(parts=(Part("Drums", is_drum=True, notes=make_notes([0], [10], [38])),)),
        Score(parts=(line([60]),)),
    ],
)
def test_next_to_nothing_is_tagged_without_fuss(score):
    found = tag_score(score)
    assert json.loads(json.dumps(found)) == found


@settings(max_examples=25, deadline=None)
@given(st.data())
def test_any_score_gives_json_and_ranges_within_the_piece(data):
    parts = []
    for index in range(data.draw(st.integers(1, 3))):
        size = data.draw(st.integers(0, 40))
        draw = st.lists(st.integers(0, 40), min_size=size, max_size=size)
        onsets, lengths, pitches = (data.draw(draw) for _ in range(3))
        notes = make_notes(
            np.asarray(onsets, dtype=int) * 240,
            np.asarray(lengths, dtype=int) * 60 + 1,
            np.asarray(pitches, dtype=int) + 40,
        )
        program, drum = data.draw(st.integers(0, 127)), data.draw(st.booleans())
        parts.append(Part(f"{index}", program, is_drum=drum, notes=notes))
    score = Score(parts=tuple(parts))
    found = tag_score(score)
    assert json.loads(json.dumps(found)) == found
    for name in ("keys", "sections", "meters"):
        rows = found[name]
        assert all(0 <= row["bars"][0] < row["bars"][1] <= score.num_bars for row in rows)
    assert all(0 <= bar < max(score.num_bars, 1) for bar in found["phrase_end_bars"])
    assert -1 <= found["mood"]["valence"] <= 1
    assert -1 <= found["mood"]["arousal"] <= 1
