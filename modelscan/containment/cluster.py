"""What stands around workloads in a cluster: network policies, services, routes, admission.

Only what plain YAML tells. A policy of a kind whose selectors are a language of their own (Calico)
is known to be there, and not evaluated.

Sources: networking.k8s.io/v1 NetworkPolicy (a pod that any policy selects for a direction is denied
that direction but for what the selecting policies allow together), Cilium's network policies, the
Gateway API.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

import msgspec

from modelscan.containment.kubernetes import metadata
from modelscan.containment.model import Workload
from modelscan.containment.nodes import (
    Place,
    Row,
    Table,
    at,
    rows,
    string,
    table,
    tables,
    truth,
    where,
)
from modelscan.errors import BudgetError

_ANYWHERE: Final = frozenset({"0.0.0.0/0", "::/0"})
_BROAD: Final = 8
"""Bits; a prefix that is shorter is a part of the internet, not a network of somebody's own."""
_DNS: Final = frozenset({"53", "5353", "dns", "dns-tcp"})
_NOT_EVALUATED: Final = frozenset(
    {"GlobalNetworkPolicy", "AdminNetworkPolicy", "BaselineAdminNetworkPolicy",
     "EgressGateway", "ClusterNetworkPolicy"}
)  # fmt: skip
_ROUTES: Final = frozenset(
    {"Ingress", "HTTPRoute", "GRPCRoute", "VirtualService", "Route", "IngressRoute"}
)
_KEPT: Final = 8
_MOST_LOOKS: Final = 1_000_000
"""How often objects are held against workloads: each of these against all of those."""


class Egress(NamedTuple):
    """What network policies say about a pod's connections outward."""

    state: str
    """`none`: nothing selects it; `denied`, `listed`, `open`; `unknown`."""
    place: Place | None = None
    allowed: tuple[str, ...] = ()
    """What may be reached, in words."""
    detail: str = ""


