"""The Brief: what a person asked for, as checked fields.

Purpose: everything that can be asked of a piece. What is not given stays None (or empty) and is
chosen by the planner; nothing here is ever guessed.

Conventions:

- Mood is a point: ``valence`` (unpleasant to pleasant) and ``arousal`` (calm to excited), each
  in [-1, 1].
- ``bpm`` counts felt beats a minute (dotted quarters in 6/8).
- Chords are Harte symbols (``D:min7/b3``), one a bar, or two a bar where there are twice as many
  as bars.

Public names: :class:`Brief`, :class:`ThemeNote`, :class:`BriefPart`, :class:`PartRange`,
:data:`Cadence`, :func:`brief_json_schema`,
:func:`check_meter` and the limits :data:`MIN_BPM`, :data:`MAX_BPM`, :data:`MAX_BARS`,
:data:`MIN_DURATION_SEC`, :data:`MAX_DURATION_SEC`.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import Field, field_validator, model_validator

from leitmotiv.errors import BriefError, LeitmotivError, TheoryError
from leitmotiv.plan.drums import DrumControls
from leitmotiv.plan.theme_shape import Contour
from leitmotiv.plan.validation import Noun
from leitmotiv.theory import TICKS_PER_QUARTER, ChordSymbol, Key, Meter, Mode

__all__ = [
    "MAX_BARS",
    "MAX_BPM",
    "MAX_DURATION_SEC",
    "MAX_SEED",
    "MIN_BPM",
    "MIN_DURATION_SEC",
    "Brief",
    "BriefPart",
    "Cadence",
    "PartRange",
    "ThemeNote",
    "brief_json_schema",
    "check_meter",
]

MIN_BPM, MAX_BPM = 20.0, 400.0
MAX_BARS = 2000
MIN_DURATION_SEC, MAX_DURATION_SEC = 2.0, 3600.0
MAX_SEED = 2**63 - 1
_DENOMINATORS = (1, 2, 4, 8, 16, 32)
MAX_BAR_QUARTERS = 8
MIN_RANGE_SEMITONES = 7

Cadence = Literal["authentic", "half", "deceptive", "plagal", "none"]
"""How a phrase closes; ``none`` leaves it open."""


def check_meter(text: str) -> str:
    """Return a time signature in its usual spelling, if music can be written in it.

    Raises
    ------
    TheoryError
        If it is no meter, counts in notes shorter than a 32nd or has bars of more than 8 quarters.

    Examples
    --------
    >>> check_meter("C"), check_meter("7/8")
    ('4/4', '7/8')
    """
    written = re.fullmatch(r"[^/]*/\s*(\d{1,6})\s*", text)
    if written is not None and int(written[1]) not in _DENOMINATORS:
        raise TheoryError(
            f"denominator={int(written[1])} of a meter must be 1, 2, 4, 8, 16 or 32 here; count "
            "in notes of such a length"
        )
    meter = Meter.parse(text)
    if meter.bar_ticks > MAX_BAR_QUARTERS * TICKS_PER_QUARTER:
        raise TheoryError(
            f"a bar of {meter} lasts {meter.bar_ticks / TICKS_PER_QUARTER:g} quarters but must "
            f"last at most {MAX_BAR_QUARTERS}; halve the meter, as 6/4 instead of 12/4"
        )
    return str(meter)


class ThemeNote(Noun):
    """One note of a given theme, in quarters from the theme's first downbeat."""

    fault: ClassVar[type[LeitmotivError]] = BriefError
    noun: ClassVar[str] = "theme note"

    onset_quarter: float = Field(ge=0, le=4096, description="Onset in quarters from the start.")
    duration_quarter: float = Field(gt=0, le=64, description="Notated length in quarters.")
    pitch: int = Field(ge=0, le=127, description="MIDI pitch, 60 = C4.")


