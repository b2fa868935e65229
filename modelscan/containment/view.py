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
from modelscan.discovery.shellwords import Word
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
        if server is None and workload.templated:
            server = by_name(container.name)  # its image is put in later
        server = server or _MODEL_KINDS.get(workload.kind) or (UNKNOWN if named else None)
        if server is not None:
            serving.append(Serving(container, server, named))
    return View(workload, tuple(serving), cluster, neighbours) if serving else None


_MODEL_KINDS = {
    "InferenceService": Server("kserve", key_flags=("--api-key",)),
    "ServingRuntime": Server("kserve"),
    "ClusterServingRuntime": Server("kserve"),
    "RayService": Server("ray-serve", key_settings=("RAY_AUTH_TOKEN",)),
    "SeldonDeployment": Server("seldon"),
}
"""Objects that are about models by their kind."""


def _models(container: Container) -> list[Reference]:
    """The models that a container names in its commands, variables and storage."""
    budget = Budget(_LIMITS)
    found: list[Mention] = []
    for words in container.commands:
        budget.step()
        found += commandline.mentions(words, words[0].line if words else 0, container.image)
    for each in container.settings:
        role = keys.role(each.name)
        if role is not None and each.value:
            word = Word(each.value, line=each.place.line)
            found.append(Mention(word.text, word.line, role.usual, strict=role.strict))
    for mount in container.mounts:
        if mount.path == "/mnt/models" and "://" in mount.source:
            found.append(Mention(mount.source, mount.place.line, "url"))
        elif mount.kind == "image":
            found.append(Mention(f"oci://{mount.source}", mount.place.line, "oci"))
    revision = _revision(container)
    made: dict[str, Reference] = {}
    for mention in found:
        if mention.revision is None and revision and naming.named(mention.text, mention.usual):
            mention = mention._replace(revision=revision)  # noqa: PLW2901  # the same, completed
        named = reference(mention, container.place.file, "deployment", lambda _: False)
        if named is not None and not named.options.get("hosted"):
            made.setdefault(named.ref, named)
    return list(made.values())


def _revision(container: Container) -> str | None:
    """The revision that a container asks for beside the model's name."""
    given = container.setting("REVISION", "MODEL_REVISION", "HF_REVISION", "HF_MODEL_REVISION")
    flag = container.flag("--revision", "--model-revision")
    return flag[1].text if flag else given.value if given else None