class Cluster(msgspec.Struct):
    """Objects that are no workloads, by kind."""

    objects: dict[str, list[Table]] = {}
    templated: set[str] = set()
    """Kinds that stand in templates, and could not be read."""
    looks: int = 0
    """How often an object was held against a workload."""
    known: dict[str, Cluster] = {}
    """What stands around the workloads of a variant, once it was asked for."""
    variants: dict[str, Cluster] = {}
    """What one of several kustomizations makes: it counts for the workloads of that one alone."""

    @classmethod
    def joined(cls, clusters: Iterable[Cluster]) -> Cluster:
        """What stands around workloads of several paths."""
        made = cls()
        for each in clusters:
            made.templated |= each.templated
            for kind, found in each.objects.items():
                made.objects.setdefault(kind, []).extend(found)
            made.variants |= each.variants
        return made

    def add(self, found: Table, variant: str = "") -> None:
        """Keep an object."""
        holder = self.variants.setdefault(variant, Cluster()) if variant else self
        holder.objects.setdefault(string(found.get("kind")), []).append(found)

    def around(self, workload: Workload) -> Cluster:
        """What stands around one workload: all but what other kustomizations make."""
        own = self.variants.get(workload.variant)
        if own is None:
            return self
        if workload.variant not in self.known:
            self.known[workload.variant] = Cluster.joined([self, own])
        return self.known[workload.variant]

    def of(self, *kinds: str) -> Iterator[Table]:
        """The objects of some kinds.

        Raises:
            BudgetError: every workload was held against every object for too long.
        """
        for kind in kinds:
            for each in self.objects.get(kind, ()):
                self.looks += 1
                if self.looks > _MOST_LOOKS:
                    raise BudgetError("too many objects stand around too many workloads")
                yield each

    def egress(self, workload: Workload) -> Egress:
        """Which connections a pod may open."""
        found = [*self._policies(workload), *self._cilium(workload)]
        if not found:
            others = (
                sorted(self.templated & _POLICIES)
                or [kind for kind in sorted(_NOT_EVALUATED) if kind in self.objects]
                or self._calico()
            )
            if others:
                return Egress("unknown", detail=f"{others[0]} is not evaluated here")
            return Egress("none")
        worst = next((each for each in found if each.state == "open"), None)
        if worst:
            return worst
        allowed = tuple(dict.fromkeys(item for each in found for item in each.allowed))
        return Egress("listed" if allowed else "denied", found[0].place, allowed)

    def _calico(self) -> list[str]:
        return ["a Calico NetworkPolicy" for each in self.of("NetworkPolicy") if _is_calico(each)]

    def _policies(self, workload: Workload) -> Iterator[Egress]:
        for policy in self.of("NetworkPolicy"):
            if (
                _is_calico(policy)
                or string(metadata(policy).get("namespace")) != workload.namespace
            ):
                continue
            spec = table(policy.get("spec"))
            types = {string(each) for each in rows(spec.get("policyTypes"))}
            if "Egress" not in types and (types or "egress" not in spec):
                continue
            if selects(table(spec.get("podSelector")), workload.labels):
                yield _standard(policy, spec)

    def _cilium(self, workload: Workload) -> Iterator[Egress]:
        for policy in self.of("CiliumNetworkPolicy", "CiliumClusterwideNetworkPolicy"):
            space = string(metadata(policy).get("namespace"))
            if string(policy.get("kind")) == "CiliumNetworkPolicy" and space != workload.namespace:
                continue
            for spec in [table(policy.get("spec")), *tables(policy.get("specs"))]:
                denies = truth(at(spec, "enableDefaultDeny", "egress")) is not False
                has = "egress" in spec or "egressDeny" in spec
                if denies and has and selects(table(spec.get("endpointSelector")), workload.labels):
                    yield _cilium(policy, spec)

    def limits_ingress(self, workload: Workload) -> Place | None:
        """The policy that says who may connect to a pod; `None` when none does."""
        for policy in self.of("NetworkPolicy"):
            spec = table(policy.get("spec"))
            types = {string(each) for each in rows(spec.get("policyTypes"))}
            if string(metadata(policy).get("namespace")) != workload.namespace or (
                types and "Ingress" not in types
            ):
                continue
            open_to_all = any(not rows(each.get("from")) for each in tables(spec.get("ingress")))
            if selects(table(spec.get("podSelector")), workload.labels) and not open_to_all:
                return where(policy)
        return None

    def services(self, workload: Workload) -> Iterator[Table]:
        """Services that lead to a pod."""
        for service in self.of("Service"):
            selector = table(at(service, "spec", "selector"))
            wanted = {str(key): string(value) for key, value in selector.items()}
            same = string(metadata(service).get("namespace")) == workload.namespace
            if wanted and same and wanted.items() <= workload.labels.items():
                yield service

    def routes(self, service: str) -> Iterator[Table]:
        """Routes from outside that name a service."""
        for route in self.of(*_ROUTES):
            if _mentions(route.get("spec"), service, 0):
                yield route

    def keeps_token_back(self, workload: Workload) -> Place | None:
        """A service account of the namespace that gives pods no token; `None` without one."""
        for account in self.of("ServiceAccount"):
            same = string(metadata(account).get("namespace")) == workload.namespace
            if same and truth(account.get("automountServiceAccountToken")) is False:
                return where(account["automountServiceAccountToken"], account)
        return None

    def cloud_role(self, workload: Workload) -> Place | None:
        """Where a pod's service account is bound to a role of a cloud; `None` without one."""
        for account in self.of("ServiceAccount"):
            head = metadata(account)
            same = string(head.get("namespace")) == workload.namespace
            if same and string(head.get("name")) == (workload.service_account or "default"):
                for key in table(head.get("annotations")):
                    if key in _CLOUD_ROLES:
                        return where(key, account)
        return None

    def checks_images(self) -> Place | None:
        """An admission policy that verifies signatures of images; `None` without one."""
        for policy in self.of("ClusterImagePolicy", "ImageValidatingPolicy"):
            return where(policy)
        for policy in self.of("ClusterPolicy", "Policy"):
            for rule in tables(at(policy, "spec", "rules")):
                if "verifyImages" in rule:
                    return Place(policy.file, rule.line)
        return None


_CLOUD_ROLES: Final = frozenset(
    {"eks.amazonaws.com/role-arn", "iam.gke.io/gcp-service-account",
     "azure.workload.identity/client-id"}
)  # fmt: skip
_POLICIES: Final = frozenset({"NetworkPolicy", "CiliumNetworkPolicy"})


