"""A policy applied to one model: waivers, requirements, baseline, then the gate.

    advisories, pins → findings → waivers → consent → breaches → baseline → gate

for the policy and for each of its floors.

The findings that go in come out again, all of them: some waived, some with another severity or with
the command that consents to them, and with those about the policy itself added.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import msgspec

from modelscan.engine.evaluate import sort_key
from modelscan.policy import pins
from modelscan.policy.advisories import NONE, Advisories, advised
from modelscan.policy.baseline import Baseline
from modelscan.policy.breaches import Breach, breaches
from modelscan.policy.consents import consent, ended
from modelscan.policy.gate import allow, strongest
from modelscan.policy.profile import Profile
from modelscan.policy.situation import Situation
from modelscan.policy.waivers import override, waive
from modelscan.vocabulary.fact import Fact
from modelscan.vocabulary.finding import Finding
from modelscan.vocabulary.result import Allowed

Evaluate = Callable[[Iterable[Fact]], tuple[Finding, ...]]
"""What turns facts into findings."""


class Judgement(msgspec.Struct, frozen=True):
    """What the policy says, and the findings as it sees them."""

    allowed: Allowed
    findings: tuple[Finding, ...]
    fixed: tuple[Finding, ...]


def judge(
    profile: Profile,
    situation: Situation,
    evaluate: Evaluate,
    *,
    ref: str = "",
    baseline: Baseline | None = None,
    advisories: Advisories = NONE,
) -> Judgement:
    """Apply a policy to one model.

    Args:
        profile: the policy.
        situation: the model.
        evaluate: rules over facts; facts about the policy go through it.
        ref: the model's name, as a baseline would have it.
        baseline: an earlier report, with which only new findings fail.
        advisories: what is known to be bad.
    """
    name = situation.name(ref)
    policies = (profile, *profile.floors)
    everyone = tuple(endpoint for each in policies for endpoint in each.endpoints)
    situation = msgspec.structs.replace(situation, endpoints=everyone)
    pinned = [pin for each in policies for pin in each.pins]
    known: list[Fact] = [*advisories.matches(situation)]
    known += pins.check(pinned, situation, name)
    if known:
        found = advised(evaluate(known))
        situation = msgspec.structs.replace(situation, findings=(*situation.findings, *found))
    findings, problems = _excepted(policies, situation, name)
    about = evaluate(problems) if problems else ()
    situation = msgspec.structs.replace(situation, findings=(*findings, *about))
    broken = [(profile, breaches(profile, situation))]
    for floor in profile.floors:  # which believes the hubs that it names itself
        own = msgspec.structs.replace(situation, endpoints=floor.endpoints)
        broken.append((floor, breaches(floor, own)))
    facts = [breach.fact(each.name) for each, kept in broken for breach in kept]
    lines = evaluate(facts) if facts else ()
    findings = (*situation.findings, *lines)
    fixed: tuple[Finding, ...] = ()
    if baseline is not None:
        findings, fixed = baseline.compare(ref, situation.digest, situation.files, findings)
    judged = findings[: len(situation.findings)]
    answers = [_answer(each, situation, judged, kept) for each, kept in broken]
    shown = override(profile.overrides, findings, situation)
    if known or about or lines or profile.overrides:
        shown = tuple(sorted(shown, key=sort_key))
    return Judgement(strongest(answers), shown, fixed)


def _excepted(
    policies: Sequence[Profile], situation: Situation, name: str
) -> tuple[tuple[Finding, ...], list[Fact]]:
    """The findings with waivers and consent applied, and what is wrong with either."""
    findings, of_waivers = waive([one for each in policies for one in each.waivers], situation)
    situation = msgspec.structs.replace(situation, findings=findings)
    consents = [one for each in policies for one in each.consents]
    findings, of_consents = consent(consents, situation, name)
    approvals = [one for each in policies for one in each.approvals]
    return findings, [*of_waivers, *of_consents, *ended(approvals, situation)]


def _answer(
    profile: Profile, situation: Situation, findings: tuple[Finding, ...], lines: tuple[Breach, ...]
) -> Allowed:
    return allow(
        profile,
        official=situation.official,
        signed=situation.signed,
        findings=override(profile.overrides, findings, situation),
        coverage=situation.coverage,
        hazards=situation.hazards,
        lineage=situation.lineage,
        breaches=lines,
    )
