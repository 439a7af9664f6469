"""The command line, thin: ``leitmotiv compose | plan | render | review | info``."""

from leitmotiv.cli.main import main

__all__ = ["main"]
