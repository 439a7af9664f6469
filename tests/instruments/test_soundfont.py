"""The SoundFont reader: zones add up as the standard says, and no file can hurt."""

from __future__ import annotations

import contextlib
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leitmotiv.errors import RenderError
from leitmotiv.instruments.generators import DEFAULT_MODULATORS, Gen
from leitmotiv.instruments.sampler import SampledEngine
from leitmotiv.instruments.soundfont import SoundFont
from leitmotiv.score.score import Part, Score, make_notes

from .tiny_soundfont import Bank, Preset, Sample, Zone, sine, soundfont_bytes, write_soundfont

LOW_HALF, HIGH_HALF = (0 | 63 << 8), (64 | 127 << 8)
ONE_SAMPLE = (Sample(sine(440.0, 2_000), loop=(0, 1_200)),)


def open_bank(tmp_path: Path, bank: Bank, **options: bool) -> SoundFont:
    return SoundFont(write_soundfont(tmp_path / "tiny.sf2", bank, **options))


def test_presets_and_name_are_listed(tmp_path: Path) -> None:
    presets = (Preset(5, 0, name="five"), Preset(0, 128, name="kit"))
    font = open_bank(tmp_path, Bank(ONE_SAMPLE, presets=presets))
    assert font.presets == {(0, 5): "five", (128, 0): "kit"}
    assert font.name == "Tiny"


def test_preset_generators_add_to_instrument_generators(tmp_path: Path) -> None:
    instrument = (Zone(((Gen.FILTER_CUTOFF, 9_000), (Gen.ATTENUATION, 100))),)
    preset = Preset(zones=(Zone(((Gen.FILTER_CUTOFF, -500), (Gen.PAN, 200))),))
    (region,) = open_bank(tmp_path, Bank(ONE_SAMPLE, (instrument,), (preset,))).regions(0, 0)
    assert region.generators[Gen.FILTER_CUTOFF] == 8_500
    assert region.generators[Gen.ATTENUATION] == 100
    assert region.generators[Gen.PAN] == 200
    assert region.generators[Gen.VOL_ENV_ATTACK] == -12_000  # the default


def test_global_zones_are_defaults_that_local_zones_override(tmp_path: Path) -> None:
    instrument = (
        Zone(((Gen.PAN, -100), (Gen.FINE_TUNE, 7)), target=None),
        Zone(((Gen.PAN, 50),)),
        Zone(),
    )
    first, second = open_bank(tmp_path, Bank(ONE_SAMPLE, (instrument,))).regions(0, 0)
    assert (first.generators[Gen.PAN], first.generators[Gen.FINE_TUNE]) == (50, 7)
    assert (second.generators[Gen.PAN], second.generators[Gen.FINE_TUNE]) == (-100, 7)


def test_ranges_of_preset_and_instrument_intersect(tmp_path: Path) -> None:
    instrument = (
        Zone(((Gen.KEY_RANGE, LOW_HALF),)),
        Zone(((Gen.KEY_RANGE, HIGH_HALF), (Gen.VELOCITY_RANGE, 10 | 90 << 8))),
    )
    preset = Preset(zones=(Zone(((Gen.KEY_RANGE, 70 | 80 << 8),)),))
    (region,) = open_bank(tmp_path, Bank(ONE_SAMPLE, (instrument,), (preset,))).regions(0, 0)
    assert (region.key_low, region.key_high) == (70, 80)
    assert (region.velocity_low, region.velocity_high) == (10, 90)


def test_a_preset_cannot_change_what_belongs_to_the_instrument(tmp_path: Path) -> None:
    instrument = (Zone(((Gen.SAMPLE_MODES, 1), (Gen.EXCLUSIVE_CLASS, 3))),)
    preset = Preset(zones=(Zone(((Gen.SAMPLE_MODES, 1), (Gen.EXCLUSIVE_CLASS, 3))),))
    (region,) = open_bank(tmp_path, Bank(ONE_SAMPLE, (instrument,), (preset,))).regions(0, 0)
    assert region.generators[Gen.SAMPLE_MODES] == 1
    assert region.generators[Gen.EXCLUSIVE_CLASS] == 3


def test_modulators_of_an_instrument_replace_and_of_a_preset_add(tmp_path: Path) -> None:
    velocity = DEFAULT_MODULATORS[0]
    own = (velocity.source, Gen.ATTENUATION, 480, 0, 0)
    extra = (velocity.source, Gen.ATTENUATION, 100, 0, 0)
    bank = Bank(ONE_SAMPLE, ((Zone((), (own,)),),), (Preset(zones=(Zone((), (extra,)),)),))
    (region,) = open_bank(tmp_path, bank).regions(0, 0)
    amounts = {m.identity: m.amount for m in region.modulators}
    assert amounts[velocity.identity] == 580
    assert len(amounts) == len(DEFAULT_MODULATORS)


def test_generators_after_the_terminal_one_are_ignored(tmp_path: Path) -> None:
    # Sample 0 is the terminal generator here; the pan after it does not count.
    instrument = (Zone(((Gen.SAMPLE_ID, 0), (Gen.PAN, 300)), target=0),)
    (region,) = open_bank(tmp_path, Bank(ONE_SAMPLE, (instrument,))).regions(0, 0)
    assert region.generators[Gen.PAN] == 0


