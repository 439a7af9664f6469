"""SFZ instruments play their turns and releases; bad ones cost an error, not the program."""

from __future__ import annotations

import contextlib
import importlib.util
from pathlib import Path

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from leitmotiv.errors import MissingExtraError, RenderError
from leitmotiv.instruments.render import RenderOptions, render_stems
from leitmotiv.instruments.sfz import SfzEngine
from leitmotiv.score.score import CONTROL_DTYPE, Part, Score, make_notes

from .tiny_soundfont import sine

SAMPLE_RATE, SEC = 48_000, 960
needs_pysfizz = pytest.mark.skipif(
    importlib.util.find_spec("pysfizz") is None, reason="pysfizz is not installed"
)

INSTRUMENT = """
<group> lokey=0 hikey=127 pitch_keycenter=60 loop_mode=loop_continuous loop_start=0 loop_end=47999
<region> sample=a.wav seq_length=2 seq_position=1
<region> sample=b.wav seq_length=2 seq_position=2
<group> trigger=release
<region> sample=r.wav lokey=0 hikey=127 pitch_keycenter=60
"""


@pytest.fixture
def instrument(tmp_path: Path) -> Path:
    """Two samples in turn, 480 and 960 Hz, and one of 2 kHz at the release."""
    for name, hz, length in (("a", 480.0, 48_000), ("b", 960.0, 48_000), ("r", 2_000.0, 4_800)):
        soundfile.write(tmp_path / f"{name}.wav", sine(hz, length), SAMPLE_RATE, subtype="FLOAT")
    path = tmp_path / "tiny.sfz"
    path.write_text(INSTRUMENT)
    return path


def _hz(audio: NDArray[np.float32], begin_sec: float) -> float:
    first = int(begin_sec * SAMPLE_RATE)
    segment = audio[0, first : first + 4_000] * np.hanning(4_000)
    return float(np.argmax(np.abs(np.fft.rfft(segment, 48_000))))


@needs_pysfizz
def test_takes_turn_releases_sound_and_onsets_are_exact(instrument: Path) -> None:
    notes = make_notes([480, 3 * 480], [480, 480], [60, 60], [100, 100])
    bend = np.array([(3 * 480 + 100, 128, 8_191)], dtype=CONTROL_DTYPE)
    part = Part("x", 99, notes=notes, controls=bend)
    audio = SfzEngine(instrument).render_part(part, Score((part,)), 3 * SAMPLE_RATE)
    assert audio.shape == (2, 3 * SAMPLE_RATE)
    assert abs(int(np.argmax(np.abs(audio[0]) > 1e-3)) - SAMPLE_RATE // 2) < 16
    assert _hz(audio, 0.6) == pytest.approx(480, abs=3)
    assert _hz(audio, 1.01) == pytest.approx(2_000, abs=8)
    assert _hz(audio, 1.7) == pytest.approx(960 * 2 ** (2 / 12), abs=6)  # up a tone by the wheel


@needs_pysfizz
def test_a_score_is_rendered_with_an_sfz_file(instrument: Path) -> None:
    score = Score((Part("x", 0, notes=make_notes([0], [480], [72])),))
    options = RenderOptions("sampled", instrument, tail_sec=0.0)
    stems = render_stems(score, options=options, rng=np.random.default_rng(0))
    assert _hz(stems.audio[0], 0.1) == pytest.approx(960, abs=6)


@needs_pysfizz
@pytest.mark.parametrize(
    "text",
    [
        "<region> sample=absent.wav",
        pytest.param("", marks=pytest.mark.slow),
        pytest.param("no sfz at all", marks=pytest.mark.slow),
    ],
)
def test_a_file_without_sound_is_one_error(tmp_path: Path, text: str) -> None:
    path = tmp_path / "bad.sfz"
    path.write_text(text)
    part = Part("x", notes=make_notes([0], [10], [60]))
    with pytest.raises(RenderError, match=r"bad\.sfz.*holds no region") as caught:
        SfzEngine(path).render_part(part, Score((part,)), 100)
    assert "\n" not in str(caught.value)


@needs_pysfizz
def test_includes_folders_and_long_samples_play_whole(instrument: Path, tmp_path: Path) -> None:
    folder = tmp_path / "My Instruments"
    (folder / "parts").mkdir(parents=True)
    (folder / "main.sfz").write_text(
        '// a comment with <control>\n<control> default_path=../\n#include "parts/keys.sfz"\n'
    )
    (folder / "parts" / "keys.sfz").write_text("<region> sample=a.wav pitch_keycenter=60\n")
    part = Part("x", notes=make_notes([0], [SEC], [60], [127]))
    audio = SfzEngine(folder / "main.sfz").render_part(part, Score((part,)), 40_000)
    frames = np.abs(audio[0, 2_000:38_000]).reshape(-1, 1_000).max(axis=1)
    assert frames.min() > 0.9 * frames.max() > 0.01  # 8,192 frames and then silence would not do


def test_includes_that_never_end_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "loop.sfz"
    path.write_text('#include "loop.sfz"\n')
    with pytest.raises(RenderError, match="levels of includes"):
        SfzEngine(path)
    path.write_text('#include "absent.sfz"\n')
    with pytest.raises(RenderError, match=r"absent\.sfz.*cannot be read"):
        SfzEngine(path)


@needs_pysfizz
@pytest.mark.slow
def test_noise_in_place_of_an_instrument_never_ends_the_program(
    instrument: Path, rng: np.random.Generator
) -> None:
    part = Part("x", notes=make_notes([0, 200], [100, 100], [60, 61]))
    whole = instrument.read_bytes()
    for _ in range(8):
        raw = bytearray(whole)
        for place in rng.integers(len(raw), size=6):
            raw[place] = rng.integers(256)
        instrument.write_bytes(bytes(raw))
        with contextlib.suppress(RenderError):
            audio = SfzEngine(instrument).render_part(part, Score((part,)), 5_000)
            assert np.isfinite(audio).all()


def test_what_is_no_sfz_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(RenderError, match=r"must be an \.sfz file"):
        SfzEngine(tmp_path / "absent.sfz")


def test_a_missing_player_names_the_extra(
    instrument: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match=r"leitmotiv\[sfz\]"):
        SfzEngine(instrument)


def test_an_empty_part_is_silent(instrument: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: object())
    part = Part("empty")
    audio = SfzEngine(instrument).render_part(part, Score((part,)), 64)
    np.testing.assert_array_equal(audio, np.zeros((2, 64), dtype=np.float32))
