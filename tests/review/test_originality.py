"""A quotation is found, credited and measured; what has no kin is left in peace."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from leitmotiv.errors import ReviewError
from leitmotiv.review.fragment_index import (
    FORMULA,
    SHIPPED_INDEX,
    Band,
    FragmentIndex,
    IndexedPiece,
)
from leitmotiv.review.originality import review_originality
from leitmotiv.score import Part, Score, make_notes
from leitmotiv.score.fragments import KINDS, fragments, score_lines


def line_score(onset: np.ndarray, pitch: np.ndarray) -> Score:
    """A flute that plays steps of a 24th of a quarter, legato."""
    ticks = np.asarray(onset) * 20
    lengths = np.append(np.diff(ticks), 480)
    return Score(parts=(Part("Flute", 73, notes=make_notes(ticks, lengths, pitch)),))


def random_tune(rng: np.random.Generator, count: int) -> tuple[np.ndarray, np.ndarray]:
    onset = np.cumsum(rng.choice([12, 24, 36, 48], count))
    steps = rng.choice([-5, -4, -3, -2, -1, 1, 2, 3, 4, 5], count)
    return onset - onset[0], 60 + np.abs(np.cumsum(steps)) % 30


def index_of(tunes: list[tuple[np.ndarray, np.ndarray]], keep_one_in: int = 2) -> FragmentIndex:
    pieces = [
        IndexedPiece(f"p{n}", f"Tune {n}", "Ann", "CC0-1.0", "demo", f"Ann's tunes, {n}")
        for n in range(len(tunes))
    ]
    found = {}
    for kind in KINDS:
        cut = [fragments(np.zeros(len(o), np.int64), o, p, kind).hashes for o, p in tunes]
        owners = np.repeat(np.arange(len(cut)), [len(values) for values in cut])
        found[kind.name] = (np.concatenate(cut), owners)
    index = FragmentIndex.build(pieces, found, keep_one_in=keep_one_in)
    bands = {"": Band(9, {"0.9": 9, "0.99": 12}, {"0.5": 8, "0.9": 12, "0.95": 14}, {"0.5": 0.1})}
    return FragmentIndex(index.pieces, index.hashes, index.owners, keep_one_in, bands)


@pytest.fixture
def tunes(rng: np.random.Generator) -> list[tuple[np.ndarray, np.ndarray]]:
    return [random_tune(rng, 120) for _ in range(12)]


def planted(rng: np.random.Generator, onset: np.ndarray, pitch: np.ndarray) -> tuple[Score, range]:
    """A new piece with a passage hidden after its twentieth note, and the notes it takes."""
    before, after = random_tune(rng, 20), random_tune(rng, 20)
    onset, pitch = onset - onset[0], pitch + int(before[1][-1]) + 1 - int(pitch[0])
    second = before[0][-1] + 24 + onset
    third = second[-1] + 24 + after[0]
    together = np.concatenate([before[1], pitch, after[1]])
    return line_score(np.concatenate([before[0], second, third]), together), range(
        20, 20 + len(onset)
    )


def test_a_transposed_quotation_is_found_where_it_stands(rng: np.random.Generator, tunes) -> None:
    index = index_of(tunes)
    onset, pitch = tunes[7]
    score, notes = planted(rng, onset[30:60], pitch[30:60])
    report = review_originality(score, index)
    assert report.nearest[0].piece.title == "Tune 7"
    assert report.nearest[0].attribution == "Ann's tunes, 7"
    assert 22 <= report.nearest[0].num_notes <= 32
    assert report.level == "beyond"
    bar = score.bar_index_at(score.parts[0].notes["onset"])
    quoted = {int(bar[note]) for note in notes}
    credited = {entry.bar_index for entry in report.bars if entry.level == "beyond"}
    assert credited
    assert credited <= quoted
    assert len(credited) >= len(quoted) - 3
    assert report.findings()[0].bar_index in quoted


def test_a_quotation_in_another_meter_is_found(rng: np.random.Generator, tunes) -> None:
    index = index_of(tunes)
    _, pitch = tunes[3]
    bent = np.cumsum(rng.choice([8, 20, 32, 64], 40))
    score, _ = planted(rng, bent, pitch[10:50])
    report = review_originality(score, index)
    assert report.nearest[0].piece.title == "Tune 3"
    assert report.nearest[0].num_notes >= 26


def test_changed_notes_break_the_passage_but_not_the_kinship(
    rng: np.random.Generator, tunes
) -> None:
    index = index_of(tunes)
    onset, pitch = tunes[5][0][20:70], tunes[5][1][20:70].copy()
    pitch[::14] += 1
    score, notes = planted(rng, onset, pitch)
    report = review_originality(score, index)
    near = report.nearest[0]
    assert near.piece.title == "Tune 5"
    assert near.num_notes < near.num_notes_in_all <= len(notes)
    bar = score.bar_index_at(score.parts[0].notes["onset"])
    assert int(bar[notes.start]) <= near.first_bar_index <= near.last_bar_index
    assert near.last_bar_index <= int(bar[notes.stop - 1])
    untouched = planted(rng, onset, tunes[5][1][20:70])[0]
    assert review_originality(untouched, index).nearest[0].evidence > near.evidence


def test_what_many_pieces_have_is_less_evidence(rng: np.random.Generator, tunes) -> None:
    line = np.zeros(120, np.int64)
    alone = index_of(tunes).kinships(line, *tunes[0])
    shared = index_of([*tunes, tunes[0], tunes[0]]).kinships(line, *tunes[0])
    first = [kin.evidence[kin.piece == 0].sum() for kin in (alone, shared)]
    assert 0 < first[1] < first[0]
    empty = np.zeros(0, np.int64)
    assert len(index_of(tunes).kinships(empty, empty, empty)) == 0


def test_kinships_are_those_of_a_plain_count(rng: np.random.Generator, tunes) -> None:
    """Against a direct reading of the definition, piece by piece and fragment by fragment."""
    index = index_of(tunes[:3], keep_one_in=1)
    pitch = tunes[1][1].copy()
    pitch[rng.choice(120, 12, replace=False)] += 2
    line = np.zeros(120, np.int64)
    found = index.kinships(line, tunes[1][0], pitch)
    covered = np.zeros(120, dtype=bool)
    count = 0
    for kind in KINDS:
        own = set(fragments(line, *tunes[1], kind).hashes.tolist())
        cut = fragments(line, tunes[1][0], pitch, kind)
        for value, first, last in zip(cut.hashes.tolist(), cut.first, cut.last, strict=True):
            if value in own:
                covered[first : last + 1] = True
                count += 1
    mine = found.piece == 1
    assert found.num_fragments[mine].sum() == count
    number = np.cumsum(np.diff(pitch, prepend=-1) != 0)  # a note and its repetitions are one
    assert found.num_notes[mine].sum() == len(set(number[covered].tolist()))


def test_a_new_tune_shares_next_to_nothing(rng: np.random.Generator, tunes) -> None:
    report = review_originality(line_score(*random_tune(rng, 200)), index_of(tunes))
    assert report.num_fragments > 50
    assert report.level in ("own", "usual")
    assert report.findings() == ()


def test_every_piece_is_its_own_nearest(tunes) -> None:
    index = index_of(tunes, keep_one_in=1)
    for number, (onset, pitch) in enumerate(tunes):
        report = review_originality(line_score(onset, pitch), index)
        assert report.known_share == 1.0
        assert report.nearest[0].piece.id == f"p{number}"


def test_what_everybody_writes_is_nobodys(rng: np.random.Generator) -> None:
    tune = random_tune(rng, 60)
    many = index_of([tune] * (FORMULA + 1))
    few = index_of([tune] * 3)
    assert review_originality(line_score(*tune), many).bars == ()
    assert len(review_originality(line_score(*tune), few).nearest) == 3


@pytest.mark.parametrize("pitches", [[], [60], [60, 62, 64, 65, 67]])
def test_a_score_without_a_tune_is_reported_as_such(tunes, pitches: list[int]) -> None:
    score = line_score(np.arange(len(pitches)) * 24, np.asarray(pitches, dtype=np.int64))
    report = review_originality(score if pitches else Score(parts=()), index_of(tunes))
    assert (report.bars, report.num_fragments, report.longest_notes) == ((), 0, 0)


def test_an_index_comes_back_as_it_was_saved_and_the_bytes_are_the_same(
    tmp_path: Path, tunes
) -> None:
    index = index_of(tunes)
    index.save(tmp_path / "one.npz")
    again = FragmentIndex.load(tmp_path / "one.npz")
    again.save(tmp_path / "two.npz")
    assert (tmp_path / "one.npz").read_bytes() == (tmp_path / "two.npz").read_bytes()
    assert list(again.pieces) == list(index.pieces)
    assert again.bands == index.bands
    for name, values in index.hashes.items():
        assert np.array_equal(again.hashes[name], values)
        assert np.array_equal(again.owners[name], index.owners[name])


def test_a_damaged_or_missing_index_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "bad.npz").write_bytes(b"no index")
    for name in ("bad.npz", "missing.npz"):
        with pytest.raises(ReviewError, match="corpus index"):
            FragmentIndex.load(tmp_path / name)


def test_the_report_is_plain_data(tunes) -> None:
    report = review_originality(line_score(*tunes[0]), index_of(tunes))
    data = json.loads(json.dumps(report.to_dict()))
    assert data["bars"][0]["piece"]["licence"] == "CC0-1.0"
    assert data["level"] == "beyond"


def test_the_shipped_index_is_small_and_names_title_licence_and_source() -> None:
    assert SHIPPED_INDEX.stat().st_size <= 20_000_000
    index = FragmentIndex.load(SHIPPED_INDEX)
    assert all(piece.id and piece.licence and piece.source for piece in index.pieces)
    assert not any("SA" in piece.licence or "NC" in piece.licence for piece in index.pieces)
    assert all(piece.attribution for piece in index.pieces)
    assert not any("SA" in piece.attribution for piece in index.pieces)
    assert index.band().piece_notes["0.5"] < index.band().piece_notes["0.95"]
    for name, values in index.hashes.items():
        assert np.all(np.diff(values.astype(np.int64)) >= 0), name
        assert int(index.owners[name].max()) < len(index.pieces)
        assert np.all(values % index.keep_one_in == 0)


ODE = "EEFGGFEDCCDE E:36 D:12 D:48 EEFGGFEDCCDE D:36 C:12 C:48"  # Beethoven, op. 125
PITCHES = {"C": 60, "D": 62, "E": 64, "F": 65, "G": 67}


def ode() -> tuple[np.ndarray, np.ndarray]:
    notes: list[tuple[str, int]] = []
    for word in ODE.split():
        name, _, length = word.partition(":")
        notes += [(name, int(length))] if length else [(letter, 24) for letter in word]
    lengths = [length for _, length in notes]
    onset = np.cumsum([0, *lengths[:-1]])
    return onset, np.asarray([PITCHES[name] for name, _ in notes])


@pytest.mark.parametrize("way", ["transposed", "twice as fast", "changed", "in three"])
def test_a_tune_that_everybody_knows_is_found_by_the_shipped_index(
    way: str, rng: np.random.Generator
) -> None:
    onset, pitch = ode()
    if way == "transposed":
        pitch = pitch + 5
    elif way == "twice as fast":
        onset = onset // 2
    elif way == "changed":
        pitch = pitch.copy()
        pitch[[3, 17]] += 2
    elif way == "in three":  # the first of two beats takes twice its time
        inside = onset % 48
        onset = onset // 48 * 72 + np.minimum(inside, 24) * 2 + np.maximum(inside - 24, 0)
    score, _ = planted(rng, onset, pitch)
    near = review_originality(score).nearest[0]
    assert "Beethoven" in near.piece.composer + near.piece.title or "Joy" in near.piece.title
    assert near.evidence > 1.0


def test_lines_of_a_score_and_of_the_index_use_one_grid(rng: np.random.Generator) -> None:
    onset, pitch = random_tune(rng, 40)
    line, found, sounding = score_lines(line_score(onset, pitch))
    assert np.array_equal(found, onset)
    assert np.array_equal(sounding, pitch)
    assert not line.any()
