"""JSON documents that are too long to be parsed, such as boosted trees of hundreds of megabytes.

Invariant: a document in which none of the words stands that a reader looks for says nothing to that
reader, however long it is; one in which a word stands is not read, and says so.
"""

from __future__ import annotations

import re
from typing import Final

from modelscan.budget import Budget
from modelscan.vocabulary.artifact import CHUNK, Artifact, stream

SPELLING: Final = rb"\\u00(?:4[1-9a-fA-F]|5[0-9aAfF]|6[1-9a-fA-F]|7[0-9aA])"
"""An escape of a letter or underscore. No writer of JSON escapes those."""
_SPELT: Final = re.compile(SPELLING)
_ESCAPE: Final = b"\\u00"
_OVERLAP: Final = 256
_BLANKS: Final = bytes.maketrans(b"\t\r\n", b"   ")
_LONG: Final = b" " * 64
_LONG_BLANK: Final = re.compile(rb"[ \t\r\n]{64,}+")
_STEP: Final = 1000


def mentions(artifact: Artifact, words: re.Pattern[bytes], budget: Budget) -> bool:
    """True when a word stands somewhere in a document, or an escape that may spell one.

    Args:
        artifact: the document.
        words: what is looked for: at most 100 bytes, beside blanks in two places.
        budget: pays for the search.
    """
    kept = b""
    for piece in stream(artifact, 0, CHUNK):
        budget.step(len(piece) // _STEP)
        whole = kept + piece
        if _LONG in whole.translate(_BLANKS):
            whole = _LONG_BLANK.sub(b" ", whole)
        if words.search(whole) or (_ESCAPE in whole and _SPELT.search(whole)):
            return True
        kept = whole[-_OVERLAP:]
    return False
