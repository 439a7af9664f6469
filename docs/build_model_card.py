"""Write docs/model-card.md from the sidecar of the shipped weights.

Run it after an export: ``python docs/build_model_card.py``; a test holds page and sidecar together.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
SIDECAR = ROOT / "src/leitmotiv/models/weights/composer.json"
PAGE = ROOT / "docs/model-card.md"

TEXT = """# The composing model

*Written by `docs/build_model_card.py` from the sidecar of the shipped weights.*

A decoder-only Transformer that reads and writes *note events*: one backbone position a note, four
small chained heads for position in the bar, pitch, duration and velocity. It sees bars × parts as
cells, in any order, so the same weights continue, fill a region with both sides in view, harmonise
a melody and add a part. What the plan says (key mode, meter, tempo, chords, breath, energy, role,
instrument, register, density ...) stands beside every event. The planner decides form and harmony
and rules hold the network to the plan; the network decides the notes.

| | |
|---|---|
| parameters | {parameters:,} ({weights} weights, {megabytes:.1f} MB) |
| layers, width, heads | {layers}, {width}, {heads} ({kv_heads} for keys and values) |
| trained | {steps:,} steps, {events:.1f} million events, {minutes:.0f} minutes on one CPU core |
| {split} split | {bits:.2f} bits a note (position, pitch and duration, given the conditions) |
| nats per field | position {position:.3f}, pitch {pitch:.3f}, duration {duration:.3f} |
| licence | {licence} |

{measured}
## What it was trained on

{pieces:,} pieces, {notes:,} notes, {split_line}. Share-alike pieces and pieces of unknown licence
were left out, and so were chorales of the held-out parts of the JSB benchmark.

About half of the notes are sacred and vocal, and people ask for other things, so windows are drawn
by genre: {shares}. Tempi that a source only guesses and velocities of sources without dynamics are
unknown conditions, not facts.

| source | pieces | notes | licences |
|---|---|---|---|
{sources}

## Attribution

{attributions}

## What it is bad at

- It knows European music from about 1500 to 1920, half of it from Polish libraries, Irish dance
  tunes and a little game music. Nothing in it is labelled jazz, blues, pop or film. Modern genres
  get their grooves from style files; over them the network writes melodies only.
- It is small. Left without the plan's chords and the rules around it, it drifts within a phrase.
- Drums: human drumming is hard to predict and the composer does not ask it for any; drum parts come
  from the style files and the drummer below.
- Its sense of dynamics is thin: many sources have none, so velocity is left to the performance.
- It has no notion of words, of playing technique, or of anything that is not on the page.
- It copies no more than people do (see above), and `compose` passes over versions of a part that
  share more than 16 notes in a row with a training piece ([originality](originality.md)).

## The drummer

A second, much smaller model (52,926 parameters, NumPy, 0.1 MB) varies the written drum patterns
and gives strokes their timing and loudness. It was trained on 920 performances of four drummers of
the Groove MIDI Dataset (J. Gillick, A. Roberts, J. Engel, D. Eck, D. Bamman, *Learning to Groove
with Inverse Sequence Transformations*, ICML 2019; CC BY 4.0), drums alone; other drummers of the
same set were held out. [Styles](styles.md) has its figures, `python benchmarks/train_drums.py`
makes it again.

## Make it again

```
leitmotiv corpus add CORPUS                             # archives with a manifest, or by name
leitmotiv corpus pack recipes/composer.toml -o runs/composer.npz
leitmotiv train recipes/composer.toml
leitmotiv export runs/composer/best.pt -o src/leitmotiv/models/weights --overwrite
python benchmarks/score_model.py runs/composer.npz --genres
```

The shipped weights took two turns of the recipe: 118 minutes from nothing, then 74 minutes from
those weights (`--from`) at `learning_rate = 1.2e-3` with the last two stages of the curriculum; one
run with `--minutes 190` is the same amount of work.

[A composer of your own](your-own-model.md) goes through the steps. A share-alike variant is the
same with `share_alike = true` in the recipe.
"""


def card(sidecar: dict[str, Any], megabytes: float) -> str:
    """Return the page for a sidecar."""
    data, sizes, metrics = sidecar["data"], sidecar["sizes"], sidecar["metrics"]
    sources = "\n".join(
        f"| {name} | {row['pieces']:,} | {row['notes']:,} | "
        + ", ".join(f"{licence} {count:,}" for licence, count in sorted(row["licences"].items()))
        + " |"
        for name, row in data["by_source"].items()
    )
    attributions = "\n".join(
        f"- **{name}**: {row['attribution']}"
        + (f" Contributors: {', '.join(row['named'])}." if row["named"] else "")
        for name, row in data["by_source"].items()
    )
    measured = "".join(f"{line}\n" for line in sidecar.get("measured", []))
    return TEXT.format(
        parameters=sidecar["parameters"],
        weights=sidecar["weights"],
        megabytes=megabytes,
        split=metrics["split"],
        bits=metrics["bits_per_note"],
        position=metrics["position"],
        pitch=metrics["pitch"],
        duration=metrics["duration"],
        licence=sidecar["licence"],
        steps=sidecar["trained"]["steps"],
        events=sidecar["trained"]["events"] / 1e6,
        minutes=sidecar["trained"]["minutes"],
        pieces=data["pieces"],
        notes=data["notes"],
        sources=sources,
        attributions=attributions,
        measured=f"{measured}\n" if measured else "",
        split_line=_split_line(data),
        shares=_shares(sidecar["recipe"]),
        **{name: sizes[name] for name in ("layers", "width", "heads", "kv_heads")},
    )


def _split_line(data: dict[str, Any]) -> str:
    split = data["split"]
    return (
        f"split by {split['by']} into {split['train']:,} for training, {split['valid']:,} for "
        f"choosing and {split['test']:,} for testing"
    )


def _shares(recipe: dict[str, Any]) -> str:
    return ", ".join(
        f"{genre} {100 * share:g} %" for genre, share in recipe["data"]["genre_shares"].items()
    )


def build() -> str:
    """Return the page for the shipped weights."""
    sidecar = json.loads(SIDECAR.read_text(encoding="utf-8"))
    size = sum((SIDECAR.parent / name).stat().st_size for name in sidecar["sha256"])
    return card(sidecar, size / 1e6)


if __name__ == "__main__":
    PAGE.write_text(build(), encoding="utf-8")
    print(PAGE)
