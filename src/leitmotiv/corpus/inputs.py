"""What a person hands in, as a stream of files: folders, archives, single files.

Purpose: every file that looks like music comes out once, with what its source says of it and, where
it cannot be had, why. Nothing is unpacked to disk.

Conventions:

- A zip beside (or around) a ``manifest.jsonl`` is read in the manifest's order; everything else by
  name. A manifest has one JSON object a line with at least ``source`` (the archive's name without
  ``.zip``), ``file`` and ``licence``.
- Music is told by its suffix (:data:`SUFFIXES`); other files are passed over and counted.

Public names: :class:`InputFile`, :class:`Input`, :func:`find_inputs`, :data:`SUFFIXES`.
"""

from __future__ import annotations

import json
import os
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from leitmotiv.errors import CorpusError

__all__ = ["SUFFIXES", "Input", "InputFile", "find_inputs"]

SUFFIXES = (".mid", ".midi", ".kar", ".musicxml", ".mxl", ".xml", ".abc")
MANIFEST = "manifest.jsonl"
MAX_FILE_BYTES = 32 << 20
MAX_RATIO = 300  # real scores pack about 20 to 1, very repetitive ones 100 to 1
MAX_RATIO_FREE_BYTES = 1 << 20  # any ratio is harmless up to here
MAX_ENTRIES = 1_000_000
MAX_MANIFEST_LINE_BYTES = 1 << 20


@dataclass(frozen=True)
class InputFile:
    """One file: its bytes, or why they cannot be had."""

    source: str
    file: str
    entry: Mapping[str, Any] = field(default_factory=dict)
    data: bytes | None = None
    problem: str | None = None


class Input:
    """One source of files: iterate over it; ``num_files`` is known before."""

    def __init__(self, source: str, num_files: int, num_passed_over: int = 0) -> None:
        self.source = source
        self.num_files = num_files
        self.num_passed_over = num_passed_over

    def __iter__(self) -> Iterator[InputFile]:
        raise NotImplementedError


def find_inputs(
    path: Path, *, source: str | None = None, manifest: Path | None = None
) -> list[Input]:
    """Return what there is to read at a path.

    Parameters
    ----------
    path : Path
        A folder, a zip, or a file of music.
    source : str or None
        Name of the collection; else that of the folder or archive.
    manifest : Path or None
        Another manifest than the one beside or inside the archive.

    Raises
    ------
    CorpusError
        If the path does not exist, holds no music, is a broken archive or a manifest that cannot be
        read.
    """
    if path.is_dir():
        found = _folder_inputs(path, source, manifest)
    elif path.is_file():
        if path.suffix.lower() == ".zip":
            beside = manifest or path.parent / MANIFEST
            listing = _Manifest.read(beside) if manifest or beside.is_file() else None
            found = [_ArchiveInput(path, source, listing)]
        elif path.suffix.lower() in SUFFIXES:
            found = [_FilesInput(path.resolve().parent, [path.name], source)]
        else:
            raise CorpusError(
                f"path={str(path)!r} must be a folder, a .zip or a file of music "
                f"({', '.join(SUFFIXES)})"
            )
    else:
        raise CorpusError(f"path={str(path)!r} does not exist; check its name")
    if not sum(one.num_files for one in found):
        raise CorpusError(f"path={str(path)!r} holds no music ({', '.join(SUFFIXES)})")
    return found


def _is_music(name: str) -> bool:
    base = name.rpartition("/")[2]
    hidden = base.startswith(".") or name.startswith("__MACOSX/")
    return base.lower().endswith(SUFFIXES) and not hidden


