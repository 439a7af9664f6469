"""``python -m leitmotiv`` is the command line."""

from leitmotiv.cli import main

if __name__ == "__main__":
    main()
