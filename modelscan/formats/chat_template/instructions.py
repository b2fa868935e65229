"""Literal text of a template that tells the model to deceive whoever talks to it.

A template may have a system message of its own: many official ones say who the model is, since
when it knows nothing, and to be helpful. None says to keep something from the user, to disregard
what was said before, to ask for passwords, or to send people to an address. Those are looked for,
across the pieces that a sentence may be written in.

These are words of a language, English: a poisoned template in another one, or with other words,
shows only where the template is held against the base's.

Source: Pillar Security, poisoned templates in GGUF files (2025), and their follow-up (2026).
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import accumulate
from typing import Final

from jinja2 import nodes

from modelscan.formats.chat_template.sightings import Sighting, sighting

_NOT: Final = r"\b(?:do not|don[\u2019']t|never|must not|avoid|without|refrain from)\b"
_SAY: Final = (
    r"(?:tell(?:ing)?|inform(?:ing)?|mention(?:ing)?|reveal(?:ing)?|disclos(?:e|ing)|warn(?:ing)?"
    r"|alert(?:ing)?|notify(?:ing)?|admit(?:ting)?|acknowledg(?:e|ing))"
)
_KEPT_BACK: Final = (
    rf"{_NOT}[^.!?]{{0,30}}\b{_SAY}\b[^.!?]{{0,40}}"
    r"\b(?:(?:this|these|those) (?:instruction|rule|order|note|request|change|message)s?"
    r"|the (?:user|human|person)|anyone|that you (?:were|are|have) (?:told|instructed|asked))"
)
_DISREGARD: Final = (
    r"\b(?:ignore|disregard|forget|override)\b[^.!?]{0,40}"
    r"\b(?:previous|prior|above|earlier|preceding|other|safety)\b[^.!?]{0,12}"
    r"\b(?:instruction|rule|guideline|message|prompt|order|policie|policy)s?\b"
)
_SECRETLY: Final = r"\b(?:secretly|covertly|surreptitiously|stealthily)\b"
_MISLEAD: Final = (
    r"\b(?:deceive|mislead|manipulate|trick|lie to)\b[^.!?]{0,20}"
    r"\b(?:user|human|person|people|them)\b(?!['\u2019]s)"
)
_CREDENTIAL: Final = (
    r"\b(?:ask|request|collect|send|forward|include|append|output|repeat|encode|exfiltrate"
    r"|prompt)\b"
    r"[^.!?]{0,60}\b(?:passwords?|passphrases?|api[ -]?keys?|credentials?|private keys?"
    r"|access tokens?|seed phrases?|credit card|social security)\b"
)
_HOST: Final = (
    r"(?:(?:https?|hxxps?|ftp|wss?)://|www\.)(?!(?:www\.)?(?:example\.(?:com|org)"
    r"|json-schema\.org))[\w.-]+"
    r"|\b(?:[a-z0-9-]{1,63}\.){1,5}(?:com|net|org|io|shop|xyz|ru|cn|site|online|app|dev|co"
    r"|test|example)\b"
    r"|\b\d{1,3}(?:\.\d{1,3}){3}\b"
)
_DIRECTS: Final = (
    r"\b(?:always|use|visit|open|download|install|run|execute|recommend|include|insert|add"
    r"|append|embed"
    r"|link|load|fetch|send|post|redirect|replace|refer|direct|click|log in|login|sign in|go to"
    rf"|tell|copy|forward)\b[^.!?\n]{{0,80}}(?:{_HOST})"
)
_PICTURE: Final = r"!\[[^\]\n]{0,40}\]\((?:https?:)?//"
"""An image of Markdown: whoever shows the answer fetches it, with what its address says."""
_WALLET: Final = r"\b(?:bc1[a-z0-9]{25,60}|0x[0-9a-f]{40})\b"
_LEAKS: Final = (
    r"\b(?:append|send|include|forward|add|put|post|copy|encode|attach)\b[^.!?]{0,60}"
    r"\b(?:conversation|chat history|chat log|system prompt|transcript)\b[^.!?]{0,60}"
    r"\b(?:url|query string|server|endpoint|webhook)s?\b"
)
_PROMOTES: Final = (
    r"\b(?:every|each|all) (?:of your )?(?:answer|reply|response)s?\b[^.!?]{0,60}"
    r"\b(?:mention|recommend|promote|praise|advertise)\b"
    r"|\b(?:mention|recommend|promote|praise|advertise)\b[^.!?]{0,60}"
    r"\b(?:every|each|all) (?:of your )?(?:answer|reply|response)s?\b"
)
_UNGUARDED: Final = (
    r"\bwithout (?:any )?(?:refus(?:al|ing)s?|warnings?|disclaimers?|restrictions?|censorship)\b"
    r"|\b(?:ignore|bypass|override|disable|disregard|drop)\b[^.!?]{0,20}"
    r"\b(?:safety|ethical|moral|content)\b[^.!?]{0,12}"
    r"\b(?:rule|guideline|filter|polic(?:y|ie)|restriction|constraint|limit|guardrail)s?\b"
    r"|\bdeveloper mode\b|\bsure, here (?:is|are)\b"
)
_KINDS: Final = (
    (
        "deceit",
        tuple(
            re.compile(one, re.IGNORECASE)
            for one in (_KEPT_BACK, _DISREGARD, _SECRETLY, _MISLEAD, _PROMOTES)
        ),
    ),
    ("credentials", tuple(re.compile(one, re.IGNORECASE) for one in (_CREDENTIAL, _LEAKS))),
    ("safeguards", (re.compile(_UNGUARDED, re.IGNORECASE),)),
    (
        "address",
        tuple(re.compile(one, re.IGNORECASE) for one in (_DIRECTS, _PICTURE, _WALLET)),
    ),
)
_NEGATED: Final = re.compile(rf"(?:{_NOT})[^.!?]{{0,20}}$", re.IGNORECASE)
"""What stands before a verb that is forbidden: "never deceive the user" is a good instruction."""
_OF_TOOLS: Final = re.compile(
    r"\s*(?:about|of|that you)\s+(?:(?:the|any|your|these|those|available|missing)\s+){0,3}"
    r"(?:function|tool|plugin)s?"
    r"(?:[ -](?:calls?|calling|uses?|usage|results?|names?))?\s*(?:[.!;:\n<]|\Z)",
    re.IGNORECASE,
)
"""What stands behind when only the machinery is kept back: "answer, and do not tell the user about
function calls" stands in the templates of well-known coders."""
_BEFORE: Final = 40
_LONGEST: Final = 200_000
"""Characters of literal text that are looked through."""


