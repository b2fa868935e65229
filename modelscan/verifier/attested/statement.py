"""In-toto statements of any kind: what they are about, and whether they speak of its origin.

Sources: in-toto Statement v1 and v0.1, SLSA provenance v0.2 and v1.

Invariants: a subject counts by its digest and never by its name; only strong digests count; a
statement of a kind that says nothing of origin (a test that failed, a bill of materials) never
becomes a signature, whoever signed it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from modelscan.verifier.oms.failures import BrokenSignatureError
from modelscan.verifier.oms.shape import document, items, table, text
from modelscan.verifier.release import COMPARED, DIGITS

_TYPES = ("https://in-toto.io/Statement/v1", "https://in-toto.io/Statement/v0.1")
_ORIGIN: Mapping[str, str] = {
    "https://slsa.dev/provenance/v1": "SLSA provenance",
    "https://slsa.dev/provenance/v0.2": "SLSA provenance",
    "https://in-toto.io/attestation/release/v0.1": "in-toto release",
}
"""Kinds of statements by which the signer says that the subjects are theirs, and our names."""
_MOST_SUBJECTS = 100_000
_HEXADECIMAL = re.compile(r"[0-9a-f]+")
_LONGEST_NAME = 200


class Subject(NamedTuple):
    """Something that a statement is about."""

    name: str
    """As the signer calls it; empty when it has none."""
    digests: Mapping[str, str]
    """Hexadecimal, by algorithm; strong ones alone."""


class AnyStatement(NamedTuple):
    """A statement whose shape is right."""

    kind: str
    """Its predicate type, a URI."""
    subjects: tuple[Subject, ...]
    predicate: Mapping[str, Any]

    @property
    def origin(self) -> str:
        """What it says of origin, in our words; empty when it says nothing."""
        return _ORIGIN.get(self.kind, "")

    @property
    def builder(self) -> str:
        """The builder that a provenance names; the signer's word, empty when there is none."""
        details = self.predicate.get("runDetails", self.predicate)
        builder = details.get("builder") if isinstance(details, dict) else None
        name = builder.get("id") if isinstance(builder, dict) else None
        return name[:_LONGEST_NAME] if isinstance(name, str) else ""


def parse_any(payload: bytes) -> AnyStatement:
    """Read an in-toto statement.

    Raises:
        BrokenSignatureError: it is none, or can be read in two ways.
    """
    root = document(payload, "the statement")
    if root.get("_type") not in _TYPES:
        raise BrokenSignatureError("not an in-toto statement of a known version")
    listed = items(root.get("subject"), "subject", least=1, most=_MOST_SUBJECTS)
    return AnyStatement(
        text(root.get("predicateType"), "predicateType"),
        tuple(_subject(item) for item in listed),
        table(root.get("predicate") or {}, "predicate"),
    )


def _subject(item: Any) -> Subject:
    stated = table(item, "a subject")
    name = stated.get("name", "")
    digests = table(stated.get("digest") or {}, "a subject's digest")
    return Subject(
        name if isinstance(name, str) else "",
        {
            algorithm: digests[algorithm]
            for algorithm in COMPARED
            if isinstance(digests.get(algorithm), str)
            and len(digests[algorithm]) == DIGITS[algorithm]
            and _HEXADECIMAL.fullmatch(digests[algorithm])
        },
    )
