"""Reads and writes `models.lock`.

Invariants: what is read was checked whole, and hostile text ends in a clear message; a file with
marks of a merge conflict is never taken for a lock; the text of a lock depends on nothing but what
it says, so that two people who lock the same models write the same bytes.

Source: TOML 1.0.0 (toml.io/en/v1.0.0): basic strings, inline tables, arrays of tables.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

import msgspec

from modelscan.errors import SourceError, UsageError
from modelscan.policy.toml import quoted
from modelscan.vocabulary.lock import SCHEMA, Lock, LockedModel

NAME: Final = "models.lock"
LONGEST: Final = 32 << 20
"""Bytes; a thousand models of a hundred files have about 15 million."""
_HEAD: Final = (
    "# Models that this code uses, and what they were when somebody agreed to them.\n"
    "# Written by `modelassay lock`; `modelassay lock check` holds the code against it.\n"
    "# After a merge conflict, `modelassay lock write` keeps the models of both sides.\n"
)
CONFLICT: Final = re.compile(r"^(?:<{7}|\|{7}|={7}|>{7})(?: .*)?$", re.MULTILINE)
"""What git leaves in a file that it could not merge (gitattributes, "conflict-marker-size")."""
_DOTTED: Final = re.compile(
    r"""(?<![\w"'-])(?:(?:[\w-]{1,64}|"[^"\n]{0,64}"|'[^'\n]{0,64}')[ \t]*\.[ \t]*){64}""", re.ASCII
)
"""A key of so many parts costs the parser the square of their number; a lock has none of them."""
_SCHEMA: Final = re.compile(r"modelassay-lock/(\d{1,9})")
_LINE: Final = 80
"""Columns of a list that stands on one line."""
_PARTS: Final = re.compile(r"[/\\]")
_FIRST: Final = ("ref", "asked")
_LAST: Final = ("tensors", "used-in", "files")


def read(path: Path) -> Lock:
    """The lock in a file.

    Raises:
        SourceError: the file is not there or cannot be read.
        UsageError: it is no lock, or a broken one.
    """
    try:
        if not path.is_file():  # a pipe would make us wait for ever
            raise SourceError(f"{path} is not there", "make it: modelassay lock write")
        with path.open("rb") as file:
            data = file.read(LONGEST + 1)
    except OSError as error:
        why = (error.strerror or type(error).__name__).lower()
        raise SourceError(f"{path} cannot be read: {why}", "check its permissions") from None
    return parse(data, str(path))


def parse(data: bytes, name: str = NAME) -> Lock:
    """The lock in some bytes.

    Args:
        data: the whole file.
        name: what messages call it.

    Raises:
        UsageError: it is no lock, or a broken one.
    """
    if len(data) > LONGEST:
        raise UsageError(f"{name} is longer than {LONGEST >> 20} MiB", "this is no lock of ours")
    try:
        text = data.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError:
        raise UsageError(f"{name} is no text in UTF-8", "this is no lock of ours") from None
    conflict = CONFLICT.search(text)
    if conflict:
        line = text.count("\n", 0, conflict.start()) + 1
        raise UsageError(
            f"{name}:{line}: a merge conflict is not resolved",
            "run modelassay lock write, which keeps the models of both sides",
        )
    if _DOTTED.search(text):
        raise UsageError(f"{name}: a name of very many parts", "restore it, or write it anew")
    try:
        document = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError, ValueError) as error:
        why = str(error) or "nested too deeply"
        raise UsageError(f"{name}: not TOML: {why}", "restore it, or write it anew") from None
    return _checked(document, name)


