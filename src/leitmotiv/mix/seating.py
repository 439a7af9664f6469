"""Seating: where each part stands in the stereo picture.

Conventions: ``pan`` runs from -1 (left) over 0 to 1 (right) as the audience sees it; ``depth``
from 0 (front) to 1 (back of the stage) lowers the direct sound's top and raises the room.

Public names: :class:`Seat`, :func:`seat_parts`, :func:`place`.

Reference: the American orchestral plan (first violins, seconds, violas and cellos from left to
right, winds in the middle, brass and percussion behind).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

__all__ = ["Seat", "place", "seat_parts"]


@dataclass(frozen=True)
class Seat:
    """Place of a part; ``spread`` 0-1 is how much of a stereo stem's own width is kept."""

    pan: float = 0.0
    depth: float = 0.2
    spread: float = 1.0


# General MIDI program ranges, first to last, and their place on an orchestra's stage.
_STAGE: tuple[tuple[int, int, Seat], ...] = (
    (0, 7, Seat(-0.08, 0.2)),  # pianos
    (8, 15, Seat(-0.3, 0.6, 0.7)),  # bells and mallets
    (16, 20, Seat(0.0, 0.8)),  # organs
    (21, 23, Seat(0.15, 0.3, 0.7)),  # accordion, harmonica
    (24, 31, Seat(0.25, 0.2, 0.7)),  # guitars
    (32, 39, Seat(0.1, 0.3, 0.3)),  # basses
    (40, 40, Seat(-0.55, 0.15, 0.5)),  # violin
    (41, 41, Seat(0.3, 0.2, 0.5)),  # viola
    (42, 42, Seat(0.5, 0.15, 0.5)),  # cello
    (43, 43, Seat(0.42, 0.3, 0.4)),  # contrabass: seated outside, but low notes tire one side
    (44, 45, Seat(-0.2, 0.25)),  # tremolo and pizzicato strings
    (46, 46, Seat(-0.6, 0.45, 0.6)),  # harp
    (47, 47, Seat(0.2, 0.85, 0.5)),  # timpani
    (48, 51, Seat(0.0, 0.3)),  # string ensembles
    (52, 54, Seat(0.0, 0.7)),  # choirs
    (55, 55, Seat(0.0, 0.4)),
    (56, 56, Seat(0.25, 0.7, 0.4)),  # trumpet
    (57, 57, Seat(0.42, 0.75, 0.4)),  # trombone
    (58, 58, Seat(0.38, 0.75, 0.3)),  # tuba
    (59, 59, Seat(0.25, 0.6, 0.4)),  # muted trumpet
    (60, 60, Seat(-0.38, 0.7, 0.4)),  # horn
    (61, 63, Seat(0.2, 0.6)),  # brass sections
    (64, 67, Seat(0.2, 0.4, 0.4)),  # saxophones
    (68, 68, Seat(0.12, 0.45, 0.4)),  # oboe
    (69, 69, Seat(0.2, 0.45, 0.4)),  # english horn
    (70, 70, Seat(0.25, 0.5, 0.4)),  # bassoon
    (71, 71, Seat(-0.2, 0.5, 0.4)),  # clarinet
    (72, 79, Seat(-0.15, 0.45, 0.4)),  # flutes
    (80, 103, Seat(0.0, 0.3)),  # synths
    (104, 111, Seat(-0.25, 0.3, 0.6)),  # folk instruments
    (112, 127, Seat(0.15, 0.7, 0.6)),  # percussion, effects
)

_ROLE_SEATS = {
    "melody": Seat(0.0, 0.1, 0.8),
    "bass": Seat(0.0, 0.1, 0.2),
    "drums": Seat(0.0, 0.2, 1.0),
    "pad": Seat(0.0, 0.5, 1.0),
}


def _stage_seat(program: int | None, role: str) -> Seat:
    if program is None:
        return _ROLE_SEATS.get(role, Seat(0.25, 0.3))
    return next(seat for first, last, seat in _STAGE if first <= program <= last)


def _seat_stage(programs: Sequence[int | None], roles: Sequence[str]) -> list[Seat]:
    seats = [
        Seat(0.05, 0.8, 0.8) if role == "drums" else _stage_seat(program, role)
        for program, role in zip(programs, roles, strict=True)
    ]
    if len(seats) == 1:
        return [replace(seats[0], pan=0.0)]
    # Desks that share a place: violins spread inwards, the others around their place.
    for pan in {seat.pan for seat in seats}:
        desks = [index for index, seat in enumerate(seats) if seat.pan == pan]
        for number, index in enumerate(desks[1:], start=1):
            if abs(pan) >= 0.4:
                moved = pan * (1 - 0.5 * number / max(len(desks) - 1, 1))
            else:
                moved = pan + 0.22 * ((number + 1) // 2) * (1 if number % 2 else -1)
            seats[index] = replace(seats[index], pan=float(np.clip(moved, -0.9, 0.9)))
    return seats


def _seat_band(roles: Sequence[str]) -> list[Seat]:
    seats: list[Seat] = []
    sides = [0.45, -0.45, 0.7, -0.7, 0.25, -0.25]
    pads = [0.0, 0.3, -0.3]
    taken = pads_taken = leads = 0
    for role in roles:
        if role == "melody" and leads == 0:
            seats.append(_ROLE_SEATS["melody"])
            leads += 1
        elif role in ("bass", "drums"):
            seats.append(_ROLE_SEATS[role])
        elif role == "pad":
            seats.append(replace(_ROLE_SEATS["pad"], pan=pads[pads_taken % len(pads)]))
            pads_taken += 1
        else:
            seats.append(Seat(sides[taken % len(sides)], 0.2, 0.7))
            taken += 1
    return seats


def _seat_choir(num_parts: int) -> list[Seat]:
    if num_parts == 1:
        return [Seat(0.0, 0.4, 0.8)]
    return [Seat(float(pan), 0.4, 0.6) for pan in np.linspace(-0.6, 0.6, num_parts)]


def seat_parts(
    roles: Sequence[str],
    programs: Sequence[int | None] | None = None,
    *,
    seating: str = "stage",
    width: float = 1.0,
) -> tuple[Seat, ...]:
    """Return one seat a part.

    Examples
    --------
    A string quartet sits from left to right:

    >>> seats = seat_parts(("melody", "counter", "harmony", "bass"), (40, 40, 41, 42))
    >>> [round(seat.pan, 2) for seat in seats]
    [-0.55, -0.28, 0.3, 0.5]
    """
    programs = [None] * len(roles) if programs is None else programs
    if seating == "choir":
        seats = _seat_choir(len(roles))
    elif seating == "band":
        seats = _seat_band(roles)
    else:
        seats = _seat_stage(programs, roles)
    return tuple(replace(seat, pan=float(np.clip(seat.pan * width, -0.95, 0.95))) for seat in seats)


def place(audio: NDArray[np.float32], seat: Seat) -> NDArray[np.float32]:
    """Pan a stereo stem to its seat, with equal power for its middle.

    The stem's own stereo width is kept as far as the seat's ``spread`` and the distance to the
    side allow.
    """
    angle = (seat.pan + 1) * math.pi / 4
    left, right = math.sqrt(2) * math.cos(angle), math.sqrt(2) * math.sin(angle)
    middle = 0.5 * (audio[0] + audio[1])
    side = 0.5 * (audio[0] - audio[1]) * np.float32(seat.spread * (1 - abs(seat.pan)))
    placed = np.empty_like(audio)
    np.multiply(middle, np.float32(left), out=placed[0])
    np.multiply(middle, np.float32(right), out=placed[1])
    placed[0] += side
    placed[1] -= side
    return placed
