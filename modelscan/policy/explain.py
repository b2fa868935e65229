"""A policy in plain lines: each setting, its value, and the file and line that it comes from."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import msgspec

from modelscan.policy.layers import Policy
from modelscan.policy.limits import days_left
from modelscan.policy.profile import Profile


class Line(NamedTuple):
    """One line."""

    name: str
    """The setting, as a configuration writes it."""
    value: Any
    origin: str
    """Where it comes from; `built in` for what no layer says."""
    note: str = ""
    """What a reader should know: an exception that has ended."""


_FIELDS = {
    "fail-on.severity": "fail_severity",
    "fail-on.confidence": "fail_confidence",
    "persona": "persona",
    "answers.load-hazards.fail": "fail_hazards",
    "answers.official-bytes.fail": "fail_official",
    "answers.official-bytes.incomplete": "incomplete_official",
    "answers.signed.fail": "fail_signed",
    "answers.signed.incomplete": "incomplete_signed",
    "answers.descends-from.fail": "fail_descent",
    "answers.descends-from.incomplete": "incomplete_descent",
    "signers": "signers",
    "endpoints": "endpoints",
    "max-age-days": "max_age_days",
    "max-waiver-days": "max_waiver_days",
}
_TABLES = {
    "requirements": "requirements",
    "fine-tune-requirements": "fine_tune_requirements",
    "publishers": "publishers",
    "formats": "formats",
    "licences": "licences",
    "licence-restrictions": "licence_restrictions",
    "fine-tunes": "relations",
    "bases": "bases",
}


def explain(policy: Policy) -> Iterator[Line]:
    """Every line of the effective policy that says something."""
    profile, origins = policy.profile, policy.origins
    for name, field in _FIELDS.items():
        value = getattr(profile, field)
        if value not in {(), None}:
            origin = origins.get(tuple(name.split(".")), "built in")
            yield Line(name, list(value) if isinstance(value, tuple) else value, origin)
    if ("autonomy",) in origins:
        yield Line("autonomy", profile.autonomy, origins["autonomy",])
    raised = origins.get(("autonomy",), "built in")
    for table, field in _TABLES.items():
        for name, level in sorted(getattr(profile, field).items()):
            yield Line(f"{table}.{name}", level, origins.get((table, name), raised))
    for document in policy.documents:
        for name in document.configuration.advisories:
            yield Line("advisories", name, document.origin(("advisories",)))
    yield from _exceptions(profile, policy)
    for floor in profile.floors:
        yield Line("floor", floor.name, floor.digest)


def _exceptions(profile: Profile, policy: Policy) -> Iterator[Line]:
    ends = {
        "waiver": "expires", "approval": "until", "consent": "until", "pin": "", "override": "",
    }  # fmt: skip
    for kind, end in ends.items():
        for index, entry in enumerate(getattr(profile, f"{kind}s")):
            over = bool(end) and days_left(getattr(entry, end)) < 0
            value = msgspec.to_builtins(entry)
            yield Line(kind, value, policy.origins[kind, str(index)], "ended" if over else "")
