"""Compose the briefs of this folder and keep their notes: one MIDI file each.

``python examples/make.py`` renews them all, ``python examples/make.py waltz jazz`` some of them.
The first two also leave their piano rolls. See README.md beside this file.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path

from leitmotiv.pipeline import PipelineOptions, compose_brief, save_piece

FOLDER = Path(__file__).parent
WITH_PIANO_ROLL = ("waltz", "heroic")

# name: seed, engine that was listened to, brief
BRIEFS: dict[str, tuple[int, str, str]] = {
    "waltz": (1, "sampled", "a wistful waltz for string quartet in D minor, 24 bars"),
    "nocturne": (2, "modelled", "a calm nocturne for solo piano in Eb major, 24 bars"),
    "hymn": (3, "sampled", "a solemn hymn for choir in G major, 16 bars"),
    "heroic": (4, "sampled", "a heroic orchestral fanfare theme in Bb major, 24 bars"),
    "rock": (5, "sampled", "an energetic rock song with drums in E minor, 24 bars"),
    "jig": (6, "modelled", "a merry folk jig for fiddle, flute and guitar in G, 6/8, 24 bars"),
    "jazz": (7, "sampled", "a relaxed jazz trio in F, medium swing, 32 bars"),
    "ambient": (8, "modelled", "dreamy ambient pads and guitar, 40 seconds"),
    "lofi": (9, "sampled", "lo-fi beat, 80 bpm, 24 bars"),
    "house": (10, "modelled", "driving house track, 124 bpm, 32 bars"),
    "odd": (
        11,
        "sampled",
        "a cheerful children's tune in 5/4 for glockenspiel, clarinet and pizzicato strings, "
        "20 bars",
    ),
}


def main(names: list[str]) -> None:
    """Compose the named briefs, all of them where none is named."""
    for name in names or BRIEFS:
        seed, _, brief = BRIEFS[name]
        # The engine changes the sound alone: the notes are the same without a sound bank.
        piece = compose_brief(brief, seed=seed, options=PipelineOptions(engine="modelled"))
        with tempfile.TemporaryDirectory() as folder:
            save_piece(piece, Path(folder) / name)
            shutil.copy(Path(folder) / name / "score.mid", FOLDER / f"{name}.mid")
            if name in WITH_PIANO_ROLL:
                shutil.copy(Path(folder) / name / "pianoroll.png", FOLDER / f"{name}.png")
        print(f"{name}.mid: {piece.plan.title}, {piece.score.num_notes} notes")


if __name__ == "__main__":
    main(sys.argv[1:])
