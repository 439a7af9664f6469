"""What a person hands in, as a stream of files: folders, archives, single files.

Purpose: every file that looks like music comes out once, with what its source says of it and, where
it cannot be had, why. Nothing is unpacked to disk.

Conventions:

- A zip with a ``manifest.jsonl`` inside or beside it is read in the manifest's order; everything
  else by name (see :mod:`leitmotiv.corpus.manifest`).
- Music is told by its suffix (:data:`SUFFIXES`); other files are passed over and counted.
- A tunebook in ABC comes out tune by tune, as ``book.abc#1`` and so on.

Public names: :class:`InputFile`, :class:`Input`, :func:`find_inputs`, :data:`SUFFIXES`.
"""

from __future__ import annotations

import lzma
import os
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from leitmotiv.corpus.abc import split_tunes
from leitmotiv.corpus.catalogue import Collection
from leitmotiv.corpus.manifest import MANIFEST, Manifest
from leitmotiv.errors import CorpusError

__all__ = ["SUFFIXES", "Input", "InputFile", "find_inputs"]

SUFFIXES = (".mid", ".midi", ".kar", ".musicxml", ".mxl", ".xml", ".abc")
MAX_FILE_BYTES = 32 << 20
MAX_MANIFEST_BYTES = 1 << 30
MAX_RATIO = 300  # real scores pack about 20 to 1, very repetitive ones 100 to 1
MAX_RATIO_FREE_BYTES = 1 << 20  # any ratio is harmless up to here
MAX_ENTRIES = 1_000_000


@dataclass(frozen=True)
class InputFile:
    """One file: its bytes, or why they cannot be had.

    ``entry`` is what a manifest says of it, ``defaults`` what holds where neither the manifest nor
    the file says anything.
    """

    source: str
    file: str
    entry: Mapping[str, Any] = field(default_factory=dict)
    data: bytes | None = None
    problem: str | None = None
    defaults: Mapping[str, Any] = field(default_factory=dict)


class Input:
    """One source of files: iterate over it.

    ``num_files`` is known before (a tunebook counts once), and so is the number of other files
    that are passed over.
    """

    def __init__(self, source: str, num_files: int, num_passed_over: int = 0) -> None:
        self.source = source
        self.num_files = num_files
        self.num_passed_over = num_passed_over

    def __iter__(self) -> Iterator[InputFile]:
        raise NotImplementedError


@dataclass(frozen=True)
class _Choice:
    """Which files of a source to take, and what to say of those that say nothing themselves."""

    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    collection: Collection | None = None

    def takes(self, name: str) -> bool:
        base = name.rpartition("/")[2]
        if base.startswith(".") or name.startswith("__MACOSX/"):
            return False
        if not base.lower().endswith(SUFFIXES):
            return False
        if self.include and not any(fnmatchcase(name, pattern) for pattern in self.include):
            return False
        return not any(fnmatchcase(name, pattern) for pattern in self.exclude)

    def defaults(self, name: str) -> Mapping[str, Any]:
        return {} if self.collection is None else self.collection.defaults(name)


