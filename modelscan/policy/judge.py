"""A policy applied to one model: waivers, requirements, baseline, then the gate.

    findings → waivers → breaches → baseline → gate, for the policy and for each of its floors

The findings that go in come out again, all of them: some waived, some with another severity, and
with those about the policy itself added.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple

from modelscan.engine.evaluate import sort_key
from modelscan.policy.baseline import Baseline
from modelscan.policy.breaches import Breach, breaches
from modelscan.policy.gate import allow, strongest
from modelscan.policy.profile import Profile
from modelscan.policy.situation import Situation
from modelscan.policy.waivers import override, waive
from modelscan.vocabulary.fact import Fact
from modelscan.vocabulary.finding import Finding
from modelscan.vocabulary.result import Allowed

Evaluate = Callable[[Iterable[Fact]], tuple[Finding, ...]]
"""What turns facts into findings."""


class Judgement(NamedTuple):
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
) -> Judgement:
    """Apply a policy to one model.

    Args:
        profile: the policy.
        situation: the model.
        evaluate: rules over facts; facts about the policy go through it.
        ref: the model's name, as a baseline would have it.
        baseline: an earlier report, with which only new findings fail.
    """
    policies = (profile, *profile.floors)
    waivers = [waiver for each in policies for waiver in each.waivers]
    findings, problems = waive(waivers, situation)
    about = evaluate(problems) if problems else ()
    situation = situation._replace(findings=(*findings, *about))
    broken = [(each, breaches(each, situation)) for each in policies]
    facts = [breach.fact(each.name) for each, kept in broken for breach in kept]
    lines = evaluate(facts) if facts else ()
    findings = (*situation.findings, *lines)
    fixed: tuple[Finding, ...] = ()
    if baseline is not None:
        findings, fixed = baseline.compare(ref, situation.digest, situation.files, findings)
    judged = findings[: len(situation.findings)]
    answers = [_answer(each, situation, judged, kept) for each, kept in broken]
    shown = override(profile.overrides, findings, situation)
    if about or lines or profile.overrides:
        shown = tuple(sorted(shown, key=sort_key))
    return Judgement(strongest(answers), shown, fixed)


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
