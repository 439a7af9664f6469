"""SoundFont sampler: a Part and a bank in, its dry stereo stem out.

Purpose: turn notes and controllers into voices (which regions sound, when they start, are
released or choked, and what moves them) and let the kernel of
:mod:`~leitmotiv.instruments.sampler_voice` play them, whole or in blocks.

Conventions:

- Audio is float32 (2, samples). One part is one MIDI channel: CC 7 starts at 100, CC 11 at 127,
  CC 10 at 64, pitch-bend range at 2 semitones (RPN 0 changes it), CC 0 before the first note
  picks a variation bank.
- Onsets are sample-accurate; note-off, envelopes and controllers move on a grid of 64 samples
  per voice.
- Rendering is deterministic, and the same samples come out whatever the block size.
- No reverb and no chorus here: sends belong to the mix.

References: SoundFont Technical Specification 2.04, sections 8 and 9; General MIDI 1.

Public names: :class:`SampledEngine`, :class:`PartStream`.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from leitmotiv.audio.buffers import SAMPLE_RATE
from leitmotiv.errors import RenderError
from leitmotiv.instruments import sampler_voice as voice
from leitmotiv.instruments.controllers import Controllers
from leitmotiv.instruments.generators import Gen
from leitmotiv.instruments.soundfont import Region, SoundFont
from leitmotiv.score.score import Part, Score

__all__ = ["PartStream", "SampledEngine"]

ENGINE_GAIN_DB = -6.0  # headroom: one full-scale voice peaks here
EMU_ATTENUATION = 0.4  # initialAttenuation is 0.4 dB per 10 cB on the hardware every bank targets
MIN_NOTE_SEC = 0.010
MAX_POOL_FRAMES = 192 << 20  # 768 MiB of decoded samples
MAX_TAIL_SEC = 20.0
MAX_VOICES = 250_000  # of one part: some 250 MiB of voice state
NEVER = np.iinfo(np.int64).max

# Generators that follow a controller while a note sounds, and the kernel column each one feeds.
_LIVE: dict[int, tuple[int, float]] = {
    Gen.COARSE_TUNE: (voice.PITCH, 100.0),
    Gen.FINE_TUNE: (voice.PITCH, 1.0),
    Gen.ATTENUATION: (voice.ATTENUATION, 1.0),
    Gen.FILTER_CUTOFF: (voice.CUTOFF, 1.0),
    Gen.FILTER_Q: (voice.RESONANCE, 1.0),
    Gen.PAN: (voice.PAN, 1.0),
    Gen.VIB_LFO_TO_PITCH: (voice.VIB_PITCH, 1.0),
    Gen.MOD_LFO_TO_PITCH: (voice.LFO_PITCH, 1.0),
    Gen.MOD_LFO_TO_CUTOFF: (voice.LFO_CUTOFF, 1.0),
    Gen.MOD_LFO_TO_VOLUME: (voice.LFO_VOLUME, 1.0),
    Gen.MOD_ENV_TO_PITCH: (voice.ENV_PITCH, 1.0),
    Gen.MOD_ENV_TO_CUTOFF: (voice.ENV_CUTOFF, 1.0),
}


@dataclass(frozen=True, eq=False)
class _Template:
    """A voice as far as region, key and velocity decide it."""

    params: NDArray[np.float64]
    fields: tuple[int, ...]  # POOL_START to MOD_LAST
    exclusive_class: int


class SampledEngine:
    """Plays parts with one SoundFont bank.

    Opening reads header tables only; samples are decoded when a part first needs them and kept
    for later parts. An engine may be used from several threads.

    Parameters
    ----------
    path : path
        SF2 or SF3 file.
    sample_rate : int
        Output rate, 8,000 to 192,000 Hz.
    interpolation : {4, 7}
        4: four-point third-order. 7: eight-tap windowed sinc, cleaner and slower.

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
    ) -> None:
        if not 8_000 <= sample_rate <= 192_000:
            raise RenderError(f"sample_rate={sample_rate} must be 8000-192000 Hz")
        if interpolation not in (4, 7):
            raise RenderError(f"interpolation={interpolation} must be 4 or 7")
        self.soundfont = SoundFont(path)
        self.sample_rate = int(sample_rate)
        self._table = voice.interpolation_table(interpolation)
        self._wide = interpolation == 7
        self._lock = threading.Lock()
        self._pool = np.zeros(1, dtype=np.float32)
        self._placed: dict[int, tuple[int, int, int, int]] = {}

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
        with self._lock:
            missing = sorted(indices - self._placed.keys())
            if missing:
                pieces = [self._pool]
                position = len(self._pool)
                for index in missing:
                    audio, loop_start, loop_end = self.soundfont.decode_sample(index)
                    if position + len(audio) > MAX_POOL_FRAMES:
                        raise RenderError(
                            f"soundfont={str(self.soundfont.path)!r} needs over {MAX_POOL_FRAMES} "
                            "decoded frames; use a smaller bank"
                        )
                    self._placed[index] = (position, len(audio), loop_start, loop_end)
                    pieces.append(audio)
                    position += len(audio)
                self._pool = np.concatenate(pieces)
            return self._pool

    def placement(self, index: int) -> tuple[int, int, int, int]:
        """Return (position in the pool, frames, loop start, loop end) of a placed sample."""
        return self._placed[index]


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
        notes = part.notes
        onset = np.rint(score.tempo_map.tick_to_sec(notes["onset"]) * rate).astype(np.int64)
        release = score.tempo_map.tick_to_sec(notes["onset"] + notes["duration"])
        release_at = np.rint(release * rate).astype(np.int64)
        release_at = np.maximum(release_at, onset + int(MIN_NOTE_SEC * rate))
        release_at = controllers.hold_with_pedal(release_at)
        release_at = _release_on_retrigger(notes["pitch"], onset, release_at)

        rows: list[NDArray[np.float64]] = []
        fields: list[tuple[int, ...]] = []
        classes: list[tuple[int, int]] = []  # (exclusive class, note index)
        if len(notes):
            font = engine.soundfont
            bank, program = font.find_preset(
                part.program, is_drum=part.is_drum, bank=controllers.bank_before(int(onset[0]))
            )
            templates = _Templates(engine, font.regions(bank, program), controllers)
            pairs = zip(notes["pitch"].tolist(), notes["velocity"].tolist(), strict=True)
            played = templates.choose(list(pairs))
            for index, regions in enumerate(played):
                at, off = int(onset[index]), int(release_at[index])
                key, velocity = int(notes["pitch"][index]), int(notes["velocity"][index])
                for region in regions:
                    template = templates.get(region, key, velocity, at)
                    if template is None:
                        continue
                    if len(rows) == MAX_VOICES:
                        raise RenderError(
                            f"part {part.name!r} starts over {MAX_VOICES} voices with soundfont="
                            f"{str(font.path)!r}; split the part or use a bank with fewer layers"
                        )
                    rows.append(template.params)
                    fields.append((at, off, NEVER, *template.fields))
                    classes.append((template.exclusive_class, index))
            self._modulators, self._amounts = templates.modulators()
        else:
            self._modulators = np.zeros((0, 2), dtype=np.int64)
            self._amounts = np.zeros(0)
        self._pool = engine.place_samples(set())
        self._control_rows = controllers.rows()
        self._params = np.array(rows, dtype=np.float64).reshape(-1, voice.NUM_PARAMS)
        self._fields = np.array(fields, dtype=np.int64).reshape(-1, voice.NUM_FIELDS)
        _choke(self._fields, classes)
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


