"""Requirements: good news that a policy asks for, each checked against what is known of a model.

A check says why a requirement is not met, and nothing when it is. What cannot be told is not met:
the absence of news is never good news here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from fnmatch import fnmatchcase

from modelscan.policy import licences
from modelscan.policy.consents import REMOTE_CODE
from modelscan.policy.limits import days_left
from modelscan.policy.profile import Profile, Requirement
from modelscan.policy.situation import Situation, gaps

_CARDS = ("readme.md", "modelcard.md", "model_card.md")
_COMMIT = re.compile(r"[0-9a-f]{40}|sha256:[0-9a-f]{64}")
_NO_TIER = ("hint", "declared", "none")


def unmet(profile: Profile, situation: Situation) -> Iterator[tuple[Requirement, str, str]]:
    """Each requirement that is not met: its name, `warn`, `incomplete` or `fail`, and why."""
    wanted = dict(profile.requirements)
    if profile.fine_tune_requirements and situation.community:
        for name, strictness in profile.fine_tune_requirements.items():
            if wanted.get(name) != "fail":
                wanted[name] = strictness
    for name, check in _CHECKS.items():
        strictness = wanted.get(name, "off")
        if strictness != "off":
            why = check(profile, situation)
            stale = situation.stale if name == "hashes-verified" else ""
            if why and stale:
                yield name, "incomplete" if strictness == "fail" else strictness, stale
            elif why:
                yield name, strictness, why


def _hashes_verified(_: Profile, model: Situation) -> str:
    if model.known or model.signed.status == "signed-trusted":
        return ""
    return f"the bytes are {model.official.status}: no release, lock or trusted signature has them"


def _signed(profile: Profile, model: Situation) -> str:
    if model.signed.status != "signed-trusted":
        return f"the model is {model.signed.status}"
    signer = model.signed.signer or ""
    if profile.signers and not any(fnmatchcase(signer, glob) for glob in profile.signers):
        return f"the signer {signer or 'without a name'} is not one of those allowed"
    return ""


def _revision_pinned(_: Profile, model: Situation) -> str:
    source = model.source
    if source.kind in {"directory", "file", "hub-cache"}:
        return ""  # the bytes are here, and no branch can move them
    asked = source.asked_revision or ""
    if _COMMIT.fullmatch(asked):
        return ""
    return f"{asked or 'the default revision'} can move: ask for a full commit id or digest"


def _base_declared(_: Profile, model: Situation) -> str:
    return "" if model.known or model.lineage.base else "no file of the model names its base"


def _base_confirmed(_: Profile, model: Situation) -> str:
    lineage = model.lineage
    if lineage.tier in _NO_TIER or lineage.status in {"unknown", "unrelated"}:
        return f"the weights do not confirm a base: {lineage.status}, {lineage.tier}"
    return ""


def _licence_allowed(profile: Profile, model: Situation) -> str:
    if not any(stated.source != "base" and stated.stated for stated in model.licences):
        return "no file of the model names a licence"
    refused = [
        licences.words(stated)
        for stated in model.licences
        if licences.level_of_licence(profile.licences, stated) != "allow"
    ]
    return f"licence {', '.join(dict.fromkeys(refused))}" if refused else ""


def _card_present(_: Profile, model: Situation) -> str:
    names = {entry.path.rpartition("/")[2].casefold() for entry in model.files}
    return "" if names & set(_CARDS) else "there is no model card"


def _author_named(_: Profile, model: Situation) -> str:
    named = model.claimed or model.known or model.claims("author")
    where = 'a reference to the hub, or "Developed by" in the card, would'
    return "" if named else f"nothing says who published the model: {where}"


def _base_revision_named(_: Profile, model: Situation) -> str:
    based = model.lineage.base or model.claims("base")
    if not based or model.known or model.claims("base-revision"):
        return ""
    where = "base@commit in the card, or revision in adapter_config.json, would"
    return f"nothing says which revision of its base the model was made from: {where}"


def _datasets_named(_: Profile, model: Situation) -> str:
    named = model.claims("dataset") or model.claims("training-data")
    where = 'datasets, or a section "Training Data", in the card would'
    return "" if named else f"no file of the model names its training data: {where}"


def _method_named(_: Profile, model: Situation) -> str:
    where = 'a section "Training Procedure" in the card would'
    return "" if model.claims("method") else f"no file of the model says how it was made: {where}"


def _contact_named(_: Profile, model: Situation) -> str:
    where = 'a section "Contact" in the card would'
    named = model.claims("contact")
    return "" if named else f"no file of the model says whom to ask about it: {where}"


def _coverage_complete(_: Profile, model: Situation) -> str:
    return gaps(model.coverage)


def _no_remote_code(_: Profile, model: Situation) -> str:
    asking = {
        finding.location.file or "."
        for finding in model.findings
        if finding.rule in REMOTE_CODE and finding.waived is None
    }
    return f"{', '.join(sorted(asking))} asks for remote code, without consent" if asking else ""


def _approved(profile: Profile, model: Situation) -> str:
    found = [approval for approval in profile.approvals if approval.subject == model.digest]
    if any(days_left(approval.until) >= 0 for approval in found):
        return ""
    if found:
        return f"the approval by {found[0].owner} ended on {found[0].until}"
    return f"nobody approved {model.digest or 'it, and not all of it was read'}"


_CHECKS: dict[Requirement, Callable[[Profile, Situation], str]] = {
    "hashes-verified": _hashes_verified,
    "signed": _signed,
    "revision-pinned": _revision_pinned,
    "base-model-declared": _base_declared,
    "base-model-confirmed": _base_confirmed,
    "base-revision-named": _base_revision_named,
    "licence-allowed": _licence_allowed,
    "card-present": _card_present,
    "author-named": _author_named,
    "datasets-named": _datasets_named,
    "method-named": _method_named,
    "contact-named": _contact_named,
    "coverage-complete": _coverage_complete,
    "no-remote-code": _no_remote_code,
    "approved": _approved,
}
"""In the order in which reports name them."""
