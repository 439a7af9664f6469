"""The Plan: every decision about a piece before a note is written.

Purpose: the editable middle between a brief and a score. Each field can be changed by hand and
read back; a plan that contradicts itself is refused with one line.

Conventions:

- Bars count from 0 (``bar_index``); one meter holds for the whole plan.
- Chords are Harte symbols, one for each half bar: entry ``2 * bar_index + half``. The second
  half starts at tick :attr:`Plan.half_tick` of the bar, on the group start nearest the middle
  (beat 3 of 3/4 and of 4/4).
- ``bpm`` counts felt beats a minute; :meth:`Plan.qpm_at` gives quarters a minute.

Public names: :class:`Plan` and its records :class:`PlanPart`, :class:`PlanPhrase`,
:class:`PlanSection`, :class:`PlanChord`, :class:`ThemePlacement`, :class:`PlanTempo`;
:func:`plan_json_schema`, :data:`SCHEMA_VERSION`.
"""

from __future__ import annotations

import hashlib
import json
from bisect import bisect_right
from functools import cached_property, lru_cache
from itertools import pairwise
from typing import Any, ClassVar, Literal, Self

from pydantic import Field, field_validator, model_validator

from leitmotiv.errors import LeitmotivError, PlanError
from leitmotiv.plan.brief import MAX_BARS, MAX_BPM, MAX_SEED, MIN_BPM, Brief, check_meter
from leitmotiv.plan.drums import DrumControls
from leitmotiv.plan.locks import PlanLock, check_locks
from leitmotiv.plan.theme_shape import ThemeShape
from leitmotiv.plan.validation import Noun
from leitmotiv.theory import TICKS_PER_QUARTER, ChordSymbol, Key, Meter

__all__ = [
    "MAX_PARTS",
    "SCHEMA_VERSION",
    "Cadence",
    "Plan",
    "PlanChord",
    "PlanPart",
    "PlanPhrase",
    "PlanSection",
    "PlanTempo",
    "Role",
    "Texture",
    "ThemePlacement",
    "Transform",
    "plan_json_schema",
]

SCHEMA_VERSION = 1
MAX_PARTS = 16

Role = Literal["melody", "counter", "harmony", "bass", "pad", "drums"]
Cadence = Literal["authentic", "half", "deceptive", "plagal", "none"]
Texture = Literal["solo", "sparse", "homophonic", "polyphonic", "full"]
Transform = Literal[
    "statement",
    "repeat",
    "sequence",
    "ornament",
    "invert",
    "augment",
    "diminish",
    "fragment",
    "mode change",
    "meter change",
    "reharmonise",
    "counter-melody",
]


@lru_cache(maxsize=4096)
def _chord(symbol: str) -> ChordSymbol:
    return ChordSymbol.parse(symbol)


@lru_cache(maxsize=256)
def _key(name: str) -> Key:
    return Key.parse(name)


@lru_cache(maxsize=64)
def _meter(name: str) -> Meter:
    return Meter.parse(name)


class _PlanRecord(Noun):
    fault: ClassVar[type[LeitmotivError]] = PlanError
    noun: ClassVar[str] = "plan"


class PlanPart(_PlanRecord):
    """One player's line."""

    name: str = Field(min_length=1, max_length=100, description="Name shown in the score.")
    instrument: str = Field(min_length=1, description="General MIDI instrument name.")
    program: int = Field(ge=0, le=127, description="General MIDI program, from 0.")
    is_drum: bool = Field(default=False, description="Plays the drum kit (channel 10).")
    role: Role = Field(description="Task of the part in the texture.")
    low: int = Field(ge=0, le=127, description="Lowest MIDI pitch the part may play.")
    high: int = Field(ge=0, le=127, description="Highest MIDI pitch the part may play.")
    rack: str = Field(
        default="",
        max_length=500,
        description="Effects: a preset of `leitmotiv rack presets` or a rack file; empty for none.",
    )

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.high < self.low:
            raise ValueError(
                f"high={self.high} of part {self.name!r} must be at least low={self.low}; "
                "swap or widen the range"
            )
        if self.is_drum != (self.role == "drums"):
            raise ValueError(
                f"role={self.role!r} of part {self.name!r} must be 'drums' exactly where is_drum "
                "is true; change one of the two"
            )
        return self


