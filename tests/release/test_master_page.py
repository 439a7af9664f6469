from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from leitmotiv.audio.sound_report import measure_sound
from leitmotiv.errors import ReleaseError
from leitmotiv.release.master_page import draw_master_page


@pytest.fixture
def reports(rng):
    noise = (0.02 * rng.standard_normal((2, 4 * 48000))).astype(np.float32)
    return measure_sound(noise, 48000), measure_sound(3 * noise, 48000)


def test_the_page_shows_both_and_the_reference(reports, tmp_path):
    before, after = reports
    plain = draw_master_page(before, after, tmp_path / "a.png", title="Waltz", target_lufs=-14.0)
    more = draw_master_page(before, after, tmp_path / "b.png", reference=before, ceiling_dbtp=-1.0)
    first, second = (np.asarray(Image.open(path).convert("RGB")) for path in (plain, more))
    assert first.shape == second.shape
    assert first.shape[1] >= 1000
    reference_blue = np.array([0x25, 0x63, 0xA8])
    assert not (np.abs(first.astype(int) - reference_blue).sum(axis=2) < 12).any()
    assert (np.abs(second.astype(int) - reference_blue).sum(axis=2) < 12).any()


@pytest.mark.parametrize("samples", [0, 100])
def test_silence_and_nothing_can_be_drawn(tmp_path, samples):
    silent = measure_sound(np.zeros((2, samples), np.float32), 48000)
    assert draw_master_page(silent, silent, tmp_path / "a.png").stat().st_size > 1000


def test_a_folder_that_is_missing_is_said(reports, tmp_path):
    with pytest.raises(ReleaseError, match="cannot write"):
        draw_master_page(*reports, tmp_path / "no" / "a.png")
