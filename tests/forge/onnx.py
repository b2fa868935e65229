"""Builds ONNX models, honest and broken ones, as the exporters write them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from tests.forge.protobuf import data, number

FLOAT = 1


def tensor(
    name: str = "w",
    dims: Sequence[int] = (2,),
    raw: bytes | None = None,
    *,
    external: Iterable[tuple[str, str]] | None = None,
    kind: int = FLOAT,
) -> bytes:
    """A TensorProto; zeros unless its bytes or its place are given."""
    body = b"".join(number(1, extent) for extent in dims) + number(2, kind) + data(8, name)
    if external is None:
        count = 4
        for extent in dims:
            count *= max(extent, 0)
        return body + data(9, bytes(count) if raw is None else raw)
    entries = b"".join(data(13, data(1, key) + data(2, value)) for key, value in external)
    return body + entries + number(14, 1)


def sparse(values: bytes, indices: bytes = b"") -> bytes:
    return data(1, values) + data(2, indices or tensor("i", (1,), bytes(8), kind=7))


def attribute(name: str, field: int, value: bytes | str | int) -> bytes:
    inner = number(field, value) if isinstance(value, int) else data(field, value)
    return data(1, name) + inner


def node(operator: str, domain: str = "", *attributes: bytes, name: str = "n") -> bytes:
    body = data(1, "x") + data(2, "y") + data(3, name) + data(4, operator)
    body += b"".join(data(5, each) for each in attributes)
    return body + (data(7, domain) if domain else b"")


def graph(
    *nodes: bytes, initializers: Iterable[bytes] = (), sparse_initializers: Iterable[bytes] = ()
) -> bytes:
    body = b"".join(data(1, each) for each in nodes) + data(2, "main")
    body += b"".join(data(5, each) for each in initializers)
    return body + b"".join(data(15, each) for each in sparse_initializers)


def function(name: str, domain: str, *nodes: bytes) -> bytes:
    return data(1, name) + b"".join(data(7, each) for each in nodes) + data(10, domain)


def model(
    inside: bytes | None = None,
    *,
    functions: Iterable[bytes] = (),
    metadata: Iterable[tuple[str, str]] = (),
    training: bytes = b"",
    behind: bytes = b"",
) -> bytes:
    """A ModelProto around a graph; a small honest one unless another is given."""
    body = number(1, 8) + data(2, "forge") + data(3, "1.0")
    body += data(7, small() if inside is None else inside)
    body += data(8, data(1, "") + number(2, 17))
    body += b"".join(data(14, data(1, key) + data(2, value)) for key, value in metadata)
    body += data(20, training) if training else b""
    body += b"".join(data(25, each) for each in functions)
    return body + behind


def small() -> bytes:
    return graph(node("Gemm"), initializers=[tensor("w", (4, 3)), tensor("b", (3,))])


def place(location: str, **more: str) -> list[tuple[str, str]]:
    """Properties of external data."""
    return [("location", location), *more.items()]
