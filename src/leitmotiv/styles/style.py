"""The style schema: what one genre's data file holds.

Purpose: genres are data. A style file carries groove, bass, comping, pads, fills, palette,
progressions and mix preset, so that a person can write a new genre without writing code.

Grid symbols (``.`` silence, ``-`` hold; see :mod:`leitmotiv.styles.grid`):

- drums: ``X`` accent, ``x`` normal, ``o`` ghost, or ``1``-``9`` for nine levels of loudness;
- bass: ``1 3 5 6 7`` chord degrees above the root (``1`` is the chord's own bass note), ``8``
  the octave, ``4`` the fifth below, ``a`` an approach note into the next chord, ``x`` a muted
  repeat of the last note;
- comping: ``X``/``x``/``o`` the whole chord loud, normal, soft; ``1``-``8`` one voice of the
  chord counted from below (beyond the top it goes on an octave higher); ``b`` the lowest voice,
  ``t`` the chord without it; ``>`` the whole chord of the next half bar, played ahead of it.

Public names: :class:`Style` and its tables :class:`DrumPattern`, :class:`Fill`,
:class:`BassPattern`, :class:`CompPattern`, :class:`Pad`, :class:`Feel`, :class:`Drummer`,
:class:`Conditions`, :class:`PalettePart`, :class:`Progression`; :data:`DRUM_KEYS`.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from leitmotiv.errors import LeitmotivError
from leitmotiv.styles.drum_model import STYLE_WORDS
from leitmotiv.styles.grid import grid_events, split_grid
from leitmotiv.theory import Key, Meter, roman_to_chord

__all__ = [
    "DRUM_KEYS",
    "BassPattern",
    "CompPattern",
    "Conditions",
    "DrumPattern",
    "Drummer",
    "Feel",
    "Fill",
    "MixPreset",
    "Pad",
    "PalettePart",
    "Progression",
    "Role",
    "Style",
    "Voicing",
]

Role = Literal["melody", "counter", "harmony", "bass", "pad", "drums"]
Voicing = Literal[
    "close", "open", "shell", "rootless", "power", "guitar", "keyboard", "spread", "sus"
]

MixPreset = Literal[
    "ambient", "chamber", "electronic", "folk", "jazz", "lofi", "orchestral", "pop", "rock"
]

DRUM_KEYS: dict[str, int] = {
    "kick": 36,
    "rim": 37,
    "snare": 38,
    "clap": 39,
    "low_tom": 43,
    "hat": 42,
    "pedal_hat": 44,
    "mid_tom": 47,
    "open_hat": 46,
    "crash": 49,
    "high_tom": 50,
    "ride": 51,
    "ride_bell": 53,
    "tambourine": 54,
    "splash": 55,
    "cowbell": 56,
    "crash_2": 57,
    "bongo_high": 60,
    "bongo_low": 61,
    "conga_mute": 62,
    "conga_high": 63,
    "conga_low": 64,
    "maracas": 70,
    "claves": 75,
    "shaker": 82,
    "triangle": 81,
    "bass_drum": 35,
}
"""General MIDI percussion keys by the lane names that style files use."""

MeterText = Annotated[str, Field(description='time signature such as "4/4"')]
Level = Annotated[float, Field(ge=0.0, le=1.0)]


class _Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True)


def _check_meter(value: str) -> str:
    try:
        return str(Meter.parse(value))
    except LeitmotivError as error:
        raise ValueError(str(error)) from None


def _check_grid(text: str, num_ticks: int, symbols: str) -> None:
    for bar in split_grid(text):
        wrong = sorted(set(bar) - set(symbols + ".-"))
        if wrong:
            raise ValueError(
                f"grid {bar!r} holds {''.join(wrong)!r}; use only {symbols!r}, '.' and '-'"
            )
        try:
            grid_events(bar, num_ticks)
        except LeitmotivError as error:
            raise ValueError(str(error)) from None


class _Lanes(_Table):
    meter: MeterText = "4/4"
    intensity: Level = 0.5
    lanes: dict[str, str] = Field(min_length=1)

    _meter = field_validator("meter")(_check_meter)

    @field_validator("lanes")
    @classmethod
    def _known_lanes(cls, lanes: dict[str, str]) -> dict[str, str]:
        for lane in lanes:
            if lane not in DRUM_KEYS:
                raise ValueError(
                    f"drum lane {lane!r} is unknown; use one of {', '.join(DRUM_KEYS)}"
                )
        return lanes

    @property
    def num_bars(self) -> int:
        """Bars after which the pattern starts again."""
        return max(len(split_grid(text)) for text in self.lanes.values())


class DrumPattern(_Lanes):
    """A groove of one or more bars. ``intensity`` 0..1 is matched with the section's energy."""

    @model_validator(mode="after")
    def _grids(self) -> DrumPattern:
        for text in self.lanes.values():
            _check_grid(text, Meter.parse(self.meter).bar_ticks, "Xxo123456789")
        return self


