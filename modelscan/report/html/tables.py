"""Plain tables of the page: a caption, heads, and rows whose first cell names them."""

from __future__ import annotations

from collections.abc import Sequence

MOST_ROWS = 100
"""Rows of one table; the native report holds all of them."""


def table(caption: str, heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table that scrolls where it is wider than the page; nothing without rows.

    Args:
        caption: ours, never a value.
        heads: the same.
        rows: cells as HTML.
    """
    if not rows:
        return ""
    head = "".join(f'<th scope="col">{name}</th>' for name in heads)
    body = "".join(
        f'<tr><th scope="row">{first}</th>{"".join(f"<td>{cell}</td>" for cell in rest)}</tr>'
        for first, *rest in rows[:MOST_ROWS]
    )
    hidden = len(rows) - MOST_ROWS
    more = f'<p class="hidden-count">and {hidden:,} more</p>' if hidden > 0 else ""
    return (
        f'<div class="scroll" tabindex="0" role="group" aria-label="{caption}">'
        f'<table class="plain"><caption>{caption}</caption><thead><tr>{head}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>{more}"
    )
