"""What a control looks at, and what it says: one workload, recognised, with what is around it."""

from __future__ import annotations

from typing import NamedTuple

from modelscan.budget import Budget, Limits
from modelscan.containment.cluster import Cluster
from modelscan.containment.model import Container, Workload
from modelscan.containment.nodes import Place
from modelscan.containment.servers import UNKNOWN, Server, by_name, recognise
from modelscan.discovery import commandline, keys, naming
from modelscan.discovery.mention import Mention, reference
from modelscan.vocabulary.containment import Control, Outcome
from modelscan.vocabulary.lock import LockedModel
from modelscan.vocabulary.reference import Reference

_LIMITS = Limits(steps=1_000_000, seconds=10)


class Switch(NamedTuple):
    """A flag or variable that opens a door."""

    name: str
    value: str
    effect: str


class Result(NamedTuple):
    """How a control stands, or one reason among several why it does."""

    control: Control
    outcome: Outcome
    reason: str
    place: Place
    severe: bool = False
    switch: Switch | None = None


class Serving(NamedTuple):
    """A container that serves or drives a model."""

    container: Container
    server: Server
    models: tuple[Reference, ...]


class View(NamedTuple):
    """One workload."""

    workload: Workload
    serving: tuple[Serving, ...]
    cluster: Cluster
    neighbours: tuple[Workload, ...] = ()
    """Other workloads of the same file."""
    locked: tuple[LockedModel, ...] = ()
    """Models that a lock agrees on, when there is one."""

    @property
    def serves(self) -> bool:
        """True when a model is in it, false when it only asks one."""
        return any(each.server.role == "serves" for each in self.serving)

    @property
    def models(self) -> tuple[Reference, ...]:
        """Every model that it names."""
        found = {each.ref: each for item in self.serving for each in item.models}
        return tuple(found.values())

    def good(self, control: Control, reason: str, place: Place | None = None) -> Result:
        """Satisfied; of a template nothing can be said to be absent."""
        outcome: Outcome = "unknown" if self.workload.templated and place is None else "satisfied"
        if outcome == "unknown":
            reason = "the template has to be rendered first"
        return Result(control, outcome, reason, place or self.workload.place)

    def bad(self, control: Control, reason: str, place: Place, *, severe: bool = False) -> Result:
        """Violated by what is written."""
        return Result(control, "violated", reason, place, severe)

    def silent(self, control: Control, reason: str, place: Place | None = None) -> Result:
        """Violated by silence, or unknown where others have the word."""
        where = place or self.workload.place
        if self.workload.templated:
            return Result(control, "unknown", "the template has to be rendered first", where)
        if self.workload.partial:
            return Result(control, "unknown", f"{reason}; how it is run decides", where)
        return Result(control, "violated", reason, where)

    def unknown(self, control: Control, reason: str, place: Place | None = None) -> Result:
        """Not to be told."""
        return Result(control, "unknown", reason, place or self.workload.place)


def look(workload: Workload, cluster: Cluster, neighbours: tuple[Workload, ...]) -> View | None:
    """A workload that has to do with a model; `None` for any other."""
    serving = []
    for container in workload.main:
        server = recognise(container)
        named = tuple(_models(container))
        if server is None and (workload.templated or workload.kind == "Model"):
            server = by_name(container.name.casefold())  # its image is put in later
        server = server or _by_kind(workload, container) or (UNKNOWN if named else None)
        if server is not None:
            serving.append(Serving(container, server, named))
    serving.sort(key=lambda each: each.server.role == "drives")  # what serves comes first
    return View(workload, tuple(serving), cluster, neighbours) if serving else None


def _by_kind(workload: Workload, container: Container) -> Server | None:
    """The program that an object stands for; few of KServe's formats use the hub's client."""
    server = _MODEL_KINDS.get(workload.kind)
    form = (container.format or container.name).casefold()
    if server is not None and server.name == "kserve" and form in _WITHOUT_HUB:
        return server._replace(hub=False)
    return server


_WITHOUT_HUB = frozenset(
    {"sklearn", "xgboost", "lightgbm", "tensorflow", "onnx", "pmml", "paddle", "triton", "pytorch",
     "tensorrt", "mlflow", "openvino_ir"}
)  # fmt: skip
_MODEL_KINDS = {
    "InferenceService": Server("kserve", key_flags=("--api-key",)),
    "ServingRuntime": Server("kserve"),
    "ClusterServingRuntime": Server("kserve"),
    "RayService": Server("ray-serve", key_settings=("RAY_AUTH_TOKEN",)),
    "SeldonDeployment": Server("seldon"),
    "LLMInferenceService": Server("kserve", key_flags=("--api-key",)),
    "Workspace": Server("kaito"),
    "NIMService": Server("nim", hub=False),
    "compose model": Server("docker-model-runner", hub=False),
}
"""Objects that are about models by their kind."""


def _models(container: Container) -> list[Reference]:
    """The models that a container names in its commands, variables and storage."""
    budget = Budget(_LIMITS)
    found: list[tuple[Mention, str]] = []
    said = container.setting("REVISION", "MODEL_REVISION", "HF_REVISION", "HF_MODEL_REVISION")
    revision = said.value if said else None
    file = container.where(0).file
    for words in container.commands:
        budget.step()
        line = words[0].line if words else 0
        mentions = commandline.mentions(words, line, container.image or container.base_image)
        found += [(_revised(each, revision), file) for each in mentions]
    flag = container.flag("--revision", "--model-revision")
    for each in container.settings:
        role = keys.role(each.name)
        if role is not None and each.value:
            mention = Mention(each.value, each.place.line, role.usual, strict=role.strict)
            asked = flag[1].text if flag else revision
            found.append((_revised(mention, asked), each.place.file))
    for mount in container.mounts:
        if mount.path == "/mnt/models" and "://" in mount.source:
            found.append((Mention(mount.source, mount.place.line, "url"), mount.place.file))
        elif mount.kind == "image":
            mention = Mention(f"oci://{mount.source}", mount.place.line, "oci")
            found.append((mention, mount.place.file))
    made: dict[str, Reference] = {}
    for mention, held_in in found:
        named = reference(mention, held_in, "deployment", lambda _: False)
        if named is not None and not named.options.get("hosted"):
            made.setdefault(named.ref, named)
    return list(made.values())


def _revised(mention: Mention, revision: str | None) -> Mention:
    """A mention at the revision that is asked for beside it, when it has none of its own."""
    if mention.revision is None and revision and naming.named(mention.text, mention.usual):
        return mention._replace(revision=revision)
    return mention
