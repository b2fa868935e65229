"""The main directions of the differences between a model and its base, as a file for others.

What a fine-tune has learnt to write shows in the first left singular vectors of its differences.
Whoever runs the model can watch how strongly its activations lie along them, and react to what is
unlike the rest: that is a monitor's work, and not done here.

Source: Zhong and Raghunathan, "Watch the Weights" (2025).

The file is a safetensors container. For each changed matrix, by canonical name, `NAME/left` holds
unit vectors as rows (n x outputs) and `NAME/values` their singular values (n), all float32;
`write_direction` is the one that the writers of the residual stream have in common. No sign is
meaningful. The metadata name the schema, `modelassay-directions/1`, and the base.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, NamedTuple

from modelscan.lineage.container import Column, container
from modelscan.lineage.numerics import NDArray, np

SCHEMA: Final = "modelassay-directions/1"
SHARED: Final = "write_direction"


class Directions(NamedTuple):
    """What one matrix writes differently."""

    name: str
    """Canonical name of the matrix."""
    left: NDArray[np.floating]
    """Unit vectors, outputs x n."""
    values: NDArray[np.floating]
    """Singular values (n), the largest first."""


def encode(
    found: Iterable[Directions], shared: NDArray[np.float64] | None, base: str, relation: str
) -> bytes:
    """The bytes of the file.

    Args:
        found: of each changed matrix.
        shared: the common direction, if there is one.
        base: what the model was compared with.
        relation: what it is to that.
    """
    columns = []
    for each in found:
        columns.append(_column(f"{each.name}/left", each.left.T))
        columns.append(_column(f"{each.name}/values", each.values))
    if shared is not None:
        columns.append(_column(SHARED, shared))
    return container({"format": SCHEMA, "base": base, "relation": relation}, columns)


def _column(name: str, values: NDArray[np.floating]) -> Column:
    return Column(name, "F32", values.shape, [np.ascontiguousarray(values, "<f4").tobytes()])
