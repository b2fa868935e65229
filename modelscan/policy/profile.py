"""Profiles: what a policy asks for. `default` fails on bad news, `production` also on no good news.

A profile is data: settings by key, as a configuration writes them. `build` turns merged settings
into a `Profile`, the form that the gate reads. Absent settings are those of `default`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any, Literal, get_args

import msgspec

from modelscan.policy.entries import Approval, Consent, Override, Pin, Waiver
from modelscan.policy.levels import Level, Strictness
from modelscan.vocabulary.rule import Confidence, Persona, Severity

Autonomy = Literal["none", "read", "act"]
Requirement = Literal[
    "hashes-verified", "signed", "revision-pinned", "base-model-declared", "base-model-confirmed",
    "base-revision-named", "licence-allowed", "card-present", "author-named", "datasets-named",
    "method-named", "contact-named", "coverage-complete", "no-remote-code", "approved",
]  # fmt: skip
REQUIREMENTS: tuple[Requirement, ...] = get_args(Requirement)

Key = tuple[str, ...]
"""Where a setting stands in a configuration: `("fail-on", "severity")`."""
Settings = dict[Key, Any]

TABLES = (
    "requirements", "fine-tune-requirements", "publishers", "formats", "licences",
    "licence-restrictions", "fine-tunes", "bases",
)  # fmt: skip
"""Settings that give names a level; lines of several layers are merged name by name."""


class Profile(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The lines of a policy that the gate reads."""

    name: str
    fail_severity: Severity
    """Findings of at least this severity fail ..."""
    fail_confidence: Confidence
    """... when they are at least this certain."""
    fail_official: tuple[str, ...]
    """Statuses of "official bytes?" that fail."""
    fail_signed: tuple[str, ...]
    """Statuses of "signed by whom?" that fail."""
    fail_hazards: tuple[str, ...] = ()
    """Statuses of "load hazards?" that fail, whatever the findings say."""
    fail_descent: tuple[str, ...] = ()
    """Statuses of "descends from what?" that fail."""
    incomplete_official: tuple[str, ...] = ()
    """Statuses that make the model incomplete, by answer."""
    incomplete_signed: tuple[str, ...] = ("error",)
    incomplete_descent: tuple[str, ...] = ()
    persona: Persona = "regular"
    """Whose findings are shown."""
    requirements: dict[str, Strictness] = {}
    """What every model must have."""
    fine_tune_requirements: dict[str, Strictness] = {}
    """What a community fine-tune must have, too: a model that was made from another one, and that
    is no known release."""
    max_age_days: int | None = None
    """How old such a model may be."""
    publishers: dict[str, Level] = {}
    formats: dict[str, Level] = {}
    licences: dict[str, Level] = {}
    licence_restrictions: dict[str, Level] = {}
    """By what a licence restricts."""
    relations: dict[str, Level] = {}
    """`[fine-tunes]`: by the relation to the base."""
    bases: dict[str, Level] = {}
    """By the base that the model says it was made from."""
    signers: tuple[str, ...] = ()
    """Globs of signers that `signed` accepts; none means every trusted one."""
    endpoints: tuple[str, ...] = ()
    """Hubs beside the public one whose word counts for who publishes what."""
    max_waiver_days: int = 365
    """How far ahead a waiver or approval may end; 0 allows none."""
    autonomy: Autonomy = "none"
    """What models may do on their own; `contain` requires more of a deployment for more of it."""
    overrides: tuple[Override, ...] = ()
    waivers: tuple[Waiver, ...] = ()
    approvals: tuple[Approval, ...] = ()
    consents: tuple[Consent, ...] = ()
    pins: tuple[Pin, ...] = ()
    advisories: tuple[str, ...] = ()
    """Digests of the folders of advisories; what they say is kept apart, it may be large."""
    floors: tuple[Profile, ...] = ()
    """Policies that the model must satisfy as well, whatever this one says."""

    @property
    def digest(self) -> str:
        """SHA-256 over the policy's lines: names in reports may be reused, digests may not."""
        return "sha256:" + hashlib.sha256(msgspec.json.encode(self, order="sorted")).hexdigest()

    def without_demands(self) -> Profile:
        """The policy without what it asks of models, for what is none: code, and deployments.

        Severities, waivers and overrides stay.
        """
        return msgspec.structs.replace(
            self,
            fail_official=(),
            fail_signed=(),
            fail_hazards=(),
            fail_descent=(),
            incomplete_official=(),
            incomplete_signed=(),
            incomplete_descent=(),
            requirements={},
            fine_tune_requirements={},
            publishers={},
            formats={},
            licences={},
            licence_restrictions={},
            relations={},
            bases={},
            floors=tuple(floor.without_demands() for floor in self.floors),
        )