def test_pcm_samples_come_back_exactly(tmp_path: Path) -> None:
    audio = np.array([0.0, 0.5, -1.0, 0.25], dtype=np.float32)
    font = open_bank(tmp_path, Bank((Sample(audio, loop=(1, 3)),)))
    decoded, loop_start, loop_end = font.decode_sample(0)
    np.testing.assert_array_equal(decoded, audio)
    assert (loop_start, loop_end) == (1, 3)


def test_compressed_samples_are_decoded_one_by_one(tmp_path: Path) -> None:
    samples = tuple(Sample(sine(hz, 9_600), loop=(2_400, 7_200)) for hz in (300.0, 700.0))
    font = open_bank(tmp_path, Bank(samples), compressed=True)
    for index, sample in enumerate(samples):
        decoded, loop_start, loop_end = font.decode_sample(index)
        assert (loop_start, loop_end) == (2_400, 7_200)
        assert len(decoded) == len(sample.audio)
        error = np.abs(decoded - sample.audio)[500:-500].max()
        assert error < 0.05, "Vorbis at its default quality"


def test_opening_reads_no_samples(tmp_path: Path) -> None:
    noise = Sample(np.zeros(4_000_000, dtype=np.float32))
    path = write_soundfont(tmp_path / "long.sf2", Bank((noise,)))
    start = time.process_time()
    SoundFont(path)
    assert time.process_time() - start < 0.3


def test_a_missing_program_says_what_to_do(tmp_path: Path) -> None:
    font = open_bank(tmp_path, Bank(ONE_SAMPLE))
    assert font.find_preset(0, bank=8) == (0, 0)
    with pytest.raises(RenderError, match=r"program 40 .*engine='modelled'"):
        font.find_preset(40)
    with pytest.raises(RenderError, match="no drum kit"):
        font.find_preset(0, is_drum=True)


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "is empty"),
        (b"MThd not a bank at all, but text long enough", "is not a SoundFont"),
        (b"RIFF\x10\0\0\0WAVEfmt 1234567890", "is not a SoundFont"),
        (b"RIFF\xff\xff\xff\x7fsfbk", "is cut short"),
        (b"RIFF\x04\0\0\0sfbk", "has no header tables"),
    ],
)
def test_what_is_not_a_bank_is_refused_in_one_line(
    tmp_path: Path, content: bytes, problem: str
) -> None:
    path = tmp_path / "odd.sf2"
    path.write_bytes(content)
    with pytest.raises(RenderError, match=problem) as caught:
        SoundFont(path)
    message = str(caught.value)
    assert "\n" not in message
    assert "odd.sf2" in message
    assert "name another one" in message


def test_a_missing_file_or_folder_is_refused(tmp_path: Path) -> None:
    for path in (tmp_path / "absent.sf2", tmp_path):
        with pytest.raises(RenderError, match="cannot be read"):
            SoundFont(path)


def test_a_file_that_shrinks_while_open_is_refused(tmp_path: Path) -> None:
    path = write_soundfont(tmp_path / "tiny.sf2", Bank(ONE_SAMPLE))
    font = SoundFont(path)
    path.write_bytes(path.read_bytes()[:300])
    with pytest.raises(RenderError, match="became shorter"):
        font.decode_sample(0)


def _play(path: Path) -> None:
    """Open and play; only RenderError may come out, and only finite audio."""
    notes = make_notes([0, 100, 300], [400, 400, 400], [48, 60, 90], [30, 90, 127])
    part = Part("fuzz", notes=notes)
    with contextlib.suppress(RenderError):
        audio = SampledEngine(path).render_part(part, Score(parts=(part,)), 30_000)
        assert np.isfinite(audio).all()


@pytest.mark.parametrize("compressed", [False, True])
def test_every_truncation_is_refused_or_played(tmp_path: Path, compressed: bool) -> None:
    whole = soundfont_bytes(_rich_bank(), compressed=compressed)
    path = tmp_path / "cut.sf2"
    for length in range(0, len(whole), max(len(whole) // 60, 1)):
        path.write_bytes(whole[:length])
        with pytest.raises(RenderError):
            SoundFont(path)


def _rich_bank() -> Bank:
    modulators = ((0x0502, Gen.FILTER_CUTOFF, -2_400, 0, 0), (0x0081, Gen.PAN, 99, 0x000B, 2))
    instrument = (
        Zone(((Gen.SAMPLE_MODES, 1), (Gen.FILTER_CUTOFF, 8_000), (Gen.FILTER_Q, 100)), modulators),
        Zone(((Gen.SAMPLE_MODES, 3), (Gen.LOOP_END_OFFSET, -20), (Gen.MOD_LFO_TO_PITCH, 50))),
    )
    return Bank((Sample(sine(500.0, 600), loop=(100, 500)),), (instrument,))


@settings(max_examples=120)
@given(data=st.data(), compressed=st.booleans())
def test_flipped_bytes_do_no_harm(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject, compressed: bool
) -> None:
    raw = bytearray(soundfont_bytes(_rich_bank(), compressed=compressed))
    tables = raw.index(b"pdta")
    for _ in range(data.draw(st.integers(1, 12))):
        # Most of a bank's danger is in its tables: aim there two times of three.
        low = tables if data.draw(st.integers(0, 2)) else 0
        raw[data.draw(st.integers(low, len(raw) - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path_factory.mktemp("fuzz") / "fuzz.sf2"
    path.write_bytes(raw)
    _play(path)
