"""What goes wrong, in one line and an exit status.

=========  ===================================================================
status     meaning
=========  ===================================================================
0          done
1          an unexpected fault: a bug, to be reported
2          bad input: one line names the value, what it must be and the remedy
130, 143   stopped by Ctrl-C or by a request to end; nothing was written
=========  ===================================================================

Public names: :func:`guarded`, :class:`Stopped`, the statuses :data:`DONE`, :data:`UNEXPECTED`,
:data:`BAD_INPUT`, :data:`INTERRUPTED`, :data:`TERMINATED`.
"""

from __future__ import annotations

import errno
import os
import re
import signal
import sys
import traceback
from collections.abc import Callable

from leitmotiv.errors import LeitmotivError

__all__ = [
    "BAD_INPUT",
    "DONE",
    "INTERRUPTED",
    "TERMINATED",
    "UNEXPECTED",
    "Stopped",
    "guarded",
]

DONE, UNEXPECTED, BAD_INPUT = 0, 1, 2
INTERRUPTED, TERMINATED = 128 + signal.SIGINT.value, 128 + signal.SIGTERM.value
STOPS = (signal.SIGINT, signal.SIGTERM)
PIPE_CLOSED = 128 + 13  # SIGPIPE, a number that Windows has no name for


class Stopped(BaseException):
    """Ctrl-C or a request to end, raised so that half-written files are cleared away.

    An exception of our own: typer would swallow a KeyboardInterrupt.
    """


def _raise_stopped(signum: int, frame: object) -> None:
    for number in STOPS:  # a second Ctrl-C must not stop the clearing away
        signal.signal(number, signal.SIG_IGN)
    raise Stopped(128 + signum)


def _say(line: str) -> None:
    print(f"leitmotiv: {' '.join(line.split())}", file=sys.stderr)


def _say_os_error(error: OSError) -> None:
    what = f"{str(error.filename)!r}: " if error.filename else ""
    remedy = {
        errno.ENOSPC: "free some space, or choose another disk with -o",
        errno.EDQUOT: "free some space, or choose another disk with -o",
        errno.EFBIG: "raise the limit on file sizes, or choose another disk with -o",
        errno.EACCES: "choose a place that you may read and write",
        errno.EROFS: "choose a disk that can be written with -o",
    }.get(error.errno or 0, "check the path")
    _say(f"error: {what}{error.strerror or error}; {remedy}")


def guarded(work: Callable[[], int | None], *, debug: bool) -> int:
    """Run ``work`` and turn whatever it raises into one line and a status.

    With ``debug`` an unexpected fault shows its traceback.
    """
    import typer

    # Typer's usage errors have had two homes over its versions; this finds them in both.
    usage_errors: tuple[type[BaseException], ...] = tuple(
        kind for kind in typer.BadParameter.__mro__ if hasattr(kind, "format_message")
    )
    # Who ignores a signal, as nohup does, goes on ignoring it.
    previous = {
        number: signal.signal(number, _raise_stopped)
        for number in STOPS
        if signal.getsignal(number) is not signal.SIG_IGN
    }
    try:
        return work() or DONE
    except LeitmotivError as error:
        _say(f"error: {error}")
        return BAD_INPUT
    except usage_errors as error:
        context = getattr(error, "ctx", None)
        command = context.command_path if context else "leitmotiv"
        message = str(error.format_message()) if hasattr(error, "format_message") else str(error)
        if type(error).__name__ == "NoArgsIsHelpError":  # the bare word asks what there is
            print(message)
            return DONE
        # Our own messages name the option and its value already.
        message = re.sub(r"^Invalid value(?: for '--[\w-]+')?: (?=[\w-]+=)", "", message).rstrip(
            "."
        )
        _say(f"error: {message}; see: {command} --help")
        return BAD_INPUT
    except Stopped as stop:
        _say("stopped; nothing was written")
        return int(stop.args[0])
    except (KeyboardInterrupt, typer.Abort):
        _say("stopped; nothing was written")
        return INTERRUPTED
    except BrokenPipeError:
        # The reader has gone (as in `leitmotiv info | head`): nobody is left to tell.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return PIPE_CLOSED
    except OSError as error:
        if debug:
            traceback.print_exc()
        _say_os_error(error)
        return BAD_INPUT
    except MemoryError:
        _say("error: out of memory; ask for a shorter piece or fewer parts")
        return BAD_INPUT
    except Exception as error:
        if debug:
            traceback.print_exc()
        more = "report it with this traceback" if debug else "run again with --debug and report it"
        _say(f"unexpected fault: {type(error).__name__}: {error}; {more}")
        return UNEXPECTED
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
