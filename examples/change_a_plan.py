"""Make a plan, give its middle section to the first part alone, and compose it."""

from __future__ import annotations

from leitmotiv.pipeline import PipelineOptions, compose_brief, plan_brief, save_piece


def main() -> None:
    """Compose the changed plan."""
    plan = plan_brief("a hopeful piece for string quartet in A major, 24 bars", seed=5)
    middle = len(plan.sections) // 2
    others = tuple(range(1, plan.num_parts))
    sections = list(plan.sections)
    sections[middle] = sections[middle].replace(texture="solo", parts_silent=others)
    changed = plan.replace(title="One Alone", sections=tuple(sections))

    piece = compose_brief(changed, options=PipelineOptions(engine="modelled"))
    saved = save_piece(piece, "one-alone")
    print(f"{saved.folder}/: {len(saved.files)} files, {piece.master.duration_sec:.0f} s of music")


if __name__ == "__main__":
    main()
