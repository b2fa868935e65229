"""Which controls are required: by what the policy lets models do, and by what is known of one.

    autonomy none   nothing: bad news fails by its own severity, as in a scan
    autonomy read   what keeps a model's data and its surroundings apart
    autonomy act    every control

An environment that asks for verified bytes (`requirements.hashes-verified`, as `production` does)
asks for the controls of `read` at least. A model with open findings is treated as if it could act;
remote code asks for what bounds code; unknown origin for what bounds a thief.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple, get_args

from modelscan.policy.profile import Autonomy, Profile
from modelscan.vocabulary.containment import Control
from modelscan.vocabulary.result import ModelReport
from modelscan.vocabulary.rule import SEVERITIES

_ALL: Final[frozenset[Control]] = frozenset(get_args(Control))
_READ: Final[frozenset[Control]] = frozenset({
    "egress-restricted", "no-credentials", "authenticated", "weights-local", "model-read-only",
    "no-remote-code", "no-runtime-loading", "no-local-files", "safe-loading", "model-pinned",
    "image-pinned", "unprivileged", "host-separated",
})  # fmt: skip
_CODE: Final[frozenset[Control]] = frozenset({
    "egress-restricted", "no-credentials", "unprivileged", "host-separated", "root-read-only",
    "no-service-account-token", "least-privilege", "model-read-only", "model-pinned",
})  # fmt: skip
"""What bounds code that comes with a model."""
_ORIGIN: Final[frozenset[Control]] = frozenset({
    "egress-restricted", "no-credentials", "model-read-only", "unprivileged", "host-separated",
})  # fmt: skip
"""What bounds a model of which nobody knows where it comes from."""
_BY_AUTONOMY: Final[dict[Autonomy, frozenset[Control]]] = {
    "none": frozenset(), "read": _READ, "act": _ALL,
}  # fmt: skip
_ORDER: Final[tuple[Autonomy, ...]] = ("none", "read", "act")
_PROVEN: Final = frozenset({"verified-official", "matches-known-release", "pinned-match"})
_SCHEME: Final = re.compile(r"^[a-z]+:/*")
_REMOTE: Final = ("remote-code-", "python-source-present", "keras-lambda-function")


class Needed(NamedTuple):
    """Required controls, and why more than the policy says."""

    controls: frozenset[Control]
    raised_by: tuple[str, ...] = ()


def autonomy(profile: Profile) -> Autonomy:
    """What the policy and its floors let models do; verified bytes go with `read`."""
    found: list[Autonomy] = []
    for each in (profile, *profile.floors):
        asks = each.requirements.get("hashes-verified") == "fail"
        found.append("read" if each.autonomy == "none" and asks else each.autonomy)
    return max(found, key=_ORDER.index)


def needed(level: Autonomy, models: Iterable[ModelReport]) -> Needed:
    """The controls that a workload with these models needs."""
    controls = _BY_AUTONOMY[level]
    reasons: list[str] = []
    for model in models:
        for raised, why in _raised(model):
            controls |= raised
            reasons.append(f"{model.ref}: {why}")
    return Needed(controls, tuple(dict.fromkeys(reasons)))


def _raised(model: ModelReport) -> Iterable[tuple[frozenset[Control], str]]:
    official, descent = model.answers.official_bytes.status, model.answers.descends_from
    signed = model.answers.signed.status
    high = SEVERITIES.index("high")
    still = [each for each in model.findings if each.waived is None]
    severe = sum(SEVERITIES.index(each.severity) >= high for each in still)
    if model.error is not None:
        yield _ALL, "it could not be read"
    if severe:
        yield _ALL, f"{severe} open {'finding' if severe == 1 else 'findings'} at or above high"
    if official in {"modified", "denied"} or signed == "invalid-signature":
        yield _ALL, f"official bytes {official}, {signed}"
    if any(each.rule.startswith(_REMOTE) for each in still):
        yield _CODE, "it comes with code"
    known = official in _PROVEN or signed == "signed-trusted"
    if descent.status in {"unknown", "unrelated"} and not known:
        yield _ORIGIN, f"descends from: {descent.status}"


def concerned(names: Sequence[str], models: Sequence[ModelReport]) -> tuple[ModelReport, ...]:
    """The reports about the models that a workload names; all of them when none fits.

    A name that fits nothing may be a path where any of them lies, so that the strictest counts.
    """
    if not names:
        return tuple(models)
    wanted = {_plain(name) for name in names} - {""}
    found = [model for model in models if {_plain(model.ref), _claimed(model)} & wanted]
    return tuple(found or models)


def _plain(name: str) -> str:
    """`name` of `hf:org/name@revision`, of a path, or of a release."""
    bare = _SCHEME.sub("", name.partition("@")[0]).rstrip("/")
    return bare.rpartition("/")[2].partition(":")[0].casefold()


def _claimed(model: ModelReport) -> str:
    return _plain(model.answers.official_bytes.release or "")
