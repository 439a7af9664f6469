"""``leitmotiv corpus``: the options of its commands; the work is done in :mod:`.library`.

Nothing but typer is imported until a command runs.

Public names: :data:`corpus_app`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from leitmotiv.cli.originality import register_index

__all__ = ["corpus_app"]

corpus_app = typer.Typer(
    help="Music to learn from: see what there is, import it, check its licences, pack it.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

LibraryOption = Annotated[
    Path,
    typer.Option(
        "--library", metavar="FOLDER", envvar="LEITMOTIV_LIBRARY", help="Where the pieces are kept."
    ),
]
SourceFilter = Annotated[
    list[str] | None,
    typer.Option("--source", metavar="NAME", help="Of this source alone; may be given again."),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON on stdout, nothing else.")]
QuietOption = Annotated[bool, typer.Option("--quiet", "-q", help="Print no more than needed.")]
LIBRARY = Path("corpus-library")


@corpus_app.command()
def sources(
    name: Annotated[str | None, typer.Argument(metavar="[NAME]", help="Show all of one.")] = None,
    json: JsonOption = False,
) -> None:
    """List known collections of music that may be learned from.

    \b
    leitmotiv corpus sources
    leitmotiv corpus sources openscore_lieder
    """
    from leitmotiv.cli.library import sources_command

    sources_command(name, as_json=json)


@corpus_app.command()
def add(
    inputs: Annotated[
        list[str],
        typer.Argument(
            metavar="PATH|NAME...", help="Folders, zips, files of music, or names of collections."
        ),
    ],
    library: LibraryOption = LIBRARY,
    copy: Annotated[
        Path | None,
        typer.Option("--from", metavar="PATH", help="A copy of the named collection; no download."),
    ] = None,
    licence: Annotated[
        str | None,
        typer.Option(
            metavar="SPDX", help="Of files that carry none, or one that would be refused."
        ),
    ] = None,
    attribution: Annotated[
        str, typer.Option(metavar="TEXT", help="Whom to name, where the files do not say.")
    ] = "",
    source: Annotated[
        str | None, typer.Option(metavar="NAME", help="Name of the collection; else the folder's.")
    ] = None,
    composer: Annotated[str, typer.Option(metavar="NAME", help="Where files name none.")] = "",
    genre: Annotated[
        str | None, typer.Option(metavar="WORD", help="Where files name none.")
    ] = None,
    manifest: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="JSON lines about the files; else manifest.jsonl."),
    ] = None,
    workers: Annotated[
        int, typer.Option(metavar="N", min=1, max=64, help="Processes that read files.")
    ] = 2,
    retry: Annotated[
        bool, typer.Option("--retry", help="Take up quarantined files again.")
    ] = False,
    json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Import MIDI, MusicXML and ABC; files without a free licence are refused.

    Files that are broken, absurd or there twice are kept apart with the reason. Ctrl-C loses
    nothing: run the same command again to go on.

    \b
    leitmotiv corpus add openscore_lieder              download and import
    leitmotiv corpus add openscore_lieder --from Lieder.zip
    leitmotiv corpus add my-songs --licence CC-BY-4.0 --attribution "Ann Smith"
    leitmotiv corpus add music21 --licence LicenseRef-checked
    leitmotiv corpus add archive.zip                   with manifest.jsonl beside it
    """
    from leitmotiv.cli.library import add_command

    add_command(
        inputs,
        library=library,
        copy=copy,
        source=source,
        manifest=manifest,
        licence=licence,
        attribution=attribution,
        composer=composer,
        genre=genre,
        workers=workers,
        retry=retry,
        as_json=json,
        quiet=quiet,
    )


@corpus_app.command()
def stats(
    library: LibraryOption = LIBRARY,
    source: SourceFilter = None,
    picture: Annotated[
        Path | None, typer.Option("--png", metavar="FILE", help="Draw the report as well.")
    ] = None,
    rows: Annotated[int, typer.Option(metavar="N", help="Lines a table.")] = 12,
    json: JsonOption = False,
) -> None:
    """Count what the library holds, and say what a model trained on it will not know.

    \b
    leitmotiv corpus stats
    leitmotiv corpus stats --png corpus.png
    leitmotiv corpus stats --source my-songs --json > stats.json
    """
    from leitmotiv.cli.corpus_stats import stats_command

    stats_command(library, sources=source, picture=picture, limit=rows, as_json=json)


@corpus_app.command()
def check(
    library: LibraryOption = LIBRARY,
    source: SourceFilter = None,
    recipe: Annotated[
        Path | None,
        typer.Option(metavar="RECIPE", help="Only what this recipe selects, as pack does."),
    ] = None,
    reasons: Annotated[
        bool, typer.Option("--reasons", help="List every piece that is kept apart, with why.")
    ] = False,
    json: JsonOption = False,
) -> None:
    """Say what may be done with weights trained on the library, licence by licence.

    \b
    leitmotiv corpus check
    leitmotiv corpus check --recipe recipes/composer.toml
    leitmotiv corpus check --reasons > kept-apart.txt
    """
    from leitmotiv.cli.library import check_command

    check_command(library, sources=source, recipe=recipe, reasons=reasons, as_json=json)


@corpus_app.command()
def pack(
    recipe: Annotated[
        Path | None, typer.Argument(metavar="[RECIPE]", help="Selects the pieces; else all.")
    ] = None,
    output: Annotated[
        Path, typer.Option("-o", "--output", metavar="FILE", help="The data set to write.")
    ] = Path("runs/corpus.npz"),
    library: LibraryOption = LIBRARY,
    source: SourceFilter = None,
    share_alike: Annotated[
        bool, typer.Option("--share-alike", help="Also pieces under share-alike licences.")
    ] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace what is there.")] = False,
    json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Write one data set for training, with its split, licences and attributions.

    \b
    leitmotiv corpus pack recipes/tiny.toml -o runs/tiny.npz
    leitmotiv corpus pack --source my-songs -o runs/mine.npz
    """
    from leitmotiv.cli.library import pack_command

    pack_command(
        recipe,
        output=output,
        library=library,
        sources=source,
        share_alike=share_alike,
        overwrite=overwrite,
        as_json=json,
        quiet=quiet,
    )


register_index(corpus_app)
