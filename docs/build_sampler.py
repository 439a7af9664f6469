"""Write the conformance table of docs/sampler.md from rows that the benchmark measured.

    python benchmarks/sampler_conformance.py BANK --json rows.json
    python docs/build_sampler.py rows.json [more.json ...]

The table stands below the marker; everything above it stays.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

from leitmotiv.score.general_midi import GM_INSTRUMENTS

PAGE = Path(__file__).parent / "sampler.md"
MARKER = "<!-- built by docs/build_sampler.py -->\n"
MEASURES = ("level_db", "onset_ms", "pitch_cents", "spectrum_db")
DIGITS = (2, 1, 1, 2)


def cell(rows: list[dict[str, Any]]) -> str:
    """Median and largest difference of each measure."""
    if not rows:
        return "absent"
    texts = []
    for name, digits in zip(MEASURES, DIGITS, strict=True):
        values = np.abs([row[name] for row in rows if row[name] is not None] or [0.0])
        texts.append(f"{np.median(values):.{digits}f} ({values.max():.{digits}f})")
    return ", ".join(texts)


def main(paths: list[Path]) -> None:
    """Read rows of every bank and write the table."""
    banks: dict[str, list[dict[str, Any]]] = {}
    for path in paths:
        banks.update(json.loads(path.read_text()))
    lines = ["", "| program | " + " | ".join(banks) + " |", "|---|" + "---|" * len(banks)]
    for program in range(129):
        name = "Standard kit" if program == 128 else GM_INSTRUMENTS[program].name
        cells = [cell([r for r in rows if r["program"] == program]) for rows in banks.values()]
        number = "" if program == 128 else f"{program + 1} "
        lines.append(f"| {number}{name} | " + " | ".join(cells) + " |")
    lines.append("| all notes | " + " | ".join(cell(rows) for rows in banks.values()) + " |")
    head = PAGE.read_text(encoding="utf-8").split(MARKER)[0]
    PAGE.write_text(head + MARKER + "\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main([Path(name) for name in sys.argv[1:]])
