"""How a search is shown on a terminal: each place with what it holds, and since when."""

from __future__ import annotations

from typing import Final

from modelscan.report.page import Page
from modelscan.report.text import counted
from modelscan.report.writer import Output
from modelscan.vocabulary.search import Found, Hit

_HITS: Final = 50
_GAPS: Final = 10


def page(found: Found, output: Output, *, everything: bool) -> bytes:
    """The page.

    Args:
        found: what was found.
        output: where it will be read.
        everything: every place, and all that was left out.
    """
    made = Page(output)
    shown = found.hits if everything else found.hits[:_HITS]
    for hit in shown:
        made.ends(made.plain(hit.where), _right(hit), "bold")
        about = ": ".join(part for part in (hit.model, hit.file) if part)
        place = f"{hit.what} at {hit.place}" if hit.place else hit.what
        made.paragraph(f"{about}  ({place})" if about else place, 2, 3)
    if len(shown) < len(found.hits):
        made.line(f"and {len(found.hits) - len(shown):,} more (-v shows them)")
    gaps = [gap for gap in found.coverage if gap.needed or everything]
    listed = gaps if everything else gaps[:_GAPS]
    for gap in listed:
        word = "not read" if gap.needed else "left out"
        made.paragraph(f"{word}: {gap.file}: {gap.reason}", 0, 3)
    if len(gaps) > len(listed):
        made.line(f"and {len(gaps) - len(listed):,} more (-v shows them)")
    if shown or listed:
        made.line()
    places = f"found in {counted(len(found.hits), 'place')}" if found.hits else "not found"
    looked = f"{counted(found.searched, 'file')} looked into"
    made.paragraph(f"{found.kind} {found.query}: {places}, {looked}.", 0, 3, "bold")
    return made.bytes()


def _right(hit: Hit) -> str:
    return f"{hit.holder}, since {hit.since}" if hit.since else hit.holder
