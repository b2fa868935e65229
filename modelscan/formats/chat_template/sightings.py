"""What the checks of a template report: one place, one kind, one name."""

from __future__ import annotations

from typing import Literal, NamedTuple, TypeAlias

from jinja2 import nodes

Kind: TypeAlias = Literal[
    "underscore-attribute", "computed-attribute", "unlisted-attribute", "unlisted-filter",
    "unlisted-test", "unlisted-function", "unlisted-node", "environment-object",
    "python-function", "includes-file", "format-string", "hidden-text", "invisible-character",
    "url", "content-condition", "content-rewrite", "bomb", "instruction",
]  # fmt: skip

_SHOWN = 160


class Sighting(NamedTuple):
    """Something in a template that a rule may be about."""

    kind: Kind
    name: str
    detail: str
    line: int


def sighting(kind: Kind, name: str, node: nodes.Node, detail: str = "") -> Sighting:
    """A sighting at a node, its texts abbreviated."""
    return Sighting(kind, _short(name), _short(detail), node.lineno)


def _short(text: str) -> str:
    text = text.encode("utf-8", "backslashreplace").decode()  # an escape can make half a character
    return text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"
