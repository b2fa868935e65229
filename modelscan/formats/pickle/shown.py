"""Values as a person would write them: the evidence in a report."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from modelscan.formats.pickle.values import (
    Call,
    Container,
    Global,
    Literal,
    Opaque,
    Unknown,
    Value,
)
from modelscan.formats.pickle.window import Blob

_SHOWN: Final = 120
"""Characters of abbreviated arguments."""
_SHOWN_ITEMS: Final = 6
_SHOWN_DEPTH: Final = 3
_SHOWN_BITS: Final = 64


def abbreviated(values: Sequence[Value]) -> str:
    """Arguments as a person would write them, cut to a line."""
    text = ", ".join(_show(value, _SHOWN_DEPTH) for value in values[:_SHOWN_ITEMS])
    if len(values) > _SHOWN_ITEMS:
        text += ", …"
    return text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"


def _show(value: Value, depth: int) -> str:  # noqa: PLR0911  # one line for each class of value
    if isinstance(value, bytes):
        return repr(value[:_SHOWN].decode("utf-8", "replace"))
    if isinstance(value, Literal):
        if isinstance(value.content, Blob):
            return f"<{value.content.length:,} {'characters' if value.text else 'bytes'}>"
        return repr(value.content[:_SHOWN])
    if isinstance(value, Global):
        return value.callable
    if isinstance(value, Call):
        return f"{_show(value.function, 0)}(…)"
    if isinstance(value, Unknown | Opaque):
        return f"<{value.what if isinstance(value, Unknown) else value.kind}>"
    if isinstance(value, tuple | Container):
        kind = "tuple" if isinstance(value, tuple) else value.kind
        if depth == 0 or not value:
            return f"<{kind}>"
        return f"{kind}({', '.join(_show(item, depth - 1) for item in value[:_SHOWN_ITEMS])})"
    if isinstance(value, int) and value.bit_length() > _SHOWN_BITS:
        return f"<a number of {value.bit_length()} bits>"
    return repr(value)
