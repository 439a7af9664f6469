"""Files that are either whole or absent.

Purpose: no reader ever meets a half-written score, whatever stops the writer.

Conventions: the bytes go to a temporary file beside the target, which then takes its place in
one step (:func:`os.replace`).

Public names: :func:`write_bytes_atomically`.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path

from leitmotiv.errors import ScoreError

__all__ = ["write_bytes_atomically"]


def write_bytes_atomically(path: str | os.PathLike[str], data: bytes) -> None:
    """Write ``data`` to ``path``; on failure the old file stays as it was.

    Raises
    ------
    ScoreError
        If the folder is missing, not writable or full.
    """
    target = Path(path)
    temporary: str | None = None
    try:
        # mkstemp makes files of mode 0600; the umask decides what other files get.
        handle, temporary = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
        with os.fdopen(handle, "wb") as stream:
            stream.write(data)
        if os.name == "posix":
            umask = os.umask(0)
            os.umask(umask)
            os.chmod(temporary, 0o666 & ~umask)
        os.replace(temporary, target)
    except BaseException as error:
        if temporary is not None:
            with contextlib.suppress(OSError):
                os.unlink(temporary)
        if isinstance(error, OSError):
            reason = error.strerror or str(error)
            raise ScoreError(
                f"path={str(target)!r} could not be written ({reason}); "
                "choose a folder that exists, is writable and has free space"
            ) from error
        raise
