"""numpy, with one thread, for all tests: the matrices here are too small for more.

It has to be imported before any test imports it, since its library reads the setting once.
"""

from __future__ import annotations

from modelscan.lineage import numerics

__all__ = ["numerics"]
