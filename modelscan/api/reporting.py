"""What the functions of this package have in common: who is trusted, and the report."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from modelscan._about import NAME, VERSION
from modelscan.pipeline import Scanned, Tools
from modelscan.policy.clock import now
from modelscan.policy.gate import decide
from modelscan.policy.layers import Policy
from modelscan.verifier.configured import sets_of, trust_of
from modelscan.verifier.request import Request
from modelscan.vocabulary.result import PolicyEntry, Report, Tool

_PRODUCTION_AGE = 30
"""Days after which a fetched set of manifests is too old for the profile `production`."""


def configured(request: Request, policy: Policy | None) -> Request:
    """A request with the signers and the lists of releases of a configuration."""
    if policy is None or not policy.documents:
        return request
    tables = policy.tables
    production = "profile production" in policy.origins.values()
    sets = sets_of(tables, _PRODUCTION_AGE if production else None)
    return msgspec.structs.replace(request, policy=trust_of(tables), sets=sets)


def report_on(scanned: Sequence[Scanned], tools: Tools, baseline: str | None = None) -> Report:
    """One report over all targets, with one decision.

    Args:
        scanned: the targets, in the order given.
        tools: what they were looked at with.
        baseline: the digest of the earlier report, if there is one.
    """
    models = tuple(item.report for item in scanned)
    catalogue = tools.catalogue
    return Report(
        created=now().strftime("%Y-%m-%dT%H:%M:%SZ"),
        tool=Tool(name=NAME, version=VERSION, rules_digest=catalogue.digest),
        policy=PolicyEntry(name=tools.profile.name, digest=tools.profile.digest, baseline=baseline),
        rules={
            name: catalogue.entry(name)
            for name in sorted({finding.rule for model in models for finding in model.findings})
        },
        models=models,
        decision=decide(item.outcome for item in scanned),
    )
