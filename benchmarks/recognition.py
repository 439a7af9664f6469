"""Key, chord and phrase recognition against people and against music21.

``python benchmarks/recognition.py --corpus FOLDER`` (archives with ``manifest.jsonl``; needs the
package ``music21``) prints:

- home keys against titles and against the K: field of folk tunes, from the notes alone and with
  the key signature, beside music21's ``analyze("key")`` on a sample of the same pieces;
- chords a half bar and keys a bar against Roman numeral analyses of Bach chorales (the weights of
  the chord finder were set on 18 of them) and Monteverdi madrigals (never used for its weights; the
  price of a key change was), beside chords that music21 names from ``chordify``;
- phrase ends against the Essen folk songs, beside a cut every two and every four bars.

A half bar counts where one annotated chord fills at least three quarters of it. An analysis counts
where its chords hold two thirds of the sounding time: others belong to another edition, key or bar
numbering (they are listed). ``--sample`` sets how many pieces music21 analyses: it is slow.

Scores: ``exact`` tonic and mode (a church mode counts with its third, major or minor), ``MIREX``
gives 0.5 for a fifth, 0.3 for the relative and 0.2 for the parallel key (as mir_eval.key does).
"""

from __future__ import annotations

import argparse
import random
import time
import warnings
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from annotations import (
    Analysed,
    NamedKey,
    Phrased,
    analysed,
    essen_songs,
    keys_in_titles,
    keys_of_tunes,
)

from leitmotiv.score import Score
from leitmotiv.score.analysis import chords_per_half_bar, half_bar_starts, pitched_notes
from leitmotiv.score.analysis_passages import home_key, key_passages
from leitmotiv.score.analysis_phrases import melody_line, phrase_end_bars
from leitmotiv.theory import Key
from leitmotiv.tokens import tags

TRIADS = {
    "maj": "maj",
    "7": "maj",
    "maj7": "maj",
    "sus4": "maj",
    "min": "min",
    "min7": "min",
    "dim": "dim",
    "hdim7": "dim",
    "dim7": "dim",
    "aug": "aug",
}
TONES = {"maj": (0, 4, 7), "min": (0, 3, 7), "dim": (0, 3, 6, 9), "aug": (0, 4, 8)}
Chord = tuple[int, str]


def key_scores(found: Key | None, wanted: Key) -> tuple[float, float]:
    """Exact (0 or 1) and MIREX score of a key."""
    if found is None:
        return 0.0, 0.0
    minor, wants_minor = found.mode.is_minor_like, wanted.mode.is_minor_like
    step = (found.tonic_pitch_class - wanted.tonic_pitch_class) % 12
    if minor == wants_minor:
        return float(step == 0), {0: 1.0, 7: 0.5, 5: 0.5}.get(step, 0.0)
    relative = 9 if minor else 3
    return 0.0, 0.3 if step == relative else 0.2 if step == 0 else 0.0


def report_keys(name: str, pieces: Sequence[NamedKey], find: Callable[[Score], Key | None]) -> None:
    """Print how often keys are found."""
    start = time.process_time()
    found = [find(piece.score) for piece in pieces]
    spent = time.process_time() - start
    scores = np.asarray([key_scores(f, p.key) for f, p in zip(found, pieces, strict=True)])
    modes = np.mean([f is not None and f.mode == p.key.mode and e == 1
                     for f, p, e in zip(found, pieces, scores[:, 0], strict=True)])  # fmt: skip
    print(
        f"  {name:<34} exact {scores[:, 0].mean():.3f}  with church mode {modes:.3f}  "
        f"MIREX {scores[:, 1].mean():.3f}  {1000 * spent / len(pieces):.1f} ms a piece"
    )


def ours(score: Score) -> Key | None:
    """Home key with what signature there is."""
    found = home_key(score)
    return found[0] if found else None


def ours_without_signature(score: Score) -> Key | None:
    """Home key from the notes alone."""
    return ours(replace(score, keys=()))


def music21_key(score: Score) -> Key | None:
    """What music21 says of the same notes (its default key profiles)."""
    from music21 import note, stream

    line = stream.Stream()
    for row in pitched_notes(score):
        single = note.Note(int(row["pitch"]), quarterLength=max(int(row["duration"]), 1) / 480)
        line.insert(int(row["onset"]) / 480, single)
    found = line.analyze("key")
    return Key.parse(f"{found.tonic.name.replace('-', 'b')} {found.mode}")


