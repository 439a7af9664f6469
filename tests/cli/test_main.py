"""The commands, over the real program: what they print, what they leave, how they end."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

import leitmotiv as package
from leitmotiv.plan import Plan

BRIEF = "a calm waltz for flute and cello in G major, 4 bars"
FAST = ("--engine", "modelled", "--seed", "3")
COMMANDS = ("compose", "plan", "render", "review", "info")
HEAVY = ("numpy", "scipy", "numba", "onnxruntime", "pydantic", "matplotlib", "symusic")


def leitmotiv(*arguments: str, folder: Path) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "leitmotiv", *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert done.returncode == 0, done.stderr
    assert not done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A folder in which one piece was composed, and what was printed."""
    folder = tmp_path_factory.mktemp("made")
    return folder, leitmotiv("compose", BRIEF, *FAST, "-o", "waltz", folder=folder)


@pytest.mark.parametrize("command", COMMANDS)
def test_help_of_each_command_shows_examples(command: str, tmp_path: Path) -> None:
    text = leitmotiv(command, "--help", folder=tmp_path)
    assert f"\n  leitmotiv {command}" in text


def test_help_names_every_command(tmp_path: Path) -> None:
    text = leitmotiv("--help", folder=tmp_path)
    assert all(f"\n  {command} " in text for command in COMMANDS)


def test_version(tmp_path: Path) -> None:
    assert leitmotiv("--version", folder=tmp_path) == f"leitmotiv {package.__version__}\n"


@pytest.mark.parametrize("module", ["leitmotiv", "leitmotiv.cli.main", "leitmotiv.errors"])
def test_importing_the_package_loads_nothing_heavy(module: str) -> None:
    code = f"import {module}, sys; print([m for m in {HEAVY!r} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = done.stdout.strip()
    # Some versions of typer use pydantic themselves where it is installed.
    assert loaded in ("[]", "['pydantic']")


def test_compose_says_what_it_understood_did_and_left(made: tuple[Path, str]) -> None:
    folder, text = made
    for words in ("Understood", "G major", "render", "Review:", "Done in", "--seed 4", "plan.json"):
        assert words in text
    assert f"repeat        leitmotiv compose '{BRIEF}' --engine modelled --seed 3\n" in text
    assert "leitmotiv compose waltz/plan.json --engine modelled\n" in text
    assert "\x1b" not in text, "a pipe gets plain lines"
    names = {path.name for path in (folder / "waltz").iterdir()}
    assert names >= {"score.mid", "score.musicxml", "plan.json", "stems", "master.wav"}
    assert names >= {"pianoroll.png", "provenance.json"}
    assert [path.name for path in folder.iterdir()] == ["waltz"]


def test_the_plan_in_the_bundle_makes_the_same_notes(made: tuple[Path, str]) -> None:
    folder, _ = made
    leitmotiv("compose", "waltz/plan.json", "--engine", "modelled", "-o", "again", folder=folder)
    for name in ("score.mid", "score.musicxml", "plan.json", "master.wav"):
        first, again = ((folder / place / name).read_bytes() for place in ("waltz", "again"))
        assert first == again, name


