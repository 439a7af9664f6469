"""Tempo and length: bars and beats a minute that meet a length in seconds.

Purpose: choose bars and tempo from words, mood and genre, and hit a requested duration within
one per cent: first by the number of bars, then by the tempo.

Conventions: ``bpm`` counts felt beats. A ritardando is a slower tempo in each of the last bars.
A tempo that was given is never changed; a length given with it is met by whole bars and by the
ritardando.

Public names: :class:`LengthAndTempo`, :func:`fit_length`, :func:`choose_bpm`.
"""

from __future__ import annotations

from dataclasses import dataclass

from leitmotiv.errors import BriefError
from leitmotiv.plan.brief import MAX_BARS, MAX_BPM, MIN_BPM, Brief
from leitmotiv.plan.plan import PlanTempo
from leitmotiv.plan.vocabulary import Genre, vocabulary
from leitmotiv.theory import Meter

__all__ = ["LengthAndTempo", "choose_bpm", "fit_length"]

TOLERANCE = 0.01
_RITARDANDO = (0.93, 0.82)  # tempo of the last two bars, as a share of the main tempo
_MAX_STRETCH_BARS = 4


@dataclass(frozen=True)
class LengthAndTempo:
    """Bars, main tempo and the shares of it in the last bars."""

    num_bars: int
    bpm: float
    ending: tuple[float, ...] = ()

    def tempos(self) -> tuple[PlanTempo, ...]:
        """Return the tempo map of the plan."""
        tempos = [PlanTempo(bar_index=0, bpm=self.bpm)]
        for offset, share in enumerate(self.ending):
            bar = self.num_bars - len(self.ending) + offset
            bpm = round(min(max(self.bpm * share, MIN_BPM), MAX_BPM), 3)
            tempos.append(PlanTempo(bar_index=bar, bpm=bpm))
        return tuple(tempos)


def choose_bpm(brief: Brief, genre: Genre, arousal: float, draw: float) -> float:
    """Choose a tempo from the brief's tempo word, or from genre and arousal.

    ``draw`` in [0, 1) is the random share.
    """
    words = vocabulary()
    low, high = genre.bpm
    place = min(max(0.5 + 0.4 * arousal + 0.2 * (draw - 0.5), 0.0), 1.0)
    if brief.tempo in words.tempos:
        low, high = words.tempos[brief.tempo]
        place = 0.25 + 0.5 * draw
    bpm = low + place * (high - low)
    if brief.tempo in words.tempo_scale:
        bpm *= words.tempo_scale[brief.tempo]
    return float(round(min(max(bpm, MIN_BPM), MAX_BPM)))


def _bar_sec(meter: Meter, bpm: float) -> float:
    return meter.bar_ticks / meter.beat_ticks * 60.0 / bpm


def _ending(num_bars: int, wanted: bool, bpm: float) -> tuple[float, ...]:
    if not wanted or num_bars < 4 or bpm * _RITARDANDO[-1] < MIN_BPM:
        return ()
    return _RITARDANDO if num_bars >= 8 else _RITARDANDO[1:]


def _weight(num_bars: int, ending: tuple[float, ...]) -> float:
    """Return the length in bars of the main tempo, the ritardando included."""
    return num_bars - len(ending) + sum(1 / share for share in ending)


