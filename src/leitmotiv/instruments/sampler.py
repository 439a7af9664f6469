"""SoundFont sampler: a Part and a bank in, its dry stereo stem out.

Purpose: turn notes and controllers into voices (which regions sound, when they start, are
released or choked, and what moves them) and let the kernel of
:mod:`~leitmotiv.instruments.sampler_voice` play them, whole or in blocks.

Conventions:

- Audio is float32 (2, samples). One part is one MIDI channel: CC 7 starts at 100, CC 11 at 127,
  CC 10 at 64, pitch-bend range at 2 semitones (RPN 0 changes it; RPN 1 and 2 tune), CC 0 before
  the first note picks a variation bank. Pedals, legato and portamento:
  :mod:`~leitmotiv.instruments.polyphony`; CC 67 takes 4 dB and some treble from notes that start
  under it; CC 72 and 73 halve or double release and attack for each 32 from 64.
- At most 256 voices of a part sound at once; where more would, the quietest give way.
- Onsets are sample-accurate; note-off, envelopes and controllers move on a grid of 64 samples
  per voice.
- Rendering is deterministic, and the same samples come out whatever the block size.
- No reverb and no chorus here: sends belong to the mix.

References: SoundFont Technical Specification 2.04, sections 8 and 9; General MIDI 1.

Public names: :class:`SampledEngine`, :class:`PartStream`.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from leitmotiv.audio.buffers import SAMPLE_RATE
from leitmotiv.errors import RenderError
from leitmotiv.instruments import controllers as midi
from leitmotiv.instruments import sampler_voice as voice
from leitmotiv.instruments.controllers import Controllers
from leitmotiv.instruments.ensemble import Desk, desks_of_part, onset_spread_sec
from leitmotiv.instruments.polyphony import (
    NEVER,
    SLUR_FADE_SEC,
    NoteTimes,
    choke,
    note_times,
    steal_voices,
)
from leitmotiv.instruments.sample_pool import open_pool
from leitmotiv.instruments.sampler_template import Template, Templates
from leitmotiv.score.score import Part, Score

__all__ = ["PartStream", "SampledEngine"]

MAX_TAIL_SEC = 20.0
MAX_ROWS = 250_000  # voices of one part over its whole length: some 250 MiB of state
MAX_VOICES = 256
_SOFT_CENTIBEL, _SOFT_CENTS = 40.0, -900.0
_SLUR_ATTACK_SEC, _SLUR_SKIP_SEC = 0.030, 0.070
_REPEAT_SEC = 0.6
_ROUND = (0, 1, -1)


class SampledEngine:
    """Plays parts with one SoundFont bank.

    Opening reads header tables only; samples are decoded when a part first needs them, and kept
    for later parts, other engines with the same bank
    (:mod:`~leitmotiv.instruments.sample_pool`) and later runs
    (:mod:`~leitmotiv.instruments.sample_cache`). An engine may be used from several threads.

    Parameters
    ----------
    path : path
        SF2 or SF3 file.
    sample_rate : int
        Output rate, 8,000 to 192,000 Hz.
    interpolation : {4, 7}
        4: four-point third-order. 7: eight-tap windowed sinc, cleaner and slower.
    max_voices : int
        Voices of one part that may sound at once, at least 1.
    ensemble : bool
        Whether sections are played by several desks
        (:mod:`~leitmotiv.instruments.ensemble`). Off, a part is played as the bank stands.
    round_robin : bool
        Whether a key struck again within 0.6 s reads its neighbours' samples in turn, tuned to its
        own pitch, so that repeated notes are not copies.

    Raises
    ------
    RenderError
        If the bank or an argument cannot be used.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        sample_rate: int = SAMPLE_RATE,
        *,
        interpolation: Literal[4, 7] = 4,
        max_voices: int = MAX_VOICES,
        ensemble: bool = False,
        round_robin: bool = False,
    ) -> None:
        if not 8_000 <= sample_rate <= 192_000:
            raise RenderError(f"sample_rate={sample_rate} must be 8000-192000 Hz")
        if interpolation not in (4, 7):
            raise RenderError(f"interpolation={interpolation} must be 4 or 7")
        if max_voices < 1:
            raise RenderError(f"max_voices={max_voices} must be at least 1")
        self._pool = open_pool(path)
        self.soundfont = self._pool.soundfont
        self.max_voices, self.ensemble, self.round_robin = max_voices, ensemble, round_robin
        self.sample_rate = int(sample_rate)
        self._table = voice.interpolation_table(interpolation)
        self._wide = interpolation == 7

    def render_part(self, part: Part, score: Score, num_samples: int) -> NDArray[np.float32]:
        """Render one part.

        Parameters
        ----------
        part : Part
            Its program, or drum kit when ``is_drum``, is looked up in the bank.
        score : Score
            Gives the tempo map.
        num_samples : int
            Length; what sounds beyond it is cut.

        Returns
        -------
        float32, shape (2, num_samples)
            Zeros for a part without notes.

        Raises
        ------
        RenderError
            If the bank has no such sound or a sample cannot be read.
        """
        return PartStream(self, part, score).read(num_samples)

    def stream(
        self, part: Part, score: Score, block_samples: int, num_samples: int | None = None
    ) -> Iterator[NDArray[np.float32]]:
        """Yield the same samples as :meth:`render_part` in blocks of (2, block_samples).

        ``num_samples`` defaults to the end of the last release; the last block may be shorter.
        """
        if block_samples < 1:
            raise RenderError(f"block_samples={block_samples} must be at least 1")
        stream = PartStream(self, part, score)
        left = stream.num_samples if num_samples is None else num_samples
        while left > 0:
            yield stream.read(min(block_samples, left))
            left -= block_samples

    def place_samples(self, indices: set[int]) -> NDArray[np.float32]:
        """Decode what is missing and return the pool; older pools stay valid."""
        return self._pool.place(indices)

    def placement(self, index: int) -> tuple[int, int, int, int]:
        """Return (position in the pool, frames, loop start, loop end) of a placed sample."""
        return self._pool.placement(index)


