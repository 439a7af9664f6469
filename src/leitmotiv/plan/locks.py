"""Locks: bars and parts of a piece that stay note for note when the rest is composed again.

Purpose: a person keeps what is good and asks for the rest anew: with another seed, other chords,
another energy.

Conventions: a lock holds the notes of one part in a run of bars; a locked bar is a lock of every
part there. Notes are rows of onset (ticks from the first locked bar), duration (ticks), pitch,
velocity and origin (0 human, 1 model, 2 style, 3 theme). What the composer returns has exactly
these notes there. A plan that contradicts its locks is refused.

Public names: :class:`PlanLock`, :func:`with_locks`, :func:`check_locks`, :func:`locked_cells`,
:func:`lock_under`, :func:`as_edited`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import TYPE_CHECKING, Annotated, ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from leitmotiv.errors import LeitmotivError, PlanError
from leitmotiv.plan.brief import MAX_BARS
from leitmotiv.plan.validation import Noun
from leitmotiv.score import Origin, Score

if TYPE_CHECKING:
    from leitmotiv.plan.plan import Plan, PlanChord, PlanPart

__all__ = ["PlanLock", "as_edited", "check_locks", "lock_under", "locked_cells", "with_locks"]

_MAX_TICKS = 2**31 - 1
Row = tuple[
    Annotated[int, Field(ge=0, le=_MAX_TICKS)],
    Annotated[int, Field(ge=1, le=_MAX_TICKS)],
    Annotated[int, Field(ge=0, le=127)],
    Annotated[int, Field(ge=1, le=127)],
    Annotated[int, Field(ge=0, le=max(Origin))],
]


class PlanLock(Noun):
    """The notes of one part in a run of bars, which stay as they are."""

    fault: ClassVar[type[LeitmotivError]] = PlanError
    noun: ClassVar[str] = "lock"

    part: str = Field(min_length=1, max_length=100, description="Name of the part.")
    start_bar_index: int = Field(ge=0, lt=MAX_BARS, description="First locked bar, from 0.")
    num_bars: int = Field(ge=1, le=MAX_BARS, description="Locked bars.")
    meter: str = Field(description="Meter in which the notes are written.")
    chords: tuple[str, ...] = Field(description="Chords under the notes, two a bar.")
    notes: tuple[Row, ...] = Field(
        description="Rows of onset (ticks from the first locked bar), duration (ticks), pitch, "
        "velocity, origin (0 human, 1 model, 2 style, 3 theme)."
    )

    @property
    def bars(self) -> range:
        """The locked bars."""
        return range(self.start_bar_index, self.start_bar_index + self.num_bars)

    @property
    def place(self) -> str:
        """Where it stands, for people: bars count from 1."""
        first, last = self.start_bar_index + 1, self.start_bar_index + self.num_bars
        return (
            f"bar {first} of {self.part}"
            if first == last
            else (f"bars {first}-{last} of {self.part}")
        )


def locked_cells(plan: Plan) -> NDArray[np.bool_]:
    """Return which cells are locked, shape (num_bars, num_parts)."""
    cells = np.zeros((plan.num_bars, plan.num_parts), dtype=bool)
    index = {part.name: number for number, part in enumerate(plan.parts)}
    for lock in plan.locks:
        cells[lock.start_bar_index : lock.bars.stop, index[lock.part]] = True
    return cells


def lock_under(lock: PlanLock, chords: Sequence[PlanChord]) -> PlanLock:
    """Return a lock as if its notes had been written over other chords of the piece."""
    here = chords[2 * lock.start_bar_index : 2 * lock.bars.stop]
    return lock.replace(chords=tuple(chord.symbol for chord in here))


def check_locks(plan: Plan) -> None:
    """Refuse a plan that contradicts its locks.

    Raises
    ------
    ValueError
        One line that names the lock, what contradicts it and what to do.
    """
    if not plan.locks:
        return
    names = [part.name for part in plan.parts]
    for number, lock in enumerate(plan.locks):
        if lock.bars.stop > plan.num_bars:
            raise ValueError(
                f"locks[{number}] holds {lock.place} but the plan has {plan.num_bars} bars; "
                "shorten the lock or restore the bars"
            )
        if names.count(lock.part) != 1:
            found = "no part" if lock.part not in names else f"{names.count(lock.part)} parts"
            raise ValueError(
                f"locks[{number}] holds {lock.place} but {found} of the plan has that name: "
                f"{', '.join(names)}; remove the lock or restore the part"
            )
        if lock.meter != plan.meter:
            raise ValueError(
                f"locks[{number}] holds {lock.place} in {lock.meter} but meter={plan.meter!r}; "
                "remove the lock or restore the meter"
            )
        _check_notes(plan, number, lock, plan.parts[names.index(lock.part)])
    _check_overlaps(plan.locks)
    _check_chords(plan)


def _check_notes(plan: Plan, number: int, lock: PlanLock, part: PlanPart) -> None:
    for onset, _, pitch, _, _ in lock.notes:
        bar = lock.start_bar_index + onset // plan.bar_ticks
        if bar >= lock.bars.stop:
            raise ValueError(
                f"locks[{number}] holds {lock.place} but a note of it begins in bar {bar + 1}; "
                "remove that note or lengthen the lock"
            )
        if not part.is_drum and not part.low <= pitch <= part.high:
            raise ValueError(
                f"locks[{number}] holds pitch {pitch} in bar {bar + 1} of {lock.part}, whose range "
                f"is {part.low} to {part.high}; widen the range or remove the lock"
            )
        section = plan.section_at(bar)
        if plan.parts.index(part) in section.parts_silent:
            raise ValueError(
                f"locks[{number}] holds notes in bar {bar + 1} of {lock.part}, which is silent in "
                f"section {section.label}; remove it from parts_silent or remove the lock"
            )
    if len(lock.chords) != 2 * lock.num_bars:
        raise ValueError(
            f"locks[{number}].chords holds {len(lock.chords)} entries but {lock.num_bars} bars "
            f"need {2 * lock.num_bars}; give one chord for each half bar"
        )


def _check_overlaps(locks: Sequence[PlanLock]) -> None:
    held: dict[tuple[str, int], int] = {}
    for number, lock in enumerate(locks):
        for bar in lock.bars:
            other = held.setdefault((lock.part, bar), number)
            if other != number:
                raise ValueError(
                    f"locks[{other}] and locks[{number}] both hold bar {bar + 1} of {lock.part}; "
                    "remove one of the two"
                )


def _check_chords(plan: Plan) -> None:
    """A bar that is locked in all parts that play chords keeps its chords."""
    pitched = {part.name for part in plan.parts if not part.is_drum}
    held: dict[int, set[str]] = {}
    for lock in plan.locks:
        for bar in lock.bars:
            held.setdefault(bar, set()).add(lock.part)
    for lock in plan.locks:
        for bar in lock.bars:
            if not pitched <= held[bar]:
                continue  # the parts that are free follow the new chord
            first = 2 * (bar - lock.start_bar_index)
            written = lock.chords[first : first + 2]
            now = tuple(chord.symbol for chord in plan.chords[2 * bar : 2 * bar + 2])
            if written != now:
                raise ValueError(
                    f"bar {bar + 1} is locked over {' '.join(dict.fromkeys(written))} but its "
                    f"chords now are {' '.join(dict.fromkeys(now))}; restore the chords or unlock "
                    "a part of the bar"
                )


def with_locks(
    plan: Plan,
    score: Score,
    *,
    bars: Iterable[int] | None = None,
    parts: Collection[str] | None = None,
) -> Plan:
    """Return the plan with the score's notes locked in some bars and parts.

    Parameters
    ----------
    plan : Plan
        Locks that it has already stay; where they meet the new ones, the score's notes count.
    score : Score
        What was composed from the plan, or its edition by a person.
    bars : iterable of int, optional
        Bar indices; all bars by default.
    parts : collection of str, optional
        Names of parts; all by default.

    Raises
    ------
    PlanError
        If a bar or a part is none of the plan's, the score is not of this plan, or the locks
        contradict the plan.
    """
    names = [part.name for part in plan.parts]
    chosen = list(range(plan.num_bars)) if bars is None else sorted(set(bars))
    if not chosen or chosen[0] < 0 or chosen[-1] >= plan.num_bars:
        shown = "none" if not chosen else f"{chosen[0] + 1} to {chosen[-1] + 1}"
        raise PlanError(
            f"bars to lock, {shown}, must lie in bars 1 to {plan.num_bars} of the plan; "
            "name bars that it has"
        )
    for name in parts or ():
        if name not in names:
            raise PlanError(
                f"part to lock {name!r} must be one of {', '.join(names)}; name a part of the plan"
            )
    if [part.name for part in score.parts] != names or score.bar_ticks[-1] < (
        plan.num_bars * plan.bar_ticks
    ):
        raise PlanError(
            f"the score has {len(score.parts)} parts in {score.num_bars} bars but the plan asks "
            f"for {', '.join(names)} in {plan.num_bars} bars; lock a score of this plan"
        )
    cells = locked_cells(plan)
    wanted = [names.index(name) for name in names if parts is None or name in parts]
    cells[np.ix_(chosen, wanted)] = True
    found = []
    for index in range(plan.num_parts):
        for first, stop in _runs(np.flatnonzero(cells[:, index]).tolist()):
            found.append(_lock(plan, score, index, first, stop))
    return plan.replace(locks=tuple(found))


def _runs(bars: Sequence[int]) -> list[tuple[int, int]]:
    runs: list[tuple[int, int]] = []
    for bar in bars:
        if runs and runs[-1][1] == bar:
            runs[-1] = (runs[-1][0], bar + 1)
        else:
            runs.append((bar, bar + 1))
    return runs


def _lock(plan: Plan, score: Score, index: int, first: int, stop: int) -> PlanLock:
    notes = score.parts[index].notes
    start, end = first * plan.bar_ticks, stop * plan.bar_ticks
    inside = notes[(notes["onset"] >= start) & (notes["onset"] < end)]
    return PlanLock(
        part=plan.parts[index].name,
        start_bar_index=first,
        num_bars=stop - first,
        meter=plan.meter,
        chords=tuple(chord.symbol for chord in plan.chords[2 * first : 2 * stop]),
        notes=tuple(
            (
                int(note["onset"]) - start,
                int(note["duration"]),
                int(note["pitch"]),
                int(note["velocity"]),
                int(note["origin"]),
            )
            for note in inside
        ),
    )


def as_edited(composed: Score, edited: Score) -> Score:
    """Return a score as a person edited it, its untouched notes marked by who wrote them.

    A file does not say who wrote which note. Notes that stand in ``composed`` with the same
    onset, duration and pitch keep its origin and velocity; all others are the person's.

    Raises
    ------
    PlanError
        If the two have different numbers of parts.
    """
    if len(edited.parts) != len(composed.parts):
        raise PlanError(
            f"the edited score has {len(edited.parts)} parts but the plan has "
            f"{len(composed.parts)}; give a score of the same parts"
        )
    parts = []
    for before, after in zip(composed.parts, edited.parts, strict=True):
        known = {(int(n["onset"]), int(n["duration"]), int(n["pitch"])): n for n in before.notes}
        notes = after.notes.copy()
        notes["origin"] = Origin.HUMAN
        for note in notes:
            same = known.get((int(note["onset"]), int(note["duration"]), int(note["pitch"])))
            if same is not None:
                note["velocity"], note["origin"] = same["velocity"], same["origin"]
        parts.append(before.with_notes(notes))
    return composed.with_parts(parts)
