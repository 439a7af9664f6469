"""Note values as times: ``1/4``, ``1/8.`` (dotted), ``1/8t`` (triplet), against a tempo.

Conventions: a note value is a fraction of a whole note, and the tempo counts quarters. A rate in
Hz is one over the time.

Public names: :func:`note_value_to_sec`, :func:`resolve_note_values`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from leitmotiv.errors import AudioError

__all__ = ["note_value_to_sec", "resolve_note_values"]

_NOTE_VALUE = re.compile(r"(\d{1,2})/(\d{1,2})([.t]?)")
_LONGER = {"": 1.0, ".": 1.5, "t": 2.0 / 3.0}


def note_value_to_sec(text: str, tempo_bpm: float) -> float:
    """Return how long a note value lasts in seconds.

    >>> note_value_to_sec("1/8.", 120.0)
    0.375

    Raises
    ------
    AudioError
        If the text is no note value.
    """
    found = _NOTE_VALUE.fullmatch(text.strip())
    if not found or int(found[2]) == 0 or int(found[1]) == 0:
        raise AudioError(
            f"{text!r} is no note value; write a fraction of a whole note such as '1/4', '1/8.' "
            "(dotted) or '1/8t' (triplet)"
        )
    quarters = 4 * int(found[1]) / int(found[2]) * _LONGER[found[3]]
    return quarters * 60.0 / tempo_bpm


def resolve_note_values(settings: Mapping[str, Any], tempo_bpm: float) -> dict[str, Any]:
    """Return settings with note values turned into seconds, milliseconds or Hz by their names.

    >>> resolve_note_values({"delay_sec": "1/4", "rate_hz": "1/1", "kind": "hall"}, 120.0)
    {'delay_sec': 0.5, 'rate_hz': 0.5, 'kind': 'hall'}

    Raises
    ------
    AudioError
        If a setting that is a time is a text, but no note value.
    """
    resolved: dict[str, Any] = {}
    for name, value in settings.items():
        if isinstance(value, str) and name.endswith("_sec"):
            value = note_value_to_sec(value, tempo_bpm)
        elif isinstance(value, str) and name.endswith("_ms"):
            value = 1e3 * note_value_to_sec(value, tempo_bpm)
        elif isinstance(value, str) and name.endswith("_hz"):
            value = 1.0 / note_value_to_sec(value, tempo_bpm)
        resolved[name] = value
    return resolved
