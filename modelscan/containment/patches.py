"""Patches of kustomizations: JSON patches and strategic merge patches.

Sources: RFC 6902 (JSON Patch), RFC 6901 (JSON Pointer), Kubernetes' strategic merge patch, of which
lists of things with a `name` are merged by it, and `$patch: delete` takes one away.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping
from typing import Any, Final

from modelscan.containment.nodes import (
    Node,
    Row,
    Table,
    Text,
    at,
    copied,
    documents,
    rows,
    string,
    table,
    tables,
    text,
    weight,
)
from modelscan.errors import ReadError

_MERGED_BY: Final = {"volumeMounts": "mountPath", "ports": "containerPort"}
_LARGEST: Final = 200
"""Values in what a patch copies from one place to another."""
_KEYS: Final = ("patches", "patchesJson6902", "patchesStrategicMerge")


def files(root: Table, folder: str) -> Iterator[str]:
    """The files that the patches of a kustomization lie in."""
    for each in patches(root):
        named = string(each.get("path")) if isinstance(each, Table) else str(each)
        if named and "\n" not in named:
            yield posixpath.normpath(posixpath.join(folder, named))


def patches(root: Table) -> Iterator[Table | Text]:
    """What a kustomization patches with: tables, paths, or patches written out."""
    for key in _KEYS:
        for each in rows(root.get(key)):
            if isinstance(each, Table | Text):
                yield each


def apply(
    patch: Table | Text, folder: str, manifests: Mapping[str, list[Node]], held: list[Table]
) -> Iterator[str]:
    """Apply one patch, in place; says what does not fit."""
    named = string(patch.get("path")) if isinstance(patch, Table) else str(patch)
    inline = string(patch.get("patch")) if isinstance(patch, Table) else ""
    if isinstance(patch, Text) and "\n" in patch:
        named, inline = "", patch
    target = table(patch.get("target")) if isinstance(patch, Table) else Table()
    place = posixpath.normpath(posixpath.join(folder, named))
    try:
        roots = list(documents(inline, patch.file)) if inline else manifests.get(place, [])
    except ReadError as error:
        yield f"a patch cannot be read: {error.message}"
        return
    if not roots:
        yield f"the patch {named} is not here"
    for root in roots:
        if isinstance(root, Row):
            for each in _targets(target, held):
                yield from _operations(each, root)
        elif isinstance(root, Table):
            for each in _targets(target, held) if target else _same(root, held):
                merge(each, root)


def _targets(target: Table, held: list[Table]) -> list[Table]:
    """The objects that a target names, by regular expressions, labels and annotations."""
    return [each for each in held if _is_target(target, each)]


def _is_target(target: Table, found: Table) -> bool:
    group, _, version = string(found.get("apiVersion")).rpartition("/")
    said = {
        "group": group,
        "version": version,
        "kind": string(found.get("kind")),
        "name": string(at(found, "metadata", "name")),
        "namespace": string(at(found, "metadata", "namespace")),
    }
    named = all(_fits(string(target.get(key)), value) for key, value in said.items())
    return named and all(
        _labelled(string(target.get(key)), table(at(found, "metadata", held)))
        for key, held in (("labelSelector", "labels"), ("annotationSelector", "annotations"))
    )


def _fits(pattern: str, value: str) -> bool:
    """Whether a value fits a target's pattern: alternatives of texts with `.*` between them.

    Kustomize takes any regular expression; one that a stranger writes is not run here.
    """
    if not pattern:
        return True
    return any(_like(each.strip("^$()"), value) for each in pattern.split("|"))


def _like(pattern: str, value: str) -> bool:
    first, *rest = pattern.split(".*")
    if not rest:
        return value == first
    if not value.startswith(first):
        return False
    at_ = len(first)
    for part in rest[:-1]:
        found = value.find(part, at_)
        if found < 0:
            return False
        at_ = found + len(part)
    return value[at_:].endswith(rest[-1])


def _labelled(selector: str, given: Table) -> bool:
    """Equality alone: `a=b,c!=d,e`."""
    for part in filter(None, (each.strip() for each in selector.split(","))):
        key, sign, value = part.replace("==", "=").partition("=")
        held = string(given.get(key.rstrip("!")))
        if key.endswith("!") == (held == value) if sign else key not in given:
            return False
    return True


def _same(patch: Table, held: list[Table]) -> list[Table]:
    name = string(at(patch, "metadata", "name"))
    kind = string(patch.get("kind"))
    return [
        each
        for each in held
        if string(each.get("kind")) == kind and string(at(each, "metadata", "name")) == name
    ]


def merge(base: Table, patch: Table) -> None:
    """A strategic merge patch, in place.

    Of kinds that Kubernetes does not know itself, lists are replaced: nothing says what their items
    are merged by.
    """
    group = string(base.get("apiVersion")).rpartition("/")[0]
    _merge(base, patch, known="." not in group or group.endswith(".k8s.io"))


def _merge(base: Table, patch: Table, *, known: bool) -> None:
    for key, value in patch.items():
        mine = base.get(key)
        nothing = isinstance(value, Text) and value.plain and value in {"null", "~", ""}
        if nothing or string(table(value).get("$patch")) == "delete":
            base.pop(key, None)
        elif string(table(value).get("$patch")) == "replace":
            base[key] = copied(value)
            base[key].pop("$patch")
        elif isinstance(value, Table) and isinstance(mine, Table):
            _merge(mine, value, known=known)
        elif isinstance(value, Row) and isinstance(mine, Row) and known:
            _merge_rows(mine, value, _MERGED_BY.get(str(key), "name"))
        elif not str(key).startswith("$"):
            base[key] = copied(value)


def _merge_rows(mine: Row, patch: Row, key: str) -> None:
    items = tables(patch)
    if len(items) != len(patch) or not all(key in each for each in items):
        mine[:] = copied(patch)
        return
    for each in items:
        index = next((i for i, old in enumerate(mine) if table(old).get(key) == each[key]), None)
        if string(each.get("$patch")) == "delete":
            if index is not None:
                del mine[index]
        elif index is None:
            mine.append(copied(each))
        else:
            _merge(mine[index], each, known=True)


def _operations(found: Table, operations: Row) -> Iterator[str]:
    for each in tables(operations):
        try:
            _operation(found, each)
        except (KeyError, IndexError, ValueError):
            yield f"a patch does not fit: {string(each.get('path'))[:80]}"


def _operation(found: Table, given: Table) -> None:
    """One operation of a JSON patch.

    Raises:
        KeyError, IndexError, ValueError: the place does not exist, or the operation is unknown.
    """
    name, path = string(given.get("op")), string(given.get("path"))
    value = copied(given.get("value"))
    if name in {"move", "copy"}:
        holder, last = _place(found, string(given.get("from")))
        if weight(holder[last], _LARGEST) > _LARGEST:
            raise ValueError(path)
        value = copied(holder[last])
        if name == "move":
            del holder[last]
        name = "add"
    if name == "test":
        return
    if name not in {"add", "replace", "remove"}:
        raise ValueError(name)
    holder, last = _place(found, path)
    if name == "remove":
        del holder[last]
    elif isinstance(holder, Row) and name == "add":
        holder.insert(len(holder) if last == "-" else last, value)
    elif isinstance(holder, Row):
        holder[last] = value
    else:
        key = next((k for k in holder if k == last), text(last, found.file, found.line))
        holder[key] = value


def _place(found: Table, pointer: str) -> tuple[Any, Any]:
    """What holds the place of a pointer, and its last step there."""
    *steps, last = [part.replace("~1", "/").replace("~0", "~") for part in pointer.split("/")[1:]]
    holder: Any = found
    for step in steps:
        holder = holder[int(step)] if isinstance(holder, Row) else table(holder)[step]
    if not isinstance(holder, Table | Row):
        raise KeyError(pointer)
    return holder, last if last == "-" or isinstance(holder, Table) else int(last)