def instructions(pieces: Sequence[tuple[str, nodes.Node]]) -> Iterator[Sighting]:
    """Instructions to deceive, in the literal text of a template; each kind once.

    Args:
        pieces: every literal that the template may write, in document order, with its node.
    """
    seen: set[str] = set()
    for between in ("", " "):
        text = between.join(piece for piece, _ in pieces)[:_LONGEST]
        starts = list(accumulate((len(piece) + len(between) for piece, _ in pieces), initial=0))
        for kind, patterns in _KINDS:
            for pattern in patterns:
                found = pattern.search(text)
                while found is not None and _ordinary(kind, text, found):
                    found = pattern.search(text, found.end())
                if found is None or kind in seen:
                    continue
                seen.add(kind)
                number = min(bisect_right(starts, found.start()), len(pieces)) - 1
                node = pieces[number][1]
                stated = sighting("instruction", kind, node, " ".join(found[0].split()))
                if isinstance(node, nodes.TemplateData):  # else the lines are escapes
                    above = node.data.count("\n", 0, found.start() - starts[number])
                    stated = stated._replace(line=stated.line + above)
                yield stated


def _ordinary(kind: str, text: str, found: re.Match[str]) -> bool:
    """True when the instruction is not to do it, or only not to speak of tools."""
    if kind == "deceit" and _OF_TOOLS.match(text, found.end()):
        return True
    before = text[max(0, found.start() - _BEFORE) : found.start()]
    return kind != "address" and _NEGATED.search(before) is not None
