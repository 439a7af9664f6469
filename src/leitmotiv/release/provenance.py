"""Provenance: where every note of a piece came from, and under which terms.

Purpose: one JSON-ready dictionary that says who wrote which share of the notes, with which
model, data, seed, plan, instruments and versions.

Conventions: nothing in it depends on the clock, so equal input makes equal bytes; a date is
taken from SOURCE_DATE_EPOCH alone. Wall times stand in it only where the caller hands them over.

Public names: :func:`build_provenance`, :func:`software_versions`, :func:`soundfont_licence`,
:data:`PROVENANCE_SCHEMA_VERSION`.
"""

from __future__ import annotations

import math
import platform
from collections.abc import Iterable, Mapping
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

import leitmotiv
from leitmotiv.release.marks import mark_score, release_date
from leitmotiv.score import Origin, Part, Score

if TYPE_CHECKING:
    from leitmotiv.plan import Brief, Plan
    from leitmotiv.review.originality import OriginalityReport

__all__ = [
    "PROVENANCE_SCHEMA_VERSION",
    "build_provenance",
    "software_versions",
    "soundfont_licence",
]

PROVENANCE_SCHEMA_VERSION = 1

_PACKAGES = ("numpy", "scipy", "numba", "onnxruntime")

# Licences of the General MIDI banks that distributions carry, by the start of the file name.
_SOUNDFONT_LICENCES = {
    "fluidr3": "MIT",
    "musescore_general": "MIT",
    "generaluser": "GeneralUser GS licence 2.0",
    "timgm6mb": "GPL-2.0-only",
    "opl-3_fm": "CC0-1.0",
}


class _FindingLike(Protocol):
    @property
    def check(self) -> str: ...
    @property
    def severity(self) -> str: ...
    @property
    def message(self) -> str: ...
    @property
    def part_index(self) -> int | None: ...
    @property
    def bar_index(self) -> int | None: ...


def software_versions() -> dict[str, str]:
    """Return the versions of everything that decides what a piece looks and sounds like."""
    versions = {"leitmotiv": leitmotiv.__version__, "python": platform.python_version()}
    for package in _PACKAGES:
        try:
            versions[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return versions


def soundfont_licence(path: str | Path) -> str | None:
    """Return the licence of a well-known sound bank by its file name; None where unknown.

    >>> soundfont_licence("/usr/share/sounds/sf3/FluidR3Mono_GM.sf3")
    'MIT'
    """
    name = Path(path).name.lower()
    return next(
        (text for start, text in _SOUNDFONT_LICENCES.items() if name.startswith(start)), None
    )


def _origin_counts(parts: Iterable[Part]) -> dict[str, int]:
    counts = np.zeros(len(Origin), dtype=np.int64)
    for part in parts:
        counts += np.bincount(part.notes["origin"], minlength=len(Origin))[: len(Origin)]
    return {origin.name.lower(): int(counts[origin]) for origin in Origin}


def _authorship(parts: tuple[Part, ...]) -> dict[str, Any]:
    counts = _origin_counts(parts)
    total = sum(counts.values())
    shares = {name: round(count / total, 4) if total else 0.0 for name, count in counts.items()}
    return {"num_notes": total, "by_origin": counts, "share_by_origin": shares}


def _finding(finding: _FindingLike) -> dict[str, Any]:
    return {
        "check": finding.check,
        "severity": str(finding.severity),
        "message": finding.message,
        "part_index": finding.part_index,
        "bar_index": finding.bar_index,
    }


def _plain(value: Any) -> Any:
    """Turn a value into JSON's types; numbers that JSON lacks become null."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_plain(item) for item in value]
    if isinstance(value, np.generic):
        return _plain(value.item())
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    return str(value)


def build_provenance(
    *,
    score: Score,
    plan: Plan | None = None,
    brief: Brief | None = None,
    model_sidecar: Mapping[str, Any] | None = None,
    drum_model: Mapping[str, Any] | None = None,
    engine: str = "modelled",
    soundfont: str | Path | None = None,
    timbre_sidecar: Mapping[str, Any] | None = None,
    seed: int | None = None,
    findings: Iterable[_FindingLike] = (),
    originality: OriginalityReport | None = None,
    timings: Mapping[str, float] | None = None,
    versions: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """Say where a piece came from.

    Parameters
    ----------
    score : Score
        Its notes' origins are counted, by part.
    plan, brief : optional
        The plan's digest, and the words of the request; ``brief`` defaults to the plan's.
    model_sidecar : mapping, optional
        The JSON beside the weights, with its licence, data and attributions; None where no
        model took part.
    drum_model : mapping, optional
        The same of the learned drummer, where one played.
    engine : str
        What made the sound: ``neural``, ``modelled`` or ``sampled``.
    soundfont : path, optional
        Sound bank; its name is kept, its folder is not.
    timbre_sidecar : mapping, optional
        The JSON beside the weights of the neural instruments, where they played: name, checksum and
        data are kept.
    seed : int, optional
        Defaults to the plan's.
    findings : iterable of Finding
        What review noticed.
    originality : OriginalityReport, optional
        What the score shares with the training pieces; its summary is kept, and null where it
        was not compared.
    timings : mapping of stage to seconds, optional
        Leave it out where bundles must be equal byte for byte.
    versions : mapping, optional
        Defaults to :func:`software_versions`.

    Returns
    -------
    dict
        JSON-ready, in a fixed order of keys.

    Raises
    ------
    ReleaseError
        If SOURCE_DATE_EPOCH is malformed.
    """
    if brief is None and plan is not None:
        brief = plan.brief
    theme_by_person = brief is not None and brief.theme is not None
    mark = mark_score(score, theme_by_person=theme_by_person)
    if seed is None and plan is not None:
        seed = plan.seed
    bank = None
    if soundfont is not None:
        bank = {"name": Path(soundfont).name, "licence": soundfont_licence(soundfont)}
    timbres = None
    if timbre_sidecar is not None:
        timbres = {key: _plain(timbre_sidecar.get(key)) for key in ("name", "sha256", "data")}
    provenance: dict[str, Any] = {
        "schema_version": PROVENANCE_SCHEMA_VERSION,
        "title": score.title or (plan.title if plan is not None else ""),
        "ai_mark": {
            "digital_source_type": mark.uri,
            "code": mark.code,
            "statement": mark.sentence,
        },
        "brief": None if brief is None else brief.text,
        "seed": seed,
        "plan_sha256": None if plan is None else plan.digest,
        "authorship": {
            **_authorship(score.parts),
            "parts": [
                {"name": part.name, "program": part.program, **_authorship((part,))}
                for part in score.parts
            ],
        },
        "model": _plain(model_sidecar) if model_sidecar else None,
        "drum_model": _plain(drum_model) if drum_model else None,
        "instruments": {"engine": engine, "soundfont": bank, "timbres": timbres},
        "findings": [_finding(finding) for finding in findings],
        "originality": None if originality is None else originality.summary(),
        "software": dict(versions) if versions is not None else software_versions(),
    }
    if (date := release_date()) is not None:
        provenance["date"] = date
    if timings:
        provenance["timings_sec"] = {stage: round(sec, 3) for stage, sec in timings.items()}
    return provenance