def truth_of_halves(piece: Analysed) -> list[tuple[Chord, float] | None]:
    """The annotated chord that fills most of each half bar, and how much of it."""
    starts = half_bar_starts(piece.score)
    ends = np.append(starts[1:], piece.score.length_ticks)
    ticks = np.asarray([row[0] for row in piece.chords] + [piece.score.length_ticks])
    rows: list[tuple[Chord, float] | None] = []
    for start, end in zip(starts.tolist(), ends.tolist(), strict=True):
        filled: dict[Chord, int] = {}
        first = max(int(np.searchsorted(ticks, start, side="right")) - 1, 0)
        for index in range(first, len(piece.chords)):
            if ticks[index] >= end:
                break
            overlap = int(min(ticks[index + 1], end) - max(ticks[index], start))
            if overlap > 0:
                chord = piece.chords[index][1:3]
                filled[chord] = filled.get(chord, 0) + overlap
        best = max(filled, key=lambda chord: filled[chord]) if filled else None
        rows.append((best, filled[best] / max(end - start, 1)) if best else None)
    return rows


def support(piece: Analysed, truth: Sequence[tuple[Chord, float] | None]) -> float:
    """Share of the time from onsets in each half bar that the annotated chords hold."""
    notes = pitched_notes(piece.score)
    half = np.searchsorted(half_bar_starts(piece.score), notes["onset"], side="right") - 1
    held = total = 0.0
    length = np.minimum(notes["duration"], 960).astype(float)
    for index, pitch, weight in zip(half, notes["pitch"] % 12, length, strict=True):
        row = truth[int(index)]
        if row is not None and row[1] >= 0.75 and row[0][1] in TONES:
            total += weight
            held += weight * ((int(pitch) - row[0][0]) % 12 in TONES[row[0][1]])
    return held / total if total else 0.0


def viterbi_chords(piece: Analysed) -> list[Chord | None]:
    """The library's chords."""
    return [
        None
        if change.chord.is_none
        else (change.chord.root_pitch_class, TRIADS.get(change.chord.quality, ""))
        for change in chords_per_half_bar(piece.score)
    ]


