"""What a person reads: what was understood, what was found, what was made, how to go on.

Public names: :func:`brief_lines`, :func:`finding_lines`, :func:`closing_lines`,
:func:`finding_to_dict`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from leitmotiv.plan import Brief
    from leitmotiv.review import Finding
    from leitmotiv.score import Score

__all__ = ["brief_lines", "closing_lines", "finding_lines", "finding_to_dict"]

MAX_FINDINGS = 8
MAX_SEED = 2**63 - 1
SEVERITIES = ("error", "warning", "note")


def brief_lines(brief: Brief) -> Iterator[str]:
    """Say what was understood of a brief, and what was not."""
    yield "Understood"
    for entry in brief.understood or ("nothing in particular: every choice is the planner's",):
        field, colon, value = entry.partition(": ")
        yield f"  {field:<12} {value}" if colon else f"  {entry}"
    if brief.not_understood:
        yield f"Not understood: {', '.join(brief.not_understood)}"


def _place(finding: Finding, score: Score | None) -> str:
    words = []
    if finding.bar_index is not None:
        words.append(f"bar {finding.bar_index + 1}")
    if finding.part_index is not None:
        named = score is not None and finding.part_index < len(score.parts)
        name = score.parts[finding.part_index].name if named and score is not None else ""
        words.append(name or f"part {finding.part_index + 1}")
    return ", ".join(words)


def finding_lines(
    findings: Sequence[Finding], score: Score | None, *, most: int | None = MAX_FINDINGS
) -> Iterator[str]:
    """Say what review found, worst first, at most ``most`` of them (None: all)."""
    ranked = sorted(findings, key=lambda finding: SEVERITIES.index(finding.severity))
    counts = [
        f"{number} {severity}{'s' if number > 1 else ''}"
        for severity in SEVERITIES
        if (number := sum(finding.severity == severity for finding in findings))
    ]
    yield f"Review: {', '.join(counts) if counts else 'nothing to remark'}"
    for finding in ranked[:most]:
        place = _place(finding, score)
        yield (
            f"  {finding.severity:<8} {place:<22} {finding.check}: {finding.message}"
            if place
            else f"  {finding.severity:<8} {'':<22} {finding.check}: {finding.message}"
        )
    if most and len(ranked) > most:
        yield f"  and {len(ranked) - most} more: see leitmotiv review"


def finding_to_dict(finding: Finding) -> dict[str, Any]:
    """Return a finding as plain data."""
    return {
        "check": finding.check,
        "severity": finding.severity,
        "message": finding.message,
        "part_index": finding.part_index,
        "bar_index": finding.bar_index,
        "tick": finding.tick,
        "pitch": finding.pitch,
    }


def closing_lines(
    folder: Path,
    source: str,
    seed: int,
    wall_sec: float,
    *,
    given: Sequence[str] = (),
    sound: Sequence[str] = (),
    master: str = "master.wav",
) -> Iterator[str]:
    """Say where the piece is, how long it took and how to go on.

    ``given`` are the further words of the command, as typed, that decide the notes or the sound;
    ``sound`` those among them that a plan does not carry, so that they are needed with it as well;
    ``master`` is the name of the finished file.
    """
    name = quote(str(folder))
    plan = " ".join(quote(word) for word in (f"{folder}/plan.json", *sound))
    # A brief that opens with a dash would be read as an option, so it goes last, after "--".
    dashed = source.startswith("-")
    words = (*given, "--", source) if dashed else (source, *given)
    other = seed + 1 if seed < MAX_SEED else seed - 1

    def command(chosen: int) -> str:
        ordered = ("--seed", str(chosen), *words) if dashed else (*words, "--seed", str(chosen))
        return " ".join(quote(word) for word in ("leitmotiv", "compose", *ordered))

    yield f"Done in {wall_sec:.1f} s: {name}/"
    yield f"  listen        {name}/{master}, and each part alone in {name}/stems/"
    yield f"  open          {name}/score.mid (sequencer), {name}/score.musicxml (notation)"
    yield f"  edit          {name}/plan.json, then: leitmotiv compose {plan}"
    yield f"  vary          {command(other)}"
    yield f"  repeat        {command(seed)}"
