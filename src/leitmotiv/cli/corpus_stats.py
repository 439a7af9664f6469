"""What ``leitmotiv corpus stats`` prints: the bias report as tables, sentences and a picture.

Public names: :func:`stats_command`.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from leitmotiv.errors import CorpusError

if TYPE_CHECKING:
    from rich.table import Table

    from leitmotiv.corpus.bias import BiasTable

__all__ = ["stats_command"]


def _rich_table(table: BiasTable, limit: int) -> Table:
    from rich.table import Table

    found = Table(title=table.title, title_justify="left", title_style="bold", box=None)
    found.add_column("", min_width=26, max_width=34, no_wrap=True)
    for name in ("pieces", "notes", "hours", "share"):
        found.add_column(name, justify="right", min_width=7)
    for row in table.rows[:limit]:
        found.add_row(
            row.label,
            f"{row.pieces:,}",
            f"{row.notes:,}",
            f"{row.hours:,.1f}",
            f"{row.share:.1%}",
        )
    rest = table.rows[limit:]
    if rest:
        # A piece with many instruments stands in several rows, so pieces do not add up.
        found.add_row(
            f"{len(rest):,} more",
            "",
            f"{sum(row.notes for row in rest):,}",
            f"{sum(row.hours for row in rest):,.1f}",
            f"{sum(row.share for row in rest):.1%}",
        )
    return found


def stats_command(
    library: Path,
    *,
    sources: list[str] | None,
    picture: Path | None,
    limit: int,
    as_json: bool,
) -> None:
    """Print the bias report of a library and draw it where asked."""
    from leitmotiv.corpus.bias import bias_report
    from leitmotiv.corpus.library import Library

    if limit < 1:
        raise CorpusError(f"rows={limit} must be at least 1")
    with Library(library) as opened:
        report = bias_report(opened.pieces(sources=sources))
    if report.pieces == 0:
        of = f" of {', '.join(sources)}" if sources else ""
        raise CorpusError(f"{library} holds no pieces{of}; leitmotiv corpus add imports some")
    if picture is not None:
        from leitmotiv.corpus.bias_picture import draw_bias

        draw_bias(report, picture)
    if as_json:
        print(json.dumps(report.to_dict(), ensure_ascii=False, indent=1))
        return
    from rich.console import Console

    console = Console(highlight=False)
    console.print(
        f"{report.pieces:,} pieces, {report.notes:,} notes, {report.hours:,.1f} hours", style="bold"
    )
    for table in report.tables:
        console.print()
        console.print(_rich_table(table, limit))
    console.print("\nWhat a model trained on this will not know", style="bold")
    for sentence in report.sentences:
        console.print(f"- {sentence}", soft_wrap=False)
    if picture is not None:
        console.print(f"\nPicture: {picture}", soft_wrap=True)
