"""The files below a path that say how something is run, and the workloads in them.

Kubernetes manifests, compose files with their overrides, kustomizations with patches, Dockerfiles,
systemd and Quadlet units. What cannot be read, or is a template, is coverage: needed when the text
names a program that serves a model.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache, partial
from typing import Final, NamedTuple

import msgspec

from modelscan.containment import (
    compose,
    crds,
    dockerrun,
    environment,
    images,
    kubernetes,
    kustomize,
    layers,
    templates,
    units,
)
from modelscan.containment.cluster import Cluster
from modelscan.containment.model import Container, Workload
from modelscan.containment.nodes import LONGEST, Node, Table, documents
from modelscan.discovery.walking import Found, Tree
from modelscan.errors import ReadError
from modelscan.vocabulary.coverage import Coverage, Status

_DOCKERFILE: Final = re.compile(r"(?:.*\.)?(?:docker|container)file(?:[._-].*)?", re.IGNORECASE)
_UNIT: Final = re.compile(r".*\.(?:service|container)(?:\.j2|\.in)?")
_YAML: Final = re.compile(r".*\.(?:ya?ml|json)", re.IGNORECASE)
_OVERRIDE: Final = re.compile(r"(?P<stem>(?:docker-)?compose)\.override\.(?P<end>ya?ml)")
_SCRIPT: Final = re.compile(r".*\.(?:sh|bash|zsh|mk)|(?:GNU)?[Mm]akefile|[Jj]ustfile")
_RUNS: Final = re.compile(rb"\b(?:docker|podman|nerdctl)[ \t]+(?:container[ \t]+)?run\b")
_DROP_INS: Final = (".service.d", ".container.d")
_OTHER: Final = re.compile(r".*\.(?:tf|hcl|nomad|bicep|jsonnet|libsonnet|cue)")
_FOREIGN: Final = (b"docker_container", b"podman_container", b"containerDefinitions")
_OTHER_REASON: Final = "deployments in this form are not read"
_VALUES: Final = re.compile(r"(?:values|.*[-_.]values|values[-_.].*)\.ya?ml")
_VALUES_REASON: Final = "values of a chart: render the chart (helm template)"
_SHORT: Final = 1 << 18
"""Bytes of a file of a kind that is not read; a longer one is no deployment."""
_PROGRAMS: Final = (
    r"vllm|text-generation-(?:inference|launcher)|text-embeddings|sglang|llama[-_.]?(?:cpp|server)"
    r"|ollama|triton-?(?:inference-)?server|InferenceService|ServingRuntime|RayService|lmdeploy"
    r"|huggingfaceserver"
)
_NAMES: Final = re.compile(_PROGRAMS)
"""Names of programs and objects that serve a model."""
_HINTS: Final = re.compile(_PROGRAMS + r"|HF_TOKEN|HF_HUB|MODEL_ID|--model[= ]")
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

    def images(self) -> dict[str, Container]:
        """What Dockerfiles make, by their paths."""
        found = [each for each in self.workloads if each.kind == "image"]
        return {each.place.file: each.containers[0] for each in found}


def read(tree: Tree) -> Deployment:
    """Read the files of a tree."""
    return _Reading(tree).all()


class _Reading:
    """Gathers documents first, since overrides and patches change them, then the workloads."""

    def __init__(self, tree: Tree) -> None:
        self._tree = tree
        self._found = Deployment()
        self._templated: dict[str, frozenset[int]] = {}
        self._variants: dict[str, str] = {}
        self._drop_ins: dict[str, list[Found]] = {}
        self._any = False

    def all(self) -> Deployment:
        """See `read`."""
        self._found.coverage += [gap for gap in self._tree.coverage if gap.needed]
        for file in self._tree.files:
            unit, _, name = file.path.rpartition("/")
            if unit.endswith(_DROP_INS) and name.endswith(".conf"):
                self._drop_ins.setdefault(unit[: -len(".d")], []).append(file)
        for file in self._tree.files:
            self._guarded(file.path, partial(self._file, file))
        self._guarded(".", self._lone_drop_ins)
        self._guarded(".", self._layer_composes)
        self._guarded(".", self._resolve_composes)
        self._any = any(self._hinted(path) for path in self._found.files)
        self._guarded(".", self._build_kustomizations)
        for path, roots in self._found.manifests.items():
            self._guarded(path, partial(self._objects, path, roots))
        for path, root in self._found.composes.items():
            self._guarded(path, partial(self._services, root))
        self._guarded(".", self._fill)
        return self._found

    def _guarded(self, path: str, step: Callable[[], None]) -> None:
        """One step; its own fault is a gap of the file, and no end of the others."""
        try:
            step()
        except Exception as error:  # noqa: BLE001  # a fault of ours is a gap, never silence
            self._gap(path, f"reading it failed: {type(error).__name__}: {error}", needed=True)

    def _file(self, file: Found) -> None:
        name = file.path.rpartition("/")[2]
        if _YAML.fullmatch(name) or name in kustomize.NAMES:
            self._yaml(file)
        elif _DOCKERFILE.fullmatch(name):
            self._one(file, images.workload, "dockerfile")
        elif _UNIT.fullmatch(name):
            drop_ins = [self._text(each) for each in self._drop_ins.pop(file.path, [])]
            make = partial(units.workload, drop_ins=drop_ins, networks=self._networks(file.path))
            self._one(file, make, "systemd unit")
        elif _SCRIPT.fullmatch(name):
            self._script(file)
        elif _OTHER.fullmatch(name):
            self._unread(file, _OTHER_REASON)

    def _one(self, file: Found, make: Callable[[str, str], Workload | None], form: str) -> None:
        """A file that is one workload, or none."""
        data = self._data(file)
        content = (data or b"").decode("utf-8", "replace").replace("\r\n", "\n")
        workload = make(content, file.path)
        if data is not None and workload is not None:
            self._keep(file.path, data, form)
            workload.templated = "{{" in content
            self._found.workloads.append(workload)

    def _text(self, file: Found) -> tuple[str, str]:
        """A drop-in: its path and its text."""
        data = self._data(file) or b""
        self._keep(file.path, data, "systemd unit")
        return file.path, data.decode("utf-8", "replace").replace("\r\n", "\n")

    def _networks(self, path: str) -> dict[str, str]:
        """The `.network` units beside a Quadlet unit, by name."""
        if not path.endswith(".container"):
            return {}
        folder = path.rpartition("/")[0]
        beside = [f for f in self._tree.files if f.path.endswith(".network")
                  and f.path.rpartition("/")[0] == folder]  # fmt: skip
        return {f.path.rpartition("/")[2]: self._text(f)[1] for f in beside}

    def _lone_drop_ins(self) -> None:
        """Drop-ins of a unit that a package brings."""
        for path, files in self._drop_ins.items():
            made = units.workload("", path, [self._text(each) for each in files])
            if made is not None:
                self._found.workloads.append(made)

    def _script(self, file: Found) -> None:
        data = self._data(file)
        if data is None or _RUNS.search(data) is None:
            return
        content = data.decode("utf-8", "replace").replace("\r\n", "\n")
        found = list(dockerrun.of_script(content, file.path))
        if found:
            self._keep(file.path, data, "shell script")
            self._found.workloads += found

    def _unread(self, file: Found, reason: str) -> None:
        """A file of a kind that is not read: a gap when it seems to serve a model."""
        data = self._data(file) if file.size <= _SHORT else None
        if data and _NAMES.search(data.decode("utf-8", "replace")):
            self._gap(file.path, reason, needed=True, status="unsupported")

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
        if data is None:
            return
        if any(mark in data for mark in _FOREIGN):
            self._unread(file, _OTHER_REASON)
        if not any(mark in data for mark in _MARKS):
            if _VALUES.fullmatch(file.path.rpartition("/")[2]):
                self._unread(file, _VALUES_REASON)
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
                self._found.composes[base] = layers.merged(self._found.composes[base], over)

    def _resolve_composes(self) -> None:
        """Services that extend others, and files that compose files include."""
        for path, reason in layers.resolve(self._found.composes):
            self._gap(path, f"{reason}, which is not followed", needed=self._hinted(path))

    def _build_kustomizations(self) -> None:
        """What kustomizations make stands in for what they are made of."""
        built = kustomize.build(self._found.manifests)
        sources = [{each.file for each in one.objects} for one in built]
        for one, own in zip(built, sources, strict=True):
            shared = any(own & other for other in sources if other is not own)
            variant = (one.folder or ".") if shared else ""
            for each in one.objects:
                path = f"{variant}/{each.file}" if variant else each.file
                self._found.manifests.setdefault(path, []).append(each)
                if variant:
                    self._variants[path] = variant
            for reason in one.gaps:
                path = f"{one.folder}/kustomization.yaml" if one.folder else "kustomization.yaml"
                needed = any(self._hinted(each) for each in (path, *own)) or not own
                self._gap(path, reason, needed=needed and self._any, status="unsupported")

    def _objects(self, path: str, roots: list[Node]) -> None:
        variant = self._variants.get(path, "")
        for root in roots:
            for each in kubernetes.objects(root):
                self._found.cluster.add(each, variant)
                for workload in crds.workloads(each):
                    workload.variant = variant
                    workload.templated = each.file in self._templated
                    workload.conditional = self._templated.get(each.file, frozenset())
                    self._found.workloads.append(workload)

    def _services(self, root: Table) -> None:
        self._found.workloads += compose.workloads(root, self._found.images())

    def _fill(self) -> None:
        """Variables that come from maps, secrets and files that are here."""
        listed = {file.path: file for file in self._tree.files}

        @cache
        def content(path: str) -> str | None:
            found = listed.get(path)
            data = self._data(found) if found is not None else None
            return data.decode("utf-8-sig", "replace") if data else None

        environment.fill(self._found.workloads, self._found.cluster.around, content)

    def _hinted(self, path: str) -> bool:
        """True for a file whose text names a program that serves a model."""
        file = self._found.files.get(path)
        return file is not None and _HINTS.search(file.data.decode("utf-8", "replace")) is not None

    def _keep(self, path: str, data: bytes, form: str) -> None:
        self._found.files[path] = File(path, data, form)

    def _gap(self, path: str, reason: str, *, needed: bool, status: Status = "unreadable") -> None:
        self._found.coverage.append(
            Coverage(
                file=path, status=status if needed else "skipped", needed=needed, reason=reason
            )
        )