def selects(selector: Table, own: dict[str, str]) -> bool:
    """Whether a label selector selects a pod; an empty one selects all.

    Source: LabelSelector of meta/v1. Cilium's prefixes (`k8s:`, `any:`) mean the same here.
    """
    for key, value in table(selector.get("matchLabels")).items():
        if own.get(_bare(str(key))) != string(value):
            return False
    for each in tables(selector.get("matchExpressions")):
        key, operator = _bare(string(each.get("key"))), string(each.get("operator"))
        values = {string(value) for value in rows(each.get("values"))}
        held = {
            "In": own.get(key) in values,
            "NotIn": own.get(key) not in values,
            "Exists": key in own,
            "DoesNotExist": key not in own,
        }.get(operator, False)
        if not held:
            return False
    return True


def _bare(key: str) -> str:
    return key.removeprefix("k8s:").removeprefix("any:")


def _is_calico(policy: Table) -> bool:
    return "projectcalico" in string(policy.get("apiVersion"))


def _standard(policy: Table, spec: Table) -> Egress:
    place = where(policy)
    allowed: list[str] = []
    for rule in tables(spec.get("egress")):
        ports = {string(each.get("port")) or "any" for each in tables(rule.get("ports"))}
        peers = tables(rule.get("to"))
        if not peers:
            if not ports or ports - _DNS:
                return Egress(
                    "open", where(rule), detail=f"a rule without peers allows {_ports(ports)}"
                )
            allowed.append("name servers anywhere")
        for peer in peers:
            block = string(at(peer, "ipBlock", "cidr"))
            if block and is_open(block) and (not ports or ports - _DNS):
                return Egress("open", where(peer), detail=f"{block} is allowed")
            narrowed = f" {_ports(ports)}" if ports and "any" not in ports else ""
            allowed.append(f"{block or _peer(peer)}{narrowed}")
    return Egress("listed" if allowed else "denied", place, tuple(allowed[:_KEPT]))


def _ports(ports: set[str]) -> str:
    return f"port {', '.join(sorted(ports))}" if ports and "any" not in ports else "everything"


def _peer(peer: Table) -> str:
    names = [
        f"{key}={string(value)}"
        for selector in ("podSelector", "namespaceSelector")
        for key, value in table(at(peer, selector, "matchLabels")).items()
    ]
    if names:
        return "pods with " + ", ".join(names)
    return (
        "all pods of all namespaces" if "namespaceSelector" in peer else "all pods of the namespace"
    )


def is_open(block: str) -> bool:
    """True for a network that is the internet, or a large part of it."""
    _, _, bits = block.partition("/")
    return block in _ANYWHERE or (bits.isdigit() and int(bits) < _BROAD)


def _cilium(policy: Table, spec: Table) -> Egress:
    place = where(policy)
    allowed: list[str] = []
    for rule in tables(spec.get("egress")):
        spot = where(rule)
        entities = {string(each) for each in rows(rule.get("toEntities"))}
        names = [string(each.get("matchName")) or string(each.get("matchPattern"))
                 for each in tables(rule.get("toFQDNs"))]  # fmt: skip
        blocks = [string(each) for each in rows(rule.get("toCIDR"))]
        blocks += [string(each.get("cidr")) for each in tables(rule.get("toCIDRSet"))]
        wide = [each for each in [*entities & {"world", "all"}, *names] if each in _WILD]
        wide += [each for each in blocks if is_open(each)]
        if wide:
            return Egress("open", spot, detail=f"{wide[0]} is allowed")
        allowed += [*sorted(entities), *names, *blocks]
        if "toEndpoints" in rule or "toServices" in rule:
            allowed.append("endpoints that the policy names")
        elif not (entities or names or blocks) and len(rule):
            return Egress("open", spot, detail="a rule without peers allows everything")
    return Egress("listed" if allowed else "denied", place, tuple(allowed[:_KEPT]))


_WILD: Final = frozenset({"world", "all", "*", "**", "*.*"})


def _mentions(value: object, name: str, depth: int) -> bool:
    """True when a route names a service: in `name`, `serviceName` or a host of the mesh."""
    if depth > 20:  # noqa: PLR2004  # routes are shallow
        return False
    if isinstance(value, Row):
        return any(_mentions(each, name, depth + 1) for each in value)
    if isinstance(value, Table):
        return any(
            (key in {"name", "serviceName", "host"} and string(item).partition(".")[0] == name)
            or _mentions(item, name, depth + 1)
            for key, item in value.items()
        )
    return False
