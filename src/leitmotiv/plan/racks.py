"""Racks: which effects a part plays through.

Purpose: give parts the effects that their style expects, visibly in the plan, where a person may
change or clear them.

Conventions: a rack is the name of a preset, or the path of a rack file; empty plays dry. The
rules are data (``plan/data/racks.toml``): a style's kind of mix, an instrument, a role.

Public names: :func:`choose_rack`, :func:`with_racks`.
"""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources

from leitmotiv.plan.plan import PlanPart

__all__ = ["choose_rack", "with_racks"]


@dataclass(frozen=True)
class _Rule:
    """Which parts of which mixes play through a rack; None fits everything."""

    rack: str
    mixes: frozenset[str]
    programs: range | None
    roles: frozenset[str] | None

    def fits(self, mix: str, part: PlanPart) -> bool:
        if mix not in self.mixes:
            return False
        if self.programs is not None and (part.is_drum or part.program not in self.programs):
            return False
        return self.roles is None or part.role in self.roles


@lru_cache(maxsize=1)
def _rules() -> tuple[_Rule, ...]:
    entry = resources.files("leitmotiv.plan") / "data" / "racks.toml"
    rows = tomllib.loads(entry.read_text(encoding="utf-8"))["rule"]
    return tuple(
        _Rule(
            row["rack"],
            frozenset(row["mixes"]),
            range(row["programs"][0], row["programs"][1] + 1) if "programs" in row else None,
            frozenset(row["roles"]) if "roles" in row else None,
        )
        for row in rows
    )


def choose_rack(mix: str, part: PlanPart) -> str:
    """Return the rack that a part plays through in a kind of mix, or an empty text.

    Parameters
    ----------
    mix : str
        ``mix_preset`` of a style, such as ``ambient``.
    part : PlanPart

    Examples
    --------
    >>> guitar = PlanPart(
    ...     name="g",
    ...     instrument="Electric Guitar (clean)",
    ...     program=27,
    ...     role="harmony",
    ...     low=40,
    ...     high=86,
    ... )
    >>> choose_rack("ambient", guitar), choose_rack("orchestral", guitar)
    ('ambient-guitar', '')
    """
    return next((rule.rack for rule in _rules() if rule.fits(mix, part)), "")


def with_racks(parts: Sequence[PlanPart], mix: str) -> tuple[PlanPart, ...]:
    """Return the parts, each with the rack of its style's kind of mix."""
    return tuple(part.model_copy(update={"rack": choose_rack(mix, part)}) for part in parts)
