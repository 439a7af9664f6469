"""Performance against played music: loudness and tempo, note by note and beat by beat.

    python benchmarks/performance.py LIBRARY [--source piano_midi_de] [--pieces 100]

Reads played pieces on score time (velocities and a tempo map that a person made), takes their
velocities and tempo away, lets Leitmotiv perform what is left, and compares. Nothing is learned
from these pieces: their licence is share-alike, so they judge alone. The plan (phrases, harmony) is
read off the notes; section energies are all the same, since they would be read off the velocities.
Of one keyboard track the highest line is the melody and the rest is harmony.

Loudness: correlation and error (velocities, the mean of a piece taken away) of *even* loudness, of
the written *rules*, of the learned *contour* alone and of both. *Sizes*: what one unit of each term
is worth in the played music, by least squares inside each piece, beside its size here; *refitted*
are the same terms with sizes from all composers but the one that is judged.
Tempo: correlation of the local tempo, the log ratio to the median of twelve beats either side, with
and without the last two bars.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from leitmotiv.compose.dynamics import _harmonic_charge, note_velocities, phrase_arch
from leitmotiv.compose.loudness import loudness_contour
from leitmotiv.compose.operations.reading import read_plan
from leitmotiv.compose.timing import PlaceNoise, expressive_tempo_map
from leitmotiv.corpus.library import Library
from leitmotiv.errors import LeitmotivError
from leitmotiv.plan import Plan
from leitmotiv.score import MeterChange, Part, Score, TempoMap, parse_midi
from leitmotiv.styles.style import Feel

FEEL = Feel(timing_ms=0.0, velocity_spread=0.0, rubato=0.6, accent_depth=0.5)
EXPRESSIVE = 0.35 + 0.65 * FEEL.rubato
CONTOUR = 1.35 * EXPRESSIVE
SIZES = {
    "metrical accent (0 to 1)": 16.0 * FEEL.accent_depth,
    "phrase arch (-1 to 1)": 7.0 * EXPRESSIVE,
    "an octave higher": 3.0,
    "harmonic charge (0 to 1)": 4.0 * EXPRESSIVE,
    "melody, not accompaniment": 13.0,
    "learned contour": CONTOUR,
}
_BARS = (16, 400)


@dataclass(frozen=True, eq=False)
class Played:
    """One piece: per note velocity, terms (n, 6), rules and contour; per beat two tempos."""

    composer: str
    velocity: np.ndarray
    terms: np.ndarray
    rules: np.ndarray
    contour: np.ndarray
    tempo: np.ndarray
    ruled_tempo: np.ndarray
    beats_of_end: int


def split_hands(part: Part) -> list[Part]:
    """The highest line of a keyboard track as melody, the rest as harmony."""
    notes = part.notes[np.lexsort((-part.notes["pitch"].astype(int), part.notes["onset"]))]
    top = np.zeros(len(notes), dtype=bool)
    last, end, height = -1, -1, -1
    for index, (onset, duration, pitch) in enumerate(
        zip(*(notes[name].astype(int).tolist() for name in ("onset", "duration", "pitch")),
            strict=True)
    ):  # fmt: skip
        if onset != last and (pitch >= height or onset >= end):
            top[index], end, height = True, onset + duration, pitch
        last = onset
    found = []
    for name, role, chosen in (("Melody", "melody", top), ("Rest", "harmony", ~top)):
        mine = notes[chosen]
        if len(mine):
            mine = mine[np.lexsort((mine["pitch"], mine["onset"]))]
            found.append(Part(name, part.program, False, role, mine))
    return found


def local_tempo(qpm: np.ndarray) -> np.ndarray:
    """Log ratio of each beat's tempo to the median of twelve beats either side."""
    return np.asarray(
        [np.log(qpm[i] / np.median(qpm[max(i - 12, 0) : i + 13])) for i in range(len(qpm))]
    )


