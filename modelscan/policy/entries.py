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


Code = Annotated[
    str,
    msgspec.Meta(pattern=r"^(sha256:[0-9a-f]{64}|[\w.-]+/[\w.-]+@[0-9a-f]{40})$", max_length=300),
]
"""`sha256:<64 hexadecimal digits>`, or a repository at a full commit."""
Name = Annotated[str, msgspec.Meta(pattern=r"^[^\s.]+(\.[^\s.]+)+$", max_length=500)]
"""`module.qualname`."""


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


class Consent(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="kebab",
    omit_defaults=True,
):  # fmt: skip
    """`[[consent]]`: exactly this code may run, or exactly this name may be unpickled."""

    remote_code: Code | None = None
    """The fingerprint of all code that the model asks for, or `owner/name@<commit>`: a repository
    whose code is loaded at that commit."""
    pickled_name: Name | None = None
    """`module.qualname`, as the finding states it."""
    subject: Subject | None = None
    """What it is bound to; a pickled name needs it."""
    model: Text | None = None
    """The model's name: with other code under this name, the consent is said to be withdrawn. It
    grants nothing."""
    owner: Text
    """Who answers for it."""
    reason: Text
    """What was reviewed."""
    until: date
    """The last day on which it holds."""

    def __post_init__(self) -> None:
        """A consent is to one thing, and never to a name in whatever file."""
        if (self.remote_code is None) == (self.pickled_name is None):
            raise ValueError("a consent names either remote-code or pickled-name")
        if self.pickled_name is not None and self.subject is None:
            raise ValueError("consent to a pickled name needs a subject: a digest, or a purl glob")


class Pin(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="kebab",
    omit_defaults=True,
):  # fmt: skip
    """`[[pin]]`: what a model was when it was used first. A change is a finding."""

    model: Text
    """The model's name, without its revision: `hf:org/name`, or the name of a folder."""
    signer: Text | None = None
    """Who had signed it; without this line nobody had."""
    templates: tuple[Digest, ...] = ()
    """The digests of its chat templates."""
    owner: Text
    """Who answers for it."""
    since: date
    """The day on which it was recorded."""


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
