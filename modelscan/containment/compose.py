"""Compose files as workloads: one for each service, with the networks and volumes that it names.

A model that a compose file names itself is a workload, too: Docker's model runner serves it.

Source: the Compose specification (services, networks, volumes, models, provider services).
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from modelscan.containment import commands, images
from modelscan.containment.kubernetes import said
from modelscan.containment.layers import pairs, split_volume
from modelscan.containment.model import Container, Mount, Port, Said, Setting, Workload
from modelscan.containment.nodes import (
    Row,
    Table,
    Text,
    at,
    rows,
    string,
    table,
    truth,
    where,
)
from modelscan.discovery.shellwords import Word

_HOST: Final = re.compile(r"[./~$]|[A-Za-z]:[\\/]")
_PORT: Final = re.compile(
    r"(?:(?P<address>\[[0-9a-fA-F:]+\]|\d+(?:\.\d+){3}|\$\{[^}]*\}(?=:[^:]+:)):)?"
    r"(?:(?P<host>[\d-]*|\$\{[^}]*\}):)?"
    r"(?P<inner>[\d-]+|\$\{[^}]*\})(?:/\w+)?"
)
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


def workloads(root: Table, built: Mapping[str, Container] | None = None) -> Iterator[Workload]:
    """The services of a compose file, and the models that it names itself.

    Args:
        root: the file.
        built: what Dockerfiles make, by their paths.
    """
    services = table(root.get("services"))
    for name, service in services.items():
        if not isinstance(service, Table):
            continue
        provided = at(service, "provider", "options", "model")
        if string(provided):
            yield _model(name, provided, Row())
        else:
            made = _workload(name, service, root, services)
            base = _base(service, built or {})
            if base is not None:
                _upon(made.main[0], base)
            yield made
    for name, model in table(root.get("models")).items():
        if string(table(model).get("model")):
            yield _model(name, model["model"], model.get("runtime_flags"))


def _base(service: Table, built: Mapping[str, Container]) -> Container | None:
    """The image that a service builds, when its Dockerfile is written out or among the files."""
    build = service.get("build")
    inline = at(service, "build", "dockerfile_inline")
    if isinstance(inline, Text):
        found = images.workload(str(inline), inline.file)
        return found.containers[0] if found else None
    context = string(build) or string(table(build).get("context")) or "."
    file = string(table(build).get("dockerfile")) or "Dockerfile"
    path = posixpath.join(posixpath.dirname(service.file), context, file)
    return built.get(posixpath.normpath(path)) if build is not None else None


def _upon(container: Container, base: Container) -> None:
    """A container with what its image brings: commands that it does not replace, variables."""
    container.base_image = base.image
    if not container.commands:
        container.commands, container.commands_in = base.commands, base.place.file
    own = {each.name for each in container.settings}
    container.settings += [each for each in base.settings if each.name not in own]


def _model(name: Any, model: Text, flags: Any) -> Workload:
    """A model that Docker's model runner fetches and serves, outside of all containers."""
    place = where(model)
    words = [Word(each, line=place.line) for each in ("docker", "model", "run", str(model))]
    words += [Word(string(each), line=where(each).line) for each in rows(flags)]
    return Workload(
        name=str(name),
        kind="compose model",
        platform="image",
        place=where(name, model),
        containers=[Container(name=str(name), place=place, commands=[words])],
        partial=True,
    )


def _workload(name: Any, service: Table, root: Table, services: Table) -> Workload:
    mode = string(service.get("network_mode"))
    shared = services.get(mode.partition(":")[2]) if mode.startswith("service:") else None
    outward = table(shared) if isinstance(shared, Table) else service
    host = tuple(
        (word, where(service[key], service))
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
        networks=[] if string(outward.get("network_mode")) else _networks(outward),
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


def _networks(service: Table) -> list[str]:
    """The networks that a service is in."""
    given = service.get("networks")
    names = (
        [str(n) for n in given] if isinstance(given, Table) else [string(n) for n in rows(given)]
    )
    return names or ["default"]


def _egress(service: Table, root: Table) -> Said:
    """Whether a service reaches beyond its networks: an internal network has no way out."""
    mode = service.get("network_mode")
    if string(mode) == "none":
        return Said(False, where(mode))  # noqa: FBT003  # nothing gets out
    if string(mode):
        return Said(True if string(mode) in {"host", "bridge"} else None, where(mode))
    networks = service.get("networks")
    declared = table(root.get("networks"))
    states = []
    for name in _networks(service):
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
        commands_in=where(service.get("command", service.get("entrypoint")), service).file,
        commands=commands.of_lists(
            [service.get("entrypoint"), service.get("command")],
            {each.name: each for each in settings},
        ),
        settings=settings,
        drives="models" in service,
        mounts=[*_mounts(service, root), *_borrowed(service, root), *_devices(service)],
        privileged=said(service, "privileged"),
        root_read_only=said(service, "read_only"),
        user_not_root=Said(string(user).partition(":")[0] not in {"root", "0"}, where(user))
        if isinstance(user, Text)
        else Said(),
        no_new_privileges=Said(not string(escalation).endswith("false"), where(escalation))
        if escalation is not None
        else Said(),
        unconfined=next(
            (where(each) for key, each in options.items() if key.endswith("unconfined")), None
        ),
        drops_all=Said(True, where(dropped[0])) if dropped else Said(),  # noqa: FBT003  # it does
        added=tuple(
            (string(each).upper().removeprefix("CAP_"), where(each))
            for each in rows(service.get("cap_add"))
        ),
    )


def _settings(service: Table) -> Iterator[Setting]:
    for name, value in table(pairs(service.get("environment"))).items():
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
            path = posixpath.normpath(posixpath.join(posixpath.dirname(service.file), named))
            yield Setting(f"all of {named}", None, "elsewhere", where(each), ("file", path))
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


def _borrowed(service: Table, root: Table) -> Iterator[Mount]:
    """Volumes of other services."""
    services = table(root.get("services"))
    for each in rows(service.get("volumes_from")):
        name, _, mode = string(each).partition(":")
        other = services.get(name)
        for mount in _mounts(other, root) if isinstance(other, Table) else ():
            yield mount._replace(read_only=mount.read_only or mode == "ro")


def _devices(service: Table) -> Iterator[Mount]:
    """Devices of the host, of which some are the host itself."""
    for each in rows(service.get("devices")):
        source, _, rest = string(each).partition(":")
        path = rest.partition(":")[0] or source
        yield Mount(path, source, "device", read_only=False, place=where(each))


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
