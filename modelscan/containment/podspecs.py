"""Where pod specifications lie in an object: in known places, else by their shape.

Sources: the Kubernetes API reference, KServe's `InferenceService`, `LLMInferenceService` and
`ServingRuntime`, KubeRay's `RayService`, `LeaderWorkerSet`, Argo's `Workflow`. Objects of other
kinds that hold a pod template, a pod specification or one container are read by the same shapes.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from modelscan.containment.nodes import Row, Table, placed, rows, string, table, text

Pod = tuple[Table, Table, str]
"""A pod specification, its metadata, and which part of the object it is."""
_DEEPEST: Final = 12
_LISTS: Final = ("containers", "initContainers")
_ALONE: Final = ("container", "mainContainer")
_PARTS: Final = {
    "headGroupSpec": "head", "workerGroupSpecs": "worker", "leaderTemplate": "leader",
    "workerTemplate": "worker", "prefill": "prefill", "worker": "worker",
}  # fmt: skip
FRAMEWORKS: Final = (
    "model", "huggingface", "pytorch", "triton", "tensorflow", "sklearn", "xgboost", "lightgbm",
    "onnx", "pmml", "paddle",
)  # fmt: skip
"""Keys of a KServe component that hold its model: the newer one, and one for each framework."""


def of(found: Table, kind: str) -> Iterator[Pod]:
    """The pod specifications of an object."""
    spec = table(found.get("spec"))
    meta = table(found.get("metadata"))
    if kind == "Pod":
        yield spec, meta, ""
    elif kind in {"InferenceService", "InferenceGraph"}:
        for part in ("predictor", "transformer", "explainer"):
            pod = spec.get(part)
            if isinstance(pod, Table):
                yield _kserve(pod), meta, "" if part == "predictor" else part
    elif kind in {"ServingRuntime", "ClusterServingRuntime"}:
        yield spec, spec, ""
    else:
        yield from _anywhere(spec, (), meta, None, 0)


def _anywhere(
    value: Any, path: tuple[str, ...], meta: Table, volumes: Any, depth: int
) -> Iterator[Pod]:
    """Pod specifications by their shape; volumes of what is around one count for it, too."""
    if depth > _DEEPEST:
        return
    for item in rows(value):
        yield from _anywhere(item, path, meta, volumes, depth + 1)
    if not isinstance(value, Table):
        return
    part = next((_PARTS[word] for word in reversed(path) if word in _PARTS), "")
    inner = value.get("spec")
    volumes = value.get("volumes", volumes)
    if isinstance(inner, Table) and _is_pod(inner):
        yield inner, table(value.get("metadata")), part
    elif _is_pod(value):
        yield value, meta, part
    else:
        for key in _ALONE:
            alone = value.get(key)
            if isinstance(alone, Table) and string(alone.get("image")):
                yield _around(alone, value, volumes), table(value.get("metadata")), part
                return
        for key, child in value.items():
            yield from _anywhere(child, (*path, str(key)), meta, volumes, depth + 1)


def _is_pod(value: Table) -> bool:
    return any(
        isinstance(value.get(key), Row) and all(isinstance(each, Table) for each in value[key])
        for key in _LISTS
    )


def _around(container: Table, holder: Table, volumes: Any) -> Table:
    """A pod around one container."""
    made = placed(Table(holder), holder.file, holder.line)
    made["containers"] = placed(Row([container]), container.file, container.line)
    if isinstance(volumes, Row):
        made["volumes"] = volumes
    return made  # type: ignore[no-any-return]  # what goes in comes out


def _kserve(pod: Table) -> Table:
    """A KServe component as a pod: its model is one more container, with a place for weights."""
    part = next((key for key in FRAMEWORKS if isinstance(pod.get(key), Table)), "")
    if not part:
        return pod
    made = placed(Table(pod), pod.file, pod.line)
    given = pod[part]
    model = placed(Table(given), given.file, given.line)
    if part != "model":
        model.setdefault("name", text(part, given.file, given.line))
    both = Row([model, *rows(pod.get("containers"))])
    made["containers"] = placed(both, given.file, given.line)
    return made  # type: ignore[no-any-return]  # as above
