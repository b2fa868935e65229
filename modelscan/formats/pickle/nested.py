"""Bytes that a pickle hands to a loader of pickles: artifacts of their own, to be read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from modelscan.formats.pickle.ledger import NESTED, Ledger
from modelscan.formats.pickle.literals import unescaped_text
from modelscan.formats.pickle.special import BUFFERS, NESTED_AT
from modelscan.formats.pickle.values import Call, Container, Global, Literal, Value
from modelscan.formats.pickle.window import Blob
from modelscan.vocabulary.artifact import Artifact, BytesArtifact, SliceArtifact, child_name

PLAIN_CODECS: Final = frozenset({b"latin1", b"latin-1", b"iso-8859-1", b"ascii", b"utf-8", b"utf8"})
"""Encodings that only store text as bytes, as pickles of protocols 0 to 2 do."""


def nested_artifact(
    ledger: Ledger, function: str, arguments: Sequence[Value], at: int
) -> Artifact | None:
    """The bytes that a nested loader is given; `None` when they are computed.

    Raises:
        BudgetError: they are nested too deeply, or too long to be decoded.
    """
    parent, member = ledger.artifact, f"{NESTED}{at}"
    place = NESTED_AT.get(function, 0)
    source = arguments[place] if len(arguments) > place else None
    ledger.budget.depth(parent.depth + 1)
    data: bytes | None = None
    if isinstance(source, Call):
        source = _buffered(source)
    if isinstance(source, Call):
        data = encoded(ledger, source)
    elif isinstance(source, Literal) and not source.text:
        if isinstance(source.content, Blob):
            return SliceArtifact(parent, *source.content, member)
        data = source.content
    if data is None:
        return None
    return BytesArtifact(
        parent.name, data, member=child_name(parent, member), depth=parent.depth + 1
    )


def _buffered(source: Call) -> Value:
    """The content of an `io.BytesIO`, which is in its arguments or in its state; else the call."""
    function, state = source.function, source.state
    if not isinstance(function, Global) or function.callable not in BUFFERS:
        return source
    if isinstance(state, tuple | Container) and state:
        return state[0]
    return source.arguments[0] if source.arguments else None


def encoded(ledger: Ledger, source: Call) -> bytes | None:
    """The bytes that `_codecs.encode(text, codec)` makes of a literal text; none are `bytes()`."""
    function = source.function
    if not isinstance(function, Global):
        return None
    if function.callable == "builtins.bytes" and source.kept and not source.arguments:
        return b""
    if function.callable != "_codecs.encode" or not source.arguments:
        return None
    text, codec = source.arguments[0], (*source.arguments, b"utf-8")[1]
    if isinstance(text, Literal) and isinstance(text.content, Blob):
        ledger.budget.header(text.content.length)
        stored = ledger.artifact.read_at(*text.content)
        text = unescaped_text(stored) if text.escaped else stored
    if not isinstance(text, bytes) or not isinstance(codec, bytes):
        return None
    try:
        return text.decode("utf-8", "surrogatepass").encode(codec.decode("ascii"))
    except (UnicodeError, LookupError):
        return None
