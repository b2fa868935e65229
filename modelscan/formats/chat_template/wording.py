"""The literal text of a template: characters nobody sees, addresses, and ordinary prose."""

from __future__ import annotations

import binascii
import re
from collections.abc import Iterator
from itertools import pairwise

from jinja2 import nodes

from modelscan.formats.chat_template.sightings import Sighting, sighting

_TAGS = re.compile("[\U000e0000-\U000e007f]+|[\U000e0100-\U000e01ef]{3,}|[\ufe00-\ufe0f]{4,}")
"""Tag characters and long runs of variation selectors: text that models read and people do not."""
_TAG_BASE = 0xE0000
_TAG_LETTERS = frozenset(map(chr, range(_TAG_BASE + 0x20, _TAG_BASE + 0x7F)))
_UNSEEN = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180e\u200b-\u200f\u202a-\u202e"
    "\u2060-\u2064\u2066-\u206f\u2800\u3164\ufeff\uffa0\ufff9-\ufffb\U0001d173-\U0001d17a]"
)
_URL_SAFE = str.maketrans("-_", "+/")
_JOINERS = frozenset("\u200c\u200d")
_MARKS = frozenset("\u200e\u200f")
_URL = re.compile(r"(?:https?|ftp|wss?)://[^\s\"'<>{}|\\^`]{4,}", re.IGNORECASE)
_DOCUMENTATION = ("://json-schema.org", "://example.com", "://example.org", "://www.example.com")
"""Addresses that stand for no server: schema identifiers and the reserved names of RFC 2606."""
_MARKUP = frozenset("<>[]{}|#/\\`*=_@$%^~\u2581\uff5c")
_WORD = re.compile(r"[^\W\d_]{2,}")
_DENSE = re.compile("[\u0e00-\u0e7f\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff]+")
_DENSE_WORDS = 3
"""Words of such a script that are a phrase: names of roles and labels are shorter."""


_MIXED = re.compile(
    r"\b(?=[^\W\d_]*[A-Za-z])(?=[^\W\d_]*[\u0370-\u03ff\u0400-\u052f\u0531-\u0587])[^\W\d_]{4,}\b"
)
"""Words with letters of Latin and of an alphabet that has the same shapes."""
_ENCODED = re.compile(r"[A-Za-z0-9+/_-]{32,}={0,2}")
_PRINTED = re.compile(r"[\w\s.,:;!?'\"()/<>@=-]{20,}")


def unseen(text: str, node: nodes.Node) -> Iterator[Sighting]:
    """Invisible characters, unless the script or an emoji around them needs them."""
    hidden = _TAGS.search(text)
    if hidden is not None:
        meant = "".join(chr(ord(one) - _TAG_BASE) for one in hidden[0] if one in _TAG_LETTERS)
        detail = f"reads: {meant}" if meant else f"{len(hidden[0])} variation selectors"
        if not _is_flag(text, hidden):
            yield sighting("hidden-text", f"U+{ord(hidden[0][0]):04X}", node, detail)
    for found in _UNSEEN.finditer(text):
        if not _needed(text, found.start()):
            around = text[max(0, found.start() - 20) : found.end() + 20]
            yield sighting("invisible-character", f"U+{ord(found[0]):04X}", node, around)
            return


def disguised(text: str, node: nodes.Node) -> Iterator[Sighting]:
    """Words in letters of two alphabets, and text that is written in Base64."""
    mixed = _MIXED.search(text)
    if mixed is not None:
        written = mixed[0].encode("ascii", "backslashreplace").decode()
        yield sighting("hidden-text", "letters of two alphabets", node, f"{mixed[0]}: {written}")
    for found in _ENCODED.finditer(text):
        meant = _decoded(found[0])
        if meant:
            yield sighting("hidden-text", "Base64", node, f"reads: {meant}")
            return


def _decoded(text: str) -> str:
    """What Base64 stands for when that is text with words in it; empty when it is not."""
    plain = text.rstrip("=").translate(_URL_SAFE)
    try:
        meant = binascii.a2b_base64(plain[: len(plain) // 4 * 4]).decode()
    except (binascii.Error, UnicodeDecodeError):
        return ""
    return meant if _PRINTED.fullmatch(meant) and words(meant) > 2 else ""  # noqa: PLR2004  # a phrase


def _is_flag(text: str, hidden: re.Match[str]) -> bool:
    """True for the flags of England, Scotland and Wales: a black flag and up to six tags."""
    start = hidden.start()
    return start > 0 and text[start - 1] == "\U0001f3f4" and len(hidden[0]) <= 7  # noqa: PLR2004  # UTS 51: five or six letters and the end


def _needed(text: str, at: int) -> bool:
    one = text[at]
    before, after = text[at - 1 : at], text[at + 1 : at + 2]
    if one in _JOINERS:  # Indic and Arabic scripts, and joined emoji
        return bool(before and after) and not (before.isascii() or after.isascii())
    if one in _MARKS:  # beside Hebrew or Arabic
        return any("\u0590" <= near <= "\u08ff" for near in (before, after) if near)
    return False


def addresses(text: str, node: nodes.Node) -> Iterator[Sighting]:
    """Web addresses."""
    for found in _URL.finditer(text):
        if not any(known in found[0] for known in _DOCUMENTATION):
            yield sighting("url", found[0], node)


def is_prose(text: str) -> bool:
    """True for words as people write them; markup, control words and punctuation are none."""
    return _WORD.search(text) is not None and _MARKUP.isdisjoint(text)


def words(text: str) -> int:
    """How many words of prose a text has, in runs of at least two.

    Scripts without blanks between words count a word for every two characters.
    """
    dense = sum(len(run) for run in _DENSE.findall(text)) // 2
    if dense >= _DENSE_WORDS:
        return dense
    found = list(_WORD.finditer(text))
    return len(found) if any(b.start() - a.end() <= 2 for a, b in pairwise(found)) else 0  # noqa: PLR2004  # a blank, and perhaps a comma
