"""What a model is or lacks that a policy does not allow: requirements, publishers and so on.

Trust never rests on a name: a publisher that only a folder's name claims can be denied by it, and
is otherwise treated like one that the policy does not know.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from typing import Literal

import msgspec

from modelscan.policy import licences
from modelscan.policy.levels import Level, level_of, rank
from modelscan.policy.limits import days_left
from modelscan.policy.profile import Profile
from modelscan.policy.requirements import unmet
from modelscan.policy.situation import Situation
from modelscan.vocabulary.fact import LicenceStated, PolicyBreach

_BESIDE = frozenset({"unknown", "model card", "licence text"})
"""Formats of files that no loader reads."""
_LEVELS: dict[str, Literal["warn", "incomplete", "deny"]] = {
    "warn": "warn", "incomplete": "incomplete", "fail": "deny",
}  # fmt: skip
_LONGEST = 80
_NO_LICENCE = LicenceStated(source="file", stated="", identifier="")


class Breach(msgspec.Struct, frozen=True):
    """One line of a policy that a model does not keep."""

    level: Literal["warn", "incomplete", "deny"]
    line: str
    """The line, as a configuration writes it: `formats.pickle`, `requirements.signed`."""
    detail: str

    def fact(self, policy: str) -> PolicyBreach:
        """The fact that rules judge."""
        return PolicyBreach(
            status="inferred", policy=policy, line=self.line, level=self.level, detail=self.detail
        )


def breaches(profile: Profile, situation: Situation) -> tuple[Breach, ...]:
    """Every line that is not kept, once."""
    return tuple(dict.fromkeys(_all(profile, situation)))


def _all(profile: Profile, model: Situation) -> Iterator[Breach]:
    for name, strictness, why in unmet(profile, model):
        yield Breach(_LEVELS[strictness], f"requirements.{name}", why)
    yield from _age(profile, model)
    if profile.publishers:
        yield from _publisher(profile.publishers, model)
    if profile.formats:
        yield from _formats(profile.formats, model)
    yield from _licences(profile, model)
    if profile.relations:
        yield from _table("fine-tunes", profile.relations, model.relations)
    if profile.bases:
        bases = {claim.value for claim in model.claims("base")}
        yield from _table("bases", profile.bases, bases | {model.lineage.base or ""} - {""})


def _table(kind: str, table: Mapping[str, Level], names: Iterable[str]) -> Iterator[Breach]:
    for name in sorted(names):
        level = level_of(table, name)
        if level != "allow":
            yield Breach(level, f"{kind}.{_short(name)}", name or "none is named")


def _age(profile: Profile, model: Situation) -> Iterator[Breach]:
    """Community models grow old: what is not maintained is not corrected."""
    if profile.max_age_days is None or not model.community:
        return
    day = model.changed
    if not day:
        yield Breach("deny", "max-age-days", "nothing says when the model was changed last")
    elif -days_left(_date(day)) > profile.max_age_days:
        yield Breach("deny", "max-age-days", f"it was changed on {day} for the last time")


def _date(day: str) -> date:
    """The day that a hub states; the first of all days for one that no calendar has."""
    try:
        return date.fromisoformat(day)
    except ValueError:
        return date.min


def _licences(profile: Profile, model: Situation) -> Iterator[Breach]:
    """By name, and by what they restrict. A model without a licence is one that no line names."""
    if profile.licences:
        for stated in model.licences or (_NO_LICENCE,):
            level = licences.level_of_licence(profile.licences, stated)
            if level != "allow":
                name = stated.identifier or stated.stated
                yield Breach(level, f"licences.{_short(name)}", licences.words(stated))
    for stated in model.licences if profile.licence_restrictions else ():
        for restriction in stated.restrictions:
            level = level_of(profile.licence_restrictions, restriction)
            if level != "allow":
                line = f"licence-restrictions.{restriction}"
                yield Breach(level, line, licences.words(stated))


def _publisher(table: Mapping[str, Level], model: Situation) -> Iterator[Breach]:
    claimed = model.repository.partition("/")[0]
    level = level_of(table, claimed)
    if not model.identity:
        level = max(level, level_of(table, ""), key=rank)
    if level != "allow":
        detail = claimed or "nothing says who published it"
        if claimed and model.mirror:
            detail += f", as the mirror {model.mirror} calls it"
        yield Breach(level, f"publishers.{_short(claimed)}", detail)


def _short(name: str) -> str:
    """A name from the model, cut to what a line can show; `*` for none."""
    return (name if len(name) <= _LONGEST else name[: _LONGEST - 1] + "…") or "*"


def _formats(table: Mapping[str, Level], model: Situation) -> Iterator[Breach]:
    """Files that no loader reads are of a format only where a line names it: no glob means them."""
    files: dict[str, str] = {}
    for entry in model.files:
        files.setdefault(entry.format, entry.path)
    for form, path in sorted(files.items()):
        level = table.get(form, "allow") if form in _BESIDE else level_of(table, form)
        if level != "allow":
            yield Breach(level, f"formats.{form}", path)
