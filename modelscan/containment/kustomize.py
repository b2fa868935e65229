"""Kustomizations: what they make of the manifests beside them.

Every kustomization that no other one uses is built by itself, from copies, so that the patches of
one overlay never count for another. Only files below the path that was named are known; what else
there is, is said. Helm charts, plugins and replacements are not followed.

Source: the reference of kustomize's `kustomization.yaml`.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

from modelscan.containment import kubernetes, patches
from modelscan.containment.nodes import (
    Node,
    Row,
    Table,
    at,
    copied,
    placed,
    rows,
    string,
    table,
    tables,
    text,
    truth,
    weight,
)

NAMES: Final = frozenset({"kustomization.yaml", "kustomization.yml", "Kustomization"})
_FOLLOWED: Final = frozenset(
    {"apiVersion", "kind", "resources", "bases", "components", "patches", "patchesJson6902",
     "patchesStrategicMerge", "namespace", "images", "configMapGenerator", "secretGenerator",
     "commonLabels", "labels"}
)  # fmt: skip
_HARMLESS: Final = frozenset(
    {"metadata", "commonAnnotations", "buildMetadata", "sortOptions", "generatorOptions",
     "namePrefix", "nameSuffix", "replicas", "openapi", "configurations", "crds",
     "validators"}
)  # fmt: skip
"""Keys that change nothing that is looked at: a new name is put in wherever the old one stood."""
_DEEPEST: Final = 20
_MOST: Final = 1_000_000
"""Values that all kustomizations together copy."""
_MOST_BUILT: Final = 500
"""Kustomizations that are built, each as often as it is used."""


class Built(NamedTuple):
    """What one kustomization makes."""

    folder: str
    objects: list[Table]
    gaps: list[str]


def build(manifests: dict[str, list[Node]]) -> list[Built]:
    """Take kustomizations, and all that they use, out of the manifests; say what they make.

    Args:
        manifests: documents by file; changed in place.
    """
    roots = {
        posixpath.dirname(path): root
        for path, (root, *_) in manifests.items()
        if posixpath.basename(path) in NAMES and isinstance(root, Table)
    }
    rest = {path: held for path, held in manifests.items()
            if posixpath.basename(path) not in NAMES}  # fmt: skip
    builder = _Builder(roots, rest)
    used = {entry for folder, root in roots.items() for entry in _entries(root, folder)}
    tops = [folder for folder, root in roots.items()
            if folder not in used and string(root.get("kind")) != "Component"]  # fmt: skip
    made = [builder.top(folder) for folder in tops or roots]
    gone = {path for path in manifests if posixpath.basename(path) in NAMES} | builder.taken
    for path in gone:
        del manifests[path]
    return made


def _entries(root: Table, folder: str) -> list[str]:
    """Files and folders that a kustomization is made of."""
    return [
        _path(folder, string(each))
        for key in ("resources", "bases", "components")
        for each in rows(root.get(key))
        if "://" not in string(each)
    ]


def _path(folder: str, named: str) -> str:
    """A path that stands in a kustomization, from where all paths begin."""
    path = posixpath.normpath(posixpath.join(folder, named))
    return "" if path == "." else path


class _Builder:
    """Builds kustomizations from copies of manifests."""

    def __init__(self, roots: Mapping[str, Table], manifests: Mapping[str, list[Node]]) -> None:
        self._roots = roots
        self._manifests = manifests
        self._gaps: list[str] = []
        self._left = _MOST
        self._builds = _MOST_BUILT
        self.taken: set[str] = set()

    def top(self, folder: str) -> Built:
        """One kustomization that no other one uses."""
        self._gaps = []
        objects = self._build(folder, 0)
        return Built(folder, objects, list(dict.fromkeys(self._gaps)))

    def _build(self, folder: str, depth: int) -> list[Table]:
        root = self._roots[folder]
        held: list[Table] = []
        for key in ("resources", "bases"):
            for each in rows(root.get(key)):
                held += self._resource(string(each), folder, depth)
        held += _generated(root)
        self._transform(root, folder, held, depth)
        return held

    def _resource(self, named: str, folder: str, depth: int) -> list[Table]:
        path = _path(folder, named)
        if "://" in named or path.startswith(".."):
            self._gaps.append(f"{named} of a kustomization is not below what was named")
        elif path in self._roots and (depth >= _DEEPEST or self._builds <= 0):
            self._gaps.append("kustomizations use each other too often")
        elif path in self._roots:
            self._builds -= 1
            return self._build(path, depth + 1)
        elif path in self._manifests:
            self.taken.add(path)
            return self._copied(path)
        else:
            self._gaps.append(f"{named} of a kustomization is not here, or could not be read")
        return []

    def _copied(self, path: str) -> list[Table]:
        made: list[Table] = []
        for root in self._manifests[path]:
            for each in kubernetes.objects(root):
                self._left -= weight(each, self._left)
                if self._left < 0:
                    self._gaps.append(f"kustomizations hold more than {_MOST:,} values")
                    return made
                made.append(copied(each))
        return made

    def _transform(self, root: Table, folder: str, held: list[Table], depth: int) -> None:
        """What a kustomization, or a component of it, does to the objects."""
        for each in rows(root.get("components")):
            path = _path(folder, string(each))
            component = self._roots.get(path)
            if component is None or depth >= _DEEPEST:
                self._gaps.append(f"the component {string(each)} is not here")
                continue
            for key in ("resources", "bases"):
                for named in rows(component.get(key)):
                    held += self._resource(string(named), path, depth + 1)
            held += _generated(component)
            self._transform(component, path, held, depth + 1)
        self.taken |= {path for path in patches.files(root, folder) if path in self._manifests}
        for patch in patches.patches(root):
            self._gaps += patches.apply(patch, folder, self._manifests, held)
        for each in held if string(root.get("namespace")) else ():
            meta = each.setdefault("metadata", placed(Table(), each.file, each.line))
            table(meta)["namespace"] = root["namespace"]
        for image in tables(root.get("images")):
            _image(image, held)
        for given, pods, selectors in _labels(root):
            for each in held if given else ():
                _label(each, given, pods=pods, selectors=selectors)
        self._gaps += [
            f"{key} of a kustomization is not followed: render it (kubectl kustomize)"
            for key in root
            if key not in _FOLLOWED | _HARMLESS
        ]


def _generated(root: Table) -> Iterator[Table]:
    """Config maps and secrets that are written out in the kustomization."""
    for key, kind in (("configMapGenerator", "ConfigMap"), ("secretGenerator", "Secret")):
        for each in tables(root.get(key)):
            data = placed(Table(), each.file, each.line)
            for literal in rows(each.get("literals")):
                name, _, value = string(literal).partition("=")
                data[text(name, each.file, literal.line)] = text(
                    value.strip("\"'"), each.file, literal.line, plain=False
                )
            for file in [*rows(each.get("envs")), *rows(each.get("files")), each.get("env")]:
                if string(file):
                    data[text("", each.file, file.line)] = file  # its keys are not here
            made = placed(Table(), each.file, each.line)
            made["apiVersion"] = text("v1", each.file, each.line)
            made["kind"] = text(kind, each.file, each.line)
            made["metadata"] = placed(Table({"name": each.get("name")}), each.file, each.line)
            made["stringData" if kind == "Secret" else "data"] = data
            yield made


_WORKLOADS: Final = ("Deployment", "StatefulSet", "DaemonSet", "ReplicaSet")


def _labels(root: Table) -> Iterator[tuple[Table, bool, bool]]:
    """Labels of a kustomization: whether they go to pods, and to what selects them."""
    yield table(root.get("commonLabels")), True, True
    for each in tables(root.get("labels")):
        selectors = truth(each.get("includeSelectors")) is True
        pods = selectors or truth(each.get("includeTemplates")) is True
        yield table(each.get("pairs")), pods, selectors


def _label(found: Table, given: Table, *, pods: bool, selectors: bool) -> None:
    """Labels on one object, as kustomize's own list of fields has it."""
    kind = string(found.get("kind"))
    _put(found, ("metadata", "labels"), given)
    if pods and kind in {*_WORKLOADS, "Job"}:
        _put(found, ("spec", "template", "metadata", "labels"), given)
    if pods and kind == "CronJob":
        _put(found, ("spec", "jobTemplate", "spec", "template", "metadata", "labels"), given)
        _put(found, ("spec", "jobTemplate", "metadata", "labels"), given)
    if selectors and kind in _WORKLOADS:
        _put(found, ("spec", "selector", "matchLabels"), given)
    if selectors and kind == "Service":
        _put(found, ("spec", "selector"), given)
    if selectors and kind == "NetworkPolicy":
        spec = table(found.get("spec"))
        peers = [peer for key, ends in (("ingress", "from"), ("egress", "to"))
                 for rule in tables(spec.get(key)) for peer in tables(rule.get(ends))]  # fmt: skip
        for holder in (spec, *peers):
            if isinstance(at(holder, "podSelector", "matchLabels"), Table):
                _put(holder, ("podSelector", "matchLabels"), given)


def _put(found: Table, path: tuple[str, ...], given: Table) -> None:
    """Put values below a path, which is made where it is missing."""
    holder = found
    for key in path:
        if not isinstance(holder.get(key), Table):
            name = next((k for k in holder if k == key), text(key, found.file, found.line))
            holder[name] = placed(Table(), found.file, found.line)
        holder = holder[key]
    for key, value in given.items():
        holder[key] = value


def _image(image: Table, held: list[Table]) -> None:
    """`images` of a kustomization: a new name, tag or digest wherever an image is named."""
    name, digest = string(image.get("name")), string(image.get("digest"))
    tag = string(image.get("newTag"))
    new = string(image.get("newName")) or name
    made = f"{new}@{digest}" if digest else f"{new}:{tag}" if tag else ""
    pending: list[Any] = list(held)
    while pending and made:
        value = pending.pop()
        if isinstance(value, Table):
            given = string(value.get("image"))
            if name and name in {given, given.partition("@")[0].rpartition(":")[0]}:
                value["image"] = text(made, image.file, image.line)
            pending += value.values()
        elif isinstance(value, Row):
            pending += value
