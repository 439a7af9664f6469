"""The planner: from a brief to a plan, on one page.

Purpose: decide form, keys, harmony, energy, palette, tempo and theme before a note is written.

Conventions:

- What the brief says is obeyed exactly; what it leaves open is chosen from the genre, the mood
  and the random generator, and stands visibly in the plan.
- Every stage draws from a generator of its own, so that a change in one stage does not reshuffle
  the others. The same brief, seed and version give the same plan.
- A style (see ``leitmotiv.styles``) is passed in by the caller; only its name, tempo, meters,
  line-up and progressions are read here.

Public names: :func:`make_plan`, :class:`StyleLike`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any, Protocol

import numpy as np

from leitmotiv.errors import BriefError, LeitmotivError
from leitmotiv.plan.brief import MAX_BARS, MAX_SEED, Brief
from leitmotiv.plan.drums import DrumControls
from leitmotiv.plan.energy import follow_curve, shape_energy, shape_textures
from leitmotiv.plan.form import (
    SectionSketch,
    grow_form,
    is_letter_form,
    make_form,
    set_cadences,
)
from leitmotiv.plan.given_theme import (
    close_as_theme,
    fit_theme,
    given_theme_bars,
    theme_in_key,
)
from leitmotiv.plan.harmony import (
    HarmonicRhythm,
    ProgressionLike,
    harmonise,
    name_phrase_cadences,
)
from leitmotiv.plan.key_choice import choose_key, pick, set_keys
from leitmotiv.plan.palette import make_palette
from leitmotiv.plan.plan import Plan, PlanChord, PlanPhrase, PlanSection
from leitmotiv.plan.racks import with_racks
from leitmotiv.plan.reharmony import harmonise_theme, reharmonise_returns
from leitmotiv.plan.tempo import LengthAndTempo, choose_bpm, fit_length
from leitmotiv.plan.theme_chords import carry_theme_chords
from leitmotiv.plan.theme_file import rebar_theme
from leitmotiv.plan.theme_shape import choose_shape
from leitmotiv.plan.themes import invent_title, place_theme, theme_bars
from leitmotiv.plan.vocabulary import Genre, PaletteEntry, vocabulary
from leitmotiv.theory import ChordSymbol, Key, Meter

__all__ = ["StyleLike", "choose_genre", "make_plan"]


class StyleLike(Protocol):
    """What the planner reads of a style; ``leitmotiv.styles.Style`` has all of it."""

    @property
    def name(self) -> str:
        """Name of the style file."""

    @property
    def palette(self) -> Sequence[Any]:
        """Parts with ``name``, ``instrument`` and ``role``."""

    @property
    def progressions(self) -> Sequence[Any]:
        """Loops with ``mode``, ``section`` and ``chords``."""


StyleChoice = StyleLike | Callable[[str], "StyleLike | None"] | str | None

_SHORTEST_SEC = 28.0
_USUAL_ADVENTURE = 0.5
_STIRRED = 0.45
# What an orchestra plays by mood: least valence and arousal, most valence and arousal, style word.
_FILM_STYLES: tuple[tuple[tuple[float, float], tuple[float, float], str], ...] = (
    ((0.2, _STIRRED), (1.0, 1.0), "film heroic"),
    ((-1.0, 0.3), (-0.05, 1.0), "film tension"),
    ((-1.0, -1.0), (-0.3, 0.1), "film sorrow"),
    ((0.25, -0.3), (1.0, _STIRRED), "film wonder"),
    ((-1.0, _STIRRED), (1.0, 1.0), "orchestral film"),
)
# Genres whose returns are literal: dances with repeats, loops and grooves.
_GROOVES = ("waltz", "march", "ragtime", "folk", "celtic", "tango", "bossa", "jazz", "ambient")
# Genres of even notes and plain tunes: their themes keep their note values.
_PLAIN = ("hymn", "choral", "folk", "celtic", "baroque", "ragtime", "march")
# Genres whose tunes run in even notes.
_RUNNING = ("folk", "celtic", "baroque", "ragtime")


def _mood(brief: Brief) -> tuple[float, float]:
    """Return valence and arousal of the brief, 0 where it is silent."""
    moods = vocabulary().moods
    named = [moods[name] for name in brief.moods if name in moods]
    valence, arousal = brief.valence, brief.arousal
    if valence is None:
        valence = sum(mood.valence for mood in named) / len(named) if named else 0.0
    if arousal is None:
        arousal = sum(mood.arousal for mood in named) / len(named) if named else 0.0
    return valence, arousal


def choose_genre(brief: Brief, rng: np.random.Generator) -> Genre:
    """Return the brief's genre, or one that suits its instruments and mood.

    Raises
    ------
    BriefError
        If the brief names a genre that the vocabulary does not know.
    """
    genres = vocabulary().genres
    if brief.genre is not None:
        name = vocabulary().genre_words.get(brief.genre.lower(), brief.genre)
        if name not in genres:
            raise BriefError(f"genre={brief.genre!r} must be one of {', '.join(genres)}")
        return genres[name]
    if brief.form == "blues":
        return genres["blues"]
    players = [name.lower() for name in (*brief.instruments, *brief.joining)]
    drums = any("drum" in name for name in players)
    if players and set(players) == {"acoustic grand piano"}:
        return genres["nocturne" if _mood(brief)[1] < 0.3 else "classical"]
    if players and set(players) <= {"church organ", "harpsichord"}:
        return genres["baroque"]
    if any("guitar" in name and ("over" in name or "dist" in name) for name in players):
        return genres["rock"]
    if players and set(players) <= {"choir aahs", "voice oohs"}:
        return genres["choral"]
    if any(name.startswith(("lead", "synth bass")) for name in players):
        return genres["electronic"]
    if drums:
        return genres["jazz" if any("sax" in name for name in players) else "pop"]
    if any(name.startswith("pad") for name in players):
        return genres["ambient"]
    if len(players) > 6:
        return genres["orchestral"]
    if players:
        return genres["classical"]
    return genres[pick({"orchestral": 2, "classical": 2, "nocturne": 2, "folk": 1}, rng)]


def _style_word(brief: Brief, genre: Genre, valence: float, arousal: float) -> str:
    """Return the word whose style plays: an orchestra whose players nobody named goes by mood."""
    if genre.name != "orchestral" or brief.instruments or brief.parts is not None:
        return genre.name
    if not brief.moods and brief.valence is None and brief.arousal is None:
        return genre.name
    for (sad, calm), (happy, excited), word in _FILM_STYLES:
        if sad <= valence <= happy and calm <= arousal <= excited:
            return word
    return genre.name


def _form_weights(brief: Brief, genre: Genre, style: Any, *, by_mood: bool) -> Mapping[str, float]:
    """Forms to choose from: those of a style that was asked for or that the mood chose."""
    preferred = tuple(getattr(style, "forms", ()))
    if preferred and (by_mood or brief.style is not None):
        known = [form for form in preferred if form in vocabulary().forms]
        return {form: float(len(known) - index) for index, form in enumerate(known)} or genre.forms
    return genre.forms


def _choose_meter(brief: Brief, genre: Genre, style: Any, rng: np.random.Generator) -> Meter:
    if brief.meter is not None:
        return Meter.parse(brief.meter)
    known = tuple(getattr(style, "meters", ())) or tuple(genre.meters)
    if brief.theme_meter is not None and (
        brief.genre is None or brief.theme_meter in (*known, *genre.meters)
    ):
        return Meter.parse(brief.theme_meter)
    usual = {meter: weight for meter, weight in genre.meters.items() if meter in known}
    return Meter.parse(pick(usual or {known[0]: 1.0}, rng))


def _given_halves(brief: Brief, num_bars: int) -> list[str]:
    """Lay given chords over the bars, again from the start where there are fewer."""
    assert brief.chords is not None
    chords = list(brief.chords)
    if _chords_per_bar(brief, num_bars) == 1:
        chords = [symbol for symbol in chords for _ in range(2)]
    needed = 2 * num_bars
    if len(chords) > needed:
        raise BriefError(
            f"chords fill {len(chords) / 2:g} bars but num_bars={num_bars}; "
            "ask for more bars or give fewer chords"
        )
    return (chords * (needed // len(chords) + 1))[:needed]


def _chords_per_bar(brief: Brief, num_bars: int | None) -> int:
    assert brief.chords is not None
    if brief.chords_per_bar is not None:
        return brief.chords_per_bar
    return 2 if num_bars is not None and len(brief.chords) == 2 * num_bars else 1


def _default_bars(
    brief: Brief, genre: Genre, form: str, meter: Meter, bpm: float, rng: np.random.Generator
) -> int:
    """Choose a usual length: whole forms, and half a minute at least."""
    bars = int(genre.bars[int(rng.integers(len(genre.bars)))])
    if form == "blues":
        bars = 24
    while bars * meter.bar_ticks / meter.beat_ticks * 60.0 / bpm < _SHORTEST_SEC:
        bars *= 2
    if is_letter_form(form):
        bars = min(len(form) * (8 if len(form) <= 5 else 4), MAX_BARS)
    if brief.chords is not None:
        loop = -(-len(brief.chords) // _chords_per_bar(brief, None))
        bars = loop if loop >= 8 else loop * max(round(bars / loop), 1)
    return bars


def _freeze(sections: list[SectionSketch]) -> tuple[PlanSection, ...]:
    frozen: list[PlanSection] = []
    bar = 0
    for section in sections:
        phrases = []
        start = bar
        for phrase in section.phrases:
            phrases.append(
                PlanPhrase(
                    start_bar_index=bar,
                    num_bars=phrase.num_bars,
                    cadence=phrase.cadence,
                    parts_silent=phrase.silent,
                )
            )
            bar += phrase.num_bars
        frozen.append(
            PlanSection(
                label=section.label,
                name=section.name,
                start_bar_index=start,
                num_bars=section.num_bars,
                key=str(section.key),
                energy=section.energy,
                texture=section.texture,
                returns_to=section.returns_to,
                edit_share=section.edit_share,
                phrases=tuple(phrases),
                parts_silent=section.silent,
            )
        )
    return tuple(frozen)


def _style_progressions(style: Any, key: Key) -> dict[str, tuple[ProgressionLike, ...]]:
    """Group a style's loops of the key's mode by the role of the section."""
    table: dict[str, list[ProgressionLike]] = {}
    for progression in getattr(style, "progressions", ()):
        if progression.mode == key.mode.value:
            role = "verse" if progression.section in ("any", "intro") else progression.section
            table.setdefault(role, []).append(tuple(progression.chords))
    return {role: tuple(loops) for role, loops in table.items()}


def _harmonic_rhythm(genre: Genre, bar_sec: float) -> HarmonicRhythm:
    if genre.harmony in ("hymn", "baroque"):
        return HarmonicRhythm(split=0.7 if bar_sec > 1.8 else 0.35)
    return HarmonicRhythm(
        split=min(max(0.2 * bar_sec, 0.15), 0.65), hold=0.1 if bar_sec < 1.3 else 0.0
    )


def make_plan(brief: Brief, rng: np.random.Generator, *, style: StyleChoice = None) -> Plan:
    """Decide everything about a piece but its notes.

    Parameters
    ----------
    brief : Brief
        What was asked for.
    rng : numpy.random.Generator
        Source of every choice; the same state gives the same plan.
    style : Style, str, callable or None
        The style that will play the rhythm section, its name, or a function from a genre to a
        style or None (``leitmotiv.styles.style_for_genre``).

    Raises
    ------
    BriefError
        If the brief contradicts itself or names what does not exist.

    Examples
    --------
    >>> brief = Brief(genre="waltz", key="D minor", num_bars=24)
    >>> plan = make_plan(brief, np.random.default_rng(7))
    >>> plan.key, plan.meter, plan.num_bars, str(plan.chord_at(23))
    ('D minor', '3/4', 24, 'D:min')
    """
    seeds = rng.integers(0, 2**31, size=10)
    stage = [np.random.default_rng(int(seed)) for seed in seeds]
    seed = brief.seed if brief.seed is not None else int(seeds[9]) % MAX_SEED
    valence, arousal = _mood(brief)
    genre = choose_genre(brief, stage[0])
    style_genre = _style_word(brief, genre, valence, arousal)
    chosen: Any = style(style_genre) if callable(style) else style
    style_name = chosen if isinstance(chosen, str) or chosen is None else chosen.name
    if isinstance(chosen, str):
        chosen = None
    if getattr(chosen, "tempo_bpm", None):
        genre = replace(genre, bpm=(float(chosen.tempo_bpm[0]), float(chosen.tempo_bpm[1])))

    if genre.name == "orchestral" and not getattr(chosen, "progressions", ()):
        # Loops belong to film cues; what an orchestra plays else goes where harmony leads.
        genre = replace(genre, harmony="romantic")

    meter = _choose_meter(brief, genre, chosen, stage[1])
    if brief.theme is not None and brief.theme_meter is not None:
        written = Meter.parse(brief.theme_meter)
        brief = brief.replace(theme=rebar_theme(brief.theme, written, meter))
    line_up = [PaletteEntry(p.name, p.instrument, p.role) for p in getattr(chosen, "palette", ())]
    parts = make_palette(
        genre,
        brief.instruments,
        brief.without,
        choice=_line_up_choice(genre, valence, stage[2]),
        line_up=line_up,
        joining=brief.joining,
        ranges=brief.ranges,
        exact=brief.parts,
    )
    parts = with_racks(parts, getattr(chosen, "mix_preset", ""))
    words = " ".join(part.instrument for part in parts)
    home = choose_key(brief, genre, valence, words, stage[3])
    if brief.theme is not None:
        # Notes in words are meant as they stand; those of a file are in the file's own key.
        theme = brief.theme if brief.theme_meter is None else theme_in_key(brief.theme, home)
        asked = {part.instrument for part in brief.ranges}
        exact = brief.parts is not None or any(part.instrument in asked for part in parts)
        theme, parts = fit_theme(theme, parts, may_widen=not exact)
        brief = brief.replace(theme=theme, theme_meter=brief.theme_meter and str(meter))

    by_mood = style_genre != genre.name
    form = brief.form or pick(_form_weights(brief, genre, chosen, by_mood=by_mood), stage[4])
    bpm = (
        brief.bpm if brief.bpm is not None else choose_bpm(brief, genre, arousal, stage[5].random())
    )
    length = fit_length(
        brief,
        meter,
        bpm,
        _default_bars(brief, genre, form, meter, bpm, stage[4]),
        ritardando=genre.ending == "ritardando" and form != "loop",
    )
    bar_sec = meter.bar_ticks / meter.beat_ticks * 60.0 / length.bpm
    # Where nobody asked for a form and no groove holds the piece together, it develops.
    developed = brief.form is None and brief.chords is None and genre.name not in _GROOVES
    developed = developed and (genre.name == "orchestral" or not any(p.is_drum for p in parts))
    if developed:
        form = grow_form(form, length.num_bars, stage[4])
    sections = _lay_out(brief, genre, form, home, length, bar_sec, stage[6], developed=developed)
    if brief.theme is not None:
        fills = given_theme_bars(brief.theme, meter)
        if fills > length.num_bars:
            raise BriefError(
                f"theme: it fills {fills} bars of {meter} but the piece has num_bars="
                f"{length.num_bars}; ask for {fills} bars or more"
            )
        if brief.chords is None and not brief.cadences:
            close_as_theme(sections, brief.theme, meter, home)
    if brief.chords is not None:
        _use_given_chords(sections, brief, length.num_bars)
    else:
        harmonise(
            sections,
            genre.harmony,
            stage[7],
            rhythm=_harmonic_rhythm(genre, bar_sec),
            progressions=_style_progressions(chosen, home),
            mood=(valence, arousal),
            adventure=_USUAL_ADVENTURE if brief.adventure is None else brief.adventure,
        )
    shape_energy(
        sections,
        arousal,
        stage[8],
        genre=genre.name,
        form=form,
        ends_loud=genre.ending == "steady",
    )
    follow_curve(sections, brief.energy)
    shape_textures(sections, parts, genre=genre.name, form=form)
    num_theme_bars = theme_bars(brief, meter, bar_sec, sections[0].phrases[0].num_bars)
    placements = place_theme(
        sections,
        parts,
        num_theme_bars,
        home,
        stage[8],
        reharmonise=brief.chords is None,
        plain=genre.name in _PLAIN,
    )
    if brief.chords is None:
        mood = (valence, arousal)
        if brief.theme:
            harmonise_theme(
                sections, placements, brief.theme, meter, genre.harmony, stage[7], mood=mood
            )
        carry_theme_chords(sections, placements, genre.harmony, stage[7], mood=mood)
        placements = reharmonise_returns(sections, placements, genre.harmony, stage[7], mood=mood)
    halves = [symbol for section in sections for symbol in section.halves]
    shape = None
    if placements and not brief.theme:
        first = placements[0]
        singer = parts[first.part_index]
        begins = _section_of(sections, first.bar_index)
        shape = choose_shape(
            contour=brief.theme_contour,
            meter=meter,
            num_bars=first.num_bars,
            bpm=length.bpm,
            arousal=arousal,
            energy=begins.energy,
            span=(singer.low, singer.high),
            key=begins.key or home,
            last_chord=ChordSymbol.parse(halves[2 * (first.bar_index + first.num_bars) - 1]),
            rng=np.random.default_rng([int(seeds[8]), 1]),
            running=genre.name in _RUNNING,
        )
    return Plan(
        title=brief.title or invent_title(brief, genre, valence, arousal, stage[9]),
        brief=brief,
        seed=seed,
        genre=genre.name,
        style=style_name,
        drums=brief.drums or DrumControls(),
        adventure=_USUAL_ADVENTURE if brief.adventure is None else brief.adventure,
        key=str(home),
        meter=str(meter),
        num_bars=length.num_bars,
        tempos=length.tempos(),
        sections=_freeze(sections),
        chords=tuple(
            PlanChord(bar_index=index // 2, half=index % 2, symbol=symbol)
            for index, symbol in enumerate(halves)
        ),
        chords_as_planned=tuple(halves),
        parts=parts,
        placements=placements,
        theme=shape,
        loop=(0, length.num_bars) if form == "loop" else None,
    )


def _section_of(sections: Sequence[SectionSketch], bar: int) -> SectionSketch:
    """Return the section that holds a bar."""
    for section in sections:
        if bar < section.num_bars:
            return section
        bar -= section.num_bars
    return sections[-1]


def _line_up_choice(genre: Genre, valence: float, rng: np.random.Generator) -> int:
    return int(rng.integers(len(genre.palettes)))


def _lay_out(
    brief: Brief,
    genre: Genre,
    form: str,
    home: Key,
    length: LengthAndTempo,
    bar_sec: float,
    rng: np.random.Generator,
    *,
    developed: bool = False,
) -> list[SectionSketch]:
    """Sections with phrases and keys."""
    if not is_letter_form(form) and form not in vocabulary().forms:
        raise BriefError(
            f"form={form!r} must be one of {', '.join(vocabulary().forms)} or letters such as AABA"
        )
    phrase_bars = 8 if bar_sec < 1.25 else 4
    try:
        sections = make_form(
            length.num_bars,
            form,
            rng,
            phrase_bars=phrase_bars,
            developed=developed,
            open_phrases=developed and genre.harmony != "hymn",
        )
    except LeitmotivError as error:  # pragma: no cover - forms are checked above
        raise BriefError(str(error)) from None
    set_keys(sections, home, genre, form, rng)
    for section, follower in pairwise(sections):
        closing = section.phrases[-1]
        if section.key != follower.key and closing.num_bars > 1:
            closing.cadence = "authentic"  # a new key starts from rest
    set_cadences(sections, brief.cadences, brief.last_cadence)
    if brief.chords is not None:
        for section in sections:
            section.key = home
    return sections


def _use_given_chords(sections: list[SectionSketch], brief: Brief, num_bars: int) -> None:
    halves = _given_halves(brief, num_bars)
    position = 0
    for section in sections:
        section.halves = halves[position : position + 2 * section.num_bars]
        position += 2 * section.num_bars
    name_phrase_cadences(sections)
