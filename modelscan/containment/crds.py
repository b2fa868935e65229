"""Objects of model-serving operators that name a model elsewhere than in a container.

Each is brought into the form of a pod with a container that names the model; all others go their
usual way. Groups are looked at, since `Model` is a word of many.

Sources: the custom resources of KServe (`LLMInferenceService`), KubeAI and the Ollama operator
(`Model`), KAITO (`Workspace`), NVIDIA's NIM operator (`NIMService`), Seldon (`SeldonDeployment`),
and Ray Serve's configuration, which a `RayService` holds as text.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final

from modelscan.containment import kubernetes
from modelscan.containment.model import Workload
from modelscan.containment.nodes import (
    Row,
    Table,
    Text,
    at,
    documents,
    placed,
    rows,
    string,
    table,
    tables,
    text,
    truth,
    where,
)
from modelscan.discovery.shellwords import Word
from modelscan.errors import BudgetError, ReadError

_MOST: Final = 200


def workloads(found: Table) -> Iterator[Workload]:
    """The workloads that an object makes."""
    group = string(found.get("apiVersion")).partition("/")[0]
    shaped = _SHAPES.get((group, string(found.get("kind"))))
    given = shaped(found, table(found.get("spec"))) if shaped else found
    for workload in kubernetes.workloads(given):
        for words in _serve_config(at(found, "spec", "serveConfigV2")):
            workload.containers[0].commands.append(words)
        yield workload


def _as_pod(found: Table, container: dict[str, Any]) -> Table:
    """An object of the same name with one container, beside the pod specification that it has."""
    held = table(found.get("spec"))
    spec = placed(Table(held), held.file, held.line)
    inner = placed(Table(), held.file, held.line)
    for key, value in container.items():
        if value is not None:
            inner[text(key, held.file, held.line)] = value
    spec["containers"] = placed(Row([inner]), held.file, held.line)
    made = placed(Table(found), found.file, found.line)
    made["spec"] = placed(Table({"template": placed(Table({"spec": spec}), held.file, held.line)}),
                          held.file, held.line)  # fmt: skip
    return made  # type: ignore[no-any-return]  # what goes in comes out


def _llm(found: Table, spec: Table) -> Table:
    """KServe's newer kind: the model stands beside the pods, and all of them load it."""
    uri = at(spec, "model", "uri")
    pods = [table(spec.get("template")), table(at(spec, "prefill", "template")),
            table(spec.get("worker"))]  # fmt: skip
    containers = [table(each) for pod in pods for each in rows(pod.get("containers"))[:1]]
    if not isinstance(uri, Text):
        return found
    if not containers:
        return _as_pod(found, {"name": text("main"), "storageUri": uri})
    for each in containers:
        if not string(each.get("storageUri")):
            each[text("storageUri", uri.file, uri.line)] = uri
    return found


def _kubeai(found: Table, spec: Table) -> Table:
    env = placed(Row(), spec.file, spec.line)
    for name, value in table(spec.get("env")).items():
        env.append(placed(Table({"name": name, "value": value}), *where(value, spec)))
    sources = rows(spec.get("envFrom"))
    return _as_pod(found, {
        "name": spec.get("engine"), "image": spec.get("image"), "args": spec.get("args"),
        "env": env, "envFrom": placed(Row(sources), spec.file, spec.line),
        "storageUri": spec.get("url"),
    })  # fmt: skip


def _ollama(found: Table, spec: Table) -> Table:
    named = spec.get("image")
    words = [text(each, spec.file, where(named, spec).line)
             for each in ("ollama", "run", string(named))]  # fmt: skip
    args = placed(Row(words), spec.file, spec.line)
    return _as_pod(found, {"name": text("ollama"), "args": args})


def _nim(found: Table, spec: Table) -> Table:
    parts = [string(at(spec, "image", key)) for key in ("repository", "tag")]
    place = where(spec.get("image"), spec)
    secret = spec.get("authSecret")
    env = placed(Row(rows(spec.get("env"))), spec.file, spec.line)
    if string(secret):
        key = placed(Table({"name": secret, "key": text("NGC_API_KEY")}), spec.file, place.line)
        from_ = placed(Table({"secretKeyRef": key}), spec.file, place.line)
        name = text("NGC_API_KEY", spec.file, where(secret).line)
        env.append(placed(Table({"name": name, "valueFrom": from_}), spec.file, name.line))
    image = text(":".join(filter(None, parts)), place.file, place.line)
    return _as_pod(found, {"name": text("nim"), "image": image, "env": env})


def _kaito(found: Table, spec: Table) -> Table:
    """KAITO keeps what it runs beside `spec`: a preset by name, or a template."""
    beside = table(found.get("inference"))
    preset = at(beside, "preset", "name")
    holder = beside or spec
    made = placed(Table(found), found.file, found.line)
    made["spec"] = holder
    if not string(preset):
        return made  # type: ignore[no-any-return]  # what goes in comes out
    return _as_pod(made, {"name": text("preset"), "storageUri": preset})


def _seldon(found: Table, spec: Table) -> Table:
    graph = table(at(next(iter(tables(spec.get("predictors"))), Table()), "graph"))
    if not string(graph.get("modelUri")):
        return found
    return _as_pod(found, {"name": graph.get("name"), "storageUri": graph["modelUri"]})


_SHAPES: Final[dict[tuple[str, str], Callable[[Table, Table], Table]]] = {
    ("serving.kserve.io", "LLMInferenceService"): _llm,
    ("kubeai.org", "Model"): _kubeai,
    ("ollama.ayaka.io", "Model"): _ollama,
    ("apps.nvidia.com", "NIMService"): _nim,
    ("kaito.sh", "Workspace"): _kaito,
    ("machinelearning.seldon.io", "SeldonDeployment"): _seldon,
}


def _serve_config(given: Any) -> Iterator[list[Word]]:
    """Ray Serve's models as commands: its keyword arguments are the engine's flags."""
    if not isinstance(given, Text) or not string(given):
        return
    try:
        roots = list(documents(given, given.file))
    except (ReadError, BudgetError):
        return
    first = given.line - 1
    for each in _configs(roots):
        loading = table(each.get("model_loading_config"))
        source = loading.get("model_source") or loading.get("model_id")
        if not isinstance(source, Text):
            source = each.get("model_id")
        line = first + where(source, each).line
        words = [Word("ray.serve", line=line), Word("--model", line=line)]
        words.append(Word(string(source), line=line))
        for key, value in table(each.get("engine_kwargs")).items():
            if not isinstance(key, Text) or not isinstance(value, Text):
                continue
            if truth(value) is not False:
                words.append(Word("--" + str(key).replace("_", "-"), line=first + key.line))
                if truth(value) is None:
                    words.append(Word(str(value), line=first + key.line))
        yield words


def _configs(roots: list[Any]) -> Iterator[Table]:
    """Tables that configure a model, anywhere in Ray Serve's configuration."""
    pending: list[Any] = list(roots)
    seen = 0
    while pending and seen < _MOST:
        value = pending.pop(0)
        seen += 1
        if isinstance(value, Table):
            if "model_loading_config" in value or "engine_kwargs" in value:
                yield value
            pending += value.values()
        elif isinstance(value, Row):
            pending += value
