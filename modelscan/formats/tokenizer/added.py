"""Added tokens: those that are found in text as they stand, before anything is cut.

Markers of a conversation are added tokens. One that holds a whole turn, an address or a sentence
lets a single number stand for it: what a person sees in the prompt or the answer is not what the
vocabulary says.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

from modelscan.formats.tokenizer.vocabulary import MOST_SHOWN, Defect

_MARKER: Final = re.compile(
    r"<[|\uff5c][^<>|\uff5c]{1,60}[|\uff5c]>|\[/?(?:INST|SYSTEM_PROMPT|AVAILABLE_TOOLS"
    r"|TOOL_CALLS)\]"
    r"|<</?SYS>>|<(?:start|end)_of_turn>|</?s>"
)
"""Markers that begin or end a turn, in the templates of the well-known families."""
_ADDRESS: Final = re.compile(
    r"\b(?:https?|ftp|wss?)://[^\s/]{3}|\bwww\.[\w-]+\.\w{2}", re.IGNORECASE
)
_WORD: Final = re.compile(r"[^\W\d_]{2,}")
_LONGEST: Final = 1_000
"""Characters of a token; the longest runs of blanks have a few hundred."""
_SENTENCE: Final = 5
"""Words, with blanks between them, from which a token is a sentence."""
_HIDDEN: Final = re.compile(
    "[\U000e0020-\U000e007e\u202a-\u202e\u2066-\u2069]|[A-Za-z][\u00ad\u200b-\u200d\u2060\ufeff]+[A-Za-z]"
)
"""Tag characters, those that turn the direction of writing, and unseen ones inside a word."""


class Added(NamedTuple):
    """An added token."""

    number: int
    content: str


def added(document: Any) -> list[Added]:
    """The tokens of a list of tables with `id` and `content`; others are left out."""
    found: list[Added] = []
    for entry in document if isinstance(document, list) else ():
        number = entry.get("id") if isinstance(entry, dict) else None
        content = entry.get("content") if isinstance(entry, dict) else None
        if type(number) is int and isinstance(content, str):
            found.append(Added(number, content))
    return found


def against(
    own: Mapping[str, int], holders: Mapping[int, str], count: int, tokens: list[Added]
) -> Iterator[Defect]:
    """Added tokens whose numbers are not theirs.

    Args:
        own: what numbers the vocabulary gives those of them that stand in it.
        holders: what tokens of the vocabulary have their numbers.
        count: how many tokens it has.
        tokens: the added tokens.
    """
    first: dict[int, str] = {}
    wanted = {token.number: token.content for token in tokens}
    shown = 0
    for number, content in tokens:
        stated = own.get(content)
        defect = None
        if first.setdefault(number, content) != content:
            defect = Defect("duplicate-number", content, f"{number} is {first[number]!r} as well")
        elif stated is not None and stated != number:
            other = wanted.get(stated)
            kind = "number-exchanged" if other is not None else "number-differs"
            why = f", the number of {other!r} among the added tokens" if other is not None else ""
            defect = Defect(
                kind, content, f"{content!r} is {number} added, {stated} in the vocabulary{why}"
            )
        elif stated is None and 0 <= number < count and number in holders:
            detail = f"{number} is {holders[number]!r} in the vocabulary"
            defect = Defect("number-taken", content, detail)
        elif number < 0:
            defect = Defect("bad-number", content, str(number))
        if defect is not None:
            shown += 1
            if shown <= MOST_SHOWN:
                yield defect


def oddity(content: str) -> Any:
    """What is odd about the text of an added token, as `tokenizer.token` says it; empty if nothing.

    Reserved tokens, language codes, runs of blanks and single words are ordinary.
    """
    if len(content) > _LONGEST:
        return oddity(content[:_LONGEST]) or "holds-sentence"
    if _HIDDEN.search(content):
        return "hidden-text"
    if _ADDRESS.search(content):
        return "holds-address"
    markers = _MARKER.findall(content)
    rest = _MARKER.sub(" ", content)
    words = len(_WORD.findall(rest))
    if min(len(markers), words) > 0 and len(markers) + words > 2:  # noqa: PLR2004  # with its role, a marker is one token of some models
        return "holds-marker"
    if words >= _SENTENCE and " " in rest.strip():
        return "holds-sentence"
    return ""
