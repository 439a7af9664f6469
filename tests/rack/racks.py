"""Small racks for the tests."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from leitmotiv.rack import Rack, RackGraph, read_graph

SAMPLE_RATE = 48_000


def graph_of(text: str, name: str = "test") -> RackGraph:
    return read_graph(f'name = "{name}"\n{text}')


def noise(rng: np.random.Generator, num_samples: int, level: float = 0.1) -> NDArray[np.float32]:
    return (level * rng.standard_normal((2, num_samples))).astype(np.float32)


def in_blocks(rack: Rack, audio: NDArray[np.float32], size: int) -> NDArray[np.float32]:
    cuts = range(0, audio.shape[1], size)
    return np.concatenate([rack.process(audio[:, at : at + size]) for at in cuts], axis=1)


LOOP = """
[nodes.enter]
effect = "gain"
inputs = ["input", { from = "back", feedback_ms = 5.0, gain_db = -6.0206 }]

[nodes.back]
effect = "gain"
"""

MOVING = """
[nodes.a]
effect = "gain"
[nodes.b]
effect = "gain"
inputs = ["input", { from = "a", gain_db = -12.0, feedback_ms = 3.0 }]
[output]
inputs = ["a", { from = "b", gain_db = -3.0 }]
[automation."a.gain_db"]
wander = { low = -30.0, high = 0.0, rate_hz = 7.0, seed = 3 }
[automation."b.gain_db"]
swing = { low = -20.0, high = -2.0, rate_hz = 5.0, shape = "triangle" }
[snapshots.low]
"a.gain_db" = -40.0
"b.gain_db" = -60.0
[snapshots.high]
"a.gain_db" = 0.0
"""
