"""``leitmotiv originality`` and ``leitmotiv corpus index``: who wrote the same notes before.

Public names: :func:`originality_command`, :func:`index_command`, :func:`register_originality`,
:func:`register_index`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from leitmotiv.review.originality import BarOrigin, OriginalityReport
    from leitmotiv.score import Score

__all__ = ["index_command", "originality_command", "register_index", "register_originality"]

_ROWS = 12
_WORDS = {
    "own": "nothing in common",
    "usual": "as human pieces share",
    "much": "more than 9 in 10 human pieces share",
    "beyond": "more than 19 in 20 human pieces share",
}
_BAR_WORDS = {
    "usual": "usual",
    "much": "top 10 %",
    "beyond": "top 1 %",
}


def originality_command(
    file: Path,
    *,
    index_path: Path | None,
    genre: str,
    all_bars: bool,
    as_json: bool,
    picture: Path | None = None,
    overwrite: bool = False,
) -> None:
    """Print what a score shares with the training pieces; draw it where a picture is asked for."""
    import json

    from leitmotiv.cli.folders import check_file
    from leitmotiv.review.fragment_index import FragmentIndex
    from leitmotiv.review.originality import review_originality
    from leitmotiv.score import read_score

    if picture is not None:
        check_file(picture, overwrite=overwrite)
    score = read_score(file)
    index = None if index_path is None else FragmentIndex.load(index_path)
    report = review_originality(score, index, genre=genre)
    if picture is not None:
        from leitmotiv.release.originality_picture import draw_originality

        draw_originality(score, report, picture, title=score.title or file.stem)
    if as_json:
        print(json.dumps(report.to_dict(), ensure_ascii=False, indent=1))
        return
    _print_report(report, score, file, all_bars)
    if picture is not None:
        print(f"picture: {picture}")


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"


def _print_report(report: OriginalityReport, score: Score, file: Path, all_bars: bool) -> None:
    from rich.console import Console
    from rich.table import Table

    console = Console(highlight=False, markup=False)
    band = report.band
    if not report.num_fragments:
        console.print(f"{file.name}: no line of eight pitched notes, nothing to compare")
        return
    console.print(
        f"{file.name}: longest passage in common {report.longest_notes} notes, "
        f"{_WORDS[report.level]}; {report.known_share:.0%} of its fragments are known",
        soft_wrap=True,
    )
    if band.num_pieces:
        notes, share = band.piece_notes, band.piece_share
        console.print(
            f"Of {band.num_pieces:,} human pieces unseen in training: longest passage "
            f"{notes['0.5']:.0f} notes in the middle, at most {notes['0.95']:.0f} in 19 of 20; "
            f"{share['0.5']:.0%} of fragments known in the middle, at most {share['0.95']:.0%}",
            soft_wrap=True,
        )
    nearest = report.nearest if all_bars else report.nearest[:_ROWS]
    if nearest:
        table = Table(title="Nearest training pieces", title_justify="left", box=None)
        for name in ("notes", "in all", "bars", "part", "title", "composer", "licence"):
            right = name in ("notes", "in all")
            table.add_column(name, justify="right" if right else "left", no_wrap=True)
        for near in nearest:
            table.add_row(
                str(near.num_notes),
                str(near.num_notes_in_all),
                f"{near.first_bar_index + 1}-{near.last_bar_index + 1}",
                _cut(score.parts[near.part_index].name, 8),
                _cut(near.piece.title or near.piece.id, 20),
                _cut(near.piece.composer, 12),
                near.piece.licence,
            )
        console.print(table)
    bars = [bar for bar in report.bars if all_bars or bar.level != "usual"]
    if bars:
        table = Table(title="Bars", title_justify="left", box=None)
        for name in ("bars", "part", "notes", "in human bars", "title", "composer"):
            table.add_column(name, justify="right" if name == "notes" else "left", no_wrap=True)
        for first, last in _stretches(bars):
            table.add_row(
                str(first.bar_index + 1)
                if first is last
                else f"{first.bar_index + 1}-{last.bar_index + 1}",
                _cut(score.parts[first.part_index].name, 10),
                str(first.num_notes),
                _BAR_WORDS[first.level],
                _cut(first.piece.title or first.piece.id, 22),
                _cut(first.piece.composer, 12),
            )
        console.print(table)


def _stretches(bars: Sequence[BarOrigin]) -> list[tuple[BarOrigin, BarOrigin]]:
    """First and last of each run of bars of one part with one passage."""
    found: list[tuple[BarOrigin, BarOrigin]] = []
    for bar in sorted(bars, key=lambda bar: (bar.part_index, bar.bar_index)):
        # The bar before with the same passage would look just like this one, a bar earlier.
        if found and replace(bar, bar_index=bar.bar_index - 1) == found[-1][1]:
            found[-1] = (found[-1][0], bar)
        else:
            found.append((bar, bar))
    return sorted(found, key=lambda pair: pair[0].bar_index)


def index_command(
    *, library: Path, pack: Path, output: Path, keep_one_in: int, as_json: bool
) -> None:
    """Build an index of a pack's training pieces."""
    import json

    from leitmotiv.corpus.library import Library
    from leitmotiv.corpus.originality_index import PackedNotes, build_index

    with Library(library) as opened:
        index = build_index(opened, PackedNotes(pack), keep_one_in=keep_one_in)
    output.parent.mkdir(parents=True, exist_ok=True)
    index.save(output)
    size = output.stat().st_size
    kept = {name: len(values) for name, values in index.hashes.items()}
    if as_json:
        print(json.dumps({"file": str(output), "pieces": len(index.pieces), "fragments": kept}))
        return
    print(f"{output}: {len(index.pieces):,} pieces, {sum(kept.values()):,} fragments, {size:,} B")


