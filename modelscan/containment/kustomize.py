"""Kustomizations: JSON patches and strategic merge patches, applied to the resources beside them.

Only files of the same folder tree are known. Whatever else a kustomization does (generators, name
prefixes, Helm charts, components) is said not to be followed; a namespace is set.

Sources: RFC 6902 (JSON Patch), RFC 6901 (JSON Pointer), Kubernetes' strategic merge patch, of which
lists of things with a `name` are merged by it, and `$patch: delete` takes one away.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from typing import Any, Final

from modelscan.containment import kubernetes
from modelscan.containment.nodes import (
    Node,
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
)
from modelscan.errors import ReadError

_HARMLESS: Final = frozenset(
    {"apiVersion", "kind", "resources", "patches", "patchesJson6902", "patchesStrategicMerge",
     "metadata", "commonAnnotations", "buildMetadata", "namespace", "sortOptions", "images",
     "configMapGenerator", "secretGenerator", "generatorOptions"}
)  # fmt: skip
"""Keys that are followed, or that change nothing that is looked at."""
_MERGED_BY: Final = {"volumeMounts": "mountPath", "ports": "containerPort"}


def apply(root: Table, path: str, manifests: dict[str, list[Node]]) -> Iterator[tuple[str, bool]]:
    """Change the manifests as a kustomization would; says what is not followed.

    Args:
        root: the kustomization.
        path: of its file.
        manifests: documents by file; patched in place, patch files taken out.
    """
    folder = posixpath.dirname(path)
    found = _resources(root, folder, manifests)
    held = [each for roots in found.values() for one in roots for each in kubernetes.objects(one)]
    space = string(root.get("namespace"))
    for each in held if space else ():
        meta = each.setdefault("metadata", placed(Table(), each.file, each.line))
        table(meta)["namespace"] = root["namespace"]
    for image in tables(root.get("images")):
        _image(image, held)
    for patch in _patches(root):
        yield from _patch(patch, folder, manifests, held)
    for key in root:
        if key not in _HARMLESS:
            yield f"{key} of a kustomization is not followed: render it (kubectl kustomize)", True


def _resources(root: Table, folder: str, manifests: dict[str, list[Node]]) -> dict[str, list[Node]]:
    names = [
        posixpath.normpath(posixpath.join(folder, string(each)))
        for each in rows(root.get("resources"))
    ]
    return {
        path: roots
        for path, roots in manifests.items()
        if any(path == name or path.startswith(name + "/") for name in names)
    }


def _patches(root: Table) -> Iterator[Table | Text]:
    for key in ("patches", "patchesJson6902", "patchesStrategicMerge"):
        for each in rows(root.get(key)):
            if isinstance(each, Table | Text):
                yield each


def _patch(
    patch: Table | Text, folder: str, manifests: dict[str, list[Node]], held: list[Table]
) -> Iterator[tuple[str, bool]]:
    named = string(patch.get("path")) if isinstance(patch, Table) else str(patch)
    inline = string(patch.get("patch")) if isinstance(patch, Table) else ""
    if isinstance(patch, Text) and "\n" in patch:
        named, inline = "", patch
    target = table(patch.get("target")) if isinstance(patch, Table) else Table()
    place = posixpath.normpath(posixpath.join(folder, named))
    try:
        roots = list(documents(inline, patch.file)) if inline else manifests.pop(place, [])
    except ReadError as error:
        yield f"a patch cannot be read: {error.message}", True
        return
    if not roots:
        yield f"the patch {named} is not here", True
    for root in roots:
        if isinstance(root, Row):
            for each in _targets(target, held):
                yield from _operations(each, root)
        elif isinstance(root, Table):
            for each in _targets(target, held) if target else _same(root, held):
                merge(each, root)


def _targets(target: Table, held: list[Table]) -> list[Table]:
    return [
        each
        for each in held
        if string(target.get("kind")) in {"", string(each.get("kind"))}
        and string(target.get("name")) in {"", ".*", string(at(each, "metadata", "name"))}
    ]


def _same(patch: Table, held: list[Table]) -> list[Table]:
    name = string(at(patch, "metadata", "name"))
    kind = string(patch.get("kind"))
    return [
        each
        for each in held
        if string(each.get("kind")) == kind and string(at(each, "metadata", "name")) == name
    ]


def merge(base: Table, patch: Table) -> None:
    """A strategic merge patch, in place."""
    for key, value in patch.items():
        mine = base.get(key)
        nothing = isinstance(value, Text) and value.plain and value in {"null", "~", ""}
        if nothing or string(table(value).get("$patch")) == "delete":
            base.pop(key, None)
        elif isinstance(value, Table) and isinstance(mine, Table):
            merge(mine, value)
        elif isinstance(value, Row) and isinstance(mine, Row):
            _merge_rows(mine, value, _MERGED_BY.get(str(key), "name"))
        elif not str(key).startswith("$"):
            base[key] = value


def _merge_rows(mine: Row, patch: Row, key: str) -> None:
    items = tables(patch)
    if len(items) != len(patch) or not all(key in each for each in items):
        mine[:] = patch
        return
    for each in items:
        index = next((i for i, old in enumerate(mine) if table(old).get(key) == each[key]), None)
        if string(each.get("$patch")) == "delete":
            if index is not None:
                del mine[index]
        elif index is None:
            mine.append(each)
        else:
            merge(mine[index], each)


def _operations(found: Table, operations: Row) -> Iterator[tuple[str, bool]]:
    for each in tables(operations):
        try:
            _operation(found, string(each.get("op")), string(each.get("path")), each.get("value"))
        except (KeyError, IndexError, ValueError):
            yield f"a patch does not fit: {string(each.get('path'))[:80]}", True


def _operation(found: Table, name: str, pointer: str, value: Any) -> None:
    """One operation of a JSON patch.

    Raises:
        KeyError, IndexError, ValueError: the place does not exist, or the operation is unknown.
    """
    *steps, last = [part.replace("~1", "/").replace("~0", "~") for part in pointer.split("/")[1:]]
    holder: Any = found
    for step in steps:
        holder = holder[int(step)] if isinstance(holder, Row) else table(holder)[step]
    if name not in {"add", "replace", "remove"}:
        raise ValueError(name)
    if isinstance(holder, Row):
        index = len(holder) if last == "-" else int(last)
        if name == "add":
            holder.insert(index, value)
        elif name == "replace":
            holder[index] = value
        else:
            del holder[index]
    elif name == "remove":
        del holder[last]
    else:
        key = next((k for k in holder if k == last), text(last, found.file, found.line))
        holder[key] = value


def _image(image: Table, held: list[Table]) -> None:
    """`images` of a kustomization: a new name, tag or digest wherever an image is named."""
    name, digest = string(image.get("name")), string(image.get("digest"))
    tag = string(image.get("newTag"))
    new = string(image.get("newName")) or name
    made = f"{new}@{digest}" if digest else f"{new}:{tag}" if tag else ""
    pending: list[Any] = list(held)
    while pending and made:
        value = pending.pop()
        if isinstance(value, Table):
            given = string(value.get("image"))
            if name and name in {given, given.partition("@")[0].rpartition(":")[0]}:
                old = value["image"]
                value["image"] = text(made, image.file, old.line)
            pending += value.values()
        elif isinstance(value, Row):
            pending += value
