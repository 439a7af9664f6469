"""Compose: a plan becomes a quantised score.

The order is a composer's: the theme first, then the melody of the whole piece (returns by copy,
then edit), then the parts around it, phrase by phrase. Melodies and the parts of classical
palettes come from the network; modern genres take drums, bass and comping from their style file.
Every accompaniment first gets a correct rule-based sketch, which pulls the network softly.

Public names: :func:`compose`, :class:`ComposeOptions`.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from leitmotiv.compose.accompaniment import accompaniment_part
from leitmotiv.compose.adventure import adventurous_writer
from leitmotiv.compose.appoggiatura import lean
from leitmotiv.compose.canvas import Canvas
from leitmotiv.compose.chord_edit import merge_bars
from leitmotiv.compose.counter_melody import counter_melody
from leitmotiv.compose.locked import canvas_locks, keep_locked
from leitmotiv.compose.part_writing import is_single_line
from leitmotiv.compose.repair import (
    breathe,
    close_cadences,
    hold_repeats,
    separate_repeats,
    tidy_part,
)
from leitmotiv.compose.rhythm_section import rhythm_section_part
from leitmotiv.compose.theme import (
    count_strays,
    degree_of,
    degree_shift,
    fit_to_chords,
    pitch_of,
    snap_to_chords,
    transform_theme,
)
from leitmotiv.compose.theme_wish import ThemeWish
from leitmotiv.compose.writer import Writer, WriterOptions
from leitmotiv.errors import ComposeError
from leitmotiv.models import EventModel, load_model
from leitmotiv.plan import Plan, PlanSection, ThemePlacement
from leitmotiv.plan.form import DEVELOPED
from leitmotiv.plan.locks import lock_under, locked_cells
from leitmotiv.score import Origin, Score
from leitmotiv.styles import Style, load_style
from leitmotiv.theory import TICKS_PER_QUARTER
from leitmotiv.tokens.grid import CELL_NOTE_DTYPE, TICKS_PER_STEP, grid_to_notes
from leitmotiv.tokens.vocabulary import MAX_BAR_STEPS, VOCABULARY_VERSION

__all__ = ["ComposeOptions", "compose"]

Progress = Callable[[float, str], None]

# Their accompaniment is a groove, with or without drums.
_RHYTHM_GENRES = frozenset(
    {
        *("rock", "pop", "funk", "electronic", "synthwave", "chiptune", "hip-hop", "lo-fi"),
        *("ambient", "jazz", "blues", "ragtime", "bossa", "tango", "folk", "celtic"),
    }
)


_LEANING = {"hymn": 0.2, "choral": 0.3}  # share of strong notes that may lean and do


_BENDING = ("invert", "fragment", "diminish", "meter change", "mode change")
_NEAR_STEPS = (0, 1, -1, 2, -2, 3, -3)


@dataclass(frozen=True)
class ComposeOptions:
    """Which weights write, and how hard they try.

    ``network_accompaniment`` False leaves accompaniments to the rules alone.
    """

    writer: WriterOptions = field(default_factory=WriterOptions)
    network_accompaniment: bool = True


def compose(
    plan: Plan,
    *,
    options: ComposeOptions = ComposeOptions(),
    rng: np.random.Generator,
    model: EventModel | None = None,
    progress: Progress | None = None,
) -> Score:
    """Write the notes of a plan.

    Parameters
    ----------
    plan : Plan
    options : ComposeOptions
        What the plan's ``adventure`` of 0.5 stands for.
    rng : numpy.random.Generator
        The same state gives the same notes on the same version.
    model : EventModel, optional
        The shipped composer by default.
    progress : callable (fraction, message), optional

    Returns
    -------
    Score
        Quantised, with the plan's maps; every note carries its origin.

    Raises
    ------
    ComposeError
        If the meter has bars longer than eight quarters.
    ModelError
        If the weights cannot be used.
    """
    if plan.bar_ticks // TICKS_PER_STEP > MAX_BAR_STEPS:
        raise ComposeError(
            f"meter={plan.meter!r} has bars longer than 8 quarters, which the composer cannot "
            "write; halve the meter, for example 6/4 instead of 12/4"
        )
    model = model or load_model()
    if model.vocabulary_version != VOCABULARY_VERSION:
        raise ComposeError(
            f"weights {model.name!r} have vocabulary version {model.vocabulary_version}; this "
            f"release needs {VOCABULARY_VERSION}; train or install them again"
        )
    options = replace(options, writer=adventurous_writer(plan.adventure, options.writer))
    tell = progress or (lambda fraction, message: None)
    if plan.edited_bars:
        again = copy.deepcopy(rng)  # the bars that stay must meet the same chances
        # Their locks were written over the chords that stand now.
        planned = plan.replace(
            chords=plan.planned_chords,
            chords_as_planned=None,
            locks=tuple(lock_under(lock, plan.planned_chords) for lock in plan.locks),
        )
        written = _Composer(planned, model, options, rng, tell)
        written.run()
        score = _Composer(plan, model, options, again, tell).rearrange(written, plan.edited_bars)
    else:
        score = _Composer(plan, model, options, rng, tell).run()
    return keep_locked(score, plan)


class _Composer:
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

    def run(self) -> Score:
        plan = self.plan
        theme = self._state_theme()
        for index, section in enumerate(plan.sections):
            self.progress(0.1 + 0.4 * index / len(plan.sections), f"melody of {section.label}")
            self._write_melody(section, theme)
        self._write_counter_melodies()
        self._write_accompaniment()
        for part in range(plan.num_parts):
            tidy_part(self.canvas, part)
        close_cadences(self.canvas, self.leads)
        for part in range(plan.num_parts):
            tidy_part(self.canvas, part)
            breathe(self.canvas, part)
        self.progress(1.0, "notes written")
        return separate_repeats(self.canvas.to_score())

    def rearrange(self, written: _Composer, bars: frozenset[int]) -> Score:
        """Arrange some bars of a written piece for this plan's chords; the others stay."""
        plan, before = self.plan, written.canvas.notes
        self.open_bars, self.leads = bars, written.leads
        self.writer.written |= written.writer.written
        self.canvas.write([], before)
        for bar in sorted(bars):
            for part in range(plan.num_parts):
                cell = self.canvas.cell(bar, part)
                if self.locked[bar, part]:
                    continue
                if part != self.leads[bar]:
                    self.canvas.write([(bar, part)], cell[:0])
                    self.writer.written[bar, part] = False
                elif not (cell["origin"] == Origin.HUMAN).any():  # a given theme stays as it is
                    fitted = snap_to_chords(cell, self._tones, self.writer.accent)
                    self.canvas.write([(bar, part)], fitted)
        self._write_counter_melodies()
        self._write_accompaniment()
        for part in range(plan.num_parts):
            tidy_part(self.canvas, part)
        # A drummer does not play chords: his strokes stay.
        struck = [index for index, part in enumerate(plan.parts) if part.is_drum]
        after = self.canvas.notes
        after = after[~np.isin(after["part"], struck)]
        drums = before[np.isin(before["part"], struck)]
        merged = merge_bars(
            before,
            np.concatenate([after, drums]),
            bars,
            bar_steps=self.canvas.steps,
            tones_at=self._tones,
            is_single=lambda part: is_single_line(plan, part),
            is_drum=lambda part: plan.parts[part].is_drum,
        )
        everywhere = [(bar, part) for bar in range(plan.num_bars) for part in range(plan.num_parts)]
        self.canvas.write(everywhere, merged)
        self.progress(1.0, f"{len(bars)} bars rearranged")
        return separate_repeats(self.canvas.to_score())

    # Theme and melody

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
        for run in _runs([bar for bar in bars if not self.locked[bar, part]], longest=16):
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
            for run in _runs(open_bars, longest=8):
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

    # Accompaniment

    def _melody_ticks(self) -> NDArray[np.void]:
        """The melody of the whole piece, whichever part has it, as NOTE_DTYPE in ticks."""
        pieces = []
        for part in range(self.plan.num_parts):
            notes = grid_to_notes(self.canvas.grid, part)
            bar = notes["onset"] // self.plan.bar_ticks
            pieces.append(notes[self.leads[bar] == part])
        melody = np.concatenate(pieces)
        return melody[np.argsort(melody["onset"], kind="stable")]

    def _is_rhythm_section(self, part: int, style: Style | None) -> bool:
        if style is None:
            return False
        if self.plan.parts[part].is_drum:
            return True
        return self._has_groove() and self.plan.parts[part].role in ("bass", "harmony", "pad")

    def _write_accompaniment(self) -> None:
        plan = self.plan
        style = load_style(plan.style) if plan.style else None
        melody = self._melody_ticks()
        sketches: dict[int, NDArray[np.void]] = {}
        generators = self.rule_rng.spawn(plan.num_parts)
        drums_style = style or load_style("pop")
        for part, entry in enumerate(plan.parts):
            if entry.role == "melody" and np.all(self.leads == part):
                continue
            if entry.is_drum or self._is_rhythm_section(part, style):
                notes = rhythm_section_part(
                    plan, part, drums_style, generators[part], melody=melody
                )
                self._fill_free(part, notes)
            elif entry.role != "melody":
                notes = accompaniment_part(plan, part, generators[part], melody=melody)
                if entry.role == "pad":  # held chords have nothing to invent
                    self._fill_free(part, notes)
                else:
                    sketches[part] = self._as_cells(part, notes)
        if not sketches:
            return
        if not self.options.network_accompaniment:
            for part, sketch in sketches.items():
                self._fill_free(part, None, sketch)
            return
        self._write_phrases(sketches)
        for part, sketch in sketches.items():
            if not (self.leads == part).any():
                hold_repeats(self.canvas, part, sketch)

    def _as_cells(self, part: int, notes: NDArray[np.void]) -> NDArray[np.void]:
        step = np.round(notes["onset"] / TICKS_PER_STEP).astype(np.int64)
        cells = np.zeros(len(notes), dtype=CELL_NOTE_DTYPE)
        cells["bar"], cells["position"] = np.divmod(step, self.canvas.steps)
        cells["part"], cells["origin"] = part, Origin.STYLE
        cells["duration"] = np.maximum(np.round(notes["duration"] / TICKS_PER_STEP), 1)
        cells["pitch"], cells["velocity"] = notes["pitch"], notes["velocity"]
        return cells[cells["bar"] < self.plan.num_bars]

    def _free_bars(self, part: int) -> list[int]:
        """Bars in which a part accompanies: it does not lead and is not told to rest."""
        return [
            bar
            for bar in range(self.plan.num_bars)
            if bar in self.open_bars
            and self.leads[bar] != part
            and not self.placed[bar, part]
            and part not in self.plan.silent_at(bar)
        ]

    def _fill_free(
        self, part: int, notes: NDArray[np.void] | None, cells: NDArray[np.void] | None = None
    ) -> None:
        """Write a rule-based part into its free bars as it stands."""
        if cells is None:
            assert notes is not None
            cells = self._as_cells(part, notes)
        free = self._free_bars(part)
        self.canvas.write([(bar, part) for bar in free], cells[np.isin(cells["bar"], free)])
        self.writer.written[free, part] = True

    def _write_phrases(self, sketches: dict[int, NDArray[np.void]]) -> None:
        """Let the network write the sketched parts by phrases; returns copy where they can."""
        plan = self.plan
        phrases = [
            (index, phrase)
            for index, section in enumerate(plan.sections)
            for phrase in section.phrases
        ]
        for number, (index, phrase) in enumerate(phrases):
            self.progress(
                0.5 + 0.45 * number / len(phrases), f"parts of {plan.sections[index].label}"
            )
            inside = range(phrase.start_bar_index, phrase.end_bar_index)
            for bars in _runs([bar for bar in inside if bar in self.open_bars], 8):
                for run, parts in self._same_parts(bars, sketches):
                    open_bars = [bar for bar in run if not self._copy_parts(index, bar, parts)]
                    for piece in _runs(open_bars, 8):
                        self.writer.write(
                            piece,
                            self._order(parts),
                            self.parts_rng,
                            sketches={part: sketches[part] for part in parts},
                        )

    def _same_parts(
        self, bars: range, sketches: dict[int, NDArray[np.void]]
    ) -> list[tuple[range, tuple[int, ...]]]:
        """Cut bars into runs in which the same parts accompany."""
        runs: list[tuple[range, tuple[int, ...]]] = []
        for bar in bars:
            silent = self.plan.silent_at(bar)
            parts = tuple(
                part
                for part in sketches
                if part not in silent and self.leads[bar] != part and not self.placed[bar, part]
            )
            if runs and runs[-1][1] == parts:
                runs[-1] = (range(runs[-1][0].start, bar + 1), parts)
            else:
                runs.append((range(bar, bar + 1), parts))
        return [(run, parts) for run, parts in runs if parts]

    def _order(self, parts: tuple[int, ...]) -> list[int]:
        """Bass first, then from the top down: the frame before what it holds."""
        rank = {"bass": 0, "counter": 1, "harmony": 2, "pad": 3}
        return sorted(parts, key=lambda part: (rank.get(self.plan.parts[part].role, 2), part))

    def _copy_parts(self, index: int, bar: int, parts: tuple[int, ...]) -> bool:
        """Copy a returning bar's accompaniment where melody, chords and parts are the same."""
        plan, section = self.plan, self.plan.sections[index]
        if section.returns_to is None or section.edit_share >= DEVELOPED:
            return False
        source = plan.sections[section.returns_to]
        origin = source.start_bar_index + bar - section.start_bar_index
        if origin >= source.end_bar_index or self.leads[bar] < 0:
            return False
        same = all(plan.chord_at(bar, half) == plan.chord_at(origin, half) for half in (0, 1))
        same = same and self.leads[bar] == self.leads[origin]
        same = same and all(self.writer.written[origin, part] for part in parts)
        if not same or not self._same_line(bar, origin, int(self.leads[bar])):
            return False
        for part in parts:
            notes = self.canvas.cell(origin, part).copy()
            notes["bar"] = bar
            self.canvas.write([(bar, part)], notes)
            self.writer.written[bar, part] = True
        return True

    def _same_line(self, bar: int, origin: int, part: int) -> bool:
        here, there = self.canvas.cell(bar, part), self.canvas.cell(origin, part)
        return len(here) == len(there) and all(
            np.array_equal(here[name], there[name]) for name in ("position", "pitch")
        )


def _runs(bars: list[int], longest: int) -> list[range]:
    """Cut sorted bars into contiguous ranges of at most ``longest``."""
    runs: list[range] = []
    for bar in bars:
        if runs and runs[-1].stop == bar and len(runs[-1]) < longest:
            runs[-1] = range(runs[-1].start, bar + 1)
        else:
            runs.append(range(bar, bar + 1))
    return runs
