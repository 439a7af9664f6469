"""Compose: a plan becomes a quantised score.

The order is a composer's: the theme first, then the melody of the whole piece (returns by copy,
then edit), then the parts around it, phrase by phrase. Melodies and the parts of classical
palettes come from the network; modern genres take drums, bass and comping from their style file.
Every accompaniment first gets a correct rule-based sketch, which pulls the network softly.

Public names: :func:`compose`, :class:`ComposeOptions`.
"""

from __future__ import annotations

import copy
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from leitmotiv.compose.accompaniment import accompaniment_part
from leitmotiv.compose.adventure import adventurous_writer
from leitmotiv.compose.chord_edit import merge_bars
from leitmotiv.compose.locked import keep_locked
from leitmotiv.compose.melody import ComposeOptions, MelodyStage, Progress, runs
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
    snap_to_chords,
)
from leitmotiv.errors import ComposeError
from leitmotiv.models import EventModel, load_model
from leitmotiv.plan import Plan
from leitmotiv.plan.form import DEVELOPED
from leitmotiv.plan.locks import lock_under
from leitmotiv.score import Origin, Score
from leitmotiv.styles import Style, load_style
from leitmotiv.tokens.grid import CELL_NOTE_DTYPE, TICKS_PER_STEP, grid_to_notes
from leitmotiv.tokens.vocabulary import MAX_BAR_STEPS, VOCABULARY_VERSION

__all__ = ["ComposeOptions", "compose"]


def compose(
    plan: Plan,
    *,
    options: ComposeOptions | None = None,
    rng: np.random.Generator,
    model: EventModel | None = None,
    progress: Progress | None = None,
) -> Score:
    """Write the notes of a plan.

    Parameters
    ----------
    plan : Plan
    options : ComposeOptions, optional
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
    options = options or ComposeOptions()
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


class _Composer(MelodyStage):
    """All stages in their order."""

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
            for bars in runs([bar for bar in inside if bar in self.open_bars], 8):
                for run, parts in self._same_parts(bars, sketches):
                    open_bars = [bar for bar in run if not self._copy_parts(index, bar, parts)]
                    for piece in runs(open_bars, 8):
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
