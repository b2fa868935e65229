"""The services of a compose file, contained: an internal network, no rights, nothing writable.

Callers join the internal network; nothing is published any more. A service that names a contained
one is taken to be its caller.

Source: the Compose specification.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Sequence
from typing import Any, Final

from modelscan.containment.controls.host import RAW, SOCKETS, SYSTEM
from modelscan.containment.controls.loading import stores_of
from modelscan.containment.controls.reach import HUB_HOME, KEY_PATHS, is_key
from modelscan.containment.harden import launch, places, words
from modelscan.containment.harden.pods import AGREED_PATH, MANIFEST, Given
from modelscan.containment.harden.words import STORE
from modelscan.containment.layers import split_volume
from modelscan.containment.model import Setting
from modelscan.containment.nodes import Place
from modelscan.containment.servers import image_name
from modelscan.containment.view import Serving, View

NETWORK: Final = "contained"
"""The network without a way out."""
MODELS: Final = "${MODELS:?the folder that holds the models}"
"""What is mounted in place of a person's own cache, in which a token lies."""


def contained(root: dict[str, Any], views: Sequence[View], given: Given, agreed: str) -> Any:
    """A compose file with the services of these workloads contained.

    Args:
        root: the file as plain data; it stays as it is.
        views: the workloads.
        given: what only the user knows.
        agreed: the manifest that models are verified against; empty for none.
    """
    made = copy.deepcopy(root)
    services = made["services"]
    names = {view.workload.name for view in views}
    for view in views:
        name = view.workload.name
        stores = _service(services[name], view.serving[0], given)
        _others(services, name, names)
        if given.locked and given.verifier and view.serves:
            _verify(made, name, view.serving[0], given, stores)
    made["networks"] = dict(made.get("networks") or {}) | {NETWORK: {"internal": True}}
    if agreed and given.locked and given.verifier and any(view.serves for view in views):
        made["configs"] = dict(made.get("configs") or {}) | {
            "models-agreed": {"content": agreed.replace("$", "$$")}  # compose puts variables in
        }
    return made


def _service(service: dict[str, Any], each: Serving, given: Given) -> list[str]:
    """Contain one service; returns where its models are mounted."""
    if service.get("ipc") == "host":
        service["shm_size"] = "8gb"
    for key in ("privileged", "network_mode", "pid", "ipc", "cap_add", "ports",
                "userns_mode", "secrets", "volumes_from"):  # fmt: skip
        service.pop(key, None)
    devices = [d for d in service.get("devices") or [] if not RAW.match(str(d))]
    if len(devices) != len(service.get("devices") or []):
        service["devices"] = devices
    service["networks"] = [NETWORK]
    service["read_only"] = True
    service["cap_drop"] = ["ALL"]
    service["security_opt"] = ["no-new-privileges:true"]
    service["tmpfs"] = _memory(service.get("tmpfs"))
    if "env_file" in service:
        del service["env_file"]
        known = words.handed_over(each)
        service["environment"] = known | _pairs(service.get("environment"))
    exported = launch.launch(service, ("entrypoint", "command"), each, given.locked)
    environment = _pairs(service.get("environment")) | exported
    service["environment"] = _environment(environment, each, given)
    image = str(service.get("image") or "")
    pin = given.pins.get(image_name(image))
    if pin and "@sha256:" not in image:
        service["image"] = f"{image}@{pin.partition('@')[2]}"
    if service.get("logging", {}).get("driver") == "none":
        del service["logging"]
    return _volumes(service, each)


def _memory(given: Any) -> list[Any]:
    """What is kept in memory: what was, and a place for temporary files."""
    held = given if isinstance(given, list) else [given] if given else []
    there = any(str(each).partition(":")[0] == "/tmp" for each in held)  # noqa: S108  # the container's
    return list(held) if there else [*held, "/tmp"]  # noqa: S108  # the same


def _pairs(given: Any) -> dict[str, Any]:
    """Variables as a table; `NAME` alone, which is the host's own, without a value."""
    if isinstance(given, dict):
        return dict(given)
    cut = [str(item).partition("=") for item in given or []]
    return {name: value if tied else None for name, tied, value in cut}


