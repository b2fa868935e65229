"""The page that the terminal report is laid out on: columns, colours, and what the console lacks.

Everything that is put on a page is made inert here, in one place, whether it came from a model or
from a rule. Colour is a decoration: with it removed, the same characters stand in the same columns.
"""

from __future__ import annotations

from modelscan.report.text import ELLIPSIS, cells, clip, encodable, inert, wrap
from modelscan.report.writer import Output

NARROWEST, WIDEST = 60, 120
"""Columns that the layout is made for; longer lines are hard to read."""
_LONGEST_END = 8_000
"""Characters; the largest cell of a page, 6 lines of 120 columns, holds fewer even of marks."""

_FALLBACKS = {"✓": "+", "✗": "x", "–": "-", "·": "-", ELLIPSIS: "..."}  # noqa: RUF001  # a dash is what we mean
"""What to print where the console's encoding lacks a symbol."""
_SGR = {"bold": "1", "dim": "2", "red": "31", "green": "32", "yellow": "33", "cyan": "36"}
"""Select Graphic Rendition parameters, ECMA-48 section 8.3.117."""


class Page:
    """Lines in the making."""

    def __init__(self, output: Output) -> None:
        self.width = min(max(output.width, NARROWEST), WIDEST)
        self._encoding = output.encoding
        self._colour = output.colour
        self._lines: list[str] = []
        self.ellipsis = self.symbol(ELLIPSIS)

    def symbol(self, symbol: str) -> str:
        """One of our own symbols, or what stands for it on this console."""
        shown = encodable(symbol, self._encoding)
        return symbol if shown == symbol else _FALLBACKS[symbol]

    def plain(self, text: str) -> str:
        """Any text, made inert for this console. Of a very long one, both ends are looked at."""
        if len(text) > 2 * _LONGEST_END:
            text = text[:_LONGEST_END] + ELLIPSIS + text[-_LONGEST_END:]
        text = inert(text)
        shown = encodable(text, self._encoding)
        if shown != text:
            shown = encodable(text.replace(ELLIPSIS, self.ellipsis), self._encoding)
        return shown

    def style(self, text: str, *styles: str) -> str:
        """The text in these styles, when the page has colour. Pad before styling, never after."""
        if not self._colour or not styles or not text:
            return text
        codes = ";".join(_SGR[style] for style in styles)
        return f"\x1b[{codes}m{text}\x1b[0m"

    def line(self, text: str = "") -> None:
        """Add a line that is laid out already."""
        self._lines.append(text.rstrip(" "))

    def ends(self, left: str, right: str, *styles: str) -> None:
        """Add inert text at both ends of a line, or of two lines when one is too short.

        Args:
            left: cut when it is longer than a line.
            right: printed dim.
            styles: for the left end.
        """
        left = clip(left, self.width, self.ellipsis)
        gap = self.width - cells(left) - cells(right)
        lead = self.style(left, *styles)
        if gap < 2:  # noqa: PLR2004  # two spaces keep the ends apart
            self.line(lead)
            lead, gap = "", self.width - cells(right)
        self.line(lead + " " * gap + self.style(right, "dim"))

    def paragraph(self, text: str, indent: int, lines: int, *styles: str) -> None:
        """Add any text, wrapped and indented, in at most so many lines."""
        for part in self.wrapped(text, indent, lines):
            self.line(" " * indent + self.style(part, *styles))

    def hanging(self, lead: str, text: str, indent: int, lines: int) -> None:
        """Add any text behind a lead of `indent` cells; further lines hang under its start."""
        for part in self.wrapped(text, indent, lines):
            self.line(lead + part)
            lead = " " * indent

    def closing(self, text: str, right: str) -> None:
        """Add a paragraph of ours, with a last word at the right end of its last line."""
        *head, last = self.wrapped(text, 0, len(text))
        for part in head:
            self.line(part)
        self.ends(last, right)

    def wrapped(self, text: str, indent: int, lines: int) -> list[str]:
        """Any text, inert, in at most so many lines as wide as the page behind the indent."""
        return wrap(self.plain(text), self.width - indent, lines, self.ellipsis)

    def bytes(self) -> bytes:
        """The page in the console's encoding."""
        return ("\n".join(self._lines) + "\n").encode(self._encoding)
