"""What is installed here: versions, the composing model, sound banks, licences.

Public names: :func:`gather_info`, :func:`info_lines`.
"""

from __future__ import annotations

import platform
from collections.abc import Iterator
from importlib import metadata
from typing import Any

from leitmotiv import __version__

__all__ = ["gather_info", "info_lines"]

LIBRARIES = ("numpy", "scipy", "numba", "onnxruntime", "symusic", "soundfile", "pydantic")
EXTRAS = {"train": "torch"}


def _version(distribution: str) -> str | None:
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return None


def _model() -> dict[str, Any] | None:
    from leitmotiv.errors import ModelError
    from leitmotiv.models import load_model

    try:
        return load_model().sidecar
    except ModelError:
        return None


def gather_info() -> dict[str, Any]:
    """Return everything that ``leitmotiv info`` shows, as plain data."""
    from leitmotiv.instruments.banks import find_soundfonts
    from leitmotiv.styles import style_names

    return {
        "version": __version__,
        "licence": "Apache-2.0",
        "python": platform.python_version(),
        "platform": platform.platform(),
        "libraries": {name: _version(name) for name in LIBRARIES},
        "extras": {extra: _version(name) for extra, name in EXTRAS.items()},
        "model": _model(),
        "styles": list(style_names()),
        "soundfonts": [str(path) for path in find_soundfonts()],
    }


def _model_lines(sidecar: dict[str, Any] | None) -> Iterator[str]:
    if sidecar is None:
        yield "  model        none: the shipped weights are missing; install leitmotiv again"
        return
    yield (
        f"  model        {sidecar.get('name', '?')}: {sidecar.get('parameters', 0) / 1e6:.1f} M "
        f"parameters, {sidecar.get('weights', '?')}, licence {sidecar.get('licence', '?')}"
    )
    trained_on = sidecar.get("data", {})
    if trained_on:
        yield (
            f"               trained on {trained_on.get('pieces', 0):,} pieces, "
            f"{trained_on.get('notes', 0):,} notes"
        )
        licences = (f"{count:,} {name}" for name, count in trained_on.get("licences", {}).items())
        yield f"               by licence: {', '.join(licences)}"
        yield f"               sources: {', '.join(trained_on.get('by_source', {}))}"


def info_lines(data: dict[str, Any]) -> Iterator[str]:
    """Say it in words."""
    yield f"leitmotiv {data['version']} ({data['licence']})"
    yield f"  python       {data['python']} on {data['platform']}"
    versions = (f"{name} {version or 'missing'}" for name, version in data["libraries"].items())
    yield f"  libraries    {', '.join(versions)}"
    for extra, version in data["extras"].items():
        missing = f"not installed: pip install 'leitmotiv[{extra}]'"
        yield f"  extra        {extra}: {version or missing}"
    yield from _model_lines(data["model"])
    yield f"  styles       {', '.join(data['styles'])}"
    if data["soundfonts"]:
        for number, path in enumerate(data["soundfonts"]):
            yield f"  {'sound banks' if not number else '':<12} {path}"
    else:
        yield "  sound banks  none found: the built-in neural instruments play"