def register_originality(app: typer.Typer) -> None:
    """Add the command ``originality``."""

    @app.command()
    def originality(
        file: Annotated[Path, typer.Argument(metavar="FILE", help="A MIDI or MusicXML file.")],
        index: Annotated[
            Path | None,
            typer.Option(metavar="FILE", help="From corpus index; else the shipped one."),
        ] = None,
        genre: Annotated[
            str, typer.Option(metavar="GENRE", help="Compare with human pieces of this genre.")
        ] = "",
        picture: Annotated[
            Path | None,
            typer.Option(
                "-o",
                "--png",
                "--picture",
                metavar="FILE.png",
                help="Draw a piano roll over what each bar shares.",
            ),
        ] = None,
        overwrite: Annotated[
            bool, typer.Option("--overwrite", help="Replace what is there.")
        ] = False,
        all: Annotated[bool, typer.Option("--all", help="Every piece and every bar.")] = False,
        json: Annotated[
            bool, typer.Option("--json", help="Print JSON on stdout, nothing else.")
        ] = False,
    ) -> None:
        """Say which training pieces a score shares passages with, and how unusual that is.

        \b
        leitmotiv originality song.mid
        leitmotiv originality waltz/score.mid --all
        leitmotiv originality song.mid -o song-originality.png
        leitmotiv originality score.musicxml --json
        """
        originality_command(
            file,
            index_path=index,
            genre=genre,
            all_bars=all,
            as_json=json,
            picture=picture,
            overwrite=overwrite,
        )


def register_index(corpus_app: typer.Typer) -> None:
    """Add the command ``corpus index``."""

    @corpus_app.command("index")
    def build(
        pack: Annotated[Path, typer.Argument(metavar="PACK", help="From corpus pack.")],
        library: Annotated[
            Path,
            typer.Option(
                "--library",
                metavar="FOLDER",
                envvar="LEITMOTIV_LIBRARY",
                help="The library that it was packed from.",
            ),
        ] = Path("corpus-library"),
        output: Annotated[
            Path, typer.Option("-o", "--output", metavar="FILE", help="The index to write.")
        ] = Path("runs/originality.npz"),
        keep_one_in: Annotated[
            int,
            typer.Option("--keep-one-in", metavar="N", min=1, max=64, help="Thinner is smaller."),
        ] = 2,
        json: Annotated[
            bool, typer.Option("--json", help="Print JSON on stdout, nothing else.")
        ] = False,
    ) -> None:
        """Index the training pieces of a data set, to find what is copied from them.

        \b
        leitmotiv corpus index runs/corpus.npz -o runs/originality.npz
        leitmotiv originality song.mid --index runs/originality.npz
        """
        index_command(
            library=library, pack=pack, output=output, keep_one_in=keep_one_in, as_json=json
        )