def fit_length(
    brief: Brief, meter: Meter, bpm: float, default_bars: int, *, ritardando: bool
) -> LengthAndTempo:
    """Choose bars and tempo.

    Raises
    ------
    BriefError
        If bars, tempo and seconds contradict each other or leave the legal range.
    """
    seconds = brief.duration_sec
    if seconds is None:
        num_bars = brief.num_bars or default_bars
        return LengthAndTempo(num_bars, bpm, _ending(num_bars, ritardando, bpm))
    if brief.num_bars is not None:
        return _fit_tempo(brief, meter, brief.num_bars, seconds, ritardando)
    if brief.bpm is not None:
        return _fit_bars(brief, meter, seconds, ritardando)
    num_bars = _round_bars(seconds / _bar_sec(meter, bpm))
    if brief.chords is not None:  # every chord that was given has its place
        num_bars = max(num_bars, -(-len(brief.chords) // (brief.chords_per_bar or 1)))
    if num_bars > MAX_BARS:
        num_bars = MAX_BARS
    return _fit_tempo(brief, meter, num_bars, seconds, ritardando)


def _round_bars(exact: float) -> int:
    """Round to whole phrases where that moves the tempo by little."""
    for unit, slack in ((8, 0.05), (4, 0.08), (2, 0.06)):
        rounded = unit * max(round(exact / unit), 1)
        if abs(rounded / exact - 1) <= slack:
            return rounded
    return max(round(exact), 1)


def _fit_tempo(
    brief: Brief, meter: Meter, num_bars: int, seconds: float, ritardando: bool
) -> LengthAndTempo:
    beats = meter.bar_ticks / meter.beat_ticks
    ending = _ending(num_bars, ritardando, MAX_BPM)
    bpm = _weight(num_bars, ending) * beats * 60.0 / seconds
    if ending and bpm * ending[-1] < MIN_BPM:
        ending = ()
        bpm = num_bars * beats * 60.0 / seconds
    if brief.bpm is not None:
        plain = num_bars * beats * 60.0 / brief.bpm
        for shares in (_ending(num_bars, ritardando, brief.bpm), ()):
            total = _weight(num_bars, shares) * beats * 60.0 / brief.bpm
            if abs(total / seconds - 1) <= TOLERANCE:
                return LengthAndTempo(num_bars, brief.bpm, shares)
        raise BriefError(
            f"duration_sec={seconds:g} contradicts num_bars={num_bars} at bpm={brief.bpm:g} in "
            f"{meter}, which last {plain:.1f} s; leave one of the three out"
        )
    if not MIN_BPM <= bpm <= MAX_BPM:
        low, high = (num_bars * beats * 60.0 / limit for limit in (MAX_BPM, MIN_BPM))
        raise BriefError(
            f"duration_sec={seconds:g} with num_bars={num_bars} in {meter} needs {bpm:.0f} BPM, "
            f"but the tempo must be {MIN_BPM:g} to {MAX_BPM:g} BPM; ask for {low:.1f} to "
            f"{high:.1f} s or change the number of bars"
        )
    return LengthAndTempo(num_bars, round(bpm, 3), ending)


def _fit_bars(brief: Brief, meter: Meter, seconds: float, ritardando: bool) -> LengthAndTempo:
    """Meet seconds at a given tempo with whole bars and a stretched ending."""
    assert brief.bpm is not None
    bar_sec = _bar_sec(meter, brief.bpm)
    exact = seconds / bar_sec
    if exact > MAX_BARS:
        raise BriefError(
            f"duration_sec={seconds:g} at bpm={brief.bpm:g} in {meter} needs {exact:.0f} bars, "
            f"more than {MAX_BARS}; ask for a shorter piece or a slower tempo"
        )
    nearest = max(round(exact), 1)
    if abs(nearest / exact - 1) <= TOLERANCE / 2:
        return LengthAndTempo(nearest, brief.bpm)
    num_bars = int(exact)
    slack = exact - num_bars  # in bars
    count = min(_MAX_STRETCH_BARS, num_bars - 1)
    if count >= 1:
        # Each of the last bars is stretched more than the one before it.
        steps = [step + 1 for step in range(count)]
        shares = tuple(1 / (1 + slack * step / sum(steps)) for step in steps)
        if brief.bpm * min(shares) >= MIN_BPM and min(shares) >= 0.45:
            return LengthAndTempo(num_bars, brief.bpm, shares)
    raise BriefError(
        f"duration_sec={seconds:g} at bpm={brief.bpm:g} in {meter} is {exact:.2f} bars, which "
        f"whole bars cannot meet within 1 %; ask for {max(num_bars, 1) * bar_sec:.2f} s or "
        "leave the tempo out"
    )
