"""Rack: a graph of effects as a file, played, drawn and morphed."""
