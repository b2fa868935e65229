"""Kubernetes objects as workloads: pods and everything that makes them.

Sources: the Kubernetes API reference (core/v1, apps/v1, batch/v1), KServe's `InferenceService` and
`ServingRuntime`, KubeRay's `RayService`, `LeaderWorkerSet`. Objects of other kinds that hold a pod
template are read by the same shape.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from modelscan.containment import commands
from modelscan.containment.model import Container, Mount, Said, Setting, Workload
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

_DEEPEST: Final = 12
_POD: Final = ("containers", "initContainers")
_RUNTIME_SOCKETS: Final = ("docker.sock", "containerd.sock", "crio.sock", "podman.sock")


def objects(root: Any) -> Iterator[Table]:
    """The objects of a document; a `List` is taken apart."""
    pending = [root]
    while pending:
        value = pending.pop(0)
        if isinstance(value, Row):
            pending += value
        elif isinstance(value, Table) and string(value.get("kind")).endswith("List"):
            pending += rows(value.get("items"))
        elif isinstance(value, Table) and "apiVersion" in value and "kind" in value:
            yield value


def metadata(found: Table) -> Table:
    """An object's metadata."""
    return table(found.get("metadata"))


def labels(holder: Table) -> dict[str, str]:
    """The labels in some metadata."""
    return {str(key): string(value) for key, value in table(holder.get("labels")).items()}


def workloads(found: Table) -> Iterator[Workload]:
    """The pods that an object makes; objects that make none yield nothing."""
    kind = string(found.get("kind"))
    head = metadata(found)
    name = string(head.get("name")) or string(head.get("generateName")) or "?"
    namespace = string(head.get("namespace"))
    pods = list(_pods(found, kind))
    templates = tables(at(found, "spec", "volumeClaimTemplates"))
    claims = {string(metadata(each).get("name")) for each in templates}
    for number, (pod, meta, part) in enumerate(pods):
        own = labels(meta)
        title = f"{name}-{part}" if part else name
        if number and not part:
            title = f"{name}-{number + 1}"
        if kind == "InferenceService":
            own = {"serving.kserve.io/inferenceservice": name} | own
        made = _workload(pod, title, kind, namespace, own, claims)
        made.place = where(head.get("name"), found)
        yield made


def _pods(found: Table, kind: str) -> Iterator[tuple[Table, Table, str]]:
    """Pod specifications in an object: each with its metadata, and which part it is."""
    spec = table(found.get("spec"))
    if kind == "Pod":
        yield spec, metadata(found), ""
        return
    if kind in {"InferenceService", "InferenceGraph"}:
        for part in ("predictor", "transformer", "explainer"):
            pod = spec.get(part)
            if isinstance(pod, Table):
                yield _kserve(pod), metadata(found), "" if part == "predictor" else part
        return
    if kind in {"ServingRuntime", "ClusterServingRuntime"}:
        yield spec, spec, ""
        return
    yield from _templates(spec, (), 0)


def _templates(value: Any, path: tuple[str, ...], depth: int) -> Iterator[tuple[Table, Table, str]]:
    """Pod templates anywhere in a specification: a table with containers below `spec`."""
    if depth > _DEEPEST:
        return
    if isinstance(value, Row):
        for item in value:
            yield from _templates(item, path, depth + 1)
    if not isinstance(value, Table):
        return
    inner = value.get("spec")
    if isinstance(inner, Table) and any(isinstance(inner.get(key), Row) for key in _POD):
        part = next((word for word in reversed(path) if word in _PARTS), "")
        yield inner, metadata(value), _PARTS.get(part, "")
        return
    for key, child in value.items():
        yield from _templates(child, (*path, str(key)), depth + 1)


_PARTS: Final = {
    "headGroupSpec": "head", "workerGroupSpecs": "worker", "leaderTemplate": "leader",
    "workerTemplate": "worker",
}  # fmt: skip


def _kserve(pod: Table) -> Table:
    """A KServe component as a pod: its `model` is one more container, with a place for weights."""
    model = pod.get("model")
    if not isinstance(model, Table):
        return pod
    made = Table(pod)
    made.file, made.line = pod.file, pod.line
    containers = Row([model, *rows(pod.get("containers"))])
    containers.file, containers.line = model.file, model.line
    made["containers"] = containers
    return made


