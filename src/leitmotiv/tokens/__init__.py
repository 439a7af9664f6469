"""Tokens: score ↔ ids, vocabulary and tags."""
