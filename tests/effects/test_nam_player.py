"""Captures sound as their definition says, however the audio is cut."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray
from tests.effects import nam_models, nam_reference

from leitmotiv.effects.nam_file import parse_nam, read_nam
from leitmotiv.effects.nam_player import NamPlayer
from leitmotiv.errors import ModelError

SHARED = Path(__file__).resolve().parents[3] / "shared" / "bench" / "nam"
CONFORMANCE = sorted(path.name for path in SHARED.glob("*.nam")) if SHARED.is_dir() else []
AGREEMENT = 2e-5  # float32 sums of a few thousand terms, relative to the loudest sample
SETTLING = 24_000  # samples of silence after which every small capture has settled

KINDS = list(nam_models.models(np.random.default_rng(0)))


def noise(rng: np.random.Generator, num_samples: int) -> NDArray[np.float32]:
    return (0.4 * rng.standard_normal(num_samples)).astype(np.float32)


def in_blocks(player: NamPlayer, audio: NDArray[np.float32], size: int) -> NDArray[np.float32]:
    player.reset()
    blocks = [player.play(audio[at : at + size]) for at in range(0, len(audio), size)]
    return np.concatenate(blocks)


@pytest.mark.parametrize("kind", KINDS)
def test_a_capture_plays_as_the_reference_in_float64(kind: str, rng: np.random.Generator) -> None:
    document = nam_models.models(rng)[kind]
    audio = noise(rng, 700)
    player = NamPlayer(parse_nam(document))
    silence = SETTLING if kind == "LSTM" else player.receptive_field
    expected = nam_reference.play(document, audio, silence)
    assert np.abs(expected).max() > 0.01
    np.testing.assert_allclose(
        player.play(audio), expected, rtol=0, atol=AGREEMENT * np.abs(expected).max()
    )


@pytest.mark.parametrize("kind", KINDS)
def test_blocks_of_any_size_give_the_same_samples_to_the_last_bit(
    kind: str, rng: np.random.Generator
) -> None:
    player = NamPlayer(parse_nam(nam_models.models(rng)[kind]))
    audio = noise(rng, 9_000)
    whole = player.play(audio)
    for size in (64, 441, 4096):
        np.testing.assert_array_equal(in_blocks(player, audio, size), whole)
    np.testing.assert_array_equal(in_blocks(player, audio[:300], 1), whole[:300])


@pytest.mark.parametrize("kind", KINDS)
def test_an_empty_block_changes_nothing(kind: str, rng: np.random.Generator) -> None:
    player = NamPlayer(parse_nam(nam_models.models(rng)[kind]))
    audio = noise(rng, 400)
    whole = player.play(audio)
    player.reset()
    first = player.play(audio[:200])
    assert player.play(audio[:0]).shape == (0,)
    np.testing.assert_array_equal(np.concatenate([first, player.play(audio[200:])]), whole)


def test_a_container_plays_the_size_that_is_asked_for(rng: np.random.Generator) -> None:
    document = nam_models.container(rng)
    audio = noise(rng, 500)
    for slim, index in ((0.0, 0), (0.49, 0), (0.5, 1), (1.0, 1)):
        alone = NamPlayer(parse_nam(document["config"]["submodels"][index]["model"]))
        within = NamPlayer(parse_nam(document), slim=slim)
        np.testing.assert_array_equal(within.play(audio), alone.play(audio))


def test_captures_in_a_row_are_one_capture(rng: np.random.Generator) -> None:
    parts = [nam_models.linear(rng), nam_models.lstm(rng), nam_models.first_generation(rng)]
    chain = NamPlayer(parse_nam(nam_models.document("Sequential", {"models": parts}, [])))
    audio = noise(rng, 600)
    # What comes late in a row settles on what comes before it makes of silence.
    signal = np.concatenate([np.zeros(2 * SETTLING, np.float32), audio])
    for part in parts:
        signal = NamPlayer(parse_nam(part)).play(signal)
    np.testing.assert_allclose(chain.play(audio), signal[-600:], rtol=0, atol=1e-5)


def test_a_player_goes_on_from_where_another_stands(rng: np.random.Generator) -> None:
    file = parse_nam(nam_models.first_generation(rng))
    one, two = NamPlayer(file), NamPlayer(file)
    audio = noise(rng, 1_000)
    one.play(audio[:500])
    two.continue_as(one)
    np.testing.assert_array_equal(one.play(audio[500:]), two.play(audio[500:]))


def test_silence_after_sound_leaves_no_numbers_too_small_to_be_fast(
    rng: np.random.Generator,
) -> None:
    player = NamPlayer(parse_nam(nam_models.lstm(rng)))
    player.play(noise(rng, 500))
    rest = player.play(np.zeros(48_000, np.float32))
    settled = rest[-1]
    assert settled == pytest.approx(rest[-1000], abs=1e-6)
    tiny = np.finfo(np.float32).tiny
    assert settled == 0 or abs(settled) > tiny


@pytest.mark.parametrize("change", ["less", "more"])
@pytest.mark.parametrize("kind", [k for k in KINDS if k != "SlimmableContainer"])
def test_weights_that_do_not_fit_are_refused(
    kind: str, change: str, rng: np.random.Generator
) -> None:
    document = nam_models.models(rng)[kind]
    weights = document["weights"]
    document["weights"] = weights[:-1] if change == "less" else [*weights, 0.0]
    with pytest.raises(ModelError, match=r"'weights' holds \d+ numbers"):
        NamPlayer(parse_nam(document))


def wavenet_with(rng: np.random.Generator, **changes: Any) -> Any:
    document = nam_models.first_generation(rng)
    document["config"]["layers"][0].update(changes)
    return document


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"activation": "Snake"}, "activation 'Snake' does not play"),
        ({"activation": ["Tanh"]}, "must have one for each of the 2 dilations"),
        ({"channels": 0}, "must be a whole number from 1"),
        ({"channels": 2.5}, "must be a whole number from 1"),
        ({"dilations": "1, 2"}, "must be a list of whole numbers"),
        ({"dilations": [1, -2]}, "must be whole numbers from 1"),
        ({"dilations": [2**20, 2**20]}, "looks back too far"),
        ({"input_size": 2}, "must be the 1 channels it gets"),
        ({"kernel_sizes": [3, 3]}, "either kernel_size or kernel_sizes"),
        ({"gating_mode": "crossed"}, "gating_mode 'crossed' does not play"),
        ({"groups_input": 2}, "groups=2 must divide"),
        ({"head": "none"}, "must be a JSON object"),
    ],
)
def test_a_configuration_that_does_not_play_says_what_is_wrong(
    changes: dict[str, Any], message: str, rng: np.random.Generator
) -> None:
    with pytest.raises(ModelError, match=message):
        NamPlayer(parse_nam(wavenet_with(rng, **changes)))


def test_captures_with_several_inputs_are_refused_by_name(rng: np.random.Generator) -> None:
    document = nam_models.lstm(rng)
    document["config"]["input_size"] = 3
    with pytest.raises(ModelError, match="input_size=3 does not play: only mono captures do"):
        NamPlayer(parse_nam(document))


def test_a_container_must_be_sorted_and_whole(rng: np.random.Generator) -> None:
    document = nam_models.container(rng)
    document["config"]["submodels"].reverse()
    with pytest.raises(ModelError, match="sorted by 'max_value'"):
        NamPlayer(parse_nam(document))
    document["config"]["submodels"] = []
    with pytest.raises(ModelError, match="must be a list of captures"):
        NamPlayer(parse_nam(document))


JUNK = [None, True, 0, -1, 3, 2**40, 0.5, float("nan"), 1e300, "", "Tanh", [], {}, [1], [None]]


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The way to every entry of a document but the many weights."""
    entries = value.items() if isinstance(value, dict) else enumerate(value)
    for key, inner in entries:
        yield (*path, key)
        if isinstance(inner, dict) or (isinstance(inner, list) and len(inner) < 30):
            yield from places(inner, (*path, key))


