"""Where SoundFont banks live on this machine.

Purpose: find General MIDI banks without being told, best first.

Conventions: the environment variable ``LEITMOTIV_SOUNDFONT`` names one file and comes first;
then banks in the user's data folder and the folders of the Linux distributions, ranked by name.
TimGM6mb is never used: it is too small to sound right.

Public names: :func:`find_soundfonts`, :func:`soundfont_folders`.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from pathlib import Path

from leitmotiv.errors import RenderError

__all__ = ["find_soundfonts", "soundfont_folders"]

VARIABLE = "LEITMOTIV_SOUNDFONT"
SYSTEM_FOLDERS = (
    Path("/usr/share/sounds/sf3"),
    Path("/usr/share/sounds/sf2"),
    Path("/usr/share/soundfonts"),
    Path("/usr/local/share/soundfonts"),
)
_RANKED = ("musescore_general", "fluidr3mono", "fluidr3")
_NEVER = ("timgm6mb",)


def soundfont_folders() -> tuple[Path, ...]:
    """Return the folders that are searched: the user's own first."""
    if sys.platform == "win32":
        data = Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    elif sys.platform == "darwin":
        data = Path.home() / "Library" / "Application Support"
    else:
        data = Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share")
    return (data / "leitmotiv" / "soundfonts", *SYSTEM_FOLDERS)


def _rank(path: Path) -> int:
    name = path.name.lower()
    return next((i for i, known in enumerate(_RANKED) if name.startswith(known)), len(_RANKED))


def find_soundfonts(folders: Iterable[Path] | None = None) -> list[Path]:
    """List the banks on this machine, best first: MuseScore General, FluidR3Mono, FluidR3, others.

    Symbolic links are resolved and each file is listed once, so a distribution's alias such as
    ``default-GM.sf3`` counts as the bank that it points to.

    Parameters
    ----------
    folders : iterable of Path, optional
        Searched instead of :func:`soundfont_folders`, not into subfolders.

    Returns
    -------
    list of Path
        Empty if there is none.

    Raises
    ------
    RenderError
        If ``LEITMOTIV_SOUNDFONT`` is set to something that is not a file.
    """
    found: list[Path] = []
    for folder in soundfont_folders() if folders is None else folders:
        try:
            entries = sorted(folder.iterdir())
        except OSError:
            continue  # absent or not ours to read: no banks there
        for entry in entries:
            if entry.suffix.lower() in (".sf2", ".sf3") and entry.is_file():
                path = entry.resolve()
                if path not in found and not path.name.lower().startswith(_NEVER):
                    found.append(path)
    found.sort(key=_rank)  # stable: the user's folder stays in front within a rank
    named = os.environ.get(VARIABLE)
    if named:
        path = Path(named).expanduser()
        if not path.is_file():
            raise RenderError(
                f"{VARIABLE}={named!r} must name a SoundFont file; correct it or unset it"
            )
        path = path.resolve()
        found = [path, *(other for other in found if other != path)]
    return found
