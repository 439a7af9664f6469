"""Licences: what they are called, who is let in, and what weights trained on them allow.

Conventions: a licence is an SPDX identifier, ``PD`` for the public domain, or ``LicenseRef-…`` for
what SPDX does not list. None is an unknown licence. Nothing here is legal advice.

Public names: :func:`normalise_licence`, :func:`licence_kind`, :func:`open_licence`,
:func:`gate`, :func:`stated_licence`, :class:`Permission`, :func:`permission`, :func:`verdict`,
:data:`KINDS`.

References: *SPDX License List*, https://spdx.org/licenses/; *Creative Commons licenses*,
https://creativecommons.org/share-your-work/cclicenses/.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from leitmotiv.errors import CorpusError

__all__ = [
    "KINDS",
    "Permission",
    "gate",
    "licence_kind",
    "normalise_licence",
    "open_licence",
    "permission",
    "stated_licence",
    "verdict",
]

KINDS = (
    "public domain",
    "attribution",
    "share-alike",
    "stated by you",
    "no derivatives",
    "non-commercial",
    "unknown",
)
"""Kinds of licences, from the one that asks for least to the one that allows least."""

_PUBLIC_DOMAIN = {"CC0-1.0", "PD", "PDDL-1.0", "Unlicense", "0BSD", "CC-PDDC", "PDM-1.0"}
_ATTRIBUTION = ("BSD-", "MIT", "Apache-2.0", "ISC", "ODC-By-1.0", "CDLA-Permissive-", "OGL-UK-")
_SHARE_ALIKE = ("GPL-", "LGPL-", "AGPL-", "ODbL-1.0", "LAL-", "FAL-", "MPL-2.0", "OPL-1.0")
_UNSTATED = {"LicenseRef-unstated", "LicenseRef-unknown", "NOASSERTION", "NONE"}
_CREATIVE_COMMONS = re.compile(r"CC-(BY(?:-(?:NC|ND|SA))*)(?:-\d\.\d)?(?:-[A-Z]{2,3})?")


def normalise_licence(text: str | None) -> str | None:
    """Return the SPDX identifier of a licence in the ways people write it; None where unknown.

    Examples
    --------
    >>> [normalise_licence(x) for x in ("cc by-sa 4.0", "CC0", "public domain", "what?", None)]
    ['CC-BY-SA-4.0', 'CC0-1.0', 'PD', None, None]
    >>> normalise_licence("https://creativecommons.org/licenses/by-nc/3.0/de/")
    'CC-BY-NC-3.0-DE'
    """
    if text is None or not isinstance(text, str) or not text.strip():
        return None
    given = text.strip()
    if re.fullmatch(r"LicenseRef-[A-Za-z0-9.-]+", given):
        return None if given in _UNSTATED else given
    if given in _PUBLIC_DOMAIN or given.startswith((*_ATTRIBUTION, *_SHARE_ALIKE)):
        return given if re.fullmatch(r"[A-Za-z0-9.+-]+", given) else None
    plain = re.sub(r"^https?://(www\.)?creativecommons\.org/", "", given.lower())
    plain = plain.replace("creative commons", "cc").replace("attribution", "by")
    plain = re.sub(r"[\s_/]+", "-", plain).strip("-.")
    if re.match(r"(cc-?0|cc-?zero|publicdomain-zero)", plain):
        return "CC0-1.0"
    if plain in ("pd", "public-domain", "publicdomain", "pdm", "publicdomain-mark-1.0"):
        return "PD"
    plain = plain.replace("sharealike", "sa").replace("noncommercial", "nc")
    plain = re.sub(r"^(licenses|cc)-", "", plain).removeprefix("cc-")
    found = re.fullmatch(r"(by(?:-(?:nc|nd|sa))*)(?:-v?(\d\.\d))?(?:-([a-z]{2,3}))?", plain)
    if found is None:
        return None
    terms, version, country = found.groups()
    parts = ["CC", terms.upper(), version, country.upper() if country else None]
    return "-".join(part for part in parts if part)  # without a version it is no SPDX name


def licence_kind(licence: str | None) -> str:
    """Return which of :data:`KINDS` a licence is.

    Examples
    --------
    >>> licence_kind("CC-BY-SA-3.0"), licence_kind("CC-BY-NC-SA-4.0"), licence_kind(None)
    ('share-alike', 'non-commercial', 'unknown')
    """
    if licence is None or licence in _UNSTATED:
        return "unknown"
    if licence in _PUBLIC_DOMAIN:
        return "public domain"
    found = _CREATIVE_COMMONS.fullmatch(licence)
    if found:
        terms = found.group(1)
        if "NC" in terms:
            return "non-commercial"
        if "ND" in terms:
            return "no derivatives"
        return "share-alike" if "SA" in terms else "attribution"
    if licence.startswith(_ATTRIBUTION):
        return "attribution"
    if licence.startswith(_SHARE_ALIKE):
        return "share-alike"
    if licence.startswith("LicenseRef-"):
        return "stated by you"
    return "unknown"


def open_licence(licence: str | None) -> bool:
    """Tell whether weights trained on a piece raise no share-alike or unknown-licence question.

    Examples
    --------
    >>> [open_licence(x) for x in ("CC0-1.0", "PD", "CC-BY-4.0", "CC-BY-SA-3.0", None)]
    [True, True, True, False, False]
    """
    return licence_kind(licence) in ("public domain", "attribution")


def gate(licence: str | None, stated: str | None = None) -> tuple[str | None, str | None]:
    """Let a piece in or refuse it.

    Parameters
    ----------
    licence : str or None
        What the source says of the piece.
    stated : str or None
        What the user says of pieces that carry no licence, or one that would be refused.

    Returns
    -------
    licence : str or None
        The licence that the piece then has.
    reason : str or None
        Why it is refused; None where it is let in.

    Examples
    --------
    >>> gate("CC-BY-4.0"), gate("CC-BY-4.0", "CC0-1.0")
    (('CC-BY-4.0', None), ('CC-BY-4.0', None))
    >>> gate(None, "CC0-1.0")
    ('CC0-1.0', None)
    >>> gate("CC-BY-NC-4.0")[1]
    'licence CC-BY-NC-4.0 does not allow commercial use; if you have permission, state a licence'
    """
    own = normalise_licence(licence)
    kind = licence_kind(own)
    if kind not in ("unknown", "non-commercial", "no derivatives"):
        return own, None
    if stated is not None:
        return stated, None
    if kind == "unknown":
        said = f"licence {licence} is unknown" if licence else "no licence is given"
        return own or licence, f"{said}; if you know it, state a licence"
    ban = "commercial use" if kind == "non-commercial" else "derivatives"
    return own, f"licence {own} does not allow {ban}; if you have permission, state a licence"


def stated_licence(text: str | None) -> str | None:
    """Check a licence that the user states.

    Raises
    ------
    CorpusError
        If it is no SPDX identifier that is known here, nor ``LicenseRef-…``.
    """
    if text is None:
        return None
    licence = normalise_licence(text)
    if licence is None:
        raise CorpusError(
            f"licence={text!r} must be an SPDX identifier such as CC0-1.0, CC-BY-4.0 or MIT, PD "
            "for the public domain, or LicenseRef-NAME for a permission of your own"
        )
    return licence


@dataclass(frozen=True)
class Permission:
    """What weights trained on pieces of one kind of licence allow.

    ``weights`` says what may be done with them, ``duty`` what is owed for it.
    """

    weights: str
    duty: str


_PERMISSIONS = {
    "public domain": Permission(
        "use, share and sell, in any product",
        "nothing is owed; naming the source is a courtesy",
    ),
    "attribution": Permission(
        "use, share and sell, in any product",
        "the attribution lines go with the weights, and with music that comes close to a piece",
    ),
    "share-alike": Permission(
        "use, share and sell; to be safe, share the weights under the same licence",
        "the attribution lines go with the weights; whether weights are adapted material is not "
        "settled, so this project's shipped weights are trained without such pieces",
    ),
    "stated by you": Permission(
        "as far as the permission goes that you stated",
        "keep proof of it; nobody else can rely on it",
    ),
    "no derivatives": Permission(
        "keep the weights to yourself unless the owner agrees",
        "weights may count as adapted material, which the licence forbids to share",
    ),
    "non-commercial": Permission(
        "use and share for what earns no money",
        "the attribution lines go with the weights; selling them or what they write needs the "
        "owner's consent",
    ),
    "unknown": Permission("do not train on it", "find out the licence first"),
}


def permission(licence: str | None) -> Permission:
    """Return what weights trained on pieces under a licence allow, as far as is known.

    Examples
    --------
    >>> permission("CC0-1.0").weights
    'use, share and sell, in any product'
    """
    return _PERMISSIONS[licence_kind(licence)]


def verdict(licences: Iterable[str | None]) -> str:
    """Say in one sentence what weights trained on all of these licences together allow.

    Examples
    --------
    >>> verdict(["PD", "CC-BY-4.0"])
    'attribution: use, share and sell, in any product'
    >>> verdict([])
    'nothing is selected'
    """
    kinds = {licence_kind(licence) for licence in licences}
    if not kinds:
        return "nothing is selected"
    strictest = max(kinds, key=KINDS.index)
    return f"{strictest}: {_PERMISSIONS[strictest].weights}"