_BASIC: Settings = {
    ("fail-on", "severity"): "high",
    ("fail-on", "confidence"): "medium",
    ("answers", "official-bytes", "fail"): ("modified", "denied", "error"),
    ("answers", "signed", "fail"): ("invalid-signature",),
    ("answers", "signed", "incomplete"): ("error",),
}

PROFILES: dict[str, Settings] = {
    # Bad news alone: unknown, unsigned and merely claimed are no violations.
    "default": _BASIC,
    # Bad news from a lower threshold on, and no code of strangers.
    "strict": _BASIC
    | {
        ("fail-on", "severity"): "medium",
        ("persona",): "pedantic",
        ("requirements", "no-remote-code"): "fail",
        ("requirements", "base-model-declared"): "warn",
        ("requirements", "licence-allowed"): "warn",
        ("requirements", "card-present"): "warn",
        ("fine-tunes", "unrelated"): "deny",
        ("fine-tunes", "abliteration-like"): "warn",
    },
    # The absence of good news, too: what is deployed must be known.
    "production": _BASIC
    | {
        ("requirements", "hashes-verified"): "fail",
        ("requirements", "revision-pinned"): "fail",
        ("requirements", "base-model-declared"): "fail",
        ("requirements", "licence-allowed"): "fail",
        ("requirements", "card-present"): "fail",
        ("requirements", "no-remote-code"): "fail",
        ("fine-tune-requirements", "author-named"): "fail",
        ("fine-tune-requirements", "base-revision-named"): "fail",
        ("fine-tune-requirements", "datasets-named"): "fail",
        ("fine-tune-requirements", "method-named"): "fail",
        ("fine-tune-requirements", "contact-named"): "fail",
        ("fine-tunes", "unrelated"): "deny",
        ("fine-tunes", "abliteration-like"): "deny",
    },
    # Everything is named; the outcome is that of `default`.
    "audit": _BASIC
    | {("persona",): "auditor"}
    | {("requirements", name): "warn" for name in REQUIREMENTS},
}
"""The built-in profiles."""

AUTONOMY: dict[Autonomy, tuple[Requirement, ...]] = {
    "none": (),
    "read": ("hashes-verified", "no-remote-code"),
    "act": (
        "hashes-verified", "no-remote-code", "signed", "revision-pinned", "base-model-confirmed",
        "approved",
    ),
}  # fmt: skip
"""What a model must have, by what it may do on its own: nothing, read, or act."""


def build(
    name: str,
    settings: Mapping[Key, Any],
    *,
    waivers: Iterable[Waiver] = (),
    approvals: Iterable[Approval] = (),
    consents: Iterable[Consent] = (),
    pins: Iterable[Pin] = (),
    overrides: Iterable[Override] = (),
    floors: Iterable[Profile] = (),
) -> Profile:
    """The profile that merged settings describe."""
    tables: dict[str, dict[str, Any]] = {table: {} for table in TABLES}
    for key, level in settings.items():
        if key[0] in tables:
            tables[key[0]][key[1]] = level
    requirements = tables["requirements"]
    for needed in AUTONOMY[settings.get(("autonomy",), "none")]:
        requirements[needed] = "fail"
    return Profile(
        name=name,
        fail_severity=settings["fail-on", "severity"],
        fail_confidence=settings["fail-on", "confidence"],
        fail_official=_answer(settings, "official-bytes", "fail"),
        fail_signed=_answer(settings, "signed", "fail"),
        fail_hazards=_answer(settings, "load-hazards", "fail"),
        fail_descent=_answer(settings, "descends-from", "fail"),
        incomplete_official=_answer(settings, "official-bytes", "incomplete"),
        incomplete_signed=_answer(settings, "signed", "incomplete"),
        incomplete_descent=_answer(settings, "descends-from", "incomplete"),
        persona=settings.get(("persona",), "regular"),
        requirements=requirements,
        fine_tune_requirements=tables["fine-tune-requirements"],
        publishers=tables["publishers"],
        formats=tables["formats"],
        licences=tables["licences"],
        licence_restrictions=tables["licence-restrictions"],
        relations=tables["fine-tunes"],
        bases=tables["bases"],
        signers=tuple(settings.get(("signers",), ())),
        endpoints=tuple(settings.get(("endpoints",), ())),
        max_age_days=settings.get(("max-age-days",)),
        max_waiver_days=settings.get(("max-waiver-days",), 365),
        autonomy=settings.get(("autonomy",), "none"),
        overrides=tuple(overrides),
        waivers=tuple(waivers),
        approvals=tuple(approvals),
        consents=tuple(consents),
        pins=tuple(pins),
        floors=tuple(floors),
    )


def _answer(settings: Mapping[Key, Any], answer: str, outcome: str) -> tuple[str, ...]:
    return tuple(settings.get(("answers", answer, outcome), ()))


DEFAULT = build("default", PROFILES["default"])
"""Passes ordinary good models: unknown, unsigned and merely claimed are no violations."""
