"""Composers are found however archives write them, and nobody else's dates are borrowed."""

from __future__ import annotations

import csv
from importlib import resources

import pytest

from leitmotiv.corpus.composers import century_of, find_composer


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Bach, Johann Sebastian", "Bach, Johann Sebastian"),
        ("J. S. Bach (1685-1750)", "Bach, Johann Sebastian"),
        ("BachJS", "Bach, Johann Sebastian"),
        ("C. P. E. Bach (1714 - 1788)", "Bach, Carl Philipp Emanuel"),
        ("SchubertF", "Schubert, Franz"),
        ("Schumann, Clara", "Schumann, Clara"),
        ("Johann Sebastian BACH (1685 - 1750)", "Bach, Johann Sebastian"),
        ("Antonín, Dvořák", "Dvořák, Antonín"),
        ("Żeleński, Władysław", "Żeleński, Władysław"),
        ("F. Mendelssohn-Bartholdy, Op. 20", "Mendelssohn, Felix"),
    ],
)
def test_spellings_lead_to_one_composer(text, name):
    assert find_composer(text).name == name


@pytest.mark.parametrize(
    "text", ["", "Anonim", "trad. (Ireland)", "drummer1", "Pokorný, Franz Xaver", "Bach, Wilhelm"]
)
def test_others_are_not_taken_for_a_namesake(text):
    assert find_composer(text) is None


def test_year_of_an_edition_does_not_move_a_composer():
    assert century_of("Purcell, Henry", 1895) == 17
    assert century_of("Purcell, Henry", 1690) == 17


def test_year_within_the_life_decides_the_century():
    assert century_of("Beethoven, Ludwig van", 1795) == 18
    assert century_of("Beethoven, Ludwig van", 1820) == 19


def test_dates_in_the_name_serve_where_the_table_ends():
    assert century_of("Carlo Nessuno (1706-1761)", None) == 18
    assert century_of("Nobody, X.", 1611) == 17
    assert century_of("Nobody, X.", None) is None


def test_table_is_sane():
    text = resources.files("leitmotiv.corpus").joinpath("composers.csv").read_text("utf-8")
    rows = list(csv.DictReader(text.splitlines()))
    assert len({row["name"] for row in rows}) == len(rows)
    for row in rows:
        born, died = (int(row[field] or 0) for field in ("born", "died"))
        if born and died:
            assert 10 < died - born < 100, row["name"]
        assert row["active"] or born, row["name"]
        assert row["region"], row["name"]