class Fill(_Lanes):
    """What the drums play in the last ``num_beats`` beats of a phrase instead of the groove."""

    num_beats: int = Field(default=2, ge=1, le=8)

    @model_validator(mode="after")
    def _grids(self) -> Fill:
        meter = Meter.parse(self.meter)
        if self.num_beats > meter.num_beats:
            raise ValueError(
                f"num_beats={self.num_beats} must be at most {meter.num_beats}, one bar"
            )
        for text in self.lanes.values():
            if len(split_grid(text)) != 1:
                raise ValueError("a fill must be shorter than or as long as one bar")
            _check_grid(text, meter.beat_ticks * self.num_beats, "Xxo123456789")
        return self


class BassPattern(_Table):
    """A bass figure: a grid of chord degrees, or ``kind = "walking"`` (quarters, made by rule)."""

    meter: MeterText = "4/4"
    intensity: Level = 0.5
    kind: Literal["grid", "walking"] = "grid"
    grid: str = ""

    _meter = field_validator("meter")(_check_meter)

    @model_validator(mode="after")
    def _grid(self) -> BassPattern:
        if self.kind == "grid":
            _check_grid(self.grid, Meter.parse(self.meter).bar_ticks, "1345678ax")
        return self


class CompPattern(_Table):
    """A chordal figure for a harmony or pad part.

    ``instruments`` names instrument families or words the figure is for ("guitar", "piano");
    empty means any. ``voicing`` says how the chord is laid out, ``num_voices`` how many notes.
    """

    meter: MeterText = "4/4"
    intensity: Level = 0.5
    role: Literal["harmony", "pad", "counter"] = "harmony"
    instruments: tuple[str, ...] = ()
    voicing: Voicing = "close"
    num_voices: int = Field(default=4, ge=1, le=6)
    grid: str

    _meter = field_validator("meter")(_check_meter)

    @model_validator(mode="after")
    def _grid(self) -> CompPattern:
        _check_grid(self.grid, Meter.parse(self.meter).bar_ticks, "Xxo12345678bt>")
        return self


class Pad(_Table):
    """How sustained parts behave: layout, and when a chord that stays is struck again."""

    voicing: Voicing = "spread"
    num_voices: int = Field(default=4, ge=2, le=6)
    renew: Literal["change", "bar", "two bars"] = "change"


class Feel(_Table):
    """How the style is played; :func:`leitmotiv.compose.perform.perform` reads it.

    ``swing`` 0..1: 0 straight, 1 the off-beat on the last triplet (2:1). ``timing_ms`` is the
    standard deviation of timing, ``rubato`` 0..1 scales tempo changes at phrase ends and the
    final ritardando, ``laid_back_ms`` delays snare and comping against the kick.
    """

    swing: Level = 0.0
    swing_unit: Literal["eighth", "sixteenth"] = "eighth"
    timing_ms: float = Field(default=5.0, ge=0.0, le=40.0)
    velocity_spread: float = Field(default=5.0, ge=0.0, le=25.0)
    laid_back_ms: float = Field(default=0.0, ge=-20.0, le=40.0)
    rubato: Level = 0.0
    accent_depth: Level = 0.5