class PartRange(Noun):
    """The pitches that an instrument may use, wherever it plays."""

    fault: ClassVar[type[LeitmotivError]] = BriefError
    noun: ClassVar[str] = "range"

    instrument: str = Field(min_length=1, max_length=60, description="General MIDI name.")
    low: int = Field(ge=0, le=127, description="Lowest MIDI pitch, 60 = C4.")
    high: int = Field(ge=0, le=127, description="Highest MIDI pitch.")

    @model_validator(mode="after")
    def _check_span(self) -> Self:
        _check_span(self.instrument, self.low, self.high)
        return self


def _check_span(instrument: str, low: int, high: int) -> None:
    if high - low < MIN_RANGE_SEMITONES:
        raise ValueError(
            f"the range of {instrument!r}, {low} to {high}, must span at least "
            f"{MIN_RANGE_SEMITONES} semitones from its lowest to its highest pitch; widen it"
        )


class BriefPart(Noun):
    """One part exactly as it shall be: instrument, and if wished role, name and range."""

    fault: ClassVar[type[LeitmotivError]] = BriefError
    noun: ClassVar[str] = "part"

    instrument: str = Field(min_length=1, max_length=60, description="General MIDI name.")
    role: Literal["melody", "counter", "harmony", "bass", "pad", "drums"] = Field(
        description="Task of the part."
    )
    name: str | None = Field(default=None, max_length=60, description="Name in the score.")
    low: int | None = Field(default=None, ge=0, le=127, description="Lowest MIDI pitch.")
    high: int | None = Field(default=None, ge=0, le=127, description="Highest MIDI pitch.")


