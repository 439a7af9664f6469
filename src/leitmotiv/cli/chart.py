"""A plan as a chart that a musician reads: parts, sections, chords by bar.

Public names: :func:`plan_to_chart`, :func:`plan_summary`, :func:`format_duration`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from leitmotiv.plan import Plan, PlanSection

__all__ = ["format_duration", "plan_summary", "plan_to_chart"]

BARS_A_LINE = 4
ENERGY_MARKS = "▁▂▃▄▅▆▇█"


def _count(number: int, noun: str) -> str:
    """A number with its noun: 1 bar, 2 bars."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def format_duration(duration_sec: float) -> str:
    """Return minutes and seconds.

    >>> format_duration(83.4)
    '1:23'
    """
    minutes, seconds = divmod(round(duration_sec), 60)
    return f"{minutes}:{seconds:02d}"


def _bpm_text(plan: Plan) -> str:
    bpms = [tempo.bpm for tempo in plan.tempos]
    low, high = min(bpms), max(bpms)
    return f"{high:.4g} BPM" if low == high else f"{low:.0f}-{high:.0f} BPM"


def plan_summary(plan: Plan) -> str:
    """Return the one line that says what a piece is."""
    form = "".join(section.label for section in plan.sections)
    length = _count(plan.num_bars, "bar")
    return (
        f"{plan.genre} in {plan.key}, {plan.meter}, {_bpm_text(plan)}, {length} "
        f"({form}), {format_duration(plan.duration_sec)}"
    )


def _chord_text(plan: Plan, bar_index: int) -> str:
    first, second = (plan.chord_at(bar_index, half) for half in (0, 1))
    names = [chord.lead_sheet if not chord.is_none else "-" for chord in (first, second)]
    return names[0] if first == second else " ".join(names)


def _section_lines(plan: Plan, section: PlanSection) -> Iterator[str]:
    energy = ENERGY_MARKS[min(int(section.energy * len(ENERGY_MARKS)), len(ENERGY_MARKS) - 1)]
    bars = f"bars {section.start_bar_index + 1}-{section.end_bar_index}"
    back = ""
    if section.returns_to is not None:
        origin = plan.sections[section.returns_to]
        back = f", returns to {origin.label} ({section.edit_share:.0%} new)"
    yield (
        f"{section.label:<4} {section.name:<12} {bars:<12} {section.key:<10} "
        f"energy {energy} {section.texture}{back}"
    )
    silent = [plan.parts[index].name for index in section.parts_silent]
    if silent:
        yield f"     silent: {', '.join(silent)}"
    for phrase in section.phrases:
        for start in range(phrase.start_bar_index, phrase.end_bar_index, BARS_A_LINE):
            stop = min(start + BARS_A_LINE, phrase.end_bar_index)
            cells = [f"{_chord_text(plan, bar):<11}" for bar in range(start, stop)]
            closes = stop == phrase.end_bar_index and phrase.cadence != "none"
            end = f" {phrase.cadence} cadence" if closes else ""
            yield f"{start + 1:>5} | {'| '.join(cells)}|{end}"


def _theme_lines(plan: Plan) -> Iterator[str]:
    if plan.theme is not None:
        from leitmotiv.theory import pitch_name

        shape = plan.theme
        rhythm = " ".join(f"{length:.3g}" for length in shape.rhythm)
        span = f"{pitch_name(shape.low)} to {pitch_name(shape.high)}"
        yield f"  {shape.contour}, {span}, rhythm {rhythm}, {shape.closure}"
    for placement in plan.placements:
        first, last = placement.bar_index + 1, placement.bar_index + placement.num_bars
        moved = f", {placement.transpose_steps:+d} steps" if placement.transpose_steps else ""
        name = plan.parts[placement.part_index].name
        yield f"  bars {first}-{last}: {placement.transform}, {name}{moved}"


def plan_to_chart(plan: Plan) -> str:
    """Return the plan as text, at most about 100 columns wide."""
    from leitmotiv.theory import pitch_name

    free = "" if plan.adventure == 0.5 else f", adventure {plan.adventure:g}"
    lines = [plan.title, f"{plan_summary(plan)}, seed {plan.seed}{free}", "", "Parts"]
    for number, part in enumerate(plan.parts, 1):
        register = "" if part.is_drum else f"{pitch_name(part.low)} to {pitch_name(part.high)}"
        lines.append(f"  {number:>2} {part.name:<22} {part.role:<8} {register}".rstrip())
    lines.append("")
    for section in plan.sections:
        lines += [*_section_lines(plan, section), ""]
    if plan.placements:
        lines += ["Theme", *_theme_lines(plan), ""]
    if plan.loop is not None:
        lines += [f"Loop: bars {plan.loop[0] + 1}-{plan.loop[1]}", ""]
    return "\n".join(lines).rstrip()