def find_inputs(
    path: Path,
    *,
    source: str | None = None,
    manifest: Path | None = None,
    collection: Collection | None = None,
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
    collection : Collection or None
        Entry of the catalogue that the path holds a copy of: its name, choice of files, licence
        and attribution then hold for files that say nothing themselves.

    Raises
    ------
    CorpusError
        If the path does not exist, holds no music, is a broken archive or a manifest that cannot be
        read.
    """
    choice = _Choice()
    if collection is not None:
        source = source or collection.name
        choice = _Choice(collection.include, collection.exclude, collection)
    if path.is_dir():
        found = _folder_inputs(path, source, _manifest_of(path, manifest), choice)
    elif path.is_file():
        if path.suffix.lower() == ".zip":
            listing = _manifest_of(path.parent, manifest)
            found = [_ArchiveInput(path, source, listing, choice, is_named=manifest is not None)]
        elif path.suffix.lower() in SUFFIXES:
            files = [path.name]
            found = [
                _FilesInput(
                    path.resolve().parent, files, source, None, _Choice(collection=collection)
                )
            ]
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


def _manifest_of(folder: Path, manifest: Path | None) -> Manifest | None:
    path = manifest or folder / MANIFEST
    return Manifest(path) if manifest or path.is_file() else None


def _folder_inputs(
    folder: Path, source: str | None, manifest: Manifest | None, choice: _Choice
) -> list[Input]:
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
            elif choice.takes(relative):
                files.append(relative)
            elif name != MANIFEST:
                passed_over += 1
    order = {name: number for number, name in enumerate(manifest.sources)} if manifest else {}
    archives.sort(key=lambda path: (order.get(path.stem, len(order)), str(path)))
    inputs: list[Input] = []
    name = source or folder.resolve().name or "music"
    for path in archives:
        try:
            inputs.append(_ArchiveInput(path, source, manifest, choice))
        except CorpusError as error:
            inputs.append(_Broken(name, path.relative_to(folder).as_posix(), str(error)))
    if files:
        inputs.append(_FilesInput(folder, files, source, manifest, choice, passed_over))
    return inputs


def _listed(
    manifest: Manifest, sources: Iterable[str], members: dict[str, Any]
) -> Iterator[tuple[str, Mapping[str, Any], Any]]:
    """Yield source, entry and member of each line; a line without a member has None.

    What is taken is removed from ``members``. A name that is listed twice gets a number.
    """
    seen: dict[str, int] = {}
    for source in sources:
        for entry in manifest.entries(source):
            member = members.pop(entry["file"], None)
            seen[entry["file"]] = seen.get(entry["file"], 0) + 1
            if seen[entry["file"]] > 1:
                entry["file"] += f"#{seen[entry['file']]}"
            yield source, entry, member


def _bad_lines(manifest: Manifest) -> Iterator[InputFile]:
    """Yield a file for each line that cannot be used, once."""
    bad_lines, manifest.bad_lines = manifest.bad_lines, []
    name = manifest.path.resolve().parent.name or "manifest"
    for number, problem in bad_lines:
        yield InputFile(name, f"{manifest.path.name} line {number}", problem=problem)


def _tunes(file: InputFile) -> Iterator[InputFile]:
    """Cut a tunebook into tunes; any other file comes back as it is."""
    data = file.data
    if data is None or not file.file.lower().endswith(".abc") or data[:4] == b"MThd":
        yield file
        return
    tunes = split_tunes(data)
    if len(tunes) == 1:
        yield file
        return
    for number, tune in enumerate(tunes, 1):
        yield replace(file, file=f"{file.file}#{number}", data=tune)


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
        manifest: Manifest | None,
        choice: _Choice,
        num_passed_over: int = 0,
    ) -> None:
        super().__init__(source or folder.resolve().name or "music", len(files), num_passed_over)
        self._folder, self._files = folder, files
        self._manifest, self._choice = manifest, choice

    def __iter__(self) -> Iterator[InputFile]:
        left = {name: name for name in self._files}
        if self._manifest is not None:
            sources = self._manifest.sources
            for source, entry, member in _listed(self._manifest, sources, left):
                if member is not None:
                    yield from _tunes(self._read(member, entry, source))
            yield from _bad_lines(self._manifest)
        for file in left:
            yield from _tunes(self._read(file, {}, self.source))

    def _read(self, file: str, entry: Mapping[str, Any], source: str) -> InputFile:
        blank = InputFile(source, file, entry, defaults=self._choice.defaults(file))
        try:
            with open(self._folder / file, "rb") as stream:
                data = stream.read(MAX_FILE_BYTES + 1)
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            return replace(blank, problem=f"the file cannot be read ({reason})")
        if len(data) > MAX_FILE_BYTES:
            return replace(blank, problem=f"larger than {MAX_FILE_BYTES >> 20} MiB")
        return replace(blank, data=data)


class _ArchiveInput(Input):
    """The entries of a zip, read one by one."""

    def __init__(
        self,
        path: Path,
        source: str | None,
        manifest: Manifest | None,
        choice: _Choice,
        *,
        is_named: bool = False,
    ) -> None:
        self._path, self._choice = path, choice
        self._given_source = source
        with _opened(path) as archive:
            entries = archive.infolist()
            if len(entries) > MAX_ENTRIES:
                raise CorpusError(
                    f"{path}: {len(entries)} entries; {MAX_ENTRIES} are the most: split it"
                )
            inside = next((entry for entry in entries if entry.filename == MANIFEST), None)
            if inside is not None and not is_named:
                manifest, is_named = _manifest_inside(path, archive, inside), True
            self._listed = []
            if manifest is not None and path.stem in manifest.sources:
                self._listed = [path.stem]
            elif manifest is not None and is_named:  # it speaks of this archive alone
                self._listed = manifest.sources
            self._manifest = manifest if self._listed else None
            if self._listed:  # the names are the manifest's, not those of the collection's home
                self._choice = _Choice(collection=choice.collection)
            self._top = _common_folder(entries) if choice.include and not self._listed else ""
            files = [entry for entry in entries if not entry.is_dir() and entry is not inside]
            music = sum(1 for entry in files if self._name(entry) is not None)
        super().__init__(source or path.stem, music, len(files) - music)

    def _name(self, info: zipfile.ZipInfo) -> str | None:
        """Name of an entry in its source; None where it is not taken."""
        name = info.filename.removeprefix(self._top)
        return None if info.is_dir() or not self._choice.takes(name) else name

    def __iter__(self) -> Iterator[InputFile]:
        with _opened(self._path) as archive:
            members: dict[str, zipfile.ZipInfo] = {}
            for info in archive.infolist():
                plain = self._name(info)
                if plain is None:
                    continue
                name: str = plain
                number = 2
                while name in members:  # a zip may hold a name twice
                    name, number = f"{plain}#{number}", number + 1
                members[name] = info
            if self._manifest is not None:
                for said, entry, member in _listed(self._manifest, self._listed, members):
                    source = self._given_source or said
                    yield from _tunes(self._read(archive, member, entry["file"], entry, source))
                yield from _bad_lines(self._manifest)
            for left in sorted(members):
                yield from _tunes(self._read(archive, members[left], left, {}, self.source))

    def _read(
        self,
        archive: zipfile.ZipFile,
        info: zipfile.ZipInfo | None,
        name: str,
        entry: Mapping[str, Any],
        source: str,
    ) -> InputFile:
        blank = InputFile(source, name, entry, defaults=self._choice.defaults(name))
        if info is None:
            missing = "listed in the manifest, but not in the archive, or listed twice"
            return replace(blank, problem=missing)
        limit = min(MAX_FILE_BYTES, max(info.compress_size * MAX_RATIO, MAX_RATIO_FREE_BYTES))
        data, problem = _unpacked(archive, info, limit)
        return replace(blank, data=data, problem=problem)


def _unpacked(
    archive: zipfile.ZipFile, info: zipfile.ZipInfo, limit: int
) -> tuple[bytes | None, str | None]:
    """Return the content of an entry, or why it cannot be had."""
    try:
        with archive.open(info) as stream:
            data = stream.read(limit + 1)  # counted while it unpacks, whatever the header claims
    except (
        zipfile.BadZipFile,
        zlib.error,
        lzma.LZMAError,
        NotImplementedError,
        RuntimeError,
        EOFError,
        OSError,
        ValueError,
    ) as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        return None, f"the archive entry is damaged or locked ({reason[:120]})"
    if len(data) > limit:
        return None, (
            f"unpacks to more than {limit >> 20} MiB from {info.compress_size} bytes; "
            "it looks like a zip bomb"
        )
    return data, None


def _manifest_inside(path: Path, archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> Manifest:
    limit = min(MAX_MANIFEST_BYTES, max(info.compress_size * MAX_RATIO, MAX_RATIO_FREE_BYTES))
    text, problem = _unpacked(archive, info, limit)
    if text is None:
        raise CorpusError(f"{path}: {MANIFEST} inside: {problem}; name another one with --manifest")
    return Manifest(path, text)


def _common_folder(entries: list[zipfile.ZipInfo]) -> str:
    """Return the folder that all entries stand in, with its slash; empty where there is none."""
    heads = {entry.filename.partition("/")[0] for entry in entries}
    if len(heads) != 1 or any("/" not in entry.filename for entry in entries):
        return ""
    return heads.pop() + "/"


def _opened(path: Path) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(path)
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError, EOFError) as error:
        reason = getattr(error, "strerror", None) or " ".join(str(error).split())
        raise CorpusError(
            f"{path}: the archive cannot be opened ({reason}); copy or download it again"
        ) from error