def test_json_is_all_that_stands_on_stdout(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "leitmotiv", "compose", BRIEF, *FAST, "--json"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    data = json.loads(done.stdout)
    assert data["seed"] == 3
    assert all((tmp_path / name).is_file() for name in data["files"])
    assert (tmp_path / data["folder"]).is_dir(), "a folder named after the title"
    assert data["stages_sec"].keys() >= {"plan", "compose", "render", "mix", "master", "write"}


def test_quiet_prints_the_folder_alone_and_names_are_numbered(tmp_path: Path) -> None:
    first = leitmotiv("compose", BRIEF, *FAST, "--quiet", folder=tmp_path).strip()
    second = leitmotiv("compose", BRIEF, *FAST, "--quiet", folder=tmp_path).strip()
    assert second == f"{first}-2"
    assert {path.name for path in tmp_path.iterdir()} == {first, second}


def test_overwrite_replaces_a_bundle(made: tuple[Path, str]) -> None:
    folder, _ = made
    arguments = ("compose", BRIEF, "--engine", "modelled", "-o", "other", "--quiet")
    leitmotiv(*arguments, "--seed", "1", folder=folder)
    before = (folder / "other" / "score.mid").read_bytes()
    leitmotiv(*arguments, "--seed", "2", "--overwrite", folder=folder)
    assert (folder / "other" / "score.mid").read_bytes() != before


def test_plan_prints_a_chart_and_writes_a_plan(tmp_path: Path) -> None:
    text = leitmotiv("plan", BRIEF, "--seed", "3", "-o", "p.json", folder=tmp_path)
    for words in ("Understood", "Parts", "Flute", "bars 1-4", "p.json"):
        assert words in text
    plan = Plan.from_json(tmp_path / "p.json")
    assert (plan.num_bars, plan.seed) == (4, 3)
    assert json.loads(leitmotiv("plan", "p.json", "--json", folder=tmp_path)) == plan.to_dict()


def test_bars_override_the_brief(tmp_path: Path) -> None:
    text = leitmotiv("plan", BRIEF, "--bars", "12", "--json", folder=tmp_path)
    assert json.loads(text)["num_bars"] == 12


def test_render_and_review_take_a_midi_file(made: tuple[Path, str]) -> None:
    folder, _ = made
    place = leitmotiv(
        "render", "waltz/score.mid", "--engine", "modelled", "-o", "audio", "-q", folder=folder
    )
    assert place == "audio\n"
    assert (folder / "audio" / "master.wav").is_file()
    assert len(list((folder / "audio" / "stems").iterdir())) == 2
    text = leitmotiv("review", "waltz/score.mid", "--plan", "waltz/plan.json", folder=folder)
    assert "4 bars" in text
    assert "Review:" in text
    data = json.loads(leitmotiv("review", "waltz/score.mid", "--json", folder=folder))
    assert isinstance(data["findings"], list)


def test_render_takes_musicxml(made: tuple[Path, str]) -> None:
    folder, _ = made
    arguments = ("render", "waltz/score.musicxml", "--engine", "modelled", "-o", "xml", "--json")
    done = subprocess.run(
        [sys.executable, "-m", "leitmotiv", *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(done.stdout)["num_parts"] == 2


def test_info_shows_versions_and_styles(tmp_path: Path) -> None:
    text = leitmotiv("info", folder=tmp_path)
    assert package.__version__ in text
    assert "Apache-2.0" in text
    data = json.loads(leitmotiv("info", "--json", folder=tmp_path))
    assert data["libraries"]["numpy"]
    assert data["styles"]


def test_a_reader_that_leaves_early_is_no_fault(tmp_path: Path) -> None:
    command = f"{sys.executable} -m leitmotiv plan '{BRIEF}' | true"
    done = subprocess.run(["bash", "-c", command], cwd=tmp_path, capture_output=True, text=True)
    assert "Traceback" not in done.stderr
    assert "fault" not in done.stderr


def test_the_range_of_the_command_line_stands_in_brief_and_plan(tmp_path: Path) -> None:
    text = leitmotiv(
        "plan", BRIEF, "--seed", "3", "--adventure", "0.9", "-o", "p.json", folder=tmp_path
    )
    assert Plan.from_json(tmp_path / "p.json").adventure == 0.9
    assert ", adventure 0.9\n" in text
    leitmotiv("plan", "p.json", "--adventure", "0.2", "-o", "q.json", "-q", folder=tmp_path)
    changed = Plan.from_json(tmp_path / "q.json")
    assert changed.adventure == 0.2
    assert changed.replace(adventure=0.9) == Plan.from_json(tmp_path / "p.json")
