"""Exceptions and consents, as they stand in a configuration: each bound, owned, and with an end.

Invariants: an exception binds to bytes (`sha256:` of a file or of a whole model) or to a purl glob,
never to a local name; it ends on a day; and nobody has to guess who decided it, or why.
"""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

import msgspec

from modelscan.vocabulary.rule import Severity

Justification = Literal[
    "component_not_present",
    "vulnerable_code_not_present",
    "vulnerable_code_not_in_execute_path",
    "vulnerable_code_cannot_be_controlled_by_adversary",
    "inline_mitigations_already_exist",
]
"""OpenVEX specification 0.2.0, "Status Justifications"."""

Text = Annotated[str, msgspec.Meta(min_length=1, max_length=1_000, pattern=r"\S")]
Digest = Annotated[str, msgspec.Meta(pattern=r"^sha256:[0-9a-f]{64}$")]
Subject = Annotated[
    str, msgspec.Meta(pattern=r"^(sha256:[0-9a-f]{64}|pkg:[a-z]+/[^/\s]+/\S+)$", max_length=500)
]
"""`sha256:<64 hexadecimal digits>` of a file or a model, or a purl glob with a namespace."""


class Waiver(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="kebab",
    omit_defaults=True,
):  # fmt: skip
    """`[[waiver]]`: a finding that does not count, for a while."""

    rule: Text
    """The rule's id."""
    subject: Subject
    """What it is bound to."""
    path: Text = "*"
    """Glob on the file that the finding is about, inside the model."""
    justification: Justification
    """Why the model is not affected, in OpenVEX's words."""
    reason: Text
    """The same in words of one's own."""
    owner: Text
    """Who answers for it."""
    expires: date
    """The last day on which it holds."""
    even_if_proven_malicious: bool = False
    """Also waive what is proven by digest or signature: bytes on a deny list, a modified release,
    an invalid signature."""


class Approval(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="kebab",
):  # fmt: skip
    """`[[approval]]`: somebody approved exactly these bytes."""

    subject: Digest
    """The model's digest, as reports state it."""
    owner: Text
    reason: Text
    until: date
    """The last day on which it holds."""


class Override(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="kebab",
    omit_defaults=True,
):  # fmt: skip
    """`[[override]]`: another severity for a rule's findings. The answers do not change with it."""

    rule: Text
    severity: Severity
    path: Text = "*"
    """Glob on the file that the finding is about."""
    subject: Subject | None = None
    """Only for these bytes or this model."""
    reason: Text
