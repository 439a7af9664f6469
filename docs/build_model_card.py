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

{pieces:,} pieces, {notes:,} notes. Share-alike pieces and pieces of unknown licence were left out,
and so were pieces that share music with the JSB chorales benchmark.

| source | pieces | notes | licences |
|---|---|---|---|
{sources}

## Attribution

{attributions}

## What it is bad at

- It knows European music from about 1700 to 1920, Irish dance tunes and a little game music. Modern
  genres get their grooves from style files; over them the network writes melodies only.
- It is small. Left without the plan's chords and the rules around it, it drifts within a phrase.
- Its sense of dynamics is thin: many sources have none, so velocity is left to the performance.
- It has no notion of words, of playing technique, or of anything that is not on the page.
- No check against its training music is built in yet; a common turn of phrase may well be in it.

## Make it again

```
python -m leitmotiv.corpus.pack recipes/composer.toml --corpus CORPUS --out runs/corpus.npz
python -m leitmotiv.training.train recipes/composer.toml --pack runs/corpus.npz --out runs/composer
python -m leitmotiv.training.export runs/composer/best.pt --out src/leitmotiv/models/weights
python benchmarks/score_model.py runs/corpus.npz
```

`CORPUS` is a folder of archives of MIDI files with a `manifest.jsonl` that names licence, key and
split of each. Training needs the extra `train`; a run stops and resumes where it was.
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
        **{name: sizes[name] for name in ("layers", "width", "heads", "kv_heads")},
    )


def build() -> str:
    """Return the page for the shipped weights."""
    sidecar = json.loads(SIDECAR.read_text(encoding="utf-8"))
    size = sum((SIDECAR.parent / name).stat().st_size for name in sidecar["sha256"])
    return card(sidecar, size / 1e6)


if __name__ == "__main__":
    PAGE.write_text(build(), encoding="utf-8")
    print(PAGE)
