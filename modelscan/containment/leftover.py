"""What overlays leave open, and what has to be done before they work.

They are applied as kustomize and compose do, and every control is looked at again.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from modelscan.containment import compose, crds, environment, kustomize, layers, units
from modelscan.containment.controls.loading import is_far
from modelscan.containment.controls.table import results
from modelscan.containment.examine import views
from modelscan.containment.harden import launch
from modelscan.containment.manifests import Deployment
from modelscan.containment.model import Workload
from modelscan.containment.nodes import documents
from modelscan.containment.view import View
from modelscan.vocabulary.containment import Control

_HINTS: Final[dict[Control, str]] = {
    "image-pinned": " (--pin names its digest)",
    "verified-before-start": " (--lock or --report, and --verifier)",
    "model-pinned": " (--lock names its commit)",
}
"""What the user can do about a control that is still violated."""
UNITS: Final = ("systemd unit", "quadlet container")
"""What drop-ins are written for."""
_VERIFIED: Final = re.compile(r"^\s*- verify\n\s*- (\S+)$", re.MULTILINE)


def override(path: str) -> str:
    """The name of what is laid over a compose file."""
    stem, _, end = flat(path).rpartition(".")
    return f"compose/{stem}.override.{end}"


def flat(path: str) -> str:
    """A path as the name of one file."""
    return path.replace("/", "-")


def left_open(
    deployment: Deployment, found: Sequence[View], made: Mapping[str, str]
) -> Iterator[str]:
    """What the overlays leave open: they are applied, and looked at again."""
    yield from _beyond(found)
    for view in _applied(deployment, made):
        for control, said in results(view).items():
            for result in said:
                if result.outcome == "violated":
                    hint = _HINTS.get(control, "")
                    yield f"{view.workload.title}: {control}: {result.reason}{hint}"


def _beyond(found: Sequence[View]) -> Iterator[str]:
    """What no overlay can do for these workloads."""
    for view in found:
        title, platform = view.workload.title, view.workload.platform
        if platform not in {"kubernetes", "compose"} and view.workload.kind not in UNITS:
            yield f"{title}: {view.workload.kind}: contained where it is written"
        if view.workload.kind in UNITS and view.workload.partial:
            yield f"{title}: its unit is not here, only drop-ins of it"
        if platform == "kubernetes" and not view.workload.named:
            yield f"{title}: it has no name, only generateName, by which kustomize knows nothing"
        if view.workload.variant:
            yield f"{title}: several kustomizations make it; render one of them (kubectl kustomize)"
        if view.workload.templated:
            yield f"{title}: a template; render it first"
        if view.workload.ports and platform == "compose":
            yield f"{title}: nothing is published any more; put a proxy on its network"


def to_do(found: Sequence[View], made: Mapping[str, str]) -> Iterator[str]:
    """What somebody has to do before the overlays work."""
    for view in found:
        for model in view.models:
            if is_far(model.ref):
                place = launch.stored(model.ref)
                title = view.workload.title
                yield f"{title}: {model.ref} has to lie at {place}: nothing fetches it"
        for each in view.serving:
            for setting in each.container.settings:
                if setting.name.startswith("all of "):
                    yield f"{view.workload.title}: {setting.name[7:]} is not handed over any more"
    for text in made.values():
        for path in _VERIFIED.findall(text):
            yield f"the agreed bytes have to lie at {path}, and the claims and folders be there"


def _applied(deployment: Deployment, made: Mapping[str, str]) -> Iterator[View]:
    """The workloads with their overlays applied."""
    after = Deployment()
    patched = {
        name.partition("/")[2]: list(documents(text, name))
        for name, text in made.items()
        if name.startswith("kubernetes/")
    }
    for each in (one for built in kustomize.build(patched) for one in built.objects):
        after.cluster.add(each)
        after.workloads += crds.workloads(each)
    for path, base in deployment.composes.items():
        over = made.get(override(path))
        if over is not None:
            merged = layers.merged(base, next(documents(over, override(path))))
            after.workloads += compose.workloads(merged, deployment.images())
    after.workloads += _with_drop_ins(deployment, made)
    environment.fill(after.workloads, after.cluster.around, lambda _: None)
    yield from views(after)


def _with_drop_ins(deployment: Deployment, made: Mapping[str, str]) -> Iterator[Workload]:
    """The units with what was written for them."""
    for path, file in deployment.files.items():
        name = posixpath.basename(path)
        over = made.get(f"systemd/{name}.d/contained.conf")
        if over is not None:
            content = file.data.decode("utf-8", "replace").replace("\r\n", "\n")
            networks = {posixpath.basename(key): text for key, text in made.items()}
            found = units.workload(content, path, [("contained.conf", over)], networks)
            if found is not None:
                yield found