def test_whatever_is_changed_in_a_file_it_plays_or_is_refused(rng: np.random.Generator) -> None:
    documents = list(nam_models.models(rng).values())
    silence, messages = np.zeros(16, np.float32), []
    for _ in range(250):
        document = copy.deepcopy(documents[rng.integers(len(documents))])
        *way, last = list(places(document))[rng.integers(sum(1 for _ in places(document)))]
        inner = document
        for key in way:
            inner = inner[key]
        if isinstance(inner, dict) and rng.random() < 0.2:
            del inner[last]
        else:
            inner[last] = copy.deepcopy(JUNK[rng.integers(len(JUNK))])
        try:
            assert np.isfinite(NamPlayer(parse_nam(document)).play(silence)).all()
        except ModelError as error:
            messages.append(str(error))
    assert 100 < len(messages) < 250
    assert not any("\n" in message for message in messages)


def test_weights_that_overflow_are_refused(rng: np.random.Generator) -> None:
    document = nam_models.conv_net(rng, False)
    document["config"]["activation"] = "ReLU"
    document["weights"] = [3e38] * len(document["weights"])
    with pytest.raises(ModelError, match="plays no finite samples"):
        NamPlayer(parse_nam(document))


def test_captures_nested_without_end_are_refused(rng: np.random.Generator) -> None:
    document = nam_models.linear(rng)
    for _ in range(600):
        document = nam_models.document("Sequential", {"models": [document]}, [])
    with pytest.raises(ModelError, match="nested too deeply"):
        NamPlayer(parse_nam(document))


