"""Build the API pages from the docstrings: ``python docs/build_api.py [FOLDER]``.

Needs the extra ``docs`` (pdoc). Training is left out: it needs PyTorch to be imported.
"""

from __future__ import annotations

import sys
from pathlib import Path


def main(folder: Path) -> None:
    """Write one HTML page a package into ``folder``."""
    import pdoc

    from leitmotiv import effects

    for name in effects.__all__:  # exported when first named: name them
        getattr(effects, name)
    pdoc.render.configure(docformat="numpy", footer_text="Leitmotiv")
    pdoc.pdoc("leitmotiv", "!leitmotiv.training", output_directory=folder)
    pages = sorted(folder.rglob("*.html"))
    print(f"{len(pages)} pages in {folder}")


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "build/api"))
