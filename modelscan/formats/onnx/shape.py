"""What the first bytes of an ONNX file look like.

Source: `onnx.proto`: ModelProto, GraphProto, NodeProto, ValueInfoProto and TensorProto.
"""

from __future__ import annotations

from typing import Final

from modelscan.formats.protobuf import BYTES, VARINT
from modelscan.formats.protobuf_shape import NAME, TEXT, Shape, evidence
from modelscan.formats.reader import Glimpse

_TENSOR: Final[Shape] = {
    1: VARINT, 2: VARINT, 4: BYTES, 5: BYTES, 6: BYTES, 7: BYTES, 8: TEXT, 9: BYTES, 10: BYTES,
    11: BYTES, 12: TEXT, 13: {1: TEXT, 2: TEXT}, 14: VARINT,
}  # fmt: skip
_NODE: Final[Shape] = {
    1: TEXT, 2: TEXT, 3: TEXT, 4: NAME, 5: BYTES, 6: TEXT, 7: TEXT, 8: TEXT, 9: BYTES, 10: BYTES,
}  # fmt: skip
_VALUE: Final[Shape] = {1: TEXT, 2: BYTES, 3: TEXT, 4: BYTES}
_GRAPH: Final[Shape] = {
    1: _NODE, 2: TEXT, 5: _TENSOR, 10: TEXT, 11: _VALUE, 12: _VALUE, 13: _VALUE, 14: BYTES,
    15: BYTES, 16: BYTES,
}  # fmt: skip
_MODEL: Final[Shape] = {
    1: VARINT, 2: TEXT, 3: TEXT, 4: TEXT, 5: VARINT, 6: TEXT, 7: _GRAPH, 8: {1: TEXT, 2: VARINT},
    14: {1: TEXT, 2: TEXT}, 20: BYTES, 25: BYTES, 26: BYTES,
}  # fmt: skip
_FIRST_TAGS: Final = frozenset({0x08, 0x12, 0x1A, 0x3A, 0x42, 0x72})
FIRST_BYTES: Final = tuple(bytes((tag,)) for tag in sorted(_FIRST_TAGS))
"""Of a model."""
"""Fields that a model may begin with; the first byte of most other files is none of them."""

_GRAPH_SEEN: Final = (7,)
_OPERATOR_SEEN: Final = (7, 1, 4)
_VERSIONS_SEEN: Final = frozenset({(1,), (8, 2), _OPERATOR_SEEN})
_KIND_SEEN: Final = (2,)
_ELEMENTS_SEEN: Final = frozenset({(4,), (5,), (6,), (7,), (9,), (10,), (13,)})


def is_model(glimpse: Glimpse) -> bool:
    """True for a model: a graph, and a version or an operator in sight."""
    head = glimpse.head
    if not head or head[0] not in _FIRST_TAGS:
        return False
    found = evidence(head, glimpse.size, _MODEL)
    return not found.isdisjoint(_VERSIONS_SEEN) and (
        _GRAPH_SEEN in found or _OPERATOR_SEEN in found
    )


def is_tensor(glimpse: Glimpse) -> bool:
    """True for a single tensor, as the tests of a model store their inputs."""
    found = evidence(glimpse.head, glimpse.size, _TENSOR)
    return _KIND_SEEN in found and not found.isdisjoint(_ELEMENTS_SEEN)
