"""The files below a path that say how something is run, and the workloads in them.

Kubernetes manifests, compose files with their overrides, kustomizations with patches, Dockerfiles,
systemd and Quadlet units. What cannot be read, or is a template, is coverage: needed when the text
names a program that serves a model.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from typing import Final, NamedTuple

import msgspec

from modelscan.containment import compose, images, kubernetes, kustomize, templates, units
from modelscan.containment.cluster import Cluster
from modelscan.containment.model import Workload
from modelscan.containment.nodes import LONGEST, Node, Table, documents
from modelscan.discovery.walking import Found, Tree
from modelscan.errors import ReadError
from modelscan.vocabulary.coverage import Coverage, Status

_DOCKERFILE: Final = re.compile(r"(?:.*\.)?(?:docker|container)file(?:[._-].*)?", re.IGNORECASE)
_UNIT: Final = re.compile(r".*\.(?:service|container)(?:\.j2|\.in)?")
_YAML: Final = re.compile(r".*\.(?:ya?ml|json)", re.IGNORECASE)
_OVERRIDE: Final = re.compile(r"(?P<stem>(?:docker-)?compose)\.override\.(?P<end>ya?ml)")
_KUSTOMIZATION: Final = frozenset({"kustomization.yaml", "kustomization.yml", "Kustomization"})
_HINTS: Final = re.compile(
    r"vllm|text-generation-(?:inference|launcher)|text-embeddings|sglang|llama[-_.]?(?:cpp|server)"
    r"|ollama|triton-?(?:inference-)?server|InferenceService|ServingRuntime|RayService|lmdeploy"
    r"|huggingfaceserver|HF_TOKEN|HF_HUB|MODEL_ID|--model[= ]",
)
"""Words of texts that serve a model."""
_MARKS: Final = (b"apiVersion", b"services", b"resources", b"patches", b"kind", b"op:", b'"op"')
"""What stands in every document that could matter; most YAML of a code base is not parsed."""


class File(NamedTuple):
    """One file that was read."""

    path: str
    data: bytes
    form: str


class Deployment(msgspec.Struct):
    """All that a path says about what runs."""

    workloads: list[Workload] = []
    cluster: Cluster = msgspec.field(default_factory=Cluster)
    files: dict[str, File] = {}
    composes: dict[str, Table] = {}
    """Compose files with their overrides, by path."""
    manifests: dict[str, list[Node]] = {}
    """Kubernetes documents with their patches, by path."""
    coverage: list[Coverage] = []


def read(tree: Tree) -> Deployment:
    """Read the files of a tree."""
    return _Reading(tree).all()


class _Reading:
    """Gathers documents first, since overrides and patches change them, then the workloads."""

    def __init__(self, tree: Tree) -> None:
        self._tree = tree
        self._found = Deployment()
        self._templated: dict[str, frozenset[int]] = {}

    def all(self) -> Deployment:
        """See `read`."""
        self._found.coverage += [gap for gap in self._tree.coverage if gap.needed]
        for file in self._tree.files:
            self._guarded(file.path, partial(self._file, file))
        self._guarded(".", self._layer_composes)
        self._guarded(".", self._apply_kustomizations)
        for path, roots in self._found.manifests.items():
            self._guarded(path, partial(self._objects, path, roots))
        for path, root in self._found.composes.items():
            self._guarded(path, partial(self._compose, path, root))
        return self._found

    def _guarded(self, path: str, step: Callable[[], None]) -> None:
        """One step; its own fault is a gap of the file, and no end of the others."""
        try:
            step()
        except Exception as error:  # noqa: BLE001  # a fault of ours is a gap, never silence
            self._gap(path, f"reading it failed: {type(error).__name__}: {error}", needed=True)

    def _file(self, file: Found) -> None:
        name = file.path.rpartition("/")[2]
        if _YAML.fullmatch(name) or name in _KUSTOMIZATION:
            self._yaml(file)
        elif _DOCKERFILE.fullmatch(name) or _UNIT.fullmatch(name):
            data = self._data(file)
            content = (data or b"").decode("utf-8", "replace").replace("\r\n", "\n")
            image = _DOCKERFILE.fullmatch(name) is not None
            workload = (images if image else units).workload(content, file.path)
            if data is not None and workload is not None:
                self._keep(file.path, data, "dockerfile" if image else "systemd unit")
                workload.templated = "{{" in content
                self._found.workloads.append(workload)

    def _data(self, file: Found) -> bytes | None:
        if not file.size:
            return None
        try:
            data = self._tree.read(file, LONGEST + 1)
        except ReadError as error:
            self._gap(file.path, error.message, needed=True)
            return None
        if len(data) > LONGEST:
            needed = _HINTS.search(data.decode("utf-8", "replace")) is not None
            self._gap(file.path, f"{file.size:,} bytes: too long to be read", needed=needed)
            return None
        return data

    def _yaml(self, file: Found) -> None:
        data = self._data(file)
        if data is None or not any(mark in data for mark in _MARKS):
            return
        content = data.decode("utf-8-sig", "replace").replace("\r\n", "\n")
        roots: list[Node] = []
        try:
            for root in documents(content, file.path):
                roots.append(root)  # noqa: PERF402  # what stood before an error is kept
        except ReadError as error:
            roots = self._broken(file.path, content, roots, error)
        if not roots:
            return
        self._keep(
            file.path, data, "compose" if compose.is_compose(file.path, roots[0]) else "yaml"
        )
        override = _OVERRIDE.fullmatch(file.path.rpartition("/")[2])
        first = roots[0]
        if isinstance(first, Table) and (override or compose.is_compose(file.path, first)):
            self._found.composes[file.path] = first
        else:
            self._found.manifests[file.path] = roots

    def _broken(self, path: str, content: str, roots: list[Node], error: ReadError) -> list[Node]:
        """Text that is not YAML: a template is read as far as it can be, the rest is a gap."""
        hinted = _HINTS.search(content) is not None
        if "{{" not in content:
            self._gap(path, error.message, needed=hinted)
            return roots
        reason = "a template: render it first (helm template, kustomize build)"
        self._gap(path, reason, needed=hinted, status="unsupported")
        self._templated[path] = templates.conditional(content)
        self._found.cluster.templated |= templates.kinds(content)
        return templates.documents(content, path)

    def _layer_composes(self) -> None:
        """An override beside a compose file is laid over it, as `docker compose` does by itself."""
        for path in list(self._found.composes):
            folder, slash, name = path.rpartition("/")
            found = _OVERRIDE.fullmatch(name)
            if not found:
                continue
            stems = (f"{found['stem']}.yaml", f"{found['stem']}.yml", "compose.yaml", "compose.yml",
                     "docker-compose.yml", "docker-compose.yaml")  # fmt: skip
            base = next(
                (b for stem in stems if (b := folder + slash + stem) in self._found.composes), ""
            )
            over = self._found.composes.pop(path)
            if base:
                self._found.composes[base] = compose.merged(self._found.composes[base], over)

    def _apply_kustomizations(self) -> None:
        for path in [p for p in self._found.manifests if p.rpartition("/")[2] in _KUSTOMIZATION]:
            root = self._found.manifests.pop(path)[0]
            if isinstance(root, Table):
                for reason, needed in kustomize.apply(root, path, self._found.manifests):
                    self._gap(path, reason, needed=needed, status="unsupported")

    def _objects(self, path: str, roots: list[Node]) -> None:
        for root in roots:
            for each in kubernetes.objects(root):
                self._found.cluster.add(each)
                for workload in kubernetes.workloads(each):
                    workload.templated = path in self._templated
                    workload.conditional = self._templated.get(path, frozenset())
                    self._found.workloads.append(workload)

    def _compose(self, path: str, root: Table) -> None:
        for reason, _ in compose.unread(root):
            needed = _HINTS.search(self._found.files[path].data.decode("utf-8", "replace"))
            self._gap(path, f"{reason}, which is not followed", needed=needed is not None)
        self._found.workloads += compose.workloads(root)

    def _keep(self, path: str, data: bytes, form: str) -> None:
        self._found.files[path] = File(path, data, form)

    def _gap(self, path: str, reason: str, *, needed: bool, status: Status = "unreadable") -> None:
        self._found.coverage.append(
            Coverage(
                file=path, status=status if needed else "skipped", needed=needed, reason=reason
            )
        )
