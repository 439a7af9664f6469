"""Live sound through a stand-in of the interface's library: it calls back as PortAudio does."""

from __future__ import annotations

import sys
import types
from typing import Any

import numpy as np
import pytest
from tests.rack.racks import LOOP, graph_of

from leitmotiv.errors import AudioError, MissingExtraError
from leitmotiv.rack.live import play_live


class Interface(types.ModuleType):
    """Sends noise in mono, block by block, and keeps what comes back."""

    class PortAudioError(Exception):
        pass

    def __init__(self, blocks: int = 4) -> None:
        super().__init__("sounddevice")
        self.heard: list[np.ndarray] = []
        interface = self

        class Stream:
            def __init__(self, *, callback: Any, blocksize: int, device: str | None, **_: Any):
                if device == "none":
                    raise Interface.PortAudioError("no such device")
                self.callback, self.blocksize = callback, blocksize

            def __enter__(self) -> None:
                for number in range(blocks):
                    entering = np.full((self.blocksize, 1), 0.25, np.float32)
                    out = np.zeros((self.blocksize, 2), np.float32)
                    self.callback(entering, out, self.blocksize, None, number == 2)
                    interface.heard.append(out)

            def __exit__(self, *_: object) -> None:
                return None

        self.Stream = Stream


def test_what_enters_comes_back_through_the_rack(monkeypatch: pytest.MonkeyPatch) -> None:
    interface = Interface()
    monkeypatch.setitem(sys.modules, "sounddevice", interface)
    report = play_live(graph_of(LOOP), block_samples=240, keep_on=lambda: False)
    levels = [float(block[0, 0]) for block in interface.heard]
    assert levels == pytest.approx([0.25, 0.375, 0.4375, 0.46875], rel=1e-4)
    assert report.num_dropouts == 1
    assert report.duration_sec == pytest.approx(960 / 48_000)


def test_without_library_or_interface_the_next_step_is_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "sounddevice", None)
    with pytest.raises(MissingExtraError, match="live"):
        play_live(graph_of(LOOP), keep_on=lambda: False)
    monkeypatch.setitem(sys.modules, "sounddevice", Interface())
    with pytest.raises(AudioError, match="no such device"):
        play_live(graph_of(LOOP), device="none", keep_on=lambda: False)