class PlanPhrase(_PlanRecord):
    """A breath of music that ends with a cadence in its last bar."""

    start_bar_index: int = Field(ge=0, lt=MAX_BARS, description="First bar, counted in the piece.")
    num_bars: int = Field(ge=1, le=MAX_BARS, description="Length in bars.")
    cadence: Cadence = Field(description="How the last bar closes.")
    parts_silent: tuple[int, ...] = Field(
        default=(), description="Indices of parts that rest in this phrase beside the section's."
    )

    @property
    def end_bar_index(self) -> int:
        """Bar after the last one."""
        return self.start_bar_index + self.num_bars


class PlanSection(_PlanRecord):
    """A part of the form with its own key, energy and texture."""

    label: str = Field(
        min_length=1,
        max_length=20,
        description="Letter of the form: A, B, A'; A'5 where A stands for the fifth time.",
    )
    name: str = Field(min_length=1, max_length=60, description="What it is: theme, contrast, coda.")
    start_bar_index: int = Field(ge=0, lt=MAX_BARS, description="First bar.")
    num_bars: int = Field(ge=1, le=MAX_BARS, description="Length in bars.")
    key: str = Field(description="Key of the section, such as 'D minor'.")
    energy: float = Field(ge=0, le=1, description="From still (0) to climax (1).")
    texture: Texture = Field(description="How many parts take part, and how.")
    returns_to: int | None = Field(
        default=None, ge=0, description="Index of the earlier section that this one repeats."
    )
    edit_share: float = Field(
        default=0.0, ge=0, le=1, description="Share of bars written anew in a return."
    )
    phrases: tuple[PlanPhrase, ...] = Field(min_length=1, description="Phrases that tile it.")
    parts_silent: tuple[int, ...] = Field(
        default=(), description="Indices of parts that rest throughout the section."
    )

    @field_validator("key")
    @classmethod
    def _check_key(cls, key: str) -> str:
        return str(_key(key))

    @property
    def end_bar_index(self) -> int:
        """Bar after the last one."""
        return self.start_bar_index + self.num_bars


class PlanChord(_PlanRecord):
    """The harmony of one half bar."""

    bar_index: int = Field(ge=0, lt=MAX_BARS, description="Bar, from 0.")
    half: Literal[0, 1] = Field(description="First (0) or second (1) half of the bar.")
    symbol: str = Field(description="Harte chord symbol, such as 'G:7'; 'N' for none.")

    @field_validator("symbol")
    @classmethod
    def _check_symbol(cls, symbol: str) -> str:
        return str(_chord(symbol))


class ThemePlacement(_PlanRecord):
    """Where the theme stands and what happens to it there."""

    bar_index: int = Field(ge=0, lt=MAX_BARS, description="First bar.")
    num_bars: int = Field(ge=1, le=MAX_BARS, description="Bars it fills.")
    part_index: int = Field(ge=0, lt=MAX_PARTS, description="Part that plays it.")
    transform: Transform = Field(description="What is done to the theme.")
    transpose_steps: int = Field(
        default=0, ge=-14, le=14, description="Diatonic steps it is moved, in the section's key."
    )


class PlanTempo(_PlanRecord):
    """A tempo from the start of a bar on."""

    bar_index: int = Field(ge=0, lt=MAX_BARS, description="Bar, from 0.")
    bpm: float = Field(ge=MIN_BPM, le=MAX_BPM, description="Felt beats a minute.")


