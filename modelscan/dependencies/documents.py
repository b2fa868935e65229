"""Looks for something in documents: native reports, inventories, bills of materials, locks.

Invariants: a document is parsed only if the bytes looked for stand in it; it is walked with a
stack of our own, however deep it is; only whole values match, each with the keys that lead to it.

Sources: CycloneDX 1.6 and 1.7 (`components[].hashes`, `purl`), SPDX 2.3 (`packages[].checksums`,
`externalRefs`) and 3.0.1 (`@graph`, `verifiedUsing`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

import msgspec

from modelscan.dependencies import lockfile
from modelscan.dependencies.query import Query
from modelscan.errors import ReadError, UsageError
from modelscan.vocabulary.search import Hit, Holder

LONGEST: Final = 256 << 20
"""Bytes of a document that is parsed."""
_NAMES: Final = (
    "ref",
    "purl",
    "packageUrl",
    "software_packageUrl",
    "name",
    "bom-ref",
    "spdxId",
    "SPDXID",
)
_REASONING: Final = "evidence"
"""How a bill of materials came to a value that stands elsewhere in it, too."""
_FILES: Final = ("path", "fileName")
_TIME: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[\d.]*(?:Z|[+-]\d\d:\d\d)", re.ASCII)


def in_document(data: bytes, name: str, query: Query) -> Iterator[Hit]:
    """Every place of a document where it stands.

    Args:
        data: the whole document.
        name: what results call it.
        query: what is looked for.

    Raises:
        ReadError: it holds the bytes looked for, and cannot be parsed.
    """
    if query.needle not in data.lower():
        return
    if name.rpartition("/")[2] == lockfile.NAME:
        yield from _in_lock(data, name, query)
        return
    try:
        root = msgspec.json.decode(data)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise ReadError(f"holds it, and is no JSON: {error}") from None
    holder, since = _holder(root)
    for keys, value, model, file in _values(root):
        if _REASONING not in keys and query.matches(value):
            yield Hit(
                holder=holder,
                where=name,
                place=_place(keys),
                model=model,
                file=file,
                what=_what(keys),
                since=since,
            )


def _in_lock(data: bytes, name: str, query: Query) -> Iterator[Hit]:
    try:
        lock = lockfile.parse(data, name)
    except UsageError as error:
        raise ReadError(f"holds it, and is a broken lock: {error.message}") from None
    lines = lockfile.lines(data)
    for model in lock.model:
        for keys, value, _, file in _values(msgspec.to_builtins(model)):
            if keys[0] not in {"since", "formats", "used-in"} and query.matches(value):
                yield Hit(
                    holder="lock",
                    where=name,
                    place=f"line {lines.get(model.key, 1)}",
                    model=f"{model.ref}@{model.asked}" if model.asked else model.ref,
                    file=file,
                    what=_what(keys),
                    since=model.since,
                )


def _holder(root: Any) -> tuple[Holder, str]:
    """What kind of document this is, and when it was made."""
    if not isinstance(root, dict):
        return "document", ""
    schema = str(root.get("schema", ""))
    if schema.startswith("modelassay-report/"):
        return "report", _time(root.get("created"))
    if schema.startswith("modelassay-inventory/"):
        return "inventory", ""
    if root.get("bomFormat") == "CycloneDX":
        metadata = root.get("metadata")
        return "cyclonedx", _time(metadata.get("timestamp") if isinstance(metadata, dict) else "")
    if "spdxVersion" in root:
        created = root.get("creationInfo")
        return "spdx", _time(created.get("created") if isinstance(created, dict) else "")
    if "@graph" in root and "spdx" in str(root.get("@context", "")):
        graph = root["@graph"] if isinstance(root["@graph"], list) else []
        times = (each.get("created") for each in graph if isinstance(each, dict))
        return "spdx", next((time for time in map(_time, times) if time), "")
    return "document", ""


def _time(value: object) -> str:
    return value if isinstance(value, str) and _TIME.fullmatch(value) else ""


def _values(root: Any) -> Iterator[tuple[tuple[str | int, ...], str, str, str]]:
    """Every text, with its path of keys, and the model and file that it belongs to."""
    pending: list[tuple[tuple[str | int, ...], Any, str, str]] = [((), root, "", "")]
    while pending:
        keys, value, model, file = pending.pop()
        if isinstance(value, str):
            yield keys, value, model, file
        elif isinstance(value, dict):
            model = _first(value, _NAMES) or model  # closer to the value
            file = _first(value, _FILES) or file  # the same
            children = [((*keys, key), each, model, file) for key, each in value.items()]
            pending += reversed(children)
        elif isinstance(value, list | tuple):
            pending += reversed([((*keys, at), each, model, file) for at, each in enumerate(value)])


def _first(table: dict[Any, Any], names: tuple[str, ...]) -> str:
    return next((table[name] for name in names if isinstance(table.get(name), str)), "")


def _place(keys: tuple[str | int, ...]) -> str:
    text = "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in keys)
    return text.removeprefix(".")


def _what(keys: tuple[str | int, ...]) -> str:
    """The innermost key; of a hash in a bill of materials, what it is of."""
    words = [key for key in keys if isinstance(key, str)]
    return words[-1] if words else "value"
