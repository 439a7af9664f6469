"""Where results go: a folder named after the title, and never over another one unasked.

Public names: :func:`title_to_name`, :func:`choose_folder`, :func:`check_file`.
"""

from __future__ import annotations

import os
import re
import unicodedata
from itertools import count
from pathlib import Path

from leitmotiv.errors import ReleaseError

__all__ = ["check_file", "choose_folder", "title_to_name"]

MAX_NAME = 60


def title_to_name(title: str) -> str:
    """Return a folder name that every file system takes.

    >>> title_to_name("Élégie: a Waltz in D♭ minor!")
    'elegie-a-waltz-in-d-minor'
    >>> title_to_name("…")
    'piece'
    """
    plain = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode()
    words = re.sub(r"[^a-z0-9]+", "-", plain.lower()).strip("-")
    return words[:MAX_NAME].rstrip("-") or "piece"


def _check_parent(path: Path) -> None:
    """Find out before the work, not after it, that nothing can be written here."""
    parent = path.parent
    while not parent.exists() and parent != parent.parent:
        parent = parent.parent
    if not parent.is_dir():
        raise ReleaseError(
            f"output {str(path)!r} cannot be made: {str(parent)!r} is a file; "
            "choose another place with -o"
        )
    if not os.access(parent, os.W_OK | os.X_OK):
        raise ReleaseError(
            f"output {str(path)!r} cannot be made: {str(parent)!r} is not writable; "
            "choose a folder of your own with -o"
        )


def _is_bundle(folder: Path) -> bool:
    from leitmotiv.release import is_bundle

    return is_bundle(folder)


def choose_folder(title: str, out: Path | None, *, overwrite: bool) -> Path:
    """Return the folder to write, which does not exist yet unless it may be replaced.

    Without ``out`` the name follows from the title, numbered when it is taken.

    Raises
    ------
    ReleaseError
        If ``out`` is a file, holds something already and ``overwrite`` is off, holds something
        that is no bundle, or cannot be written.
    """
    if out is None:
        name = title_to_name(title)
        names = (Path(name if n == 1 else f"{name}-{n}") for n in count(1))
        out = next(path for path in names if overwrite or not os.path.lexists(path))
    _check_parent(out)
    if out.is_dir():
        held = any(out.iterdir())
        if held and not overwrite:
            raise ReleaseError(
                f"folder {str(out)!r} is not empty; choose another with -o, or add --overwrite"
            )
        if held and not _is_bundle(out):
            raise ReleaseError(
                f"folder {str(out)!r} holds something else than a piece and is left alone; "
                "choose another with -o"
            )
    elif os.path.lexists(out):
        raise ReleaseError(f"output {str(out)!r} is a file; choose a folder with -o")
    return out


def check_file(path: Path, *, overwrite: bool) -> None:
    """Raise :class:`ReleaseError` unless a file may be written at ``path``."""
    if path.is_dir():
        raise ReleaseError(f"output {str(path)!r} is a folder; name a file with -o")
    if os.path.lexists(path) and not overwrite:
        raise ReleaseError(
            f"file {str(path)!r} exists already; choose another name with -o, or add --overwrite"
        )
    _check_parent(path)
