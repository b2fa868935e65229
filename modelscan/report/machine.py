"""What every document for machines is made of: inert bounded text, and stable hashes.

Text is escaped visibly, not only as the format demands: tools that import a document copy its
strings into web pages, logs and other formats, where a control character or a lone surrogate is not
allowed.

Invariant: a report that was written as JSON and read back gives the same bytes. Lone surrogates,
which only a fresh scan can hold, hash as the escapes that JSON text shows instead of them.
"""

from __future__ import annotations

import hashlib
from typing import Any

from modelscan.report.jsontext import encode
from modelscan.report.text import ELLIPSIS, inert
from modelscan.vocabulary.result import Report

Json = dict[str, Any]

LONGEST_NAME = 4_096
"""Characters; Linux paths end here."""
LONGEST_PROSE = 2_000
_LONGEST_SOURCE = 8 * LONGEST_PROSE
"""Characters that are looked at, since most of a text may be blanks."""


def representable(value: str) -> str:
    """The text as a JSON report holds it: lone surrogates are escapes."""
    return value if value.isascii() else value.encode(errors="backslashreplace").decode()


def text(value: str, longest: int = LONGEST_PROSE) -> str:
    """Inert text, cut when it is longer than any honest one."""
    value = representable(value)
    return inert(value if len(value) <= longest else value[: longest - 1] + ELLIPSIS)


def prose(value: str) -> str:
    """Inert text on one line: rules and waivers are written in paragraphs, wrapped by hand."""
    return text(" ".join(representable(value)[:_LONGEST_SOURCE].split()))


def paragraphs(value: str) -> str:
    """Inert text that keeps its paragraphs, for formats that have room for them."""
    parts = representable(value)[:_LONGEST_SOURCE].replace("\r\n", "\n").split("\n\n")
    return "\n\n".join(part for part in map(prose, parts) if part)


def name(value: str) -> str:
    """An inert name; never empty, which importers refuse."""
    return text(value, LONGEST_NAME) or "."


def compact(parts: Json) -> Json:
    """The same object without its empty members, which most schemas forbid."""
    return {key: value for key, value in parts.items() if value not in (None, "", [], {})}


def stable(*parts: str) -> str:
    """SHA-256 over the parts, hexadecimal: the same for the same thing in every run."""
    # NUL cannot occur in a path or a digest: it keeps the parts apart.
    return hashlib.sha256(representable("\0".join(parts)).encode()).hexdigest()


def fingerprint(report: Report) -> str:
    """SHA-256 over all that a report holds, hexadecimal; the order of its members is no part."""
    return hashlib.sha256(encode(report, fields=True)).hexdigest()


def stable_uuid(*parts: str) -> str:
    """A version 5 UUID (RFC 9562) of the parts, for formats that want one."""
    import uuid  # lazy: it looks at the platform, which every other report would pay for

    return str(uuid.uuid5(uuid.NAMESPACE_OID, stable(*parts)))
