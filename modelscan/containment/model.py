"""Deployments in one form, whatever they were written in: workloads, containers, what these get.

What a file does not say is `None`, never a default: whether silence is good or bad is for the
controls to judge. A workload is *partial* when the file leaves parts to others, so that silence is
no violation, and *templated* when parts of the text could not be read, so that it is no good news
either.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, NamedTuple

import msgspec

from modelscan.containment.nodes import Place, Text
from modelscan.discovery.shellwords import Word

Platform = Literal["kubernetes", "compose", "systemd", "image"]


class Said(NamedTuple):
    """What a file says about a yes-or-no question, and where."""

    value: bool | None = None
    place: Place | None = None


class Setting(NamedTuple):
    """An environment variable."""

    name: str
    value: str | None
    """`None` when it comes from elsewhere."""
    origin: Literal["literal", "secret", "elsewhere"]
    place: Place
    source: tuple[str, ...] = ()
    """Where it comes from: kind, name and key of an object, or the path of a file."""


class Mount(NamedTuple):
    """Something that is put into a container's file system."""

    path: str
    source: str
    """Folder of the host, name of a claim or volume, reference of an image."""
    kind: Literal[
        "host",
        "claim",
        "named",
        "memory",
        "scratch",
        "config",
        "secret",
        "image",
        "device",
        "unknown",
    ]
    read_only: bool
    place: Place


class Port(NamedTuple):
    """A port that is open to more than the container itself."""

    number: str
    address: str
    """Where it is published: an address of the host, or `service` and the kind of a service."""
    place: Place


class Container(msgspec.Struct, kw_only=True):
    """One container, or the one process of a unit."""

    name: str
    place: Place
    image: str = ""
    image_place: Place | None = None
    base_image: str = ""
    """What the image is built from, when its Dockerfile is among the files."""
    commands: list[list[Word]] = []
    commands_in: str = ""
    """The file that the commands stand in, when it is not that of the container."""
    settings: list[Setting] = []
    mounts: list[Mount] = []
    init: bool = False
    """True when it ends before the others start."""
    privileged: Said = Said()
    root_read_only: Said = Said()
    user_not_root: Said = Said()
    no_new_privileges: Said = Said()
    drops_all: Said = Said()
    added: tuple[tuple[str, Place], ...] = ()
    """Capabilities that are added."""
    unconfined: Place | None = None
    """Where the default filter of system calls is taken away."""
    format: str = ""
    """Of a KServe model: the format that decides which server KServe takes."""
    drives: bool = False
    """True when the file itself binds a model to it."""

    def where(self, line: int) -> Place:
        """A line of its commands."""
        return Place(self.commands_in or self.place.file, line or self.place.line)

    def setting(self, *names: str) -> Setting | None:
        """The first variable of one of these names, whatever their case."""
        wanted = {name.upper() for name in names}
        return next((each for each in self.settings if each.name.upper() in wanted), None)

    def words(self) -> Iterator[Word]:
        """All words of all its commands."""
        for command in self.commands:
            yield from command

    def flag(self, *names: str) -> tuple[str, Word] | None:
        """The first of these flags, and its value: the word itself when it stands alone."""
        wanted = {name.replace("_", "-") for name in names}
        for command in self.commands:
            for index, word in enumerate(command):
                name, tied, value = word.text.partition("=")
                if not name.startswith("-") or name.replace("_", "-") not in wanted:
                    continue
                if tied:
                    return name, word._replace(text=value)
                following = command[index + 1] if index + 1 < len(command) else None
                if following is None or following.text.startswith("-"):
                    return name, word
                return name, following
        return None


class Workload(msgspec.Struct, kw_only=True):
    """Containers that stand and fall together: a pod, a service, a unit, an image."""

    name: str
    kind: str
    platform: Platform
    place: Place
    containers: list[Container]
    namespace: str = ""
    named: bool = True
    """False for an object whose name the cluster makes up."""
    variant: str = ""
    """Which of several kustomizations makes it; empty where there is one, or none."""
    service_account: str = ""
    labels: dict[str, str] = {}
    annotations: dict[str, Text] = {}
    partial: bool = False
    templated: bool = False
    conditional: frozenset[int] = frozenset()
    """Lines of a template that are there under a condition only."""
    host_namespaces: tuple[tuple[str, Place], ...] = ()
    """`network`, `pid`, `ipc`, with the place that says so."""
    service_account_token: Said = Said()
    runtime_class: str = ""
    ports: list[Port] = []
    networks: list[str] = []
    """Of a compose service: those that it shares with others of its file."""
    egress: Said = Said()
    """What the workload itself says: false when nothing gets out."""
    one_shot: bool = False
    """True when it runs once, and is not started again."""
    logging_off: Place | None = None

    @property
    def main(self) -> list[Container]:
        """Containers that run together with the model."""
        return [each for each in self.containers if not each.init]

    @property
    def title(self) -> str:
        """The name, with the namespace and the kustomization where there are several."""
        name = f"{self.namespace}/{self.name}" if self.namespace else self.name
        return f"{name} ({self.variant})" if self.variant else name
