"""Presets say what they mean, or what is wrong with them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.rack.racks import LOOP, MOVING, graph_of

from leitmotiv.errors import AudioError
from leitmotiv.rack import Rack, load_preset, preset_names, read_graph, save_preset

GAIN = '[nodes.a]\neffect = "gain"\n'


def test_a_node_without_inputs_hears_the_one_before_and_the_last_is_heard() -> None:
    graph = graph_of(GAIN + '[nodes.b]\neffect = "gain"\n')
    assert [node.inputs[0].source for node in graph.nodes] == ["input", "a"]
    assert [cable.source for cable in graph.outputs] == ["b"]


@pytest.mark.parametrize("text", [LOOP, MOVING, GAIN])
def test_a_rack_reads_back_as_it_was_saved(tmp_path: Path, text: str) -> None:
    graph = graph_of(text)
    path = save_preset(graph, tmp_path / "rack.toml")
    assert load_preset(path) == graph
    assert [file.name for file in tmp_path.iterdir()] == ["rack.toml"]


def test_files_count_from_the_folder_of_the_preset(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text('name = "x"\n[nodes.room]\neffect = "convolution"\nfile = "room.wav"\n')
    assert load_preset(path).nodes[0].settings["file"] == str(tmp_path / "room.wav")


@pytest.mark.parametrize("name", preset_names())
def test_every_preset_that_comes_along_plays_and_says_what_it_is_for(name: str) -> None:
    graph = load_preset(name)
    assert graph.name == name
    assert 10 <= len(graph.description) <= 140
    Rack(graph)


def test_drum_glue_lifts_what_lies_between_the_hits_and_not_the_hits() -> None:
    rng = np.random.default_rng(1)
    time = np.arange(24_000) / 48_000
    hit = rng.standard_normal((2, 24_000)) * 0.25 * np.exp(-time / 0.07)
    hits = np.tile(hit, 4).astype(np.float32)
    heard = Rack(load_preset("drum-glue"), sample_rate=48_000).process(hits)
    between = (time > 0.25) & (time < 0.35)

    def level(audio: np.ndarray, where: np.ndarray) -> float:
        return float(10 * np.log10(np.mean(audio[:, -24_000:][:, where] ** 2)))

    lift = level(heard, between) - level(hits, between)
    attack = level(heard, time < 0.01) - level(hits, time < 0.01)
    assert lift > attack + 1.5
    assert attack < 1.5


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("nodes = 3", "nodes must be a table"),
        ("", "holds no node"),
        ("[nodes", "not TOML"),
        ("[nodes.a]\ngain_db = 1.0", "must be a table with an effect"),
        ('[nodes.a]\neffect = "gian"', "did you mean 'gain'"),
        ('[nodes.input]\neffect = "gain"', "neither"),
        ('[nodes.a]\neffect = "gain"\ninputs = ["b"]', "which is not in the rack"),
        ('[nodes.a]\neffect = "gain"\ninputs = []', "hears nothing"),
        ('[nodes.a]\neffect = "gain"\ninputs = "input"', "must be a list"),
        ('[nodes.a]\neffect = "gain"\ninputs = [3]', "must be a name or a table"),
        ('[nodes.a]\neffect = "gain"\nside_chain = "input"', "no side chain"),
        ('[nodes.a]\neffect = "gain"\ninputs = ["a"]', "the loop a → a has no delay"),
        (
            '[nodes.a]\neffect = "gain"\ninputs = ["b"]\n[nodes.b]\neffect = "gain"',
            "has no delay; give one of its cables feedback_ms",
        ),
        (
            '[nodes.a]\neffect = "gain"\ninputs = [{ from = "a", feedback_ms = 0.1 }]',
            "feedback_ms of the cable from 'a'=0.1 must be between 1",
        ),
        (GAIN + '[output]\ninputs = [{ from = "a", feedback_ms = 5 }]', "in no loop"),
        (GAIN + "[colour]\nred = 1", "no entry 'colour'"),
        (GAIN + '[snapshots.x]\n"a.gain_db" = 99.0', "snapshot 'x': gain_db=99"),
        (GAIN + "[snapshots.x.a]\ngain_db = 9.0", "must be a number"),
        ("tempo_bpm = 7\n" + GAIN, "tempo_bpm=7"),
        ('tempo_bpm = "fast"\n' + GAIN, "must be a number"),
    ],
)
def test_a_wrong_preset_is_refused_in_words(text: str, message: str) -> None:
    with pytest.raises(AudioError, match=message):
        graph_of(text)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('[nodes.a]\neffect = "gain"\nloudness = 1.0', "node 'a': effect 'gain' has no setting"),
        ('[nodes.a]\neffect = "gain"\ngain_db = 99.0', "node 'a': gain_db=99"),
        (GAIN + '[automation."a.gain_db"]\npoints = []', "automation of a.gain_db: points"),
        (GAIN + '[automation."a.gain_db"]\npoints = [[0, 1], [0, 2]]', "must rise"),
        (GAIN + '[automation."a.gain_db"]\npoints = [[0, 99]]', "gain_db=99"),
        (GAIN + '[automation."a.gain_db"]\nswing = { low = 0, high = 1 }', "rate_hz=None"),
        (GAIN + '[automation."a.pan"]\npoints = [[0, 1]]', "parameters are gain_db"),
        (
            GAIN + '[automation."a.gain_db"]\nwander = { low = 0, high = 1, rate_hz = "1/x" }',
            "is no note value",
        ),
    ],
)
def test_a_wrong_setting_or_motion_names_its_place(text: str, message: str) -> None:
    with pytest.raises(AudioError, match=message):
        Rack(graph_of(text))


def test_a_missing_preset_names_those_there_are() -> None:
    with pytest.raises(AudioError, match="clean-boost"):
        load_preset("dirty-boost")
    with pytest.raises(AudioError, match="No such file"):
        load_preset("dirty-boost.toml")


@given(st.text(max_size=200))
def test_no_text_brings_the_reader_down(text: str) -> None:
    try:
        read_graph(text)
    except AudioError:
        return
