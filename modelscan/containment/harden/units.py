"""Drop-ins for systemd and Quadlet units: a unit of one's own, without a way out, nothing writable.

What a list of a unit holds is cleared by an empty assignment before it is set again.

Sources: systemd.unit(5) on drop-ins, systemd.exec(5), systemd.resource-control(5),
podman-systemd.unit(5) (`NAME.container.d/*.conf`, `.network` units).
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Sequence
from typing import Any, Final

from modelscan.containment.controls.host import SOCKETS, SYSTEM
from modelscan.containment.controls.loading import stores_of
from modelscan.containment.controls.reach import HUB_HOME, KEY_PATHS, is_key
from modelscan.containment.harden import launch, places, words
from modelscan.containment.harden.pods import AGREED_PATH, MANIFEST, Given
from modelscan.containment.model import Mount
from modelscan.containment.servers import by_command, image_name
from modelscan.containment.view import Serving, View

NETWORK: Final = "contained.network"
NETWORK_UNIT: Final = "[Network]\nInternal=true\n"
"""A network without a way out."""
_STORE: Final = "/var/lib/models"
"""Where weights of a unit lie when nothing says where they are."""
_ADDRESS: Final = re.compile(r"0\.0\.0\.0|\[?::\]?|\*")
_HOSTS: Final = ("--host", "--hostname", "--http-address")
_HOST_SETTINGS: Final = ("OLLAMA_HOST", "HOST", "LLAMA_ARG_HOST", "HOSTNAME")
_LOOPBACK: Final = "127.0.0.1"


def drop_in(view: View, given: Given, allowed: Sequence[str]) -> str:
    """The drop-in that contains a unit's server.

    Args:
        view: the unit.
        given: what only the user knows.
        allowed: networks that may be connected to.
    """
    if view.workload.kind == "quadlet container":
        return "\n".join(_quadlet(view, given)) + "\n"
    return "\n".join(_service(view, given, allowed)) + "\n"


def _service(view: View, given: Given, allowed: Sequence[str]) -> Iterator[str]:
    each = view.serving[0]
    container = each.container
    yield "[Service]"
    if container.user_not_root.value is not True:
        yield from ("User=", "DynamicUser=yes")
    yield from ("NoNewPrivileges=yes", "CapabilityBoundingSet=", "AmbientCapabilities=")
    yield from ("ProtectSystem=strict", "ProtectHome=yes", "PrivateTmp=yes")
    yield from ("IPAddressDeny=any", "IPAddressAllow=", "IPAddressAllow=localhost")
    yield from (f"IPAddressAllow={net}" for net in allowed if "/" in net and "=" not in net)
    yield from ("ReadWritePaths=", "BindPaths=", "StateDirectory=", "CacheDirectory=")
    stores = [mount.path for mount in stores_of(each)] or _folders(each) or [_STORE]
    yield from (f"ReadOnlyPaths={path}" for path in stores)
    env = {s.name: s.value for s in container.settings if s.value is not None}
    env = _environment(env, each, given, stores)
    yield from ("Environment=", "EnvironmentFile=", "LoadCredential=")
    yield from _lines("Environment", env)
    if given.locked and each.server.role == "serves":
        path = _moved(places.target(each, stores, env, given.locked), stores)
        yield f"ExecStartPre=/usr/bin/modelassay verify {path} --manifest {AGREED_PATH}/{MANIFEST}"
    start = _start(each, given)
    if start is not None:
        moved = [_moved(word, stores) for word in _local(start)]
        yield from ("ExecStart=", f"ExecStart={_escaped(shlex.join(moved))}")


def _folders(each: Serving) -> list[str]:
    """The folders of the models that are named by a path."""
    found = [str(model.ref) for model in each.models if model.ref.startswith("/")]
    return [path.rpartition("/")[0] or path for path in found]


def _moved(path: str, stores: list[str]) -> str:
    """A place of the store, where a unit has it: units have no mounts."""
    flag, tied, value = path.partition("=")
    if tied and value.startswith(words.STORE + "/"):
        return f"{flag}={_moved(value, stores)}"
    if path.startswith(words.STORE + "/") and words.STORE not in stores:
        return stores[0] + path.removeprefix(words.STORE)
    return path


def _start(each: Serving, given: Given) -> list[str] | None:
    """The words that start the server, contained; `None` where a script prepares more for it."""
    for command in each.container.commands:
        if by_command(command) == each.server:
            beside = [c for c in each.container.commands
                      if c is not command and c[0].line == command[0].line]  # fmt: skip
            if not all(launch.idle([word.text for word in c]) for c in beside):
                return None
            holder: dict[str, Any] = {"command": [word.text for word in command]}
            launch.launch(holder, ("entrypoint", "command"), each, given.locked)
            return [str(word) for word in holder["command"]]
    return None


def _local(start: list[str]) -> list[str]:
    """A command that listens on loopback alone."""
    made = list(start)
    for index, word in enumerate(start):
        flag, tied, value = word.partition("=")
        if flag in _HOSTS and tied and _ADDRESS.fullmatch(value):
            made[index] = f"{flag}={_LOOPBACK}"
        elif flag in _HOSTS and not tied and index + 1 < len(start):
            made[index + 1] = _LOOPBACK
    named = any(word.partition("=")[0] in _HOSTS for word in made)
    return made if named or "ollama" in start[0] else [*made, "--host", _LOOPBACK]


def _environment(
    env: dict[str, str], each: Serving, given: Given, stores: list[str]
) -> dict[str, str]:
    kept = {
        setting.name: env[setting.name]
        for setting in each.container.settings
        if setting.name in env
        and not is_key(setting, each.server)
        and not words.opens(setting.name)
    }
    for name in _HOST_SETTINGS:
        if name in kept:
            port = kept[name].rpartition(":")[2] if ":" in kept[name] else ""
            kept[name] = f"{_LOOPBACK}:{port}" if port.isdigit() else _LOOPBACK
    made = launch.variables(dict(kept), each, given.locked)
    if each.server.role == "serves" and each.server.hub:
        made |= words.OFFLINE
    made |= places.lead(each, stores, made)
    return {name: _moved(str(value), stores) for name, value in made.items()}


def _lines(key: str, values: dict[str, str]) -> Iterator[str]:
    for name, value in values.items():
        text = _escaped(f"{name}={value}")
        yield f'{key}="{text}"' if re.search(r"\s", text) else f"{key}={text}"


def _escaped(text: str) -> str:
    """Text in which systemd puts nothing in."""
    return text.replace("%", "%%").replace("$", "$$")


def _quadlet(view: View, given: Given) -> Iterator[str]:
    each = view.serving[0]
    container = each.container
    yield "[Container]"
    image = container.image
    pin = given.pins.get(image_name(image))
    if pin and "@sha256:" not in image:
        yield f"Image={image}@{pin.partition('@')[2]}"
    yield from ("PodmanArgs=", "AddCapability=", "PublishPort=", "Secret=")
    yield from ("Network=", f"Network={NETWORK}", "ReadOnly=true", "NoNewPrivileges=true")
    yield from ("DropCapability=", "DropCapability=all", "Tmpfs=", "Tmpfs=/tmp", "Volume=")
    held = {mount.path for mount in stores_of(each)}
    stores: list[str] = []
    env = {s.name: s.value for s in container.settings if s.value is not None}
    volumes: list[str] = []
    for mount in container.mounts:
        if not _leads_away(mount):
            path = words.relocated(mount.path) if mount.path in held else mount.path
            volumes.append(f"{mount.source}:{path}:ro")
            stores += [path] if mount.path in held else []
            env |= words.homes(each.server, mount.path) if mount.path in held else {}
    if not stores and each.server.role == "serves":
        stores.append(words.STORE)
        volumes.append(f"{_STORE}:{words.STORE}:ro")
        env |= {words.home(each.server): words.STORE}
    yield from (f"Volume={volume}" for volume in volumes)
    env = _environment(env, each, given, stores) | {
        name: value for name, value in env.items() if name in words.homes(each.server, "/root")
    }
    yield from ("Environment=", "EnvironmentFile=")
    yield from _lines("Environment", dict(words.SCRATCH) | env)
    holder: dict[str, Any] = {"command": [word.text for word in container.words()]}
    launch.launch(holder, ("entrypoint", "command"), each, given.locked)
    if holder["command"]:
        yield f"Exec={_escaped(shlex.join(holder['command']))}"
    if given.locked and given.verifier and each.server.role == "serves":
        path = places.target(each, stores, env, given.locked)
        mounts = [f"-v {volume}" for volume in volumes]
        agreed = f"-v {AGREED_PATH}/{MANIFEST}:{AGREED_PATH}/{MANIFEST}:ro"
        run = ["/usr/bin/podman run --rm --network none --read-only", *mounts, agreed,
               f"{given.verifier} modelassay verify {path}",
               f"--manifest {AGREED_PATH}/{MANIFEST}"]  # fmt: skip
        yield from ("", "[Service]", f"ExecStartPre={' '.join(run)}")


def _leads_away(mount: Mount) -> bool:
    """True for what is no place for models: the host's system, keys, somebody's home."""
    patterns = (SOCKETS, SYSTEM, KEY_PATHS)
    return any(p.search(mount.source) for p in patterns) or bool(HUB_HOME.fullmatch(mount.source))