class Plan(_PlanRecord):
    """All decisions about one piece.

    Raises
    ------
    PlanError
        One line naming the field, its value, the rule it breaks and what to do.
    """

    schema_version: int = Field(default=SCHEMA_VERSION, description="Version of this format.")
    title: str = Field(max_length=200, description="Title of the piece.")
    brief: Brief = Field(default_factory=Brief, description="The request it answers.")
    seed: int = Field(default=0, ge=0, le=MAX_SEED, description="Seed of every later choice.")
    genre: str = Field(description="Genre, a name of the vocabulary.")
    style: str | None = Field(default=None, description="Style file that serves it, if any.")
    drums: DrumControls = Field(
        default_factory=DrumControls, description="How the drummer plays, where there is one."
    )
    adventure: float = Field(
        default=0.5,
        ge=0,
        le=1,
        description="How freely the notes are chosen: 0 conventional, 0.5 as usual, 1 adventurous.",
    )
    key: str = Field(description="Main key, such as 'D minor'.")
    meter: str = Field(description="Time signature, such as '3/4'.")
    num_bars: int = Field(ge=1, le=MAX_BARS, description="Length in bars.")
    tempos: tuple[PlanTempo, ...] = Field(min_length=1, description="Tempo map by bars.")
    sections: tuple[PlanSection, ...] = Field(min_length=1, description="Sections that tile it.")
    chords: tuple[PlanChord, ...] = Field(description="Two chords a bar, in order.")
    chords_as_planned: tuple[str, ...] | None = Field(
        default=None,
        description="Symbols of the chords as the planner wrote them: where 'chords' says "
        "otherwise, those bars alone are arranged anew. Null composes the whole from 'chords'.",
    )
    parts: tuple[PlanPart, ...] = Field(
        min_length=1, max_length=MAX_PARTS, description="Palette, from the top of the score down."
    )
    placements: tuple[ThemePlacement, ...] = Field(
        default=(), description="Where the theme stands, in order of bars."
    )
    theme: ThemeShape | None = Field(
        default=None,
        description="Shape of the theme that is invented; null leaves it free. Without effect "
        "where the brief gives a theme.",
    )
    loop: tuple[int, int] | None = Field(
        default=None, description="First bar of the loop and the bar after its last."
    )

    locks: tuple[PlanLock, ...] = Field(
        default=(), description="Bars and parts that stay note for note."
    )

    @field_validator("schema_version")
    @classmethod
    def _check_version(cls, version: int) -> int:
        if version != SCHEMA_VERSION:
            raise ValueError(
                f"schema_version={version} must be {SCHEMA_VERSION}; "
                "make the plan again with this version of Leitmotiv"
            )
        return version

    @field_validator("key")
    @classmethod
    def _check_key(cls, key: str) -> str:
        return str(_key(key))

    @field_validator("meter")
    @classmethod
    def _check_meter(cls, meter: str) -> str:
        return check_meter(meter)

    @field_validator("chords_as_planned")
    @classmethod
    def _check_planned(cls, symbols: tuple[str, ...] | None) -> tuple[str, ...] | None:
        return None if symbols is None else tuple(str(_chord(symbol)) for symbol in symbols)

    @model_validator(mode="after")
    def _check_whole(self) -> Self:
        self._check_sections()
        self._check_chords()
        self._check_tempos()
        self._check_main_key()
        self._check_placements()
        check_locks(self)
        if self.loop is not None and not 0 <= self.loop[0] < self.loop[1] <= self.num_bars:
            raise ValueError(
                f"loop={list(self.loop)} must be [start, end] with 0 <= start < end <= "
                f"num_bars={self.num_bars}; move the loop inside the piece"
            )
        return self

    def _check_tempos(self) -> None:
        bars = [tempo.bar_index for tempo in self.tempos]
        if bars[0] != 0:
            raise ValueError(f"tempos[0].bar_index={bars[0]} must be 0; give the first tempo there")
        for index in range(1, len(bars)):
            if bars[index] <= bars[index - 1]:
                raise ValueError(
                    f"tempos[{index}].bar_index={bars[index]} must be above {bars[index - 1]}, the "
                    "bar of the tempo before it; sort the tempos by bar"
                )
            if bars[index] >= self.num_bars:
                raise ValueError(
                    f"tempos[{index}].bar_index={bars[index]} must be below "
                    f"num_bars={self.num_bars}; move that tempo into the piece or remove it"
                )

    def _check_chords(self) -> None:
        if len(self.chords) != 2 * self.num_bars:
            raise ValueError(
                f"chords holds {len(self.chords)} entries but num_bars={self.num_bars} needs "
                f"{2 * self.num_bars}; give one chord for each half bar"
            )
        for index, chord in enumerate(self.chords):
            if (chord.bar_index, chord.half) != (index // 2, index % 2):
                raise ValueError(
                    f"chords[{index}] stands at bar_index={chord.bar_index} half={chord.half} but "
                    f"must be bar_index={index // 2} half={index % 2}; list every half bar in order"
                )

    def _check_sections(self) -> None:
        position = 0
        for index, section in enumerate(self.sections):
            place = f"sections[{index}]"
            if section.start_bar_index != position:
                raise ValueError(
                    f"{place}.start_bar_index={section.start_bar_index} must be {position}; "
                    "sections must follow each other without gap or overlap"
                )
            for number, phrase in enumerate(section.phrases):
                if phrase.start_bar_index != position:
                    raise ValueError(
                        f"{place}.phrases[{number}].start_bar_index={phrase.start_bar_index} must "
                        f"be {position}; phrases must follow each other without gap or overlap"
                    )
                position = phrase.end_bar_index
            if position != section.end_bar_index:
                raise ValueError(
                    f"{place}.num_bars={section.num_bars} must equal the sum of its phrases, "
                    f"{position - section.start_bar_index}; change one of the two"
                )
            if section.returns_to is not None and section.returns_to >= index:
                raise ValueError(
                    f"{place}.returns_to={section.returns_to} must be an earlier section, below "
                    f"{index}; point it at the section it repeats or set it to null"
                )
            resting = [section.parts_silent, *(phrase.parts_silent for phrase in section.phrases)]
            for silent in resting:
                if any(not 0 <= part < len(self.parts) for part in silent):
                    raise ValueError(
                        f"{place}.parts_silent={list(silent)} must hold part indices "
                        f"from 0 to {len(self.parts) - 1}; check the list of parts"
                    )
        if position != self.num_bars:
            raise ValueError(
                f"num_bars={self.num_bars} must equal the sum of the sections, {position}; "
                "change one of the two"
            )

    def _check_main_key(self) -> None:
        """The main key is that of the first section behind the intro: where the theme begins."""
        played = [s for s in self.sections if s.name.lower() != "intro"] or list(self.sections)
        first = played[0]
        if first.key != self.key:
            raise ValueError(
                f"key={self.key!r} must be the key of section {first.label}, {first.key!r}, with "
                "which the piece begins; to move the piece change sections[].key and chords too"
            )

    def _check_placements(self) -> None:
        for index, placement in enumerate(self.placements):
            if placement.bar_index + placement.num_bars > self.num_bars:
                raise ValueError(
                    f"placements[{index}] ends at bar {placement.bar_index + placement.num_bars} "
                    f"but num_bars={self.num_bars}; shorten or move it"
                )
            if placement.part_index >= len(self.parts):
                raise ValueError(
                    f"placements[{index}].part_index={placement.part_index} must be below the "
                    f"number of parts, {len(self.parts)}; check the list of parts"
                )

    @cached_property
    def edited_bars(self) -> frozenset[int]:
        """Bars whose chords a person has changed since the plan was made.

        Empty where the plan does not remember its chords, has another length than it had, or has
        other chords in more than half of its bars: then the piece is another one.
        """
        planned = self.chords_as_planned
        if planned is None or len(planned) != len(self.chords):
            return frozenset()
        pairs = zip(self.chords, planned, strict=True)
        bars = frozenset(chord.bar_index for chord, symbol in pairs if chord.symbol != symbol)
        return bars if 2 * len(bars) <= self.num_bars else frozenset()

    @property
    def planned_chords(self) -> tuple[PlanChord, ...]:
        """The chords before any edit."""
        planned = self.chords_as_planned
        if planned is None or len(planned) != len(self.chords):
            return self.chords
        return tuple(
            PlanChord(bar_index=chord.bar_index, half=chord.half, symbol=symbol)
            for chord, symbol in zip(self.chords, planned, strict=True)
        )

    @property
    def num_parts(self) -> int:
        """Number of parts."""
        return len(self.parts)

    @property
    def meter_value(self) -> Meter:
        """The meter as a theory value."""
        return _meter(self.meter)

    @property
    def key_value(self) -> Key:
        """The main key as a theory value."""
        return _key(self.key)

    @property
    def bar_ticks(self) -> int:
        """Length of a bar in ticks."""
        return self.meter_value.bar_ticks

    @property
    def half_tick(self) -> int:
        """Tick in the bar where its second half starts: the group start nearest the middle."""
        return self.meter_value.half_bar_ticks

    @cached_property
    def _section_starts(self) -> list[int]:
        return [section.start_bar_index for section in self.sections]

    @cached_property
    def _tempo_bars(self) -> list[int]:
        return [tempo.bar_index for tempo in self.tempos]

    def _check_bar(self, bar_index: int) -> None:
        if not 0 <= bar_index < self.num_bars:
            raise PlanError(
                f"bar_index={bar_index} must be between 0 and {self.num_bars - 1}; "
                f"the plan has {self.num_bars} bars"
            )

    def chord_at(self, bar_index: int, half: int = 0) -> ChordSymbol:
        """Return the chord of a half bar as a theory value."""
        self._check_bar(bar_index)
        return _chord(self.chords[2 * bar_index + (1 if half else 0)].symbol)

    def section_index_at(self, bar_index: int) -> int:
        """Return the index of the section that holds a bar."""
        self._check_bar(bar_index)
        return bisect_right(self._section_starts, bar_index) - 1

    def section_at(self, bar_index: int) -> PlanSection:
        """Return the section that holds a bar."""
        return self.sections[self.section_index_at(bar_index)]

    def phrase_at(self, bar_index: int) -> PlanPhrase:
        """Return the phrase that holds a bar."""
        phrases = self.section_at(bar_index).phrases
        return next(p for p in phrases if p.start_bar_index <= bar_index < p.end_bar_index)

    def silent_at(self, bar_index: int) -> frozenset[int]:
        """Return the parts that rest in a bar, by its section and its phrase."""
        phrase, section = self.phrase_at(bar_index), self.section_at(bar_index)
        return frozenset((*section.parts_silent, *phrase.parts_silent))

    def goal_half(self, bar_index: int) -> int:
        """Return the half of a phrase's last bar in which its cadence comes to rest.

        That is the second half, unless the tonic stands in the first and the second already
        leads on, as a dominant that turns back to the opening does.
        """
        first, second = self.chord_at(bar_index, 0), self.chord_at(bar_index, 1)
        closed = self.phrase_at(bar_index).cadence in ("authentic", "plagal")
        tonic = self.key_at(bar_index).tonic_pitch_class
        if first.is_none or second.is_none or not closed:
            return 1
        if first == second or first.root_pitch_class != tonic:
            return 1
        # A tonic that has taken on a minor seventh is a dominant of what comes next.
        leads_on = second.root_pitch_class != tonic or (tonic + 10) % 12 in second.pitch_classes
        return int(not leads_on or (tonic + 10) % 12 in first.pitch_classes)

    def key_at(self, bar_index: int) -> Key:
        """Return the key of a bar as a theory value."""
        return _key(self.section_at(bar_index).key)

    def bpm_at(self, bar_index: int) -> float:
        """Return felt beats a minute in a bar."""
        self._check_bar(bar_index)
        return self.tempos[bisect_right(self._tempo_bars, bar_index) - 1].bpm

    def qpm_at(self, bar_index: int) -> float:
        """Return quarters a minute in a bar."""
        return self.bpm_at(bar_index) * self.meter_value.beat_ticks / TICKS_PER_QUARTER

    @property
    def duration_sec(self) -> float:
        """Notated length in seconds, without the tail of the last sound."""
        bar_quarters = self.bar_ticks / TICKS_PER_QUARTER
        bars = [*self._tempo_bars, self.num_bars]
        return sum(
            (stop - start) * bar_quarters * 60.0 / self.qpm_at(start)
            for start, stop in pairwise(bars)
        )

    @property
    def digest(self) -> str:
        """SHA-256 of the canonical JSON, in hexadecimal."""
        text = json.dumps(self.to_dict(), ensure_ascii=False, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode("utf-8")).hexdigest()


def plan_json_schema() -> dict[str, Any]:
    """Return the published JSON Schema of a plan file."""
    schema = Plan.model_json_schema()
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    schema["title"] = "Leitmotiv plan"
    return schema
