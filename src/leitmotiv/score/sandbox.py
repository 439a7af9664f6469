"""A worker process for files that nobody vouches for.

Purpose: native parsers crash and decompressors explode; here a crash, a hang or a bomb ends a
process of its own and becomes one :class:`~leitmotiv.errors.ReadError`.

Conventions:

- The worker is a fresh interpreter that imports this package and nothing of the caller's
  ``__main__``, so scripts need no ``if __name__ == "__main__"`` guard.
- ``memory_bytes`` counts what the function may take beyond the interpreter itself. It holds where
  the platform enforces RLIMIT_AS (Linux); the time limit holds everywhere.
- The worker may write no file and dump no core where the platform has those limits.

Public names: :func:`run_in_worker`.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import pickle
import signal
import subprocess
import sys
from collections.abc import Callable
from typing import Any, BinaryIO, TypeVar

from leitmotiv import errors
from leitmotiv.errors import LeitmotivError, ReadError

__all__ = ["run_in_worker"]

Result = TypeVar("Result")

BYTES_PER_MIB = 1 << 20
START = (
    "import sys; sys.path[:] = sys.argv[1:]; "
    "from leitmotiv.score.sandbox import serve; serve()"
)  # fmt: skip
# One thread: a parser needs no more, and each thread of a maths library reserves address space.
THREAD_VARIABLES = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")


def run_in_worker(
    function: Callable[..., Result],
    args: tuple[Any, ...],
    *,
    timeout_sec: float,
    memory_bytes: int,
    subject: str = "the input",
) -> Result:
    """Call ``function(*args)`` in a process of its own with limits.

    Parameters
    ----------
    function : callable
        A public function of an importable module; not a lambda, not of ``__main__``.
    args : tuple
        Picklable arguments.
    timeout_sec : float
        Wall-clock limit in seconds, start of the interpreter included.
    memory_bytes : int
        Address space that the function may take, in bytes.
    subject : str
        Name of what is read; it opens every error message.

    Returns
    -------
    object
        What the function returns; it must be picklable.

    Raises
    ------
    LeitmotivError
        The function's own error, with the subject before its message.
    ReadError
        If the function crashed, took too long, ran out of memory or failed in any other way.

    Examples
    --------
    >>> import math
    >>> run_in_worker(math.gcd, (12, 18), timeout_sec=30, memory_bytes=1 << 28)
    6
    """
    module, name = function.__module__, function.__qualname__
    if module == "__main__" or "<" in name:
        raise ValueError(f"function={name!r} must be importable by its module and name")
    request = pickle.dumps((module, name, args, float(timeout_sec), int(memory_bytes)))
    command = [sys.executable, "-c", START, *sys.path]
    with subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={**os.environ, **dict.fromkeys(THREAD_VARIABLES, "1")},
        creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
    ) as process:
        try:
            reply, _ = process.communicate(request, timeout=timeout_sec)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            raise _too_slow(subject, timeout_sec) from None
        except BaseException:
            process.kill()
            raise
    if process.returncode:
        raise _ended_badly(subject, process.returncode, timeout_sec, memory_bytes)
    try:
        kind, value = pickle.loads(reply)
    except Exception as error:
        raise ReadError(
            f"{subject}: the reading process gave no answer; the file may be damaged: "
            "export it again"
        ) from error
    if kind == "result":
        result: Result = value
        return result
    if kind == "memory":
        raise _too_big(subject, memory_bytes)
    error_type = getattr(errors, kind, ReadError)
    raise error_type(f"{subject}: {value}")


def _too_slow(subject: str, timeout_sec: float) -> ReadError:
    return ReadError(
        f"{subject}: reading took longer than {timeout_sec:g} seconds; "
        "the file may be damaged or too long: split it or export it again"
    )


def _too_big(subject: str, memory_bytes: int) -> ReadError:
    return ReadError(
        f"{subject}: reading needed more than {memory_bytes // BYTES_PER_MIB} MiB of memory; "
        "the file may be damaged or too long: split it or export it again"
    )


def _ended_badly(subject: str, returncode: int, timeout_sec: float, memory_bytes: int) -> ReadError:
    if returncode < 0 and os.name == "posix":
        number = -returncode
        if number == getattr(signal, "SIGXCPU", None):
            return _too_slow(subject, timeout_sec)
        if number in (signal.SIGKILL, signal.SIGABRT):  # out of memory killer, std::terminate
            return _too_big(subject, memory_bytes)
        with contextlib.suppress(ValueError):
            return ReadError(
                f"{subject}: the parser crashed ({signal.Signals(number).name}); "
                "the file must be damaged: export it again"
            )
    return ReadError(
        f"{subject}: the parser stopped with status {returncode}; "
        "the file must be damaged: export it again"
    )


# --- inside the worker -----------------------------------------------------------------------


def serve() -> None:
    """Answer one request: read it from standard input, write the reply to standard output."""
    reply_to = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # whatever the parser prints goes nowhere
    module, name, args, timeout_sec, memory_bytes = pickle.load(sys.stdin.buffer)
    function: Any = importlib.import_module(module)
    for step in name.split("."):
        function = getattr(function, step)
    _limit(timeout_sec, memory_bytes)
    try:
        reply = ("result", function(*args))
        _send(reply_to, reply)
    except MemoryError:
        _send(reply_to, ("memory", ""))
    except LeitmotivError as error:
        _send(reply_to, (type(error).__name__, " ".join(str(error).split())))
    except RecursionError:
        _send(reply_to, ("ReadError", "the file is nested too deeply; export it again"))
    except Exception as error:
        detail = " ".join(f"{type(error).__name__}: {error}".split())[:200]
        _send(reply_to, ("ReadError", f"the file is damaged ({detail}); export it again"))
    reply_to.flush()
    os._exit(0)  # nothing of a parser's teardown may turn a good reply into a crash


def _send(stream: BinaryIO, reply: tuple[str, Any]) -> None:
    stream.write(pickle.dumps(reply, protocol=pickle.HIGHEST_PROTOCOL))


def _limit(timeout_sec: float, memory_bytes: int) -> None:
    try:
        import resource
    except ImportError:  # Windows: the parent's time limit holds, memory is not limited
        return
    seconds = int(timeout_sec) + 1
    limits = [("RLIMIT_CPU", seconds), ("RLIMIT_CORE", 0), ("RLIMIT_FSIZE", 0)]
    base = _address_space()
    if base is not None:
        limits.append(("RLIMIT_AS", base + memory_bytes))
    for name, value in limits:
        kind = getattr(resource, name, None)
        if kind is not None:
            with contextlib.suppress(ValueError, OSError):  # a lower hard limit stands already
                resource.setrlimit(kind, (value, value))


def _address_space() -> int | None:
    """Address space of this process in bytes; None where the platform does not tell."""
    try:
        with open("/proc/self/statm", encoding="ascii") as stream:
            pages = int(stream.read().split()[0])
    except (OSError, ValueError, IndexError):
        return None
    return pages * os.sysconf("SC_PAGE_SIZE")
