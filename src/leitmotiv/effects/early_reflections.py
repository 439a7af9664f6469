"""Early reflections: the mirror images of a source in a shoebox room.

Purpose: when, how loud and from where the first reflections arrive; for the algorithmic reverbs
and for impulse responses.

Conventions: metres, seconds, linear gains. The room's corner is the origin; x runs from the
stage to the audience, y from left to right, z upwards. The listener looks at the stage.

Public names: :class:`Reflections`, :func:`mirror_images`.

References: Allen and Berkley, *Image method for efficiently simulating small-room acoustics*
(JASA 65, 1979).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["SPEED_OF_SOUND", "Reflections", "mirror_images"]

SPEED_OF_SOUND = 343.0  # m/s in air of 20 degrees


@dataclass(frozen=True)
class Reflections:
    """Reflections in order of arrival, arrays of one length.

    ``delay_sec`` counts from the arrival of the direct sound, whose gain is 1; ``side`` runs from
    -1 (left) to 1 (right); ``order`` is the number of walls touched.
    """

    delay_sec: NDArray[np.float64]
    gain: NDArray[np.float64]
    side: NDArray[np.float64]
    order: NDArray[np.int64]


def mirror_images(
    room_m: tuple[float, float, float],
    source_m: tuple[float, float, float],
    listener_m: tuple[float, float, float],
    *,
    reflection: float = 0.8,
    max_order: int = 3,
) -> Reflections:
    """Return the reflections of a shoebox room, the direct sound left out.

    Parameters
    ----------
    room_m : length, width, height
    source_m, listener_m : positions within the room
    reflection : float
        Amplitude kept at a wall, 0-1.
    max_order : int
        Walls touched at most.

    Examples
    --------
    >>> echo = mirror_images((10, 8, 4), (2, 4, 1.5), (6, 4, 1.5), max_order=1)
    >>> round(float(echo.delay_sec[0]) * 343, 3)  # by the floor: 5 m instead of 4
    1.0
    """
    room = np.asarray(room_m)
    source, listener = np.asarray(source_m), np.asarray(listener_m)
    steps = np.arange(-max_order, max_order + 1)
    cells = np.stack(np.meshgrid(steps, steps, steps, indexing="ij"), axis=-1).reshape(-1, 3)
    orders = np.abs(cells).sum(axis=1)
    chosen = (orders >= 1) & (orders <= max_order)
    cells, orders = cells[chosen], orders[chosen]
    # Image n of a pair of walls: n rooms away, mirrored when n is odd.
    images = cells * room + np.where(cells % 2 == 0, source, room - source)
    offset = images - listener
    distance = np.sqrt(np.square(offset).sum(axis=1))
    direct = float(np.sqrt(np.square(source - listener).sum()))
    delay = (distance - direct) / SPEED_OF_SOUND
    rank = np.argsort(delay, kind="stable")
    return Reflections(
        delay[rank],
        (reflection**orders * direct / distance)[rank],
        (offset[:, 1] / distance)[rank],
        orders[rank],
    )
