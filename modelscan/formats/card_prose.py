"""What a model card says below its metadata: who made the model, how, from what, and whom to ask.

Only that something is said is stated, with its first words; nothing is made of the words. Headings
and labels are those of the hub's card template and of what training programs write. A section that
holds nothing but a placeholder says nothing.

Invariants: at most `_LONGEST` bytes are read, line by line, each cut; every claim stands once.

Source: Hugging Face, "Annotated Model Card Template" (Model Card Authors, Model Card Contact,
Developed by, Training Procedure); cards of transformers, TRL, PEFT, axolotl and mergekit.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal, NamedTuple

Said = Literal["author", "contact", "training-data", "method", "base-revision"]

_LONGEST = 256 << 10
"""Bytes of prose that are read."""
_WIDEST = 500
"""Characters of a line that are looked at; lines of a card's prose are paragraphs."""
_SHOWN = 200
_HEADING = re.compile(r"\s{0,3}(#{1,6})\s+(\S.*)")
_LABEL = re.compile(
    r"[ \t]{0,8}(?:[-*|][ \t]{0,4})?\*{0,2}([A-Za-z][A-Za-z ()\[\]/-]{2,40}?) ?\*{0,2} ?[:|]"
    r" ?\*{0,2}[ \t]{0,4}(\S.*)"
)
_ASIDE = re.compile(r"\[optional\]|\(optional\)", re.IGNORECASE)
_TEMPLATE = re.compile(r"more information needed|needs? more information", re.IGNORECASE)
"""What the template puts where something is to be filled in; a label beside it says nothing."""
_PLACEHOLDER = re.compile(
    r"\bn/?a\b|\btbd\b|\btodo\b|coming soon|\bunknown\b|\bnone\b|<!--.*?-->|<[^<>]{0,200}>|`{3}\w*",
    re.IGNORECASE,
)
_WORD = re.compile(r"[^\W_]{2,}")
_REVISION = re.compile(
    r"(?:huggingface\.co|hf\.co)/([\w.-]{1,96}/[\w.-]{1,96})/(?:tree|commit|blob|resolve)/"
    r"([0-9a-f]{40})|([\w.-]{1,96}/[\w.-]{1,96})@([0-9a-f]{40})"
)

_SECTIONS: tuple[tuple[Said, re.Pattern[str]], ...] = (
    ("author", re.compile(r"(?:model card )?(?:authors?|developers?|maintainers?|creators?)")),
    ("contact", re.compile(r"(?:model card )?contact(?:s| us| information| details)?|support")),
    ("training-data", re.compile(
        r"(?:training|fine-? ?tuning)(?: and evaluation)? data(?:sets?)?",
    )),
    ("method", re.compile(
        r"(?:training|fine-? ?tuning|merge|quanti[sz]ation|distillation|alignment)"
        r"(?: (?:procedures?|details?|methods?|recipe|setup|process|hyper-?parameters?"
        r"|configuration|params|parameters|regime))?(?: and .{1,40})?"
        r"|how (?:it|the model) was (?:trained|made)|merge method|methodology|configuration",
    )),
)  # fmt: skip
_LABELS: dict[str, Said] = {
    "developed by": "author", "author": "author", "authors": "author", "creator": "author",
    "shared by": "author", "developer": "author", "developers": "author", "maintainer": "author",
    "fine-tuned by": "author", "finetuned by": "author", "trained by": "author",
    "contact": "contact", "point of contact": "contact", "e-mail": "contact", "email": "contact",
    "training data": "training-data", "trained on": "training-data",
    "training method": "method", "method": "method", "fine-tuning method": "method",
    "training procedure": "method", "merge method": "method", "quantization method": "method",
}  # fmt: skip


class Statement(NamedTuple):
    """Something that a card says."""

    what: Said
    words: str
    """The first words of it; for a revision the commit."""


def statements(data: bytes) -> Iterator[Statement]:
    """What the prose says, each kind once.

    Args:
        data: the card, or its part below the metadata.
    """
    text = data[:_LONGEST].decode("utf-8", "replace")
    seen = set[str]()
    for found in _all(text):
        if found.what not in seen:
            seen.add(found.what)
            yield found


def _all(text: str) -> Iterator[Statement]:
    section: Said | None = None
    level = 0
    for full in text.splitlines():
        line = full[:_WIDEST]
        heading = _HEADING.fullmatch(line)
        if heading:
            depth, named = len(heading[1]), _section(heading[2])
            if named is not None or depth <= level:
                section, level = named, depth
            continue
        words = _words(line)
        if section is not None and words:
            yield Statement(section, words)
        label = _LABEL.match(line)
        if label:
            said = _LABELS.get(_ASIDE.sub("", label[1]).strip().lower())
            words = _words(label[2])
            if said is not None and words:
                yield Statement(said, words)
        for found in _REVISION.finditer(line):
            yield Statement("base-revision", f"{found[1] or found[3]}@{found[2] or found[4]}")


def _section(heading: str) -> Said | None:
    plain = _ASIDE.sub("", heading).strip(" :*#_").lower()
    return next((said for said, named in _SECTIONS if named.fullmatch(plain)), None)


def _words(line: str) -> str:
    """The line, when it says something beside placeholders and markup."""
    if _TEMPLATE.search(line):
        return ""
    rest = _PLACEHOLDER.sub(" ", line)
    return " ".join(line.split())[:_SHOWN] if _WORD.search(rest) else ""
