"""The one error of this package; it may import nothing of Leitmotiv, so the tree ends here."""

from __future__ import annotations

__all__ = ["TrainingError"]


class TrainingError(ValueError):
    """A recipe, pack or checkpoint that cannot be used; the message is one line with a remedy."""
