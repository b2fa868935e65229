"""What Istio's objects say about who may call a workload, and what it may call.

Only as far as plain YAML tells: whether the mesh's proxy stands before a pod, no file of it says.

Source: the reference of Istio's `AuthorizationPolicy` (evaluation of CUSTOM, DENY and ALLOW; a
policy that allows and has no rules denies all) and of `Sidecar` (`outboundTrafficPolicy`).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from modelscan.containment.cluster import Cluster, selects
from modelscan.containment.kubernetes import metadata
from modelscan.containment.model import Workload
from modelscan.containment.nodes import Place, Table, at, placed, rows, string, table, tables, where

_WHO: Final = (
    "principals", "requestPrincipals", "serviceAccounts", "namespaces", "ipBlocks",
    "remoteIpBlocks",
)  # fmt: skip
_NOBODY: Final = ("notRequestPrincipals", "notPrincipals")
_ROOT: Final = "istio-system"


def asks_callers(cluster: Cluster, workload: Workload) -> Place | None:
    """The policy of a mesh by which only some callers are let through; `None` without one."""
    allowing: list[Table] = []
    for policy in _selecting(cluster, "AuthorizationPolicy", workload):
        spec = table(policy.get("spec"))
        action = string(spec.get("action")) or "ALLOW"
        rules = tables(spec.get("rules"))
        if action == "CUSTOM" or (action == "DENY" and any(map(_denies_strangers, rules))):
            return where(policy)
        if action == "ALLOW":
            allowing.append(policy)
    rules = [rule for each in allowing for rule in tables(at(each, "spec", "rules"))]
    return where(allowing[0]) if allowing and all(map(_names_callers, rules)) else None


def outbound(cluster: Cluster, workload: Workload) -> tuple[str, Place] | None:
    """What a mesh's `Sidecar` says about connections outward: its mode, and where."""
    for each in _selecting(cluster, "Sidecar", workload, "workloadSelector"):
        mode = at(each, "spec", "outboundTrafficPolicy", "mode")
        return string(mode) or "ALLOW_ANY", where(mode, each)
    return None


def _selecting(
    cluster: Cluster, kind: str, workload: Workload, key: str = "selector"
) -> Iterator[Table]:
    for each in cluster.of(kind):
        space = string(metadata(each).get("namespace"))
        spec = table(each.get("spec"))
        selector = table(spec.get(key))
        if "labels" in selector:
            selector = placed(Table({"matchLabels": selector["labels"]}), each.file, each.line)
        elsewhere = "targetRefs" in spec or "targetRef" in spec
        here = space in {workload.namespace, _ROOT} and not elsewhere
        if here and selects(selector, workload.labels):
            yield each


def _names_callers(rule: Table) -> bool:
    """True for a rule that is for some callers only."""
    sources = [table(each.get("source")) for each in tables(rule.get("from"))]
    named = bool(sources) and all(
        any(rows(each.get(key)) for key in _WHO) for each in sources
    )  # `requestPrincipals: ["*"]` is anybody with a valid token
    tokens = [string(each.get("key")) for each in tables(rule.get("when"))]
    return named or any(each.startswith("request.auth") for each in tokens)


def _denies_strangers(rule: Table) -> bool:
    sources = [table(each.get("source")) for each in tables(rule.get("from"))]
    return any(string(name) == "*" for each in sources for key in _NOBODY
               for name in rows(each.get(key)))  # fmt: skip
