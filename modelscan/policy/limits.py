"""What a policy may not say: less than its floor, or an exception without an end in sight."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from typing import Any

from modelscan.errors import UsageError, did_you_mean
from modelscan.policy.clock import today
from modelscan.policy.levels import level_of, rank
from modelscan.policy.profile import AUTONOMY, TABLES, Key, Profile, Settings
from modelscan.vocabulary.rule import CONFIDENCES, SEVERITIES


def looser(key: Key, value: Any, floor: Settings) -> bool:
    """True when a setting passes more than the floor's settings do.

    This finds lines that contradict the floor, to name them. It need not find all: the gate holds
    every model against the floor as well.
    """
    if key[0] in TABLES:
        table = {at[1]: level for at, level in floor.items() if at[0] == key[0]}
        return rank(value) < rank(level_of(table, key[1]))
    compare = _LOOSER.get((key[0], key[-1]))
    return key in floor and compare is not None and compare(value, floor[key])


_LOOSER: dict[tuple[str, str], Callable[[Any, Any], bool]] = {
    ("fail-on", "severity"): lambda value, least: _after(SEVERITIES, value, least),
    ("fail-on", "confidence"): lambda value, least: _after(CONFIDENCES, value, least),
    ("answers", "fail"): lambda value, least: not set(least) <= set(value),
    ("signers", "signers"): lambda value, least: bool({*least} and ({*value} or {""}) - {*least}),
    ("endpoints", "endpoints"): lambda value, least: not set(value) <= set(least),
    ("autonomy", "autonomy"): lambda value, least: _after(tuple(AUTONOMY), least, value),
    ("max-age-days", "max-age-days"): lambda value, least: bool(value > least),
    ("max-waiver-days", "max-waiver-days"): lambda value, least: bool(value > least),
}
"""By the first and the last part of a key: whether a value says less than the floor's."""


def _after(order: Sequence[str], one: str, other: str) -> bool:
    return order.index(one) > order.index(other)


def check_dates(profile: Profile, origins: Mapping[Key, str]) -> None:
    """No exception ends later than the policy and its floors allow.

    Raises:
        UsageError: one does.
    """
    for index, waiver in enumerate(profile.waivers):
        check_end(profile, "waiver", waiver.expires, origins["waiver", str(index)])
    for index, approval in enumerate(profile.approvals):
        check_end(profile, "approval", approval.until, origins["approval", str(index)])
    for index, consent in enumerate(profile.consents):
        check_end(profile, "consent", consent.until, origins["consent", str(index)])


def check_end(profile: Profile, kind: str, end: date, place: str) -> None:
    """The same for one exception, which stands at a place."""
    most = min(profile.max_waiver_days, *(floor.max_waiver_days for floor in profile.floors), 365)
    if not most:
        raise UsageError(f"{place}: the policy allows no {kind}")
    if days_left(end) > most:
        raise UsageError(
            f"{place}: the {kind} ends on {end}, more than {most} days ahead",
            "name an earlier day, and look again then",
        )


def check_names(
    profile: Profile, origins: Mapping[Key, str], rules: Iterable[str], formats: Iterable[str]
) -> None:
    """Every rule and format that the policy names exists: a misspelt `deny` must not permit.

    Raises:
        UsageError: one does not.
    """
    known = set(rules)
    named = [("waiver", index, entry.rule) for index, entry in enumerate(profile.waivers)]
    named += [("override", index, entry.rule) for index, entry in enumerate(profile.overrides)]
    for kind, index, rule in named:
        if rule not in known:
            hint = did_you_mean(rule, known) or "`modelassay rules list` shows all of them"
            place = origins.get((kind, str(index)), kind)
            raise UsageError(f"{place}: there is no rule {rule!r}", hint)
    names = {*formats, "unknown"}
    for pattern in profile.formats:
        if not any(level_of({pattern: "deny"}, name) == "deny" for name in names):
            place = origins.get(("formats", pattern), "formats")
            hint = did_you_mean(pattern, names) or f"formats: {', '.join(sorted(names))}"
            raise UsageError(f"{place}: there is no format {pattern!r}", hint)


def days_left(end: date) -> int:
    """Days until an exception ends; 0 on its last day, negative after it."""
    return (end - today()).days