class PartStream:
    """A prepared part that hands out its audio from the start, any number of samples at a time.

    ``num_samples`` is the length that holds every release (at most 20 s of tail).
    """

    def __init__(self, engine: SampledEngine, part: Part, score: Score) -> None:
        self._engine = engine
        self._position = 0
        rate = engine.sample_rate
        controllers = Controllers(part.controls, score.tempo_map, rate)
        self._control_samples = controllers.samples
        rows = _VoiceRows(engine, part, controllers, rate)
        if len(part.notes):
            rows.add_part(note_times(part.notes, score.tempo_map, controllers, rate))
        self._params, self._fields = rows.finish()
        self._modulators, self._amounts = rows.modulators()
        self._pool = engine.place_samples(set())
        self._control_rows = controllers.rows()
        num_voices = len(self._params)
        self._state = np.zeros((num_voices, voice.NUM_STATE))
        self._counters = np.zeros((num_voices, voice.NUM_COUNTERS), dtype=np.int64)
        self._pending = np.zeros((num_voices, 2, voice.BLOCK), dtype=np.float32)
        self._scratch = np.zeros(voice.SCRATCH, dtype=np.float32)
        self._source = np.zeros(voice.BLOCK + 2)
        self._bounce = np.zeros((2, voice.BLOCK), dtype=np.float32)
        self.num_voices = num_voices
        self.num_samples = 0
        if num_voices:
            tail = (self._params[:, voice.VOL_RELEASE] + 2) * voice.BLOCK
            tail = np.minimum(tail, MAX_TAIL_SEC * rate).astype(np.int64)
            self.num_samples = int((self._fields[:, voice.RELEASE_AT] + tail).max())

    @property
    def num_sounding(self) -> int:
        """Voices that have started and not yet ended."""
        status = self._counters[:, voice.C_STATUS]
        return int(np.count_nonzero((status == voice.SOUNDING) | (status == voice.ENDING)))

    def read(self, num_samples: int) -> NDArray[np.float32]:
        """Return the next samples, float32 (2, num_samples); zeros after the end."""
        if num_samples < 0:
            raise RenderError(f"num_samples={num_samples} must be at least 0")
        out = np.zeros((2, num_samples), dtype=np.float32)
        begin, self._position = self._position, self._position + num_samples
        voice.render_voices(
            out,
            begin,
            self._position,
            float(self._engine.sample_rate),
            self._params,
            self._fields,
            self._state,
            self._counters,
            self._pending,
            self._pool,
            self._control_samples,
            self._control_rows,
            self._modulators,
            self._amounts,
            self._engine._table,
            self._engine._wide,
            self._scratch,
            self._source,
            self._bounce,
        )
        return out


