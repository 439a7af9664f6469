"""The published error tree.

::

    LeitmotivError
    ├── TheoryError      (ValueError)   a key, chord, pitch or meter that does not exist
    ├── ScoreError       (ValueError)   notes or maps that break the Score's rules
    │   └── ReadError    (ValueError)   a file that cannot be read as music
    ├── BriefError       (ValueError)   a request that is empty or contradicts itself
    ├── PlanError        (ValueError)   a plan that cannot be carried out
    ├── StyleError       (ValueError)   a style file that breaks the style schema
    ├── ComposeError     (ValueError)   a composing request outside what the composer can do
    ├── ModelError       (ValueError)   weights that are missing, corrupt or of another version
    ├── AudioError       (ValueError)   audio of the wrong shape, rate or content
    ├── RenderError      (ValueError)   an instrument or sound bank that cannot sound
    ├── ReviewError      (ValueError)   music that cannot be reviewed or compared
    ├── ReleaseError     (ValueError)   a bundle that cannot be written
    ├── CorpusError      (ValueError)   training material that cannot be used
    └── MissingExtraError (ImportError) an optional dependency that is not installed

Messages name the parameter and its value, the requirement with its unit, and the next step,
in one line.
"""

from __future__ import annotations

__all__ = [
    "AudioError",
    "BriefError",
    "ComposeError",
    "CorpusError",
    "LeitmotivError",
    "MissingExtraError",
    "ModelError",
    "PlanError",
    "ReadError",
    "ReleaseError",
    "RenderError",
    "ReviewError",
    "ScoreError",
    "StyleError",
    "TheoryError",
]


class LeitmotivError(Exception):
    """Root of every error that Leitmotiv raises on purpose."""


class TheoryError(LeitmotivError, ValueError):
    """A key, chord, pitch or meter that does not exist."""


class ScoreError(LeitmotivError, ValueError):
    """Notes or maps that break the rules of a Score."""


class ReadError(ScoreError):
    """A file that cannot be read as music."""


class BriefError(LeitmotivError, ValueError):
    """A request that is empty, out of range or contradicts itself."""


class PlanError(LeitmotivError, ValueError):
    """A plan that cannot be carried out."""


class StyleError(LeitmotivError, ValueError):
    """A style file that breaks the style schema."""


class ComposeError(LeitmotivError, ValueError):
    """A composing request outside what the composer can do."""


class ModelError(LeitmotivError, ValueError):
    """Weights that are missing, corrupt or of another version."""


class AudioError(LeitmotivError, ValueError):
    """Audio of the wrong shape, rate or content."""


class RenderError(LeitmotivError, ValueError):
    """An instrument or sound bank that cannot sound."""


class ReviewError(LeitmotivError, ValueError):
    """Music that cannot be reviewed, or a comparison that has nothing to go by."""


class ReleaseError(LeitmotivError, ValueError):
    """A bundle that cannot be written."""


class CorpusError(LeitmotivError, ValueError):
    """Training material that cannot be used."""


class MissingExtraError(LeitmotivError, ImportError):
    """An optional dependency that is not installed; the message names the extra."""

    def __init__(self, package: str, extra: str) -> None:
        super().__init__(f"{package} is not installed; run: pip install 'leitmotiv[{extra}]'")
