"""One base for the Brief and the Plan: frozen pydantic models whose errors fit in one line.

Purpose: pydantic reports every fault on several lines; a person wants the first one with its
place, its value and what to do. :class:`Noun` turns pydantic's report into one line and raises
it as the stage's own error, whether a value comes from Python, from a dict or from a file.

Public names: :class:`Noun`, :func:`first_fault`, :func:`clip_words`.
"""

from __future__ import annotations

import json
import os
import re
import tempfile
from pathlib import Path
from typing import Any, ClassVar, Self

from pydantic import BaseModel, ConfigDict, ValidationError

from leitmotiv.errors import LeitmotivError

__all__ = ["Noun", "clip_words", "first_fault"]

MAX_FILE_BYTES = 64 * 2**20
MAX_SHOWN = 60


def _shorten(value: object) -> str:
    text = " ".join(repr(value).split())
    return text if len(text) <= MAX_SHOWN else text[: MAX_SHOWN - 1] + "…"


def clip_words(message: str) -> str:
    """Cut what a message quotes: no word of it is longer than 60 characters.

    Examples
    --------
    >>> len(clip_words("key=" + "x" * 5000 + " is unknown"))
    71
    """
    cut = re.sub(rf"\S{{{MAX_SHOWN + 1},}}", lambda m: m.group()[: MAX_SHOWN - 1] + "…", message)
    return " ".join(cut.split())


def _limits(model: type[BaseModel], location: tuple[int | str, ...]) -> str | None:
    """Return "between 20 and 400" for a field with both limits; None otherwise."""
    if len(location) != 1 or location[0] not in model.model_fields:
        return None
    field = model.model_fields[str(location[0])]
    found: dict[str, Any] = {}
    for item in field.metadata:
        for name in ("ge", "le"):
            if getattr(item, name, None) is not None:
                found[name] = getattr(item, name)
    if len(found) < 2:
        return None
    note = (field.description or "").rstrip(".")
    return f"between {found['ge']:g} and {found['le']:g}" + (f" ({note})" if note else "")


def first_fault(error: ValidationError, model: type[BaseModel] = BaseModel) -> str:
    """Say the first fault of a pydantic report in one line, with place and value."""
    faults = error.errors(include_url=False)
    fault = faults[0]
    place = ""
    for step in fault["loc"]:
        place += f"[{step}]" if isinstance(step, int) else f".{step}" if place else str(step)
    message = str(fault["msg"]).removeprefix("Value error, ")
    if fault["type"] == "value_error":
        line = f"{place}: {message}" if place else message
    elif fault["type"] == "extra_forbidden":
        line = f"{place} is not a known field; remove it or check its spelling"
    elif fault["type"] == "missing":
        line = f"{place} is missing; add it"
    elif fault["type"].startswith(("greater_than", "less_than")) and (
        limits := _limits(model, tuple(fault["loc"]))
    ):
        line = f"{place}={fault['input']} must be {limits}; change it or leave it out"
    else:
        line = _plain_words(place, fault, model)
    if isinstance(fault["input"], str) and len(fault["input"]) > MAX_SHOWN:
        line = line.replace(fault["input"], fault["input"][: MAX_SHOWN - 1] + "…")
    if len(faults) > 1:
        line += f" (and {len(faults) - 1} more)"
    return clip_words(line)


