"""A pod specification, contained: rights, host, network names, volumes, variables and commands.

What is changed is what the controls look at. A change that could not be undone by the reader of the
overlay, such as another image, is never made.

Source: Pod Security Standards, level "restricted", and the settings that the controls name.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final, NamedTuple

from modelscan.containment.controls.host import SOCKETS, SYSTEM
from modelscan.containment.controls.loading import FETCH, is_far, stores_of
from modelscan.containment.controls.reach import KEY_PATHS, is_key
from modelscan.containment.harden import launch, places, words
from modelscan.containment.harden.words import STORE, Locked
from modelscan.containment.model import Setting
from modelscan.containment.nodes import Place
from modelscan.containment.podspecs import FRAMEWORKS
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
_OPEN: Final = frozenset({"privileged", "capabilities", "seccompProfile", "appArmorProfile"})
_CONTEXT: Final[dict[str, Any]] = {
    "allowPrivilegeEscalation": False,
    "readOnlyRootFilesystem": True,
    "capabilities": {"drop": ["ALL"]},
}


class Given(NamedTuple):
    """What only the user knows."""

    locked: Locked | None
    pins: dict[str, str]
    """`image@digest` by the name of an image."""
    verifier: str


def contain(spec: dict[str, Any], view: View, given: Given) -> None:
    """Contain a pod specification, in place."""
    shared = bool(spec.pop("hostIPC", None))
    for key in ("hostNetwork", "hostPID"):
        spec.pop(key, None)
    spec["automountServiceAccountToken"] = False
    if view.cluster.cloud_role(view.workload) is not None:
        spec.pop("serviceAccountName", None)
        spec.pop("serviceAccount", None)
    context = dict(spec.get("securityContext") or {})
    context.pop("appArmorProfile", None)
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
    """KServe's own container, named as its reader names it."""
    for key in FRAMEWORKS:
        if isinstance(spec.get(key), dict):
            if key != "model":
                spec[key].setdefault("name", key)
            yield spec[key]
            return


def _fetches(container: dict[str, Any]) -> bool:
    text = " ".join(str(each) for key in ("command", "args") for each in container.get(key) or [])
    return FETCH.search(text) is not None


def _separate(spec: dict[str, Any]) -> None:
    """Take away what is mounted of the host's system, and keys."""
    for each in spec.get("volumes") or []:
        if "projected" in each:
            kept = [s for s in each["projected"].get("sources") or []
                    if "serviceAccountToken" not in s]  # fmt: skip
            each["projected"]["sources"] = kept
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
    given_ = container.get("securityContext") or {}
    container["securityContext"] = {k: v for k, v in given_.items() if k not in _OPEN} | _CONTEXT
    _storage(container)
    image = str(container.get("image") or "")
    pin = given.pins.get(image_name(image))
    if image and pin and "@sha256:" not in image:
        container["image"] = f"{image}@{pin.partition('@')[2]}"
    elif not image and each is not None and each.server.name == "kserve":
        pin = given.pins.get(f"kserve/{_runtime(container)}")
        if pin:  # the runtime's own image, which nothing else here could pin
            container["image"] = pin
    mounts = list(container.get("volumeMounts") or [])
    taken = {each.get("mountPath") for each in mounts}
    mounts += [{"name": f"contained-{key}", "mountPath": path} for key, path in scratch
               if path not in taken]  # fmt: skip
    container["volumeMounts"] = mounts
    if each is not None and container.pop("envFrom", None):
        mine = {str(v.get("name")) for v in container.get("env") or []}
        known = [{"name": k, "value": v} for k, v in words.handed_over(each).items()
                 if k not in mine]  # fmt: skip
        container["env"] = [*(container.get("env") or []), *known]
    if each is not None:
        exported = launch.launch(container, ("command", "args"), each, given.locked)
        env = [v for v in container.get("env") or [] if v.get("name") not in exported]
        container["env"] = env + [{"name": k, "value": v} for k, v in exported.items()]
    container["env"] = _environment(container, each, given)


def _storage(container: dict[str, Any]) -> None:
    """What KServe would fetch lies in a claim."""
    address = str(container.get("storageUri") or "")
    held = container.get("storage")
    if isinstance(held, dict):
        address = address or str(held.get("storageUri") or f"storage://{held.get('path') or ''}")
    if is_far(address):
        container.pop("storage", None)
        name = address.rstrip("/").rpartition("/")[2]
        container["storageUri"] = f"pvc://{CLAIM}/{name}"


_RUNTIMES: Final = {
    "huggingface": "huggingfaceserver", "sklearn": "sklearnserver", "xgboost": "xgbserver",
    "lightgbm": "lgbserver", "pmml": "pmmlserver", "paddle": "paddleserver",
}  # fmt: skip
"""The images that KServe takes for a format."""


def _runtime(container: dict[str, Any]) -> str:
    """The image that KServe takes when none is named."""
    format_ = container.get("modelFormat")
    name = format_.get("name") if isinstance(format_, dict) else container.get("name")
    return _RUNTIMES.get(str(name), "")


def _environment(
    container: dict[str, Any], each: Serving | None, given: Given
) -> list[dict[str, Any]]:
    server = each.server if each else Server("other")
    kept: list[dict[str, Any]] = []
    for item in container.get("env") or []:
        name, value = str(item.get("name")), item.get("value")
        setting = Setting(name, None if value is None else str(value), "literal", Place("", 0))
        if not is_key(setting, server) and not words.opens(name):
            kept.append(item)
    if each is not None:
        kept = list(_located(kept, each, given))
    names = {item["name"] for item in kept}
    values = [str(item.get("value")) for item in kept]
    wanted = dict(words.SCRATCH) | words.revision_setting(server, given.locked, values)
    if server.role == "serves" and server.hub:
        wanted |= words.OFFLINE
    return [item for item in kept if item["name"] not in words.OFFLINE] + [
        {"name": name, "value": value}
        for name, value in wanted.items()
        if name in words.OFFLINE or name not in names
    ]