class _Templates:
    """Voices per (region, key, velocity), computed once each."""

    def __init__(
        self, engine: SampledEngine, regions: tuple[Region, ...], controllers: Controllers
    ) -> None:
        self._engine = engine
        self._regions = regions
        self._controllers = controllers
        self._cache: dict[tuple[int, int, int, int], _Template | None] = {}
        self._links: list[tuple[int, int]] = []
        self._amounts: list[float] = []
        bounds = [(r.key_low, r.key_high, r.velocity_low, r.velocity_high) for r in regions]
        self._bounds = np.array(bounds, dtype=np.int64).reshape(-1, 4)

    def choose(self, notes: list[tuple[int, int]]) -> list[list[int]]:
        """Return the regions that each (key, velocity) plays and decode their samples."""
        chosen: dict[tuple[int, int], list[int]] = {}
        low_key, high_key, low_velocity, high_velocity = self._bounds.T
        for key, velocity in set(notes):
            inside = (low_key <= key) & (key <= high_key)
            inside &= (low_velocity <= velocity) & (velocity <= high_velocity)
            chosen[key, velocity] = np.flatnonzero(inside).tolist()
        used = {self._regions[i].sample_index for found in chosen.values() for i in found}
        self._engine.place_samples(used)
        return [chosen[note] for note in notes]

    def modulators(self) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Return the (row, live column) links and their amounts."""
        return np.array(self._links, dtype=np.int64).reshape(-1, 2), np.array(self._amounts)

    def get(self, index: int, key: int, velocity: int, at: int) -> _Template | None:
        """Return the voice of a region for one note, or None if it is empty."""
        region = self._regions[index]
        # A controller may steer an envelope time, which is fixed when the note starts.
        late = any(
            m.destination not in _LIVE and self._controllers.is_dynamic(m)
            for m in region.modulators
        )
        instant = self._controllers.index_at(at) if late else -1
        number = (index, key, velocity, instant)
        if number not in self._cache:
            self._cache[number] = self._build(region, key, velocity, max(instant, 0))
        return self._cache[number]

    def _build(self, region: Region, key: int, velocity: int, instant: int) -> _Template | None:
        generators = region.generators
        if generators[Gen.KEY_NUMBER] >= 0:
            key = int(min(generators[Gen.KEY_NUMBER], 127))
        if generators[Gen.VELOCITY] >= 1:
            velocity = int(min(generators[Gen.VELOCITY], 127))
        g = generators.copy()
        g[Gen.ATTENUATION] *= EMU_ATTENUATION
        first = len(self._links)
        for modulator in region.modulators:
            row, amount = self._controllers.resolve(modulator, key, velocity)
            live = _LIVE.get(modulator.destination)
            if row is None:
                g[modulator.destination] += amount
            elif live is not None:
                if amount:
                    self._links.append((row, live[0]))
                    self._amounts.append(amount * live[1])
            else:
                g[modulator.destination] += amount * self._controllers.value(row, instant)

        engine = self._engine
        header = engine.soundfont.samples[region.sample_index]
        if not 100 <= header.sample_rate <= 1_000_000:
            raise RenderError(
                f"soundfont={str(engine.soundfont.path)!r} gives sample {header.name!r} a rate of "
                f"{header.sample_rate} Hz, which must be 100-1000000; use another bank"
            )
        pool_start, frames, loop_start, loop_end = engine.placement(region.sample_index)
        start = _frame(g, Gen.START_OFFSET, Gen.START_COARSE_OFFSET)
        end = frames + _frame(g, Gen.END_OFFSET, Gen.END_COARSE_OFFSET)
        loop_start += _frame(g, Gen.LOOP_START_OFFSET, Gen.LOOP_START_COARSE_OFFSET)
        loop_end += _frame(g, Gen.LOOP_END_OFFSET, Gen.LOOP_END_COARSE_OFFSET)
        start, end = min(max(start, 0), frames), min(max(end, 0), frames)
        loop_start, loop_end = min(max(loop_start, 0), frames), min(max(loop_end, 0), frames)
        mode = int(g[Gen.SAMPLE_MODES]) & 3
        if loop_end - loop_start < 2 or mode == 2:
            mode = 0
        if start >= end:
            return None
        if mode and start >= loop_end:
            start = loop_start
        fields = (pool_start, start, end, loop_start, loop_end, mode, first, len(self._links))
        params = _params(g, key, header.sample_rate, engine.sample_rate)
        root = g[Gen.OVERRIDING_ROOT_KEY]
        root_cents = 100.0 * (root if 0 <= root <= 127 else header.root_key)
        root_cents -= header.correction_cents
        params[voice.PITCH] += g[Gen.SCALE_TUNING] * (key - root_cents / 100.0)
        return _Template(params, fields, int(g[Gen.EXCLUSIVE_CLASS]))


def _frame(g: NDArray[np.float64], fine: Gen, coarse: Gen) -> int:
    return int(g[fine]) + 32_768 * int(g[coarse])


def _seconds(timecents: float, low: float, high: float) -> float:
    return float(2.0 ** (min(max(timecents, low), high) / 1200.0))


def _params(g: NDArray[np.float64], key: int, rate_in: int, rate_out: int) -> NDArray[np.float64]:
    """Turn generator values into kernel units: blocks, ratios, clipped cents."""
    p = np.zeros(voice.NUM_PARAMS)
    for generator, (column, factor) in _LIVE.items():
        p[column] += factor * g[generator]
    p[voice.ATTENUATION] -= 10.0 * ENGINE_GAIN_DB
    p[voice.STEP] = rate_in / rate_out
    blocks = rate_out / voice.BLOCK
    for name, first in (("VOL", voice.VOL_DELAY), ("MOD", voice.MOD_DELAY)):
        times = [g[Gen[f"{name}_ENV_{stage}"]] for stage in ("DELAY", "ATTACK", "HOLD", "DECAY")]
        times[2] += g[Gen[f"KEY_TO_{name}_ENV_HOLD"]] * (60 - key)
        times[3] += g[Gen[f"KEY_TO_{name}_ENV_DECAY"]] * (60 - key)
        p[first] = np.floor(blocks * _seconds(times[0], -12_000, 5_000))
        p[first + 1] = 1 + np.floor(blocks * _seconds(times[1], -12_000, 8_000))
        p[first + 2] = np.floor(blocks * _seconds(times[2], -12_000, 5_000) + 0.5)
        p[first + 3] = np.floor(blocks * _seconds(times[3], -12_000, 8_000) + 0.5)
        p[first + 4] = min(max(1.0 - g[Gen[f"{name}_ENV_SUSTAIN"]] / 1000.0, 0.0), 1.0)
        # A shorter release than 16 ms clicks.
        low = -7_200 if name == "VOL" else -12_000
        p[first + 5] = 1 + np.floor(blocks * _seconds(g[Gen[f"{name}_ENV_RELEASE"]], low, 8_000))
    for name, first in (("MOD", voice.LFO_DELAY), ("VIB", voice.VIB_DELAY)):
        p[first] = np.floor(rate_out * _seconds(g[Gen[f"{name}_LFO_DELAY"]], -12_000, 5_000))
        hz = 8.175798915643707 * _seconds(g[Gen[f"{name}_LFO_FREQUENCY"]], -16_000, 4_500)
        p[first + 1] = min(4.0 * hz / blocks, 1.0)
    return p


def _release_on_retrigger(
    pitch: NDArray[np.uint8], onset: NDArray[np.int64], release_at: NDArray[np.int64]
) -> NDArray[np.int64]:
    """A key struck again while it still sounds releases its earlier voices."""
    order = np.lexsort((onset, pitch))
    same = pitch[order][1:] == pitch[order][:-1]
    later = onset[order][1:] > onset[order][:-1]
    result = release_at.copy()
    earlier = order[:-1][same & later]
    result[earlier] = np.minimum(release_at[earlier], onset[order[1:][same & later]])
    return result


def _choke(fields: NDArray[np.int64], classes: list[tuple[int, int]]) -> None:
    """Cut a voice off when a later note of its exclusive class starts (section 8.1.2, 57)."""
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
