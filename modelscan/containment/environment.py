"""Variables that come from elsewhere, as far as it is among the files: maps, secrets, env files.

Invariants: a value of a secret is never kept, only that there is one; what is not among the files
stays "elsewhere", which is no good news.

Sources: core/v1 `envFrom`, `configMapKeyRef` and `secretKeyRef`; the Compose specification,
`env_file`; systemd.exec(5), `EnvironmentFile`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Final

from modelscan.containment.cluster import Cluster
from modelscan.containment.kubernetes import metadata
from modelscan.containment.model import Setting, Workload
from modelscan.containment.nodes import Place, Table, string, table, where

_LINE: Final = re.compile(
    r"\s*(?:export\s+)?(?P<name>[A-Za-z_][\w.]*)\s*=\s*(?P<value>\"[^\"]*\"|'[^']*'|[^#]*)"
)
_KEPT: Final = 2_000
"""Variables of one file or map."""
_MOST: Final = 200_000
"""Variables of all workloads."""
Around = Callable[[Workload], Cluster]
"""What stands around a workload."""
Lookup = Callable[[str], str | None]
"""The text of a file by its path; `None` when it is not among the files."""


def fill(workloads: Iterable[Workload], around: Around, read: Lookup) -> None:
    """Put in what is known about the variables of workloads, in place; all of it is bounded."""
    left = _MOST
    for workload in workloads:
        for container in workload.containers:
            if left > 0 and any(each.source for each in container.settings):
                container.settings = [
                    found
                    for each in container.settings
                    for found in _found(each, workload, around(workload), read)
                ]
                left -= len(container.settings)


def _found(
    setting: Setting, workload: Workload, cluster: Cluster, read: Lookup
) -> Iterator[Setting]:
    kind, *rest = setting.source or ("",)
    if kind == "file":
        content = read(rest[0])
        yield from [setting] if content is None else _lines(content, rest[0])
    elif kind in {"ConfigMap", "Secret"}:
        name, key = rest
        held = _object(cluster, kind, name, workload.namespace)
        if held is None:
            yield setting
        elif key:
            yield _one(setting, table(held.get("data")), key)
        else:
            yield from _all(setting, held, kind)
    else:
        yield setting


def _object(cluster: Cluster, kind: str, name: str, namespace: str) -> Table | None:
    for each in cluster.of(kind):
        head = metadata(each)
        if string(head.get("name")) == name and string(head.get("namespace")) == namespace:
            return each
    return None


def _one(setting: Setting, data: Table, key: str) -> Setting:
    if setting.origin == "secret" or key not in data:
        return setting
    return setting._replace(value=string(data[key]), origin="literal", source=())


def _all(setting: Setting, held: Table, kind: str) -> Iterator[Setting]:
    """Every key of a map or secret; a file in it whose keys are not here stays unknown."""
    for part in ("data", "stringData", "binaryData"):
        for name, value in list(table(held.get(part)).items())[:_KEPT]:
            if not name:
                yield setting._replace(name=f"all of {string(value)}", source=())
            elif kind == "Secret":
                yield Setting(str(name), None, "secret", setting.place)
            else:
                yield Setting(str(name), string(value), "literal", where(name, held))


def _lines(content: str, path: str) -> Iterator[Setting]:
    for number, row in enumerate(content.split("\n")[:_KEPT], start=1):
        found = _LINE.match(row)
        if found and not row.lstrip().startswith("#"):
            value = found["value"].strip()
            if value[:1] in {'"', "'"}:
                value = value[1:-1]
            yield Setting(found["name"], value, "literal", Place(path, number))
