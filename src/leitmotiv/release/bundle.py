"""The bundle: one folder with everything a piece is, whole or not at all.

Layout::

    waltz/
      score.mid  score.musicxml  plan.json
      stems/01-violin.wav  stems/02-cello.wav ...     their sum is the mix before mastering
      master.wav  pianoroll.png  provenance.json      or master.flac, .mp3 ...

Conventions: everything is written to a hidden sibling folder, which takes its place in one
rename. Whatever stops the writer, Ctrl-C included, leaves the old folder or none. A folder that
holds a bundle may be replaced; what a person put into it or edited in it is kept, an edited
``score.mid`` as ``score.edited.mid``.

Public names: :class:`BundlePaths`, :func:`write_bundle`, :func:`is_bundle`.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import re
import shutil
import tempfile
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from leitmotiv.audio import FORMATS, AudioFormat, Master, Stems, find_format, write_audio
from leitmotiv.errors import LeitmotivError, ReleaseError
from leitmotiv.release.marks import midi_texts, musicxml_fields, wav_tags
from leitmotiv.score import Score

if TYPE_CHECKING:
    from leitmotiv.plan import Plan

__all__ = ["BundlePaths", "is_bundle", "write_bundle"]

PROVENANCE = "provenance.json"
_OWN_FILES = (
    *("score.mid", "score.musicxml", "plan.json", "pianoroll.png", PROVENANCE),
    *(f"master{suffix}" for suffix in {entry.suffix: None for entry in FORMATS.values()}),
)
_SMALL_FILES_BYTES = 4_000_000  # notes, picture, text


@dataclass(frozen=True)
class BundlePaths:
    """Where the files of a bundle are; ``plan`` and ``pianoroll`` are None where not written."""

    folder: Path
    midi: Path
    musicxml: Path
    plan: Path | None
    stems: tuple[Path, ...]
    master: Path
    pianoroll: Path | None
    provenance: Path


def is_bundle(folder: str | os.PathLike[str]) -> bool:
    """Return whether a folder holds a Leitmotiv bundle."""
    return _read_provenance(Path(folder)) is not None


def _read_provenance(folder: Path) -> dict[str, Any] | None:
    try:
        content = json.loads((folder / PROVENANCE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return content if isinstance(content, dict) and "ai_mark" in content else None


def _stem_name(number: int, name: str, suffix: str) -> str:
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    words = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:40].strip("-")
    return f"{number:02d}-{words or 'part'}{suffix}"


def _sha256(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _failure(folder: Path, error: OSError) -> ReleaseError:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return ReleaseError(
            f"folder {str(folder)!r} cannot be written: the disk is full; "
            "free space or choose another folder"
        )
    reason = (error.strerror or str(error)).lower()
    return ReleaseError(
        f"folder {str(folder)!r} cannot be written: {reason}; choose another folder"
    )


def _check_target(folder: Path, overwrite: bool) -> None:
    if folder.exists() and not folder.is_dir():
        raise ReleaseError(f"folder {str(folder)!r} is a file; choose another folder")
    if folder.is_dir():
        try:
            occupied = any(folder.iterdir())
        except OSError as error:
            raise _failure(folder, error) from error
        if occupied and not overwrite and not is_bundle(folder):
            raise ReleaseError(
                f"folder {str(folder)!r} holds files that are not a Leitmotiv bundle; "
                "choose another folder or allow overwriting"
            )


def _check_space(parent: Path, folder: Path, needed: int) -> None:
    free = shutil.disk_usage(parent).free
    if free < needed:
        raise ReleaseError(
            f"folder {str(folder)!r} needs {needed / 1e6:.0f} MB and the disk has "
            f"{free / 1e6:.0f} MB free; free space or choose another folder"
        )


def write_bundle(
    folder: str | os.PathLike[str],
    *,
    score: Score,
    stems: Stems,
    master: Master,
    provenance: Mapping[str, Any],
    plan: Plan | None = None,
    performance: Score | None = None,
    findings: Iterable[Any] = (),
    format: str | AudioFormat = "wav",
    pictures: bool = True,
    overwrite: bool = False,
) -> BundlePaths:
    """Write a bundle; the folder is complete when it appears.

    Parameters
    ----------
    folder : path
        Where the bundle goes. A bundle that is there already is replaced.
    score : Score
        The text: notation, piano roll.
    stems, master : Stems, Master
    provenance : mapping
        From :func:`~leitmotiv.release.provenance.build_provenance`; the files' SHA-256 are
        added to what is written.
    plan : Plan, optional
    performance : Score, optional
        The notes as played, for the MIDI file; defaults to ``score``.
    findings : iterable of Finding
        Written where the provenance holds none.
    format : str or AudioFormat
        Of the master. The stems take it too where it loses nothing; beside a lossy master they
        are WAV, so that they still sum to the mix.
    pictures : bool
        Whether to draw the piano roll.
    overwrite : bool
        Allow a folder that holds something else; that something is kept beside the bundle.

    Returns
    -------
    BundlePaths

    Raises
    ------
    ReleaseError
        If the folder is in use, cannot be written or the disk is full; nothing is left behind.
    """
    given = Path(folder)
    target = given.resolve()
    _check_target(target, overwrite)
    coded = find_format(format)
    audio_bytes = 6 * (len(stems.audio) * stems.num_samples + master.audio.shape[1])
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        _check_space(target.parent, given, audio_bytes + _SMALL_FILES_BYTES)
        building = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.parent))
    except OSError as error:
        raise _failure(given, error) from error
    try:
        names = _write_files(
            building,
            score,
            stems,
            master,
            provenance,
            plan,
            performance,
            findings,
            pictures,
            coded,
        )
        umask = os.umask(0)
        os.umask(umask)
        building.chmod(0o777 & ~umask)  # mkdtemp made it private
        _move_into_place(building, target)
    except OSError as error:
        raise _failure(given, error) from error
    except LeitmotivError as error:
        cause = error.__cause__
        if isinstance(cause, OSError):
            raise _failure(given, cause) from error
        raise
    finally:
        shutil.rmtree(building, ignore_errors=True)
    return BundlePaths(
        folder=given,
        midi=given / "score.mid",
        musicxml=given / "score.musicxml",
        plan=given / "plan.json" if plan is not None else None,
        stems=tuple(given / "stems" / name for name in names),
        master=given / f"master{coded.suffix}",
        pianoroll=given / "pianoroll.png" if pictures else None,
        provenance=given / PROVENANCE,
    )


def _write_files(
    folder: Path,
    score: Score,
    stems: Stems,
    master: Master,
    provenance: Mapping[str, Any],
    plan: Plan | None,
    performance: Score | None,
    findings: Iterable[Any],
    pictures: bool,
    coded: AudioFormat,
) -> list[str]:
    """Write everything into a folder nobody looks at yet; return the names of the stems."""
    from leitmotiv.score.midi import write_midi
    from leitmotiv.score.musicxml import write_musicxml

    software = f"Leitmotiv {provenance['software'].get('leitmotiv', '')}".strip()
    (folder / "stems").mkdir()
    stem_format = FORMATS["wav"] if coded.lossy else coded
    stem_names = [
        _stem_name(number, name, stem_format.suffix)
        for number, name in enumerate(stems.names, start=1)
    ]

    def write_stem(index: int) -> None:
        tags = wav_tags(
            provenance, content=f"stem: {stems.names[index]}", sample_rate=stems.sample_rate
        )
        path = folder / "stems" / stem_names[index]
        write_audio(
            path,
            stems.audio[index],
            stems.sample_rate,
            format=stem_format,
            loop=master.loop,
            dither_seed=index + 1,
            **tags,
        )

    def write_master() -> None:
        tags = wav_tags(
            provenance,
            content="master",
            sample_rate=master.sample_rate,
            integrated_lufs=master.integrated_lufs,
            true_peak_dbtp=master.true_peak_dbtp,
        )
        write_audio(
            folder / f"master{coded.suffix}",
            master.audio,
            master.sample_rate,
            format=coded,
            markers=master.markers,
            loop=master.loop,
            **tags,
        )

    def write_notes() -> None:
        write_midi(performance or score, folder / "score.mid", texts=midi_texts(provenance))
        write_musicxml(
            score,
            folder / "score.musicxml",
            software=software,
            notes=musicxml_fields(provenance),
        )
        if plan is not None:
            plan.to_json(folder / "plan.json")

    def draw() -> None:
        from leitmotiv.release.pictures import draw_piano_roll

        draw_piano_roll(score, folder / "pianoroll.png", title=provenance["title"], plan=plan)

    jobs: list[Callable[[], None]] = [write_notes, write_master]
    if pictures:
        jobs.insert(0, draw)  # the longest goes first
    jobs += [lambda index=index: write_stem(index) for index in range(len(stem_names))]  # type: ignore[misc]
    with ThreadPoolExecutor(max_workers=2) as pool:
        futures = [pool.submit(job) for job in jobs]
        try:
            for future in futures:
                future.result()
            files = sorted(path for path in folder.rglob("*") if path.is_file())
            hashes = dict(
                zip(
                    [p.relative_to(folder).as_posix() for p in files],
                    pool.map(_sha256, files),
                    strict=True,
                )
            )
        except BaseException:
            # Nobody may still be writing when the folder is taken away.
            pool.shutdown(wait=True, cancel_futures=True)
            raise
    content = dict(provenance)
    if not content.get("findings"):
        content["findings"] = [
            {"check": f.check, "severity": str(f.severity), "message": f.message,
             "part_index": f.part_index, "bar_index": f.bar_index}
            for f in findings
        ]  # fmt: skip
    content["files_sha256"] = hashes
    text = json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False)
    (folder / PROVENANCE).write_text(text + "\n", encoding="utf-8")
    return stem_names


def _kept_files(old: Path, new: Path) -> dict[Path, Path]:
    """Map what a person put into or edited in an old folder to where it goes in the new one."""
    provenance = _read_provenance(old) or {}
    hashes = provenance.get("files_sha256")
    recorded: dict[str, str] = hashes if isinstance(hashes, dict) else {}
    kept: dict[Path, Path] = {}
    for path in sorted(old.rglob("*")):
        if not path.is_file() and not path.is_symlink():
            continue
        name = path.relative_to(old)
        successor = new / name
        if name.as_posix() == PROVENANCE and provenance:
            continue
        if name.as_posix() in recorded or name.as_posix() in _OWN_FILES:
            digest = _sha256(path)
            if digest == recorded.get(name.as_posix()):
                continue
            if successor.is_file() and digest == _sha256(successor):
                continue
            name = name.with_name(f"{path.stem}.edited{path.suffix}")
        kept[path] = name
    return kept


def _move_into_place(building: Path, target: Path) -> None:
    """Swap the finished folder in; the old one is brought back if that fails."""
    if not target.exists():
        os.rename(building, target)
        return
    kept = _kept_files(target, building)
    for source, name in kept.items():
        goal = building / name
        number = 2
        while goal.exists():
            goal = building / name.with_name(f"{name.stem}-{number}{name.suffix}")
            number += 1
        goal.parent.mkdir(parents=True, exist_ok=True)
        try:
            os.link(source, goal, follow_symlinks=False)  # both folders hold it until the swap
        except OSError:
            shutil.copy2(source, goal, follow_symlinks=False)
    retired = target.with_name(f".{target.name}.old-{building.name.rsplit('.', 1)[-1]}")
    os.rename(target, retired)
    try:
        os.rename(building, target)
    except BaseException:
        with suppress(OSError):
            os.rename(retired, target)
        raise
    shutil.rmtree(retired, ignore_errors=True)
