"""Compose files as workloads: one for each service, with the networks and volumes that it names.

Source: the Compose specification (services, networks, volumes, models; `!reset` and `!override` of
merged files).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

from modelscan.containment import commands
from modelscan.containment.kubernetes import said
from modelscan.containment.model import Container, Mount, Port, Said, Setting, Workload
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
    text,
    truth,
    where,
)

_HOST: Final = re.compile(r"[./~$]|[A-Za-z]:[\\/]")
_PORT: Final = re.compile(
    r"(?:(?P<address>\[[0-9a-fA-F:]+\]|\d+(?:\.\d+){3}|\$\{[^}]*\}(?=:[^:]+:)):)?"
    r"(?:(?P<host>[\d-]*|\$\{[^}]*\}):)?"
    r"(?P<inner>[\d-]+|\$\{[^}]*\})(?:/\w+)?"
)
_DRIVE: Final = re.compile(r"[A-Za-z]:(?:\\|/[^:]*:/)")
_PART: Final = re.compile(r"(?:\$\{[^}]*\}|[^:])+")
_NAME: Final = re.compile(r"(?:^|/)(?:docker-|podman-)?compose[^/]*\.ya?ml$")


def is_compose(path: str, root: Any) -> bool:
    """True for a compose file: by its name, or by services that have images or builds."""
    services = root.get("services") if isinstance(root, Table) else None
    if not isinstance(services, Table) or "apiVersion" in root:
        return False
    known = any(
        "image" in each or "build" in each for each in services.values() if isinstance(each, Table)
    )
    return known or _NAME.search(path) is not None


def merged(base: Any, over: Any) -> Any:
    """A compose file with another laid over it, as `docker compose -f base -f over` does.

    Tables are merged, lists of ports, volumes and the like added to; `!override` replaces, and
    `!reset` takes away.
    """
    if not isinstance(base, Table) or not isinstance(over, Table) or over.tag == "!override":
        return over
    made = Table(base)
    made.file, made.line = base.file, base.line
    for key, value in over.items():
        if getattr(value, "tag", "") == "!reset":
            made.pop(key, None)
        elif key not in base or getattr(value, "tag", "") == "!override" or key in _REPLACED:
            made[key] = value
        elif key == "environment":
            made[key] = merged(_pairs(base[key]), _pairs(value))
        elif isinstance(base[key], Row) and isinstance(value, Row):
            made[key] = _added(key, base[key], value)
        else:
            made[key] = merged(base[key], value)
    return made


_REPLACED: Final = frozenset({"command", "entrypoint", "test"})


def _added(key: str, base: Row, over: Row) -> Row:
    """Lists are added to each other; of two volumes for the same path the later one counts."""
    places = {_target(each) for each in over} if key == "volumes" else set()
    made = Row([*(each for each in base if key != "volumes" or _target(each) not in places), *over])
    made.file, made.line = over.file, over.line
    return made


def _target(volume: Any) -> str:
    if isinstance(volume, Table):
        return string(volume.get("target"))
    return split_volume(string(volume))[1]


def workloads(root: Table) -> Iterator[Workload]:
    """The services of a compose file."""
    services = table(root.get("services"))
    for name, service in services.items():
        if isinstance(service, Table):
            yield _workload(name, service, root, services)


def _workload(name: Any, service: Table, root: Table, services: Table) -> Workload:
    mode = string(service.get("network_mode"))
    shared = services.get(mode.partition(":")[2]) if mode.startswith("service:") else None
    outward = table(shared) if isinstance(shared, Table) else service
    host = tuple(
        (word, Place(service.file, service[key].line))
        for key, word in (("network_mode", "network"), ("pid", "pid"), ("ipc", "ipc"))
        if string(service.get(key)) == "host"
    )
    logging = at(service, "logging", "driver")
    return Workload(
        name=str(name),
        kind="compose service",
        platform="compose",
        place=where(name, service),
        containers=[*_before(service, services, root), _container(name, service, root)],
        partial="extends" in service or "include" in root,
        host_namespaces=host,
        runtime_class=string(service.get("runtime")),
        ports=[*_ports(service), *(_ports(outward) if outward is not service else ())],
        egress=_egress(outward, root),
        one_shot=string(service.get("restart")) in {"", "no"} and "deploy" not in service,
        logging_off=where(logging) if string(logging) == "none" else None,
    )


def _before(service: Table, services: Table, root: Table) -> Iterator[Container]:
    """Services that have to end well before this one starts."""
    for name, each in table(service.get("depends_on")).items():
        other = services.get(name)
        done = string(table(each).get("condition")) == "service_completed_successfully"
        if done and isinstance(other, Table):
            found = _container(name, other, root)
            found.init = True
            yield found


def _egress(service: Table, root: Table) -> Said:
    """Whether a service reaches beyond its networks: an internal network has no way out."""
    mode = service.get("network_mode")
    if string(mode) == "none":
        return Said(False, where(mode))  # noqa: FBT003  # nothing gets out
    if string(mode):
        return Said(True if string(mode) in {"host", "bridge"} else None, where(mode))
    networks = service.get("networks")
    names = list(networks) if isinstance(networks, Table) else [string(n) for n in rows(networks)]
    declared = table(root.get("networks"))
    states = []
    for name in names or ["default"]:
        network = table(declared.get(name))
        if truth(network.get("internal")) is True:
            states.append(Said(False, where(network)))  # noqa: FBT003  # as above
        elif truth(network.get("external")) is True or isinstance(network.get("external"), Table):
            states.append(Said(None, where(network)))
        else:
            states.append(Said(True, where(networks, service)))  # noqa: FBT003  # as above
    order = {True: 0, None: 1, False: 2}
    return min(states, key=lambda state: order[state.value])


def _container(name: Any, service: Table, root: Table) -> Container:
    settings = list(_settings(service))
    options = {string(each): each for each in rows(service.get("security_opt"))}
    escalation = next((each for key, each in options.items() if "no-new-privileges" in key), None)
    dropped = [e for e in rows(service.get("cap_drop")) if string(e).upper() in {"ALL", "CAP_ALL"}]
    user = service.get("user")
    image = service.get("image")
    return Container(
        name=str(name),
        place=where(name, service),
        image=string(image),
        image_place=where(image) if isinstance(image, Text) else None,
        commands=commands.of_lists(
            [service.get("entrypoint"), service.get("command")],
            {each.name: each for each in settings},
        ),
        settings=settings,
        mounts=list(_mounts(service, root)),
        privileged=said(service, "privileged"),
        root_read_only=said(service, "read_only"),
        user_not_root=Said(string(user).partition(":")[0] not in {"root", "0"}, where(user))
        if isinstance(user, Text)
        else Said(),
        no_new_privileges=Said(not string(escalation).endswith("false"), where(escalation))
        if escalation is not None
        else Said(),
        drops_all=Said(True, where(dropped[0])) if dropped else Said(),  # noqa: FBT003  # it does
        added=tuple(
            (string(each).upper().removeprefix("CAP_"), where(each))
            for each in rows(service.get("cap_add"))
        ),
    )


def _pairs(value: Any) -> Any:
    """`- NAME=value` as `NAME: value`."""
    if not isinstance(value, Row):
        return value
    made = Table()
    made.file, made.line, made.tag = value.file, value.line, value.tag
    for each in value:
        name, tied, rest = string(each).partition("=")
        if name:
            given = text(rest, each.file, each.line, plain=False)
            made[text(name, each.file, each.line)] = (
                given if tied else text("", each.file, each.line)
            )
    return made


def _settings(service: Table) -> Iterator[Setting]:
    for name, value in table(_pairs(service.get("environment"))).items():
        place = where(name)
        given = string(value)
        passed = isinstance(value, Text) and value.plain and not given  # `NAME` alone: the host's
        from_host = given.startswith("${") and ":-" not in given and "-" not in given
        if passed or from_host:
            yield Setting(str(name), None, "elsewhere", place)
        else:
            yield Setting(str(name), given, "literal", place)
    files = service.get("env_file")
    for each in rows(files) if isinstance(files, Row) else [files]:
        named = string(each) or string(table(each).get("path"))
        if named:
            yield Setting(f"all of {named}", None, "elsewhere", where(each))
    for each in rows(service.get("secrets")):
        named = string(each) or string(table(each).get("source"))
        yield Setting(f"secret {named}", None, "secret", where(each))


def _mounts(service: Table, root: Table) -> Iterator[Mount]:
    declared = table(root.get("volumes"))
    for each in rows(service.get("volumes")):
        place = where(each)
        if isinstance(each, Table):
            source, target = string(each.get("source")), string(each.get("target"))
            read_only = truth(each.get("read_only")) is True
            given = string(each.get("type"))
            kind: Any = {"bind": "host", "tmpfs": "memory", "image": "image"}.get(given, "named")
        else:
            source, target, mode = split_volume(string(each))
            read_only = "ro" in mode.split(",")
            kind = "host" if _HOST.match(source) else "named" if source else "scratch"
        device = string(at(declared, source, "driver_opts", "device"))
        if device and _HOST.match(device):
            source, kind = device, "host"
        yield Mount(target, source, kind, read_only or kind == "image", place)
    temporary = service.get("tmpfs")
    for each in rows(temporary) if isinstance(temporary, Row) else [temporary]:
        if string(each):
            path = string(each).partition(":")[0]
            yield Mount(path, "", "memory", False, where(each))  # noqa: FBT003  # written, and gone at the end


def split_volume(volume: str) -> tuple[str, str, str]:
    """`source:target:mode` taken apart; drives and `${NAME:-default}` hold colons of their own."""
    drive = _DRIVE.match(volume)
    parts = _PART.findall(volume[2:] if drive else volume) or [""]
    parts[0] = (volume[:2] if drive else "") + parts[0]
    if len(parts) == 1:
        return "", parts[0], ""
    return parts[0], parts[1], parts[2] if len(parts) > 2 else ""  # noqa: PLR2004  # the mode


def _ports(service: Table) -> Iterator[Port]:
    for each in rows(service.get("ports")):
        place = where(each)
        if isinstance(each, Table):
            if string(each.get("target")):
                address = string(each.get("host_ip")) or "0.0.0.0"  # noqa: S104  # what compose does
                yield Port(string(each["target"]), address, place)
            continue
        found = _PORT.fullmatch(string(each))
        if found:
            address = (found["address"] or "0.0.0.0").strip("[]")  # noqa: S104  # what compose does
            yield Port(found["inner"], address, place)


def unread(root: Table) -> Iterator[tuple[str, int]]:
    """Files that a compose file takes in, and that are not followed."""
    for each in rows(root.get("include")):
        named = string(each) or string(table(each).get("path"))
        yield f"it includes {named or 'other files'}", each.line
    for service in tables(Row(table(root.get("services")).values())):
        named = string(at(service, "extends", "file"))
        if named:
            yield f"a service extends {named}", service["extends"].line
