"""The model card says what the shipped weights' sidecar says."""

from __future__ import annotations

import runpy
from pathlib import Path

SCRIPT = Path(__file__).parents[2] / "docs/build_model_card.py"


def test_the_model_card_is_written_from_the_shipped_sidecar() -> None:
    script = runpy.run_path(str(SCRIPT))
    assert script["PAGE"].read_text(encoding="utf-8") == script["build"]()
