"""The writer: asks the network for a region of bars × parts and keeps the best candidate.

A region is written in a window of at most sixteen bars with what stands before and after it in
view. Cells that nobody has written yet are not shown, so the network does not take them for rests.

Public names: :class:`Writer`, :class:`WriterOptions`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from leitmotiv.compose.canvas import Canvas
from leitmotiv.compose.cell_rule import Bar, CellRule, GuidanceOptions, Sounding
from leitmotiv.compose.copy_guard import LONGEST_COPY, CopyGuard
from leitmotiv.compose.guidance import GuidanceFilter
from leitmotiv.compose.journal import Written, active_journal
from leitmotiv.compose.part_writing import hand_reach, is_single_line, keep_order
from leitmotiv.compose.ranking import Passage, accompaniment_score, melody_score
from leitmotiv.compose.theme_wish import ThemeWish
from leitmotiv.compose.window_review import window_badness
from leitmotiv.models import DecodeOptions, EventModel, Prompt, RowState, TargetCell, decode
from leitmotiv.score import Origin
from leitmotiv.tokens import tags
from leitmotiv.tokens.grid import TICKS_PER_STEP
from leitmotiv.tokens.sequence import COLUMN, Window, events_to_notes, lay_out
from leitmotiv.tokens.vocabulary import END, HEADER, POSITION_OFFSET

__all__ = ["Writer", "WriterOptions"]

_MAX_WINDOW_BARS = 16
_MAX_PROMPT_EVENTS = 640
_LOOSE = 0.4  # share of the sketch's pull that is left when its passage is drawn again
_LIVELINESS = {
    **{"folk": 1.4, "celtic": 1.6, "ragtime": 1.4, "baroque": 1.4},
    **{"hymn": 0.65, "choral": 0.48},
}
_PLAIN = {"hymn": 2.0, "choral": 0.4}
_EVEN = ("folk", "celtic", "baroque", "hymn", "ragtime")
_VOICES, _VOICE, _ORGAN = (52, 53, 54, 91), 16, 2
_LOW = 48
_SLOW_SPEAKERS = {_ORGAN: 0.5, _VOICE: 0.7}  # organs and voices have to breathe or to ring
_COUNTER_FREEDOM = 0.3  # share of the sketch's pull that a counter-melody feels


@dataclass(frozen=True)
class WriterOptions:
    """How the network is asked.

    ``num_candidates`` versions of a melody are drawn and ``num_accompaniments`` of the other parts;
    ``sketch_weight`` (logits) pulls accompaniments towards their rule-based sketch; ``guidance``
    says which rules hold; ``longest_copy`` caps the notes in a row that a part may share with one
    training piece (None: no cap). ``review_weight`` times what its findings of ``review`` weigh is
    taken from a candidate's score (0: review is not asked); where those of every candidate weigh
    ``redraw_from`` or more, as many are drawn again with a looser sketch.
    """

    num_candidates: int = 12
    num_accompaniments: int = 4
    temperature: float = 0.95
    min_p: float = 0.06
    sketch_weight: float = 5.0
    guidance: GuidanceOptions = field(default_factory=GuidanceOptions)
    longest_copy: int | None = LONGEST_COPY
    review_weight: float = 1.0
    redraw_from: float = 0.1


class Writer:
    """Writes regions of a canvas with a score model."""

    def __init__(
        self, canvas: Canvas, model: EventModel, options: WriterOptions = WriterOptions()
    ) -> None:
        self.canvas, self.model, self.options = canvas, model, options
        self.copy_guard = CopyGuard(options.longest_copy)
        plan = canvas.plan
        meter = plan.meter_value
        self.accent = np.asarray(
            [meter.accent(step * TICKS_PER_STEP) for step in range(canvas.steps)]
        )
        self.written = np.zeros((plan.num_bars, plan.num_parts), dtype=bool)

    def write(
        self,
        bars: range,
        parts: Sequence[int],
        rng: np.random.Generator,
        *,
        sketches: Mapping[int, NDArray[np.void]] | None = None,
        lead: bool = False,
        num_candidates: int | None = None,
        wish: ThemeWish | None = None,
    ) -> float:
        """Write cells ``bars`` × ``parts`` and return the winner's score.

        Parameters
        ----------
        bars : range
            At most sixteen.
        parts : sequence of int
            Part indices; the first is written first in every bar.
        sketches : mapping from part index to canvas notes, optional
            Rule-based versions of the parts that pull the network.
        lead : bool
            Rank as a melody (one part) instead of as accompaniment.
        num_candidates : int, optional
            Versions to choose from; by the writer's options where not given.
        wish : ThemeWish, optional
            Shape of a theme that the lead states here.
        """
        if wish is not None:
            sketches = {**(sketches or {}), wish.part: wish.sketch()}
        window, rules = self._prepare(bars, parts, sketches or {}, lead)
        targets = [
            TargetCell(
                conditions=window.conditions[bar, slot],
                start_time=float(window.bar_time[bar]),
                header=(HEADER, 0, 0, 0),
                end=END,
                first_position=POSITION_OFFSET,
                max_events=24 if rule.single_line else 40,
            )
            for (bar, slot), rule in zip(window.cells[window.num_context :], rules, strict=True)
        ]
        options = self.options
        usual = options.num_candidates if lead else options.num_accompaniments
        rows: list[tuple[RowState, list[CellRule]]] = []
        faults: list[float] = []

        def draw(rules: list[CellRule] = rules) -> list[tuple[float, NDArray[np.void]]]:
            drawn = decode(
                self.model,
                Prompt(window.events, window.event_conditions(), window.time),
                targets,
                rng,
                num_candidates=num_candidates or usual,
                filters=[GuidanceFilter(rules, options.guidance)],
                options=DecodeOptions(
                    temperature=(options.temperature,) * 4, min_p=options.min_p, num_fields=3
                ),
            )
            rows.extend((row, rules) for row in drawn)
            scored = []
            for row in drawn:
                score, notes = self._score(row, window, bars, parts, sketches or {}, lead)
                faults.append(self._faults(notes, bars, parts))
                if wish is not None:
                    score += wish.score(notes)
                scored.append((score - options.review_weight * faults[-1], notes))
            return scored

        scored = draw()
        if sketches and min(faults) >= options.redraw_from:
            # What all candidates share comes from the sketch: try again with less of it.
            loose = [replace(rule, sketch_weight=_LOOSE * rule.sketch_weight) for rule in rules]
            scored += draw(loose)
        stands = self.canvas.notes
        inside = (stands["bar"] < bars.start) & (stands["bar"] >= bars.start - 8)
        before = stands[inside & np.isin(stands["part"], list(parts))]
        scored = self.copy_guard.judge(scored, before, self.canvas.steps, draw)
        best = int(np.argmax([score for score, _ in scored]))
        score, notes = scored[best]
        journal = active_journal()
        if journal is not None:
            ranks = tuple(value for value, _ in scored)
            row, held = rows[best]
            journal.request = Written(bars, window, held, options.guidance, row, ranks, best, lead)
        self.canvas.write([(bar, part) for bar in bars for part in parts], notes)
        for part in parts:
            self.written[bars.start : bars.stop, part] = True
        return score

    def _prepare(
        self,
        bars: range,
        parts: Sequence[int],
        sketches: Mapping[int, NDArray[np.void]],
        lead: bool,
    ) -> tuple[Window, list[CellRule]]:
        plan = self.canvas.plan
        before = max(_MAX_WINDOW_BARS - len(bars), 0)
        after = min(before // 3, 4, plan.num_bars - bars.stop)
        start = max(bars.start - (before - after), 0)
        stop = bars.stop + after
        counts = np.zeros((plan.num_bars, plan.num_parts), dtype=np.int64)
        np.add.at(counts, (self.canvas.notes["bar"], self.canvas.notes["part"]), 1)
        while start < bars.start and counts[start:stop].sum() > _MAX_PROMPT_EVENTS:
            start += 1
        shown_parts = np.asarray(self.written[start:stop].any(axis=0))
        shown_parts[list(parts)] = True
        chosen = np.flatnonzero(shown_parts)[:16]
        target = np.zeros((stop - start, len(chosen)), dtype=bool)
        slots = [int(np.searchsorted(chosen, part)) for part in parts]
        target[bars.start - start : bars.stop - start, slots] = True
        window = lay_out(
            self.canvas.grid,
            start=start,
            num_bars=stop - start,
            parts=chosen.tolist(),
            target=target,
            shown=self.written[start:stop][:, chosen],
            part_order=slots,
            known_velocity=False,
        )
        self._state_wishes(window, sketches, lead)
        rules = [
            self._rule(window, bar, slot, sketches, lead)
            for bar, slot in window.cells[window.num_context :]
        ]
        return window, rules

    def _state_wishes(
        self, window: Window, sketches: Mapping[int, NDArray[np.void]], lead: bool
    ) -> None:
        """Overwrite density, register and polyphony of target cells by what is wanted."""
        plan = self.canvas.plan
        for bar, slot in window.cells[window.num_context :]:
            part, absolute = window.parts[slot], window.start + bar
            conditions = window.conditions[bar, slot]
            sketch = sketches.get(part)
            low, high = self._range(part)
            middle = (low + high) / 2
            if sketch is not None:
                here = sketch[sketch["bar"] == absolute]
                count = len(np.unique(here["position"])) if lead else len(here)
                density = int(tags.density_id(count, self.canvas.steps))
                if lead:  # a theme's sketch says where it begins and ends
                    density = max(density, self._melody_density(absolute))
                if plan.parts[part].role == "counter" and len(here):
                    # A counter-melody is a melody, one degree calmer than the one it answers.
                    density = max(density, self._melody_density(absolute) - 1)
                conditions[COLUMN["density"]] = density
                middle = float(here["pitch"].mean()) if len(here) else middle
            else:
                conditions[COLUMN["density"]] = self._melody_density(absolute)
            if lead:
                conditions[COLUMN["role"]] = tags.role_id("melody")
                middle = low + self._lift(absolute, part) * (high - low)
            conditions[COLUMN["register"]] = int(tags.register_id(middle + window.shift))
            conditions[COLUMN["polyphony"]] = 1 if lead or is_single_line(plan, part) else 3

    def _lift(self, bar: int, part: int) -> float:
        """Where in its range a melody lies: higher with the energy of its section."""
        energies = [section.energy for section in self.canvas.plan.sections]
        least, most = min(energies), max(energies)
        here = self.canvas.plan.section_at(bar).energy
        rise = (here - least) / (most - least) if most - least > 0.05 else 0.5
        if self._singer() == _VOICE:
            return 0.45 + 0.15 * rise
        if self._range(part)[0] < _LOW:
            return 0.3 + 0.25 * rise  # a cello sings in its middle, not in the violin's place
        return 0.3 + 0.35 * rise

    def _melody_density(self, bar: int) -> int:
        """Density id of a melody bar: livelier with energy, calmer at a phrase's end."""
        plan = self.canvas.plan
        energy, meter = plan.section_at(bar).energy, plan.meter_value
        per_beat = (0.8 + 1.2 * energy) * min(max(96.0 / plan.bpm_at(bar), 0.6), 1.5)
        # A rhythm section moves by itself; without one the tune and its company have to.
        usual = 1.0 if any(part.is_drum for part in plan.parts) else 1.4
        per_beat *= _LIVELINESS.get(plan.genre, usual)
        per_beat *= _SLOW_SPEAKERS.get(self._singer(), 1.0)
        per_quarter = per_beat * (1.35 if meter.is_compound else 1.0) * 480 / meter.beat_ticks
        phrase = plan.phrase_at(bar)
        # Bars move at different speeds: a statement, an answer, a run to the goal, the goal. Where
        # the notes run evenly they differ little.
        goal, run, answer = (0.8, 1.1, 1.0) if self._runs_evenly() else (0.55, 1.35, 0.8)
        if bar == phrase.end_bar_index - 1:
            per_quarter *= goal
        elif bar == phrase.end_bar_index - 2 and phrase.num_bars >= 4:
            per_quarter *= run
        elif (bar - phrase.start_bar_index) % 2:
            per_quarter *= answer
        return int(tags.density_id(per_quarter * 100, 2400))

    def _runs_evenly(self) -> bool:
        return self.canvas.plan.genre in _EVEN or self._singer() == _ORGAN

    def _singer(self) -> int:
        """General MIDI family (0-15) of the part whose role is the melody; 16 for voices."""
        for part in self.canvas.plan.parts:
            if part.role == "melody":
                return _VOICE if part.program in _VOICES else part.program // 8
        return -1

    def _range(self, part: int) -> tuple[int, int]:
        chosen = self.canvas.plan.parts[part]
        return chosen.low, chosen.high

    def _rule(
        self,
        window: Window,
        bar: int,
        slot: int,
        sketches: Mapping[int, NDArray[np.void]],
        lead: bool,
    ) -> CellRule:
        canvas, plan, shift = self.canvas, self.canvas.plan, window.shift
        part, absolute = window.parts[slot], window.start + bar
        chords = [plan.chord_at(absolute, half) for half in (0, 1)]
        tones = [
            frozenset((pc + shift) % 12 for pc in chord.pitch_classes)
            if not chord.is_none
            else frozenset()
            for chord in chords
        ]
        roots = [-1 if c.is_none else (c.bass_pitch_class + shift) % 12 for c in chords]
        scale = frozenset((pc + shift) % 12 for pc in plan.key_at(absolute).scale)
        phrase = plan.phrase_at(absolute)
        ends_phrase = absolute == phrase.end_bar_index - 1
        closing: dict[int, float] = {}
        goal = chords[plan.goal_half(absolute)] if ends_phrase else chords[1]
        if lead and ends_phrase and not goal.is_none:
            root = (goal.root_pitch_class + shift) % 12
            if phrase.cadence in ("authentic", "plagal"):
                closing = {root: 2.5, (root + 4) % 12: 0.3, (root + 3) % 12: 0.3}
            elif phrase.cadence == "half":
                closing = {(root + 7) % 12: 1.0, (root + 4) % 12: 1.0, root: 0.5}
        section_end = absolute == plan.section_at(absolute).end_bar_index - 1
        slack = 0 if section_end or ends_phrase else canvas.steps
        previous = canvas.part_notes(part)
        previous = previous[previous["bar"] < absolute]
        following = canvas.cell(absolute + 1, part) if lead else previous[:0]
        low, high = self._range(part)
        return CellRule(
            part=slot,
            bar=bar,
            low=max(low + shift, 1),
            high=min(high + shift, 127),
            single_line=lead or is_single_line(plan, part),
            steps=canvas.steps,
            boundary=canvas.steps + slack,
            chord_starts=(0, self.canvas.half_step) if chords[0] != chords[1] else (0,),
            chord_tones=tones if chords[0] != chords[1] else tones[:1],
            chord_roots=roots if chords[0] != chords[1] else roots[:1],
            scale=scale,
            accent=self.accent,
            min_notes=1
            if lead
            else int(part in sketches and self._sketched(sketches[part], absolute)),
            closing=closing,
            sketch=self._sketch(sketches.get(part), absolute, shift),
            sketch_weight=self.options.sketch_weight
            * (_COUNTER_FREEDOM if plan.parts[part].role == "counter" else 1.0),
            other_lines=self._sounding(absolute, part, shift),
            sides={
                other: keep_order(plan, part, window.parts[other])
                for other in range(len(window.parts))
            },
            reach=hand_reach(plan, part),
            lift=self._lift(absolute, part),
            is_sung=self._singer() == _VOICE,
            plainness=_PLAIN.get(plan.genre, 0.0),
            beat_steps=plan.meter_value.beat_ticks // TICKS_PER_STEP,
            history=self._history(window, part)
            if lead or plan.parts[part].role == "counter"
            else (),
            is_bass=plan.parts[part].role == "bass" and not lead,
            is_melody=lead,
            long_close=lead and ends_phrase,
            previous_pitch=int(previous["pitch"][-1]) + shift if len(previous) else None,
            previous_root=self._last_root(absolute, shift),
            next_pitch=int(following["pitch"][0]) + shift if len(following) else None,
        )

    def _last_root(self, bar: int, shift: int) -> int:
        """Bass pitch class of the chord before a bar, -1 for none."""
        if bar == 0:
            return -1
        chord = self.canvas.plan.chord_at(bar - 1, 1)
        return -1 if chord.is_none else (chord.bass_pitch_class + shift) % 12

    @staticmethod
    def _sketched(sketch: NDArray[np.void], bar: int) -> bool:
        return bool((sketch["bar"] == bar).any())

    @staticmethod
    def _sketch(
        sketch: NDArray[np.void] | None, bar: int, shift: int
    ) -> dict[int, tuple[tuple[int, ...], int]]:
        if sketch is None:
            return {}
        here = sketch[sketch["bar"] == bar]
        table: dict[int, tuple[tuple[int, ...], int]] = {}
        for position in np.unique(here["position"]):
            chosen = here[here["position"] == position]
            pitches = tuple((chosen["pitch"] + shift).tolist())
            table[int(position)] = (pitches, int(chosen["duration"].max()))
        return table

    def _history(self, window: Window, part: int) -> tuple[Bar, ...]:
        """What a line plays in the eight bars before the region."""
        first = window.start + window.cells[window.num_context][0]
        bars: list[Bar] = []
        for bar in range(max(first - 8, 0), first):
            cell = self.canvas.cell(bar, part)
            pitches = (cell["pitch"].astype(np.int64) + window.shift).tolist()
            bars.append(tuple(zip(cell["position"].tolist(), pitches, strict=True)))
        return tuple(bars)

    def _sounding(self, bar: int, part: int, shift: int) -> list[Sounding]:
        """Written notes of other pitched parts that sound in a bar."""
        canvas = self.canvas
        found: list[Sounding] = []
        for other in range(canvas.plan.num_parts):
            if other == part or canvas.grid.is_drum[other]:
                continue
            side = keep_order(canvas.plan, part, other)
            notes = canvas.part_notes(other)
            notes = notes[(notes["bar"] >= bar - 4) & (notes["bar"] <= bar)]
            start = (notes["bar"].astype(np.int64) - bar) * canvas.steps + notes["position"]
            end = start + notes["duration"]
            pitch = notes["pitch"].astype(np.int64) + shift
            previous = np.concatenate([[-1], pitch])[: len(pitch)]
            for index in np.flatnonzero(end > 0).tolist():
                begin, stop = int(start[index]), int(end[index])
                before = int(previous[index])
                found.append(Sounding(begin, stop, int(pitch[index]), before, side))
        return found

    def _score(
        self,
        row: RowState,
        window: Window,
        bars: range,
        parts: Sequence[int],
        sketches: Mapping[int, NDArray[np.void]],
        lead: bool,
    ) -> tuple[float, NDArray[np.void]]:
        notes = events_to_notes(window, row.cells, Origin.MODEL)
        likelihood = row.log_probability / max(row.num_choices, 1)
        total = 0.5 * likelihood
        for part in parts:
            mine = notes[notes["part"] == part]
            passage = self.passage(mine, bars)
            if lead:
                total += melody_score(passage)
            else:
                sketch = sketches.get(part)
                wanted = (
                    len(mine)
                    if sketch is None
                    else int(((sketch["bar"] >= bars.start) & (sketch["bar"] < bars.stop)).sum())
                )
                total += accompaniment_score(
                    passage,
                    self._around(notes[notes["part"] != part], bars, parts),
                    is_bass=self.canvas.plan.parts[part].role == "bass",
                    wanted_notes=wanted,
                ) / len(parts)
        return total, notes

    def _faults(self, notes: NDArray[np.void], bars: range, parts: Sequence[int]) -> float:
        """What review would find in a passage if these notes were kept, 0 where it is not asked.

        Review reads all parts together, so it judges the passage and not each part.
        """
        if not self.options.review_weight:
            return 0.0
        stands = self.canvas.notes
        replaced = (stands["bar"] >= bars.start) & (stands["bar"] < bars.stop)
        replaced &= np.isin(stands["part"], list(parts))
        near = (stands["bar"] >= bars.start - 1) & (stands["bar"] < bars.stop)
        company = ~np.isin(stands["part"], list(parts)) & (stands["bar"] >= bars.start)
        if len(parts) == 1 and not (near & company).any():
            return 0.0  # a line by itself is judged by its ranking
        together = np.concatenate([stands[near & ~replaced], notes])
        return window_badness(self.canvas.plan, together, bars, steps=self.canvas.steps)

    def _around(
        self, fresh: NDArray[np.void], bars: range, parts: Sequence[int]
    ) -> list[tuple[int, int, int]]:
        """Notes of the other parts in a passage: what stands and what this candidate adds."""
        notes = self.canvas.notes
        stands = (notes["bar"] >= bars.start) & (notes["bar"] < bars.stop)
        stands &= ~np.isin(notes["part"], list(parts)) & ~self.canvas.grid.is_drum[notes["part"]]
        together = np.concatenate([notes[stands], fresh])
        start = (together["bar"] - bars.start) * self.canvas.steps + together["position"]
        return list(
            zip(
                start.tolist(),
                (start + together["duration"]).tolist(),
                together["pitch"].tolist(),
                strict=True,
            )
        )

    def passage(self, notes: NDArray[np.void], bars: range) -> Passage:
        """View canvas notes of one part as a passage to rank."""
        plan, steps = self.canvas.plan, self.canvas.steps

        def chord(step: int) -> tuple[int, int]:
            bar = min(max(bars.start + step // steps, 0), plan.num_bars - 1)
            return bar, int(step % steps >= self.canvas.half_step)

        def tones(step: int) -> frozenset[int]:
            found = plan.chord_at(*chord(step))
            return frozenset() if found.is_none else frozenset(found.pitch_classes)

        def roots(step: int) -> int:
            found = plan.chord_at(*chord(step))
            return -1 if found.is_none else found.bass_pitch_class

        last = plan.phrase_at(bars.stop - 1)
        closing: frozenset[int] = frozenset()
        final = plan.chord_at(bars.stop - 1, plan.goal_half(bars.stop - 1))
        if last.end_bar_index == bars.stop and not final.is_none:
            tonic = {final.root_pitch_class}
            authentic = last.cadence in ("authentic", "plagal")
            closing = frozenset(tonic if authentic else final.pitch_classes)
        return Passage(
            onset=(notes["bar"].astype(np.int64) - bars.start) * steps + notes["position"],
            duration=notes["duration"].astype(np.int64),
            pitch=notes["pitch"].astype(np.int64),
            bar_steps=steps,
            num_bars=len(bars),
            accent=self.accent,
            tones=tones,
            roots=roots,
            scale=lambda step: frozenset(plan.key_at(chord(step)[0]).scale),
            closing=closing,
            steps_per_sec=plan.qpm_at(bars.start) / 60 * 24,
        )
