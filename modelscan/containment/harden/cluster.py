"""The objects of a Kubernetes manifest, contained, and the network policies that they lack."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from typing import Any, Final

from modelscan.containment.cluster import Cluster
from modelscan.containment.controls.reach import GUARDS
from modelscan.containment.harden import pods
from modelscan.containment.harden.pods import Given
from modelscan.containment.kubernetes import metadata
from modelscan.containment.nodes import string
from modelscan.containment.podspecs import FRAMEWORKS
from modelscan.containment.view import View

_DEEPEST: Final = 12
CONTAINED: Final = "contained"
"""The label of pods that have none, so that a policy can select them."""
CALLERS: Final = "may-call"
"""The label of pods that may connect to a contained server; its value is the workload's name."""


def contained(found: dict[str, Any], views: Sequence[View], given: Given) -> dict[str, Any]:
    """An object with all its pods contained; the object that was given stays as it is.

    Args:
        found: the object as plain data.
        views: the workloads that it makes, in the order of its pods.
        given: what only the user knows.
    """
    made = copy.deepcopy(found)
    _guard(made)
    for holder, spec in _pods(made):
        names = {str(c.get("name") or "model") for c in spec.get("containers") or []}
        part = next((key for key in FRAMEWORKS if isinstance(spec.get(key), dict)), "")
        names |= {str(spec[part].get("name") or part)} if part else set()
        view = next(
            (v for v in views if {c.name for c in v.workload.main} & names == names and names), None
        )
        if view is not None:
            pods.contain(spec, view, given)
            if not view.workload.labels and holder is not None:
                meta = holder.setdefault("metadata", {})
                meta["labels"] = {**(meta.get("labels") or {}), **labels(view)}
    return made


def labels(view: View) -> dict[str, str]:
    """What a network policy selects a pod by: its own labels, or one that it is given."""
    return dict(view.workload.labels) or {CONTAINED: view.workload.name[:63]}


def _guard(found: dict[str, Any]) -> None:
    """Switch the check of tokens on where an annotation switches it off."""
    meta = found.get("metadata")
    given = meta.get("annotations") if isinstance(meta, dict) else None
    if isinstance(given, dict):
        given |= {name: "true" for name in GUARDS if name in given}


_Holder = dict[str, Any]


def _pods(found: Any, depth: int = 0) -> Iterator[tuple[_Holder | None, _Holder]]:
    """Pod specifications in an object, wherever they are, and what has their metadata."""
    if depth > _DEEPEST:
        return
    if isinstance(found, list):
        for each in found:
            yield from _pods(each, depth + 1)
    if not isinstance(found, dict):
        return
    own = _own(found)
    yield from own
    for value in () if own else found.values():
        yield from _pods(value, depth + 1)


def _own(found: _Holder) -> list[tuple[_Holder | None, _Holder]]:
    """Pod specifications that an object has itself."""
    spec = found.get("spec")
    if not isinstance(spec, dict):
        spec = {}
    if found.get("kind") == "InferenceService":
        parts = [spec.get(part) for part in ("predictor", "transformer", "explainer")]
        return [(None, part) for part in parts if isinstance(part, dict)]
    if isinstance(spec.get("containers"), list):
        return [(found, spec)]
    alone = isinstance(found.get("containers"), list) and "kind" not in found
    return [(None, found)] if alone else []


def service(found: dict[str, Any]) -> dict[str, Any]:
    """A service that leads to a model, reached from inside the cluster alone."""
    made = copy.deepcopy(found)
    spec = made.setdefault("spec", {})
    if spec.get("type") in {"LoadBalancer", "NodePort"}:
        spec["type"] = "ClusterIP"
        for key in ("loadBalancerIP", "externalTrafficPolicy", "loadBalancerClass",
                    "loadBalancerSourceRanges", "healthCheckNodePort"):  # fmt: skip
            spec.pop(key, None)
        for port in spec.get("ports") or []:
            port.pop("nodePort", None)
    return made


def policy(view: View, allowed: Sequence[str]) -> dict[str, Any]:
    """The network policy of a workload: nothing in but its callers, nothing out but a list."""
    workload = view.workload
    head: dict[str, Any] = {"name": f"{workload.name}-contained"[:63].rstrip("-")}
    if workload.namespace:
        head["namespace"] = workload.namespace
    peers = [
        {"ipBlock": {"cidr": each}}
        if "/" in each and "=" not in each
        else {"podSelector": {"matchLabels": dict([each.split("=", 1)])}}
        for each in allowed
    ]
    callers = {"podSelector": {"matchLabels": {CALLERS: workload.name[:63]}}}
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": head,
        "spec": {
            "podSelector": {"matchLabels": labels(view)},
            "policyTypes": ["Ingress", "Egress"],
            "ingress": [{"from": [callers]}],
            "egress": [{"to": peers}] if peers else [],
        },
    }


def closed(found: dict[str, Any]) -> dict[str, Any]:
    """A network policy that allows everything, allowing nothing: the list stands beside it."""
    made = copy.deepcopy(found)
    cilium = str(found.get("kind")).startswith("Cilium")
    for spec in [made.get("spec"), *(made.get("specs") or [])]:
        if isinstance(spec, dict):
            spec["egress"] = [{}] if cilium else []  # Cilium denies by a rule that allows nothing
    return made


def leads_to(found: Any, views: Sequence[View], cluster: Cluster) -> bool:
    """True for a service that leads to one of the workloads."""
    name, space = string(metadata(found).get("name")), string(metadata(found).get("namespace"))
    return any(
        string(metadata(each).get("name")) == name
        and string(metadata(each).get("namespace")) == space
        for view in views
        for each in cluster.services(view.workload)
    )
