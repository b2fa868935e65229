"""Prompt templates of Ollama, programs in Go's template language, and the system prompts beside.

Go's templates cannot reach files or the network, so what matters is what they tell the model: text
that nobody sees, addresses, and sentences that are added when the conversation has certain words in
it. Parts of Ollama's packages arrive here under the names `*.gotmpl` and `*.prompt`.

Invariants: nothing is rendered; one pass over the text, without recursion.

Sources: Go, `text/template` (actions, functions); Ollama, `template/template.go` (its own
functions).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from typing import Any, Final, TypeAlias

import msgspec

from modelscan.budget import Budget
from modelscan.errors import ReadError
from modelscan.formats import go_triggers
from modelscan.formats.chat_template.digests import template_digest
from modelscan.formats.go_triggers import Piece, bare, quoted
from modelscan.formats.reader import Glimpse
from modelscan.vocabulary.artifact import Artifact, base_name, place
from modelscan.vocabulary.coverage import Coverage
from modelscan.vocabulary.fact import ChatTemplate, Fact, TemplateNode

_MAX_SIZE: Final = 1 << 20
_MAX_INPUTS: Final = 50
_PROGRAM: Final = ".gotmpl"
_TEXT: Final = ".prompt"
_BARE_PROGRAM: Final = "template"
_BARE_TEXT: Final = "system"
_ACTION_END: Final = re.compile(r'"(?:[^"\\\n]|\\.)*"|`[^`]*`|\}\}')
_NAME: Final = re.compile(r"(?<![\w.$])[A-Za-z_]\w*")
_FIELDS: Final = re.compile(r"(?<![\w)])\.([A-Z]\w*)|\$\.([A-Z]\w*)")
_KNOWN: Final = frozenset(
    {"and", "block", "break", "call", "continue", "currentDate", "define", "else", "end", "eq",
     "false", "ge", "gt", "html", "if", "index", "js", "json", "le", "len", "lt", "ne", "nil",
     "not", "or", "print", "printf", "println", "range", "slice", "template", "toTypeScriptType",
     "true", "urlquery", "with", "yesterdayDate"}
)  # fmt: skip
"""Keywords and functions of Go, and functions that Ollama adds."""
_SHOWN: Final = 160
_Sighting: TypeAlias = tuple[int, Any, str, str]
"""Line, kind, name and detail of a `TemplateNode`."""


class GoTemplateReader:
    """Templates and system prompts of Ollama, by the names that the store's parts are given."""

    format = "go template"

    extensions = frozenset({_PROGRAM, _TEXT})

    def recognises(self, glimpse: Glimpse) -> bool:
        """By name, as there are no magic bytes: two bare names are those that Ollama takes."""
        if glimpse.name == _BARE_PROGRAM:
            return b"{{" in glimpse.head and _is_text(glimpse.head)
        if glimpse.name == _BARE_TEXT:
            return _is_text(glimpse.head)
        return glimpse.extension in self.extensions

    def read(self, artifact: Artifact, budget: Budget) -> Iterator[Fact | Coverage | Artifact]:
        """State what the template takes, and everything in it that is out of the ordinary.

        Raises:
            ReadError: it is too long, is not text, or has an action that does not end.
        """
        if artifact.size > _MAX_SIZE:
            raise ReadError(f"a template of {artifact.size:,} bytes")
        data = artifact.read_at(0, artifact.size)
        try:
            text = data.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise ReadError("the template is not UTF-8", offset=error.start) from None
        name = base_name(artifact)
        program = not name.endswith(_TEXT) and name != _BARE_TEXT
        pieces = list(_pieces(text)) if program else [Piece(action=False, text=text, line=1)]
        if program:
            fields = {
                one or other for p in pieces if p.action for one, other in _FIELDS.findall(p.text)
            }
            yield ChatTemplate(
                location=place(artifact),
                digest="sha256:" + hashlib.sha256(data).hexdigest(),
                text_digest="sha256:" + template_digest(text),
                lines=text.count("\n") + 1,
                inputs=tuple(sorted(fields)[:_MAX_INPUTS]),
            )

        where = place(artifact)
        seen: set[_Sighting] = set()
        for piece in pieces:
            seen.update(_wording(piece))
        if program:
            seen.update(_unlisted(pieces))
            seen.update(
                (one.line, "content-condition", one.trigger, one.text)
                for one in go_triggers.added(pieces)
            )
        seen.update(_instructed(pieces))
        for line, kind, name, detail in sorted(seen):
            budget.fact()
            yield TemplateNode(
                location=msgspec.structs.replace(where, line=line),
                kind=kind,
                name=name,
                detail=detail,
            )