def _workload(
    pod: Table, name: str, kind: str, namespace: str, own: dict[str, str], claims: set[str]
) -> Workload:
    place = where(pod)
    volumes = {string(each.get("name")): each for each in tables(pod.get("volumes"))}
    volumes |= {claim: Table() for claim in claims}
    security = table(pod.get("securityContext"))
    first, then = tables(pod.get("initContainers")), tables(pod.get("containers"))
    containers = [
        # An init container that is always restarted is a sidecar.
        _container(each, volumes, security, init=string(each.get("restartPolicy")) != "Always")
        for each in first
    ] + [_container(each, volumes, security, init=False) for each in then]
    namespaces = tuple(
        (word, Place(pod.file, pod[key].line))
        for key, word in (("hostNetwork", "network"), ("hostPID", "pid"), ("hostIPC", "ipc"))
        if truth(pod.get(key)) is True
    )
    return Workload(
        name=name,
        kind=kind,
        platform="kubernetes",
        place=place,
        containers=containers,
        namespace=namespace,
        labels=own,
        partial=kind in {"ServingRuntime", "ClusterServingRuntime"} and not containers,
        host_namespaces=namespaces,
        service_account_token=said(pod, "automountServiceAccountToken"),
        runtime_class=string(pod.get("runtimeClassName")),
        one_shot=kind in {"Job", "CronJob"} or string(pod.get("restartPolicy")) == "Never",
    )


def said(holder: Table, key: str, *more: Table) -> Said:
    """What the first of several tables says under a key."""
    for each in (holder, *more):
        value = truth(each.get(key))
        if value is not None:
            return Said(value, Place(each.file, each[key].line))
    return Said()


def _container(spec: Table, volumes: dict[str, Table], pod: Table, *, init: bool) -> Container:
    security = table(spec.get("securityContext"))
    capabilities = table(security.get("capabilities"))
    settings = list(_settings(spec))
    image = spec.get("image")
    escalation = said(security, "allowPrivilegeEscalation")
    dropped = [each for each in rows(capabilities.get("drop")) if string(each).upper() == "ALL"]
    storage = string(spec.get("storageUri"))
    mounts = [_mount(each, volumes) for each in tables(spec.get("volumeMounts"))]
    if storage:
        kind: Any = "claim" if storage.startswith("pvc:") else "unknown"
        kind = "image" if storage.startswith("oci:") else kind
        place = where(spec["storageUri"], spec)
        mounts.append(Mount("/mnt/models", storage, kind, read_only=True, place=place))
    return Container(
        name=string(spec.get("name")) or "model",
        place=where(spec.get("name"), spec),
        image=string(image),
        image_place=where(image, spec) if string(image) else None,
        commands=commands.of_lists(
            [spec.get("command"), spec.get("args")], {each.name: each for each in settings}
        ),
        settings=settings,
        mounts=mounts,
        init=init,
        privileged=said(security, "privileged"),
        root_read_only=said(security, "readOnlyRootFilesystem"),
        user_not_root=said(security, "runAsNonRoot", pod),
        no_new_privileges=Said(
            None if escalation.value is None else not escalation.value, escalation.place
        ),
        drops_all=Said(value=True, place=where(dropped[0], spec)) if dropped else Said(),
        added=tuple(
            (string(each).upper(), where(each, spec)) for each in rows(capabilities.get("add"))
        ),
    )


def _settings(spec: Table) -> Iterator[Setting]:
    for each in tables(spec.get("env")):
        name = string(each.get("name"))
        if not name:
            continue
        place = where(each)
        if "value" in each:
            yield Setting(name, string(each["value"]), "literal", place)
        else:
            secret = at(each, "valueFrom", "secretKeyRef") is not None
            yield Setting(name, None, "secret" if secret else "elsewhere", place)
    for each in tables(spec.get("envFrom")):
        for kind in ("secretRef", "configMapRef"):
            named = string(at(each, kind, "name"))
            if named:
                origin: Any = "secret" if kind == "secretRef" else "elsewhere"
                yield Setting(f"all of {named}", None, origin, where(each))


def _mount(spec: Table, volumes: dict[str, Table]) -> Mount:
    volume = volumes.get(string(spec.get("name")), Table())
    place = where(spec)
    read_only = truth(spec.get("readOnly")) is True
    path = string(spec.get("mountPath"))
    for key, kind, inner in _VOLUMES:
        source = volume.get(key)
        if source is None:
            continue
        named = string(at(volume, key, inner)) if inner else string(volume.get("name"))
        if kind == "claim" and truth(at(volume, key, "readOnly")) is True:
            read_only = True
        if kind in {"config", "secret", "image"}:
            read_only = True
        return Mount(path, named, kind, read_only, place)
    claimed = string(spec.get("name")) in volumes  # a claim that a StatefulSet makes
    return Mount(
        path, string(spec.get("name")), "claim" if claimed else "unknown", read_only, place
    )


_VOLUMES: Final[tuple[tuple[str, Any, str], ...]] = (
    ("hostPath", "host", "path"),
    ("persistentVolumeClaim", "claim", "claimName"),
    ("emptyDir", "scratch", ""),
    ("configMap", "config", "name"),
    ("secret", "secret", "secretName"),
    ("projected", "config", ""),
    ("downwardAPI", "config", ""),
    ("image", "image", "reference"),
    ("ephemeral", "scratch", ""),
    ("csi", "unknown", "driver"),
    ("nfs", "claim", "path"),
)
