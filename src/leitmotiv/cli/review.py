"""The review command: a table of findings, and a piano roll on which they are marked.

Public names: :func:`review_command`, :func:`finding_table`.
"""

from __future__ import annotations

import json
import shutil
import textwrap
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from leitmotiv.review import Finding
    from leitmotiv.score import Score

__all__ = ["finding_table", "review_command"]

_NARROWEST, _WIDEST = 80, 160
_WIDEST_PART = 18


def finding_table(
    findings: Sequence[Finding], score: Score, *, width: int | None = None
) -> Iterator[str]:
    """Lay findings out in columns: number, severity, bar, part, check, what.

    The numbers are those of the picture. Long words are wrapped to ``width`` columns, the
    terminal's by default.
    """
    if width is None:
        width = shutil.get_terminal_size((120, 40)).columns
    width = min(max(width, _NARROWEST), _WIDEST)
    rows = [("#", "severity", "bar", "part", "check", "what")]
    for place, finding in enumerate(findings, start=1):
        part = ""
        if finding.part_index is not None and finding.part_index < len(score.parts):
            named = score.parts[finding.part_index].name or f"part {finding.part_index + 1}"
            part = textwrap.shorten(named, _WIDEST_PART, placeholder="…")
        message = finding.message
        if part and message.startswith(f"{part}: "):
            message = message[len(part) + 2 :]
        bar = "" if finding.bar_index is None else str(finding.bar_index + 1)
        rows.append((str(place), finding.severity, bar, part, finding.check, message))
    sizes = [max(len(row[column]) for row in rows) for column in range(5)]
    indent = sum(sizes) + 2 * len(sizes) + 2
    for row in rows:
        number, severity, bar, part, check, message = row
        head = "  ".join(
            [number.rjust(sizes[0]), severity.ljust(sizes[1]), bar.rjust(sizes[2]),
             part.ljust(sizes[3]), check.ljust(sizes[4])]
        )  # fmt: skip
        first, *more = textwrap.wrap(message, max(width - indent, 24)) or [""]
        yield f"  {head}  {first}"
        for line in more:
            yield " " * (indent) + line


def review_command(
    file: Path,
    *,
    plan_path: Path | None,
    picture: Path | None,
    loop: bool,
    overwrite: bool,
    as_json: bool,
) -> None:
    """Read a score, list the findings, and draw them where a picture is asked for."""
    from leitmotiv.cli.folders import check_file
    from leitmotiv.cli.report import finding_lines, finding_to_dict
    from leitmotiv.errors import ReleaseError
    from leitmotiv.plan import Plan
    from leitmotiv.release.review_picture import draw_review, ranked_findings
    from leitmotiv.review import read, review_score
    from leitmotiv.review.originality import known_originality
    from leitmotiv.score import read_score

    if picture is not None:
        if picture.suffix.lower() != ".png":
            raise ReleaseError(
                f"png={str(picture)!r} must end in .png; choose another name with -o"
            )
        check_file(picture, overwrite=overwrite)
    plan = None if plan_path is None else Plan.from_json(plan_path)
    score = read_score(file)
    round_trip = (0, score.num_bars) if loop else None
    kin = known_originality(score, genre=plan.genre if plan is not None else "")
    shared = kin.findings() if kin is not None else ()
    findings = ranked_findings((*review_score(score, plan, loop=round_trip), *shared))
    if picture is not None:
        draw_review(score, findings, picture, title=score.title or file.stem, plan=plan)
    if as_json:
        data = {
            "file": str(file),
            "num_bars": score.num_bars,
            "findings": [finding_to_dict(item) for item in findings],
            "picture": None if picture is None else str(picture),
        }
        print(json.dumps(data, ensure_ascii=False, indent=1))
        return
    print(
        f"{file}: {len(score.parts)} parts, {score.num_bars} bars, {score.num_notes} notes, "
        f"{score.duration_sec:.1f} s"
    )
    if plan is None:
        reading = read(score)
        source = "from the file" if score.chords else "from the notes"
        if reading.home_key is not None:
            print(f"Read as {reading.home_key}, chords {source}")
    print(next(finding_lines(findings, score, most=0)))
    if findings:
        print("\n".join(finding_table(findings, score)))
    if picture is not None:
        print(f"Marked piano roll: {picture}")
