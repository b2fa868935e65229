"""Builds TensorFlow graphs in binary and in text, as TensorFlow writes them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from tests.forge.protobuf import data, number

STRING = 7


class Func(NamedTuple):
    name: str


class Texts(NamedTuple):
    """A tensor of texts."""

    texts: tuple[str, ...]
    packed: bool = False


Value = str | list[str] | Func | Texts | int


def value(of: Value) -> bytes:
    """An AttrValue."""
    if isinstance(of, Func):
        return data(10, data(1, of.name))
    if isinstance(of, Texts):
        if of.packed:
            raw = b"".join(bytes([len(text)]) for text in of.texts) + "".join(of.texts).encode()
            return data(8, number(1, STRING) + data(2, b"") + data(4, raw))
        return data(8, number(1, STRING) + data(2, b"") + b"".join(data(8, t) for t in of.texts))
    if isinstance(of, str):
        return data(2, of)
    if isinstance(of, int):
        return number(6, of)
    return data(1, b"".join(data(2, text) for text in of))


def node(
    name: str, operator: str, *inputs: str, attributes: Mapping[str, Value] | None = None
) -> bytes:
    body = data(1, name) + data(2, operator) + b"".join(data(3, each) for each in inputs)
    for key, of in {"T": 1, **(attributes or {})}.items():
        body += data(5, data(1, key) + data(2, value(of)))
    return body


def const(name: str, text: str, *, packed: bool = False) -> bytes:
    return node(name, "Const", attributes={"dtype": STRING, "value": Texts((text,), packed)})


def function(name: str, arguments: Iterable[str], *nodes: bytes) -> bytes:
    signature = data(1, name) + b"".join(data(2, data(1, each)) for each in arguments)
    return data(1, signature) + b"".join(data(3, each) for each in nodes)


def graph(*nodes: bytes, functions: Iterable[bytes] = ()) -> bytes:
    library = b"".join(data(1, each) for each in functions)
    body = b"".join(data(1, each) for each in nodes) + data(4, number(1, 1000))
    return body + (data(2, library) if library else b"")


def meta_graph(
    inside: bytes,
    *,
    assets: Mapping[str, str] | None = None,
    paths: Iterable[str] = (),
    saver: str = "",
    objects: bytes = b"",
) -> bytes:
    operators = data(1, data(1, "Const") + data(2, data(1, "x")))
    info = data(2, operators) + data(4, "serve") + data(5, "2.21.0")
    body = data(1, info) + data(2, inside)
    if saver:
        body += data(3, data(1, saver))
    listed = b"".join(data(1, each) for each in paths)
    if listed:
        body += data(4, data(1, "asset_filepaths") + data(2, data(1, listed)))
    for name, file in (assets or {}).items():
        body += data(6, data(1, data(1, name)) + data(2, file))
    return body + (data(7, objects) if objects else b"")


def saved_model(*meta_graphs: bytes) -> bytes:
    return number(1, 1) + b"".join(data(2, each) for each in meta_graphs)


def small() -> bytes:
    """An honest graph."""
    return graph(
        node("x", "Placeholder"),
        node("w", "Const", attributes={"dtype": 1}),
        node("y", "MatMul", "x", "w"),
        node("out", "Identity", "y"),
    )


def saver(prefix: bytes) -> list[bytes]:
    """The nodes of a saver around the node `save/Const`."""
    return [
        prefix,
        const("save/part", "_temp_1/part"),
        node("save/join", "StringJoin", "save/Const", "save/part"),
        node("save/num", "Const", attributes={"dtype": 3}),
        node("save/file", "ShardedFilename", "save/join", "save/num", "save/num"),
        const("save/names", "v"),
        node("save/SaveV2", "SaveV2", "save/file", "save/names", "save/names", "v"),
        node("save/pack", "Pack", "save/file"),
        node("save/merge", "MergeV2Checkpoints", "save/pack", "save/Const"),
        node("save/restore", "RestoreV2", "save/Const", "save/names", "save/names"),
    ]
