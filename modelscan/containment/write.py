"""Overlays that contain what was found: a kustomization, and overrides of compose files.

    path → workloads with a model → hardened copies → what differs → files

Invariants: nothing that was there is changed; the folder must be new or empty; a file is written
whole. What an overlay cannot do, such as choosing the digest of an image, is said, never guessed.
"""

from __future__ import annotations

import copy
import posixpath
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

from modelscan._about import NAME
from modelscan.containment import crds, kubernetes, manifests
from modelscan.containment.agreed import agreed_manifest, locked_for
from modelscan.containment.cluster import Cluster
from modelscan.containment.examine import views
from modelscan.containment.harden import cluster as objects
from modelscan.containment.harden import plain, services, units
from modelscan.containment.harden.pods import AGREED, MANIFEST, Given
from modelscan.containment.leftover import UNITS, flat, left_open, override, to_do
from modelscan.containment.manifests import Deployment
from modelscan.containment.nodes import Table, string
from modelscan.containment.servers import image_name
from modelscan.containment.view import View
from modelscan.discovery.walking import Tree
from modelscan.errors import UsageError
from modelscan.report.files import write_file
from modelscan.vocabulary.lock import LockedModel
from modelscan.vocabulary.result import ModelReport

_HEADER: Final = f"# Written by `{NAME} contain --write`; write it again instead of editing it.\n"
_POLICIES: Final = ("NetworkPolicy", "CiliumNetworkPolicy", "CiliumClusterwideNetworkPolicy")


class Wishes(NamedTuple):
    """What only the user knows."""

    models: tuple[ModelReport, ...] = ()
    locked: tuple[LockedModel, ...] = ()
    pins: tuple[str, ...] = ()
    """`image@sha256:…`"""
    verifier: str = ""
    """The image that verifies, by digest."""
    allowed: tuple[str, ...] = ()
    """Networks and labels that may be connected to."""


class Written(NamedTuple):
    """What was written, and what that leaves open."""

    files: tuple[str, ...]
    left: tuple[str, ...]
    notes: tuple[str, ...] = ()
    """What has to be done before they work."""


def write_overlays(paths: Sequence[Path], folder: Path, wishes: Wishes) -> Written:
    """Write overlays for the workloads below some paths.

    Raises:
        UsageError: the folder has files in it, or a wish is not written as it should be.
        SourceError: a path cannot be listed.
    """
    if folder.exists() and any(folder.iterdir()):
        raise UsageError(f"{folder} is not empty", "name a new folder")
    _check(wishes)
    files: dict[str, str] = {}
    left: list[str] = []
    notes: list[str] = []
    for path in paths:
        deployment = manifests.read(Tree(path))
        found = views(deployment)
        ours = [view for view in found if view.workload.platform != "image"]
        for make in (_kubernetes, _composes, _units):
            try:
                made = make(deployment, found, wishes)
                left += left_open(deployment, found, made)
                notes += to_do(ours, made)
            except Exception as error:  # noqa: BLE001  # values of kinds that do not belong there
                left.append(f"{path}: not as its schema says: {type(error).__name__}: {error}")
                continue
            files |= {name: text for name, text in made.items() if name not in files}
    if not files:
        hint = left[0] if left else "no compose service or pod here has a model"
        raise UsageError("nothing to contain", hint)
    for name, text in sorted(files.items()):
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        head = "" if name.endswith(".json") else _HEADER
        write_file(target, (head + text).encode())
    return Written(tuple(sorted(files)), tuple(dict.fromkeys(left)), tuple(dict.fromkeys(notes)))


def _check(wishes: Wishes) -> None:
    for pin in (*wishes.pins, *([wishes.verifier] if wishes.verifier else ())):
        name, sign, digest = pin.partition("@sha256:")
        if not sign or not name or len(digest) != 64 or not set(digest) <= set("0123456789abcdef"):  # noqa: PLR2004  # SHA-256
            raise UsageError(f"{pin!r} is no image with a digest", "write name@sha256:<64 digits>")
    for each in wishes.allowed:
        if "=" not in each and "/" not in each:
            raise UsageError(
                f"{each!r} is neither a network nor a label", "write 10.0.0.0/8 or app=db"
            )


def _given(view: View | None, wishes: Wishes) -> Given:
    pins = {image_name(pin): pin for pin in wishes.pins}
    names = [model.ref for model in view.models] if view else []
    locked = locked_for(names, wishes.locked, wishes.models)
    return Given(locked, pins, wishes.verifier)