def _located(env: list[dict[str, Any]], each: Serving, given: Given) -> Iterator[dict[str, Any]]:
    """Variables whose values name a model that is fetched lead to the store instead."""
    values = {str(item["name"]): item["value"] for item in env if "value" in item}
    changed = launch.variables(values, each, given.locked)
    for item in env:
        if "value" not in item:
            yield item
        elif item["name"] in changed:
            yield {**item, "value": changed.pop(item["name"])}
    yield from ({"name": name, "value": value} for name, value in changed.items())


def _volume(spec: dict[str, Any], name: str, source: dict[str, Any]) -> None:
    volumes = list(spec.get("volumes") or [])
    if all(each.get("name") != name for each in volumes):
        spec["volumes"] = [*volumes, {"name": name, **source}]


def _weights(spec: dict[str, Any], each: Serving) -> None:
    """What holds the model is mounted read-only; where nothing lasting does, a claim."""
    if each.server.role != "serves":
        _forget(spec, each)
        return
    held = {mount.path: mount.kind for mount in stores_of(each)}
    fixed = {mount.path for mount in each.container.mounts
             if mount.kind in {"claim", "host", "named"}}  # fmt: skip
    for container in _of(spec, each):
        for mount in container["volumeMounts"]:
            path = str(mount.get("mountPath"))
            if path in held:
                mount["mountPath"] = words.relocated(path)
                _lead(container["env"], words.homes(each.server, path))
            if path in held or path in fixed:
                mount["readOnly"] = True
            if held.get(path) == "scratch":  # what filled it is taken away
                mount["name"] = "contained-models"
                _claim(spec)
        if container.get("storageUri"):
            continue
        if not held:
            store = {"name": "contained-models", "mountPath": STORE, "readOnly": True}
            container["volumeMounts"].append(store)
            container["env"] += [{"name": words.home(each.server), "value": STORE}]
            _claim(spec)
        stores = [words.relocated(path) for path in held]
        _lead(container["env"], places.lead(each, stores, _literal(container["env"])))


def _forget(spec: dict[str, Any], each: Serving) -> None:
    """What an agent or a page keeps ends with it; folders of the host are read-only."""
    kinds = {mount.path: mount.kind for mount in each.container.mounts if not mount.read_only}
    for container in _of(spec, each):
        for index, mount in enumerate(container["volumeMounts"]):
            kind = kinds.get(str(mount.get("mountPath")), "")
            if kind == "claim":
                mount["name"] = f"contained-kept-{index}"
                mount.pop("subPath", None)
                _volume(spec, mount["name"], {"emptyDir": {}})
            elif kind == "host":
                mount["readOnly"] = True


def _of(spec: dict[str, Any], each: Serving) -> list[dict[str, Any]]:
    """The containers of a pod that are this one: one, but for broken manifests."""
    every = [*(spec.get("containers") or []), *_model(spec)]
    return [c for c in every if str(c.get("name") or "model") == each.container.name]


def _claim(spec: dict[str, Any]) -> None:
    claim = {"persistentVolumeClaim": {"claimName": CLAIM, "readOnly": True}}
    _volume(spec, "contained-models", claim)


def _lead(env: list[dict[str, Any]], values: dict[str, str]) -> None:
    """Set variables that lead to a store; those that lead to another folder than root's stay."""
    values = {
        name: value for name, value in values.items()
        if _literal(env).get(name, "/root").startswith("/root")
    }  # fmt: skip
    env[:] = [each for each in env if each.get("name") not in values]
    env += [{"name": name, "value": value} for name, value in values.items()]


def _literal(env: list[dict[str, Any]]) -> dict[str, str]:
    """The variables whose values are written out."""
    return {str(each.get("name")): str(each["value"]) for each in env if each.get("value")}


def _checkable(each: Serving, given: Given) -> bool:
    return bool(each.server.role == "serves" and given.locked and given.verifier)


def _verifier(spec: dict[str, Any], each: Serving, given: Given) -> dict[str, Any]:
    """The step that holds the model against what was agreed on, before anything loads it."""
    found: dict[str, Any] = next(iter(_of(spec, each)), {})
    fixed = [mount for mount in found.get("volumeMounts") or [] if mount.get("readOnly")]
    fixed += _kserve_claim(spec, str(found.get("storageUri") or ""))
    _volume(spec, "contained-agreed", {"configMap": {"name": AGREED}})
    stores = [str(mount["mountPath"]) for mount in fixed]
    path = places.target(each, stores, _literal(found.get("env") or []), given.locked)
    return {
        "name": f"verify-{each.container.name}"[:63].rstrip("-"),
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


def _kserve_claim(spec: dict[str, Any], storage: str) -> list[dict[str, Any]]:
    """The mount of a claim that KServe gives to its own container alone."""
    name, _, below = storage.removeprefix("pvc://").partition("/")
    if not storage.startswith("pvc://"):
        return []
    claim = {"persistentVolumeClaim": {"claimName": name, "readOnly": True}}
    _volume(spec, "contained-models", claim)
    mount = {"name": "contained-models", "mountPath": places.KSERVE, "readOnly": True}
    return [mount | ({"subPath": below} if below else {})]
