"""Exactness: 200 random briefs in words, and how many of their demands the piece carries out.

    python benchmarks/briefs.py                       200 briefs, plans and notes (about 15 minutes)
    python benchmarks/briefs.py --plans-only          the plans alone (seconds)
    python benchmarks/briefs.py --show 5              also the first five briefs

Each brief is a row of random demands in random order and wording: genre, mood, players or an
ensemble, excluded instruments, key, meter, tempo in beats a minute or as a word, bars, seconds,
form, chords, and ranges of single instruments. The demands are drawn first and put into words
afterwards, so what is checked never comes from the parser itself.

Read from the **brief**: every field as it was meant, and nothing left over as not understood. Read
from the **plan**: chords, form, tempo, excluded instruments. Read from the **MIDI file** of the
score, parsed again: tempo, meter, key signature, bars, instruments of the parts, that no note
leaves the range of its part or of its instrument, and the length in seconds (within 1 %).

Then some bars, some parts, or some bars of some parts are **locked** at random, the piece is
composed again with another seed, half of the time with other energies, and the locked notes are
compared byte for byte.

Where chords were given, the share of the melody's notes on strong beats that belong to them is
held against what people's pieces of the genre show over their own chords (5th to 95th percentile,
``leitmotiv.review.human_statistics``): at least nine pieces in ten shall lie there, as people's do.

Bar: everything else 100 %. Exits with 1 where something is below.
"""

from __future__ import annotations

import argparse
import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

import sys
import time
from collections import Counter
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from leitmotiv.compose.canvas import CORPUS_GENRES
from leitmotiv.errors import LeitmotivError
from leitmotiv.pipeline import plan_brief
from leitmotiv.plan import Brief, Plan, form_names, genre_names, mood_names, parse_brief
from leitmotiv.plan.locks import locked_cells, with_locks
from leitmotiv.plan.vocabulary import vocabulary
from leitmotiv.review.human_statistics import load_human_statistics
from leitmotiv.review.statistics import STATISTICS, Melody
from leitmotiv.score import Score
from leitmotiv.score.general_midi import ENSEMBLES, GM_INSTRUMENTS, Instrument, find_instrument
from leitmotiv.score.midi import midi_bytes, parse_midi
from leitmotiv.theory import Key, Meter, Mode, parse_lead_sheet, pitch_name

NUM_BRIEFS = 200
LENGTH_TOLERANCE = 0.01
STRONG_ACCENT = 0.5
MIDI_TEMPO_TOLERANCE = 1e-4  # a file counts whole microseconds a quarter
METERS = ("4/4", "3/4", "2/4", "6/8", "9/8", "12/8", "5/4", "7/8", "2/2", "3/8", "6/4", "5/8")
ENSEMBLE_WORDS = (
    "string quartet", "string trio", "piano trio", "woodwind quintet", "brass quintet", "choir",
    "string quintet", "saxophone quartet", "string orchestra",
)  # fmt: skip
ALONE_TEXT = """
key lead grand chorus string aah ooh beat square sweep soundtrack atmosphere crystal drone sea waves
ocean bird telephone vibe vibes vox ep brightness voice keys choir brass quartet synth lead-synth
strings vocal chiptune
"""
# A section alone is a whole string orchestra, brass quintet or choir.
SECTIONS = ("String Ensemble 1", "String Ensemble 2", "Brass Section", "Choir Aahs")
AMBIGUOUS = frozenset(ALONE_TEXT.split())
FLAT_NAMES = {"b": " flat", "#": " sharp", "": ""}


@dataclass
class Demand:
    """What is asked for, and the words that ask."""

    words: list[str] = field(default_factory=list)
    expected: dict[str, Any] = field(default_factory=dict)
    ranges: dict[str, tuple[int, int]] = field(default_factory=dict)

    @property
    def text(self) -> str:
        return ", ".join(self.words)


def _choice(rng: np.random.Generator, options: Any) -> Any:
    options = list(options)
    return options[int(rng.integers(len(options)))]


