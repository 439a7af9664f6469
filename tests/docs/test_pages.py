"""The pages say what the code does: schemas, plan fields, package tree."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from leitmotiv.plan import brief_json_schema, plan_json_schema

ROOT = Path(__file__).parents[2]
SCHEMAS = {"plan": plan_json_schema, "brief": brief_json_schema}


def fields(schema: dict[str, Any]) -> set[str]:
    names = set(schema.get("properties", {}))
    for name, part in schema.get("$defs", {}).items():
        if name not in {"Brief", "ThemeNote"}:
            names |= set(part.get("properties", {}))
    return names


@pytest.mark.parametrize("name", SCHEMAS)
def test_published_schema_is_the_one_in_force(name: str) -> None:
    published = ROOT / "docs" / "schema" / f"{name}.schema.json"
    assert json.loads(published.read_text(encoding="utf-8")) == SCHEMAS[name](), (
        "write it anew: python docs/build_schemas.py"
    )


def test_every_field_of_a_plan_is_described() -> None:
    page = (ROOT / "docs" / "plan-format.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`(\w+)`", page))
    assert fields(plan_json_schema()) <= named


def test_package_tree_names_every_package() -> None:
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    for package in (ROOT / "src" / "leitmotiv").iterdir():
        if (package / "__init__.py").exists():
            assert f"  {package.name}/" in page, f"{package.name} is not in the tree"