def _is_text(head: bytes) -> bool:
    """True for UTF-8, of which the last character may be cut."""
    return b"\0" not in head and "\ufffd" not in head.decode("utf-8", "replace")[:-1]


def _pieces(text: str) -> Iterator[Piece]:
    """The template as literal text and actions; comments are neither.

    Raises:
        ReadError: an action does not end.
    """
    at, line = 0, 1
    while True:
        start = text.find("{{", at)
        literal = text[at:] if start < 0 else text[at:start]
        if literal:
            yield Piece(action=False, text=literal, line=line)
            line += literal.count("\n")
        if start < 0:
            return
        end = _end(text, start + 2, line)
        action = text[start + 2 : end]
        if not action.lstrip("- \t\n").startswith("/*"):
            yield Piece(action=True, text=action, line=line)
        line += action.count("\n")
        at = end + 2


def _end(text: str, at: int, line: int) -> int:
    """Where the braces close again: not inside quotes, and a comment has no quotes."""
    if text[at : at + 8].lstrip("- \t\n").startswith("/*"):
        end = text.find("}}", max(at, text.find("*/", at)))
        if end >= 0:
            return end
    for found in _ACTION_END.finditer(text, at):
        if found[0] == "}}":
            return found.start()
    raise ReadError(f"the template cannot be parsed: line {line}: an action does not end")


def _wording(piece: Piece) -> Iterator[_Sighting]:
    """Text that nobody sees, and addresses, in literal text and in quotes."""
    from jinja2 import nodes  # lazy: it is heavy, and there is seldom such a template

    from modelscan.formats.chat_template import wording  # lazy: the same

    def seen(text: str, line: int) -> Iterator[_Sighting]:
        node = nodes.TemplateData(text, lineno=line)
        for found in (
            *wording.unseen(text, node),
            *wording.addresses(text, node),
            *wording.disguised(text, node),
        ):
            yield found.line, found.kind, found.name, found.detail

    if piece.action:
        for text in quoted(piece.text):
            yield from seen(text, piece.line)
    elif any(seen(piece.text, piece.line)):  # seldom: then it is worth telling in which lines
        for number, text in enumerate(piece.text.split("\n"), piece.line):
            yield from seen(text, number)


def _instructed(pieces: list[Piece]) -> Iterator[_Sighting]:
    """Instructions to deceive, across the pieces that a sentence may be written in."""
    from jinja2 import nodes  # lazy: as in `_wording`

    from modelscan.formats.chat_template.instructions import instructions  # lazy: the same

    literal: list[tuple[str, nodes.Node]] = []
    for piece in pieces:
        texts = quoted(piece.text) if piece.action else [piece.text]
        literal += [(text, nodes.TemplateData(text, lineno=piece.line)) for text in texts]
    for found in instructions(literal):
        yield found.line, found.kind, found.name, found.detail


def _unlisted(pieces: list[Piece]) -> Iterator[_Sighting]:
    """Functions that neither Go nor Ollama has, and that no part of the template defines."""
    for piece in pieces:
        if piece.action:
            for name in _NAME.findall(bare(piece.text)):
                if name not in _KNOWN:
                    yield piece.line, "unlisted-function", name[:_SHOWN], ""
