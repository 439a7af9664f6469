"""Compose one brief with three seeds and keep the one that review likes best."""

from __future__ import annotations

from leitmotiv.pipeline import PipelineOptions, compose_brief, save_piece
from leitmotiv.review import score_badness

BRIEF = "a gentle lullaby for harp and cello in F major, 8 bars"


def main() -> None:
    """Print what each seed gave and save the best."""
    options = PipelineOptions(engine="modelled")
    pieces = [compose_brief(BRIEF, seed=seed, options=options) for seed in (1, 2, 3)]
    faults = [score_badness(piece.findings) for piece in pieces]
    for piece, fault in zip(pieces, faults, strict=True):
        print(f"seed {piece.seed}: {piece.score.num_notes} notes, badness {fault:g}")
    best = pieces[faults.index(min(faults))]
    save_piece(best, "lullaby")
    print(f"seed {best.seed} is in lullaby/")


if __name__ == "__main__":
    main()
