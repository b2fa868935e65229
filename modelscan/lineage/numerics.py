"""numpy for this room, with one thread for its linear algebra.

The matrices here are a block of weights and sixteen columns: too small to share, so that threads of
the linear algebra library would burn several times the time that they save. The library reads its
setting once, when numpy is first imported; a process that has imported it before keeps its own.

Modules that work on arrays import numpy from here, and are themselves imported lazily: a default
scan never loads numpy.
"""

from __future__ import annotations

import os
import sys
from typing import Final

_SETTINGS: Final = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")


def _single_threaded() -> list[str]:
    """Set what is not set; returns the names, to be taken back once numpy is loaded."""
    if "numpy" in sys.modules:
        return []
    unset = [name for name in _SETTINGS if name not in os.environ]
    os.environ.update(dict.fromkeys(unset, "1"))
    return unset


_unset = _single_threaded()
import numpy as np  # noqa: E402  # behind the settings that it reads
from numpy.typing import NDArray  # noqa: E402  # as above

for _name in _unset:
    os.environ.pop(_name, None)

__all__ = ["NDArray", "np"]
