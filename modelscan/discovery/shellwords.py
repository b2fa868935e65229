r"""Shell text taken apart: logical lines, words with variables put in, here-documents.

Invariants: nothing is run or globbed; a command substitution is unknown; the text is passed over
once by a regular expression without nested repetition, so that time is linear.

Source: POSIX.1-2024, Shell Command Language, sections 2.2 (quoting), 2.3 (token recognition), 2.6.2
(parameter expansion) and 2.7.4 (here-document).
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from typing import Final, NamedTuple

_TOKEN: Final = re.compile(
    r"""(?P<space>[ \t]+|\\\n)
      | (?P<end>\n|;|\|\|?|&&?|\(|\))
      | (?P<redirect>\d*(?:>>?|<(?!<))&?\s*)
      | (?P<comment>(?<![^\s;|&(])\#[^\n]*)
      | (?P<word>(?:[^\s;|&()<>"'\\`$#]|(?<=\S)\#|\\.|"(?:[^"\\]|\\.)*"|'[^']*'
          |\$\{[^}\n]{0,500}\}|\$\([^()\n]{0,500}(?:\([^()\n]{0,500}\)[^()\n]{0,500}){0,9}\)
          |`[^`\n]{0,500}`|\$|["'`\\<\#])+)
    """,
    re.VERBOSE | re.DOTALL,
)
_PIECE: Final = re.compile(
    r"""(?P<single>'[^']*')
      | (?P<double>"(?:[^"\\]|\\.)*")
      | (?P<escape>\\.)
      | (?P<brace>\$\{(?P<name>\w{1,99})
          (?::?(?P<sign>[-=?+])(?P<default>[^}\n]{0,500})|[^}\n]{0,500})\})
      | (?P<plain>\$(?P<simple>\w+))
      | (?P<command>\$\([^()\n]{0,500}(?:\([^()\n]{0,500}\)[^()\n]{0,500}){0,9}\)
          |`[^`\n]{0,500}`|\$[@*?\#!$]|\$\{[^}\n]{0,500}\})
    """,
    re.VERBOSE | re.DOTALL,
)
_HEREDOC: Final = re.compile(r"<<(?P<tab>-?)[ \t]*(?P<quote>['\"]?)(?P<word>\w+)(?P=quote)(?!\S*<)")
_ASSIGNMENT: Final = re.compile(r"(?P<name>[A-Za-z_]\w*)\+?=(?P<value>.*)", re.DOTALL)
_LONGEST_MARK: Final = 200
_WORDS: Final = 4_000
"""Words of one command that are kept."""
_LONG: Final = 100_000
"""Characters that a word may grow to by the variables put in."""


class Word(NamedTuple):
    """One word of a command."""

    text: str
    """Without quotes, variables put in; as written where one is not known."""
    known: bool = True
    sure: bool = True
    """False when a default was put in that can be changed from outside."""
    line: int = 0


class Variables(dict[str, Word]):
    """What is known about variables."""

    def note(self, word: Word) -> bool:
        """Remember `NAME=value`; true when the word is an assignment."""
        found = _ASSIGNMENT.fullmatch(word.text)
        if found is None:
            return False
        self[found["name"]] = word._replace(text=found["value"])
        return True


class Command(NamedTuple):
    """One simple command."""

    words: list[Word]
    line: int
    document: str = ""
    """The here-document that is its input."""
    document_line: int = 0


def commands(text: str, variables: Variables, line: int = 1) -> Iterator[Command]:
    """The simple commands of a text, in order.

    Args:
        text: with Unix line ends.
        variables: known before; assignments in the text are added to it.
        line: the number of the first line.
    """
    text, documents = _without_documents(text)
    words: list[Word] = []
    start = line
    at = line
    skip = False
    for found in _TOKEN.finditer(text):
        kind = found.lastgroup
        if kind == "word":
            if not words:
                start = at
            if not skip and len(words) < _WORDS:
                words.append(expand(found[0], variables, at))
            skip = False
        elif kind == "redirect":
            skip = True  # the word behind it is a file
        elif kind == "end" and words:
            yield from _command(words, start, variables, documents, at - line)
            words, skip = [], False
        at += found[0].count("\n")
    if words:
        yield from _command(words, start, variables, documents, at - line)


def _command(
    words: list[Word],
    line: int,
    variables: Variables,
    documents: dict[int, tuple[str, int]],
    row: int,
) -> Iterator[Command]:
    if all("=" in word.text and variables.note(word) for word in words):
        yield Command(words, line)
        return
    if words[0].text in {"export", "declare", "local", "readonly", "typeset", "set", "env"}:
        for word in words[1:]:
            variables.note(word)
    document, offset = documents.pop(row, ("", 0))
    yield Command(words, line, document, line + offset if document else 0)


def expand(raw: str, variables: Variables, line: int = 0) -> Word:
    """A word as written, without its quotes and with what is known put in."""
    if raw.isalnum():
        return Word(raw, line=line)
    state = [True, True]

    def piece(found: re.Match[str]) -> str:
        kind = found.lastgroup
        text = found[0]
        if found["single"]:
            return text[1:-1]
        if found["double"]:
            inner = expand_double(text[1:-1], variables)
            state[0] &= inner.known
            state[1] &= inner.sure
            return inner.text
        if found["escape"]:
            return "" if text[1] == "\n" else text[1]
        if kind == "command" or found["command"]:
            state[0] = False
            return text
        return _variable(found, variables, state)

    text = _PIECE.sub(piece, raw)[:_LONG]
    return Word(text, known=state[0], sure=state[1], line=line)


def expand_double(raw: str, variables: Variables) -> Word:
    """What stands between double quotes: variables are put in, quotes are plain characters."""
    state = [True, True]

    def piece(found: re.Match[str]) -> str:
        if found["single"]:
            inner = expand_double(found[0][1:-1], variables)
            state[0] &= inner.known
            state[1] &= inner.sure
            return f"'{inner.text}'"
        if found["escape"]:
            return found[0][1:] if found[0][1] in '"\\$`' else found[0].replace("\\\n", "")
        if found["brace"] or found["plain"]:
            return _variable(found, variables, state)
        state[0] &= not found["command"]
        return found[0]

    return Word(_PIECE.sub(piece, raw)[:_LONG], known=state[0], sure=state[1])


def _variable(found: re.Match[str], variables: Variables, state: list[bool]) -> str:
    known = variables.get(found["name"] or found["simple"])
    if known is not None and known.known and (known.text or not found["default"]):
        state[1] &= known.sure
        return known.text
    if found["default"] is not None and found["sign"] in "-=":
        default = expand_double(found["default"].strip("\"'"), variables)
        state[0] &= default.known
        state[1] = False
        return default.text
    state[0] = False
    return found[0]


def _without_documents(text: str) -> tuple[str, dict[int, tuple[str, int]]]:
    """The text with here-documents emptied, and each by the row of the command it belongs to."""
    if "<<" not in text:
        return text, {}
    rows = text.split("\n")
    ends: dict[str, list[int]] = {}
    for index, each in enumerate(rows):
        if len(each) <= _LONGEST_MARK:
            ends.setdefault(each.lstrip("\t"), []).append(index)
    documents: dict[int, tuple[str, int]] = {}
    row = 0
    while row < len(rows):
        found = _HEREDOC.search(rows[row])
        if found is None or rows[row].lstrip().startswith("#"):
            row += 1
            continue
        later = ends.get(found["word"], [])
        after = bisect_right(later, row)
        if after == len(later):
            row += 1
            continue
        end = later[after]
        documents[row] = ("\n".join(rows[row + 1 : end]), 1)
        rows[row] = rows[row][: found.start()] + rows[row][found.end() :]
        rows[row + 1 : end + 1] = [""] * (end - row)
        row = end + 1
    return "\n".join(rows), documents
