"""A pod specification, contained: rights, host, network names, volumes, variables and commands.

What is changed is what the controls look at. A change that could not be undone by the reader of the
overlay, such as another image, is never made.

Source: Pod Security Standards, level "restricted", and the settings that the controls name.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final, NamedTuple

from modelscan.containment.controls.host import SOCKETS, SYSTEM
from modelscan.containment.controls.loading import FETCH, stores_of
from modelscan.containment.controls.reach import KEY_PATHS, is_key
from modelscan.containment.harden import words
from modelscan.containment.harden.words import STORE, Locked
from modelscan.containment.model import Setting
from modelscan.containment.nodes import Place
from modelscan.containment.servers import Server, image_name
from modelscan.containment.view import Serving, View

CLAIM: Final = "models"
"""The claim that holds them then."""
AGREED: Final = "models-agreed"
"""The config map with what was agreed on."""
AGREED_PATH: Final = "/etc/modelassay"
MANIFEST: Final = "models.json"
_USER: Final = 10_001
"""A user that no image has, so that it owns none of its files."""
_CONTEXT: Final[dict[str, Any]] = {
    "allowPrivilegeEscalation": False,
    "readOnlyRootFilesystem": True,
    "capabilities": {"drop": ["ALL"]},
}


class Given(NamedTuple):
    """What only the user knows."""

    locked: Locked | None
    pins: dict[str, str]
    """Digests by the name of an image."""
    verifier: str


def contain(spec: dict[str, Any], view: View, given: Given) -> None:
    """Contain a pod specification, in place."""
    shared = bool(spec.pop("hostIPC", None))
    for key in ("hostNetwork", "hostPID"):
        spec.pop(key, None)
    spec["automountServiceAccountToken"] = False
    context = dict(spec.get("securityContext") or {})
    context |= {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}
    if not context.get("runAsUser"):
        context |= {"runAsUser": _USER, "runAsGroup": _USER, "fsGroup": _USER}
    spec["securityContext"] = context
    serving = {each.container.name: each for each in view.serving}
    _separate(spec)
    first = [each for each in spec.get("initContainers") or [] if not _fetches(each)]
    scratch = [("tmp", "/tmp"), *([("shm", "/dev/shm")] if shared else [])]  # noqa: S108  # the pod's
    for container in [*first, *(spec.get("containers") or []), *_model(spec)]:
        name = str(container.get("name") or "model")
        _container(container, serving.get(name), given, scratch)
    for key, _ in scratch:
        memory: dict[str, Any] = {"medium": "Memory"} if key == "shm" else {}
        _volume(spec, f"contained-{key}", {"emptyDir": memory})
    for each in serving.values():
        _weights(spec, each)
    checks = [_verifier(spec, each, given) for each in serving.values() if _checkable(each, given)]
    if first or checks:
        spec["initContainers"] = [*first, *checks]
    else:
        spec.pop("initContainers", None)


def _model(spec: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """KServe's own container."""
    if isinstance(spec.get("model"), dict):
        yield spec["model"]


def _fetches(container: dict[str, Any]) -> bool:
    text = " ".join(str(each) for key in ("command", "args") for each in container.get(key) or [])
    return FETCH.search(text) is not None


def _separate(spec: dict[str, Any]) -> None:
    """Take away what is mounted of the host's system, and keys."""
    bad = {
        each.get("name")
        for each in spec.get("volumes") or []
        if _leads_away(str((each.get("hostPath") or {}).get("path") or ""))
    }
    if bad:
        spec["volumes"] = [each for each in spec["volumes"] if each.get("name") not in bad]
    for key in ("initContainers", "containers"):
        for container in spec.get(key) or []:
            mounts = container.get("volumeMounts") or []
            kept = [each for each in mounts if each.get("name") not in bad]
            if len(kept) != len(mounts):
                container["volumeMounts"] = kept


def _leads_away(path: str) -> bool:
    return bool(path) and any(pattern.search(path) for pattern in (SOCKETS, SYSTEM, KEY_PATHS))


def _container(
    container: dict[str, Any],
    each: Serving | None,
    given: Given,
    scratch: list[tuple[str, str]],
) -> None:
    context = {k: v for k, v in (container.get("securityContext") or {}).items()
               if k not in {"privileged", "capabilities"}}  # fmt: skip
    container["securityContext"] = context | _CONTEXT
    if _far(container):
        name = str(container["storageUri"]).rstrip("/").rpartition("/")[2]
        container["storageUri"] = f"pvc://{CLAIM}/{name}"
    image = str(container.get("image") or "")
    digest = given.pins.get(image_name(image))
    if image and digest and "@sha256:" not in image:
        container["image"] = f"{image}@{digest}"
    mounts = list(container.get("volumeMounts") or [])
    taken = {each.get("mountPath") for each in mounts}
    mounts += [{"name": f"contained-{key}", "mountPath": path} for key, path in scratch
               if path not in taken]  # fmt: skip
    container["volumeMounts"] = mounts
    server = each.server if each else Server("other")
    container["env"] = _environment(container, server, given)
    for key in ("command", "args"):
        if key in container:
            container[key] = words.rewrite(container[key], server, given.locked)


