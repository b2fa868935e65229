"""Kubernetes objects as workloads: pods and everything that makes them.

Sources: the Kubernetes API reference (core/v1, apps/v1, batch/v1), KServe's `storageUri` and
`storage`. Where pod specifications lie in an object is for `podspecs` to say.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from modelscan.containment import commands, podspecs
from modelscan.containment.model import Container, Mount, Said, Setting, Workload
from modelscan.containment.nodes import (
    Place,
    Row,
    Table,
    Text,
    at,
    rows,
    string,
    table,
    tables,
    truth,
    where,
)

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
    pods = list(podspecs.of(found, kind))
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
        made.named = bool(string(head.get("name")))
        made.annotations = {
            str(key): value
            for each in (meta, head)
            for key, value in table(each.get("annotations")).items()
            if isinstance(value, Text)
        }
        yield made


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
        (word, where(pod[key], pod))
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
        service_account=string(pod.get("serviceAccountName")) or string(pod.get("serviceAccount")),
        partial=kind in {"ServingRuntime", "ClusterServingRuntime"} and not containers,
        host_namespaces=namespaces,
        service_account_token=_projected(pod) or said(pod, "automountServiceAccountToken"),
        runtime_class=string(pod.get("runtimeClassName")),
        one_shot=kind in {"Job", "CronJob"} or string(pod.get("restartPolicy")) == "Never",
    )


def _projected(pod: Table) -> Said | None:
    """A token that is put into a volume, whatever else the pod says."""
    for volume in tables(pod.get("volumes")):
        for source in tables(at(volume, "projected", "sources")):
            if "serviceAccountToken" in source:
                return Said(value=True, place=where(source["serviceAccountToken"], source))
    return None


def _unconfined(*contexts: Table) -> Place | None:
    """Where a profile of system calls or of AppArmor is switched off."""
    for each in contexts:
        for key in ("seccompProfile", "appArmorProfile"):
            kind = at(each, key, "type")
            if string(kind) == "Unconfined":
                return where(kind, each)
    return None


def said(holder: Table, key: str, *more: Table) -> Said:
    """What the first of several tables says under a key."""
    for each in (holder, *more):
        value = truth(each.get(key))
        if value is not None:
            return Said(value, where(each[key], each))
    return Said()


def _container(spec: Table, volumes: dict[str, Table], pod: Table, *, init: bool) -> Container:
    security = table(spec.get("securityContext"))
    capabilities = table(security.get("capabilities"))
    settings = list(_settings(spec))
    image = spec.get("image")
    escalation = said(security, "allowPrivilegeEscalation")
    dropped = [each for each in rows(capabilities.get("drop")) if string(each).upper() == "ALL"]
    storage, place = _storage(spec)
    mounts = [_mount(each, volumes) for each in tables(spec.get("volumeMounts"))]
    if storage:
        kind: Any = "claim" if storage.startswith("pvc:") else "unknown"
        kind = "image" if storage.startswith("oci:") else kind
        mounts.append(Mount("/mnt/models", storage, kind, read_only=True, place=place))
    return Container(
        name=string(spec.get("name")) or "model",
        place=where(spec.get("name"), spec),
        image=string(image),
        image_place=where(image, spec) if string(image) else None,
        commands_in=where(spec.get("args", spec.get("command")), spec).file,
        commands=commands.of_lists(
            [spec.get("command"), spec.get("args")], {each.name: each for each in settings}
        ),
        settings=settings,
        mounts=mounts,
        format=string(at(spec, "modelFormat", "name")),
        init=init,
        privileged=said(security, "privileged"),
        root_read_only=said(security, "readOnlyRootFilesystem"),
        user_not_root=said(security, "runAsNonRoot", pod),
        no_new_privileges=Said(
            None if escalation.value is None else not escalation.value, escalation.place
        ),
        unconfined=_unconfined(security, pod),
        drops_all=Said(value=True, place=where(dropped[0], spec)) if dropped else Said(),
        added=tuple(
            (string(each).upper(), where(each, spec)) for each in rows(capabilities.get("add"))
        ),
    )


def _storage(spec: Table) -> tuple[str, Place]:
    """What KServe fetches or mounts for a container, and where that is said."""
    given = spec.get("storageUri") or at(spec, "storage", "storageUri")
    if string(given):
        return string(given), where(given, spec)
    path = at(spec, "storage", "path")
    key = string(at(spec, "storage", "key")) or "default"
    return (f"storage://{key}/{string(path)}" if string(path) else ""), where(path, spec)


def _settings(spec: Table) -> Iterator[Setting]:
    for each in tables(spec.get("env")):
        name = string(each.get("name"))
        if not name:
            continue
        place = where(each)
        if "value" in each:
            yield Setting(name, string(each["value"]), "literal", place)
            continue
        origin, source = _origin(table(each.get("valueFrom")), "KeyRef")
        yield Setting(name, None, origin, place, source)
    for each in tables(spec.get("envFrom")):
        origin, source = _origin(each, "Ref")
        if source:
            yield Setting(f"all of {source[1]}", None, origin, where(each), source)


def _origin(holder: Table, end: str) -> tuple[Any, tuple[str, ...]]:
    """Where a variable comes from: how, and which map or secret with which key."""
    for kind, origin in (("secret", "secret"), ("configMap", "elsewhere")):
        given = holder.get(kind + end)
        if isinstance(given, Table) and string(given.get("name")):
            named = kind[0].upper() + kind[1:]
            return origin, (named, string(given["name"]), string(given.get("key")))
    return "elsewhere", ()


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
