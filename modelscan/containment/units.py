"""systemd units as workloads: services, and the containers of Podman's Quadlet.

Sources: systemd.exec(5), systemd.service(5), systemd.resource-control(5), podman-systemd.unit(5).
Lines that end in a backslash go on; a key that is given again adds to it, an empty value clears it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

from modelscan.containment import commands, dockerrun
from modelscan.containment.cluster import is_open
from modelscan.containment.model import Container, Mount, Port, Said, Setting, Workload
from modelscan.containment.nodes import Place, truth
from modelscan.discovery.shellwords import Word

_SECTION: Final = re.compile(r"\[([A-Za-z0-9-]+)\]\s*$")
_ASSIGNMENT: Final = re.compile(r"""\s*("(?:[^"\\]|\\.)*"|'[^']*'|\S+)""")
_LONGEST: Final = 1 << 20

Values = dict[tuple[str, str], list[tuple[str, Place]]]
"""Values with their places, by section and key."""


def parse(content: str, path: str, found: Values) -> None:
    """Add the assignments of a unit file, or of a drop-in of it."""
    section, held, start = "", "", 0
    for number, row in enumerate(content[:_LONGEST].split("\n"), start=1):
        if not held and (not row.strip() or row.lstrip().startswith(("#", ";"))):
            continue
        if held and row.lstrip().startswith(("#", ";")):
            continue
        start = start if held else number
        held += row.strip()
        if held.endswith("\\"):
            held = held[:-1] + " "
            continue
        line, held = held, ""
        head = _SECTION.fullmatch(line)
        if head:
            section = head[1]
            continue
        key, sign, value = line.partition("=")
        if sign:
            values = found.setdefault((section, key.strip()), [])
            if value.strip():
                values.append((value.strip(), Place(path, start)))
            else:
                values.clear()


def workload(
    content: str,
    path: str,
    drop_ins: Iterable[tuple[str, str]] = (),
    networks: Mapping[str, str] | None = None,
) -> Workload | None:
    """The workload of a unit; `None` when it starts nothing.

    Args:
        content: of the unit; empty when only drop-ins are here.
        path: of the unit.
        drop_ins: path and content of each, in the order in which they count.
        networks: contents of the `.network` units beside it, by name.
    """
    values: Values = {}
    parse(content, path, values)
    for other, more in drop_ins:
        parse(more, other, values)
    quadlet = path.endswith(".container")
    name = path.rpartition("/")[2].rpartition(".")[0]
    whole = bool(content)
    container = (
        _quadlet(values, name, path) if quadlet else _service(values, name, path, whole=whole)
    )
    if container is None:
        return None
    get = _Getter(values, path, networks)
    made = Workload(
        name=name,
        kind="quadlet container" if quadlet else "systemd unit",
        platform="systemd",
        place=container.place,
        containers=[container],
        egress=_egress(get),
        ports=[
            Port(value.rpartition(":")[2], _address(value), place)
            for value, place in values.get(("Container", "PublishPort"), [])
        ],
        host_namespaces=tuple(
            ("network", place)
            for value, place in values.get(("Container", "Network"), [])
            if value == "host"
        ),
        one_shot=get.text("Service", "Type") == "oneshot",
        partial=not whole,
    )
    for words in () if quadlet else container.commands:
        if dockerrun.is_run(words):
            dockerrun.apply(made, words)
            break
    return made


class _Getter:
    """Looks values up: the last one counts."""

    def __init__(
        self, values: Values, path: str, networks: Mapping[str, str] | None = None
    ) -> None:
        self.values = values
        self.path = path
        self.networks = networks or {}

    def last(self, section: str, key: str) -> tuple[str, Place] | None:
        found = self.values.get((section, key))
        return found[-1] if found else None

    def text(self, section: str, key: str) -> str:
        found = self.last(section, key)
        return found[0] if found else ""

    def said(self, section: str, key: str) -> Said:
        found = self.last(section, key)
        return Said(truth(found[0]), found[1]) if found else Said()

    def inner(self, network: str) -> bool | None:
        """False for a network that has no way out; `None` when its unit is not here."""
        content = self.networks.get(network)
        if content is None:
            return None
        values: Values = {}
        parse(content, network, values)
        return _Getter(values, network).said("Network", "Internal").value is not True

    def all(self, section: str, *keys: str) -> list[tuple[str, Place]]:
        return [each for key in keys for each in self.values.get((section, key), [])]


def _egress(get: _Getter) -> Said:
    """Whether the unit reaches the network: the last word of what systemd or Podman can refuse."""
    private = get.said("Service", "PrivateNetwork")
    if private.value:
        return Said(False, private.place)  # noqa: FBT003  # nothing gets out
    for value, place in get.all("Service", "IPAddressDeny"):
        if value in {"any", "0.0.0.0/0 ::/0", "::/0 0.0.0.0/0"}:
            allowed = [item for each, _ in get.all("Service", "IPAddressAllow")
                       for item in each.split()]  # fmt: skip
            if any(item == "any" or is_open(item) for item in allowed):
                return Said(True, place)  # noqa: FBT003  # everything does
            return Said(False, place)  # noqa: FBT003  # as above
    families = get.last("Service", "RestrictAddressFamilies")
    if families and set(families[0].split()) <= {"AF_UNIX", "none"}:
        return Said(False, families[1])  # noqa: FBT003  # as above
    network = get.last("Container", "Network")
    if network and network[0] == "none":
        return Said(False, network[1])  # noqa: FBT003  # as above
    if network and network[0].endswith(".network"):
        return Said(get.inner(network[0]), network[1])
    return Said(True)  # noqa: FBT003  # as above


