"""The gate lets in what is free to learn from and nothing else."""

from __future__ import annotations

import pytest

from leitmotiv.corpus.licences import (
    KINDS,
    gate,
    licence_kind,
    normalise_licence,
    open_licence,
    permission,
    stated_licence,
    verdict,
)
from leitmotiv.errors import CorpusError

ALLOWED = ("CC0-1.0", "PD", "CC-BY-2.5", "CC-BY-4.0", "CC-BY-SA-3.0-DE", "BSD-3-Clause", "MIT")
BANNED = ("CC-BY-NC-4.0", "CC-BY-NC-SA-3.0", "CC-BY-ND-4.0", "CC-BY-NC-ND-2.0")
UNKNOWN = (None, "", "  ", "LicenseRef-unstated", "all rights reserved", "free", "CC", 7)


@pytest.mark.parametrize("licence", ALLOWED)
def test_free_licences_pass_and_keep_their_name(licence: str) -> None:
    assert gate(licence) == (licence, None)
    assert gate(licence, "CC0-1.0") == (licence, None)


@pytest.mark.parametrize("licence", [*BANNED, *UNKNOWN])
def test_everything_else_waits_for_a_statement(licence: str | None) -> None:
    _, reason = gate(licence)
    assert reason
    assert "state a licence" in reason
    assert gate(licence, "LicenseRef-mine") == ("LicenseRef-mine", None)


@pytest.mark.parametrize(
    ("text", "licence"),
    [
        ("CC BY 4.0", "CC-BY-4.0"),
        ("Creative Commons Attribution-ShareAlike 3.0", "CC-BY-SA-3.0"),
        ("cc-by-nc-nd-4.0", "CC-BY-NC-ND-4.0"),
        ("CC BY", "CC-BY"),
        ("https://creativecommons.org/publicdomain/zero/1.0/", "CC0-1.0"),
        ("http://creativecommons.org/licenses/by-sa/2.0/", "CC-BY-SA-2.0"),
        ("Public Domain", "PD"),
        ("BSD-3-Clause", "BSD-3-Clause"),
        ("LicenseRef-school", "LicenseRef-school"),
    ],
)
def test_licences_are_known_in_the_ways_people_write_them(text: str, licence: str) -> None:
    assert normalise_licence(text) == licence
    assert licence_kind(licence) != "unknown"


def test_only_licences_without_open_questions_are_open() -> None:
    assert all(open_licence(x) for x in ("CC0-1.0", "PD", "CC-BY-4.0", "BSD-3-Clause"))
    closed = ("CC-BY-SA-4.0", "GPL-3.0-only", "CC-BY-NC-4.0", "LicenseRef-mine", None, "Mitten")
    assert not any(open_licence(licence) for licence in closed)


def test_a_statement_must_be_a_licence() -> None:
    assert stated_licence("cc0") == "CC0-1.0"
    assert stated_licence(None) is None
    for text in ("mine", "LicenseRef-unstated", "x" * 500):
        with pytest.raises(CorpusError, match="must be an SPDX identifier"):
            stated_licence(text)


def test_the_strictest_licence_decides_for_all() -> None:
    order = [
        "PD",
        "CC-BY-4.0",
        "CC-BY-SA-4.0",
        "LicenseRef-x",
        "CC-BY-ND-4.0",
        "CC-BY-NC-4.0",
        None,
    ]
    assert [licence_kind(licence) for licence in order] == list(KINDS)
    for number, licence in enumerate(order, 1):
        assert verdict(order[:number]).startswith(f"{licence_kind(licence)}: ")
        assert permission(licence).weights in verdict(order[:number])
