"""Checks on closes: where a piece without a plan comes to rest, and whether it ever does.

Purpose: a missing last cadence, and long stretches in which the harmony never arrives.

Conventions: keys and chords are those of :class:`~leitmotiv.review.reading.Reading`. With a plan
:func:`~leitmotiv.review.harmony_checks.check_cadences` knows better and these are silent. A loop
does not end, and styles that live on loops do not close.

Public names: the checks.

References
----------
W. E. Caplin, "The Classical Cadence", Journal of the American Musicological Society 57(1), 2004
(what counts as an arrival; taken here in its widest sense: dominant, leading-tone chord or
subdominant to tonic).
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import numpy as np

from leitmotiv.review.finding import Finding, Severity
from leitmotiv.review.reading import Reading
from leitmotiv.theory import TICKS_PER_QUARTER, pitch_name

__all__ = ["check_arrivals", "check_final_close"]

_MIN_BARS = 8
_ARRIVAL_BARS, _ARRIVAL_SEC = 32, 60.0
_LEADS_HOME = (7, 11, 5)  # roots above the tonic


def check_final_close(reading: Reading) -> Iterator[Finding]:
    """Yield a last sonority that is not at home: away from the key of the piece and of its end."""
    score, home = reading.score, reading.home_key
    if reading.plan is not None or reading.loop is not None or not reading.is_whole:
        return
    if home is None or score.num_bars < _MIN_BARS or reading.is_colourful:
        return
    end = max(int(part.end.max()) for part in reading.pitched)
    sounding: list[int] = []
    for part in reading.pitched:
        sounding += part.pitch[part.end >= end - TICKS_PER_QUARTER // 2].tolist()
    last_key = reading.keys[-1] or home
    tonics = {home.tonic_pitch_class, last_key.tonic_pitch_class}
    bass = min(sounding)
    if bass % 12 in tonics:
        return
    bar = int(score.bar_index_at(end - 1))
    held = bool(tonics & {pitch % 12 for pitch in sounding})
    severity: Severity = "note" if held else "warning"
    name = pitch_name(bass, last_key)
    words = f"the piece ends over {name}, not over the tonic of {last_key}"
    yield Finding("cadence", severity, f"{words} in bar {bar + 1}", None, bar, None, bass)


def check_arrivals(reading: Reading) -> Iterator[Finding]:
    """Yield stretches of 32 bars and a minute in which no dominant or subdominant comes home."""
    score = reading.score
    if reading.plan is not None or reading.is_colourful or reading.loop is not None:
        return
    arrivals = [reading.start_bar]
    for half in range(2 * reading.start_bar + 1, 2 * reading.stop_bar):
        before, chord, key = reading.chords[half - 1], reading.chords[half], reading.keys[half // 2]
        if before is None or chord is None or key is None or before.is_none or chord.is_none:
            continue
        tonic = key.tonic_pitch_class
        leads = (before.root_pitch_class - tonic) % 12 in _LEADS_HOME
        if leads and chord.root_pitch_class == tonic:
            arrivals.append(half // 2)
    arrivals.append(reading.stop_bar)
    seconds = np.asarray(score.tempo_map.tick_to_sec(score.bar_ticks))
    for start, stop in pairwise(arrivals):
        if stop - start > _ARRIVAL_BARS and seconds[stop] - seconds[start] > _ARRIVAL_SEC:
            message = f"no cadence between bars {start + 1} and {stop}"
            yield Finding("cadence", "note", message, None, start)