def _folder_inputs(folder: Path, source: str | None, manifest: Path | None) -> list[Input]:
    beside = manifest or folder / MANIFEST
    listing = _Manifest.read(beside) if manifest or beside.is_file() else None
    archives: list[Path] = []
    files: list[str] = []
    passed_over = 0
    for place, folders, names in os.walk(folder):
        folders.sort()
        for name in sorted(names):
            path = Path(place) / name
            relative = path.relative_to(folder).as_posix()
            if name.lower().endswith(".zip"):
                archives.append(path)
            elif _is_music(relative):
                files.append(relative)
            elif name != MANIFEST:
                passed_over += 1
    order = {name: number for number, name in enumerate(listing.sources)} if listing else {}
    archives.sort(key=lambda path: (order.get(path.stem, len(order)), str(path)))
    inputs: list[Input] = []
    name = source or folder.resolve().name or "music"
    for path in archives:
        try:
            inputs.append(_ArchiveInput(path, source, listing))
        except CorpusError as error:
            inputs.append(_Broken(name, path.relative_to(folder).as_posix(), str(error)))
    if files:
        inputs.append(_FilesInput(folder, files, source, listing, passed_over))
    return inputs


class _Manifest:
    """Where each source's lines stand in a manifest, so that it need not fit in memory."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.sources: dict[str, list[int]] = {}
        self.bad_lines: list[tuple[int, str]] = []

    @classmethod
    def read(cls, path: Path) -> _Manifest:
        manifest = cls(path)
        try:
            with open(path, "rb") as stream:
                offset = 0
                for number, line in enumerate(stream, 1):
                    entry, problem = _parse_line(line)
                    if problem:
                        manifest.bad_lines.append((number, problem))
                    elif entry is not None:
                        manifest.sources.setdefault(str(entry["source"]), []).append(offset)
                    offset += len(line)
        except OSError as error:
            raise CorpusError(
                f"manifest={str(path)!r} cannot be read ({error.strerror or error}); "
                "name another one with --manifest"
            ) from error
        return manifest

    def entries(self, source: str) -> Iterator[dict[str, Any]]:
        """Yield the entries of a source in the manifest's order."""
        with open(self.path, "rb") as stream:
            for offset in self.sources.get(source, []):
                stream.seek(offset)
                entry, _ = _parse_line(stream.readline())
                if entry is not None:
                    yield entry

    def problems(self) -> Iterator[InputFile]:
        """Yield a quarantine entry for each line that cannot be used."""
        for number, problem in self.bad_lines:
            name = self.path.resolve().parent.name or "manifest"
            yield InputFile(name, f"{self.path.name} line {number}", problem=problem)


def _parse_line(line: bytes) -> tuple[dict[str, Any] | None, str | None]:
    if not line.strip():
        return None, None
    if len(line) > MAX_MANIFEST_LINE_BYTES:
        return None, f"manifest line of {len(line)} bytes; {MAX_MANIFEST_LINE_BYTES} are the most"
    try:
        entry = json.loads(line)
    except (ValueError, RecursionError) as error:
        return None, f"manifest line is not JSON ({' '.join(str(error).split())[:80]})"
    if not isinstance(entry, dict):
        return None, "manifest line is not a JSON object"
    missing = [
        name
        for name in ("source", "file")
        if not isinstance(entry.get(name), str) or not entry[name]
    ]
    if missing:
        return None, f"manifest line names no {' and no '.join(missing)}"
    return entry, None


class _Broken(Input):
    """An archive in a folder that cannot be opened at all."""

    def __init__(self, source: str, file: str, problem: str) -> None:
        super().__init__(source, 1)
        self._file = InputFile(source, file, problem=problem)

    def __iter__(self) -> Iterator[InputFile]:
        yield self._file


