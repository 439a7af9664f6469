"""The index knows the training pieces of a pack, their makers, and nothing of the others."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from tests.corpus.toy_library import random_tune, toy_library

from leitmotiv.corpus.library import Library
from leitmotiv.corpus.originality_index import PackedNotes, build_index, pack_lines
from leitmotiv.corpus.pack import Selection, pack_library
from leitmotiv.errors import CorpusError
from leitmotiv.review.fragment_index import FragmentIndex
from leitmotiv.review.originality import review_originality
from leitmotiv.score.fragments import score_lines


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Library, PackedNotes]]:
    folder = tmp_path_factory.mktemp("corpus")
    with toy_library(folder / "library", 12) as library:
        pack_library(library, folder / "pack.npz", Selection())
        yield library, PackedNotes(folder / "pack.npz")


def test_training_pieces_are_credited_and_held_out_ones_are_not_known(corpus) -> None:
    library, pack = corpus
    index = build_index(library, pack, keep_one_in=1)
    for number, name in enumerate(pack.ids):
        seed = int(name.removeprefix("tune"))
        report = review_originality(random_tune(seed, transpose=5, stretch=2), index)
        if number in pack.of_split("train"):
            assert report.known_share == 1.0
            assert report.nearest[0].piece == index.pieces[pack.of_split("train").index(number)]
            assert report.nearest[0].piece.composer == f"Composer{seed}, A"
            assert report.nearest[0].piece.licence == "CC0-1.0"
        else:
            assert report.known_share < 0.1


def test_the_lines_of_the_pack_are_those_of_the_score(corpus) -> None:
    _, pack = corpus
    line, onset, pitch, bar = pack_lines(pack, [3])
    _, expected_onset, expected_pitch = score_lines(random_tune(3))
    assert np.array_equal(onset, expected_onset)
    # Pieces are stored in the home signature; a shift of the whole line changes no fragment.
    assert np.array_equal(np.diff(pitch), np.diff(expected_pitch))
    assert np.array_equal(bar, onset // 96)
    assert not line.any()


def test_the_same_pack_gives_the_same_bytes(corpus, tmp_path: Path) -> None:
    library, pack = corpus
    for name in ("one.npz", "two.npz"):
        build_index(library, pack).save(tmp_path / name)
    assert (tmp_path / "one.npz").read_bytes() == (tmp_path / "two.npz").read_bytes()
    again = FragmentIndex.load(tmp_path / "one.npz")
    assert again.band().num_pieces == len(pack.of_split("test"))


def test_a_thinner_index_keeps_fewer_fragments_and_finds_the_same_pieces(corpus) -> None:
    library, pack = corpus
    full, thin = (build_index(library, pack, keep_one_in=n) for n in (1, 4))
    assert len(thin.hashes["rhythmic"]) < len(full.hashes["rhythmic"]) / 2
    number = pack.of_split("train")[0]
    tune = random_tune(int(pack.ids[number].removeprefix("tune")))
    names = [review_originality(tune, index).nearest[0].piece for index in (full, thin)]
    assert names[0] == names[1]


def test_what_is_no_pack_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "bad.npz").write_bytes(b"nothing")
    with pytest.raises(CorpusError, match="corpus pack"):
        PackedNotes(tmp_path / "bad.npz")
