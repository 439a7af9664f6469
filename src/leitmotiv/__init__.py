"""Leitmotiv: an AI composer a person can steer."""

__version__ = "0.1.0"