def _checked(document: dict[str, object], name: str) -> Lock:
    schema = document.get("schema")
    if schema != SCHEMA:
        version = _SCHEMA.fullmatch(schema) if isinstance(schema, str) else None
        if version:
            raise UsageError(
                f"{name} is a lock of version {version[1]}, and this program reads 1",
                "use a newer modelassay",
            )
        raise UsageError(f'{name} is no lock: it does not say schema = "{SCHEMA}"', "write it anew")
    try:
        lock = msgspec.convert(document, Lock)
    except (msgspec.ValidationError, RecursionError) as error:
        raise UsageError(f"{name}: {error}", "write it anew: modelassay lock write") from None
    seen: set[tuple[str, str]] = set()
    for model in lock.model:
        if model.key in seen:
            asked = f" at {model.asked}" if model.asked else ""
            raise UsageError(
                f"{name}: {model.ref}{asked} stands there twice", "keep one of the two tables"
            )
        seen.add(model.key)
        _check_paths(model, name)
    return ordered(lock.model)


def _check_paths(model: LockedModel, name: str) -> None:
    """Refuse what leads out of the lock's folder, or out of the model: `check` opens these files.

    Raises:
        UsageError: such a path.
    """
    paths = [file.path for file in model.files]
    if len(set(paths)) < len(paths):
        raise UsageError(f"{name}: {model.ref} lists a file twice", "write it anew")
    if model.local:
        paths.append(model.ref[2:])
    for path in paths:
        if (
            not path.strip("./")
            or path.startswith(("/", "\\"))
            or "\0" in path
            or ".." in _PARTS.split(path)
        ):
            raise UsageError(f"{name}: {model.ref} leads outside: {path!r}", "this is no good lock")


def ordered(models: Iterable[LockedModel]) -> Lock:
    """A lock of these models, in its fixed order."""
    return Lock(
        model=tuple(
            msgspec.structs.replace(
                model,
                files=tuple(sorted(model.files, key=lambda file: file.path)),
                tensors=tuple(sorted(model.tensors, key=lambda tensor: tensor.name)),
                used_in=tuple(sorted(set(model.used_in))),
            )
            for model in sorted(models, key=lambda model: model.key)
        )
    )


def encode(lock: Lock) -> bytes:
    """The text of a lock: one table for each model, keys and files in a fixed order."""
    parts = [_HEAD, f"schema = {_text(lock.schema)}\n"]
    for model in ordered(lock.model).model:
        parts.append("\n[[model]]\n")
        parts += _table(model)
    return "".join(parts).encode()


def lines(data: bytes) -> dict[tuple[str, str], int]:
    """The line on which each model's table starts, in a lock that was read without an error."""
    found: dict[tuple[str, str], int] = {}
    start, ref, asked = 0, "", ""
    text = data.decode("utf-8-sig", "replace").replace("\r\n", "\n")
    for number, line in enumerate([*text.split("\n"), "[[model]]"], 1):
        if line.strip() == "[[model]]":
            if ref:
                found[ref, asked] = start
            start, ref, asked = number, "", ""
        elif line.startswith(("ref = ", "asked = ")):
            value = tomllib.loads(line)
            ref, asked = value.get("ref", ref), value.get("asked", asked)
    return found


def _table(model: LockedModel) -> Iterator[str]:
    """`ref` and `asked` first, then the rest by name; what is empty is left out."""
    table = msgspec.to_builtins(model)
    rest = sorted(table.keys() - {*_FIRST, *_LAST})
    for key in (*_FIRST, *rest, *_LAST):
        if key in table:
            yield f"{key} = {_value(table[key])}\n"


def _value(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, dict):
        pairs = (f"{key} = {_value(item)}" for key, item in value.items())
        return "{" + ", ".join(pairs) + "}"
    if isinstance(value, list | tuple):
        line = f"[{', '.join(map(_value, value))}]"
        if len(line) <= _LINE and not any(isinstance(item, dict) for item in value):
            return line
        return "[\n" + "".join(f"  {_value(item)},\n" for item in value) + "]"
    return _text(str(value))


def _text(text: str) -> str:
    """A basic string; what no UTF-8 can hold is written out."""
    return quoted(text.encode(errors="backslashreplace").decode())