def _address(value: str) -> str:
    parts = value.rsplit(":", 2)
    return parts[0] if len(parts) == 3 else "0.0.0.0"  # noqa: PLR2004, S104  # what Podman does


def _environment(get: _Getter, section: str) -> list[Setting]:
    settings = []
    for value, place in get.all(section, "Environment"):
        for found in _ASSIGNMENT.finditer(value):
            name, sign, given = found[1].strip("\"'").partition("=")
            if sign:
                settings.append(Setting(name, given.strip("\"'"), "literal", place))
    for value, place in get.all(section, "EnvironmentFile"):
        settings.append(Setting(f"all of {value.lstrip('-')}", None, "elsewhere", place))
    for value, place in get.all(section, "LoadCredential", "Secret"):
        settings.append(Setting(f"secret {value}", None, "secret", place))
    return settings


def _service(values: Values, name: str, path: str, *, whole: bool) -> Container | None:
    get = _Getter(values, path)
    starts = get.all("Service", "ExecStart")
    if not starts and not whole:  # a package brings the unit: its name says what it starts
        first = next((found for held in values.values() for found in held), None)
        starts = [(name, first[1])] if first else []
    if not starts:
        return None
    found = []
    for value, place in [*get.all("Service", "ExecStartPre"), *starts]:
        for words in commands.of_text(value.lstrip("-@:+!"), place.line):
            found += commands.of_words(words)
        if "-" in value[: len(value) - len(value.lstrip("-@:+!"))]:
            found.append([Word("true", line=place.line)])  # its failure is no failure
    protect = get.last("Service", "ProtectSystem")
    user = get.last("Service", "User")
    dynamic = get.said("Service", "DynamicUser")
    bounding = get.last("Service", "CapabilityBoundingSet")
    empty = ("Service", "CapabilityBoundingSet") in values and bounding is None
    start = starts[0][1]
    mounts = [
        Mount(value.lstrip("-+").partition(":")[0], value.lstrip("-+").partition(":")[0], "host",
              key in {"ReadOnlyPaths", "BindReadOnlyPaths"}, place)
        for key in ("ReadWritePaths", "BindPaths", "ReadOnlyPaths", "BindReadOnlyPaths")
        for values_, place in get.all("Service", key)
        for value in values_.split()
    ]  # fmt: skip
    for key, folder in (("StateDirectory", "/var/lib/"), ("CacheDirectory", "/var/cache/")):
        for value, place in get.all("Service", key):
            mounts.append(Mount(folder + value, value, "named", False, place))  # noqa: FBT003  # units write there
    return Container(
        name=name,
        place=start,
        commands=found,
        settings=_environment(get, "Service"),
        mounts=mounts,
        root_read_only=Said(protect[0] == "strict", protect[1]) if protect else Said(),
        user_not_root=Said(user[0] not in {"root", "0"}, user[1]) if user else dynamic,
        no_new_privileges=dynamic if dynamic.value else get.said("Service", "NoNewPrivileges"),
        drops_all=Said(True, start) if empty else Said(),  # noqa: FBT003  # it does
        privileged=Said(False, start),  # noqa: FBT003  # units have no such switch
    )


def _quadlet(values: Values, name: str, path: str) -> Container | None:
    get = _Getter(values, path)
    image = get.last("Container", "Image")
    if image is None:
        return None
    found = []
    for value, place in [*get.all("Container", "Entrypoint"), *get.all("Container", "Exec")]:
        found += commands.of_text(value, place.line)
    words = [word for command in found for word in command]
    first = [
        words_
        for value, place in get.all("Service", "ExecStartPre")
        for words_ in commands.of_text(value.lstrip("-@:+!"), place.line)
    ]
    dropped = [e for e in get.all("Container", "DropCapability") if e[0].upper() == "ALL"]
    arguments = " ".join(value for value, _ in get.all("Container", "PodmanArgs"))
    return Container(
        name=name,
        place=image[1],
        image=image[0],
        image_place=image[1],
        commands=[*first, *commands.of_words(words)],
        settings=_environment(get, "Container"),
        mounts=[_volume(value, place) for value, place in get.all("Container", "Volume")],
        privileged=Said("--privileged" in arguments, image[1]),
        root_read_only=get.said("Container", "ReadOnly"),
        user_not_root=get.said("Container", "RunInit")._replace(value=None),
        no_new_privileges=get.said("Container", "NoNewPrivileges"),
        drops_all=Said(True, dropped[0][1]) if dropped else Said(),  # noqa: FBT003  # it does
        added=tuple(
            (value.upper().removeprefix("CAP_"), place)
            for value, place in get.all("Container", "AddCapability")
        ),
    )


def _volume(value: str, place: Place) -> Mount:
    source, _, rest = value.partition(":")
    target, _, mode = rest.partition(":")
    kind: Any = "host" if source.startswith(("/", ".", "~", "%")) else "named"
    return Mount(target or source, source, kind, "ro" in mode.split(","), place)
