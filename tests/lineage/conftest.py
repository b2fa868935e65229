"""numpy, with one thread: the matrices of this room are too small for more."""

from __future__ import annotations

from modelscan.lineage import numerics

__all__ = ["numerics"]
