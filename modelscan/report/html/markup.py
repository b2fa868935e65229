"""Text to HTML: the only place where a value from a report becomes markup.

- Every value passes through `text` (or a function here that calls it): invisible and reordering
  characters become visible escapes, then the five characters that mean something in HTML become
  character references. The result is inert in element content and in quoted attributes.
- Values never reach a tag name, an attribute name, a style, a script, or an unchecked URL.
- Whatever is cut is marked with an ellipsis.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from html import escape
from typing import Any

from modelscan.report.jsontext import encode
from modelscan.report.text import ELLIPSIS, inert

LONGEST_NAME = 1_000
"""Characters of a path or another name; longer ones lose their middle."""
LONGEST_PROSE = 4_000
LONGEST_VALUE = 2_000
"""Characters of one value of the evidence."""

_EMPTY = '""'
"""What stands for an empty name, which nobody would see."""
_MOST_MARKS = 4
"""Combining marks on one letter; a browser piles up any number, over the lines above and below."""
_CODE = re.compile(r"`([^`]+)`")
_BLANK_LINES = re.compile(r"\n\s*\n")
_URL = re.compile(
    r"https?://[a-z0-9.-]+(?::[0-9]{1,5})?(?:/[a-z0-9._~:/?#@!$&()*+,;=%-]*)?", re.IGNORECASE
)
"""An address (RFC 3986) without quotes and brackets, which end it in prose, and without user
information, which is used to make one host look like another."""
_CWE = re.compile(r"CWE-([0-9]{1,5})")
_ATLAS = re.compile(r"AML\.T[0-9]{4}(?:\.[0-9]{3})?")


def text(value: str, longest: int = LONGEST_NAME) -> str:
    """A value as inert HTML, for element content and quoted attributes."""
    if len(value) <= longest and value.isascii() and value.isprintable():  # nearly all are plain
        return escape(value)
    return escape(_level(inert(_cut(value, longest))))


def code(value: str, longest: int = LONGEST_NAME) -> str:
    """A name, digest or other literal, set apart from the text around it."""
    return f"<code>{text(value or _EMPTY, longest)}</code>"


def prose(value: str) -> str:
    """Paragraphs: blank lines part them, backticks mark literals; other line breaks are spaces."""
    paragraphs = (" ".join(part.split()) for part in _BLANK_LINES.split(_cut(value, LONGEST_PROSE)))
    return "".join(f"<p>{marked(part)}</p>" for part in paragraphs if part)


def marked(value: str) -> str:
    """One line of prose, with what stands in backticks as literals."""
    return _CODE.sub(r"<code>\1</code>", text(value, LONGEST_PROSE))


def data(value: Any) -> str:
    """Any value of a fact: text as it is, everything else as JSON."""
    if isinstance(value, str):
        return code(value, LONGEST_VALUE)
    lines = _cut(encode(value).decode().rstrip("\n"), LONGEST_VALUE).split("\n")
    if len(lines) == 1:
        return code(lines[0], LONGEST_VALUE)
    shown = "\n".join(text(line, LONGEST_VALUE) for line in lines)
    return f"<pre>{shown}</pre>"


def definitions(pairs: Iterable[tuple[str, str]], kind: str = "facts") -> str:
    """A list of names and values.

    Args:
        pairs: names as text, values as HTML.
        kind: the class of the list; ours, never a value.
    """
    rows = "".join(f"<div><dt>{text(name)}</dt><dd>{value}</dd></div>" for name, value in pairs)
    return f'<dl class="{kind}">{rows}</dl>' if rows else ""


def reference(value: str) -> str:
    """A rule's reference: a link if it is an ordinary address and nothing else, else text."""
    value = " ".join(value.split())
    if _URL.fullmatch(value) and len(value) <= LONGEST_NAME:
        return link(value, text(value))
    return marked(value)


def weakness(name: str) -> str:
    """A CWE, linked to its page."""
    found = _CWE.fullmatch(name)
    if found is None:
        return text(name)
    return link(f"https://cwe.mitre.org/data/definitions/{found[1]}.html", text(name))


def technique(name: str) -> str:
    """A technique of MITRE ATLAS, linked to its page."""
    if not _ATLAS.fullmatch(name):
        return text(name)
    return link(f"https://atlas.mitre.org/techniques/{name}", text(name))


def link(address: str, content: str) -> str:
    """A link that tells its target nothing about this page."""
    return f'<a href="{escape(address)}" rel="noopener noreferrer nofollow">{content}</a>'


def copyable(value: str, what: str) -> str:
    """A literal with a button that copies it; the script shows the button, since it needs one."""
    return (
        f'<span class="copyable">{code(value)}'
        f'<button class="copy" type="button" aria-label="Copy {text(what)}">Copy</button></span>'
    )


def _cut(value: str, longest: int) -> str:
    """The value, or both ends of it: a path's folder, and the name at its end."""
    if len(value) <= longest:
        return value
    tail = longest // 4
    return value[: longest - tail - 1] + ELLIPSIS + value[-tail:]


def _level(shown: str) -> str:
    """Inert text that stays in its line: of the marks on a letter, all but a few are escaped."""
    if shown.isascii():
        return shown
    parts, marks = [], 0
    for character in shown:
        marks = marks + 1 if unicodedata.category(character) in ("Mn", "Me") else 0
        escaped = marks > _MOST_MARKS
        parts.append(character.encode("unicode_escape").decode() if escaped else character)
    return "".join(parts)
