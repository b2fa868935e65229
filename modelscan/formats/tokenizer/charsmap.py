"""sentencepiece's compiled rules of normalisation: does one of them write words?

The rules are a trie and, behind it, the texts that are put in the place of what was found, each
ended by a zero byte. The standard rules (NFKC, folded case) write single characters and a few
abbreviations; a rule of one's own can write anything.

Source: sentencepiece, `Normalizer::DecodePrecompiledCharsMap`: 32 bits with the size of the trie,
the trie, the texts.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator
from typing import Final

_SIZE: Final = 4
LARGEST: Final = 16 << 20
"""Bytes; the rules of the standard have 300,000."""
_WORD: Final = re.compile(
    rb"[A-Za-z]{6}|[A-Za-z] [A-Za-z]{2}|://|[A-Za-z0-9]\.(?:com|org|net|io|ai)\b"
)
"""The longest word of the standard rules has five letters."""
_MOST: Final = 20


def words(data: bytes) -> Iterator[str]:
    """The texts with words in them that compiled rules write.

    Args:
        data: the compiled rules.
    """
    if not _SIZE < len(data) <= LARGEST:
        return
    texts = data[_SIZE + int.from_bytes(data[:_SIZE], "little") :]
    if _WORD.search(texts) is None:
        return
    found = [text for text in texts.split(b"\0") if _WORD.search(text)]
    for text in found[:_MOST]:
        yield text[:400].decode("utf-8", "replace")


def words_of_text(text: object) -> Iterator[str]:
    """The same of rules that are written in Base64, as in `tokenizer.json`."""
    if not isinstance(text, str) or len(text) > LARGEST:
        return
    try:
        data = base64.b64decode(text)
    except (binascii.Error, ValueError):
        return
    yield from words(data)
