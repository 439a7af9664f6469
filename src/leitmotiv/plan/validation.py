"""One base for the Brief and the Plan: frozen pydantic models whose errors fit in one line.

Purpose: pydantic reports every fault on several lines; a person wants the first one with its
place, its value and what to do. :class:`Noun` turns pydantic's report into one line and raises
it as the stage's own error, whether a value comes from Python, from a dict or from a file.

Public names: :class:`Noun`, :func:`first_fault`.
"""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path
from typing import Any, ClassVar, Self

from pydantic import BaseModel, ConfigDict, ValidationError

from leitmotiv.errors import LeitmotivError

__all__ = ["Noun", "first_fault"]

MAX_FILE_BYTES = 64 * 2**20
MAX_SHOWN = 60


def _shorten(value: object) -> str:
    text = " ".join(repr(value).split())
    return text if len(text) <= MAX_SHOWN else text[: MAX_SHOWN - 1] + "…"


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
        message = message.replace("Input should", "must", 1)
        line = f"{place}={_shorten(fault['input'])} {message}"
    if len(faults) > 1:
        line += f" (and {len(faults) - 1} more)"
    return " ".join(line.split())


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
