"""Voices of a SoundFont as far as region, key and velocity decide them.

Purpose: sum generators and modulators of a region for one note and turn them into the kernel's
units: blocks, ratios, clipped cents.

Conventions: a template is made once for each region, key and velocity (and, where a controller
steers what is fixed at the onset, for each instant) and shared by all notes that need it.

References: SoundFont Technical Specification 2.04, sections 8.1, 8.4 and 9.

Public names: :class:`Template`, :class:`Templates`, :class:`SampleSource`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from leitmotiv.errors import RenderError
from leitmotiv.instruments import sampler_voice as voice
from leitmotiv.instruments.controllers import Controllers
from leitmotiv.instruments.generators import Gen
from leitmotiv.instruments.soundfont import Region, SoundFont

__all__ = ["SampleSource", "Template", "Templates"]

ENGINE_GAIN_DB = -6.0  # headroom: one full-scale voice peaks here
EMU_ATTENUATION = 0.4  # initialAttenuation is 0.4 dB per 10 cB on the hardware every bank targets

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
class Template:
    """A voice as far as region, key and velocity decide it."""

    params: NDArray[np.float64]
    fields: tuple[int, ...]  # POOL_START to MOD_LAST
    exclusive_class: int
    cents_a_key: float  # what a neighbouring key's sample must be tuned back by


class SampleSource(Protocol):
    """What templates need of an engine: a bank and where its samples stand in the pool."""

    soundfont: SoundFont
    sample_rate: int

    def place_samples(self, indices: set[int]) -> NDArray[np.float32]:
        """Decode what is missing and return the pool."""

    def placement(self, index: int) -> tuple[int, int, int, int]:
        """Return (position in the pool, frames, loop start, loop end)."""


class Templates:
    """Voices per (region, key, velocity), computed once each."""

    def __init__(
        self, engine: SampleSource, regions: tuple[Region, ...], controllers: Controllers
    ) -> None:
        self._engine = engine
        self._regions = regions
        self._controllers = controllers
        self._cache: dict[tuple[int, int, int, int], Template | None] = {}
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

    def get(self, index: int, key: int, velocity: int, at: int) -> Template | None:
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

    def _build(self, region: Region, key: int, velocity: int, instant: int) -> Template | None:
        generators = region.generators
        is_fixed = generators[Gen.KEY_NUMBER] >= 0
        cents_a_key = 0.0 if is_fixed else float(generators[Gen.SCALE_TUNING])
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

        tuning = self._controllers.tuning_row()
        if tuning is not None:
            self._links.append((tuning, voice.PITCH))
            self._amounts.append(1.0)
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
        return Template(params, fields, int(g[Gen.EXCLUSIVE_CLASS]), cents_a_key)


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
