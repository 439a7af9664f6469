"""Audio checks on synthetic signals."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from leitmotiv.audio.buffers import Master, Stems
from leitmotiv.review import review_audio

RATE = 48_000


def tone(sec: float = 6.0, gain: float = 0.3) -> NDArray[np.float32]:
    time = np.arange(int(sec * RATE)) / RATE
    wave = gain * np.sin(2 * np.pi * 440 * time)
    return np.stack([wave, wave]).astype(np.float32)


def master(audio: NDArray[np.float32], lufs: float = -14.0, peak: float = -1.5) -> Master:
    return Master(audio, RATE, lufs, peak)


def checks(found: object) -> list[str]:
    return [finding.check for finding in found]  # type: ignore[attr-defined]


def test_a_clean_master_has_no_findings() -> None:
    stems = Stems(("a", "b"), (tone(gain=0.2), tone(gain=0.1)), RATE)
    assert review_audio(master(tone()), stems) == ()


def test_silence_and_emptiness_are_errors() -> None:
    for audio in (np.zeros((2, RATE), np.float32), np.zeros((2, 0), np.float32)):
        assert checks(review_audio(master(audio))) == ["silence"]


def test_clipping_needs_a_run_at_full_scale() -> None:
    assert "clipping" in checks(review_audio(master(np.clip(tone(gain=2.0), -1, 1))))
    one_sample = tone()
    one_sample[:, 100] = 1.0
    assert "clipping" not in checks(review_audio(master(one_sample)))


def test_offset() -> None:
    found = review_audio(master(tone() + np.float32(0.01)))
    assert checks(found) == ["DC offset"]
    assert "-40 dBFS" in found[0].message


def test_not_a_number_is_an_error() -> None:
    audio = tone()
    audio[0, 5] = np.nan
    assert checks(review_audio(master(audio))) == ["corrupt audio"]


@pytest.mark.parametrize(("lufs", "peak", "expected"), [
    (-14.4, -1.0, []), (-20.0, -1.0, ["loudness"]), (-14.0, -0.2, ["true peak"]),
])  # fmt: skip
def test_targets(lufs: float, peak: float, expected: list[str]) -> None:
    assert checks(review_audio(master(tone(), lufs, peak))) == expected


def test_holes_and_late_starts_but_not_tails() -> None:
    audio = tone(12.0)
    audio[:, 4 * RATE : 8 * RATE] = 0
    assert checks(review_audio(master(audio))) == ["silence"]
    late = tone(12.0)
    late[:, : 3 * RATE] = 0
    assert checks(review_audio(master(late))) == ["silence"]
    tail = tone(12.0)
    tail[:, 6 * RATE :] = 0
    assert checks(review_audio(master(tail))) == []


def test_dead_and_faint_stems_are_named() -> None:
    quiet = (tone() * np.float32(1e-3)).astype(np.float32)
    stems = Stems(("loud", "dead", "faint"), (tone(), np.zeros_like(tone()), quiet), RATE)
    found = review_audio(master(tone()), stems)
    assert [(f.check, f.part_index) for f in found] == [("dead stem", 1), ("faint stem", 2)]
