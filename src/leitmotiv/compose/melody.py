"""The melody stage: the theme, what becomes of it, and the melody of the whole piece.

The theme is written first, from twice as many candidates as other bars; then each section takes
its placements of the theme, what it copies from the section it returns to, and what the network
writes in the bars that are left. Counter-melodies answer at the end.

Public names: :class:`MelodyStage`, :class:`ComposeOptions`, :func:`runs`, :data:`Progress`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from leitmotiv.compose.appoggiatura import lean
from leitmotiv.compose.canvas import Canvas
from leitmotiv.compose.counter_melody import counter_melody
from leitmotiv.compose.locked import canvas_locks
from leitmotiv.compose.theme import (
    count_strays,
    degree_of,
    degree_shift,
    fit_to_chords,
    pitch_of,
    transform_theme,
)
from leitmotiv.compose.theme_wish import ThemeWish
from leitmotiv.compose.writer import Writer, WriterOptions
from leitmotiv.models import EventModel
from leitmotiv.plan import Plan, PlanSection, ThemePlacement
from leitmotiv.plan.form import DEVELOPED
from leitmotiv.plan.locks import locked_cells
from leitmotiv.score import Origin
from leitmotiv.theory import TICKS_PER_QUARTER
from leitmotiv.tokens.grid import CELL_NOTE_DTYPE, TICKS_PER_STEP

__all__ = ["ComposeOptions", "MelodyStage", "Progress", "runs"]

Progress = Callable[[float, str], None]

_LEANING = {"hymn": 0.2, "choral": 0.3}  # share of strong notes that may lean and do
# Developments that may start on any step, and the steps that are tried.
_BENDING = ("invert", "fragment", "diminish", "meter change", "mode change")
_NEAR_STEPS = (0, 1, -1, 2, -2, 3, -3)
# Their accompaniment is a groove, with or without drums.
_RHYTHM_GENRES = frozenset(
    {
        *("rock", "pop", "funk", "electronic", "synthwave", "chiptune", "hip-hop", "lo-fi"),
        *("ambient", "jazz", "blues", "ragtime", "bossa", "tango", "folk", "celtic"),
    }
)


@dataclass(frozen=True)
class ComposeOptions:
    """Which weights write, and how hard they try.

    ``network_accompaniment`` False leaves accompaniments to the rules alone.
    """

    writer: WriterOptions = field(default_factory=WriterOptions)
    network_accompaniment: bool = True


class MelodyStage:
    """The state of a piece in the making, and what writes its themes and melodies."""

    def __init__(
        self,
        plan: Plan,
        model: EventModel,
        options: ComposeOptions,
        rng: np.random.Generator,
        progress: Progress,
    ) -> None:
        self.plan, self.options, self.progress = plan, options, progress
        self.canvas = Canvas(plan)
        self.writer = Writer(self.canvas, model, options.writer)
        # One generator a task: an edit in one place leaves the draws elsewhere alone.
        self.theme_rng, self.melody_rng, self.rule_rng, self.parts_rng = rng.spawn(4)
        self.leads = np.full(plan.num_bars, -1, dtype=np.int64)
        self.open_bars = frozenset(range(plan.num_bars))
        # Cells that no accompaniment may fill: counter-melodies, and what a person has locked.
        self.placed = locked_cells(plan)
        self.locked = self.placed.copy()
        held = [(int(bar), int(part)) for bar, part in np.argwhere(self.locked)]
        self.canvas.write(held, canvas_locks(plan))
        self.canvas.locked = self.locked
        self.writer.written |= self.locked
        for bar in np.flatnonzero(self.locked.any(axis=1)).tolist():
            lead = self._lead(plan.section_at(bar))
            if lead >= 0 and self.locked[bar, lead] and len(self.canvas.cell(bar, lead)):
                self.leads[bar] = lead

    def _lead(self, section: PlanSection) -> int:
        """The part that carries the melody of a section, -1 where none can."""
        sounding = [
            index
            for index, part in enumerate(self.plan.parts)
            if index not in section.parts_silent and not part.is_drum
        ]
        for role in ("melody", "counter", "harmony", "pad", "bass"):
            for index in sounding:
                if self.plan.parts[index].role == role:
                    return index
        return -1

    def _given_theme(self, part: int) -> NDArray[np.void] | None:
        """The brief's own theme as canvas notes counted from its first bar."""
        given = self.plan.brief.theme
        if not given:
            return None
        notes = np.zeros(len(given), dtype=CELL_NOTE_DTYPE)
        onset = np.asarray([round(note.onset_quarter * 24) for note in given])
        notes["bar"], notes["position"] = np.divmod(onset, self.canvas.steps)
        notes["duration"] = [max(round(note.duration_quarter * 24), 1) for note in given]
        notes["pitch"] = [note.pitch for note in given]
        notes["velocity"], notes["part"], notes["origin"] = 80, part, Origin.HUMAN
        return notes

    def _state_theme(self) -> NDArray[np.void] | None:
        """Write the first placement of the theme and return it, bars counted from 0."""
        if not self.plan.placements:
            return None
        first = min(self.plan.placements, key=lambda placement: placement.bar_index)
        bars = range(first.bar_index, first.bar_index + first.num_bars)
        self.progress(0.0, "theme")
        given = self._given_theme(first.part_index)
        if given is not None:
            stated = given.copy()
            stated["bar"] += first.bar_index
            inside = stated[stated["bar"] < bars.stop]
            self._put(inside, bars, first.part_index)
            return given[given["bar"] < first.num_bars]
        # The whole piece is made of these bars: they are chosen from twice as many versions.
        many = 2 * self.options.writer.num_candidates
        part = first.part_index
        for run in runs([bar for bar in bars if not self.locked[bar, part]], longest=16):
            wish = self._wish(run, part) if run == bars else None
            self.writer.write(
                run, [part], self.theme_rng, lead=True, num_candidates=many, wish=wish
            )
            if wish is None:  # its rhythm is planned
                self._lean(run, part, self.theme_rng)
        self.leads[bars.start : bars.stop] = first.part_index
        theme = self.canvas.part_notes(first.part_index).copy()
        theme = theme[(theme["bar"] >= bars.start) & (theme["bar"] < bars.stop)]
        theme["bar"] -= first.bar_index
        return theme

    def _wish(self, bars: range, part: int) -> ThemeWish | None:
        """What the plan wants of the theme that is invented in some bars."""
        plan = self.plan
        if plan.theme is None:
            return None
        entry = plan.parts[part]
        shape = plan.theme.fitted(entry.low, entry.high, plan.bar_ticks / TICKS_PER_QUARTER)
        return ThemeWish(shape, bars, part, self.canvas.steps, plan.key_at(bars.start), self._tones)

    def _put(self, notes: NDArray[np.void], bars: range, part: int) -> None:
        notes = notes.copy()
        notes["part"] = part
        # A locked melody stays the melody, and a locked part takes no other tune.
        held = [bar for bar in bars if self.locked[bar, part] or self._has_locked_lead(bar)]
        free = [bar for bar in bars if bar not in held]
        self.canvas.write([(bar, part) for bar in free], notes[~np.isin(notes["bar"], held)])
        self.writer.written[free, part] = True
        self.leads[free] = part

    def _has_locked_lead(self, bar: int) -> bool:
        return bool(self.leads[bar] >= 0 and self.locked[bar, self.leads[bar]])

    def _tones(self, bar: int, position: int) -> frozenset[int]:
        half = int(position >= self.canvas.half_step)
        chord = self.plan.chord_at(min(bar, self.plan.num_bars - 1), half)
        return frozenset() if chord.is_none else frozenset(chord.pitch_classes)

    def _scale(self, bar: int) -> frozenset[int]:
        return frozenset(self.plan.key_at(min(bar, self.plan.num_bars - 1)).scale)

    def _write_melody(self, section: PlanSection, theme: NDArray[np.void] | None) -> None:
        plan = self.plan
        bars = range(section.start_bar_index, section.end_bar_index)
        lead = self._lead(section)
        if lead < 0:
            return
        for placement in plan.placements:
            if placement.bar_index in bars and theme is not None:
                self._place(placement, theme)
        if section.returns_to is not None:
            self._copy_melody(section)
        for phrase in section.phrases:
            open_bars = [
                bar
                for bar in range(phrase.start_bar_index, phrase.end_bar_index)
                if self.leads[bar] < 0
            ]
            for run in runs(open_bars, longest=8):
                self.writer.write(run, [lead], self.melody_rng, lead=True)
                self._lean(run, lead, self.melody_rng)
                self.leads[run.start : run.stop] = lead

    def _lean(self, bars: range, part: int, rng: np.random.Generator) -> None:
        """Let fresh bars of a melody lean on their harmony here and there."""
        plan, notes = self.plan, self.canvas.part_notes(part)
        share = 0.0 if self._has_groove() else _LEANING.get(plan.genre, 0.45)
        fresh = lean(
            notes[(notes["bar"] >= bars.start) & (notes["bar"] < bars.stop)],
            rng,
            share=share,
            accent=self.writer.accent,
            beat_steps=plan.meter_value.beat_ticks // TICKS_PER_STEP,
            tones=self._tones,
            scale=self._scale,
            closes=lambda bar: plan.phrase_at(bar).end_bar_index == bar + 1,
            high=plan.parts[part].high,
        )
        self.canvas.write([(bar, part) for bar in bars], fresh)

    def _has_groove(self) -> bool:
        plan = self.plan
        return plan.genre in _RHYTHM_GENRES or any(part.is_drum for part in plan.parts)

    def _place(self, placement: ThemePlacement, theme: NDArray[np.void]) -> None:
        """Write a varied copy of the theme where the plan wants one."""
        plan = self.plan
        bars = range(placement.bar_index, placement.bar_index + placement.num_bars)
        first = min(plan.placements, key=lambda other: other.bar_index)
        if placement == first:
            return
        if placement.transform == "counter-melody":
            return  # the melody it answers comes first

        def version(steps: int) -> NDArray[np.void]:
            notes = transform_theme(
                theme,
                placement.transform,
                source_key=plan.key_at(first.bar_index),
                key=plan.key_at(placement.bar_index),
                bar_steps=self.canvas.steps,
                num_bars=placement.num_bars,
                transpose_steps=placement.transpose_steps + steps,
                beat_steps=plan.meter_value.beat_ticks // TICKS_PER_STEP,
            )
            notes["bar"] += placement.bar_index
            return notes

        part = plan.parts[placement.part_index]
        previous = self._melody_before(placement.bar_index, placement.part_index)

        def fitted(steps: int) -> NDArray[np.void]:
            return fit_to_chords(
                version(steps),
                self._tones,
                self.writer.accent,
                low=part.low,
                high=part.high,
                previous=previous,
                scale_at=self._scale,
                # Under other chords the melody is the one that was known, note for note.
                least_accent=9.0 if placement.transform == "reharmonise" else 0.5,
            )

        def cost(steps: int) -> float:
            strays = count_strays(version(steps), self._tones, self.writer.accent)
            line = fitted(steps)["pitch"].astype(np.int64)
            leaps = np.abs(np.diff(line if previous is None else np.r_[previous, line]))
            return float(strays + 0.3 * abs(steps) + 0.2 * np.maximum(leaps - 9, 0).sum())

        # A version that is new anyway starts on the step from which least has to be bent.
        notes = fitted(min(_NEAR_STEPS, key=cost) if placement.transform in _BENDING else 0)
        notes["origin"] = Origin.THEME
        silent = [bar for bar in bars if not (notes["bar"] == bar).any()]
        self._put(notes, bars, placement.part_index)
        # Bars that the theme leaves empty are open again for the network to continue.
        for bar in silent:
            if self._has_locked_lead(bar) or self.locked[bar, placement.part_index]:
                continue
            self.leads[bar] = -1
            self.writer.written[bar, placement.part_index] = False

    def _write_counter_melodies(self) -> None:
        """Set a line against the melody where the plan wants one."""
        plan = self.plan
        for placement in plan.placements:
            if placement.transform != "counter-melody":
                continue
            bars = range(placement.bar_index, placement.bar_index + placement.num_bars)
            part = placement.part_index
            bars = range(bars.start, min(bars.stop, plan.section_at(bars.start).end_bar_index))
            if (self.leads[bars.start : bars.stop] == part).any():
                continue
            notes = self.canvas.notes
            sung = (notes["bar"] >= bars.start) & (notes["bar"] < bars.stop)
            sung &= notes["part"] == self.leads[notes["bar"]]
            line = counter_melody(
                notes[sung],
                self._tones,
                bars=bars,
                bar_steps=self.canvas.steps,
                beat_steps=plan.meter_value.beat_ticks // TICKS_PER_STEP,
                low=plan.parts[part].low,
                high=plan.parts[part].high,
            )
            line["part"], line["origin"] = part, Origin.THEME
            self.canvas.write([(bar, part) for bar in bars], line)
            self.writer.written[bars.start : bars.stop, part] = True
            self.placed[bars.start : bars.stop, part] = True

    def _melody_before(self, bar: int, part: int) -> int | None:
        """The last pitch of the melody before a bar, if the same part sang it."""
        notes = self.canvas.part_notes(part)
        notes = notes[notes["bar"] == bar - 1]
        return int(notes["pitch"][-1]) if len(notes) and self.leads[bar - 1] == part else None

    def _copy_melody(self, section: PlanSection) -> None:
        """Copy what the placed theme leaves open from the section that returns.

        A share of the bars stays open, for the network to write anew.
        """
        plan = self.plan
        assert section.returns_to is not None
        source = plan.sections[section.returns_to]
        length = min(source.num_bars, section.num_bars)
        source_key = plan.key_at(source.start_bar_index)
        key = plan.key_at(section.start_bar_index)
        reopened = self._reopened(section, length)
        for offset in range(length):
            bar, origin = section.start_bar_index + offset, source.start_bar_index + offset
            part = int(self.leads[origin])
            taken = self.leads[bar] >= 0
            if taken or offset in reopened or part < 0 or part in section.parts_silent:
                continue
            notes = self.canvas.cell(origin, part).copy()
            notes["bar"] = bar
            notes["duration"] = np.minimum(
                notes["duration"],
                (section.start_bar_index + length - bar) * self.canvas.steps - notes["position"],
            )
            if key != source_key:
                shift = degree_shift(source_key, key)
                for note in notes:
                    degree, alteration = degree_of(int(note["pitch"]), source_key)
                    note["pitch"] = pitch_of(degree + shift, alteration, key)
            entry, previous = plan.parts[part], self._melody_before(bar, part)
            notes = fit_to_chords(
                notes,
                self._tones,
                self.writer.accent,
                low=entry.low,
                high=entry.high,
                previous=previous,
                scale_at=self._scale,
            )
            if previous is not None and len(notes) and abs(int(notes["pitch"][0]) - previous) > 12:
                continue  # out of reach from here: this bar is written anew
            notes["origin"] = np.where(
                notes["origin"] == Origin.HUMAN, Origin.THEME, notes["origin"]
            )
            self._put(notes, range(bar, bar + 1), part)

    def _reopened(self, section: PlanSection, length: int) -> set[int]:
        """Bars of a return that are written anew: the plan's share, never the opening bar.

        Bars before a cadence go first, where a listener expects the return to turn; a developed
        return goes its own way after its opening.
        """
        budget = round(section.edit_share * length)
        if section.edit_share >= DEVELOPED:
            return set(range(max(length - budget, 1), length))
        closing = [
            phrase.end_bar_index - 1 - section.start_bar_index - back
            for phrase in reversed(section.phrases)
            for back in (0, 1)
        ]
        others = self.melody_rng.permutation(np.arange(1, max(length, 1))).tolist()
        order = [bar for bar in dict.fromkeys([*closing, *others]) if 0 < bar < length]
        return set(order[:budget])


def runs(bars: list[int], longest: int) -> list[range]:
    """Cut sorted bars into contiguous ranges of at most ``longest``."""
    runs: list[range] = []
    for bar in bars:
        if runs and runs[-1].stop == bar and len(runs[-1]) < longest:
            runs[-1] = range(runs[-1].start, bar + 1)
        else:
            runs.append(range(bar, bar + 1))
    return runs
