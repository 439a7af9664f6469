"""No work, composer or melody stands on two sides of a split."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.corpus.toy_library import random_tune

from leitmotiv.corpus.splits import (
    SPLITS,
    SplitPiece,
    assign_splits,
    composer_key,
    leak_groups,
    line_ngrams,
    shared_fragments,
    work_key,
)
from leitmotiv.errors import CorpusError
from leitmotiv.score import Part, Score, make_notes


def piece(name: str, **fields: object) -> SplitPiece:
    values: dict[str, object] = {
        "id": name,
        "source": "toy",
        "composer": f"{name}, A",
        "title": name,
        "genre": "piano",
        "num_notes": 100,
        "ngrams": np.zeros(0, dtype=np.int64),
        **fields,
    }
    return SplitPiece(**values)  # type: ignore[arg-type]


def corpus(count: int = 200) -> list[SplitPiece]:
    return [
        piece(f"p{n:03}", genre=("piano", "folk")[n % 2], num_notes=50 + n % 90)
        for n in range(count)
    ]


def test_shares_are_met_within_each_genre() -> None:
    pieces = corpus(400)
    splits = assign_splits(pieces, seed=3)
    for genre in ("piano", "folk"):
        notes = {
            name: sum(
                p.num_notes
                for p, s in zip(pieces, splits, strict=True)
                if s == name and p.genre == genre
            )
            for name in SPLITS
        }
        total = sum(notes.values())
        assert notes["valid"] / total == pytest.approx(0.1, abs=0.02)
        assert notes["test"] / total == pytest.approx(0.1, abs=0.02)


def test_the_seed_decides_and_the_order_of_pieces_does_not() -> None:
    pieces = corpus()
    one = dict(zip((p.id for p in pieces), assign_splits(pieces), strict=True))
    turned = pieces[::-1]
    two = dict(zip((p.id for p in turned), assign_splits(turned), strict=True))
    assert one == two
    other = dict(zip((p.id for p in pieces), assign_splits(pieces, seed=2), strict=True))
    assert one != other


@given(transpose=st.integers(-7, 7), stretch=st.integers(1, 4), seed=st.integers(0, 50))
def test_fragments_do_not_depend_on_transposition_or_note_values(
    transpose: int, stretch: int, seed: int
) -> None:
    plain = line_ngrams(random_tune(seed), keep_one_in=1)
    moved = line_ngrams(random_tune(seed, transpose=transpose, stretch=stretch), keep_one_in=1)
    np.testing.assert_array_equal(plain, moved)
    assert len(plain) > 80


def test_scales_and_repeated_notes_have_no_fragments() -> None:
    scale = np.tile(np.concatenate([np.arange(60, 72), np.arange(72, 60, -1)]), 5)
    notes = make_notes(np.arange(len(scale)) * 240, np.full(len(scale), 240), scale)
    assert len(line_ngrams(Score(parts=(Part(name="Piano", notes=notes),)), keep_one_in=1)) == 0


def test_an_arrangement_under_another_name_stays_with_its_model() -> None:
    tune = random_tune(7, 400)
    arranged = random_tune(7, 400, transpose=5, stretch=2)
    pieces = [
        piece("one", ngrams=line_ngrams(tune)),
        piece("two", ngrams=line_ngrams(random_tune(8, 400))),
        piece("three", ngrams=line_ngrams(arranged)),
    ]
    groups = leak_groups(pieces)
    assert groups[0] == groups[2] != groups[1]


def test_no_fragment_worth_naming_crosses_the_split() -> None:
    # Forty tunes, each also hidden as a quotation inside a longer piece of another composer.
    pieces = []
    for n in range(40):
        quoted = random_tune(n, 150)
        frame = random_tune(1000 + n, 150)
        last = int(quoted.parts[0].notes["onset"].max()) + 480
        later = frame.parts[0].notes.copy()
        later["onset"] += last
        both = np.concatenate([quoted.parts[0].notes, later])
        longer = Score(parts=(Part(name="Oboe", notes=both, program=68),))
        for name, score in ((f"tune{n}", quoted), (f"medley{n}", longer)):
            pieces.append(piece(name, num_notes=300, ngrams=line_ngrams(score, keep_one_in=1)))
    splits = assign_splits(pieces)
    shared = shared_fragments([p.ngrams for p in pieces])
    assert len(shared) >= 40
    assert {splits[one] == splits[two] for one, two in shared} == {True}
    assert set(splits) == set(SPLITS)


def test_movements_of_a_work_stay_together() -> None:
    titles = ["Sonata op. 3 - Allegro", "Sonata Op.3 - Largo", "Sonata op. 4 - Allegro"]
    pieces = [piece(f"m{n}", title=t, composer="Big, Composer") for n, t in enumerate(titles)]
    groups = leak_groups(pieces)
    assert groups[0] == groups[1] != groups[2]


def test_small_composers_are_never_divided() -> None:
    others = [piece(f"o{n}", num_notes=1000) for n in range(100)]
    pair = [piece("a", composer="Small, A", title="x"), piece("b", composer="A. Small", title="y")]
    groups = leak_groups([*others, *pair])
    assert groups[-1] == groups[-2]


def test_relatives_that_a_source_names_stay_together() -> None:
    pieces = [piece("a", relatives="g1"), piece("b"), piece("c", relatives="g1")]
    groups = leak_groups(pieces)
    assert groups[0] == groups[2] != groups[1]


def test_a_handful_of_pieces_is_tested_too() -> None:
    assert sorted(assign_splits([piece(f"p{n}") for n in range(4)])) == [
        "test",
        "train",
        "train",
        "valid",
    ]


def test_one_piece_is_for_training() -> None:
    assert assign_splits([piece("only")]) == ["train"]
    assert assign_splits([]) == []


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("Beethoven, Ludwig van", "beethoven l"),
        ("Ludwig van Beethoven (1770-1827)", "beethoven l"),
        ("Żeleński, Władysław", "zelenski w"),
        ("Anonim", ""),
        (None, ""),
        ("Traditional", ""),
    ],
)
def test_composers_are_known_however_they_are_written(name: str | None, key: str) -> None:
    assert composer_key(name) == key


@pytest.mark.parametrize(
    ("title", "key"),
    [
        ("Prelude BWV 846", "bwv 846"),
        ("Prelude, BWV846 (Well-Tempered)", "bwv 846"),
        ("Ave Maria [głosy]", "ave maria"),
        ("", ""),
    ],
)
def test_works_are_known_by_catalogue_number_or_title(title: str, key: str) -> None:
    assert work_key(title) == key


def test_shares_outside_their_range_are_refused() -> None:
    with pytest.raises(CorpusError, match=r"test_share=0\.7"):
        assign_splits(corpus(10), test_share=0.7)