class Drummer(_Table):
    """How the learned drummer plays the written patterns; a style without it is a machine.

    ``words`` say whom he plays like (:data:`~leitmotiv.styles.drum_model.STYLE_WORDS`), ``follow``
    0..1 how closely he keeps to what is written, ``complexity`` how much he adds when the plan does
    not say.
    """

    words: tuple[str, ...] = Field(min_length=1)
    follow: Level = 0.7
    complexity: Level = 0.4

    @field_validator("words")
    @classmethod
    def _known_words(cls, words: tuple[str, ...]) -> tuple[str, ...]:
        for word in words:
            if word not in STYLE_WORDS:
                raise ValueError(
                    f"drummer word {word!r} is unknown; use one of {', '.join(STYLE_WORDS)}"
                )
        return words


class Conditions(_Table):
    """What the planner and the score model are told.

    ``genre`` is the genre of the planner (its harmony, forms and endings) that a person's own style
    builds on; ``trained_as`` the tag of the training data whose melodies come nearest.
    """

    genre: str | None = None
    trained_as: str | None = None


class PalettePart(_Table):
    """One part of the usual line-up; ``instrument`` is a General MIDI name, as in the plan."""

    name: str
    instrument: str
    role: Role


class Progression(_Table):
    """A chord loop in roman numerals, one a bar (or two with a space between, half a bar each)."""

    mode: Literal["major", "minor", "dorian", "mixolydian"] = "major"
    section: Literal["any", "verse", "chorus", "bridge", "intro"] = "any"
    chords: tuple[str, ...] = Field(min_length=1)

    @field_validator("chords")
    @classmethod
    def _romans(cls, chords: tuple[str, ...]) -> tuple[str, ...]:
        for chord in chords:
            for roman in chord.split():
                try:
                    roman_to_chord(roman, Key.parse("C"))
                except LeitmotivError as error:
                    raise ValueError(str(error)) from None
        return chords


class Style(_Table):
    """One genre. Every list may hold several meters and intensities; the nearest one is used.

    Without progressions the planner's own harmony decides, without patterns the score model writes
    (where the plan has a drum kit, the pop style's patterns stand in).

    A section at or above ``crash_energy`` is opened with a crash cymbal; 2 means never.
    """

    schema_version: Literal[1] = 1
    name: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    title: str
    description: str
    genres: tuple[str, ...] = Field(min_length=1)
    meters: tuple[MeterText, ...] = Field(min_length=1)
    tempo_bpm: tuple[float, float]
    default_bpm: float
    modes: tuple[str, ...] = ("major", "minor")
    forms: tuple[str, ...] = ()
    mix_preset: MixPreset
    crash_energy: float = Field(default=0.55, ge=0.0, le=2.0)
    feel: Feel = Feel()
    drummer: Drummer | None = None
    conditions: Conditions = Conditions()
    palette: tuple[PalettePart, ...] = Field(min_length=1)
    progressions: tuple[Progression, ...] = ()
    drums: tuple[DrumPattern, ...] = ()
    fills: tuple[Fill, ...] = ()
    bass: tuple[BassPattern, ...] = ()
    comping: tuple[CompPattern, ...] = ()
    pad: Pad = Pad()

    @field_validator("meters")
    @classmethod
    def _meters(cls, meters: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(_check_meter(meter) for meter in meters)

    @model_validator(mode="after")
    def _tempo(self) -> Style:
        low, high = self.tempo_bpm
        if not 20 <= low <= self.default_bpm <= high <= 400:
            raise ValueError(
                f"default_bpm={self.default_bpm:g} must lie in tempo_bpm=[{low:g}, {high:g}] "
                "and both between 20 and 400 beats per minute"
            )
        return self

    @property
    def has_drums(self) -> bool:
        """Whether the style carries drum patterns."""
        return bool(self.drums)
