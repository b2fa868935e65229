"""What the answers rest on, what risk is left, and what nobody looked at: sentences for people.

Nothing here calls a model safe: each sentence says what was established, by whom, or that it was
not.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from modelscan.report.text import counted
from modelscan.report.verdicts import purpose, verdicts
from modelscan.vocabulary.ancestry import Tier
from modelscan.vocabulary.result import ApprovalEntry, ModelReport

LIMITS = (
    "A scan says what was looked at and found, never that a model is safe: "
    "a trained-in backdoor leaves nothing here to find. Keep the model contained."
)
NOT_EVALUATED = (
    "What the model does: accuracy, bias, what it refuses, what was trained into it on purpose.",
    "What it was trained on, and by whom: the report repeats what the model's files say of it.",
    "The software that loads and serves it, and its known vulnerabilities.",
    "What it reaches where it runs, which is a report of its own: `modelassay contain`.",
    "Whether its use is lawful: licences are recognised, and not interpreted.",
)
"""What a scan of a model's files never looks at."""

_LINEAGE: dict[Tier, str] = {
    "proved": "The relation to the base rests on digests of the weights.",
    "measured": "The relation to the base was measured; it has the error of a measurement.",
    "hint": "The relation to the base is a hint. Treat the base as unknown.",
    "declared": "The base is what the model says about itself. Its weights were not measured.",
    "none": "Nothing is known about the weights' origin.",
}


def assumed(model: ModelReport) -> Iterator[str]:
    """What has to be true for the answers to be."""
    official, signed = model.answers.official_bytes, model.answers.signed
    asked = {one.key for one in verdicts(model.answers) if one.asked}
    if "official_bytes" not in asked:
        yield "Nobody was asked whether these are the bytes of a release."
    elif official.assurance:
        yield f"The digests of the release are as good as who states them: {official.assurance}."
    elif official.release:
        yield "The digests of the release are as good as whoever stated them."
    else:
        yield "No release was found to hold the bytes against: nobody outside vouches for them."
    if "signed" not in asked:
        yield "Nobody was asked who signed them."
    elif signed.signer:
        yield f"The signature means what you think of {signed.signer}, and of its key's keeping."
    elif signed.status == "unsigned":
        yield "Nobody put their name to these bytes."
    else:
        yield f"No signature could be relied upon: {signed.status}."
    if "descends_from" in asked:
        yield _LINEAGE[model.answers.descends_from.tier]
    if model.source.endpoint:
        yield f"The bytes came from {model.source.endpoint}. Names, tags and dates are its claims."
    yield "The rules know the dangers that they were written for; their digest says which rules."


def left(model: ModelReport) -> Iterator[str]:
    """What is left when all of this was done."""
    needed = sum(entry.needed for entry in model.coverage)
    headers = sum(entry.status == "header-only" for entry in model.coverage)
    if needed:
        verb = "was" if needed == 1 else "were"
        yield f"{needed_parts([model])} {verb} not looked at."
    waived = sum(finding.waived is not None for finding in model.findings)
    if waived:
        yield f"{counted(waived, 'finding')} accepted by a waiver; the danger itself remains."
    if headers:
        yield (
            f"The numbers behind {counted(headers, 'header')} were hashed, not judged: "
            "what the weights do when they run is not known."
        )
    yield LIMITS


def needed_parts(models: Iterable[ModelReport]) -> str:
    """How many parts were left out, and what they are needed for: of models, of deployments."""
    counts = Counter[str]()
    for model in models:
        counts[purpose(model)] += sum(entry.needed for entry in model.coverage)
    said = [f"{counted(n, 'part')} that {who} needs" for who, n in sorted(counts.items()) if n]
    return " and ".join(said)


def attested(model: ModelReport) -> str:
    """What somebody else stated about scanning these bytes, where `verify` was given it."""
    said = model.facts.provenance.get("attestation")
    if not isinstance(said, dict):
        return ""
    policies = said.get("policies")
    named = policies[0] if isinstance(policies, list) and policies else ""
    parts = (
        ("", said.get("outcome")),
        ("", said.get("note")),
        ("policy ", named),
        ("of ", said.get("made")),
    )
    return "; ".join(f"{lead}{value}" for lead, value in parts if value)


def approvals(model: ModelReport) -> tuple[ApprovalEntry, ...]:
    """The approvals of exactly these bytes."""
    return model.approvals if isinstance(model.approvals, tuple) else ()


def approved(model: ModelReport) -> Iterator[str]:
    """Who approved these bytes, and until when."""
    for one in approvals(model):
        until = "until" if one.holds else "which ended on"
        yield f"by {one.owner}, {until} {one.until}: {one.reason}"
