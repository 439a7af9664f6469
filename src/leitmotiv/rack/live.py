"""A rack between the sockets of an audio interface.

Purpose: play through a rack while it listens.

Conventions: the interface asks for a block and gets the answer to the block that it brings, so
the delay heard is the interface's own and the rack's latency. Needs the extra ``live``
(the library ``sounddevice``).

Public names: :func:`play_live`, :class:`LiveReport`.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from leitmotiv.errors import AudioError, MissingExtraError
from leitmotiv.rack.graph import RackGraph
from leitmotiv.rack.rack import Rack

__all__ = ["LiveReport", "play_live"]


@dataclass(frozen=True)
class LiveReport:
    """How a live run went: seconds played, blocks too late, the share of time the rack took."""

    duration_sec: float
    num_dropouts: int
    load: float


def _sounddevice() -> Any:
    try:
        import sounddevice
    except ImportError as error:
        raise MissingExtraError("sounddevice", "live") from error
    except OSError as error:  # the library is there, PortAudio is not
        raise AudioError(
            f"live sound needs PortAudio ({error}); install it, on Debian as libportaudio2"
        ) from error
    return sounddevice


def play_live(
    graph: RackGraph,
    *,
    sample_rate: int = 48_000,
    block_samples: int = 256,
    device: str | None = None,
    keep_on: Callable[[], bool],
) -> LiveReport:
    """Play the interface's input through a rack to its output until told to stop.

    Parameters
    ----------
    graph : RackGraph
    sample_rate, block_samples : int
        Of the interface; smaller blocks answer sooner and need more of the processor.
    device : str, optional
        Name or part of the name of the interface; the system's by default.
    keep_on : callable
        Asked ten times a second; False ends the run.

    Raises
    ------
    MissingExtraError
        If the extra is not installed.
    AudioError
        If there is no interface or it refuses.
    """
    library = _sounddevice()
    if not 16 <= block_samples <= 8192:
        raise AudioError(f"block_samples={block_samples} must be between 16 and 8192")
    rack = Rack(graph, sample_rate=sample_rate)
    rack.process(np.zeros((2, block_samples), np.float32))  # compile before the first sound
    rack.reset()
    busy_sec, dropouts, played = 0.0, 0, 0

    def answer(heard: NDArray[np.float32], out: NDArray[np.float32], *rest: Any) -> None:
        nonlocal busy_sec, dropouts, played
        began = time.perf_counter()
        stereo = np.ascontiguousarray(np.broadcast_to(heard.T, (2, len(heard))))
        out[:] = np.clip(rack.process(stereo).T, -1.0, 1.0)
        busy_sec += time.perf_counter() - began
        played += len(heard)
        dropouts += bool(rest[-1])

    try:
        with library.Stream(
            samplerate=sample_rate,
            blocksize=block_samples,
            device=device,
            channels=(1, 2),
            dtype="float32",
            callback=answer,
        ):
            while keep_on():
                time.sleep(0.1)
    except (library.PortAudioError, ValueError) as error:
        raise AudioError(f"the audio interface cannot be used: {error}") from error
    duration_sec = played / sample_rate
    return LiveReport(duration_sec, dropouts, busy_sec / duration_sec if duration_sec else 0.0)
