"""Consent: exactly this code may run, or exactly this name may be unpickled. Never a whole model.

Invariants: consent to code is bound to a fingerprint of all of it, or to a repository at a commit;
consent to a pickled name covers no name that the list denies, and is bound to bytes or to an
identity that rests on more than a name; with other code it is withdrawn, and a fact says so.
What consent does not cover is what the code does: findings about that stay.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from modelscan._about import NAME
from modelscan.policy.entries import Approval, Consent
from modelscan.policy.limits import days_left
from modelscan.policy.situation import Situation
from modelscan.policy.waivers import binds, digests_of, one_publisher
from modelscan.vocabulary.fact import PolicyException, RemoteClosure
from modelscan.vocabulary.finding import Finding
from modelscan.vocabulary.location import Location

REMOTE_CODE = frozenset(
    {"remote-code-requested", "remote-code-from-other-repository", "kernel-from-other-repository"}
)
"""Rules about code that a configuration asks its loader to run."""
PICKLED_NAMES = frozenset(
    {"pickle-own-class", "pickle-unknown-call", "pickle-unknown-import", "pickle-unlisted-class"}
)
"""Rules about names in pickles that nobody has reviewed: not those that are known to be bad."""
_CONSENTED = REMOTE_CODE | PICKLED_NAMES

_REPOSITORY = re.compile(r"\w[\w.-]*/[\w.-]+", re.ASCII)
_DOTTED = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)+", re.ASCII)
_MODEL = re.compile(r"\w[\w.:/-]*", re.ASCII)
"""What can stand in a command that somebody copies into a shell, whatever a model is called."""
_REST = "--owner NAME --reason TEXT --until YYYY-MM-DD"


def consent(
    consents: Sequence[Consent], situation: Situation, model: str
) -> tuple[tuple[Finding, ...], tuple[PolicyException, ...]]:
    """The findings with consent applied, and what is wrong with the consents.

    Args:
        consents: of the policy and its floors.
        situation: the model.
        model: its name, without a revision.
    """
    if not consents and _CONSENTED.isdisjoint([each.rule for each in situation.findings]):
        return situation.findings, ()
    print_ = fingerprint(situation)
    found = {finding.location.file for finding in situation.findings}
    digests = digests_of(situation, None if consents else found)
    problems: dict[PolicyException, None] = {}
    findings = []
    needed = set[Consent]()
    for finding in situation.findings:
        fitting = [each for each in consents if _covers(each, finding, situation, print_, digests)]
        needed.update(fitting)
        holding = [each for each in fitting if days_left(each.until) >= 0]
        if finding.waived is not None:
            pass
        elif holding:
            words = f"consent: {holding[0].reason} ({holding[0].owner}, until {holding[0].until})"
            finding = msgspec.structs.replace(finding, waived=words)  # noqa: PLW2901  # the same finding, waived
            if holding[0].subject and not one_publisher(holding[0].subject):
                problems[_problem(holding[0], "over-broad")] = None
        else:
            problems.update((_problem(each, "expired", finding.location), None) for each in fitting)
            others = [e for e in consents if not fitting and _about(e, finding, model)]
            needed.update(others)
            problems.update((_problem(each, "changed", finding.location), None) for each in others)
            finding = _with_command(finding, print_, digests, model)  # noqa: PLW2901  # the same, with what to type
        findings.append(finding)
    for each in consents:
        if each not in needed and _concerns(each, situation, digests, model):
            problems[_problem(each, "unused")] = None
    return tuple(findings), tuple(problems)


def fingerprint(situation: Situation) -> str:
    """The fingerprint of the code that the model asks for; empty when there is none."""
    found = (fact.fingerprint for fact in situation.facts if isinstance(fact, RemoteClosure))
    return next(found, "")


def ended(approvals: Sequence[Approval], situation: Situation) -> Iterator[PolicyException]:
    """The approvals of these bytes that are over, when none of them holds."""
    found = [each for each in approvals if each.subject == situation.digest]
    if found and all(days_left(each.until) < 0 for each in found):
        last = max(found, key=lambda each: each.until)
        yield PolicyException(
            status="declared", kind="approval", problem="expired", what=last.subject,
            bound_to=last.subject, owner=last.owner, end=str(last.until),
        )  # fmt: skip


def _covers(
    each: Consent, finding: Finding, situation: Situation, print_: str, digests: dict[str, str]
) -> bool:
    """True when a consent is to what the finding is about, whether or not it still holds."""
    bound = each.subject is None or binds(
        each.subject, situation, digests.get(finding.location.file)
    )
    if each.remote_code is None:
        return bound and _pickled(finding) == each.pickled_name
    if finding.rule not in REMOTE_CODE or not bound:
        return False
    repository, at, _ = each.remote_code.partition("@")
    if at:
        return finding.evidence.get("repository") == repository
    return bool(print_) and each.remote_code == print_


def _pickled(finding: Finding) -> str:
    """The name in a pickle that a finding is about, if it is one that can be consented to."""
    if finding.rule not in PICKLED_NAMES or finding.evidence.get("disposition") == "denied":
        return ""
    return str(finding.evidence.get("callable") or "")


def _about(each: Consent, finding: Finding, model: str) -> bool:
    """True when a consent was given to other code or bytes of a model of this name."""
    if each.model != model:
        return False
    if each.remote_code is None:
        return _pickled(finding) == each.pickled_name
    return finding.rule in REMOTE_CODE


def _concerns(each: Consent, situation: Situation, digests: dict[str, str], model: str) -> bool:
    """True when a consent was meant for this model."""
    if each.subject is None:
        return each.model == model
    return each.subject in digests.values() or binds(each.subject, situation, None)


def _problem(each: Consent, problem: Any, place: Location | None = None) -> PolicyException:
    return PolicyException(
        location=place or Location(), status="declared", kind="consent", problem=problem,
        what=each.remote_code or each.pickled_name or "",
        bound_to=each.subject or each.model or "", owner=each.owner, end=str(each.until),
    )  # fmt: skip


def _with_command(finding: Finding, print_: str, digests: dict[str, str], model: str) -> Finding:
    """The finding, its fix followed by the command that gives consent to exactly this.

    Names that could mean something to a shell are left out: people copy this line.
    """
    what = ""
    if finding.rule in REMOTE_CODE:
        repository = str(finding.evidence.get("repository") or "")
        if _REPOSITORY.fullmatch(repository):
            what = f"--remote-code {repository}@COMMIT"
        elif print_ and not repository:
            what = f"--remote-code {_bare(print_)}"
    else:
        name = _pickled(finding)
        digest = digests.get(finding.location.file, "")
        if _DOTTED.fullmatch(name) and digest:
            what = f"--pickled-name {name} --subject {_bare(digest)}"
    if not what:
        return finding
    named = f" --model {model}" if _MODEL.fullmatch(model) else ""
    line = f"To consent to exactly this: {NAME} policy consent {what}{named} {_REST}"
    return msgspec.structs.replace(finding, fix=f"{finding.fix}\n\n{line}")


def _bare(digest: str) -> str:
    """A digest as a command takes it: its 64 digits fit on a line of a report, 71 do not."""
    return digest.removeprefix("sha256:")
