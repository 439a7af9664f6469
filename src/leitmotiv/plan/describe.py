"""A plan in words: what was chosen, and the chords as a text chart.

Public names: :func:`describe_plan`, :func:`chord_chart`.
"""

from __future__ import annotations

from leitmotiv.plan.plan import Plan, PlanPhrase

__all__ = ["chord_chart", "describe_plan"]

_CADENCES = {
    "authentic": "authentic cadence",
    "half": "half cadence",
    "deceptive": "deceptive cadence",
    "plagal": "plagal cadence",
    "none": "open",
}
_BARS_A_LINE = 8


def _time(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}:{rest:02d}"


def describe_plan(plan: Plan) -> list[str]:
    """Return a summary of a plan for people, a few lines and one for each section.

    Examples
    --------
    >>> import numpy as np
    >>> from leitmotiv.plan import Brief, make_plan
    >>> plan = make_plan(Brief(genre="waltz", key="D minor", num_bars=8), np.random.default_rng(1))
    >>> describe_plan(plan)[1]
    'waltz in D minor, 3/4, 8 bars'
    """
    lines = [f"“{plan.title}”"]
    lines.append(
        f"{plan.genre} in {plan.key}, {plan.meter}, {plan.num_bars} bar{'s' * (plan.num_bars != 1)}"
    )
    tempo = f"{plan.tempos[0].bpm:g} beats a minute"
    if len(plan.tempos) > 1:
        last = plan.tempos[-1].bpm
        change = "slowing" if last < plan.tempos[0].bpm else "moving"
        tempo += f", {change} to {last:.0f} at the end"
    lines.append(f"{tempo}; lasts {_time(plan.duration_sec)}")
    lines.append(
        f"part{'s' * (plan.num_parts != 1)}: "
        + ", ".join(f"{part.name} ({part.role})" for part in plan.parts)
    )
    if plan.adventure != 0.5:
        lines.append(
            f"adventure: {round(100 * plan.adventure)} % of the way from conventional to free"
        )
    if plan.brief.understood:
        lines.append("understood: " + "; ".join(plan.brief.understood))
    if plan.brief.not_understood:
        lines.append("not understood: " + ", ".join(plan.brief.not_understood))
    for index, section in enumerate(plan.sections):
        first, last_bar = section.start_bar_index + 1, section.end_bar_index
        bars = f"bars {first}-{last_bar}" if section.num_bars > 1 else f"bar {first}"
        line = f"{section.label}: {section.name}, {bars}, {section.key}, {section.texture}"
        line += f", energy {round(100 * section.energy)} %"
        if section.returns_to is not None:
            line += f", returns to {plan.sections[section.returns_to].label}"
            line += f" ({round(100 * section.edit_share)} % new)"
        resting = [plan.parts[part].name for part in section.parts_silent]
        if resting:
            line += f", resting: {', '.join(resting)}"
        lines.append(line)
        for placement in plan.placements:
            inside = section.start_bar_index <= placement.bar_index < section.end_bar_index
            if inside and (placement.transform != "repeat" or index == 0):
                player = plan.parts[placement.part_index].name
                lines.append(
                    f"   theme in bar {placement.bar_index + 1}: {placement.transform}, {player}"
                )
    if plan.loop is not None:
        lines.append(f"loops from bar {plan.loop[0] + 1} to bar {plan.loop[1]}")
    return lines


def _phrase_cells(plan: Plan, phrase: PlanPhrase) -> list[str]:
    cells = []
    for bar in range(phrase.start_bar_index, phrase.end_bar_index):
        first, second = plan.chord_at(bar, 0), plan.chord_at(bar, 1)
        cell = first.lead_sheet
        if second != first:
            cell += f" {second.lead_sheet}"
        cells.append(cell)
    return cells


def chord_chart(plan: Plan) -> list[str]:
    """Return the chords bar by bar, a line for each phrase with its cadence.

    Examples
    --------
    >>> import numpy as np
    >>> from leitmotiv.plan import Brief, make_plan
    >>> brief = Brief(genre="folk", key="C", chords=("C", "F:maj", "G:7", "C"), num_bars=4)
    >>> chord_chart(make_plan(brief, np.random.default_rng(0)))
    ['A (C major)', '   1 | C | F | G7 | C |  authentic cadence']
    """
    rows: list[tuple[str, list[str], str]] = []
    for section in plan.sections:
        rows.append((f"{section.label} ({section.key})", [], ""))
        for phrase in section.phrases:
            cells = _phrase_cells(plan, phrase)
            for start in range(0, len(cells), _BARS_A_LINE):
                part = cells[start : start + _BARS_A_LINE]
                closes = start + _BARS_A_LINE >= len(cells)
                number = phrase.start_bar_index + start + 1
                rows.append((f"{number:4d}", part, _CADENCES[phrase.cadence] if closes else ""))
    columns = max((len(cells) for _, cells, _ in rows), default=0)
    widths = [
        max((len(cells[i]) for _, cells, _ in rows if i < len(cells)), default=0)
        for i in range(columns)
    ]
    lines = []
    for head, cells, tail in rows:
        if not cells:
            lines.append(head)
            continue
        body = " | ".join(cell.ljust(widths[i]) for i, cell in enumerate(cells))
        lines.append(f"{head} | {body} |  {tail}".rstrip())
    return lines
