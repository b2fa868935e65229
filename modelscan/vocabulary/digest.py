"""Digest algorithms: which ones prove something, and the digests of a model and of its code."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

import msgspec

STRONG = ("sha256", "sha384", "sha512", "blake2b", "blake3")
"""Algorithms whose equality proves equal bytes. SHA-1, MD5 and shortened digests never do."""


def model_digest(files: Iterable[tuple[str, int, str]]) -> str:
    """The identity of a model: `sha256:` over its sorted `[name, size, sha256]` rows.

    Names are part of it: two models that hold the same bytes under swapped names differ, which the
    root digest of OpenSSF Model Signing does not notice (it concatenates the digests only).

    Args:
        files: name, size in bytes, and hexadecimal SHA-256 of each file.
    """
    return "sha256:" + hashlib.sha256(_ascii_json(sorted(files))).hexdigest()


def _ascii_json(rows: list[tuple[str, int, str]]) -> bytes:
    """JSON without blanks, in ASCII: the one spelling that a digest is over.

    msgspec is several times quicker, and spells what needs no escape in the same way.
    """
    try:
        text = msgspec.json.encode(rows)
        if text.isascii() and b"\\" not in text and b"\x7f" not in text:
            return text
    except UnicodeEncodeError:
        pass
    import json  # lazy: hardly a name needs it

    return json.dumps(rows, ensure_ascii=True, separators=(",", ":")).encode()


MODULES = (".py", ".pyc", ".pyd", ".pyw", ".so")
"""Extensions of what Python can import from a folder."""


def is_module(path: str) -> bool:
    """True for a file that a loader which trusts a model's code could import."""
    return path.lower().endswith(MODULES)


def code_digest(files: Iterable[tuple[str, str]], elsewhere: Iterable[str] = ()) -> str:
    """The identity of a model's code: what consent is given to, and what a lock holds.

    Every module counts, and not only the one that a configuration names: what a module imports
    while it runs is not decidable, and a change to code that nobody imports costs one more look.

    Args:
        files: name and hexadecimal SHA-256 of each file; those that are no modules are left out.
        elsewhere: references to code that is not among them.

    Returns:
        `sha256:` over both, sorted; empty when there is no code.
    """
    rows = sorted([name, sha256] for name, sha256 in files if is_module(name))
    others = sorted(elsewhere)
    if not rows and not others:
        return ""
    import json  # lazy: hardly a model has code

    whole = json.dumps([rows, others])  # ASCII, unambiguous
    return "sha256:" + hashlib.sha256(whole.encode()).hexdigest()
