"""The cache changes when samples are there, never what they are."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from leitmotiv.instruments import sample_pool, soundfont
from leitmotiv.instruments.sample_cache import SampleCache, default_cache
from leitmotiv.instruments.sample_pool import open_pool
from leitmotiv.instruments.soundfont import SoundFont

from .tiny_soundfont import Bank, Sample, sine, soundfont_bytes, write_soundfont

BANK = Bank((Sample(sine(500.0, 9_000), loop=(100, 500)),))


def _compressed(folder: Path) -> Path:
    path = folder / "tiny.sf3"
    path.write_bytes(soundfont_bytes(BANK, compressed=True))
    return path


def test_what_was_put_comes_back_exactly(tmp_path: Path, rng: np.random.Generator) -> None:
    cache = SampleCache(tmp_path / "new")
    audio = rng.standard_normal(1_000).astype(np.float32)
    assert cache.get("a") is None
    cache.put("a", audio)
    found = cache.get("a")
    assert found is not None
    np.testing.assert_array_equal(found, audio)
    assert not found.flags.writeable


def test_a_second_run_decodes_nothing_and_hears_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, cache = _compressed(tmp_path), SampleCache(tmp_path / "cache")
    first = SoundFont(path, cache=cache).decode_sample(0)
    plain = SoundFont(path, cache=None).decode_sample(0)

    def refuse(*args: object) -> None:
        raise AssertionError("decoded again")

    monkeypatch.setattr("soundfile.SoundFile", refuse)
    second = SoundFont(path, cache=SampleCache(tmp_path / "cache")).decode_sample(0)
    for other in (plain, second):
        np.testing.assert_array_equal(first[0], other[0])
        assert first[1:] == other[1:]


@pytest.mark.parametrize("damage", [b"", b"LMS1", b"x" * 5_000])
def test_a_damaged_file_counts_as_absent(tmp_path: Path, damage: bytes) -> None:
    path, cache = _compressed(tmp_path), SampleCache(tmp_path / "cache")
    whole = SoundFont(path, cache=cache).decode_sample(0)[0]
    (stored,) = cache.folder.iterdir()
    raw = bytearray(stored.read_bytes())
    raw[-3] ^= 0x40
    stored.write_bytes(damage or bytes(raw))
    np.testing.assert_array_equal(SoundFont(path, cache=cache).decode_sample(0)[0], whole)
    assert cache.get(stored.stem) is not None  # and is written anew


def test_the_least_recently_used_go_first(tmp_path: Path) -> None:
    cache = SampleCache(tmp_path, limit_bytes=9_000)
    for age, key in enumerate(("new", "middle", "old")):
        cache.put(key, np.zeros(1_000, dtype=np.float32))
        os.utime(tmp_path / f"{key}.f32", (1e9 - age, 1e9 - age))
    cache.prune()
    assert {path.stem for path in tmp_path.iterdir()} == {"new", "middle"}
    cache.prune()  # nothing was written since


def test_a_folder_that_cannot_be_written_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    cache = SampleCache(tmp_path / "file" / "cache")
    cache.put("a", np.zeros(10, dtype=np.float32))
    cache.prune()
    assert cache.get("a") is None


def test_the_variable_names_a_folder_or_turns_it_off(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LEITMOTIV_SAMPLE_CACHE", "off")
    assert default_cache() is None
    monkeypatch.setenv("LEITMOTIV_SAMPLE_CACHE", str(tmp_path))
    cache = default_cache()
    assert cache is not None
    assert cache.folder == tmp_path
    monkeypatch.delenv("LEITMOTIV_SAMPLE_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    usual = default_cache()
    assert usual is not None
    assert usual.folder.name == "samples"


def test_engines_with_one_bank_share_its_samples_until_it_changes(tmp_path: Path) -> None:
    path = write_soundfont(tmp_path / "one.sf2", BANK)
    pool = open_pool(path)
    before = pool.place({0})
    assert open_pool(path) is pool
    assert open_pool(tmp_path / "." / "one.sf2") is pool
    write_soundfont(path, Bank((Sample(sine(900.0, 5_000)),)))
    assert open_pool(path) is not pool
    assert before[10] != 0.0


def test_only_the_banks_used_last_stay_loaded(tmp_path: Path) -> None:
    paths = [write_soundfont(tmp_path / f"{i}.sf2", BANK) for i in range(4)]
    pools = [open_pool(path) for path in paths]
    assert len(sample_pool._pools) <= sample_pool.KEPT_POOLS
    assert open_pool(paths[3]) is pools[3]
    assert open_pool(paths[0]) is not pools[0]


def test_a_pool_grows_without_moving_what_it_holds(tmp_path: Path) -> None:
    long = Bank(tuple(Sample(sine(100.0 * i, 600_000)) for i in range(1, 4)))
    pool = open_pool(write_soundfont(tmp_path / "long.sf2", long))
    first = pool.place({0}).copy()
    everything = pool.place({0, 1, 2})
    np.testing.assert_array_equal(everything[: len(first)], first)
    start, frames, *_ = pool.placement(2)
    assert start + frames == len(everything)
    np.testing.assert_allclose(everything[start + 1_000], sine(300.0, 1_001)[-1], atol=1e-4)


def test_pcm_is_read_from_the_map(tmp_path: Path) -> None:
    font = soundfont.SoundFont(write_soundfont(tmp_path / "one.sf2", BANK))
    assert font._map is None
    font.decode_sample(0)
    assert font._map is not None
