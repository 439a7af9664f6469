"""The entry point and the options of every command; the work is done in :mod:`.commands`.

Nothing but typer is imported until a command runs, so that ``--help`` answers at once.

Public names: :func:`main`, :data:`app`.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated

import typer

from leitmotiv import __version__
from leitmotiv.cli.amp import amp_app
from leitmotiv.cli.corpus import corpus_app
from leitmotiv.cli.explain import register_explain
from leitmotiv.cli.lock import register_lock
from leitmotiv.cli.master import register_master
from leitmotiv.cli.operations import register_operations
from leitmotiv.cli.originality import register_originality
from leitmotiv.cli.rack import rack_app
from leitmotiv.cli.sounds import sounds_app
from leitmotiv.cli.transfer import register_transfer

__all__ = ["app", "main"]

app = typer.Typer(
    name="leitmotiv",
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)

app.add_typer(corpus_app, name="corpus")
app.add_typer(sounds_app, name="sounds")
app.add_typer(rack_app, name="rack")
app.add_typer(amp_app, name="amp")

ENGINES = ("auto", "neural", "modelled", "sampled")


def _parse_whole(name: str, least: int, most: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        if not re.fullmatch(r"[+-]?\d{1,40}", text.strip()) or not least <= int(text) <= most:
            raise typer.BadParameter(f"{name}={text} must be a whole number from {least} to {most}")
        return int(text)

    return parse


def _parse_share(name: str) -> Callable[[str], float]:
    def parse(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = -1.0
        if not 0.0 <= value <= 1.0:  # NaN lands here, too
            raise typer.BadParameter(f"{name}={text} must be a number from 0 to 1")
        return value

    return parse


def _parse_engine(text: str) -> str:
    if text not in ENGINES:
        raise typer.BadParameter(f"engine={text} must be one of {', '.join(ENGINES)}")
    return text


EngineOption = Annotated[
    str,
    typer.Option(
        metavar="|".join(ENGINES),
        parser=_parse_engine,
        help="What makes the sound; auto: a sound bank where one is found, else neural.",
    ),
]
InstrumentOption = Annotated[
    list[str] | None,
    typer.Option(
        "--instrument",
        metavar="PART=FILE",
        help="Let a cloned instrument (leitmotiv sounds clone) play a part; may be repeated.",
    ),
]
SoundfontOption = Annotated[
    Path | None, typer.Option(metavar="FILE", help="SF2 or SF3 bank, or SFZ instrument, to play.")
]
ModelOption = Annotated[
    Path | None,
    typer.Option(metavar="FOLDER", help="An exported composing model; else the shipped one."),
]
FolderOption = Annotated[
    Path | None,
    typer.Option("-o", "--output", metavar="FOLDER", help="Where to write; else named by title."),
]
SeedOption = Annotated[
    int | None,
    typer.Option(
        metavar="N",
        parser=_parse_whole("seed", 0, 2**63 - 1),
        help="Same seed, same notes; else drawn.",
    ),
]
BarsOption = Annotated[
    int | None,
    typer.Option(
        metavar="N",
        parser=_parse_whole("bars", 1, 2000),
        help="Length in bars; overrides the brief's.",
    ),
]
StyleOption = Annotated[
    str | None,
    typer.Option(
        metavar="NAME|FILE.toml", help="A shipped style, or your own; see docs/styles.md."
    ),
]
ThemeOption = Annotated[
    Path | None,
    typer.Option(
        "--theme", metavar="FILE", help="MIDI or MusicXML: its first bars' top line is the theme."
    ),
]
BusyOption = Annotated[
    float | None,
    typer.Option(
        "--drum-complexity",
        metavar="0..1",
        parser=_parse_share("drum-complexity"),
        help="From the bare pattern to busy.",
    ),
]
HardOption = Annotated[
    float | None,
    typer.Option(
        "--drum-intensity",
        metavar="0..1",
        parser=_parse_share("drum-intensity"),
        help="How hard drums play.",
    ),
]
DrumSeedOption = Annotated[
    int | None,
    typer.Option(
        "--drum-seed",
        metavar="N",
        parser=_parse_whole("drum-seed", 0, 2**63 - 1),
        help="The drummer's own seed; share it to share the part.",
    ),
]
AdventureOption = Annotated[
    float | None,
    typer.Option(
        "--adventure",
        metavar="0..1",
        parser=_parse_share("adventure"),
        help="From conventional (0) over the usual (0.5) to adventurous (1).",
    ),
]
LikeOption = Annotated[
    list[str] | None,
    typer.Option(
        "--like",
        metavar="[NAME=]PLAN.json",
        help="A plan or bundle that the words compare with; again for more, each with a name.",
    ),
]
WordsOption = Annotated[
    list[Path] | None,
    typer.Option(
        "--words",
        metavar="FILE|FOLDER",
        envvar="LEITMOTIV_WORDS",
        help="Words of your own for briefs, in TOML; again for more.",
    ),
]
ProfileOption = Annotated[
    str | None,
    typer.Option(
        metavar="streaming|film|game|game-portable|loop|raw",
        help="Loudness and peaks of the master; else streaming, and loop with --loop.",
    ),
]
FormatOption = Annotated[
    str | None,
    typer.Option(
        metavar="wav|wav16|wav32f|flac|ogg|opus|mp3",
        help="Of the master, and of the stems where nothing is lost; else wav (24 bits).",
    ),
]
OverwriteOption = Annotated[bool, typer.Option("--overwrite", help="Replace what is there.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON on stdout, nothing else.")]
QuietOption = Annotated[bool, typer.Option("--quiet", "-q", help="Print where it is, no more.")]


def _print_version(asked: bool) -> None:
    if asked:
        print(f"leitmotiv {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version."
        ),
    ] = False,
    debug: Annotated[
        bool, typer.Option("--debug", help="Show the traceback of an unexpected fault.")
    ] = False,
) -> None:
    """An AI composer a person can steer: brief in; plan, score, stems and master out.

    \b
    leitmotiv compose "a wistful waltz for string quartet in D minor, 24 bars" -o waltz
    leitmotiv plan "calm piano piece" -o calm.json     then edit calm.json
    leitmotiv compose calm.json
    leitmotiv render song.mid                          stems and master of any MIDI file
    """


# What says where and how to print, and the seed, which the hints name themselves.
NOT_REPEATED = {"source", "output", "seed", "overwrite", "json", "quiet"}
CARRIED_BY_NO_PLAN = {"profile", "format", "loop", "engine", "soundfont", "instrument", "model"}


def _typed_again(context: typer.Context, only: set[str] | None = None) -> list[str]:
    """The options of a command as they were given, for hints that lead to the same piece."""
    words: list[str] = []
    for option in context.command.params:
        name = option.name or ""
        source = context.get_parameter_source(name)
        chosen = name not in NOT_REPEATED if only is None else name in only
        if not chosen or source is None or source.name.startswith("DEFAULT"):
            continue
        value = context.params[name]
        flag = max(option.opts, key=len)
        if isinstance(value, bool):
            words += [flag] if value else []
        else:
            for each in value if isinstance(value, list | tuple) else [value]:
                words += [flag, str(each)]
    return words


@app.command()
def compose(
    context: typer.Context,
    source: Annotated[str, typer.Argument(metavar="BRIEF|PLAN.json", help="Words, or a plan.")],
    output: FolderOption = None,
    seed: SeedOption = None,
    bars: BarsOption = None,
    like: LikeOption = None,
    theme: ThemeOption = None,
    words: WordsOption = None,
    style: StyleOption = None,
    drum_complexity: BusyOption = None,
    drum_intensity: HardOption = None,
    drum_seed: DrumSeedOption = None,
    adventure: AdventureOption = None,
    engine: EngineOption = ENGINES[0],
    soundfont: SoundfontOption = None,
    instrument: InstrumentOption = None,
    model: ModelOption = None,
    profile: ProfileOption = None,
    format: FormatOption = None,
    loop: Annotated[
        bool, typer.Option("--loop", help="A seamless loop: tails are folded into the start.")
    ] = False,
    overwrite: OverwriteOption = False,
    json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Compose a piece: score, stems and master, in one folder.

    \b
    leitmotiv compose "a wistful waltz for string quartet in D minor, 24 bars" -o waltz
    leitmotiv compose "lo-fi beat, 80 bpm, 40 seconds" --seed 7
    leitmotiv compose waltz/plan.json -o waltz-2       after editing the plan
    leitmotiv compose "like this but darker, no drums" --like waltz/plan.json
    leitmotiv compose "solo harp in E" --soundfont FluidR3.sf2
    leitmotiv compose "a waltz for harp" --theme hummed.mid    a theme of your own
    leitmotiv compose "a jig" --model runs/folk/model  with weights of your own
    leitmotiv compose "calm village theme, 16 bars" --loop --profile game --format ogg
    """
    from leitmotiv.cli.commands import compose_command
    from leitmotiv.plan import extended_vocabulary

    with extended_vocabulary(words or ()):
        compose_command(
            source,
            output=output,
            seed=seed,
            num_bars=bars,
            like=like or (),
            theme=theme,
            style=style,
            drums=(drum_complexity, drum_intensity, drum_seed),
            adventure=adventure,
            engine=engine,
            soundfont=soundfont,
            instruments=instrument or (),
            model=model,
            profile=profile,
            format=format or "wav",
            as_loop=loop,
            overwrite=overwrite,
            as_json=json,
            quiet=quiet,
            given=_typed_again(context),
            sound=_typed_again(context, CARRIED_BY_NO_PLAN),
        )


