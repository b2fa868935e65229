"""What a model is or lacks that a policy does not allow: requirements, publishers and so on.

Trust never rests on a name: a publisher that only a folder's name claims can be denied by it, and
is otherwise treated like one that the policy does not know.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Literal, NamedTuple

from modelscan.policy.levels import Level, level_of, rank
from modelscan.policy.profile import Profile
from modelscan.policy.requirements import unmet
from modelscan.policy.situation import Situation
from modelscan.vocabulary.fact import PolicyBreach

_UNRECOGNISED = "unknown"
_LONGEST = 80


class Breach(NamedTuple):
    """One line of a policy that a model does not keep."""

    level: Literal["warn", "deny"]
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
        yield Breach("deny" if strictness == "fail" else "warn", f"requirements.{name}", why)
    if profile.publishers:
        yield from _publisher(profile.publishers, model)
    if profile.formats:
        yield from _formats(profile.formats, model)
    if profile.licences:
        named = {claim.value for claim in model.claims("licence")} or {""}
        yield from _table("licences", profile.licences, named)
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


def _publisher(table: Mapping[str, Level], model: Situation) -> Iterator[Breach]:
    claimed = model.repository.partition("/")[0]
    level = level_of(table, claimed)
    if not model.identity:
        level = max(level, level_of(table, ""), key=rank)
    if level != "allow":
        detail = claimed or "nothing says who published it"
        yield Breach(level, f"publishers.{_short(claimed)}", detail)


def _short(name: str) -> str:
    """A name from the model, cut to what a line can show; `*` for none."""
    return (name if len(name) <= _LONGEST else name[: _LONGEST - 1] + "…") or "*"


def _formats(table: Mapping[str, Level], model: Situation) -> Iterator[Breach]:
    """Files that no reader recognises are of a format only where a line names them so."""
    files: dict[str, str] = {}
    for entry in model.files:
        files.setdefault(entry.format, entry.path)
    for form, path in sorted(files.items()):
        level = table.get(form, "allow") if form == _UNRECOGNISED else level_of(table, form)
        if level != "allow":
            yield Breach(level, f"formats.{form}", path)