@dataclass(frozen=True, eq=False)
class _Touch:
    """What controllers change at the onset of each note, arrays of shape (notes,)."""

    is_soft: NDArray[np.bool_]
    factors: tuple[tuple[int, NDArray[np.float64]], ...]  # (column, factor of its time)

    @classmethod
    def of(cls, controllers: Controllers, times: NoteTimes) -> _Touch:
        soft = controllers.at(midi.SOFT_PEDAL, times.onset) >= 64
        factors = []
        for controller, column in (
            (midi.ATTACK_TIME, voice.VOL_ATTACK),
            (midi.RELEASE_TIME, voice.VOL_RELEASE),
        ):
            if len(controllers.events(controller)):
                moved = controllers.at(controller, times.onset) - 64.0
                factors.append((column, 2.0 ** (moved / 32.0)))
        return cls(soft, tuple(factors))


class _VoiceRows:
    """Collects the voices of a part: one row a region, note and desk."""

    def __init__(
        self, engine: SampledEngine, part: Part, controllers: Controllers, sample_rate: int
    ) -> None:
        self._engine, self._part, self._controllers = engine, part, controllers
        self._rate = sample_rate
        self._params: list[NDArray[np.float64]] = []
        self._fields: list[tuple[int, ...]] = []
        self._classes: list[tuple[int, int]] = []  # (exclusive class, note index)
        self._templates: Templates | None = None

    def add_part(self, times: NoteTimes) -> None:
        """Add every note of the part as each desk plays it."""
        engine, part = self._engine, self._part
        font = engine.soundfont
        bank, program = font.find_preset(
            part.program,
            is_drum=part.is_drum,
            bank=self._controllers.bank_before(int(times.onset[0])),
        )
        templates = Templates(engine, font.regions(bank, program), self._controllers)
        self._templates = templates
        desks = desks_of_part(part) if engine.ensemble else (Desk(),)
        turns = _turns(part, times, self._rate) if engine.round_robin else None
        keys = part.notes["pitch"].astype(np.int64)
        velocities = part.notes["velocity"].tolist()
        touch = _Touch.of(self._controllers, times)
        for desk in desks:
            offsets = np.full(len(keys), desk.key_offset)
            if turns is not None:
                offsets = offsets + np.asarray(_ROUND)[turns]
            pairs = list(zip(keys.tolist(), velocities, strict=True))
            borrowed = list(zip((keys + offsets).tolist(), velocities, strict=True))
            own = templates.choose(pairs)
            other = templates.choose(borrowed) if offsets.any() else own
            late = np.rint(onset_spread_sec(desk, len(keys)) * self._rate).astype(np.int64)
            for index, pair in enumerate(pairs):
                # A neighbour stands in only where it has as many layers.
                fits = offsets[index] and len(other[index]) == len(own[index])
                regions = other[index] if fits else own[index]
                offset = int(offsets[index]) if fits else 0
                for region in regions:
                    template = templates.get(
                        region, pair[0] + offset, pair[1], int(times.onset[index])
                    )
                    if template is not None:
                        self._add(template, times, index, desk, offset, int(late[index]), touch)

    def _add(
        self,
        template: Template,
        times: NoteTimes,
        index: int,
        desk: Desk,
        offset: int,
        late: int,
        touch: _Touch,
    ) -> None:
        if len(self._params) == MAX_ROWS:
            raise RenderError(
                f"part {self._part.name!r} starts over {MAX_ROWS} voices with soundfont="
                f"{str(self._engine.soundfont.path)!r}; split the part or use a bank with fewer "
                "layers"
            )
        onset = max(int(times.onset[index]) + late, 0)
        late = onset - int(times.onset[index])
        release_at = int(times.release_at[index]) + late
        fade_at = int(times.fade_at[index])
        fade_at = fade_at if fade_at == NEVER else max(fade_at + late, onset)
        fields = [onset, release_at, NEVER, *template.fields, fade_at]
        blocks = self._rate / voice.BLOCK
        p = template.params.copy()
        p[voice.FADE_BLOCKS] = max(round(SLUR_FADE_SEC * blocks), 1)
        p[voice.PITCH] += desk.detune_cents - offset * template.cents_a_key
        p[voice.ATTENUATION] -= 10.0 * desk.gain_db
        p[voice.PAN] += 500.0 * desk.pan
        p[voice.CUTOFF] += desk.tone_cents
        if touch.is_soft[index]:
            p[voice.ATTENUATION] += _SOFT_CENTIBEL
            p[voice.CUTOFF] += _SOFT_CENTS
        if times.glide_cents[index]:
            p[voice.GLIDE_CENTS] = times.glide_cents[index]
            p[voice.GLIDE_BLOCKS] = max(times.glide_sec[index] * blocks, 1.0)
        if times.is_slurred[index]:
            p[voice.VOL_DELAY] = 0.0
            p[voice.VOL_ATTACK] = min(p[voice.VOL_ATTACK], 1.0 + _SLUR_ATTACK_SEC * blocks)
            start, end = fields[voice.FRAME_START], fields[voice.FRAME_END]
            last = fields[voice.LOOP_START] if fields[voice.LOOP_MODE] else (start + end) // 2
            skip = int(_SLUR_SKIP_SEC * self._rate * p[voice.STEP])
            fields[voice.FRAME_START] = max(min(start + skip, last), start)
        for column, factors in touch.factors:
            p[column] = max(np.floor(p[column] * factors[index]), 1.0)
        self._params.append(p)
        self._fields.append(tuple(fields))
        self._classes.append((template.exclusive_class, index))

    def modulators(self) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Return the (row, live column) links of all voices and their amounts."""
        if self._templates is None:
            return np.zeros((0, 2), dtype=np.int64), np.zeros(0)
        return self._templates.modulators()

    def finish(self) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """Return parameters and fields, choked, limited in number and sorted by onset."""
        params = np.array(self._params, dtype=np.float64).reshape(-1, voice.NUM_PARAMS)
        fields = np.array(self._fields, dtype=np.int64).reshape(-1, voice.NUM_FIELDS)
        note_of = np.array([note for _, note in self._classes], dtype=np.int64)
        if any(number > 0 for number, _ in self._classes):
            by_note = np.argsort(note_of, kind="stable")
            in_turn = fields[by_note]
            choke(in_turn, [self._classes[row] for row in by_note.tolist()])
            fields[by_note] = in_turn
        order = np.argsort(fields[:, voice.ONSET], kind="stable")
        params, fields, note_of = params[order], fields[order], note_of[order]
        if len(params) > self._engine.max_voices:
            lowest = self._controllers.lowest_cents()
            kept = steal_voices(
                params, fields, note_of, self._rate, self._engine.max_voices, lowest
            )
            params, fields = params[kept], fields[kept]
        return params, fields


def _turns(part: Part, times: NoteTimes, sample_rate: int) -> NDArray[np.int64]:
    """Return which of three takes each note reads: 0 unless its key was struck just before."""
    turns = np.zeros(len(part.notes), dtype=np.int64)
    if part.is_drum:
        return turns
    last: dict[int, int] = {}
    near = int(_REPEAT_SEC * sample_rate)
    for index, key in enumerate(part.notes["pitch"].tolist()):
        before = last.get(key)
        if before is not None and times.onset[index] - times.onset[before] <= near:
            turns[index] = (turns[before] + 1) % len(_ROUND)
        last[key] = index
    return turns