def _far(container: dict[str, Any]) -> bool:
    storage = str(container.get("storageUri") or "")
    return storage.startswith(("hf:", "s3:", "gs:", "http", "abfs", "wasb", "hdfs"))


def _environment(container: dict[str, Any], server: Server, given: Given) -> list[dict[str, Any]]:
    kept: list[dict[str, Any]] = []
    for each in container.get("env") or []:
        name, value = str(each.get("name")), each.get("value")
        setting = Setting(name, None if value is None else str(value), "literal", Place("", 0))
        if not is_key(setting, server) and not words.opens(name):
            kept.append(each)
    names = {each["name"] for each in kept}
    values = [str(each.get("value")) for each in kept]
    wanted = dict(words.SCRATCH) | words.revision_setting(server, given.locked, values)
    if server.role == "serves" and server.hub:
        wanted |= words.OFFLINE
    return [each for each in kept if each["name"] not in words.OFFLINE] + [
        {"name": name, "value": value}
        for name, value in wanted.items()
        if name in words.OFFLINE or name not in names
    ]


def _volume(spec: dict[str, Any], name: str, source: dict[str, Any]) -> None:
    volumes = list(spec.get("volumes") or [])
    if all(each.get("name") != name for each in volumes):
        spec["volumes"] = [*volumes, {"name": name, **source}]


def _weights(spec: dict[str, Any], each: Serving) -> None:
    """What holds the model is mounted read-only; where nothing does, a claim."""
    if each.server.role != "serves":
        return
    held = {mount.path for mount in stores_of(each)}
    fixed = {mount.path for mount in each.container.mounts
             if mount.kind in {"claim", "host", "named"}}  # fmt: skip
    for container in spec.get("containers") or []:
        if container.get("name") == each.container.name:
            for mount in container["volumeMounts"]:
                path = str(mount.get("mountPath"))
                if path in held:
                    mount["mountPath"] = words.relocated(path)
                    _set(container["env"], words.homes(each.server, path))
                if path in held | fixed:
                    mount["readOnly"] = True
            if not held:
                container["volumeMounts"].append(
                    {"name": "contained-models", "mountPath": STORE, "readOnly": True}
                )
                container["env"] += [{"name": words.home(each.server), "value": STORE}]
                claim = {"persistentVolumeClaim": {"claimName": CLAIM, "readOnly": True}}
                _volume(spec, "contained-models", claim)


def _set(env: list[dict[str, Any]], values: dict[str, str]) -> None:
    """Set variables, whatever they were."""
    env[:] = [each for each in env if each.get("name") not in values]
    env += [{"name": name, "value": value} for name, value in values.items()]


def _checkable(each: Serving, given: Given) -> bool:
    return bool(each.server.role == "serves" and given.locked and given.verifier)


def _verifier(spec: dict[str, Any], each: Serving, given: Given) -> dict[str, Any]:
    """The step that holds the model against what was agreed on, before anything loads it."""
    found: dict[str, Any] = next(
        (c for c in [*(spec.get("containers") or []), *_model(spec)]
         if str(c.get("name") or "model") == each.container.name), {},
    )  # fmt: skip
    fixed = [mount for mount in found.get("volumeMounts") or [] if mount.get("readOnly")]
    _volume(spec, "contained-agreed", {"configMap": {"name": AGREED}})
    path = target(each, [str(mount["mountPath"]) for mount in fixed], given.locked)
    return {
        "name": f"verify-{each.container.name}",
        "image": given.verifier,
        "command": ["modelassay", "verify", path, "--manifest", f"{AGREED_PATH}/{MANIFEST}"],
        "env": [{"name": name, "value": value} for name, value in words.SCRATCH.items()],
        "securityContext": dict(_CONTEXT),
        "volumeMounts": [
            *fixed,
            {"name": "contained-agreed", "mountPath": AGREED_PATH, "readOnly": True},
            {"name": "contained-tmp", "mountPath": "/tmp"},  # noqa: S108  # the pod's
        ],
    }


def target(each: Serving, stores: list[str], locked: Locked | None) -> str:
    """The path of the model's files: the path that is served, or its folder in a hub's cache."""
    for model in each.models:
        if model.ref.startswith("/"):
            return str(model.ref)
    store = stores[0] if stores else STORE
    hub = each.server.hub and locked is not None and "/" in locked.name
    return f"{store}/models--{locked.name.replace('/', '--')}" if hub and locked else store
