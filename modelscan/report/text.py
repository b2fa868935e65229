"""Untrusted text for people: made inert, measured in display cells, cut and wrapped.

File names, metadata and pickle strings can hold terminal commands (`ESC ]`, C1 controls),
characters that reorder the line they stand in (Unicode UAX 9; CVE-2021-42574), and characters that
nobody sees. `inert` turns each into a visible escape; the other functions expect inert text.

Invariants: no function fails on any string, lone surrogates included; a cut is always marked.
"""

from __future__ import annotations

import unicodedata

ELLIPSIS = "…"
_MARKS_PER_CELL = 4
"""Characters allowed for each cell: combining marks take no cell, and may be piled up endlessly."""
_STEP = 1_000
_ROUNDS_UP = 999.5
"""From here on, three digits would read 1000."""
_UNITS = ("kB", "MB", "GB", "TB")
_BLANK = frozenset(
    "\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u2800\u3164\uffa0"
    + "".join(map(chr, (*range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0))))
)
"""Invisible characters that Unicode does not class as controls: fillers, variation selectors."""


def inert(text: str) -> str:
    r"""The text with every character that is not plainly visible written as an escape.

    Escaped are controls, format characters (bidirectional, zero-width, tags), line and paragraph
    separators, spaces other than U+0020, lone surrogates, private and unassigned code points, and
    invisible letters: `\n`, `\x1b`, `\u202e`, `\U000e0041`.
    """
    if text.isprintable() and (text.isascii() or _BLANK.isdisjoint(text)):
        return text
    return "".join(
        character
        if character.isprintable() and character not in _BLANK
        else character.encode("unicode_escape").decode("ascii")
        for character in text
    )


def encodable(text: str, encoding: str) -> str:
    """The text with whatever a console's encoding lacks written as escapes."""
    return text.encode(encoding, "backslashreplace").decode(encoding, "replace")


def cells(text: str) -> int:
    """Columns that a terminal needs for the text: wide characters take two, marks none."""
    return len(text) if text.isascii() else sum(map(_cells, text))


def clip(text: str, limit: int, ellipsis: str = ELLIPSIS) -> str:
    """The text, or as much of its start as fits into `limit` cells with an ellipsis."""
    if len(text) <= _MARKS_PER_CELL * limit and cells(text) <= limit:
        return text
    return _head(text, limit - cells(ellipsis)) + ellipsis


def clip_middle(text: str, limit: int, ellipsis: str = ELLIPSIS) -> str:
    """Like `clip`, but keeps both ends: a path's folder, and the place in the file."""
    if len(text) <= _MARKS_PER_CELL * limit and cells(text) <= limit:
        return text
    room = limit - cells(ellipsis)
    tail = _head(text[: -1 - _MARKS_PER_CELL * limit : -1], room // 2)[::-1]
    return _head(text, room - cells(tail)) + ellipsis + tail


def wrap(text: str, width: int, lines: int, ellipsis: str = ELLIPSIS) -> list[str]:
    """The text in at most `lines` lines of `width` cells, broken at spaces where there are any."""
    done: list[str] = []
    line = ""
    used = 0
    for word in clip(text, width * lines, ellipsis).split(" "):
        piece, size = word, cells(word)
        if line and used + 1 + size > width:
            done.append(line)
            line, used = "", 0
        elif line or used:
            piece, size = " " + piece, size + 1
        while used + size > width:
            head = _head(piece, width - used)
            if not head and not line:
                head = piece[0]  # wider than a whole line: let it stick out, so that wrapping ends
            done.append(line + head)
            piece = piece[len(head) :]
            line, used, size = "", 0, cells(piece)
        line += piece
        used += size
    done.append(line)
    if len(done) > lines:
        done = [*done[: lines - 1], clip(" ".join(done[lines - 1 :]), width, ellipsis)]
    return done


def size(count: int) -> str:
    """A number of bytes for people, in powers of 1000: `91.8 MB`."""
    if count < _STEP:
        return f"{count} B"
    value, power = count / _STEP, 0
    while value >= _ROUNDS_UP and power + 1 < len(_UNITS):
        value, power = value / _STEP, power + 1
    shown = f"{value:.3g}" if value < _ROUNDS_UP else f"{value:,.0f}"
    return f"{shown} {_UNITS[power]}"


def counted(count: int, noun: str) -> str:
    """`1 file`, `12 files`, `10,000 files`."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def _cells(character: str) -> int:
    if unicodedata.category(character) in ("Mn", "Me"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def _head(text: str, limit: int) -> str:
    """The longest start of the text that fits."""
    used = 0
    text = text[: _MARKS_PER_CELL * limit]
    for index, character in enumerate(text):
        used += _cells(character)
        if used > limit:
            return text[:index]
    return text
