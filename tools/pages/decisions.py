"""`docs/adr/index.md`: the architecture decisions that are there, in the order of their numbers."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from tools.pages import markdown

FOLDER = "docs/adr"
_INTRODUCTION = """
Why it is built as it is: one short page for each decision that is larger than a line of code.
"""
_TITLE = re.compile(r"^# (?:ADR[- ]*)?0*(\d+)[.:]? +(.+)$", re.MULTILINE)
_STATUS = re.compile(r"^\*\*Status:\*\* *(.+)$", re.MULTILINE)


def pages(root: Path) -> Iterator[tuple[str, str]]:
    """The table of decisions below a checkout's root."""
    rows = []
    for path in sorted((root / FOLDER).glob("[0-9]*.md")):
        text = path.read_text(encoding="utf-8")
        title, status = _TITLE.search(text), _STATUS.search(text)
        name = title[2] if title else path.stem
        rows.append(
            (
                path.stem.partition("-")[0],
                f"[{markdown.cell(name)}]({path.name})",
                markdown.cell(status[1]) if status else "",
            )
        )
    table = markdown.table(("no.", "decision", "status"), rows)
    yield f"{FOLDER}/index.md", markdown.page("Decisions", [_INTRODUCTION, table])