class _FilesInput(Input):
    """Files on disk, by name; those that a manifest lists come first, in its order."""

    def __init__(
        self,
        folder: Path,
        files: list[str],
        source: str | None,
        manifest: _Manifest | None = None,
        num_passed_over: int = 0,
    ) -> None:
        super().__init__(source or folder.name or "music", len(files), num_passed_over)
        self._folder, self._files, self._manifest = folder, files, manifest

    def __iter__(self) -> Iterator[InputFile]:
        left = dict.fromkeys(self._files)
        if self._manifest is not None:
            for source in self._manifest.sources:
                for entry in self._manifest.entries(source):
                    if entry["file"] in left:
                        del left[entry["file"]]
                        yield self._read(entry["file"], entry, source)
            yield from self._manifest.problems()
        for file in left:
            yield self._read(file, {}, self.source)

    def _read(self, file: str, entry: Mapping[str, Any], source: str) -> InputFile:
        try:
            with open(self._folder / file, "rb") as stream:
                data = stream.read(MAX_FILE_BYTES + 1)
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            return InputFile(source, file, entry, problem=f"the file cannot be read ({reason})")
        if len(data) > MAX_FILE_BYTES:
            return InputFile(source, file, entry, problem=f"larger than {MAX_FILE_BYTES >> 20} MiB")
        return InputFile(source, file, entry, data)


class _ArchiveInput(Input):
    """The entries of a zip, read one by one."""

    def __init__(self, path: Path, source: str | None, manifest: _Manifest | None) -> None:
        self._path, self._manifest = path, manifest
        with _opened(path) as archive:
            entries = archive.infolist()
            if len(entries) > MAX_ENTRIES:
                raise CorpusError(
                    f"{path}: {len(entries)} entries; {MAX_ENTRIES} are the most: split it"
                )
            inside = next((e for e in entries if e.filename == MANIFEST), None)
            names = [e.filename for e in entries if not e.is_dir()]
        music = [name for name in names if _is_music(name)]
        listed = inside is None and manifest is not None and path.stem in manifest.sources
        super().__init__(
            source or path.stem, len(music), len(names) - len(music) - (inside is not None)
        )
        self._listed = listed

    def __iter__(self) -> Iterator[InputFile]:
        with _opened(self._path) as archive:
            members: dict[str, zipfile.ZipInfo] = {}
            for info in archive.infolist():
                if info.is_dir() or not _is_music(info.filename):
                    continue
                name, number = info.filename, 2
                while name in members:  # a zip may hold a name twice
                    name, number = f"{info.filename}#{number}", number + 1
                members[name] = info
            if self._listed and self._manifest is not None:
                for entry in self._manifest.entries(self._path.stem):
                    found = members.pop(entry["file"], None)
                    if found is None:
                        yield InputFile(
                            self.source,
                            entry["file"],
                            entry,
                            problem="in the manifest, not in the archive (or there twice)",
                        )
                    else:
                        yield self._read(archive, found, entry["file"], entry)
                yield from self._manifest.problems()
            for name in sorted(members):
                yield self._read(archive, members[name], name, {})

    def _read(
        self, archive: zipfile.ZipFile, info: zipfile.ZipInfo, name: str, entry: Mapping[str, Any]
    ) -> InputFile:
        limit = min(MAX_FILE_BYTES, max(info.compress_size * MAX_RATIO, MAX_RATIO_FREE_BYTES))
        try:
            with archive.open(info) as stream:
                # Counted while it unpacks, whatever the header claims.
                data = stream.read(limit + 1)
        except (
            zipfile.BadZipFile,
            zlib.error,
            NotImplementedError,
            RuntimeError,
            EOFError,
            OSError,
            ValueError,
        ) as error:
            reason = " ".join(str(error).split()) or type(error).__name__
            problem = f"the archive entry is damaged or locked ({reason})"
            return InputFile(self.source, name, entry, problem=problem)
        if len(data) > limit:
            problem = (
                f"unpacks to more than {limit >> 20} MiB from {info.compress_size} bytes; "
                "it looks like a zip bomb"
            )
            return InputFile(self.source, name, entry, problem=problem)
        return InputFile(self.source, name, entry, data)


def _opened(path: Path) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(path)
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError, EOFError) as error:
        reason = getattr(error, "strerror", None) or " ".join(str(error).split())
        raise CorpusError(
            f"{path}: the archive cannot be opened ({reason}); copy or download it again"
        ) from error
