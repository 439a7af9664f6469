"""A rack plays its graph: sums, loops, motions and snapshots, in blocks of any size."""

from __future__ import annotations

import numpy as np
import pytest
from tests.rack.racks import LOOP, MOVING, SAMPLE_RATE, graph_of, in_blocks, noise

from leitmotiv.effects import AutomatedEffect, Curves, registry
from leitmotiv.errors import AudioError
from leitmotiv.rack import Rack

CLICK = np.zeros((2, 4800), np.float32)
CLICK[:, 0] = 1.0


class Late(AutomatedEffect):
    """Looks ahead by 37 samples."""

    latency_samples = 37  # type: ignore[assignment]

    def __init__(self, *, sample_rate: int, num_channels: int = 2) -> None:
        super().__init__({}, sample_rate=sample_rate, num_channels=num_channels)

    def _clear(self) -> None:
        self._past = np.zeros((self.num_channels, 37), np.float32)

    def _run(self, block: np.ndarray, curves: Curves, side_chain: np.ndarray | None) -> np.ndarray:
        both = np.concatenate([self._past, block], axis=1)
        self._past = both[:, block.shape[1] :]
        return both[:, : block.shape[1]]


@pytest.fixture
def late(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the effect ``late`` known."""
    load = registry.load_effect

    def loaded(name: str) -> type[AutomatedEffect]:
        return Late if name == "late" else load(name)

    monkeypatch.setattr(registry, "load_effect", loaded)
    monkeypatch.setattr("leitmotiv.rack.graph.load_effect", loaded)


def test_parallel_ways_add_up_at_their_gains() -> None:
    graph = graph_of(
        """
        [nodes.a]
        effect = "gain"
        inputs = ["input"]
        gain_db = -20.0
        [nodes.b]
        effect = "gain"
        inputs = ["input"]
        [output]
        inputs = ["a", { from = "b", gain_db = -40.0 }, { from = "input", gain_db = -120.0 }]
        """
    )
    assert Rack(graph).process(CLICK)[0, 0] == pytest.approx(0.11, rel=1e-6)


def test_a_feedback_cable_returns_after_exactly_its_time_and_gain() -> None:
    out = Rack(graph_of(LOOP)).process(CLICK)[0]
    echoes = np.flatnonzero(out)
    assert echoes[:5].tolist() == [0, 240, 480, 720, 960]
    assert out[echoes[:5]] == pytest.approx([1.0, 0.5, 0.25, 0.125, 0.0625], rel=1e-4)


def test_a_loop_that_amplifies_stays_bounded(rng: np.random.Generator) -> None:
    graph = graph_of(LOOP.replace("-6.0206", "24.0"))
    rack = Rack(graph)
    audio = noise(rng, 48_000)
    peak = max(float(np.abs(rack.process(audio)).max()) for _ in range(10))
    assert peak < 2.0 + 1.0  # twice full scale comes back, and the input is added


@pytest.mark.parametrize("size", [1, 64, 441, 4096])
def test_the_output_does_not_depend_on_the_blocks(rng: np.random.Generator, size: int) -> None:
    audio = noise(rng, 3000 if size == 1 else 12_000)
    whole, cut = Rack(graph_of(MOVING)), Rack(graph_of(MOVING))
    for rack in (whole, cut):
        rack.recall("high", glide_sec=0.03)
    assert np.array_equal(whole.process(audio), in_blocks(cut, audio, size))


@pytest.mark.usefixtures("late")
def test_parallel_ways_arrive_together_and_the_latency_is_told() -> None:
    graph = graph_of(
        """
        [nodes.slow]
        effect = "late"
        [nodes.slower]
        effect = "late"
        [nodes.straight]
        effect = "gain"
        inputs = ["input", "slow"]
        [output]
        inputs = ["slower", "straight", "input"]
        """
    )
    rack = Rack(graph)
    out = rack.process(CLICK)[0]
    assert rack.latency_samples == 74
    assert np.flatnonzero(out).tolist() == [74]
    assert out[74] == pytest.approx(4.0)


@pytest.mark.usefixtures("late")
def test_look_ahead_inside_a_loop_counts_towards_its_delay() -> None:
    graph = graph_of(
        """
        [nodes.enter]
        effect = "late"
        inputs = ["input", { from = "enter", feedback_ms = 5.0, gain_db = -6.0206 }]
        """
    )
    out = Rack(graph).process(CLICK)[0]
    assert np.flatnonzero(out)[:3].tolist() == [37, 277, 517]


def test_a_snapshot_is_reached_smoothly_and_kept() -> None:
    rack = Rack(graph_of(MOVING))
    ones = np.ones((2, 4800), np.float32)
    rack.recall("low", glide_sec=0.05)
    out = rack.process(ones)[0]
    assert np.abs(np.diff(out)).max() < 0.01
    later = rack.process(ones)[0]
    assert rack.get("a.gain_db") == -40.0
    assert np.ptp(later[300:]) < 1e-7  # the wander ended with the recall


def test_a_morph_stands_between_two_snapshots_and_reaches_either_end() -> None:
    rack = Rack(graph_of(MOVING))
    for share, wanted_db in ((0.0, -40.0), (0.5, -20.0), (1.0, 0.0)):
        rack.morph("low", "high", share)
        rack.process(np.ones((2, 9600), np.float32))
        assert rack.get("a.gain_db") == pytest.approx(wanted_db, abs=1e-9)


def test_a_recording_can_travel_from_one_snapshot_to_another() -> None:
    rack = Rack(graph_of(MOVING))
    rack.travel("low", "high", 1.0)
    rack.process(np.ones((2, SAMPLE_RATE // 2), np.float32))
    half_way = rack.process(np.ones((2, 1), np.float32))[0, 0]
    rack.process(np.ones((2, SAMPLE_RATE), np.float32))
    assert rack.get("a.gain_db") == pytest.approx(0.0, abs=1e-9)
    b_db = -60.0  # named by the first snapshot only: stays
    wanted = 0.1 + 10 ** ((b_db - 3.0) / 20) * (1.0 + 10 ** ((-20.0 - 12.0) / 20))
    assert half_way == pytest.approx(wanted, rel=2e-3)


def test_reset_gives_the_same_sound_again(rng: np.random.Generator) -> None:
    rack, audio = Rack(graph_of(MOVING)), noise(rng, 6000)
    first = rack.process(audio)
    rack.recall("low")
    rack.process(audio)
    rack.reset()
    again = Rack(graph_of(MOVING)).process(audio)
    assert np.array_equal(first, again)


def test_note_values_follow_the_tempo(monkeypatch: pytest.MonkeyPatch) -> None:
    made: dict[str, object] = {}

    def make(name: str, settings: dict[str, object], **_: object) -> AutomatedEffect:
        made.update(settings)
        return registry.make_effect("gain")

    monkeypatch.setattr("leitmotiv.rack.rack.make_effect", make)
    text = 'tempo_bpm = 90.0\n[nodes.echo]\neffect = "delay"\ndelay_sec = "1/8."'
    Rack(graph_of(text))
    assert made["delay_sec"] == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda rack: rack.set("a.volume", 1.0), "parameters are gain_db"),
        (lambda rack: rack.set("a", 1.0), "node.parameter"),
        (lambda rack: rack.set("c.gain_db", 1.0), "no node 'c'; it has a, b"),
        (lambda rack: rack.set("a.gain_db", 1e9), "must be between"),
        (lambda rack: rack.recall("loud"), "must be one of low, high"),
        (lambda rack: rack.morph("low", "high", 1.5), "share=1.5 must be"),
        (lambda rack: rack.process(CLICK[:1]), "shape"),
        (lambda rack: rack.process(np.full((2, 8), np.inf, np.float32)), "NaN"),
    ],
)
def test_what_cannot_be_done_is_refused_in_words(call: object, message: str) -> None:
    with pytest.raises(AudioError, match=message):
        call(Rack(graph_of(MOVING)))  # type: ignore[operator]
