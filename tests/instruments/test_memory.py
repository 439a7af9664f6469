"""Memory: the estimate, its refusal, and what the system says is there."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import numpy as np
import pytest
from scipy.signal import oaconvolve

from leitmotiv.errors import RenderError
from leitmotiv.instruments import RenderOptions, body, memory, render_stems
from leitmotiv.score.score import Part, Score, make_notes

OPTIONS = RenderOptions(engine="modelled", tail_sec=0.5)


def orchestra(num_parts: int, num_beats: int) -> Score:
    notes = make_notes([0, 480 * (num_beats - 1)], [480, 480], [60, 60])
    return Score(tuple(Part(f"part {i}", 0, notes=notes) for i in range(num_parts)))


def test_a_piece_that_does_not_fit_is_refused_in_one_line(monkeypatch) -> None:
    monkeypatch.setattr(memory, "available_bytes", lambda: 6_000_000_000)
    # Nothing may be allocated or loaded before the refusal.
    monkeypatch.setattr("leitmotiv.instruments.render._renderer", None)
    with pytest.raises(RenderError) as caught:
        render_stems(orchestra(36, 2880), options=OPTIONS, rng=np.random.default_rng(0))
    message = str(caught.value)
    assert "\n" not in message
    found = re.search(r"36 parts of (\d+) s needs about ([\d.]+) GB of memory", message)
    assert found is not None
    assert abs(int(found[1]) - 1440) <= 1
    assert float(found[2]) > 20
    assert "6.0 GB is available; make the piece shorter, use fewer parts" in message


def test_what_fits_is_rendered_and_unknown_memory_refuses_nothing(monkeypatch) -> None:
    for available in (memory.rendering_bytes(2, 200_000, 2), None):
        monkeypatch.setattr(memory, "available_bytes", lambda size=available: size)
        stems = render_stems(orchestra(2, 4), options=OPTIONS, rng=np.random.default_rng(0))
        assert len(stems.audio) == 2


def test_parts_that_rest_throughout_count_for_nothing(monkeypatch) -> None:
    score = orchestra(1, 4)
    silent = tuple(Part(f"rest {i}", 0) for i in range(30))
    monkeypatch.setattr(memory, "available_bytes", lambda: memory.rendering_bytes(1, 200_000, 1))
    with_rests = Score((*score.parts, *silent))
    stems = render_stems(with_rests, options=OPTIONS, rng=np.random.default_rng(0))
    assert len(stems.audio) == 31


def test_the_estimate_grows_with_parts_length_and_workers() -> None:
    base = memory.rendering_bytes(8, 1_000_000, 2)
    assert memory.rendering_bytes(9, 1_000_000, 2) > base
    assert memory.rendering_bytes(8, 1_100_000, 2) > base
    assert memory.rendering_bytes(8, 1_000_000, 8) > base


def test_the_smaller_of_free_memory_and_own_limit_counts(monkeypatch) -> None:
    monkeypatch.setattr(memory, "_free_bytes", lambda: 5)
    monkeypatch.setattr(memory, "_bytes_below_limit", lambda: 3)
    assert memory.available_bytes() == 3
    monkeypatch.setattr(memory, "_bytes_below_limit", lambda: None)
    assert memory.available_bytes() == 5
    monkeypatch.setattr(memory, "_free_bytes", lambda: None)
    assert memory.available_bytes() is None


def test_meminfo_is_read_and_its_absence_is_no_error(monkeypatch) -> None:
    content = "MemTotal:  100 kB\nMemFree:  5 kB\nMemAvailable:   70 kB\n"
    monkeypatch.setattr(Path, "read_text", lambda self, encoding: content)
    assert memory._free_bytes() == 70 * 1024
    for unreadable in ("", "MemAvailable:\n", "MemAvailable: much kB\n"):
        monkeypatch.setattr(Path, "read_text", lambda self, encoding, text=unreadable: text)
        assert memory._free_bytes() is None

    def missing(self: Path, encoding: str) -> str:
        raise FileNotFoundError(self)

    monkeypatch.setattr(Path, "read_text", missing)
    assert memory._free_bytes() is None


@pytest.mark.skipif(sys.platform != "linux", reason="RLIMIT_AS and /proc are Linux's")
def test_the_limit_on_the_address_space_is_honoured(monkeypatch) -> None:
    import resource

    taken = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    monkeypatch.setattr(resource, "getrlimit", lambda which: (taken + 10**9, taken + 10**9))
    below = memory._bytes_below_limit()
    assert below is not None
    assert below == pytest.approx(10**9, rel=0.2)
    monkeypatch.setattr(resource, "getrlimit", lambda which: (resource.RLIM_INFINITY,) * 2)
    assert memory._bytes_below_limit() is None


def test_a_body_rings_the_same_in_blocks(monkeypatch, rng) -> None:
    audio = rng.standard_normal((2, 30_000)).astype(np.float32)
    audio[:, 9_000:16_000] = 0.0
    monkeypatch.setattr(body, "_BLOCK", 3000)
    whole = oaconvolve(audio, body._response("violin", 48_000), axes=-1)[:, :30_000]
    np.testing.assert_allclose(body.apply_body(audio, "violin", 48_000), whole, atol=1e-4)
