"""Write the published JSON Schemas of brief and plan: ``python docs/build_schemas.py``."""

from __future__ import annotations

import json
from pathlib import Path

from leitmotiv.plan import brief_json_schema, plan_json_schema

FOLDER = Path(__file__).with_name("schema")

if __name__ == "__main__":
    for name, schema in {"brief": brief_json_schema(), "plan": plan_json_schema()}.items():
        text = json.dumps(schema, ensure_ascii=False, indent=1) + "\n"
        (FOLDER / f"{name}.schema.json").write_text(text, encoding="utf-8")