def read_played(score: Score, composer: str) -> Played:
    """Take the expression away from a played score, perform it, and keep both."""
    parts = [part for part in score.parts if not part.is_drum and len(part.notes) > 30]
    score = score.with_parts([hand for part in parts for hand in split_hands(part)])
    reading = read_plan(score)
    plan = reading.plan
    sections = (section.model_copy(update={"energy": 0.5}) for section in plan.sections)
    plan = plan.replace(sections=tuple(sections))
    first, stop = (int(score.bar_ticks[b]) for b in (reading.start_bar, reading.stop_bar))
    beats = np.arange(first, stop, plan.meter_value.beat_ticks)
    tempo = np.asarray([score.tempo_map.qpm_at(int(tick)) for tick in beats])
    velocity, flat = [], []
    for part in score.parts:
        inside = (part.notes["onset"] >= first) & (part.notes["onset"] < stop)
        notes = part.notes[inside].copy()
        velocity.append(notes["velocity"].astype(float))
        notes["onset"] -= first
        notes["velocity"] = 80
        flat.append(replace(part, notes=notes))
    written = Score(
        tuple(flat),
        TempoMap((0,), (float(np.median(tempo)),)),
        (MeterChange(0, plan.meter_value),),
        length_ticks=plan.num_bars * plan.bar_ticks,
    )
    ruled = expressive_tempo_map(written, plan, FEEL.rubato)
    contour = loudness_contour(written, plan)
    noise = PlaceNoise(written.length_ticks, np.random.default_rng(0))
    return Played(
        composer,
        np.concatenate(velocity),
        np.concatenate([terms(plan, part, contour) for part in flat]),
        np.concatenate([note_velocities(written, plan, part, FEEL, noise) for part in flat]),
        np.concatenate(
            [contour[part.notes["onset"].astype(int) // plan.bar_ticks] for part in flat]
        ),
        tempo,
        np.asarray([ruled.qpm_at(int(tick) - first) for tick in beats]),
        2 * plan.bar_ticks // plan.meter_value.beat_ticks,
    )


def terms(plan: Plan, part: Part, contour: np.ndarray) -> np.ndarray:
    """What the rules look at, one row a note, in the order of SIZES."""
    onset, pitch = part.notes["onset"].astype(np.int64), part.notes["pitch"].astype(float)
    place = onset % plan.bar_ticks
    halves = 2 * (onset // plan.bar_ticks) + (place >= plan.half_tick)
    columns = [
        np.asarray([plan.meter_value.accent(int(tick)) for tick in place]),
        phrase_arch(plan, onset),
        np.clip((pitch - np.median(pitch)) / 12, -4 / 3, 4 / 3) if len(pitch) else pitch,
        _harmonic_charge(plan)[np.minimum(halves, 2 * plan.num_bars - 1)],
        np.full(len(onset), float(part.role == "melody")),
        contour[onset // plan.bar_ticks],
    ]
    return np.stack(columns, axis=1)


def centred(values: np.ndarray) -> np.ndarray:
    """The values without their mean."""
    return np.asarray(values - values.mean(axis=0))


def least_squares(pieces: list[Played]) -> np.ndarray:
    """Sizes of the terms, every piece counting alike."""
    square = sum(centred(p.terms).T @ centred(p.terms) / len(p.terms) for p in pieces)
    product = sum(centred(p.terms).T @ centred(p.velocity) / len(p.terms) for p in pieces)
    return np.asarray(np.linalg.solve(square + 1e-6 * np.eye(len(SIZES)), product))


def correlation(one: np.ndarray, other: np.ndarray) -> float:
    """Pearson's r; 0 where one of them does not move."""
    if one.std() < 1e-9 or other.std() < 1e-9:
        return 0.0
    return float(np.corrcoef(one, other)[0, 1])


def read_pieces(library: Path, source: str, count: int) -> Iterator[Played]:
    """Played pieces of a library, in an order drawn once."""
    with Library(library) as opened:
        pieces = list(opened.pieces("ok", sources=[source]))
        order = np.random.default_rng(0).permutation(len(pieces))
        found = 0
        for index in order.tolist():
            piece = pieces[index]
            data = opened.midi(piece.id)
            if found >= count or data is None or not _BARS[0] <= piece.num_bars <= _BARS[1]:
                continue
            try:
                played = read_played(parse_midi(data), piece.composer or "?")
            except LeitmotivError as error:
                print(f"{piece.title}: {error}")
                continue
            found += 1
            yield played


def main() -> None:
    """Read, perform, compare, print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("library", type=Path)
    parser.add_argument("--source", default="piano_midi_de")
    parser.add_argument("--pieces", type=int, default=100)
    options = parser.parse_args()
    pieces = list(read_pieces(options.library, options.source, options.pieces))
    composers = sorted({piece.composer for piece in pieces})
    print(f"{len(pieces)} pieces by {len(composers)} composers\n")
    refitted = {
        name: least_squares([p for p in pieces if p.composer != name]) for name in composers
    }
    guesses = {
        "even": lambda p: np.zeros(len(p.velocity)),
        "rules": lambda p: p.rules,
        "learned contour": lambda p: CONTOUR * p.contour,
        "rules and contour": lambda p: p.rules + CONTOUR * p.contour,
        "the same terms, refitted": lambda p: p.terms @ refitted[p.composer],
    }
    print("| loudness | correlation | error |\n|---|---|---|")
    for name, guess in guesses.items():
        fits = [correlation(guess(p), p.velocity) for p in pieces]
        errors = [np.std(centred(p.velocity) - centred(guess(p))) for p in pieces]
        print(f"| {name} | {np.mean(fits):.2f} | {np.mean(errors):.1f} |")
    print("\n| term | here | played |\n|---|---|---|")
    for (name, size), found in zip(SIZES.items(), least_squares(pieces), strict=True):
        print(f"| {name} | {size:.1f} | {found:.1f} |")
    whole = [correlation(local_tempo(p.tempo), local_tempo(p.ruled_tempo)) for p in pieces]
    inner = [
        correlation(
            local_tempo(p.tempo)[: -p.beats_of_end], local_tempo(p.ruled_tempo)[: -p.beats_of_end]
        )
        for p in pieces
    ]
    print(f"\nlocal tempo: correlation {np.mean(whole):.2f}, without the end {np.mean(inner):.2f}")


if __name__ == "__main__":
    main()
