"""Rack: a graph of effects as a file, played, drawn and morphed."""

from leitmotiv.rack.files import Processed, process_file
from leitmotiv.rack.graph import INPUT, OUTPUT, Cable, Node, RackGraph
from leitmotiv.rack.preset import load_preset, preset_names, read_graph, save_preset
from leitmotiv.rack.rack import Rack

__all__ = [
    "INPUT",
    "OUTPUT",
    "Cable",
    "Node",
    "Processed",
    "Rack",
    "RackGraph",
    "load_preset",
    "preset_names",
    "process_file",
    "read_graph",
    "save_preset",
]