def _kubernetes(deployment: Deployment, found: Sequence[View], wishes: Wishes) -> dict[str, str]:
    """A kustomization: copies of the manifests, a patch for each object, and network policies."""
    mine = [view for view in found if view.workload.platform == "kubernetes"]
    files: dict[str, str] = {}
    patches: list[dict[str, Any]] = []
    for path, roots in deployment.manifests.items():
        kept = [
            each
            for root in roots
            for each in kubernetes.objects(root)
            if string(kubernetes.metadata(each).get("name"))  # kustomize knows objects by it
        ]
        concerned = [view for view in mine if view.workload.place.file == path]
        if not any(_changes(each, concerned, mine, deployment.cluster) for each in kept):
            continue
        name = f"kubernetes/{flat(path)}"
        files[name] = plain.dump(*(plain.plain(each) for each in kept))
        for each in kept:
            changed = _contained(each, concerned, mine, deployment.cluster, wishes)
            steps = plain.operations(plain.plain(each), changed)
            if steps:
                title = f"patch-{_title(each)}.yaml"
                files[f"kubernetes/{title}"] = plain.dump(steps)
                patches.append({"path": title, "target": _target(each)})
    if not files:
        return {}
    resources = [
        name.partition("/")[2] for name in files if not name.startswith("kubernetes/patch-")
    ]
    policies = [objects.policy(view, wishes.allowed) for view in mine]
    if policies:
        files["kubernetes/network-policies.yaml"] = plain.dump(*policies)
        resources.append("network-policies.yaml")
    maps = list(_config_maps(mine, wishes))
    if maps:
        files["kubernetes/models-agreed.yaml"] = plain.dump(*maps)
        resources.append("models-agreed.yaml")
    files["kubernetes/kustomization.yaml"] = plain.dump(
        {
            "apiVersion": "kustomize.config.k8s.io/v1beta1",
            "kind": "Kustomization",
            "resources": resources,
            "patches": patches,
        }
    )
    return files


def _changes(
    each: Table, concerned: Sequence[View], mine: Sequence[View], cluster: Cluster
) -> bool:
    """True for an object that containment has something to say about."""
    if string(each.get("kind")) in _POLICIES:
        return _opens(each, mine)
    if _is_service(each):
        return objects.leads_to(each, mine, cluster)
    return any(_makes(each, view) for view in concerned)


def _is_service(each: Table) -> bool:
    """True for a service of the cluster, and not for Knative's, which are workloads."""
    return string(each.get("kind")) == "Service" and string(each.get("apiVersion")) == "v1"


def _makes(each: Table, view: View) -> bool:
    return any(made.title == view.workload.title for made in crds.workloads(each))


def _opens(each: Table, mine: Sequence[View]) -> bool:
    """True for a network policy that lets one of the workloads reach everything."""
    alone = Cluster()
    alone.add(each)
    return string(each.get("kind")) in _POLICIES and any(
        alone.egress(view.workload).state == "open" for view in mine
    )


def _contained(
    each: Table,
    concerned: Sequence[View],
    mine: Sequence[View],
    cluster: Cluster,
    wishes: Wishes,
) -> Any:
    data = plain.plain(each)
    if _opens(each, mine):
        return objects.closed(data)
    if _is_service(each) and objects.leads_to(each, mine, cluster):
        return objects.service(data)
    made = [view for view in concerned if _makes(each, view)]
    return objects.contained(data, made, _given(made[0], wishes)) if made else data


def _config_maps(mine: Sequence[View], wishes: Wishes) -> Iterator[dict[str, Any]]:
    """What was agreed on, for each namespace that verifies against it."""
    seen = set()
    for view in mine:
        given = _given(view, wishes)
        space = view.workload.namespace
        if given.locked and given.verifier and view.serves and space not in seen:
            seen.add(space)
            head = {"name": AGREED} | ({"namespace": space} if space else {})
            data = {MANIFEST: agreed_manifest(wishes.locked, wishes.models)}
            yield {"apiVersion": "v1", "kind": "ConfigMap", "metadata": head, "data": data}


def _composes(deployment: Deployment, found: Sequence[View], wishes: Wishes) -> dict[str, str]:
    """An override for each compose file; it belongs beside the file that it is laid over."""
    files = {}
    for path, root in deployment.composes.items():
        mine = [view for view in found if view.workload.place.file == path]
        if not mine:
            continue
        data = plain.plain(root)
        agreed = agreed_manifest(wishes.locked, wishes.models)
        made = copy.deepcopy(data)
        for view in mine:
            made = services.contained(made, [view], _given(view, wishes), agreed)
        over = plain.overlay(data, made)
        files[override(path)] = plain.dump(over)
    return files


def _units(deployment: Deployment, found: Sequence[View], wishes: Wishes) -> dict[str, str]:
    """A drop-in for each unit, the network that they share, and what they verify against."""
    files = {}
    for view in found:
        path = view.workload.place.file
        if view.workload.kind not in UNITS or path not in deployment.files or view.workload.partial:
            continue
        given = _given(view, wishes)
        files[f"systemd/{posixpath.basename(path)}.d/contained.conf"] = units.drop_in(
            view, given, wishes.allowed
        )
        if view.workload.kind == "quadlet container":
            files[f"systemd/{units.NETWORK}"] = units.NETWORK_UNIT
        if given.locked:
            files[f"systemd/{MANIFEST}"] = agreed_manifest(wishes.locked, wishes.models)
    return files


def _title(each: Table) -> str:
    parts = (each.get("kind"), kubernetes.metadata(each).get("name"))
    return "-".join(string(part).lower() for part in parts)


def _target(each: Table) -> dict[str, str]:
    group, _, version = string(each.get("apiVersion")).rpartition("/")
    made = {"version": version, "kind": string(each.get("kind")),
            "name": string(kubernetes.metadata(each).get("name"))}  # fmt: skip
    return ({"group": group} if group else {}) | made
