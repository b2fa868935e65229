"""The steps around a vocabulary: what they do to text before and after it is cut.

Ordinary steps fold Unicode, mark blanks, change case, and add markers. One that looks for words, or
writes some, puts them into the mouth of whoever asks or answers: nothing shows it, for prompt and
answer pass through it alike.

Source: tokenizers, `normalizers`, `pre_tokenizers`, `processors` and `decoders`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

from modelscan.formats.tokenizer import charsmap

STAGES: Final = ("normalizer", "pre_tokenizer", "post_processor", "decoder")
_LISTS: Final = ("normalizers", "pretokenizers", "processors", "decoders")
_KNOWN: Final = {
    "normalizer": frozenset({
        "BertNormalizer", "ByteLevel", "Lowercase", "NFC", "NFD", "NFKC", "NFKD", "Nmt",
        "Precompiled", "Prepend", "Replace", "Sequence", "Strip", "StripAccents",
    }),
    "pre_tokenizer": frozenset({
        "BertPreTokenizer", "ByteLevel", "CharDelimiterSplit", "Digits", "FixedLength", "Metaspace",
        "Punctuation", "Sequence", "Split", "UnicodeScripts", "Whitespace", "WhitespaceSplit",
    }),
    "post_processor": frozenset({
        "BertProcessing", "ByteLevel", "RobertaProcessing", "Sequence", "TemplateProcessing",
    }),
    "decoder": frozenset({
        "BPEDecoder", "ByteFallback", "ByteLevel", "CTC", "CTCDecoder", "Fuse", "Metaspace",
        "Replace", "Sequence", "Strip", "WordPiece",
    }),
}  # fmt: skip
"""The steps that the library has."""
_MOST: Final = 1_000
_SHOWN: Final = 160
_LONGEST: Final = 4_096
"""Characters of a pattern; longer ones hide what they look for, whatever it is."""
_MARKED: Final = re.compile(r"</?[^<>\s]{0,30}>|\[[A-Z_]{1,20}\]")
_SYNTAX: Final = re.compile(
    r"\\[pP]\{\^?\w+\}|\\x\{?[0-9a-fA-F]+\}?|\\u[0-9a-fA-F]{4}|\\.|\[[^\]]*\]"
    r"|\(\?[a-zA-Z:=!<>-]*|\{[\d,]*\}"
)
"""What in a regular expression stands for no letter, or for any of several."""
_SPELT: Final = re.compile(r"\[(\w)\]|\\x([0-9a-fA-F]{2})|\\u([0-9a-fA-F]{4})")
_TURN: Final = re.compile(r"<[|\uff5c]|\[/?INST|_of_turn>")
"""Markers of a conversation, which nothing but the template may write."""
_WORDS: Final = re.compile(r"[^\W\d_]{3,}")
_SHORT: Final = re.compile(r"[^\W\d_]{2,}")
_ADDRESS: Final = re.compile(r"://|\bwww\.|\w\.(?:com|org|net|io|ai|dev|co|app|sh|xyz)\b")


class Step(NamedTuple):
    """Something that a step does, as `tokenizer.step` says it."""

    stage: Any
    kind: Any
    name: str
    pattern: str = ""
    content: str = ""


def odd_steps(
    document: Mapping[str, Any], numbers: Mapping[str, int], ordinary: frozenset[str]
) -> Iterator[Step]:
    """What the steps of a tokenizer do that ordinary ones do not.

    Args:
        document: with the stages as its keys.
        numbers: of all tokens.
        ordinary: the added tokens, which a post-processor may write.
    """
    for stage in STAGES:
        for step in _flat(document.get(stage)):
            kind = step.get("type")
            name = kind if isinstance(kind, str) else ""
            if name not in _KNOWN[stage]:
                yield Step(stage, "unlisted", name[:_SHOWN])
            elif stage == "post_processor":
                yield from _processed(step, name, numbers, ordinary)
            else:
                yield from _changed(stage, step, name)


def _flat(value: Any) -> Iterator[Mapping[str, Any]]:
    """The steps of a stage, sequences unrolled; a bounded number of them."""
    pending, count = [value], 0
    while pending and count < _MOST:
        step = pending.pop()
        if not isinstance(step, dict):
            continue
        count += 1
        yield step
        for key in _LISTS:
            inner = step.get(key)
            if isinstance(inner, list):
                pending.extend(reversed(inner))


def _changed(stage: str, step: Mapping[str, Any], name: str) -> Iterator[Step]:
    if name == "Replace":
        yield from _replaced(stage, step)
    elif name == "Prepend" and _SHORT.search(_text(step.get("prepend"))):
        text = _text(step.get("prepend"))
        yield Step(stage, _writes(text, "inserts-words"), name, "", text[:_SHOWN])
    elif name == "Strip" and stage == "decoder" and _WORDS.search(_text(step.get("content"))):
        yield Step(stage, "removes-words", name, _text(step.get("content"))[:_SHOWN])
    elif name == "Split" and step.get("behavior") == "Removed" and step.get("invert") is not True:
        pattern, words = _pattern(step.get("pattern"))
        if words:
            yield Step(stage, "removes-words", name, pattern[:_SHOWN])
    elif name == "Precompiled":
        for written in charsmap.words_of_text(step.get("precompiled_charsmap")):
            yield Step(stage, _writes(written, "rewrites-words"), name, "", written[:_SHOWN])
    else:
        yield from _marked(stage, step, name)


def _marked(stage: str, step: Mapping[str, Any], name: str) -> Iterator[Step]:
    """Steps that mark blanks and parts of words: with a word, they write it all over the text."""
    for key in ("replacement", "prefix", "suffix", "word_delimiter_token"):
        text = _MARKED.sub("", _text(step.get(key)))
        if _WORDS.search(text):
            yield Step(stage, _writes(text, "rewrites-words"), name, "", text[:_SHOWN])


def _replaced(stage: str, step: Mapping[str, Any]) -> Iterator[Step]:
    """Blanks, marks and quotation marks are replaced everywhere; words are not."""
    content = _text(step.get("content"))
    pattern, words = _pattern(step.get("pattern"))
    writes = len(content) == _LONGEST or _SHORT.search(_MARKED.sub(" ", content))
    if words or writes or _ADDRESS.search(content) or _TURN.search(content):
        kind = "removes-words" if words and not content.strip() else "rewrites-words"
        yield Step(stage, _writes(content, kind), "Replace", pattern[:_SHOWN], content[:_SHOWN])


def _pattern(value: Any) -> tuple[str, bool]:
    """A pattern as it is written, and whether there are words in it."""
    if not isinstance(value, dict):
        return "", False
    plain, regex = value.get("String"), value.get("Regex")
    if any(isinstance(one, str) and len(one) > _LONGEST for one in (plain, regex)):
        return str(plain or regex)[:_SHOWN], True
    if isinstance(plain, str):
        return plain, _WORDS.search(_MARKED.sub(" ", plain)) is not None
    if isinstance(regex, str):
        return regex, _WORDS.search(_SYNTAX.sub(" ", _plain(regex))) is not None
    return "", False


def _plain(regex: str) -> str:
    """A regular expression with letters that are spelt as something else written as letters."""
    return _SPELT.sub(lambda found: found[1] or chr(int(found[2] or found[3], 16)), regex)


def _processed(
    step: Mapping[str, Any], name: str, numbers: Mapping[str, int], ordinary: frozenset[str]
) -> Iterator[Step]:
    """Markers that are written around the text: are they those that they are said to be?"""
    if name in {"BertProcessing", "RobertaProcessing"}:
        for key in ("cls", "sep"):
            pair = step.get(key)
            if isinstance(pair, list) and len(pair) == 2:  # noqa: PLR2004  # a token and its number
                yield from _written(name, [pair[0]], [pair[1]], numbers)
        return
    specials = step.get("special_tokens")
    if name != "TemplateProcessing" or not isinstance(specials, dict):
        return
    used = {
        piece["SpecialToken"].get("id")
        for key in ("single", "pair")
        for piece in _list(step.get(key))
        if isinstance(piece, dict) and isinstance(piece.get("SpecialToken"), dict)
    }
    for key, special in list(specials.items())[:_MOST]:
        if key not in used or not isinstance(special, dict):
            continue
        tokens, ids = _list(special.get("tokens")), _list(special.get("ids"))
        yield from _written(name, tokens, ids, numbers)
        text = "".join(one for one in tokens if isinstance(one, str) and one not in ordinary)
        if _WORDS.search(_MARKED.sub(" ", text)) and (len(tokens) > 1 or " " in text.strip()):
            yield Step("post_processor", _writes(text, "inserts-words"), name, "", text[:_SHOWN])


def _written(
    name: str, tokens: list[Any], ids: list[Any], numbers: Mapping[str, int]
) -> Iterator[Step]:
    """A token that is written under the number of another one."""
    for token, number in zip(tokens, ids, strict=False):
        own = numbers.get(token) if isinstance(token, str) else None
        if own is not None and type(number) is int and own != number:
            detail = f"{number} instead of {own}"
            yield Step("post_processor", "inserts-other-token", name, token[:_SHOWN], detail)
            return
    if len(ids) > len(tokens):
        detail = f"{len(ids)} numbers for {len(tokens)} tokens"
        yield Step("post_processor", "inserts-other-token", name, "", detail)


def _writes(text: str, otherwise: str) -> str:
    return "rewrites-address" if _ADDRESS.search(text) else otherwise


def _text(value: Any) -> str:
    """A text as it is judged; what stands behind the beginning of a long one says no more."""
    return value[:_LONGEST] if isinstance(value, str) else ""


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