def template_chords(piece: Analysed) -> list[Chord | None]:
    """The fast template matching that conditions the network."""
    notes = pitched_notes(piece.score)
    borders = np.append(half_bar_starts(piece.score), piece.score.length_ticks)
    columns = (notes[name].astype(np.int64) for name in ("onset", "duration", "pitch"))
    ids = tags.recognise_chords(*columns, borders)
    names = list(tags.CHORD_QUALITIES)
    return [
        None if i < 2 else ((int(i) - 2) // len(names), TRIADS[names[(int(i) - 2) % len(names)]])
        for i in ids
    ]


def music21_chords(piece: Analysed) -> list[Chord | None]:
    """The chord of music21's ``chordify`` that sounds longest in each half bar."""
    starts = half_bar_starts(piece.score)
    filled: list[dict[Chord, float]] = [{} for _ in starts]
    qualities = {"major": "maj", "minor": "min", "diminished": "dim", "augmented": "aug"}
    # The score is ours, shifted by the pickup: lay both ends together.
    chordified = list(piece.stream.chordify().flatten().getElementsByClass("Chord"))
    shift = piece.score.length_ticks - round(float(piece.stream.highestTime) * 480)
    first = min(int(part.notes["onset"][0]) for part in piece.score.parts)
    shift = first - round(float(chordified[0].offset) * 480) if chordified else shift
    for chord in chordified:
        at = round(float(chord.offset) * 480) + shift
        half = int(np.searchsorted(starts, at, side="right")) - 1
        if half < 0 or len(set(chord.pitchClasses)) < 2:
            continue
        name = (int(chord.root().pitchClass), qualities.get(chord.quality, chord.quality))
        filled[half][name] = filled[half].get(name, 0.0) + float(chord.quarterLength)
    rows: list[Chord | None] = []
    for row in filled:
        rows.append(max(row, key=lambda c: row[c]) if row else (rows[-1] if rows else None))
    return rows


def report_chords(name: str, pieces: Sequence[Analysed]) -> list[Analysed]:
    """Print chord accuracy; return the pieces whose analysis fits its score."""
    kept: list[tuple[Analysed, list[tuple[Chord, float] | None]]] = []
    left_out = []
    for piece in pieces:
        truth = truth_of_halves(piece)
        if support(piece, truth) >= 0.66:
            kept.append((piece, truth))
        else:
            left_out.append(piece.name)
    print(f"{name}: {len(kept)} pieces; left out {', '.join(left_out) or 'none'}")
    finders: dict[str, Callable[[Analysed], list[Chord | None]]] = {
        "library (Viterbi)": viterbi_chords,
        "conditions of the network": template_chords,
        "music21 chordify, longest": music21_chords,
    }
    for title, find in finders.items():
        count = roots = triads = 0
        for piece, truth in kept:
            for row, found in zip(truth, find(piece), strict=True):
                if row is None or row[1] < 0.75:
                    continue
                count += 1
                roots += found is not None and found[0] == row[0][0]
                triads += found == row[0]
        print(
            f"  {title:<34} root {roots / count:.3f}  triad {triads / count:.3f}  "
            f"of {count} half bars"
        )
    return [piece for piece, _ in kept]


def report_local_keys(pieces: Sequence[Analysed]) -> None:
    """Print how many bars are in the key that the analyst hears."""
    same = single = bars = 0
    for piece in pieces:
        score, ticks = piece.score, [row[0] for row in piece.chords]
        home = ours(score)
        assert home is not None
        middle = (score.bar_ticks[:-1] + score.bar_ticks[1:]) // 2
        for start, end, key in key_passages(score, home):
            for bar in range(start, end):
                index = int(np.searchsorted(ticks, middle[bar], side="right")) - 1
                if index >= 0:
                    bars += 1
                    same += key_scores(key, piece.chords[index][3])[0] == 1
                    single += key_scores(home, piece.chords[index][3])[0] == 1
    print(
        f"  key of each bar: passages {same / bars:.3f}, one key for all {single / bars:.3f}, "
        f"of {bars} bars"
    )


def report_phrases(songs: Sequence[Phrased]) -> None:
    """Print precision, recall and F1 of the bars in which phrases end, the last left out."""

    def every(bars: int) -> Callable[[Phrased], Iterable[int]]:
        def ends(song: Phrased) -> Iterable[int]:
            upbeat = int(melody_line(song.score.parts[0])[0][0] > 0)
            return range(bars - 1 + upbeat, song.score.num_bars, bars)

        return ends

    methods: dict[str, Callable[[Phrased], Iterable[int]]] = {
        "library": lambda song: phrase_end_bars(song.score, song.score.parts[0]),
        "every two bars": every(2),
        "every four bars": every(4),
    }
    for title, method in methods.items():
        hits = found = wanted = 0
        for song in songs:
            onset = song.score.parts[0].notes["onset"]
            last = int(song.score.bar_index_at(onset[-1]))
            before = [int(np.searchsorted(onset, tick)) - 1 for tick in song.starts]
            truth = {int(song.score.bar_index_at(onset[i])) for i in before if i >= 0} - {last}
            guess = set(method(song)) - {last}
            hits, found, wanted = hits + len(guess & truth), found + len(guess), wanted + len(truth)
        precision, recall = hits / max(found, 1), hits / max(wanted, 1)
        f1 = 2 * hits / max(found + wanted, 1)
        print(f"  {title:<34} precision {precision:.3f}  recall {recall:.3f}  F1 {f1:.3f}")


def _sampled(pieces: Sequence[Any], count: int) -> list[Any]:
    return random.Random(1).sample(list(pieces), min(count, len(pieces)))


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--corpus", type=Path, required=True, help="archives and manifest.jsonl")
    parser.add_argument("--sample", type=int, default=100, help="pieces a test for music21")
    parser.add_argument("--tunes", type=int, default=2000, help="folk tunes, the second half")
    parser.add_argument("--songs", type=int, default=1000, help="Essen songs")
    parser.add_argument("--madrigals", type=int, default=12)
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    tunes = list(keys_of_tunes(options.corpus, every=2))[: options.tunes]
    for name, pieces in (
        ("Keys named in titles", list(keys_in_titles(options.corpus))),
        ("Keys of folk tunes (K: field)", tunes),
    ):
        print(f"{name}: {len(pieces)} pieces")
        report_keys("notes and signature", pieces, ours)
        report_keys("notes alone", pieces, ours_without_signature)
        sample = _sampled([p for p in pieces if p.score.num_notes < 3000], options.sample)
        print(f"  on {len(sample)} of them, under 3,000 notes:")
        report_keys("notes and signature", sample, ours)
        report_keys("notes alone", sample, ours_without_signature)
        report_keys("music21, notes alone", sample, music21_key)
    for name, count in (("bach", 20), ("monteverdi", options.madrigals)):
        report_local_keys(report_chords(name, list(analysed(name, count))))
    songs = list(essen_songs())
    print(f"Phrases of Essen songs: {min(options.songs, len(songs))} of {len(songs)}")
    report_phrases(_sampled(songs, options.songs))


if __name__ == "__main__":
    main()
