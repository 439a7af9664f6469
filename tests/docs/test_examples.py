"""Every program and every command in the README and the docs runs, and prints what it says.

A page is run from top to bottom in one empty folder. ```python blocks share their names.
In ```console blocks a line after ``$ `` is run; lines below it are its output, where ``...``
stands for anything; without such lines any output will do. A block whose info string says
``no-run`` is left out.
"""

from __future__ import annotations

import doctest
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
FENCE = re.compile(r"^```(?P<info>[^\n`]*)\n(?P<body>.*?)^```$", re.MULTILINE | re.DOTALL)
LIMIT_SEC = 300
# These make sound through kernels that are compiled when they are first used.
SLOW_PAGES = {"amp.md", "delays.md", "mix-and-master.md", "neural-instruments.md", "rack.md"}
PAGES_TO_RUN = [
    pytest.param(page, marks=pytest.mark.slow) if page.name in SLOW_PAGES else page
    for page in PAGES
]


def blocks(page: Path) -> Iterator[tuple[str, str, int]]:
    """Language, body and first line of each block to run."""
    text = page.read_text(encoding="utf-8")
    for match in FENCE.finditer(text):
        language, *flags = match["info"].split() or [""]
        if language in {"python", "console"} and "no-run" not in flags:
            yield language, match["body"], text.count("\n", 0, match.start()) + 2


def commands(body: str) -> Iterator[tuple[str, str]]:
    """Each command of a console block with the output it promises."""
    for chunk in re.split(r"^\$ ", body, flags=re.MULTILINE)[1:]:
        command, _, output = chunk.partition("\n")
        yield command, output


def run_command(command: str, promised: str, folder: Path) -> None:
    # The program of this environment, not another one that PATH may find first.
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    done = subprocess.run(
        ["bash", "-c", command],
        cwd=folder,
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
        timeout=LIMIT_SEC,
    )
    assert done.returncode == 0, done.stderr
    if promised.strip():
        flags = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
        same = doctest.OutputChecker().check_output(promised, done.stdout, flags)
        assert same, f"{command} printed\n{done.stdout}\nbut the page says\n{promised}"


@pytest.mark.parametrize("page", PAGES_TO_RUN, ids=lambda page: page.name)
def test_page_runs_from_top_to_bottom(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {"__name__": "__page__"}
    for language, body, line in blocks(page):
        if language == "python":
            # Blank lines in front, so that a traceback names the line of the page.
            exec(compile("\n" * (line - 1) + body, str(page), "exec"), names)
        else:
            for command, promised in commands(body):
                run_command(command, promised, tmp_path)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", text):
        if "://" not in target:
            assert (page.parent / target).exists(), f"{page.name} links to {target}"


@pytest.mark.parametrize(
    "program",
    # make.py renews the committed examples: it is run by hand.
    sorted(set((ROOT / "examples").glob("*.py")) - {ROOT / "examples" / "make.py"}),
    ids=lambda path: path.name,
)
def test_example_programs_run(program: Path, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, str(program)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=LIMIT_SEC,
    )
    assert done.returncode == 0, done.stderr
