"""A worker process for files that nobody vouches for.

Purpose: native parsers crash and decompressors explode; here a crash, a hang or a bomb ends a
process of its own and becomes one :class:`~leitmotiv.errors.ReadError`.

Conventions:

- The worker is a fresh interpreter that imports this package and nothing of the caller's
  ``__main__``, so scripts need no ``if __name__ == "__main__"`` guard.
- ``memory_bytes`` counts what the function may take beyond the interpreter itself. It holds where
  the platform enforces RLIMIT_AS (Linux); the time limit holds everywhere.
- The worker may write no file and dump no core where the platform has those limits.
- A :class:`Worker` answers one call after another, each with its own time limit; whatever ends it
  costs that call alone, and a fresh process takes the next one.

Public names: :class:`Worker`, :func:`run_in_worker`.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import pickle
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Any, BinaryIO, Self, TypeVar

from leitmotiv import errors
from leitmotiv.errors import LeitmotivError, ReadError

__all__ = ["Worker", "run_in_worker"]

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
    with Worker(memory_bytes=memory_bytes) as worker:
        return worker.call(function, args, timeout_sec=timeout_sec, subject=subject)


class Worker:
    """A process with limits that answers one call after another.

    The process starts with the first call. A call that crashes it, takes too long or needs too
    much memory ends it, and the next call starts another; one thread may call at a time.

    Parameters
    ----------
    memory_bytes : int
        Address space that all calls together may take beyond the interpreter and the module of
        the first function, in bytes.
    """

    def __init__(self, *, memory_bytes: int) -> None:
        self.memory_bytes = int(memory_bytes)
        self.num_calls = 0
        """Calls that the process at hand has taken."""
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the process, whatever it is doing."""
        process, self._process, self.num_calls = self._process, None, 0
        if process is not None:
            process.kill()
            for stream in (process.stdin, process.stdout):
                if stream is not None:
                    with contextlib.suppress(OSError):
                        stream.close()
            process.wait()

    @property
    def is_running(self) -> bool:
        """Whether there is a process that would take the next call."""
        return self._process is not None

    def interrupt(self) -> None:
        """End the process from another thread; a call under way fails."""
        process = self._process
        if process is not None:
            process.kill()

    def _started(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            self._process = subprocess.Popen(
                [sys.executable, "-c", START, *sys.path],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env={**os.environ, **dict.fromkeys(THREAD_VARIABLES, "1")},
                creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
            )
        return self._process

    def call(
        self,
        function: Callable[..., Result],
        args: tuple[Any, ...],
        *,
        timeout_sec: float,
        subject: str = "the input",
    ) -> Result:
        """Call ``function(*args)`` as :func:`run_in_worker` does, in the process at hand.

        Raises
        ------
        LeitmotivError
            The function's own error, with the subject before its message.
        ReadError
            If the function crashed, took too long, ran out of memory or failed in any other way.
        """
        module, name = function.__module__, function.__qualname__
        if module == "__main__" or "<" in name:
            raise ValueError(f"function={name!r} must be importable by its module and name")
        request = pickle.dumps((module, name, args, float(timeout_sec), self.memory_bytes))
        process = self._started()
        self.num_calls += 1
        assert process.stdin is not None
        assert process.stdout is not None
        too_slow = threading.Event()
        alarm = threading.Timer(timeout_sec, _end, (process, too_slow))
        alarm.daemon = True
        alarm.start()
        try:
            try:
                process.stdin.write(request)
                process.stdin.flush()
                reply = pickle.load(process.stdout)
            except (OSError, EOFError, pickle.UnpicklingError):  # it has gone
                reply = None
        except BaseException:
            alarm.cancel()
            self.close()
            raise
        alarm.cancel()
        if reply is not None and too_slow.is_set():  # it answered while it was being ended
            self.close()
        if reply is None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(timeout=1.0)
            returncode = process.poll()
            self.close()
            if too_slow.is_set():
                raise _too_slow(subject, timeout_sec)
            if returncode:
                raise _ended_badly(subject, returncode, timeout_sec, self.memory_bytes)
            raise ReadError(
                f"{subject}: the reading process gave no answer; the file may be damaged: "
                "export it again"
            )
        kind, value = reply
        if kind == "result":
            result: Result = value
            return result
        if kind == "memory":
            self.close()
            raise _too_big(subject, self.memory_bytes)
        error_type = getattr(errors, kind, ReadError)
        raise error_type(f"{subject}: {value}")


def _end(process: subprocess.Popen[bytes], too_slow: threading.Event) -> None:
    too_slow.set()
    process.kill()


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
    """Answer requests from standard input on standard output until there are no more."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the caller, who ends this process
    reply_to = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # whatever the parser prints goes nowhere
    first = True
    while True:
        try:
            module, name, args, timeout_sec, memory_bytes = pickle.load(sys.stdin.buffer)
        except EOFError:
            os._exit(0)  # nothing of a parser's teardown may turn a good reply into a crash
        function: Any = importlib.import_module(module)
        for step in name.split("."):
            function = getattr(function, step)
        if first:
            _limit_memory(memory_bytes)
            first = False
        _limit_time(timeout_sec)
        _answer(function, args, reply_to)
        del args


def _answer(function: Callable[..., Any], args: tuple[Any, ...], reply_to: BinaryIO) -> None:
    try:
        _send(reply_to, ("result", function(*args)))
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


def _send(stream: BinaryIO, reply: tuple[str, Any]) -> None:
    stream.write(pickle.dumps(reply, protocol=pickle.HIGHEST_PROTOCOL))


def _limit_memory(memory_bytes: int) -> None:
    limits = [("RLIMIT_CORE", 0), ("RLIMIT_FSIZE", 0)]
    base = _address_space()
    if base is not None:
        limits.append(("RLIMIT_AS", base + memory_bytes))
    for name, value in limits:
        _set_limit(name, value, value)


def _limit_time(timeout_sec: float) -> None:
    """Limit the time on the processor from now on, should nobody be left to watch the clock."""
    used = sum(os.times()[:2])
    _set_limit("RLIMIT_CPU", int(used + timeout_sec) + 1, None)


def _set_limit(name: str, soft: int, hard: int | None) -> None:
    try:
        import resource
    except ImportError:  # Windows: the parent's time limit holds, memory is not limited
        return
    kind = getattr(resource, name, None)
    if kind is not None:
        with contextlib.suppress(ValueError, OSError):  # a lower hard limit stands already
            top = resource.getrlimit(kind)[1] if hard is None else hard
            resource.setrlimit(kind, (soft, top))


def _address_space() -> int | None:
    """Address space of this process in bytes; None where the platform does not tell."""
    try:
        with open("/proc/self/statm", encoding="ascii") as stream:
            pages = int(stream.read().split()[0])
    except (OSError, ValueError, IndexError):
        return None
    return pages * os.sysconf("SC_PAGE_SIZE")
