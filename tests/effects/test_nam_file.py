"""Capture files are read whole or refused in one line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from leitmotiv.effects.nam_file import ARCHITECTURES, NamFile, parse_nam, read_nam, write_nam
from leitmotiv.errors import ModelError


def document(**changes: Any) -> dict[str, Any]:
    return {
        "version": "0.5.4",
        "architecture": "Linear",
        "config": {"receptive_field": 2, "bias": False},
        "weights": [0.5, 0.25],
        "sample_rate": 48_000,
        **changes,
    }


def test_a_file_written_is_read_back_to_the_last_bit(
    tmp_path: Path, rng: np.random.Generator
) -> None:
    weights = (rng.standard_normal(500) * 10.0 ** rng.integers(-30, 30, 500)).astype(np.float32)
    config = {"receptive_field": 500, "bias": False}
    file = NamFile("0.7.0", "Linear", config, weights, 44_100, {"loudness": -18.5, "name": "é"})
    write_nam(tmp_path / "my.nam", file)
    again = read_nam(tmp_path / "my.nam")
    np.testing.assert_array_equal(again.weights, weights)
    assert (again.version, again.architecture, again.config) == ("0.7.0", "Linear", config)
    assert (again.sample_rate, again.metadata) == (44_100, file.metadata)
    assert again.loudness_db == -18.5
    assert [path.name for path in tmp_path.iterdir()] == ["my.nam"]


def test_a_rate_that_is_missing_is_48_khz() -> None:
    without = document()
    del without["sample_rate"]
    assert parse_nam(without).sample_rate == 48_000
    assert parse_nam(document(sample_rate=48_000.0)).sample_rate == 48_000


@pytest.mark.parametrize("loudness", [None, "loud", True, float("nan")])
def test_a_loudness_that_is_no_number_is_unknown(loudness: Any) -> None:
    assert parse_nam(document(metadata={"loudness": loudness})).loudness_db is None


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"architecture": "HyperConvNet"}, "architecture 'HyperConvNet' does not play"),
        ({"architecture": 3}, "architecture 3 does not play"),
        ({"version": "0.4.0"}, "version 0.4.0"),
        ({"version": "1.0.0"}, "version 1.0.0"),
        ({"version": 5}, "version=5 must be a version"),
        ({"config": []}, "'config' must be a JSON object"),
        ({"weights": "0.5"}, "'weights' must be a list"),
        ({"weights": [0.5, None]}, "no number"),
        ({"weights": [0.5, True]}, "no number"),
        ({"weights": [0.5, float("nan")]}, "NaN or infinite"),
        ({"weights": [0.5, 1e39]}, "NaN or infinite"),
        ({"weights": [0.5, 10**400]}, "NaN or infinite"),
        ({"sample_rate": 0}, "sample_rate=0 must be"),
        ({"sample_rate": "48k"}, "sample_rate='48k' must be"),
        ({"sample_rate": 44_100.5}, "sample_rate=44100.5 must be"),
    ],
)
def test_damage_is_named(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ModelError, match=message) as caught:
        parse_nam(document(**changes))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("key", ["version", "architecture", "config", "weights"])
def test_a_missing_part_is_named(key: str) -> None:
    without = document()
    del without[key]
    with pytest.raises(ModelError, match=f"'{key}' is missing"):
        parse_nam(without)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "not JSON"),
        (b"RIFF\x00\x00\x00\x00WAVE\xff\xfe", "not text"),
        (json.dumps(document()).encode()[:60], "not JSON"),
        (b"[1, 2]", "no JSON object"),
        (b"[" * 100_000, "not JSON"),
    ],
)
def test_files_that_are_something_else_are_refused(
    content: bytes, message: str, tmp_path: Path
) -> None:
    path = tmp_path / "damaged.nam"
    path.write_bytes(content)
    with pytest.raises(ModelError, match=message) as caught:
        read_nam(path)
    assert "damaged.nam" in str(caught.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="does not exist"):
        read_nam(tmp_path / "none.nam")
    with pytest.raises(ModelError, match="cannot be read"):
        read_nam(tmp_path)


def test_every_architecture_has_a_name_for_the_error_message() -> None:
    with pytest.raises(ModelError) as caught:
        parse_nam(document(architecture="CatLSTM"))
    assert all(name in str(caught.value) for name in ARCHITECTURES)
