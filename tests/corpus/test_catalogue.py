"""Every collection of the catalogue says what it is, whose, under which licence and how to get."""

from __future__ import annotations

import importlib.util

import pytest

from leitmotiv.corpus.catalogue import PER_PIECE, attribution_of, find_collection, read_catalogue
from leitmotiv.corpus.licences import gate
from leitmotiv.errors import CorpusError, MissingExtraError
from leitmotiv.tokens.tags import GENRES

COLLECTIONS = list(read_catalogue().values())


@pytest.mark.parametrize("one", COLLECTIONS, ids=lambda one: one.name)
def test_an_entry_is_complete(one) -> None:
    assert one.title
    assert one.attribution
    assert one.home.startswith(("https://", "http://"))
    assert one.pieces > 0
    assert one.notes > one.pieces
    assert one.hours > 0
    assert sum((bool(one.url), bool(one.package), bool(one.how))) == 1
    assert {one.genre, *dict(one.genres).values()} <= {None, *GENRES}
    if one.url:
        assert one.url.startswith("https://")
        assert one.include, "an archive of a repository holds more than music"
    assert "\n" not in one.attribution


@pytest.mark.parametrize("one", COLLECTIONS, ids=lambda one: one.name)
def test_the_gate_knows_every_licence(one) -> None:
    if one.licence == PER_PIECE:
        assert "licence" not in one.defaults("a.mid")
    elif "music21" in one.name:
        assert gate(one.licence)[1], "its encoders state no licence"
    else:
        assert gate(one.licence) == (one.licence, None)


def test_the_bsd_notice_is_whole() -> None:
    notice = attribution_of("freedoom")
    for words in ("Copyright (c) 2001-2024", "Redistributions", "neither the name", "AS IS"):
        assert words.lower() in notice.lower()


def test_a_genre_may_hang_on_the_name() -> None:
    music21 = find_collection("music21")
    assert music21.defaults("corpus/bach/bwv1.6.mxl")["genre"] == "choral"
    assert music21.defaults("corpus/airdsAirs/book1.abc")["genre"] == "folk"


def test_strangers_have_no_attribution_and_no_entry() -> None:
    assert attribution_of("my-songs") == ""
    with pytest.raises(CorpusError, match="'my-songs' is neither a file or folder nor"):
        find_collection("my-songs")


def test_a_package_that_is_not_installed_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match=r"pip install 'leitmotiv\[corpus\]'"):
        find_collection("music21").package_folder()
