from __future__ import annotations

import math
import os
import signal
import subprocess
import sys
import time

import pytest

from leitmotiv.errors import ReadError, TheoryError
from leitmotiv.score.sandbox import run_in_worker
from leitmotiv.theory import Key

MIB = 1 << 20
LINUX = sys.platform.startswith("linux")


def call(function, *args, timeout_sec=30.0, memory_bytes=256 * MIB):
    return run_in_worker(
        function, args, timeout_sec=timeout_sec, memory_bytes=memory_bytes, subject="song.mid"
    )


def test_a_result_comes_back():
    assert call(math.gcd, 12, 18) == 6
    assert call(bytes, 10 * MIB) == bytes(10 * MIB)


def test_an_error_of_leitmotiv_keeps_its_type_and_names_the_file():
    with pytest.raises(TheoryError, match=r"^song\.mid: .*fifths=9"):
        call(Key.from_fifths, 9)


def test_any_other_error_is_one_line():
    with pytest.raises(ReadError, match=r"^song\.mid: the file is damaged \(ValueError: math") as e:
        call(math.sqrt, -1)
    assert "\n" not in str(e.value)


def test_a_hang_ends_at_the_time_limit():
    start = time.monotonic()
    with pytest.raises(ReadError, match=r"^song\.mid: .* longer than 1\.5 seconds"):
        call(time.sleep, 60, timeout_sec=1.5)
    assert time.monotonic() - start < 20


@pytest.mark.skipif(not LINUX, reason="only Linux enforces RLIMIT_AS")
def test_a_bomb_ends_at_the_memory_limit():
    with pytest.raises(ReadError, match=r"^song\.mid: .* more than 64 MiB"):
        call(bytes, 300 * MIB, memory_bytes=64 * MIB)


@pytest.mark.skipif(os.name != "posix", reason="signals are POSIX")
@pytest.mark.parametrize("name", ["SIGSEGV", "SIGBUS", "SIGFPE"])
def test_a_crash_is_one_clear_line(name):
    with pytest.raises(ReadError, match=rf"^song\.mid: the parser crashed \({name}\); .*export"):
        call(signal.raise_signal, int(getattr(signal, name)))


def test_a_worker_that_exits_or_prints_does_no_harm():
    with pytest.raises(ReadError, match="stopped with status 3"):
        call(os._exit, 3)
    assert call(print, "not part of the reply") is None


@pytest.mark.skipif(not LINUX, reason="only POSIX limits file sizes")
def test_the_worker_cannot_write_files(tmp_path):
    with pytest.raises(ReadError):
        call(os.truncate, _made(tmp_path / "a"), 100)


def _made(path):
    path.write_bytes(b"")
    return str(path)


def test_a_function_of_main_is_refused():
    with pytest.raises(ValueError, match="importable"):
        call(lambda: 1)


def test_a_script_without_a_main_guard_can_read_files(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(
        "from leitmotiv.score import Part, Score, make_notes, read_midi, write_midi\n"
        "write_midi(Score((Part('a', notes=make_notes([0], [480], [60])),)), 'a.mid')\n"
        "print(read_midi('a.mid').num_notes)\n"
    )
    done = subprocess.run(
        [sys.executable, str(script)], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert done.stdout == "1\n"