class Brief(Noun):
    """A request for a piece. Every field is optional; what is None is chosen by the planner.

    Raises
    ------
    BriefError
        One line naming the field, its value and the legal range.
    """

    fault: ClassVar[type[LeitmotivError]] = BriefError
    noun: ClassVar[str] = "brief"

    text: str = Field(default="", max_length=20_000, description="The request as it was typed.")
    title: str | None = Field(default=None, max_length=200, description="Title of the piece.")
    genre: str | None = Field(default=None, description="Genre, a name of the vocabulary.")
    moods: tuple[str, ...] = Field(default=(), description="Mood words that were understood.")
    valence: float | None = Field(
        default=None, ge=-1, le=1, description="Unpleasant (-1) to pleasant (1)."
    )
    arousal: float | None = Field(
        default=None, ge=-1, le=1, description="Calm (-1) to excited (1)."
    )
    key: str | None = Field(default=None, description="Tonic and mode, such as 'D minor'.")
    mode: str | None = Field(
        default=None, description="Mode where no tonic is given: 'minor', 'dorian' ..."
    )
    bpm: float | None = Field(
        default=None, ge=MIN_BPM, le=MAX_BPM, description="Felt beats a minute."
    )
    tempo: str | None = Field(
        default=None, description="Tempo word of the vocabulary, such as 'allegro' or 'faster'."
    )
    meter: str | None = Field(default=None, description="Time signature, such as '3/4'.")
    num_bars: int | None = Field(default=None, ge=1, le=MAX_BARS, description="Length in bars.")
    duration_sec: float | None = Field(
        default=None, ge=MIN_DURATION_SEC, le=MAX_DURATION_SEC, description="Length in seconds."
    )
    instruments: tuple[str, ...] = Field(
        default=(),
        max_length=16,
        description="General MIDI instrument names, one a part; repeat a name for two players.",
    )
    joining: tuple[str, ...] = Field(
        default=(),
        max_length=16,
        description="Instruments that join the genre's usual line-up ('jazz with saxophone').",
    )
    without: tuple[str, ...] = Field(
        default=(), description="Instruments that must not appear ('drums' for the drum kit)."
    )
    parts: tuple[BriefPart, ...] | None = Field(
        default=None,
        max_length=16,
        description="Every part exactly; in place of instruments and of the usual line-up.",
    )
    ranges: tuple[PartRange, ...] = Field(
        default=(), max_length=16, description="Pitches that single instruments may use."
    )
    energy: tuple[Annotated[float, Field(ge=0, le=1)], ...] = Field(
        default=(),
        max_length=64,
        description="Energy over the piece, 0 still to 1 climax: points at equal distances.",
    )
    cadences: tuple[Cadence, ...] = Field(
        default=(),
        max_length=MAX_BARS,
        description="Cadence of each phrase, again from the start where there are more phrases.",
    )
    last_cadence: Cadence | None = Field(default=None, description="Cadence of the last phrase.")
    form: str | None = Field(default=None, description="Form, a name of the vocabulary.")
    chords: tuple[str, ...] | None = Field(
        default=None, max_length=2 * MAX_BARS, description="Harte symbols, one a bar or half bar."
    )
    chords_per_bar: Literal[1, 2] | None = Field(
        default=None, description="Chords a bar; None: two where there are twice as many as bars."
    )
    theme: tuple[ThemeNote, ...] | None = Field(
        default=None, max_length=512, description="A theme to develop, as notes."
    )
    theme_meter: str | None = Field(
        default=None,
        description="Meter in which the theme is written; None: that of the piece, whatever it is.",
    )
    theme_contour: Contour | None = Field(
        default=None, description="Way of an invented theme: arch, rising, falling or wave."
    )
    style: str | None = Field(
        default=None,
        max_length=4096,
        description="Name of a style, or path of a person's own style file (.toml).",
    )
    drums: DrumControls | None = Field(default=None, description="How the drummer plays.")
    adventure: float | None = Field(
        default=None,
        ge=0,
        le=1,
        description="How far chords and notes stray from the usual: 0 conventional, 1 adventurous; "
        "None: 0.5.",
    )
    seed: int | None = Field(default=None, ge=0, le=MAX_SEED, description="Seed of every choice.")
    understood: tuple[str, ...] = Field(
        default=(), description="What was understood of the text, as 'field: value'."
    )
    not_understood: tuple[str, ...] = Field(
        default=(), description="Content words of the text that were not understood."
    )

    @field_validator("key")
    @classmethod
    def _check_key(cls, key: str | None) -> str | None:
        return None if key is None else str(Key.parse(key))

    @field_validator("mode")
    @classmethod
    def _check_mode(cls, mode: str | None) -> str | None:
        return None if mode is None else Mode(Key.parse(f"C {mode}").mode).value

    @field_validator("meter", "theme_meter")
    @classmethod
    def _check_meter(cls, meter: str | None) -> str | None:
        return None if meter is None else check_meter(meter)

    @field_validator("chords")
    @classmethod
    def _check_chords(cls, chords: tuple[str, ...] | None) -> tuple[str, ...] | None:
        if chords is None:
            return None
        if not chords:
            raise ValueError("chords is empty; give at least one Harte symbol such as 'D:min'")
        return tuple(str(ChordSymbol.parse(chord)) for chord in chords)

    @model_validator(mode="after")
    def _check_theme(self) -> Self:
        if self.theme is not None and not self.theme:
            raise ValueError("theme is empty; give at least one note such as C4")
        return self

    @model_validator(mode="after")
    def _check_parts(self) -> Self:
        if self.parts is not None and (self.instruments or self.joining):
            raise ValueError("parts and instruments both say who plays; keep one of the two lists")
        if self.parts == ():
            raise ValueError("parts is empty; give at least one part or leave the list out")
        return self

    @model_validator(mode="after")
    def _check_length(self) -> Self:
        if self.num_bars is None or self.duration_sec is None:
            return self
        # Without a meter, two beats a bar is the least that a reader would expect.
        meter = None if self.meter is None else Meter.parse(self.meter)
        beats = self.num_bars * (2 if meter is None else meter.num_beats)
        shortest = beats * 60.0 / MAX_BPM
        if self.duration_sec < shortest:
            raise ValueError(
                f"duration_sec={self.duration_sec:g} is too short for num_bars={self.num_bars}: at "
                f"{MAX_BPM:g} BPM they last {shortest:.1f} s; ask for fewer bars or more seconds"
            )
        return self


def brief_json_schema() -> dict[str, Any]:
    """Return the published JSON Schema of a brief file."""
    schema = Brief.model_json_schema()
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    schema["title"] = "Leitmotiv brief"
    return schema
