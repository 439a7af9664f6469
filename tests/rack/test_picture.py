"""The picture of a rack shows every node and is written whole."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.rack.racks import LOOP, MOVING, graph_of

from leitmotiv.errors import AudioError
from leitmotiv.rack.picture import draw_rack


@pytest.mark.parametrize("text", [LOOP, MOVING])
def test_a_drawn_rack_names_its_nodes_and_gains(tmp_path: Path, text: str) -> None:
    graph = graph_of(text)
    drawn = draw_rack(graph, tmp_path / "rack.svg").read_text(encoding="utf-8")
    # Text is drawn as paths with its words in comments.
    for word in ("input", "output", *(node.name for node in graph.nodes)):
        assert f"<!-- {word} -->" in drawn
    assert "dB" in drawn
    assert [file.name for file in tmp_path.iterdir()] == ["rack.svg"]


def test_a_picture_needs_a_suffix_that_can_be_drawn(tmp_path: Path) -> None:
    with pytest.raises(AudioError, match=r"\.png, \.svg or \.pdf"):
        draw_rack(graph_of(LOOP), tmp_path / "rack.bmp")
    with pytest.raises(AudioError, match="cannot write"):
        draw_rack(graph_of(LOOP), tmp_path / "nowhere" / "rack.png")