def test_a_convolution_of_absurd_size_is_refused_before_memory_is_taken(
    rng: np.random.Generator,
) -> None:
    document = wavenet_with(rng, channels=1000, groups_input=1000, kernel_size=4000)
    document["weights"] = [0.0] * 10_000
    with pytest.raises(ModelError, match="is too large"):
        NamPlayer(parse_nam(document))


conformance = pytest.mark.skipif(not CONFORMANCE, reason="the folder ../shared/bench/nam is absent")


@pytest.fixture(scope="module")
def recording() -> NDArray[np.float32]:
    return np.asarray(soundfile.read(SHARED / "input.wav", dtype="float32")[0])


@conformance
@pytest.mark.parametrize("name", CONFORMANCE)
def test_published_captures_stream_as_they_play_offline(
    name: str, recording: NDArray[np.float32]
) -> None:
    player = NamPlayer(read_nam(SHARED / name))
    whole = player.play(recording)
    assert np.isfinite(whole).all()
    for size in (441, 4096):
        np.testing.assert_array_equal(in_blocks(player, recording, size), whole)


@conformance
@pytest.mark.parametrize("name", [n for n in CONFORMANCE if n.startswith("identity")])
def test_identities_return_their_input(name: str, recording: NDArray[np.float32]) -> None:
    whole = NamPlayer(read_nam(SHARED / name)).play(recording)
    np.testing.assert_allclose(whole, recording, rtol=0, atol=1e-6)


@conformance
@pytest.mark.slow
@pytest.mark.parametrize("name", CONFORMANCE)
def test_a_published_capture_plays_as_the_reference(
    name: str, recording: NDArray[np.float32]
) -> None:
    document = json.loads((SHARED / name).read_text())
    player = NamPlayer(parse_nam(document))
    silence = SETTLING if document["architecture"] == "LSTM" else player.receptive_field
    audio = recording[60_000:61_000]
    expected = nam_reference.play(document, audio, min(silence, 25_000))
    np.testing.assert_allclose(
        player.play(audio), expected, rtol=0, atol=AGREEMENT * np.abs(expected).max()
    )
