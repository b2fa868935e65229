"""What a configuration may say: `modelassay.toml`, or `[tool.modelassay]` in `pyproject.toml`.

The published JSON Schema (`docs/schema/policy-1.json`) is generated from these types. They
validate; `layers` merges what several files say. Every line may be absent: then the next layer
speaks.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec

from modelscan.lineage.configured import LineageTable
from modelscan.policy.entries import Approval, Consent, Override, Pin, Text, Waiver
from modelscan.policy.levels import Level, Strictness
from modelscan.policy.profile import TABLES, Autonomy, Key, Requirement, Settings
from modelscan.verifier.own_manifests import ManifestsTable
from modelscan.verifier.trust_document import TrustTable
from modelscan.vocabulary.ancestry import Relation
from modelscan.vocabulary.evidence import OfficialStatus, SignedStatus
from modelscan.vocabulary.fact import Restriction
from modelscan.vocabulary.rule import Confidence, Persona, Severity

Age = Annotated[int, msgspec.Meta(ge=1, le=36_500)]
Days = Annotated[int, msgspec.Meta(ge=0, le=365)]
RelationKey = Relation | Literal["safeguards-removed"]
HazardStatus = Literal["none-found", "found", "incomplete"]


class FailOn(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True
):
    """`fail-on`: which findings fail."""

    severity: Severity | None = None
    """From this severity on ..."""
    confidence: Confidence | None = None
    """... when they are at least this certain."""


class OfficialStatuses(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True
):
    """`[answers.official-bytes]`."""

    fail: tuple[OfficialStatus, ...] | None = None
    incomplete: tuple[OfficialStatus, ...] | None = None


class SignedStatuses(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True
):
    """`[answers.signed]`."""

    fail: tuple[SignedStatus, ...] | None = None
    incomplete: tuple[SignedStatus, ...] | None = None


class HazardStatuses(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True
):
    """`[answers.load-hazards]`. Needed gaps make a model incomplete in any case."""

    fail: tuple[HazardStatus, ...] | None = None


class DescentStatuses(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True
):
    """`[answers.descends-from]`."""

    fail: tuple[Relation, ...] | None = None
    incomplete: tuple[Relation, ...] | None = None


class Answers(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="kebab",
    omit_defaults=True,
):  # fmt: skip
    """`[answers]`: which statuses of the first four answers fail, and which are incomplete."""

    load_hazards: HazardStatuses | None = None
    official_bytes: OfficialStatuses | None = None
    signed: SignedStatuses | None = None
    descends_from: DescentStatuses | None = None


class Lines(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="kebab",
    omit_defaults=True,
):  # fmt: skip
    """What a policy and each of its environments may set."""

    fail_on: FailOn | None = None
    persona: Persona | None = None
    """Whose findings are shown: `regular`, `pedantic` or `auditor`."""
    answers: Answers | None = None
    require: tuple[Requirement, ...] = ()
    """Short for `[requirements]` with `"fail"`."""
    requirements: dict[Requirement, Strictness] = {}
    fine_tune_requirements: dict[Requirement, Strictness] = {}
    """For models that were made from another one and are no known release."""
    max_age_days: Age | None = None
    """How old such a model may be, by its last change."""
    signers: tuple[Text, ...] | None = None
    """Globs of the signers that `signed` accepts."""
    endpoints: tuple[Text, ...] | None = None
    """Base URLs of hubs, beside the public one, whose word counts for who publishes what: an
    organisation's own. Any other endpoint is a mirror, and what it calls a model is hearsay."""
    publishers: dict[Text, Level] = {}
    formats: dict[Text, Level] = {}
    licences: dict[Text, Level] = {}
    licence_restrictions: dict[Restriction, Level] = {}
    """By what the licence restricts."""
    fine_tunes: dict[RelationKey, Level] = {}
    bases: dict[Text, Level] = {}
    autonomy: Autonomy | None = None
    """What the model may do on its own; more of it raises the requirements."""
    max_waiver_days: Days | None = None


class Environment(Lines, frozen=True, kw_only=True):
    """`[env.NAME]`: lines for `--policy NAME`, on top of all others."""

    profile: Literal["default", "strict", "production", "audit"] | None = None
    """The built-in profile below; by default the one of the same name, if there is one."""


class Source(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True
):
    """A policy file that another one builds on."""

    path: Text | None = None
    """Relative to the file that names it."""
    url: Text | None = None
    """Where it was published. It is never fetched: save it, and say `path`."""
    sha256: Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{64}$")] | None = None
    """The digest that the file must have; needed with `url`."""


class Configuration(Lines, frozen=True, kw_only=True):
    """A whole file."""

    policy: Text | None = None
    """What `--policy` says when it is not given: a profile, an environment, or a file."""
    extends: Text | Source | None = None
    """A built-in profile or a policy file below this one."""
    floor: Text | Source | None = None
    """A policy file that every model must satisfy as well."""
    env: dict[Text, Environment] = {}
    override: tuple[Override, ...] = ()
    waiver: tuple[Waiver, ...] = ()
    approval: tuple[Approval, ...] = ()
    consent: tuple[Consent, ...] = ()
    pin: tuple[Pin, ...] = ()
    advisories: tuple[Text, ...] = ()
    """Folders of advisories in the OSV format, relative to this file; `update` stands for those
    that `manifest update` fetched."""
    trust: TrustTable | None = None
    """Who may sign which models; the verifier's own tables."""
    manifests: ManifestsTable | None = None
    """Which lists of releases are used beside the shipped ones."""
    lineage: LineageTable | None = None
    """Which fingerprints models are held against."""


def settings(lines: Lines) -> Settings:
    """The settings that these lines make, by key."""
    flat: Settings = {("requirements", name): "fail" for name in lines.require}
    document: dict[str, Any] = msgspec.to_builtins(lines)
    for name in (
        "persona",
        "signers",
        "endpoints",
        "autonomy",
        "max-age-days",
        "max-waiver-days",
    ):
        if name in document:
            flat[name,] = document[name]
    for table in ("fail-on", *TABLES):
        flat |= {(table, name): value for name, value in document.get(table, {}).items()}
    for answer, statuses in document.get("answers", {}).items():
        flat |= {("answers", answer, outcome): named for outcome, named in statuses.items()}
    return flat


def where(key: Key) -> tuple[Key, ...]:
    """The places in a file where a setting may stand, the likeliest first."""
    return (key, ("require",)) if key[0] == "requirements" else (key,)


def policy_schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) of a configuration file, for editors."""
    schema = msgspec.json.schema(Configuration)
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    schema["$id"] = "urn:modelassay:modelassay-policy:1"
    schema["title"] = "Configuration of modelassay, version 1"
    return schema
