"""The callables of which every call is looked at, for what they are given decides.

All others are judged once, by their name. These are those whose *meaning* the pickle protocol,
numpy, joblib and torch give; what is trusted is in the list.
"""

from __future__ import annotations

from typing import Final

WRAPPER: Final = frozenset({"joblib.numpy_pickle.NumpyArrayWrapper"})
"""Instances of these are followed by an array of raw bytes."""
KEEP_ARGUMENTS: Final = frozenset({"numpy.dtype", "_codecs.encode"})
"""Their arguments are needed later: an array's item size, encoded bytes."""
RECONSTRUCTORS: Final = frozenset(
    {"copyreg._reconstructor", "copyreg.__newobj__", "copyreg.__newobj_ex__"}
)
"""They make an instance of the class that they are given."""
REBUILDERS: Final = frozenset({
    "torch._utils._rebuild_tensor", "torch._utils._rebuild_tensor_v2",
    "torch._utils._rebuild_tensor_v3", "torch._utils._rebuild_qtensor",
})  # fmt: skip
"""They make a view of a storage from an offset, a size and strides."""
SPECIAL: Final = (
    WRAPPER | KEEP_ARGUMENTS | RECONSTRUCTORS | REBUILDERS | {"builtins.getattr", "builtins.type"}
)
