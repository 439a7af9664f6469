"""Pictures of a piece: piano roll and spectrogram.

Purpose: let a person see form, harmony and voices at a glance.

Conventions: PNG of 1600 by 900 pixels, dark on light; one colour a part, chosen to stay apart
for colour-blind eyes. Matplotlib is loaded when a picture is drawn, and of it only the figure
and the Agg canvas.

Public names: :func:`draw_piano_roll`, :func:`draw_spectrogram`.

Reference: Okabe and Ito, *Color universal design* (2008), for the palette's base.
"""

from __future__ import annotations

import os
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from leitmotiv.audio import stft
from leitmotiv.errors import ReleaseError
from leitmotiv.score import Part, Score

if TYPE_CHECKING:
    from leitmotiv.plan import Plan

__all__ = ["draw_piano_roll", "draw_spectrogram"]

_WIDTH, _HEIGHT, _DPI = 1600, 900, 100

_PART_COLOURS = (
    "#0b6fb8", "#d1495b", "#2a9d6f", "#e08e17", "#7a4fb5", "#14a3b8", "#a05a2c", "#c2579f",
    "#5f7a1f", "#46536b", "#e4572e", "#3a86c8", "#8d6a9f", "#6b8f71", "#b08900", "#9b2226",
)  # fmt: skip
_SECTION_COLOURS = ("#cfe0f1", "#f6d9c6", "#d5e8d0", "#e6d8ee", "#f3e6b8", "#cfe9e8", "#ead3d7")
_PAPER, _INK, _FAINT, _GRID = "#fcfbf8", "#22262e", "#6f7683", "#d9d8d2"
_BLACK_KEYS = (1, 3, 6, 8, 10)
_DRUMS = (
    (35, 36, "kick"), (37, 37, "rim"), (38, 38, "snare"), (39, 39, "clap"), (40, 40, "snare"),
    (41, 41, "tom"), (42, 42, "hat"), (43, 43, "tom"), (44, 44, "pedal"), (45, 45, "tom"),
    (46, 46, "open"), (47, 48, "tom"), (49, 49, "crash"), (50, 50, "tom"), (51, 51, "ride"),
    (52, 53, "ride"), (54, 54, "tamb"), (55, 55, "splash"), (56, 56, "bell"), (57, 57, "crash"),
    (59, 59, "ride"), (60, 61, "bongo"), (62, 64, "conga"), (65, 66, "timb"), (67, 68, "agogo"),
    (69, 69, "cabasa"), (70, 70, "maraca"), (75, 75, "clave"), (81, 81, "triang"),
    (82, 82, "shaker"),
)  # fmt: skip
_CADENCES = {"authentic": "PAC", "half": "HC", "deceptive": "DC", "plagal": "PC"}


@dataclass(frozen=True)
class _Section:
    start: int  # tick
    stop: int
    label: str
    name: str
    key: str = ""


def _sections(score: Score, plan: Plan | None) -> list[_Section]:
    bars = score.bar_ticks
    if plan is not None and plan.num_bars <= score.num_bars:
        return [
            _Section(
                int(bars[section.start_bar_index]),
                int(bars[section.end_bar_index]),
                section.label,
                section.name,
                section.key,
            )
            for section in plan.sections
        ]
    ends = [*(mark.tick for mark in score.sections), score.length_ticks][1:]
    return [
        _Section(mark.tick, stop, mark.label, "")
        for mark, stop in zip(score.sections, ends, strict=True)
    ]


def _music_text(text: str) -> str:
    """Write accidentals as musicians do: ``Bb7`` becomes ``B♭7``, ``F#m`` becomes ``F♯m``."""
    pretty = text.replace("#", "♯")
    for step in "ABCDEFG":
        pretty = pretty.replace(f"{step}b", f"{step}♭")
    return pretty.replace("b5", "♭5").replace("b9", "♭9").replace("b13", "♭13")


def drawable(text: str) -> str:
    """Replace letters that the picture's font lacks; matplotlib warns and draws boxes."""
    from matplotlib.font_manager import FontProperties, findfont, get_font

    font = get_font(findfont(FontProperties()))
    return "".join(letter if font.get_char_index(ord(letter)) else "?" for letter in text)


