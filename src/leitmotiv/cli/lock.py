"""``leitmotiv lock``: keep bars and parts of a piece when the rest is composed again.

Public names: :func:`lock_command`, :func:`register_lock`.
"""

from __future__ import annotations

from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from leitmotiv.plan import Plan
    from leitmotiv.score import Score

__all__ = ["lock_command", "register_lock"]


def lock_command(
    piece: Path,
    *,
    bars: str | None,
    parts: str | None,
    edited: Path | None,
    model: Path | None,
    output: Path,
    overwrite: bool,
    as_json: bool,
) -> None:
    """Write the plan of a piece with some of its notes locked."""
    import json

    from leitmotiv.cli.folders import check_file
    from leitmotiv.compose.operations import find_parts, parse_bars
    from leitmotiv.errors import PlanError
    from leitmotiv.plan import Plan
    from leitmotiv.plan.locks import as_edited, with_locks
    from leitmotiv.score import read_score

    if bars is None and parts is None:
        raise PlanError(
            "nothing to lock is named; add --bars 5-8, --parts 'violin,cello', or both for those "
            "bars of those parts"
        )
    check_file(output, overwrite=overwrite)
    plan = Plan.from_json(piece / "plan.json" if piece.is_dir() else piece)
    score = _composed(plan, model)
    if edited is not None:
        score = as_edited(score, read_score(edited))
    chosen = None if bars is None else parse_bars(bars, plan.num_bars)
    names = None
    if parts is not None:
        names = [plan.parts[index].name for index in find_parts(score, parts.split(","))]
    locked = with_locks(plan, score, bars=chosen, parts=names)
    locked.to_json(output)
    if as_json:
        places = [lock.place for lock in locked.locks]
        print(json.dumps({"plan": str(output), "locked": places}, ensure_ascii=False, indent=1))
        return
    for lock in locked.locks:
        print(f"  locked   {lock.place}, {len(lock.notes)} notes")
    again = f"leitmotiv compose {quote(str(output))} --seed {plan.seed + 1}"
    print(f"Written to {output}; edit it, or compose the rest anew: {again}")


def _composed(plan: Plan, model: Path | None) -> Score:
    """The written score of a plan, as ``leitmotiv compose`` makes it."""
    from leitmotiv.compose import compose, write_dynamics
    from leitmotiv.compose.locked import keep_locked
    from leitmotiv.models import open_model
    from leitmotiv.pipeline import compose_generator

    score = compose(plan, model=open_model(model), rng=compose_generator(plan.seed))
    return keep_locked(write_dynamics(score, plan), plan)


def register_lock(app: typer.Typer) -> None:
    """Add the command ``lock``."""

    @app.command()
    def lock(
        piece: Annotated[
            Path, typer.Argument(metavar="PIECE|PLAN.json", help="A composed folder, or its plan.")
        ],
        output: Annotated[
            Path, typer.Option("-o", "--output", metavar="FILE", help="The plan to write.")
        ] = Path("locked.json"),
        bars: Annotated[
            str | None, typer.Option(metavar="A-B", help="Such as 5-8,13; else every bar.")
        ] = None,
        parts: Annotated[
            str | None, typer.Option(metavar="NAMES", help="Such as 'violin,cello'; else all.")
        ] = None,
        score: Annotated[
            Path | None,
            typer.Option(metavar="FILE", help="Lock these notes: the score as you edited it."),
        ] = None,
        model: Annotated[
            Path | None,
            typer.Option(metavar="FOLDER", help="The weights it was composed with, if your own."),
        ] = None,
        overwrite: Annotated[
            bool, typer.Option("--overwrite", help="Replace the plan file if it exists.")
        ] = False,
        json: Annotated[
            bool, typer.Option("--json", help="Print JSON on stdout, nothing else.")
        ] = False,
    ) -> None:
        """Keep bars and parts of a piece note for note when the rest is composed again.

        \b
        leitmotiv lock waltz --bars 1-8 -o locked.json
        leitmotiv compose locked.json --seed 9 -o waltz-2
        leitmotiv lock waltz --parts violin --bars 9-16 --score waltz/score.edited.musicxml
        """
        lock_command(
            piece,
            bars=bars,
            parts=parts,
            edited=score,
            model=model,
            output=output,
            overwrite=overwrite,
            as_json=json,
        )
