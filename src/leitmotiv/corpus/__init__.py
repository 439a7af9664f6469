"""Corpus: sources, licences and packing."""