def _name_of(instrument: Instrument, rng: np.random.Generator) -> str:
    """One of the names people use for an instrument."""
    names = [
        alias
        for alias in instrument.aliases
        if alias not in AMBIGUOUS
        and not alias.startswith("solo ")
        and find_instrument(alias) is instrument
    ]
    return str(_choice(rng, [instrument.name, instrument.name.lower(), *names]))


def _key_words(key: Key, rng: np.random.Generator) -> str:
    tonic, mode = str(key).split()
    letter, sign = tonic[0], tonic[1:]
    spelled = [f"in {tonic} {mode}", f"key: {tonic} {mode}", f"{letter}{FLAT_NAMES[sign]} {mode}"]
    if mode == "minor":
        spelled.append(f"{tonic}m")
    return str(_choice(rng, spelled))


def _draw_players(demand: Demand, rng: np.random.Generator) -> None:
    if rng.random() < 0.3:
        name = _choice(rng, ENSEMBLE_WORDS)
        demand.words.append(_choice(rng, ("", "for ", "for a ")) + name)
        demand.expected["instruments"] = [part.instrument.name for part in ENSEMBLES[name]]
        return
    pool = [i for i in GM_INSTRUMENTS[:112] if i.family != "synth effects"]
    pool = [i for i in pool if i.name not in SECTIONS]
    players: list[Instrument] = []
    phrases = []
    for _ in range(int(rng.integers(1, 5))):
        instrument = _choice(rng, pool)
        if any(instrument.name == other.name for other in players):
            continue
        count = 2 if rng.random() < 0.15 and instrument.family in ("strings", "pipe") else 1
        players += [instrument] * count
        phrase = ("two " if count == 2 else "") + _name_of(instrument, rng)
        span = instrument.high - instrument.low
        sings = instrument.family in ("strings", "pipe", "reed", "brass")
        if count == 1 and span >= 24 and sings and rng.random() < 0.3:
            low = instrument.low + int(rng.integers(0, span - 18))
            high = min(low + int(rng.integers(17, 25)), instrument.high)
            first, last = pitch_name(low), pitch_name(high)
            phrase += _choice(rng, (f" from {first} to {last}", f" ({first}-{last})"))
            demand.ranges[instrument.name] = (low, high)
        phrases.append(phrase)
    if rng.random() < 0.5:
        demand.words.append("for " + " and ".join(phrases))
    else:
        demand.words += phrases
    demand.expected["instruments"] = [player.name for player in players]


def _draw_length(demand: Demand, meter: Meter, rng: np.random.Generator) -> None:
    kind = int(rng.integers(4))
    bpm = round(float(rng.uniform(56, 180)))
    bars = int(rng.integers(5, 29))
    bar_beats = meter.bar_ticks / meter.beat_ticks
    if kind in (0, 1):
        demand.words.append(_choice(rng, (f"{bars} bars", f"{bars} measures", f"{bars}-bar piece")))
        demand.expected["num_bars"] = bars
    if kind in (0, 2):
        words = (f"{bpm} bpm", f"at {bpm} BPM", f"tempo {bpm}", f"{bpm} beats per minute")
        demand.words.append(_choice(rng, words))
        demand.expected["bpm"] = float(bpm)
    if kind in (1, 3):
        # Any tempo from 50 to 200 meets the bars where both are given.
        seconds = round(bars * bar_beats * 60 / bpm) if kind == 1 else int(rng.integers(12, 61))
        seconds = max(seconds, 5)
        minutes, rest = divmod(seconds, 60)
        words = [f"{seconds} seconds", f"{seconds} s", f"{minutes}:{rest:02d}"]
        demand.words.append(_choice(rng, words))
        demand.expected["duration_sec"] = float(seconds)
    if kind == 2:
        # A tempo with seconds: half of the lengths fall on no bar line.
        seconds = round(bars * bar_beats * 60 / bpm + float(rng.uniform(-1, 1)))
        demand.words.append(f"{max(seconds, 8)} seconds long")
        demand.expected["duration_sec"] = float(max(seconds, 8))