def _mix_colour(colour: str, share: float) -> tuple[float, float, float]:
    """Blend a colour towards the paper; share 1 is the full colour."""
    full = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    paper = [int(_PAPER[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (share * f + (1 - share) * p for f, p in zip(full, paper, strict=True))
    return red, green, blue


def _note_boxes(
    part: Part, y: NDArray[np.float64], height: float, gap: float
) -> NDArray[np.float64]:
    """Corners of each note's box, shape (notes, 4, 2)."""
    notes = part.notes
    left = notes["onset"].astype(np.float64)
    length = np.maximum(notes["duration"] - gap, 0.6 * notes["duration"])
    right = left + np.maximum(length, gap)
    low, high = y - height / 2, y + height / 2
    corners = [(left, low), (left, high), (right, high), (right, low)]
    return np.stack([np.stack(corner, axis=1) for corner in corners], axis=1)


def _draw_notes(
    axes: Any, part: Part, y: NDArray[np.float64], colour: str, height: float, gap: float
) -> None:
    from matplotlib.collections import PolyCollection

    strength = 0.55 + 0.45 * np.clip((part.notes["velocity"] - 30.0) / 80.0, 0, 1)
    faces = [_mix_colour(colour, float(share)) for share in strength]
    axes.add_collection(
        PolyCollection(
            list(_note_boxes(part, y, height, gap)),
            facecolors=faces,
            edgecolors=_mix_colour(colour, 1.0),
            linewidths=0.6,
            zorder=3,
        )
    )


def _draw_grid(axes: Any, score: Score, low: int, high: int) -> None:
    """Keyboard shading, octave lines, bar lines and bar numbers."""
    from matplotlib.collections import LineCollection, PolyCollection

    end = score.length_ticks
    rows = [pitch for pitch in range(low, high + 1) if pitch % 12 in _BLACK_KEYS]
    axes.add_collection(
        PolyCollection(
            [[(0, p - 0.5), (0, p + 0.5), (end, p + 0.5), (end, p - 0.5)] for p in rows],
            facecolors="#f3f1ec",
            edgecolors="none",
            zorder=0,
        )
    )
    octaves = [pitch for pitch in range(low, high + 1) if pitch % 12 == 0]
    axes.add_collection(
        LineCollection(
            [[(0, p - 0.5), (end, p - 0.5)] for p in octaves],
            colors=_GRID,
            linewidths=0.8,
            zorder=1,
        )
    )
    axes.set_yticks(octaves, [f"C{pitch // 12 - 1}" for pitch in octaves])
    _draw_bar_lines(axes, score, low - 1, high + 1)


def _draw_bar_lines(axes: Any, score: Score, low: float, high: float) -> None:
    """Bar lines, and bar numbers as far as there is room."""
    from matplotlib.collections import LineCollection

    bars = score.bar_ticks
    axes.add_collection(
        LineCollection(
            [[(t, low), (t, high)] for t in bars], colors=_GRID, linewidths=0.8, zorder=1
        )
    )
    every = next(step for step in (1, 2, 4, 8, 16, 32, 64, 10**6) if score.num_bars / step <= 34)
    shown = range(0, score.num_bars, every)
    axes.set_xticks([int(bars[bar]) for bar in shown], [str(bar + 1) for bar in shown])
    axes.tick_params(length=0, labelsize=10, labelcolor=_FAINT)
    for spine in axes.spines.values():
        spine.set_visible(False)


def _draw_sections(axes: Any, sections: Sequence[_Section], end: int) -> None:
    from matplotlib.patches import FancyBboxPatch

    letters: list[str] = []
    pad = end * 0.0012
    for section in sections:
        letter = section.label.rstrip("'′ 0123456789") or section.label
        if letter not in letters:
            letters.append(letter)
        colour = _SECTION_COLOURS[letters.index(letter) % len(_SECTION_COLOURS)]
        width = section.stop - section.start - 2 * pad
        axes.add_patch(
            FancyBboxPatch(
                (section.start + pad, 0.06),
                max(width, pad),
                0.88,
                boxstyle="round,pad=0,rounding_size=0.18",
                mutation_aspect=1 / (end / 40),
                facecolor=colour,
                edgecolor="none",
            )
        )
        share = width / end
        text = section.label.replace("'", "′")
        if section.name and share > 0.1 and section.name != section.label:
            text += f"  ·  {section.name}"
        if section.key and share > 0.2:
            text += f"  ·  {_music_text(section.key)}"
        axes.text(
            (section.start + section.stop) / 2,
            0.47,
            drawable(text),
            ha="center",
            va="center",
            parse_math=False,
            fontsize=11 if share > 0.04 else 8,
            fontweight="bold",
            color=_INK,
            clip_on=True,
        )


def _draw_phrases(axes: Any, score: Score, plan: Plan) -> None:
    """A slur over each phrase, its cadence where it ends."""
    from matplotlib.patches import PathPatch
    from matplotlib.path import Path as Curve

    bars, end = score.bar_ticks, score.length_ticks
    for section in plan.sections:
        for phrase in section.phrases:
            if phrase.end_bar_index > score.num_bars:
                continue
            start, stop = int(bars[phrase.start_bar_index]), int(bars[phrase.end_bar_index])
            inset = end * 0.003
            cadence = _CADENCES.get(phrase.cadence)
            # The mark stands on the end of the slur, so the slur makes room for it.
            room = end * 0.019 if cadence else inset
            curve = Curve(
                [(start + inset, 0.1), (start + inset + (stop - start) * 0.12, 1.0),
                 (stop - room - (stop - start) * 0.12, 1.0), (stop - room, 0.1)],
                [Curve.MOVETO, Curve.CURVE4, Curve.CURVE4, Curve.CURVE4],
            )  # fmt: skip
            axes.add_patch(PathPatch(curve, facecolor="none", edgecolor=_FAINT, linewidth=1.3))
            if cadence and (stop - start) / end > 0.03:
                axes.text(
                    stop - inset, 0.36, cadence, ha="right", va="center", fontsize=8.5, color=_FAINT
                )


def _chord_labels(score: Score, plan: Plan | None) -> list[tuple[int, str]]:
    """Ticks and lead-sheet texts, each chord once where it enters."""
    changes: list[tuple[int, str]] = []
    if score.chords:
        changes = [(change.tick, change.chord.lead_sheet) for change in score.chords]
    elif plan is not None and plan.num_bars <= score.num_bars:
        for chord in plan.chords:
            tick = int(score.bar_ticks[chord.bar_index]) + chord.half * plan.half_tick
            symbol = plan.chord_at(chord.bar_index, chord.half)
            changes.append((tick, symbol.lead_sheet))
    labels: list[tuple[int, str]] = []
    for tick, text in changes:
        if tick < score.length_ticks and (not labels or labels[-1][1] != text):
            labels.append((tick, text))
    return [(tick, "" if text == "N.C." else text) for tick, text in labels]


def _draw_chords(axes: Any, labels: Sequence[tuple[int, str]], end: int, pixels: float) -> None:
    """Chord symbols; where they would touch, they shrink, then use two rows, then thin out."""
    if not labels:
        return
    ticks = np.asarray([tick for tick, _ in labels], dtype=np.float64)
    texts = [_music_text(text) for _, text in labels]
    room = np.diff(np.append(ticks, end)) / end * pixels
    size, rows = 6.5, 2
    for candidate, lines in ((11.0, 1), (9.5, 1), (8.5, 1), (9.0, 2), (7.5, 2), (6.5, 2)):
        need = np.asarray([len(text) for text in texts]) * candidate * 0.66 + 5
        if np.mean(need > room * lines) < 0.03:
            size, rows = candidate, lines
            break
    free = [-1.0] * rows
    for index, (tick, text) in enumerate(zip(ticks, texts, strict=True)):
        row = index % rows
        position = tick / end * pixels
        if not text or position < free[row]:
            continue
        free[row] = position + len(text) * size * 0.66 + 2
        height = 0.5 if rows == 1 else (0.74, 0.26)[row]
        axes.text(
            tick + end * 0.0015, height, text, ha="left", va="center", fontsize=size, color=_INK
        )


def _draw_theme(axes: Any, score: Score, plan: Plan, colours: Sequence[str]) -> None:
    """A bar a theme placement, in the colour of the part that plays it."""
    bars, end = score.bar_ticks, score.length_ticks
    for placement in plan.placements:
        stop_bar = placement.bar_index + placement.num_bars
        if stop_bar > score.num_bars or placement.part_index >= len(colours):
            continue
        start, stop = int(bars[placement.bar_index]), int(bars[stop_bar])
        colour = colours[placement.part_index]
        inset = end * 0.0012
        axes.fill_between(
            [start + inset, stop - inset], 0.12, 0.88,
            facecolor=_mix_colour(colour, 0.16), edgecolor=_mix_colour(colour, 0.55), linewidth=0.8,
        )  # fmt: skip
        text: str = placement.transform
        if placement.transpose_steps:
            text += f" {placement.transpose_steps:+d}"
        if (stop - start) / end * 150 > len(text):
            axes.text(
                (start + stop) / 2, 0.48, text,
                ha="center", va="center", fontsize=8, color=_mix_colour(colour, 1.0), clip_on=True,
            )  # fmt: skip


def _draw_roll(axes: Any, score: Score, parts: Sequence[tuple[Part, str]]) -> None:
    """Pitched notes over the keyboard grid."""
    end = max(score.length_ticks, 1)
    low, high = _pitch_range([part for part, _ in parts])
    axes.set_facecolor(_PAPER)
    axes.set_xlim(0, end)
    axes.set_ylim(low - 0.5, high + 0.5)
    _draw_grid(axes, score, low, high)
    gap = end / _WIDTH * 2.2  # two pixels of paper between repeated notes
    # The melody lies on top, then the parts from the top of the score down.
    upwards = parts[::-1]
    for part, colour in sorted(upwards, key=lambda item: item[0].role == "melody"):
        if len(part.notes):
            pitches = part.notes["pitch"].astype(np.float64)
            _draw_notes(axes, part, pitches, colour, 0.82, gap)


def _draw_drums(axes: Any, parts: Sequence[tuple[Part, str]]) -> None:
    """One row a drum that is played, the lowest key at the bottom; louder strokes are taller."""
    from matplotlib.collections import PolyCollection

    keys = sorted({int(key) for part, _ in parts for key in np.unique(part.notes["pitch"])})
    row_of = np.zeros(128)
    row_of[keys] = np.arange(len(keys))
    end = axes.get_xlim()[1]
    width = max(min(90.0, end / 500), end / _WIDTH * 2)
    for part, colour in parts:
        left = part.notes["onset"].astype(np.float64)
        loud = np.clip((part.notes["velocity"] - 20.0) / 90.0, 0.15, 1.0)
        row, half = row_of[part.notes["pitch"]], 0.18 + 0.24 * loud
        corners = [(left, row - half), (left, row + half)]
        corners += [(left + width, row + half), (left + width, row - half)]
        axes.add_collection(
            PolyCollection(
                list(np.stack([np.stack(corner, axis=1) for corner in corners], axis=1)),
                facecolors=[_mix_colour(colour, 0.55 + 0.45 * float(share)) for share in loud],
                edgecolors="none",
                zorder=3,
            )
        )
    axes.set_yticks(range(len(keys)), [_drum_name(key) for key in keys], fontsize=7.5)
    axes.set_ylim(-0.8, len(keys) - 0.2)


def _drum_name(key: int) -> str:
    return next((name for first, last, name in _DRUMS if first <= key <= last), "")


def _subtitle(score: Score, plan: Plan | None) -> str:
    meter = score.meters[0].meter
    pieces: list[str] = []
    if plan is not None:
        pieces += [plan.genre, _music_text(plan.key)]
    elif score.keys:
        pieces.append(_music_text(str(score.keys[0].key)))
    bpm = score.tempo_map.qpm_at(0) * 480 / meter.beat_ticks
    pieces += [str(meter), f"{bpm:.0f} BPM", f"{score.num_bars} bars"]
    minutes, seconds = divmod(round(score.duration_sec), 60)
    pieces += [f"{minutes}:{seconds:02d}", f"{score.num_notes} notes"]
    return "   ·   ".join(pieces)


def _pitch_range(parts: Sequence[Part]) -> tuple[int, int]:
    pitches = [part.notes["pitch"] for part in parts if len(part.notes)]
    if not pitches:
        return 55, 79
    low, high = int(min(p.min() for p in pitches)) - 2, int(max(p.max() for p in pitches)) + 2
    short = max(24 - (high - low), 0)  # at least two octaves, so that a line does not look wild
    return max(low - short // 2, 0), min(high + (short + 1) // 2, 127)


def draw_piano_roll(
    score: Score,
    path: str | os.PathLike[str],
    *,
    title: str = "",
    plan: Plan | None = None,
) -> Path:
    """Draw a score as a piano roll: sections, phrases, chords, theme, notes.

    Parameters
    ----------
    score : Score
        Empty scores give an empty grid.
    path : path
        PNG file.
    title : str
        Defaults to the score's title.
    plan : Plan, optional
        Adds phrases with their cadences, the theme's places, names and keys of sections.

    Raises
    ------
    ReleaseError
        If the file cannot be written.
    """
    figure, _ = piano_roll_figure(score, title=title, plan=plan)
    return save_figure(figure, path)


def part_colour(part_index: int) -> str:
    """Return the colour of a part in every picture."""
    return _PART_COLOURS[part_index % len(_PART_COLOURS)]


def piano_roll_figure(
    score: Score,
    *,
    title: str = "",
    plan: Plan | None = None,
    right: float = 0.985,
    below: float = 0.0,
) -> tuple[Any, Any]:
    """Lay out a piano roll for another picture to draw on.

    Returns the figure and the axes of the pitched notes (ticks by MIDI pitch), None where only
    drums play. ``right`` is the edge of the roll as a share of the figure's width; ``below`` is
    left free under it, as a share of its height.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(_WIDTH / _DPI, _HEIGHT / _DPI), dpi=_DPI, facecolor=_PAPER)
    colours = [part_colour(i) for i in range(len(score.parts))]
    end = max(score.length_ticks, 1)
    left = 0.042
    melodic = [(p, c) for p, c in zip(score.parts, colours, strict=True) if not p.is_drum]
    drums = [
        (p, c) for p, c in zip(score.parts, colours, strict=True) if p.is_drum and len(p.notes)
    ]

    def lane(top: float, height: float) -> Any:
        axes = figure.add_axes((left, top - height, right - left, height))
        axes.set_xlim(0, end)
        axes.set_ylim(0, 1)
        axes.set_axis_off()
        return axes

    heading = drawable(textwrap.shorten(title or score.title or "Untitled", 90, placeholder="…"))
    figure.text(
        left, 0.945, heading,
        fontsize=21, fontweight="bold", color=_INK, va="center", parse_math=False,
    )  # fmt: skip
    figure.text(left, 0.9, _subtitle(score, plan), fontsize=11.5, color=_FAINT, va="center")
    top = 0.872
    sections = _sections(score, plan)
    if sections:
        _draw_sections(lane(top, 0.034), sections, end)
        top -= 0.038
    fits = plan is not None and plan.num_bars <= score.num_bars
    if plan is not None and fits:
        _draw_phrases(lane(top, 0.028), score, plan)
        top -= 0.031
    labels = _chord_labels(score, plan)
    if labels:
        _draw_chords(lane(top, 0.036), labels, end, (right - left) * _WIDTH * 72 / _DPI)
        top -= 0.037
    if plan is not None and fits and plan.placements:
        _draw_theme(lane(top, 0.026), score, plan, colours)
        figure.text(
            left - 0.004, top - 0.0135, "theme", fontsize=8.5, color=_FAINT, ha="right", va="center"
        )
        top -= 0.03
    bottom = 0.09 + below
    drum_height = 0.0
    roll = None
    if drums:
        drum_height = min(0.02 * _num_drum_rows(drums) + 0.02, 0.2)
        if not any(len(part.notes) for part, _ in melodic):
            drum_height = top - bottom
        axes = figure.add_axes((left, bottom, right - left, drum_height))
        axes.set_facecolor("#f7f5f0")
        axes.set_xlim(0, end)
        _draw_bar_lines(axes, score, -1, 200)
        _draw_drums(axes, drums)
        bottom += drum_height + 0.012
    if bottom < top:
        roll = figure.add_axes((left, bottom, right - left, top - bottom))
        _draw_roll(roll, score, melodic)
        roll.tick_params(labelbottom=not drums)
    _draw_legend(figure, score, colours, left, right)
    return figure, roll


def _num_drum_rows(parts: Sequence[tuple[Part, str]]) -> int:
    return len({int(key) for part, _ in parts for key in np.unique(part.notes["pitch"])})


def _draw_legend(
    figure: Any, score: Score, colours: Sequence[str], left: float, right: float
) -> None:
    from matplotlib.patches import Rectangle

    names = [
        drawable(textwrap.shorten(part.name or f"Part {index + 1}", 26, placeholder="…"))
        for index, part in enumerate(score.parts)
    ]
    widths = [0.0058 * len(name) + 0.034 for name in names]
    x, y = left, 0.045
    if sum(widths) > right - left:
        y = 0.05
    for name, colour, width in zip(names, colours, widths, strict=True):
        if x + width > right:
            x, y = left, y - 0.026
        figure.add_artist(
            Rectangle((x, y - 0.009), 0.011, 0.018, transform=figure.transFigure, facecolor=colour)
        )
        figure.text(x + 0.016, y, name, fontsize=10.5, color=_INK, va="center", parse_math=False)
        x += width
    figure.text(right, 0.014, "Leitmotiv", fontsize=9, color=_FAINT, ha="right", va="center")


def save_figure(figure: Any, path: str | os.PathLike[str]) -> Path:
    """Write a figure as PNG, whole or not at all; raises :class:`ReleaseError`."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    path = Path(path)
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    FigureCanvasAgg(figure)
    try:
        # Level 6 of zlib is a second slower on noise and saves little on flat colour.
        figure.savefig(
            part, format="png", facecolor=figure.get_facecolor(),
            metadata={"Software": "Leitmotiv"}, pil_kwargs={"compress_level": 4},
        )  # fmt: skip
        os.replace(part, path)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise ReleaseError(f"cannot write {path}: {reason}; choose another folder") from error
    finally:
        part.unlink(missing_ok=True)
    return path


def draw_spectrogram(
    audio: NDArray[np.float32],
    sample_rate: int,
    path: str | os.PathLike[str],
    *,
    title: str = "",
) -> Path:
    """Draw a spectrogram, 30 Hz to 20 kHz on a logarithmic axis, with the waveform above it.

    Parameters
    ----------
    audio : ndarray of float32, shape (channels, samples)
        Empty audio gives empty axes.
    sample_rate : int
        Hz.
    path : path
        PNG file.

    Raises
    ------
    ReleaseError
        If the file cannot be written.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(_WIDTH / _DPI, _HEIGHT / _DPI), dpi=_DPI, facecolor=_PAPER)
    mono = audio.mean(axis=0) if audio.size else np.zeros(1, dtype=np.float32)
    duration_sec = len(mono) / sample_rate
    n_fft = 4096
    hop_length = max(len(mono) // 1500, 256)
    spectrum = stft(mono[None], n_fft=n_fft, hop_length=hop_length)[0]
    power = np.square(np.abs(spectrum.T)) / np.square(n_fft / 4)
    # Log-spaced rows hold the strongest bin around them.
    edges = np.geomspace(30.0, min(20000.0, sample_rate / 2), 361)
    bins = np.clip(np.round(edges * n_fft / sample_rate).astype(int), 1, n_fft // 2)
    rows = np.stack([power[:, a : max(b, a + 1)].max(axis=1) for a, b in pairwise(bins)])
    level_db = 10 * np.log10(rows + 1e-12)

    wave = figure.add_axes((0.05, 0.8, 0.87, 0.12))
    chunks = np.array_split(mono, min(1400, len(mono)))
    time = np.linspace(0, duration_sec, len(chunks))
    wave.fill_between(
        time, [c.min() for c in chunks], [c.max() for c in chunks], color="#0b6fb8", linewidth=0
    )
    wave.set_xlim(0, duration_sec)
    wave.set_ylim(-1, 1)
    wave.set_axis_off()
    axes = figure.add_axes((0.05, 0.08, 0.87, 0.7))
    # pcolormesh takes a second here; the image's rows are already evenly spaced in log frequency.
    image = axes.imshow(
        level_db, origin="lower", aspect="auto", cmap="magma", vmin=-95, vmax=-15,
        extent=(0, duration_sec, 0, len(rows)), interpolation="nearest",
    )  # fmt: skip
    ticks = [50, 100, 200, 500, 1000, 2000, 5000, 10000]
    ticks = [tick for tick in ticks if tick < edges[-1]]
    axes.set_yticks(
        np.interp(np.log(ticks), np.log(edges), np.arange(len(edges))),
        [f"{tick // 1000} kHz" if tick >= 1000 else f"{tick} Hz" for tick in ticks],
    )
    axes.tick_params(labelsize=10, labelcolor=_FAINT, color=_GRID)
    axes.set_xlabel("seconds", color=_FAINT)
    bar = figure.colorbar(image, cax=figure.add_axes((0.935, 0.08, 0.012, 0.7)))
    bar.set_label("dBFS", color=_FAINT)
    bar.ax.tick_params(labelsize=9, labelcolor=_FAINT)
    figure.text(
        0.05, 0.95, drawable(title),
        fontsize=18, fontweight="bold", color=_INK, va="center", parse_math=False,
    )  # fmt: skip
    return save_figure(figure, path)
