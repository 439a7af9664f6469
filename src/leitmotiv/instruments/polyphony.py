"""When the voices of a part start, pass on, are cut off and are stolen.

Purpose: turn the notes of a part and its pedals into times in samples before anything sounds, so
that the result does not depend on how a rendering is cut into blocks.

Conventions:

- Times are output samples. ``NEVER`` stands for no such moment.
- Legato (CC 68 at 64 or more): a note that follows another within 15 ms, or begins while it still
  sounds, at most an octave away, takes it over: the old voice fades in 40 ms, the new one leaves
  its attack out and scoops at most a whole tone.
- Portamento (CC 65 on, or one CC 84): a note glides from the one before it in 5 ms to 2 s,
  exponential in CC 5; at CC 5 = 0 it does not glide.
- Stealing: a part sounds at most ``max_voices`` voices. Where more would start, the notes that are
  quietest by their envelopes give way, released ones first; they fade in 8 ms and are gone when
  the new voice starts.

References: MIDI 1.0, controllers 5, 65, 68 and 84; SoundFont Technical Specification 2.04, section
8.1.2, generator 57 (exclusive class).

Public names: :class:`NoteTimes`, :func:`note_times`, :func:`choke`, :func:`steal_voices`,
:data:`NEVER`.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from leitmotiv.instruments import controllers as midi
from leitmotiv.instruments import sampler_voice as voice
from leitmotiv.instruments.controllers import Controllers
from leitmotiv.score.score import TempoMap

__all__ = ["NEVER", "NoteTimes", "choke", "note_times", "steal_voices"]

NEVER = int(np.iinfo(np.int64).max)
MIN_NOTE_SEC = 0.010
SLUR_FADE_SEC = 0.040
STEAL_FADE_SEC = 0.008
_TOUCH_SEC, _LONGEST_OVERLAP_SEC = 0.015, 0.25
_WIDEST_SLUR = 12  # semitones
_SCOOP_CENTS, _SCOOP_SEC = 200.0, 0.045
_SHORTEST_GLIDE_SEC, _LONGEST_GLIDE_SEC = 0.005, 2.0


@dataclass(frozen=True, eq=False)
class NoteTimes:
    """What happens to each note, arrays of shape (notes,).

    ``onset``, ``release_at`` and ``fade_at`` in samples; a note glides from ``glide_cents`` above
    (or below) to its pitch in ``glide_sec``; ``is_slurred`` notes leave their attack out.
    """

    onset: NDArray[np.int64]
    release_at: NDArray[np.int64]
    fade_at: NDArray[np.int64]
    glide_cents: NDArray[np.float64]
    glide_sec: NDArray[np.float64]
    is_slurred: NDArray[np.bool_]


def note_times(
    notes: NDArray[np.void], tempo_map: TempoMap, controllers: Controllers, sample_rate: int
) -> NoteTimes:
    """Return the times of a part's notes.

    Parameters
    ----------
    notes : array of NOTE_DTYPE
        Sorted by onset.
    tempo_map : TempoMap
        Ticks to seconds.
    controllers : Controllers
        Pedals, legato and portamento.
    sample_rate : int
        Hz.
    """
    onset = np.rint(tempo_map.tick_to_sec(notes["onset"]) * sample_rate).astype(np.int64)
    end_sec = tempo_map.tick_to_sec(notes["onset"] + notes["duration"])
    key_up = np.rint(end_sec * sample_rate).astype(np.int64)
    key_up = np.maximum(key_up, onset + int(MIN_NOTE_SEC * sample_rate))
    pitch = notes["pitch"].astype(np.int64)
    release_at = controllers.hold_with_pedals(onset, key_up)
    release_at = _release_on_retrigger(pitch, onset, release_at)
    times = NoteTimes(
        onset,
        release_at,
        fade_at=np.full(len(onset), NEVER, dtype=np.int64),
        glide_cents=np.zeros(len(onset)),
        glide_sec=np.full(len(onset), _SCOOP_SEC),
        is_slurred=np.zeros(len(onset), dtype=bool),
    )
    _slur(times, pitch, key_up, controllers, sample_rate)
    _glide(times, pitch, controllers)
    for sent in controllers.events(midi.ALL_SOUND_OFF).tolist():
        sounding = onset < sent
        times.fade_at[sounding] = np.minimum(times.fade_at[sounding], sent)
    return times


def _release_on_retrigger(
    pitch: NDArray[np.int64], onset: NDArray[np.int64], release_at: NDArray[np.int64]
) -> NDArray[np.int64]:
    """A key struck again while it still sounds releases its earlier voices."""
    order = np.lexsort((onset, pitch))
    same = pitch[order][1:] == pitch[order][:-1]
    later = onset[order][1:] > onset[order][:-1]
    result = release_at.copy()
    earlier = order[:-1][same & later]
    result[earlier] = np.minimum(release_at[earlier], onset[order[1:][same & later]])
    return result


def _slur(
    times: NoteTimes,
    pitch: NDArray[np.int64],
    key_up: NDArray[np.int64],
    controllers: Controllers,
    sample_rate: int,
) -> None:
    """Join notes under CC 68 to the nearest note that they take over, in place."""
    legato = controllers.at(midi.LEGATO, times.onset) >= 64
    if not legato.any():
        return
    touch, overlap = int(_TOUCH_SEC * sample_rate), int(_LONGEST_OVERLAP_SEC * sample_rate)
    open_notes: list[int] = []
    for index in range(len(pitch)):
        at = int(times.onset[index])
        open_notes = [j for j in open_notes if key_up[j] >= at - touch]
        if legato[index]:
            taken = [
                (abs(int(pitch[j] - pitch[index])), j)
                for j in open_notes
                if key_up[j] <= at + overlap
                and times.onset[j] < at - touch
                and 0 < abs(int(pitch[j] - pitch[index])) <= _WIDEST_SLUR
            ]
            if taken:
                before = min(taken)[1]
                open_notes.remove(before)
                times.fade_at[before] = at
                times.is_slurred[index] = True
                cents = 100.0 * float(pitch[before] - pitch[index])
                times.glide_cents[index] = min(max(cents, -_SCOOP_CENTS), _SCOOP_CENTS)
        open_notes.append(index)


def _glide(times: NoteTimes, pitch: NDArray[np.int64], controllers: Controllers) -> None:
    """Let notes under CC 65, or after a CC 84, glide from the one before, in place."""
    onset = times.onset
    on = controllers.at(midi.PORTAMENTO, onset) >= 64
    sent = controllers.events(midi.PORTAMENTO_FROM)
    if not on.any() and not len(sent):
        return
    speed = controllers.at(midi.PORTAMENTO_TIME, onset)
    ratio = _LONGEST_GLIDE_SEC / _SHORTEST_GLIDE_SEC
    seconds = np.where(speed > 0, _SHORTEST_GLIDE_SEC * ratio ** (speed / 127.0), 0.0)
    number_sent = np.searchsorted(sent, onset, side="right")
    for index in range(len(pitch)):
        chord = int(np.searchsorted(onset, onset[index]))
        told = number_sent[index] > (number_sent[chord - 1] if chord else 0)
        if seconds[index] <= 0.0 or not (told or (on[index] and chord)):
            continue
        if told:
            source = float(controllers.at(midi.PORTAMENTO_FROM, onset[index : index + 1])[0])
        else:
            first = int(np.searchsorted(onset, onset[chord - 1]))
            before = pitch[first:chord]
            source = float(before[np.argmin(np.abs(before - pitch[index]))])
        times.glide_cents[index] = 100.0 * (source - float(pitch[index]))
        times.glide_sec[index] = seconds[index]


def choke(fields: NDArray[np.int64], classes: list[tuple[int, int]]) -> None:
    """Cut a voice off when a later note of its exclusive class starts, in place.

    ``classes`` holds (exclusive class, note index) of each row; rows are sorted by note.
    """
    next_of_class: dict[int, tuple[int, int]] = {}  # class -> (note index, onset) of what follows
    current: dict[int, tuple[int, int]] = {}
    for row in range(len(classes) - 1, -1, -1):
        number, note = classes[row]
        if number <= 0:
            continue
        onset = int(fields[row, voice.ONSET])
        if number in current and current[number][0] != note:
            next_of_class[number] = current[number]
        current[number] = (note, onset)
        if number in next_of_class:
            fields[row, voice.CHOKE_AT] = next_of_class[number][1]


def latest_ends(
    params: NDArray[np.float64], fields: NDArray[np.int64], sample_rate: int, lowest_cents: float
) -> NDArray[np.float64]:
    """Return a sample by which each voice is silent for certain, shape (voices,).

    ``lowest_cents`` is how far controllers and modulation may slow a sample down.
    """
    block = float(voice.BLOCK)
    onset = fields[:, voice.ONSET].astype(np.float64)
    release = (params[:, voice.VOL_RELEASE] + 2.0) * block
    ends = fields[:, voice.RELEASE_AT] + release
    choked = fields[:, voice.CHOKE_AT].astype(np.float64)
    cut = 2.0 ** (voice.CHOKE_TIMECENTS / 1200.0) * sample_rate + 2.0 * block
    ends = np.minimum(ends, choked + np.minimum(release, cut))
    faded = fields[:, voice.FADE_AT].astype(np.float64)
    ends = np.minimum(ends, faded + (params[:, voice.FADE_BLOCKS] + 1.0) * block)
    stages = [voice.VOL_DELAY, voice.VOL_ATTACK, voice.VOL_HOLD, voice.VOL_DECAY]
    decayed = onset + (params[:, stages].sum(axis=1) + 3.0) * block
    ends = np.where(params[:, voice.VOL_SUSTAIN] <= 0.0, np.minimum(ends, decayed), ends)
    cents = params[:, voice.PITCH] + lowest_cents
    for column in (voice.VIB_PITCH, voice.LFO_PITCH, voice.ENV_PITCH, voice.GLIDE_CENTS):
        cents = cents - np.abs(params[:, column])
    step = np.maximum(params[:, voice.STEP] * 2.0 ** (cents / 1200.0), 1e-9)
    frames = fields[:, voice.FRAME_END] - fields[:, voice.FRAME_START]
    played = onset + (params[:, voice.VOL_DELAY] + 2.0) * block + frames / step
    return np.where(fields[:, voice.LOOP_MODE] == 0, np.minimum(ends, played), ends)


def steal_voices(
    params: NDArray[np.float64],
    fields: NDArray[np.int64],
    note_of: NDArray[np.int64],
    sample_rate: int,
    max_voices: int,
    lowest_cents: float = -200.0,
) -> NDArray[np.bool_]:
    """Fade voices in place so that never more than ``max_voices`` sound.

    Parameters
    ----------
    params, fields : arrays of (voices, NUM_PARAMS) and (voices, NUM_FIELDS)
        Sorted by onset; FADE_AT and FADE_BLOCKS of what is stolen are set.
    note_of : int array, shape (voices,)
        Voices of one note, such as the two sides of a stereo pair, go together.
    sample_rate : int
        Hz.
    max_voices : int
        At least 1.
    lowest_cents : float
        See :func:`latest_ends`.

    Returns
    -------
    bool array, shape (voices,)
        False for voices that were not to start at all: more began at once than may sound.
    """
    kept = np.ones(len(params), dtype=bool)
    if len(params) <= max_voices:
        return kept
    ends = latest_ends(params, fields, sample_rate, lowest_cents)
    fade_blocks = float(np.ceil(STEAL_FADE_SEC * sample_rate / voice.BLOCK))
    early = int(fade_blocks + 2) * voice.BLOCK
    active: set[int] = set()
    ending: list[tuple[float, int]] = []
    for row in range(len(params)):
        at = int(fields[row, voice.ONSET])
        while ending and ending[0][0] <= at:
            active.discard(heapq.heappop(ending)[1])
        active.add(row)
        heapq.heappush(ending, (float(ends[row]), row))
        while len(active) > max_voices:
            candidates = np.fromiter(active, dtype=np.int64)
            level = _level_db(params[candidates], fields[candidates], at)
            # A voice that has only just begun leaves last: its fade would be its whole life.
            level += 200.0 * (fields[candidates, voice.ONSET] > at - early)
            order = np.lexsort((candidates, level))
            victim = int(candidates[order[0]])
            same = candidates[note_of[candidates] == note_of[victim]]
            for stolen in same.tolist():
                active.discard(stolen)
                begin = int(fields[stolen, voice.ONSET])
                if begin > at - early:
                    kept[stolen] = False
                    continue
                fields[stolen, voice.FADE_AT] = min(int(fields[stolen, voice.FADE_AT]), at - early)
                params[stolen, voice.FADE_BLOCKS] = fade_blocks
    return kept


def _level_db(
    params: NDArray[np.float64], fields: NDArray[np.int64], at: int
) -> NDArray[np.float64]:
    """Estimate the level of voices at a sample from gain and envelope alone, shape (voices,)."""
    block = float(voice.BLOCK)
    begin = params[:, voice.VOL_DELAY] + params[:, voice.VOL_ATTACK] + params[:, voice.VOL_HOLD]
    age = (at - fields[:, voice.ONSET]) / block - begin
    decay = np.clip(age / np.maximum(params[:, voice.VOL_DECAY], 1.0), 0.0, 1.0)
    fallen = np.minimum(decay, 1.0 - params[:, voice.VOL_SUSTAIN])
    released = np.maximum(at - fields[:, voice.RELEASE_AT], 0) / block
    fallen = fallen + released / np.maximum(params[:, voice.VOL_RELEASE], 1.0)
    level = -params[:, voice.ATTENUATION] / 10.0 - voice.PEAK_DB * np.clip(fallen, 0.0, 1.0)
    return np.asarray(level - 30.0 * (released > 0.0))