def _draw_chords(demand: Demand, key: Key, rng: np.random.Generator) -> None:
    roots = ["C", "Db", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B"]
    kinds = ["", "m", "7", "m7", "maj7", "dim", "m7b5", "sus4", "6", "9", "aug"]
    meter = Meter.parse(demand.expected["meter"])
    bars = demand.expected.get("num_bars")
    if bars is None and {"bpm", "duration_sec"} <= set(demand.expected):
        beats = demand.expected["duration_sec"] * demand.expected["bpm"] / 60
        bars = int(beats * meter.beat_ticks / meter.bar_ticks)
    count = int(rng.integers(2, 9)) if bars is None else int(rng.integers(1, min(bars, 8) + 1))
    cells = [f"{_choice(rng, roots)}{_choice(rng, kinds)}" for _ in range(count)]
    demand.words.append("chords: " + " | ".join(cells) + ";")
    demand.expected["chords"] = [parse_lead_sheet(cell) for cell in cells]


def draw_brief(rng: np.random.Generator) -> Demand:
    """Draw the demands of one brief and put them into words, in random order."""
    words = vocabulary()
    demand = Demand()
    meter = Meter.parse(_choice(rng, METERS))
    demand.words.append(_choice(rng, (f"{meter}", f"in {meter}", f"{meter} time")))
    demand.expected["meter"] = str(meter)
    key = Key.from_fifths(int(rng.integers(-5, 6)), _choice(rng, (Mode.MAJOR, Mode.MINOR)))
    demand.words.append(_key_words(key, rng))
    demand.expected["key"] = key
    if rng.random() < 0.6:
        genre = _choice(rng, genre_names())
        demand.words.append(genre)
        demand.expected["genre"] = genre
    if rng.random() < 0.7:
        mood = _choice(rng, [m for m in mood_names() if m not in words.tempo_words])
        demand.words.append(mood)
        demand.expected["mood"] = mood
    if rng.random() < 0.75:
        _draw_players(demand, rng)
    elif rng.random() < 0.5:
        demand.words.append("no drums")
        demand.expected["without"] = "Drum Kit"
    _draw_length(demand, meter, rng)
    if rng.random() < 0.3:
        _draw_chords(demand, key, rng)
    elif rng.random() < 0.5:
        form = _choice(rng, [name for name in form_names() if name != "blues"])
        demand.words.append(f"{form} form" if form in ("period", "sentence") else form)
        demand.expected["form"] = form
    order = rng.permutation(len(demand.words))
    demand.words = [demand.words[index] for index in order]
    return demand


def _players(plan: Plan) -> Counter[str]:
    """Players of a plan: the two hands of one keyboard are one player."""
    count: Counter[str] = Counter()
    for part in plan.parts:
        second = " left hand" in part.name or " accompaniment" in part.name
        count[part.instrument] += 0 if second else 1
    return count


def check_brief(demand: Demand, brief: Brief) -> dict[str, bool]:
    """Compare what was read with what was meant."""
    expected = demand.expected
    found = {"nothing left over": not brief.not_understood}
    for name in ("num_bars", "bpm", "duration_sec", "meter", "form"):
        if name in expected:
            found[f"{name} read"] = getattr(brief, name) == expected[name]
    found["key read"] = brief.key == str(expected["key"])
    if "genre" in expected:
        found["genre read"] = brief.genre == expected["genre"]
    if "mood" in expected:
        found["mood read"] = expected["mood"] in brief.moods
    return found


def check_plan(demand: Demand, plan: Plan) -> dict[str, bool]:
    """Compare a plan with the demands."""
    expected = demand.expected
    found = {"key in the plan": plan.key == str(expected["key"])}
    if "bpm" in expected:
        found["tempo in the plan"] = plan.tempos[0].bpm == expected["bpm"]
    if "chords" in expected:
        given = expected["chords"]
        chords = [
            plan.chord_at(bar, half) == given[bar % len(given)]
            for bar in range(plan.num_bars)
            for half in (0, 1)
        ]
        found["chords in the plan"] = all(chords)
    if "without" in expected:
        found["nobody excluded plays"] = expected["without"] not in _players(plan)
    if "instruments" in expected:
        found["players in the plan"] = _players(plan) == Counter(expected["instruments"])
    for name, (low, high) in demand.ranges.items():
        parts = [part for part in plan.parts if part.instrument == name]
        found["ranges in the plan"] = all(low <= p.low and p.high <= high for p in parts)
    found["length in the plan"] = _right_length(expected, plan.duration_sec)
    return found


def _right_length(expected: dict[str, Any], seconds: float) -> bool:
    wanted = expected.get("duration_sec")
    return wanted is None or abs(seconds / wanted - 1) <= LENGTH_TOLERANCE


def check_score(demand: Demand, plan: Plan, score: Score) -> dict[str, bool]:
    """Compare a score, read again from its MIDI file, with the demands and the plan."""
    expected = demand.expected
    qpm = plan.qpm_at(0)
    found = {
        "tempo": abs(score.tempo_map.qpm[0] / qpm - 1) <= MIDI_TEMPO_TOLERANCE,
        "meter": [str(change.meter) for change in score.meters] == [expected["meter"]],
        "key signature": bool(score.keys) and score.keys[0].key.fifths == expected["key"].fifths,
        "bars": score.num_bars == expected.get("num_bars", plan.num_bars),
        "parts": len(score.parts) == plan.num_parts,
        "length in seconds": _right_length(expected, score.duration_sec),
    }
    if "bpm" in expected:
        beat = Meter.parse(expected["meter"]).beat_ticks / 480
        found["tempo"] &= abs(qpm / (expected["bpm"] * beat) - 1) <= MIDI_TEMPO_TOLERANCE
    pairs = list(zip(plan.parts, score.parts, strict=False))
    found["instruments"] = all(
        (part.is_drum, 0 if part.is_drum else part.program)
        == (planned.is_drum, 0 if planned.is_drum else planned.program)
        for planned, part in pairs
    )
    inside = True
    for planned, part in pairs:
        if planned.is_drum or not len(part.notes):
            continue
        instrument = GM_INSTRUMENTS[planned.program]
        low, high = demand.ranges.get(planned.instrument, (0, 127))
        low, high = max(low, planned.low, instrument.low), min(high, planned.high, instrument.high)
        inside &= bool(low <= part.notes["pitch"].min() and part.notes["pitch"].max() <= high)
    found["ranges"] = inside
    return found


def check_locks(plan: Plan, score: Score, rng: np.random.Generator) -> dict[str, bool]:
    """Lock some of a piece, compose the rest again, and compare what was locked byte for byte."""
    from leitmotiv.compose import compose

    first = int(rng.integers(plan.num_bars))
    bars = range(first, int(rng.integers(first, plan.num_bars)) + 1)
    names = [part.name for part in plan.parts if rng.random() < 0.5]
    kind = int(rng.integers(3))
    locked = with_locks(
        plan, score, bars=bars if kind != 1 else None, parts=names if kind and names else None
    )
    if rng.random() < 0.5:
        energies = [float(rng.uniform(0.1, 1.0)) for _ in plan.sections]
        sections = [s.replace(energy=e) for s, e in zip(plan.sections, energies, strict=True)]
        locked = locked.replace(sections=tuple(sections))
    again = compose(locked, rng=np.random.default_rng(int(rng.integers(2**31))))
    cells = locked_cells(locked)
    same = True
    for index, (before, after) in enumerate(zip(score.parts, again.parts, strict=True)):
        held = [
            part.notes[cells[part.notes["onset"] // plan.bar_ticks, index]].tobytes()
            for part in (before, after)
        ]
        same &= held[0] == held[1]
    kinds = ("bars", "parts", "bars of parts")
    return {f"locked {kinds[kind]} identical": same}


def strong_chord_tones(plan: Plan, score: Score) -> float:
    """Share of the melody's notes on strong beats that belong to the plan's chords."""
    sounding = tuple(part for part in score.parts if not part.is_drum and len(part.notes))
    piece = replace(score, parts=sounding)
    melody = Melody.of(piece)
    found = []
    for onset, pitch, accent in zip(melody.onset, melody.pitch, melody.accents(piece), strict=True):
        bar, inside = divmod(int(onset), plan.bar_ticks)
        chord = plan.chord_at(min(bar, plan.num_bars - 1), int(inside >= plan.half_tick))
        if accent >= STRONG_ACCENT and not chord.is_none:
            found.append(int(pitch) % 12 in chord.pitch_classes)
    return float(np.mean(found)) if len(found) >= 4 else float("nan")


def human_band(genre: str) -> tuple[str, float, float, float]:
    """5th, 50th and 95th percentile of people's pieces of the genre that is nearest."""
    name = CORPUS_GENRES.get(genre, "orchestral")
    column = [statistic.name for statistic in STATISTICS].index("strong_chord_tone_share")
    low, middle, high = np.nanpercentile(load_human_statistics(name).table[:, column], (5, 50, 95))
    return name, float(low), float(middle), float(high)


def print_chord_tones(found: dict[str, list[float]]) -> bool:
    """Print the shares by human genre; return whether nine in ten lie in the band."""
    print("\n| kind of music | pieces | median | people's 5 %, median, 95 % | inside |")
    print("|---|---|---|---|---|")
    inside = total = 0
    for genre, values in sorted(found.items()):
        name, low, middle, high = human_band(genre)
        held = sum(low <= value <= high for value in values)
        inside, total = inside + held, total + len(values)
        band = f"{low:.2f}, {middle:.2f}, {high:.2f}"
        print(f"| {name} | {len(values)} | {np.median(values):.2f} | {band} | {held} |")
    print(f"\n{inside} of {total} pieces over given chords lie in the human band")
    return inside >= 0.9 * total


def run_one(
    demand: Demand, seed: int, *, plans_only: bool, chord_tones: dict[str, list[float]]
) -> tuple[dict[str, bool], str]:
    """Carry one brief out; return what was met, and the error where there was one."""
    try:
        brief = parse_brief(demand.text)
        found = check_brief(demand, brief)
        plan = plan_brief(brief, seed=seed)
        found |= check_plan(demand, plan)
        if not plans_only:
            from leitmotiv.compose import compose

            score = compose(plan, rng=np.random.default_rng(seed))
            found |= check_score(demand, plan, parse_midi(midi_bytes(score)))
            if "chords" in demand.expected:
                share = strong_chord_tones(plan, score)
                if share == share:
                    kind = human_band(plan.genre)[0]
                    example = next(g for g in CORPUS_GENRES if CORPUS_GENRES[g] == kind)
                    chord_tones.setdefault(example, []).append(share)
            found |= check_locks(plan, score, np.random.default_rng([seed, 1]))
    except LeitmotivError as error:
        return {"carried out": False}, str(error)
    return {"carried out": True, **found}, ""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--briefs", type=int, default=NUM_BRIEFS)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--plans-only", action="store_true")
    parser.add_argument("--show", type=int, default=0)
    options = parser.parse_args()
    rng = np.random.default_rng(options.seed)
    demands = [draw_brief(rng) for _ in range(options.briefs)]
    met: Counter[str] = Counter()
    asked: Counter[str] = Counter()
    chord_tones: dict[str, list[float]] = {}
    start = time.perf_counter()
    for index, demand in enumerate(demands):
        if index < options.show:
            print(f"  {demand.text}")
        found, error = run_one(
            demand, index, plans_only=options.plans_only, chord_tones=chord_tones
        )
        met.update(name for name, right in found.items() if right)
        asked.update(list(found))
        wrong = [name for name, right in found.items() if not right]
        if wrong:
            print(f"{index}: {', '.join(wrong)}: {demand.text}" + (f" ({error})" * bool(error)))
            sys.stdout.flush()
    print(f"{len(demands)} briefs in {time.perf_counter() - start:.0f} s\n")
    print("| demand | asked | met |\n|---|---|---|")
    for name, count in asked.items():
        print(f"| {name} | {count} | {met[name] / count:.1%} |")
    in_band = not chord_tones or print_chord_tones(chord_tones)
    return int(met != asked or not in_band)


if __name__ == "__main__":
    sys.exit(main())
