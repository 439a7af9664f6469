"""Stems go through their racks, keep their length, and follow the tempo of the piece."""

from __future__ import annotations

import numpy as np
import pytest
from tests.rack.racks import graph_of

from leitmotiv.audio import Stems
from leitmotiv.errors import AudioError
from leitmotiv.rack.stems import load_racks, rack_stems

ECHO = '[nodes.echo]\neffect = "delay"\ndelay_sec = "1/4"\nwet_level = 1.0\nfeedback = 0.0'


def _clicks(num: int) -> Stems:
    audio = []
    for _ in range(num):
        click = np.zeros((2, 96_000), np.float32)
        click[:, 0] = 1.0
        audio.append(click)
    return Stems(tuple(f"part {i}" for i in range(num)), tuple(audio))


def test_note_values_follow_the_piece_and_dry_stems_stay_the_same() -> None:
    stems = _clicks(2)
    done = rack_stems(stems, [graph_of(ECHO), None], tempo_bpm=60.0)
    assert done.audio[1] is stems.audio[1]
    assert done.audio[0].shape == (2, 96_000)
    assert np.argmax(done.audio[0][0, 100:]) + 100 == 48_000


def test_latency_is_taken_out_and_silence_left_alone() -> None:
    silent = Stems(("a",), (np.zeros((2, 4800), np.float32),))
    assert rack_stems(silent, [graph_of(ECHO)], tempo_bpm=90.0).audio[0] is silent.audio[0]
    late = '[nodes.c]\neffect = "compressor"\nlookahead_ms = 5.0\nratio = 1.0'
    done = rack_stems(_clicks(1), [graph_of(late)], tempo_bpm=90.0)
    assert np.argmax(np.abs(done.audio[0][0])) == 0


def test_a_rack_that_does_not_exist_is_named_at_once() -> None:
    with pytest.raises(AudioError, match="no-such-rack"):
        load_racks(["", "no-such-rack"])
    with pytest.raises(AudioError, match="0 racks for 1 stems"):
        rack_stems(_clicks(1), [], tempo_bpm=90.0)