def _kind_of(value: object) -> str:
    """Call a value by the name that JSON gives its type."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    names = {dict: "an object", list: "a list", tuple: "a list", str: "text"}
    return next((name for kind, name in names.items() if isinstance(value, kind)), "a number")


_WANTED = {
    "dict_type": "an object with named fields, { ... }",
    "model_type": "an object with named fields, { ... }",
    "model_attributes_type": "an object with named fields, { ... }",
    "tuple_type": "a list, [ ... ]",
    "list_type": "a list, [ ... ]",
    "string_type": 'text in quotes, "..."',
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "int_from_float": "a whole number",
    "int_parsing_size": "a whole number of at most 18 digits",
    "float_type": "a number",
    "float_parsing": "a number",
    "finite_number": "a finite number",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
}


def _plain_words(place: str, fault: Any, model: type[BaseModel]) -> str:
    """Say a fault of type or size in words that need no knowledge of pydantic."""
    kind, limits, value = fault["type"], fault.get("ctx", {}), fault["input"]
    shown = f"{place}={_shorten(value)}" if place else _shorten(value)
    wanted = _WANTED.get(kind)
    if not place and wanted is not None:
        fields = list(model.model_fields)
        some = f" such as {', '.join(fields[:4])}" if fields else ""
        return f"it holds {_kind_of(value)} but must be {wanted}{some}; check the file"
    if wanted is not None:
        return f"{shown} is {_kind_of(value)} but must be {wanted}; change it"
    if kind in ("too_short", "string_too_short"):
        least = limits["min_length"]
        what = _counted(least, "character" if kind.startswith("string") else "entry")
        end = "write it" if kind.startswith("string") else "add what is missing"
        return f"{shown} must hold at least {what}; {end}"
    if kind in ("too_long", "string_too_long"):
        what = _counted(limits["max_length"], "character" if kind.startswith("string") else "entry")
        size = len(value) if hasattr(value, "__len__") else limits.get("actual_length")
        return f"{shown} holds {size} but at most {what} fit; shorten it"
    if kind == "literal_error":
        return f"{shown} must be one of {limits['expected'].replace(' or ', ', ')}; choose one"
    signs = {"ge": "at least", "gt": "above", "le": "at most", "lt": "below"}
    for name, words in signs.items():
        if name in limits:
            return f"{shown} must be {words} {limits[name]:g}; change it"
    message = str(fault["msg"]).replace("Input should", "must", 1)
    return f"{shown} {message[0].lower()}{message[1:]}; change it"


def _counted(number: int, noun: str) -> str:
    many = f"{noun[:-1]}ies" if noun.endswith("y") else f"{noun}s"
    return f"{number} {noun if number == 1 else many}"


class Noun(BaseModel):
    """A frozen record that refuses unknown fields and raises one-line errors.

    Subclasses name their error in ``fault`` and what they are called in ``noun``.
    """

    model_config = ConfigDict(
        frozen=True, extra="forbid", allow_inf_nan=False, str_strip_whitespace=True
    )

    fault: ClassVar[type[LeitmotivError]] = LeitmotivError
    noun: ClassVar[str] = "record"

    def __init__(self, **data: Any) -> None:
        try:
            super().__init__(**data)
        except ValidationError as error:
            raise self.fault(first_fault(error, type(self))) from None

    def replace(self, **changes: Any) -> Self:
        """Return a copy with some fields changed, checked as a whole again."""
        fields = {name: getattr(self, name) for name in type(self).model_fields}
        return type(self)(**{**fields, **changes})

    @classmethod
    def from_dict(cls, data: Any) -> Self:
        """Check plain data (as JSON gives it) and return the noun."""
        try:
            return cls.model_validate(data)
        except ValidationError as error:
            raise cls.fault(f"{cls.noun}: {first_fault(error, cls)}") from None

    def to_dict(self) -> dict[str, Any]:
        """Return plain data that JSON can hold; the inverse of :meth:`from_dict`."""
        return self.model_dump(mode="json")

    def to_json(self, path: str | os.PathLike[str]) -> Path:
        """Write the noun as UTF-8 JSON; the file appears whole or not at all."""
        path = Path(path)
        text = json.dumps(self.to_dict(), ensure_ascii=False, indent=1) + "\n"
        temporary: str | None = None
        try:
            handle, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write(text)
            os.chmod(temporary, 0o644)
            os.replace(temporary, path)
        except OSError as error:
            if temporary is not None and os.path.exists(temporary):
                os.unlink(temporary)
            raise self.fault(
                f"{self.noun} file {str(path)!r} cannot be written ({error.strerror}); "
                "choose a folder that exists and that you may write to"
            ) from None
        return path

    @classmethod
    def from_json(cls, path: str | os.PathLike[str]) -> Self:
        """Read the noun from a JSON file.

        Raises
        ------
        BriefError, PlanError
            One line: the file is missing, is not JSON, or a field breaks a rule.
        """
        path = Path(path)
        try:
            if path.stat().st_size > MAX_FILE_BYTES:
                raise cls.fault(
                    f"{cls.noun} file {str(path)!r} is larger than {MAX_FILE_BYTES >> 20} MiB; "
                    f"give a {cls.noun} that Leitmotiv wrote"
                )
            text = path.read_text(encoding="utf-8")
        except OSError as error:
            raise cls.fault(
                f"{cls.noun} file {str(path)!r} cannot be read ({error.strerror}); check the path"
            ) from None
        except UnicodeDecodeError:
            raise cls.fault(
                f"{cls.noun} file {str(path)!r} is not UTF-8 text; give a {cls.noun}.json file"
            ) from None
        try:
            data = json.loads(text)
        except (ValueError, RecursionError) as error:
            where = f" (line {error.lineno})" if isinstance(error, json.JSONDecodeError) else ""
            raise cls.fault(
                f"{cls.noun} file {str(path)!r} is not valid JSON{where}; "
                f"write it again with: leitmotiv plan"
            ) from None
        try:
            return cls.model_validate(data)
        except ValidationError as error:
            raise cls.fault(f"{cls.noun} file {str(path)!r}: {first_fault(error, cls)}") from None
