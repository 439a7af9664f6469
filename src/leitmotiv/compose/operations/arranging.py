"""Arrange: the same notes for other players.

The melody goes to the leading part, the lowest line to the bass, and what is between them to the
inner parts by register and nearness. Broken chords of a keyboard become held voices where the inner
players have one line each. Players who are left over rest where the music is calm; where it is full
they double the melody or the bass, or hold the harmony, each according to register. Where the score
is a bare tune, or a tune over a bass, the missing voices are led by rule.

Conventions: notes that only change hands keep their time, length and origin, moved by octaves into
the player's range; held voices and doublings are of origin STYLE. No model takes part.

Public names: :func:`arrange`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from leitmotiv.compose.operations.adding import palette_for
from leitmotiv.compose.operations.melody_harmony import chords_for_melody, melody_keys
from leitmotiv.compose.operations.part_song import part_song
from leitmotiv.compose.operations.reading import Reading, read_plan
from leitmotiv.compose.part_writing import is_single_line, write_skeleton
from leitmotiv.errors import ComposeError
from leitmotiv.plan import Plan, PlanPart
from leitmotiv.score import NOTE_DTYPE, Origin, Part, Score, make_notes
from leitmotiv.score.analysis import half_bar_starts

__all__ = ["arrange"]

_TOGETHER_TICKS = 40  # notes this near are one chord, also when a hand rolled it
_TIMPANI = 47  # General MIDI program
_BRASS = range(56, 64)
_BASS_REACH = 5  # semitones above the lowest note of a half bar that still are bass


def arrange(score: Score, ensemble: Sequence[str]) -> Score:
    """Give the notes of a score to an ensemble.

    Parameters
    ----------
    score : Score
    ensemble : sequence of str
        An ensemble ("string quartet", "orchestra") or instruments.

    Returns
    -------
    Score
        One part for each player; all maps are kept.

    Raises
    ------
    ComposeError
        If the score has no pitched notes or a player is unknown.
    """
    players = palette_for(ensemble)
    reading = read_plan(score)
    if reading.melody < 0 or not any(len(p.notes) for p in score.parts if not p.is_drum):
        raise ComposeError("the score has no pitched notes to arrange")
    lead = reading.parts[reading.melody]
    plan = reading.plan.replace(parts=players)
    melody, rest = _melody_and_rest(score, lead)
    bass, inner = _bass_and_inner(rest, score)
    slots = {player.role: index for index, player in reversed(list(enumerate(players)))}
    top = slots.get("melody", 0)
    low = slots.get("bass", -1)
    result: dict[int, NDArray[np.void]] = {top: _fitted(melody, players[top], single=True)}
    middle = [i for i, p in enumerate(players) if i not in (top, low) and not p.is_drum]
    chordal = [i for i in middle if not is_single_line(plan, i)]
    if low >= 0:
        result[low] = _fitted(bass, players[low], single=is_single_line(plan, low))
    elif middle or top >= 0:
        inner = np.concatenate([bass, inner])
    if not len(rest) and (low >= 0 or middle):
        result.update(_setting(reading, players, top, melody, score))
    elif chordal and len(inner):
        result[chordal[0]] = _fitted(inner, players[chordal[0]], single=False)
    elif middle and len(inner):
        inner_players = _inner_players(middle, players, inner)
        result.update(_share_out(inner, inner_players, players, score))
    elif low >= 0 and not is_single_line(plan, low):
        result[low] = _fitted(np.concatenate([bass, inner]), players[low], single=False)
    full = _full_bars(score, reading)
    idle = [i for i in range(len(players)) if i not in result and not players[i].is_drum]
    held = [i for i in idle if _holds(players[i]) or not len(inner)]
    result.update(_held_voices(reading, players, held, melody, score, full))
    for index in idle:
        if index not in result:
            result[index] = _doubling(index, players, melody, bass, plan, full, score)
    drums = [part.notes for part in score.parts if part.is_drum]
    parts = []
    for index, player in enumerate(players):
        notes = result.get(index, np.zeros(0, NOTE_DTYPE))
        if player.is_drum and drums:
            notes = np.concatenate(drums)
        parts.append(Part(player.name, player.program, player.is_drum, player.role, notes))
    return replace(score, parts=tuple(parts))


def _sorted(notes: NDArray[np.void]) -> NDArray[np.void]:
    return np.asarray(notes[np.lexsort((notes["pitch"], notes["onset"]))])


def _melody_and_rest(score: Score, lead: int) -> tuple[NDArray[np.void], NDArray[np.void]]:
    """The top line of the leading part, and everything else that has a pitch."""
    notes = score.parts[lead].notes
    is_top = np.zeros(len(notes), dtype=bool)
    for group in _chords(notes):
        best = group[int(np.argmax(notes["pitch"][group]))]
        held = is_top[:best] & (
            notes["onset"][:best] + notes["duration"][:best]
            > notes["onset"][best] + _TOGETHER_TICKS
        )
        # What moves below a held melody note is an inner voice.
        if not (held & (notes["pitch"][:best] > notes["pitch"][best] + 2)).any():
            is_top[best] = True
    others = [p.notes for i, p in enumerate(score.parts) if i != lead and not p.is_drum]
    rest = np.concatenate([notes[~is_top], *others])
    return notes[is_top], _sorted(rest)


def _chords(notes: NDArray[np.void]) -> list[NDArray[np.int64]]:
    """Indices of notes that start together, group by group."""
    if not len(notes):
        return []
    cuts = np.flatnonzero(np.diff(notes["onset"]) > _TOGETHER_TICKS) + 1
    return [np.asarray(group) for group in np.split(np.arange(len(notes)), cuts)]


def _halves(score: Score) -> NDArray[np.int64]:
    return np.append(half_bar_starts(score), score.bar_ticks[-1])


def _half_of(notes: NDArray[np.void], score: Score) -> NDArray[np.int64]:
    """The half bar that each note belongs to; one played a little early belongs to the next."""
    return np.searchsorted(_halves(score), notes["onset"] + _TOGETHER_TICKS, side="right") - 1


def _is_broken(notes: NDArray[np.void]) -> bool:
    """Whether the notes of a half bar are a broken chord: one after the other, several pitches."""
    groups = _chords(notes)
    several = len(np.unique(notes["pitch"])) >= 2
    leaps = np.abs(np.diff(notes["pitch"].astype(np.int64)))
    return bool(len(groups) >= 2 and several and len(notes) < 1.4 * len(groups) and leaps.max() > 2)


def _bass_and_inner(
    rest: NDArray[np.void], score: Score
) -> tuple[NDArray[np.void], NDArray[np.void]]:
    """The lowest notes while they lie at the bottom of their bar, and the others.

    Under a broken chord a bass note rings to the end of its half bar, as a pedal would have it.
    """
    if not len(rest):
        return rest, rest
    half = _half_of(rest, score)
    bar = half // 2
    is_bass = np.zeros(len(rest), dtype=bool)
    floor = {int(b): int(rest["pitch"][bar == b].min()) for b in np.unique(bar)}
    for group in _chords(rest):
        lowest = group[int(np.argmin(rest["pitch"][group]))]
        if int(rest["pitch"][lowest]) <= floor[int(bar[lowest])] + _BASS_REACH:
            is_bass[lowest] = True
    bass, borders = rest[is_bass].copy(), _halves(score)
    for note, number in zip(bass, half[is_bass], strict=True):
        if _is_broken(rest[half == number]):
            end = int(borders[min(number + 1, len(borders) - 1)])
            note["duration"] = max(int(note["duration"]), end - int(note["onset"]))
    return bass, rest[~is_bass]


def _fitted(notes: NDArray[np.void], player: PlanPart, *, single: bool) -> NDArray[np.void]:
    """Move a line by whole octaves into a player's range and cut what overlaps."""
    notes = _sorted(notes.copy())
    if not len(notes):
        return notes
    pitch = notes["pitch"].astype(np.int64)
    moves = [12 * k for k in range(-4, 5)]
    outside = [int(((pitch + m < player.low) | (pitch + m > player.high)).sum()) for m in moves]
    # A few notes fold on their own; the line moves where a quarter of it would not fit.
    costs = [4 * out + len(pitch) * abs(m) // 12 for out, m in zip(outside, moves, strict=True)]
    pitch += moves[int(np.argmin(costs))]
    pitch += 12 * np.maximum(-(-(player.low - pitch) // 12), 0)
    pitch -= 12 * np.maximum(-(-(pitch - player.high) // 12), 0)
    notes["pitch"] = np.clip(pitch, 0, 127)
    return _trimmed(_sorted(notes), single=single)


def _trimmed(notes: NDArray[np.void], *, single: bool) -> NDArray[np.void]:
    """End notes where the line, or the same pitch, starts again; keep one of equal notes."""
    keep = np.ones(len(notes), dtype=bool)
    onset, pitch = notes["onset"], notes["pitch"]
    for index in range(len(notes)):
        later = (
            onset[index + 1 :] if single else onset[index + 1 :][pitch[index + 1 :] == pitch[index]]
        )
        gap = int(later[0] - onset[index]) if len(later) else None
        if gap is None:
            continue
        if gap <= (_TOGETHER_TICKS if single else 0):
            keep[index] = False  # the upper of two notes, as they are sorted
        elif notes["duration"][index] > gap:
            notes["duration"][index] = gap
    return notes[keep]


def _inner_players(
    middle: Sequence[int], players: Sequence[PlanPart], inner: NDArray[np.void]
) -> list[int]:
    """As many inner players, high to low, as there are voices to play; nearest register first."""
    sizes = [len(group) for group in _chords(inner)]
    voices = max(int(np.percentile(sizes, 80)) if sizes else 1, 2)
    centre = float(np.median(inner["pitch"])) if len(inner) else 60.0

    def distance(index: int) -> float:
        player = players[index]
        return abs((player.low + player.high) / 2 - centre) + (
            6.0 if player.role == "counter" else 0.0
        )

    chosen = sorted(middle, key=distance)[:voices]
    return sorted(chosen, key=lambda i: -(players[i].low + players[i].high))


def _share_out(
    inner: NDArray[np.void], slots: Sequence[int], players: Sequence[PlanPart], score: Score
) -> dict[int, NDArray[np.void]]:
    """Give the inner notes to single-line players."""
    borders = _halves(score)
    last = {slot: 0.5 * (players[slot].low + players[slot].high) for slot in slots}
    lines: dict[int, list[NDArray[np.void]]] = {slot: [] for slot in slots}
    half = _half_of(inner, score)
    for number in np.unique(half):
        notes = inner[half == number]
        groups = _chords(notes)
        if _is_broken(notes):
            start, stop = int(borders[number]), int(borders[min(number + 1, len(borders) - 1)])
            pitches = _spread(np.unique(notes["pitch"])[::-1], len(slots))
            held = np.repeat(notes[:1], min(len(pitches), len(slots)))
            held["pitch"] = pitches[: len(held)]
            held["onset"], held["duration"] = start, max(stop - start, 1)
            held["velocity"] = round(float(notes["velocity"].mean()))
            held["origin"] = Origin.STYLE
            groups_of = [held]
        else:
            groups_of = [notes[group][::-1] for group in groups]
        for chord in groups_of:
            for slot, note in zip(_nearest_slots(chord, slots, last), chord, strict=False):
                lines[slot].append(note)
                last[slot] = float(note["pitch"])
    return {
        slot: _fitted(np.asarray(line, dtype=NOTE_DTYPE), players[slot], single=True)
        for slot, line in lines.items()
    }


def _spread(pitches: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    """At most ``count`` pitches, high to low, of different pitch classes where there are some."""
    _, first = np.unique(pitches % 12, return_index=True)
    distinct = pitches[np.sort(first)]
    return distinct[:count] if len(distinct) >= min(count, len(pitches)) else pitches[:count]


def _nearest_slots(
    chord: NDArray[np.void], slots: Sequence[int], last: dict[int, float]
) -> list[int]:
    """Players for a chord's notes, high to low, in their own order and with little motion."""
    count = min(len(chord), len(slots))
    best: tuple[float, list[int]] | None = None
    for skip in range(len(slots) - count + 1):
        chosen = list(slots[skip : skip + count])
        cost = sum(
            abs(last[slot] - float(n["pitch"])) for slot, n in zip(chosen, chord, strict=False)
        )
        if best is None or cost < best[0]:
            best = (cost, chosen)
    return best[1] if best else []


def _setting(
    reading: Reading,
    players: Sequence[PlanPart],
    top: int,
    melody: NDArray[np.void],
    score: Score,
) -> dict[int, NDArray[np.void]]:
    """Voices under a bare tune, by rule: chords that fit it, a bass, inner parts."""
    others = [part for i, part in enumerate(players) if i != top]
    singer = reading.plan.parts[reading.melody]
    plan = reading.plan.replace(parts=(singer, *others))
    alone = replace(reading, plan=reading.plan.replace(parts=(singer,)), parts=(reading.melody,))
    notes = reading.notes[reading.notes["part"] == reading.melody].copy()
    notes["part"] = 0
    rng = np.random.default_rng(0)  # an arrangement draws nothing: the same notes each time
    bars = range(reading.start_bar, reading.stop_bar)
    alone = replace(alone, notes=notes)
    _, set_plan = chords_for_melody(alone, 0, rng, keys=melody_keys(score, bars))
    plan = set_plan.replace(parts=plan.parts)
    voices = [i for i in range(1, plan.num_parts) if not plan.parts[i].is_drum]
    start = int(score.bar_ticks[reading.start_bar])
    sung = melody.copy()
    sung["onset"] -= start
    result = {}
    for voice, line in part_song(plan, voices, sung, rng).items():
        line["onset"] += start
        slot = voice - 1 if voice - 1 < top else voice
        result[slot] = _fitted(line, players[slot], single=True)
    return result


def _full_bars(score: Score, reading: Reading) -> NDArray[np.bool_]:
    """Which bars of the score a composer would set for everybody.

    Phrases that are louder and busier than the others, and the last one; where all are alike, each
    second phrase, so that there is a contrast at all.
    """
    full = np.ones(score.num_bars, dtype=bool)
    phrases = [p for s in reading.plan.sections for p in s.phrases]
    if len(phrases) < 2:
        return full
    notes = reading.notes
    weight = []
    for phrase in phrases:
        here = (notes["bar"] >= phrase.start_bar_index) & (notes["bar"] < phrase.end_bar_index)
        loud = float(notes["velocity"][here].mean()) if here.any() else 0.0
        weight.append(loud / 10.0 + 0.25 * here.sum() / phrase.num_bars)
    alike = float(np.ptp(weight)) < 0.5
    middle = float(np.median(weight))
    for index, phrase in enumerate(phrases):
        last = index == len(phrases) - 1
        on = last or (bool(index % 2) if alike else weight[index] > middle)
        first = reading.start_bar + phrase.start_bar_index
        full[first : first + phrase.num_bars] = on
    return full


def _holds(player: PlanPart) -> bool:
    """Horns, clarinets, bassoons and their kin hold chords; the others double."""
    return player.program in (*range(57, 62), 69, 70, 71, *range(48, 55)) and player.role in (
        "harmony",
        "counter",
        "pad",
    )


def _held_voices(
    reading: Reading,
    players: Sequence[PlanPart],
    held: Sequence[int],
    melody: NDArray[np.void],
    score: Score,
    full: NDArray[np.bool_],
) -> dict[int, NDArray[np.void]]:
    """Tones of the harmony, led by the rules of part writing, where the music is full."""
    if not held:
        return {}
    plan = reading.plan.replace(
        parts=tuple(p.replace(role="harmony") if p.role == "bass" else p for p in players)
    )
    start = int(score.bar_ticks[reading.start_bar])
    sung = melody.copy()
    sung["onset"] -= start
    skeleton = write_skeleton(plan, list(held), melody=sung, ignore_silence=True)
    loud = int(np.clip(np.mean(melody["velocity"]) - 12, 1, 127)) if len(melody) else 64
    result = {}
    for index in held:
        rows = [
            (span.start + start, span.duration, pitch)
            for span, pitch in zip(skeleton.spans, skeleton.pitches[index], strict=True)
            if pitch >= 0 and full[min(reading.start_bar + span.bar_index, len(full) - 1)]
        ]
        result[index] = make_notes(
            [row[0] for row in rows],
            [row[1] for row in rows],
            [row[2] for row in rows],
            loud,
            origin=Origin.STYLE,
        )
    return result


def _doubling(
    index: int,
    players: Sequence[PlanPart],
    melody: NDArray[np.void],
    bass: NDArray[np.void],
    plan: Plan,
    full: NDArray[np.bool_],
    score: Score,
) -> NDArray[np.void]:
    """What a player without a line of his own doubles where the music is full."""
    player = players[index]
    deep = (player.low + player.high) / 2 < 58
    source = (bass if deep else melody).copy()
    if not len(source):
        return source
    bar = score.bar_index_at(source["onset"])
    # The basses ground calm phrases too, once a bar; all others rest there.
    grounds = deep and player.role == "bass" and player.program != _TIMPANI
    first = np.append(True, np.diff(bar) > 0)
    source = source[full[bar] | (first & grounds)]
    if not deep and player.program in _BRASS:  # trumpets mark a tune, they do not run with it
        beat = plan.meter_value.beat_ticks
        source = source[
            (source["onset"] % beat <= _TOGETHER_TICKS) & (source["duration"] >= beat / 2)
        ]
    if not len(source):
        return source
    if player.program == _TIMPANI:  # two drums, tonic and dominant, on downbeats
        tonic = plan.key_value.tonic_pitch_class
        tuned = np.isin(source["pitch"] % 12, (tonic, (tonic + 7) % 12))
        source = source[tuned & (source["onset"] % plan.bar_ticks <= _TOGETHER_TICKS)]
        source = source[np.append(True, np.diff(source["onset"]) > 0)[: len(source)]]
    source["origin"] = Origin.STYLE
    source["velocity"] = np.maximum(source["velocity"].astype(int) - 8, 1)
    if not deep and player.high >= int(melody["pitch"].max()) + 12 and player.low > 55:
        source["pitch"] += 12
    return _fitted(source, player, single=is_single_line(plan, index))
