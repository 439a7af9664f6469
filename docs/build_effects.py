"""Write the tables of docs/effects.md from the effects themselves.

Run it after a change of knobs: ``python docs/build_effects.py``; a test holds page and effects
together. What stands above the first marker and below the second is written by hand.
"""

from __future__ import annotations

import importlib.util
import inspect
import re
from pathlib import Path

from leitmotiv.effects import EFFECTS, AutomatedEffect, load_effect
from leitmotiv.effects.registry import option_names

PAGE = Path(__file__).resolve().parent / "effects.md"
BEGIN = "<!-- written by docs/build_effects.py -->"
END = "<!-- end of what docs/build_effects.py writes -->"


def described(effect: type[AutomatedEffect]) -> dict[str, str]:
    """Return what the docstring says of each knob and option."""
    text = inspect.cleandoc(effect.__doc__ or "")
    found: dict[str, str] = {}
    for names, words in re.findall(
        r"^(\w[\w, .]*?) : [^\n]*\n((?:    [^\n]*\n?)+)", text, re.MULTILINE
    ):
        sentence = re.sub(r":\w+:`~?(?:[\w]+\.)*(\w+)`", r"`\1`", " ".join(words.split()))
        for name in names.replace(",", " ").split():
            found[name] = sentence.replace("``", "`")
    return found


def number(value: object) -> str:
    """Write a value as short as it is exact enough to read."""
    if isinstance(value, float):
        return f"{value:.4g}" if value < 1000 else f"{value:g}"
    return f'`"{value}"`' if isinstance(value, str) else str(value)


def entry(name: str) -> str:
    """Return one effect's heading, sentence and tables."""
    effect = load_effect(name)
    words = described(effect)
    summary = inspect.cleandoc(effect.__doc__ or "").split("\n\n")[0].replace("\n", " ")
    lines = [f"### `{name}`", "", f"{summary.replace('``', '`')}"]
    if effect.takes_side_chain:
        lines[-1] += " Takes a side chain."
    lines += ["", "| knob | default | range | |", "|---|---|---|---|"]
    for knob in effect.parameters:
        unit = f" {knob.unit}" if knob.unit else ""
        lines.append(
            f"| `{knob.name}` | {number(knob.default)} | {knob.low:g} to {knob.high:g}{unit} "
            f"| {words.get(knob.name, '')} |"
        )
    given = inspect.signature(effect).parameters
    for option in option_names(effect):
        default = given[option].default
        shown = "" if default in (None, "", inspect.Parameter.empty) else number(default)
        lines.append(f"| *`{option}`* | {shown} | option | {words.get(option, '')} |")
    return "\n".join(lines)


def tables() -> str:
    """Return the entries of all effects that there are, in the registry's order."""
    there = [
        name
        for name, (module, _) in EFFECTS.items()
        if importlib.util.find_spec(f"leitmotiv.effects.{module}") is not None
    ]
    return "\n\n".join(entry(name) for name in there)


def build(page: str) -> str:
    """Return the page with its tables written anew."""
    before, rest = page.split(BEGIN)
    _, after = rest.split(END)
    return f"{before}{BEGIN}\n\n{tables()}\n\n{END}{after}"


if __name__ == "__main__":
    PAGE.write_text(build(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
    print(PAGE)
