"""Fetch a collection's archive: whole, checked, resumable.

Conventions: the bytes go to ``NAME.part`` beside the target, with what the server said of their
version in ``NAME.part.json``; only a complete file takes the target's name. An interrupted download
goes on where it stopped when the server still has the same version, else it starts anew.

Public names: :func:`download`.

References: RFC 9110, "HTTP Semantics", 2022, sections 13.1.5 (If-Range) and 14 (Range requests).
"""

from __future__ import annotations

import contextlib
import hashlib
import http
import http.client
import json
import os
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from pathlib import Path

from leitmotiv import __version__
from leitmotiv.errors import CorpusError

__all__ = ["download"]

TIMEOUT_SEC = 60.0
MAX_BYTES = 4 << 30
_CHUNK = 1 << 18

Progress = Callable[[int, int | None], None]


def download(
    url: str,
    path: Path,
    *,
    sha256: str | None = None,
    max_bytes: int = MAX_BYTES,
    timeout_sec: float = TIMEOUT_SEC,
    progress: Progress | None = None,
) -> Path:
    """Fetch ``url`` to ``path``, unless it is there already.

    Parameters
    ----------
    url : str
        ``https`` or ``http``.
    path : Path
        The file to write; its folder is made.
    sha256 : str or None
        What the content must hash to; a file that does not is removed.
    max_bytes : int
        Most bytes to take.
    timeout_sec : float
        Longest silence of the server, in seconds.
    progress : callable or None
        Called as ``progress(num_bytes, total or None)``.

    Raises
    ------
    CorpusError
        If the address cannot be reached, is too large, breaks off or has another content.
    """
    if urllib.parse.urlsplit(url).scheme not in ("http", "https"):
        raise CorpusError(f"url={url!r} must begin with https:// or http://")
    if path.is_file() and (sha256 is None or _sha256(path) == sha256):
        return path
    part, note = path.with_name(f"{path.name}.part"), path.with_name(f"{path.name}.part.json")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _fetch(url, part, note, max_bytes, timeout_sec, progress)
        if sha256 is not None and _sha256(part) != sha256:
            part.unlink()
            raise CorpusError(
                f"{url}: the content is not the one that the catalogue knows (sha256); try again, "
                "or download it yourself, check it, and name it with --from"
            )
        os.replace(part, path)
        note.unlink(missing_ok=True)
    except urllib.error.HTTPError as error:
        if error.code == http.HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
            note.unlink(missing_ok=True)  # what is there is no part of it: start anew next time
        raise CorpusError(
            f"{url}: the server answers {error.code} {error.reason}; look at the collection's "
            "home page, download it yourself, and name it with --from"
        ) from error
    except (OSError, http.client.HTTPException) as error:
        reason = getattr(error, "reason", None) or getattr(error, "strerror", None) or str(error)
        raise CorpusError(
            f"{url}: the download failed ({reason or type(error).__name__}); check the connection "
            "and the disk and run the command again, it goes on where it stopped"
        ) from error
    return path


def _fetch(
    url: str,
    part: Path,
    note: Path,
    max_bytes: int,
    timeout_sec: float,
    progress: Progress | None,
) -> None:
    headers = {"User-Agent": f"leitmotiv/{__version__}"}
    have, version = _have(url, part, note)
    if have and version:
        headers |= {"Range": f"bytes={have}-", "If-Range": version}
    request = urllib.request.Request(url, headers=headers)
    with urllib.request.urlopen(request, timeout=timeout_sec) as answer:
        goes_on = answer.status == 206 and _starts_at(answer.headers) == have
        if not goes_on:
            have = 0
            if answer.status == 206:
                raise CorpusError(f"{url}: the server sent another part than asked; try again")
        length = answer.headers.get("Content-Length", "")
        total = have + int(length) if length.isdigit() else None
        if total is not None and total > max_bytes:
            raise _too_large(url, total, max_bytes)
        etag, modified = answer.headers.get("ETag"), answer.headers.get("Last-Modified")
        # A weak tag does not promise the same bytes.
        version = etag if etag and not etag.startswith("W/") else modified
        note.write_text(json.dumps({"url": url, "version": version}), encoding="utf-8")
        with open(part, "ab" if goes_on else "wb") as stream:
            while chunk := answer.read(_CHUNK):
                have += len(chunk)
                if have > max_bytes:
                    raise _too_large(url, have, max_bytes)
                stream.write(chunk)
                if progress is not None:
                    progress(have, total)
        if total is not None and have < total:
            raise OSError(f"the connection broke off after {have:,} of {total:,} bytes")


def _have(url: str, part: Path, note: Path) -> tuple[int, str | None]:
    """Bytes that an earlier attempt left, and the version they belong to."""
    with contextlib.suppress(OSError, ValueError, AttributeError):
        said = json.loads(note.read_text(encoding="utf-8"))
        if said.get("url") == url and isinstance(said.get("version"), str):
            return part.stat().st_size, said["version"]
    return 0, None


def _starts_at(headers: http.client.HTTPMessage) -> int | None:
    text = headers.get("Content-Range", "").removeprefix("bytes ").partition("-")[0]
    return int(text) if text.isdigit() else None


def _too_large(url: str, num_bytes: int, max_bytes: int) -> CorpusError:
    return CorpusError(
        f"{url}: {num_bytes:,} bytes are more than the {max_bytes:,} that are allowed; download it "
        "yourself and name it with --from"
    )


def _sha256(path: Path) -> str:
    with open(path, "rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
