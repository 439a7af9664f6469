"""What the commands of ``leitmotiv corpus`` do.

Public names: :func:`sources_command`, :func:`add_command`, :func:`check_command`,
:func:`pack_command`, :func:`reason_group`.
"""

from __future__ import annotations

import json
import re
import shutil
import sys
import tomllib
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from leitmotiv.cli.recipes import find_recipe
from leitmotiv.errors import CorpusError

if TYPE_CHECKING:
    from leitmotiv.corpus.importing import ImportReport
    from leitmotiv.corpus.inputs import Input
    from leitmotiv.corpus.library import Library
    from leitmotiv.corpus.pack import Selection

__all__ = ["add_command", "check_command", "pack_command", "reason_group", "sources_command"]

TOP_REASONS = 6


def _print_json(data: Any) -> None:
    print(json.dumps(data, ensure_ascii=False, indent=1))


def _columns(rows: Iterable[tuple[str, ...]], right: tuple[int, ...] = ()) -> list[str]:
    """Lay rows out in columns; those named in ``right`` end flush."""
    table = list(rows)
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    return [
        "  ".join(
            cell.rjust(width) if index in right else cell.ljust(width)
            for index, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in table
    ]


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else text[: max(width - 1, 1)] + "…"


def _hours(seconds: float) -> str:
    return f"{seconds / 3600:,.1f}"


def reason_group(reason: str) -> str:
    """Return what a reason says without names and numbers, so that equal ones can be counted.

    >>> reason_group("duplicate of toy/a.mid"), reason_group("only 3 notes; 8 are the least")
    ('duplicate of another piece', 'only N notes; N are the least')
    """
    if reason.startswith("duplicate of "):
        freer = ", which has a freer licence"
        return "duplicate of another piece" + (freer if reason.endswith(freer) else "")
    text = re.sub(
        r"^[^:;]{1,200}\.(mid|midi|kar|musicxml|mxl|xml|abc)(#\d+)?: ", "", reason, flags=re.I
    )
    text = re.sub(r"(0x[0-9a-f]+|\b\d[\d,.]*\d|\b\d)\b", "N", text)
    return re.sub(r"b'[^']*'|b\"[^\"]*\"|'[^']*'", "…", text)


# --- sources ---------------------------------------------------------------------------------


def sources_command(name: str | None, *, as_json: bool) -> None:
    """List the catalogue, or one of its entries in full."""
    from leitmotiv.corpus.catalogue import find_collection, read_catalogue

    chosen = [find_collection(name)] if name else list(read_catalogue().values())
    if as_json:
        _print_json([{**asdict(one), "way": one.way} for one in chosen])
        return
    if name:
        (one,) = chosen
        size = f"{one.pieces:,} pieces, {one.notes:,} notes, {one.hours:,.1f} hours"
        fields = [
            ("title", one.title),
            ("home", one.home),
            ("licence", one.licence),
            ("size", size),
            ("get", one.way),
            ("attribution", one.attribution),
        ]
        print(one.name)
        print("\n".join(f"  {line}" for line in _columns(fields)))
        return
    width = shutil.get_terminal_size((100, 24)).columns if sys.stdout.isatty() else 1000
    rows = [("name", "licence", "pieces", "notes", "get")]
    for one in chosen:
        way = "download" if one.url else f"pip: {one.package}" if one.package else "by hand"
        rows.append((one.name, one.licence, f"{one.pieces:,}", f"{one.notes:,}", way))
    lines = _columns(rows, right=(2, 3))
    titles = ["what it is", *(one.title for one in chosen)]
    for line, title in zip(lines, titles, strict=True):
        print(_cut(f"{line.ljust(max(map(len, lines)))}  {title}", width))
    print("\nleitmotiv corpus sources NAME shows home, attribution and how to get one;")
    print("leitmotiv corpus add NAME imports it")


# --- add -------------------------------------------------------------------------------------


def _collection_inputs(
    name: str, copy: Path | None, manifest: Path | None, library: Path, progress: Any
) -> list[Input]:
    """Files of a collection of the catalogue: a copy, a download, or an installed package."""
    from leitmotiv.corpus.catalogue import find_collection
    from leitmotiv.corpus.download import download
    from leitmotiv.corpus.inputs import find_inputs

    collection = find_collection(name)
    path = copy
    if path is None and collection.package:
        path = collection.package_folder()
    elif path is None and collection.url:

        def report(num_bytes: int, total: int | None) -> None:
            if progress:
                share = num_bytes / total if total else 0.0
                progress("download", min(share, 0.999), f"{name}: {num_bytes / 1e6:,.1f} MB")

        path = download(
            collection.url,
            library / "downloads" / f"{name}.zip",
            sha256=collection.sha256,
            progress=report,
        )
        if progress:
            progress("download", 1.0, f"{name}: {path.stat().st_size / 1e6:,.1f} MB")
    if path is None:
        raise CorpusError(
            f"collection {name!r} has no archive to download: {collection.how}; see "
            f"{collection.home}, then: leitmotiv corpus add {name} --from PATH"
        )
    return find_inputs(path, manifest=manifest, collection=collection)


def _all_inputs(
    given: list[str],
    copy: Path | None,
    source: str | None,
    manifest: Path | None,
    library: Path,
    progress: Any,
) -> list[Input]:
    from leitmotiv.corpus.catalogue import read_catalogue
    from leitmotiv.corpus.inputs import find_inputs

    if copy is not None and (len(given) != 1 or given[0] not in read_catalogue()):
        raise CorpusError(
            f"--from {str(copy)!r} needs the name of one collection before it; see: "
            "leitmotiv corpus sources"
        )
    inputs: list[Input] = []
    for name in given:
        is_path = copy is None and Path(name).exists()
        if is_path or (name not in read_catalogue() and ("/" in name or "." in name)):
            inputs += find_inputs(Path(name), source=source, manifest=manifest)
        else:
            inputs += _collection_inputs(name, copy, manifest, library, progress)
    return inputs


def add_command(
    given: list[str],
    *,
    library: Path,
    copy: Path | None,
    source: str | None,
    manifest: Path | None,
    licence: str | None,
    attribution: str,
    composer: str,
    genre: str | None,
    workers: int,
    retry: bool,
    as_json: bool,
    quiet: bool,
) -> None:
    """Import what is given and say what came of it."""
    import typer

    from leitmotiv.cli.failures import INTERRUPTED, Stopped
    from leitmotiv.cli.progress import show_progress
    from leitmotiv.corpus.importing import ImportOptions, import_files
    from leitmotiv.corpus.library import Library
    from leitmotiv.corpus.licences import stated_licence

    options = ImportOptions(
        licence=stated_licence(licence),
        attribution=attribution,
        composer=composer,
        genre=genre,
        workers=workers,
        retry=retry,
    )
    with show_progress(sys.stderr if as_json else sys.stdout, quiet=quiet) as progress:
        inputs = _all_inputs(given, copy, source, manifest, library, progress)

        def report_files(done: int, total: int, name: str) -> None:
            if progress:
                progress("import", min(done / total, 0.999), f"{done:,} of {total:,}, {name}")

        with Library(library, create=True) as kept:
            try:
                report = import_files(kept, inputs, options, progress=report_files)
            except (Stopped, KeyboardInterrupt) as stop:
                count = sum(kept.counts().values())
                print(
                    f"leitmotiv: stopped; {count:,} pieces are in {library}; run the same command "
                    "again to go on",
                    file=sys.stderr,
                )
                status = stop.args[0] if isinstance(stop, Stopped) else INTERRUPTED
                raise typer.Exit(int(status)) from None
            if progress:
                progress("import", 1.0, f"{report.num_files:,} files")
            counts = kept.counts()
    if as_json:
        _print_json({"library": str(library), **_report_to_dict(report), "in_library": counts})
        return
    if not quiet:
        print("\n".join(_report_lines(report, library, counts)))
    if not counts["ok"] and report.added["refused"]:
        reason = report.reasons.most_common(1)[0][0]
        raise CorpusError(
            f"no file was let in: {reason} with --licence, and whom to name with --attribution"
        )


def _grouped(reasons: Counter[str]) -> Counter[str]:
    groups: Counter[str] = Counter()
    for reason, count in reasons.items():
        groups[reason_group(reason)] += count
    return groups


def _report_to_dict(report: ImportReport) -> dict[str, Any]:
    return {
        "added": {status: report.added[status] for status in ("ok", "quarantined", "refused")},
        "notes": report.num_notes,
        "known_already": report.skipped,
        "other_files": report.passed_over,
        "seconds": round(report.seconds, 2),
        "reasons": dict(_grouped(report.reasons).most_common()),
    }


def _report_lines(report: ImportReport, library: Path, counts: dict[str, int]) -> list[str]:
    lines = [
        f"Added {report.added['ok']:,} pieces with {report.num_notes:,} notes "
        f"in {report.seconds:.1f} s; kept apart {report.added['quarantined']:,}, "
        f"refused {report.added['refused']:,}, known already {report.skipped:,}, "
        f"other files {report.passed_over:,}"
    ]
    reasons = _grouped(report.reasons).most_common()
    lines += [f"  {count:>7,}  {_cut(reason, 110)}" for reason, count in reasons[:TOP_REASONS]]
    if len(reasons) > TOP_REASONS:
        lines.append(
            f"  and {len(reasons) - TOP_REASONS} other reasons; see: corpus check --reasons"
        )
    lines.append(
        f"Library {library}: {counts['ok']:,} pieces to learn from; see what is in it: "
        f"leitmotiv corpus stats --library {library}"
    )
    return lines


# --- check and pack --------------------------------------------------------------------------


def _selection(
    recipe: Path | None, sources: list[str] | None, share_alike: bool = False
) -> Selection:
    from leitmotiv.corpus.pack import Selection

    data: dict[str, Any] = {}
    if recipe is not None:
        recipe = find_recipe(recipe)
        try:
            data = dict(tomllib.loads(recipe.read_text(encoding="utf-8")).get("data", {}))
        except (OSError, ValueError, AttributeError) as error:
            reason = getattr(error, "strerror", None) or " ".join(str(error).split())
            raise CorpusError(
                f"recipe={str(recipe)!r} cannot be read ({reason}); name a TOML file such as those "
                "in recipes/"
            ) from error
    selection = Selection.from_recipe(data)
    if sources:
        selection = replace(selection, sources=tuple(sources))
    return replace(selection, share_alike=selection.share_alike or share_alike)


def _licence_totals(
    library: Library, sources: list[str] | None, recipe: Path | None
) -> tuple[dict[str, list[float]], dict[str, set[str]]]:
    """Pieces, notes and seconds by licence; licences by source."""
    from leitmotiv.corpus.pack import chosen_pieces

    if recipe is None:
        pieces = library.pieces(sources=sources)
    else:
        pieces = chosen_pieces(library, _selection(recipe, sources), Counter())
    totals: dict[str, list[float]] = {}
    by_source: dict[str, set[str]] = {}
    for piece in pieces:
        row = totals.setdefault(piece.licence or "", [0, 0, 0.0])
        for index, value in enumerate((1, piece.num_notes, piece.duration_sec)):
            row[index] += value
        by_source.setdefault(piece.source, set()).add(piece.licence or "")
    return totals, by_source


def check_command(
    folder: Path,
    *,
    sources: list[str] | None,
    recipe: Path | None,
    reasons: bool,
    as_json: bool,
) -> None:
    """Show licences with what they allow, attributions, and what was kept apart."""
    from leitmotiv.corpus.catalogue import attribution_of
    from leitmotiv.corpus.library import Library
    from leitmotiv.corpus.licences import KINDS, licence_kind, permission, verdict

    with Library(folder) as library:
        if sources:
            known = {source for source, *_ in library.sources()}
            unknown = [name for name in sources if name not in known]
            if unknown:
                raise CorpusError(
                    f"source={unknown[0]!r} is not in the library; it holds "
                    f"{', '.join(sorted(known)) or 'nothing'}"
                )
        totals, by_source = _licence_totals(library, sources, recipe)
        apart = [row for row in library.kept_apart() if not sources or row[1] in sources]
    order = sorted(totals, key=lambda licence: (KINDS.index(licence_kind(licence)), licence))
    lines = {source: attribution_of(source) for source in sorted(by_source)}
    if as_json:
        _print_json(
            {
                "licences": [
                    {
                        "licence": licence,
                        "kind": licence_kind(licence),
                        "pieces": int(totals[licence][0]),
                        "notes": int(totals[licence][1]),
                        "hours": round(totals[licence][2] / 3600, 2),
                        **asdict(permission(licence)),
                    }
                    for licence in order
                ],
                "together": verdict(order),
                "attributions": lines,
                "kept_apart": dict(_grouped(Counter(row[3] for row in apart)).most_common()),
            }
        )
        return
    if reasons:
        for status, source, file, reason in apart:
            print(f"{status}\t{source}/{file}\t{reason}")
        return
    print("\n".join(_check_lines(totals, order)))
    print(f"\nTogether: {verdict(order)}")
    if lines:
        print("\nAttribution lines that go with the weights:")
        for source, line in lines.items():
            print(f"  {source}: {line or 'named per piece'}")
    if apart:
        print("\nKept apart, never learned from:")
        for reason, count in _grouped(Counter(row[3] for row in apart)).most_common(12):
            print(f"  {count:>7,}  {_cut(reason, 110)}")
        print("  each of them: leitmotiv corpus check --reasons")


def _check_lines(totals: dict[str, list[float]], order: list[str]) -> list[str]:
    from leitmotiv.corpus.licences import licence_kind, permission

    if not order:
        return ["No pieces to learn from here."]
    rows = [("licence", "kind", "pieces", "notes", "hours")]
    for licence in order:
        pieces, notes, seconds = totals[licence]
        rows.append((licence, licence_kind(licence), f"{pieces:,}", f"{notes:,}", _hours(seconds)))
    lines = _columns(rows, right=(2, 3, 4))
    lines.append("\nWeights trained on it (no legal advice):")
    for kind in dict.fromkeys(licence_kind(licence) for licence in order):
        terms = permission(next(one for one in order if licence_kind(one) == kind))
        lines.append(f"  {kind}: {terms.weights}; {terms.duty}")
    return lines


def pack_command(
    recipe: Path | None,
    *,
    output: Path,
    library: Path,
    sources: list[str] | None,
    share_alike: bool,
    overwrite: bool,
    as_json: bool,
    quiet: bool,
) -> None:
    """Write a data set and say what is in it."""
    from leitmotiv.cli.folders import check_file
    from leitmotiv.cli.progress import show_progress
    from leitmotiv.corpus.library import Library
    from leitmotiv.corpus.licences import verdict
    from leitmotiv.corpus.pack import pack_library

    check_file(output, overwrite=overwrite)
    selection = _selection(recipe, sources, share_alike)
    with (
        Library(library) as kept,
        show_progress(sys.stderr if as_json else sys.stdout, quiet=quiet) as progress,
    ):

        def report(share: float) -> None:
            if progress:
                progress("pack", min(share, 0.999), str(output))

        header = pack_library(kept, output, selection, progress=report)
        if progress:
            progress("pack", 1.0, str(output))
    if as_json:
        _print_json({"file": str(output), "bytes": output.stat().st_size, **header})
        return
    if quiet:
        print(output)
        return
    split = ", ".join(f"{name} {header['split'][name]:,}" for name in ("train", "valid", "test"))
    print(
        f"{header['pieces']:,} pieces, {header['notes']:,} notes, "
        f"{output.stat().st_size / 2**20:.1f} MiB in {output}"
    )
    print(f"  split by work, composer and music: {split}")
    for licence, count in sorted(header["licences"].items()):
        print(f"  {count:>7,}  {licence}")
    for reason, count in sorted(header["refused"].items()):
        print(f"  {count:>7,}  left out: {reason}")
    print(f"Weights trained on it: {verdict(header['licences'])}")
