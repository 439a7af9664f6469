from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from leitmotiv.errors import ReleaseError
from leitmotiv.release import draw_piano_roll, draw_spectrogram
from leitmotiv.score import ChordChange, Origin, Part, Score, SectionMark, make_notes
from leitmotiv.theory import ChordSymbol

from .pieces import make_plan, make_score


def pixels(path) -> np.ndarray:
    with Image.open(path) as image:
        assert image.size == (1600, 900)
        return np.asarray(image.convert("RGB"))


def test_notes_stand_where_they_sound(tmp_path):
    rgb = pixels(draw_piano_roll(make_score(), tmp_path / "roll.png")).astype(int)
    blue = (rgb[..., 2] > rgb[..., 0] + 60) & (rgb[..., 2] > 130)
    rows, columns = np.nonzero(blue[150:790, 80:1570])
    # Twelve melody notes across the whole width, each above the bass.
    assert columns.min() < 20
    assert columns.max() > 1440
    orange = (rgb[..., 0] > 180) & (rgb[..., 2] < 120)
    red = np.nonzero(orange[150:790, 80:1570])[0]
    assert rows.max() < red.min() if len(red) else True


@pytest.mark.parametrize("with_plan", [True, False])
def test_pictures_repeat_byte_for_byte(tmp_path, with_plan):
    plan = make_plan() if with_plan else None
    first = draw_piano_roll(make_score(), tmp_path / "a.png", plan=plan).read_bytes()
    assert draw_piano_roll(make_score(), tmp_path / "b.png", plan=plan).read_bytes() == first


def test_odd_scores_are_drawn(tmp_path):
    drums = Part("Drums", 0, True, "drums", make_notes([0, 480, 960], 120, [36, 38, 42]))
    chords = (ChordChange(0, ChordSymbol.parse("D:min7")), ChordChange(960, ChordSymbol.NONE))
    odd = Part("$\\bad{$ 🎻", notes=make_notes([0], [9], [127]))
    sections = (SectionMark(480, "A"), SectionMark(960, "B"))
    scores = [
        Score(),
        Score((Part("Empty"),)),
        Score((drums,)),
        Score((odd, drums), title="$\\bad{$ 協奏曲 🎻"),
        Score(make_score().parts, chords=chords, sections=sections),
        Score(tuple(Part(f"A long name of part {n}", n, notes=make_notes([0], [480], [40 + n]))
                    for n in range(16))),
    ]  # fmt: skip
    for index, score in enumerate(scores):
        draw_piano_roll(score, tmp_path / f"{index}.png")


def test_a_plan_longer_than_the_score_is_left_out(tmp_path):
    short = Score((Part("Violin", notes=make_notes([0], [480], [60], origin=Origin.MODEL)),))
    draw_piano_roll(short, tmp_path / "short.png", plan=make_plan())


@pytest.mark.parametrize("samples", [0, 1, 5000, 100_000])
def test_spectrograms_of_any_length(tmp_path, rng, samples):
    audio = (0.1 * rng.standard_normal((2, samples))).astype(np.float32)
    pixels(draw_spectrogram(audio, 48000, tmp_path / "s.png", title="Noise"))


def test_a_tone_is_a_line_at_its_frequency(tmp_path):
    tone = (0.5 * np.sin(2 * np.pi * 1000 * np.arange(96000) / 48000)).astype(np.float32)
    rgb = pixels(draw_spectrogram(np.stack([tone, tone]), 48000, tmp_path / "s.png")).astype(int)
    column = rgb[198:828, 700].sum(axis=1)  # the axes, 30 Hz at the bottom to 20 kHz
    expected = 1 - np.log(1000 / 30) / np.log(20000 / 30)
    assert np.argmax(column) / len(column) == pytest.approx(expected, abs=0.02)


def test_an_unwritable_place_is_one_line(tmp_path):
    with pytest.raises(ReleaseError, match=r"cannot write .*choose another folder"):
        draw_piano_roll(make_score(), tmp_path / "no" / "roll.png")