def _environment(table: dict[str, Any], each: Serving, wishes: Given) -> dict[str, Any]:
    kept = {}
    for name, value in launch.variables(table, each, wishes.locked).items():
        text = None if value is None else str(value)
        setting = Setting(str(name), text, "literal", Place("", 0))
        if not is_key(setting, each.server) and not words.opens(str(name)):
            kept[str(name)] = value
    values = [str(value) for value in kept.values()]
    wanted = dict(words.SCRATCH) | words.revision_setting(each.server, wishes.locked, values)
    if each.server.role == "serves" and each.server.hub:
        kept |= words.OFFLINE
    return {**wanted, **kept}


def _volumes(service: dict[str, Any], each: Serving) -> list[str]:
    held = {mount.path for mount in stores_of(each)}
    made: list[Any] = []
    stores: list[str] = []
    for volume in service.get("volumes") or []:
        table = isinstance(volume, dict)
        source, path, mode = (
            (str(volume.get("source") or ""), str(volume.get("target") or ""), "")
            if table
            else split_volume(str(volume))
        )
        if any(pattern.search(source) for pattern in (SOCKETS, SYSTEM, KEY_PATHS)):
            continue
        if HUB_HOME.fullmatch(source):
            source = MODELS
        if path in held:
            _lead(service["environment"], words.homes(each.server, path))
            path = words.relocated(path)
            stores.append(path)
        kept = _volume(volume, source, path, mode, serves=each.server.role == "serves")
        if kept is None:
            service["tmpfs"].append(path)
        else:
            made.append(kept)
    if not stores and each.server.role == "serves":
        made.append(f"{MODELS}:{STORE}:ro")
        service["environment"][words.home(each.server)] = STORE
        stores.append(STORE)
    _lead(service["environment"], places.lead(each, stores, service["environment"]))
    if made:
        service["volumes"] = made
    else:
        service.pop("volumes", None)
    return stores


def _volume(given: Any, source: str, path: str, mode: str, *, serves: bool) -> Any:
    """A volume that cannot be written; `None` for what an agent or a page keeps, which ends."""
    host = source.startswith((".", "/", "~", "$")) or (
        isinstance(given, dict) and given.get("type") == "bind"
    )
    if isinstance(given, dict) and given.get("type") in {"tmpfs", "image", "npipe", "cluster"}:
        return given
    if not source:
        return given
    if not (serves or host or "ro" in mode.split(",")):
        return None
    if isinstance(given, dict):
        return {**given, "source": source, "target": path, "read_only": True}
    options = [word for word in mode.split(",") if word not in {"", "rw", "ro"}]
    return f"{source}:{path}:{','.join([*options, 'ro'])}"


def _lead(env: dict[str, Any], values: dict[str, str]) -> None:
    """Set variables that lead to a store; those that lead to another folder than root's stay."""
    for name, value in values.items():
        if str(env.get(name) or "/root").startswith("/root"):
            env[name] = value


def _others(services: dict[str, Any], name: str, contained_ones: set[str]) -> None:
    """Services that name a contained one join its network, and keep their own."""
    for other, service in services.items():
        if other in contained_ones or not isinstance(service, dict):
            continue
        said = json.dumps([service.get("environment"), service.get("depends_on"),
                           service.get("command")], default=str)  # fmt: skip
        if name not in said or "network_mode" in service:
            continue
        networks = service.get("networks") or ["default"]
        if isinstance(networks, dict):
            service["networks"] = {**networks, NETWORK: None}
        elif NETWORK not in networks:
            service["networks"] = [*networks, NETWORK]


def _verify(
    root: dict[str, Any], name: str, each: Serving, given: Given, stores: list[str]
) -> None:
    """A service that holds the model against what was agreed on, and has to end well first."""
    service = root["services"][name]
    path = places.target(each, stores, service["environment"], given.locked)
    root["services"][f"{name}-verify"] = {
        "image": given.verifier,
        "command": ["modelassay", "verify", path, "--manifest", f"{AGREED_PATH}/{MANIFEST}"],
        "entrypoint": [],
        "network_mode": "none",
        "read_only": True,
        "cap_drop": ["ALL"],
        "security_opt": ["no-new-privileges:true"],
        "tmpfs": ["/tmp"],  # noqa: S108  # the container's
        "environment": dict(words.SCRATCH),
        "volumes": list(service.get("volumes") or []),
        "configs": [{"source": "models-agreed", "target": f"{AGREED_PATH}/{MANIFEST}"}],
        "restart": "no",
    }
    before = service.get("depends_on") or {}
    if isinstance(before, list):
        before = {other: {"condition": "service_started"} for other in before}
    done = {"condition": "service_completed_successfully"}
    service["depends_on"] = {**before, f"{name}-verify": done}