@app.command()
def plan(
    source: Annotated[str, typer.Argument(metavar="BRIEF|PLAN.json", help="Words, or a plan.")],
    output: Annotated[
        Path | None, typer.Option("-o", "--output", metavar="FILE", help="Write the plan here.")
    ] = None,
    seed: SeedOption = None,
    bars: BarsOption = None,
    like: LikeOption = None,
    theme: ThemeOption = None,
    words: WordsOption = None,
    style: StyleOption = None,
    drum_complexity: BusyOption = None,
    drum_intensity: HardOption = None,
    drum_seed: DrumSeedOption = None,
    adventure: AdventureOption = None,
    overwrite: OverwriteOption = False,
    json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Decide form, harmony and parts, and show them as a chart; compose nothing yet.

    \b
    leitmotiv plan "tense 6/8 piece for brass, 32 bars" -o tense.json
    leitmotiv plan tense.json                          the chart of a plan you edited
    """
    from leitmotiv.cli.commands import plan_command
    from leitmotiv.plan import extended_vocabulary

    with extended_vocabulary(words or ()):
        plan_command(
            source,
            output=output,
            seed=seed,
            num_bars=bars,
            like=like or (),
            theme=theme,
            style=style,
            drums=(drum_complexity, drum_intensity, drum_seed),
            adventure=adventure,
            overwrite=overwrite,
            as_json=json,
            quiet=quiet,
        )


@app.command()
def render(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A MIDI or MusicXML file.")],
    output: FolderOption = None,
    seed: SeedOption = None,
    engine: EngineOption = ENGINES[0],
    soundfont: SoundfontOption = None,
    instrument: InstrumentOption = None,
    profile: ProfileOption = None,
    format: FormatOption = None,
    overwrite: OverwriteOption = False,
    json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Make a MIDI or MusicXML file sound: stems and master.

    \b
    leitmotiv render song.mid -o song-audio
    leitmotiv render score.musicxml --engine neural
    leitmotiv render song.mid --instrument "Alto Sax=mine.json"
    """
    from leitmotiv.cli.commands import render_command

    render_command(
        file,
        output=output,
        seed=0 if seed is None else seed,
        engine=engine,
        soundfont=soundfont,
        instruments=instrument or (),
        profile=profile,
        format=format or "wav",
        overwrite=overwrite,
        as_json=json,
        quiet=quiet,
    )


@app.command()
def review(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A MIDI or MusicXML file.")],
    plan: Annotated[
        Path | None, typer.Option(metavar="PLAN.json", help="Also hold it against this plan.")
    ] = None,
    picture: Annotated[
        Path | None,
        typer.Option(
            "-o", "--png", metavar="FILE.png", help="Draw a piano roll with the findings marked."
        ),
    ] = None,
    loop: Annotated[
        bool, typer.Option("--loop", help="Listen to the seam from the last bar into the first.")
    ] = False,
    overwrite: OverwriteOption = False,
    json: JsonOption = False,
) -> None:
    """Read a score and list what to look at; change nothing.

    \b
    leitmotiv review song.mid
    leitmotiv review song.musicxml -o song-review.png
    leitmotiv review waltz/score.mid --plan waltz/plan.json
    """
    from leitmotiv.cli.review import review_command

    review_command(
        file, plan_path=plan, picture=picture, loop=loop, overwrite=overwrite, as_json=json
    )


@app.command()
def export(
    checkpoint: Annotated[
        Path, typer.Argument(metavar="CHECKPOINT", help="best.pt or last.pt of a training run.")
    ],
    output: Annotated[
        Path | None,
        typer.Option(
            "-o", "--output", metavar="FOLDER", help="Where to write; else model/ beside it."
        ),
    ] = None,
    name: Annotated[str, typer.Option(metavar="NAME", help="Stem of the files.")] = "composer",
    keep_float: Annotated[
        bool, typer.Option("--float", help="Keep float32 weights instead of int8.")
    ] = False,
    overwrite: OverwriteOption = False,
    json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Make a training checkpoint playable: ONNX files and a sidecar with data and licences.

    \b
    leitmotiv export runs/tiny/best.pt
    leitmotiv compose "a calm piece for piano" --model runs/tiny/model
    """
    from leitmotiv.cli.export import export_command

    export_command(
        checkpoint,
        output=output,
        name=name,
        keep_float=keep_float,
        overwrite=overwrite,
        as_json=json,
        quiet=quiet,
    )


@app.command()
def train(
    recipe: Annotated[
        str, typer.Argument(metavar="RECIPE", help="A TOML file such as recipes/tiny.toml.")
    ],
    pack: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="From corpus pack; else runs/RECIPE.npz or runs/corpus.npz."
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "-o", "--output", "--out", metavar="FOLDER", help="Of the run; else runs/RECIPE."
        ),
    ] = None,
    base: Annotated[
        Path | None,
        typer.Option(
            "--from",
            metavar="CHECKPOINT",
            help="Fine-tune this on the pack's pieces; default is the shipped composer.",
        ),
    ] = None,
    base_pack: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="What CHECKPOINT was trained on: to rehearse, and to report on."
        ),
    ] = None,
    minutes: Annotated[
        float | None,
        typer.Option(metavar="N", min=0.001, help="Wall clock; overrides the recipe's."),
    ] = None,
    threads: Annotated[
        int | None,
        typer.Option(
            metavar="N", parser=_parse_whole("threads", 1, 1024), help="Else all cores but one."
        ),
    ] = None,
    seed: Annotated[
        int | None,
        typer.Option(metavar="N", parser=_parse_whole("seed", 0, 2**31 - 1), help="Else 1."),
    ] = None,
    device: Annotated[
        str | None, typer.Option(metavar="cpu|cuda", help="Else a GPU where there is one.")
    ] = None,
    json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Train a composer from a pack; the same command again goes on where a run was stopped.

    \b
    leitmotiv train tiny --pack runs/tiny.npz
    leitmotiv train finetune --from default --pack runs/mine.npz
    torchrun --nproc-per-node 4 -m leitmotiv train my-recipes/large.toml
    """
    from leitmotiv.cli.train import train_command

    status = train_command(
        recipe,
        pack=pack,
        output=output,
        base=base,
        base_pack=base_pack,
        minutes=minutes,
        threads=threads,
        seed=1 if seed is None else seed,
        device=device,
        as_json=json,
        quiet=quiet,
    )
    if status:
        raise typer.Exit(status)


@app.command()
def evaluate(
    checkpoint: Annotated[
        str | None,
        typer.Argument(
            metavar="[CHECKPOINT]", help="A .pt file, an exported model, or the word default."
        ),
    ] = None,
    data: Annotated[
        Path | None, typer.Option(metavar="PATH", help="Folder, zip or file of MIDI or MusicXML.")
    ] = None,
    per_file: Annotated[
        bool, typer.Option("--per-file", help="Also a line for each file.")
    ] = False,
    limit: Annotated[
        int | None,
        typer.Option(
            metavar="N", parser=_parse_whole("limit", 1, 10**9), help="Read the first N files only."
        ),
    ] = None,
    music: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="Compare these pieces with pieces by people instead."),
    ] = None,
    against: Annotated[
        str | None,
        typer.Option(
            metavar="FOLDER|GENRE", help="The people's pieces; else the nearest shipped genre."
        ),
    ] = None,
    baseline: Annotated[
        list[Path] | None,
        typer.Option(metavar="FOLDER", help="Another set to show beside it; may be repeated."),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", metavar="FILE.html", help="Write a page with plots."),
    ] = None,
    bars: Annotated[
        int | None,
        typer.Option(
            metavar="N", parser=_parse_whole("bars", 8, 2000), help="First bars to read; else 32."
        ),
    ] = None,
    overwrite: OverwriteOption = False,
    json: JsonOption = False,
) -> None:
    """Measure a composer on pieces it has never seen, or its pieces against people's.

    \b
    leitmotiv evaluate default --data my-midi-files    bits per note and per second
    leitmotiv evaluate runs/composer/best.pt --data pieces.zip --per-file
    leitmotiv evaluate --music my-pieces --against piano -o report.html
    leitmotiv evaluate --music new --against human --baseline old
    """
    if music is not None:
        if checkpoint is not None or data is not None:
            raise typer.BadParameter("--music goes without CHECKPOINT and --data; drop one of them")
        from leitmotiv.cli.music_evaluation import evaluate_music_command

        evaluate_music_command(
            music,
            against=against,
            baselines=baseline or [],
            output=output,
            num_bars=bars or 32,
            seed=0,
            overwrite=overwrite,
            as_json=json,
        )
        return
    if checkpoint is None or data is None:
        raise typer.BadParameter(
            "name a CHECKPOINT and --data PATH, or pieces to compare with --music FOLDER"
        )
    from leitmotiv.cli.evaluate import evaluate_command

    evaluate_command(checkpoint, data=data, per_file=per_file, limit=limit, as_json=json)


@app.command()
def info(json: JsonOption = False) -> None:
    """Show versions, the composing model, sound banks found, and licences.

    \b
    leitmotiv info
    leitmotiv info --json
    """
    from leitmotiv.cli.commands import info_command

    info_command(as_json=json)


register_operations(app)
register_originality(app)
register_explain(app)
register_lock(app)
register_master(app)
register_transfer(app)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit with its status."""
    import warnings

    from leitmotiv.cli.failures import guarded

    given = list(sys.argv[1:] if arguments is None else arguments)
    debug = "--debug" in given
    # Wherever it stands: a person who saw a fault adds --debug at the end of the line.
    given = [argument for argument in given if argument != "--debug"]
    if not debug:
        warnings.simplefilter("ignore")
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
    given = given or ["--help"]  # the bare word asks what there is
    command = typer.main.get_command(app)
    sys.exit(
        guarded(
            lambda: command.main(args=given, prog_name="leitmotiv", standalone_mode=False),
            debug=debug,
        )
    )
