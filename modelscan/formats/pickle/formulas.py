"""Formulas that statsmodels evaluates when the state of its data is set.

A model that was fitted by a formula keeps it as text, and `ModelData.__setstate__` has patsy, or
formulaic since 0.15, build the design again: what is in parentheses is evaluated as Python
(`statsmodels/base/data.py`, 0.12 to 0.15; `patsy/eval.py`). So a formula may call what formulas
call, and nothing else.

Invariant: a text that is not plainly a formula is none.
"""

from __future__ import annotations

import re
from typing import Final

_QUOTED: Final = re.compile(r"(?<!\w)(?:'[^'\\\n]*'|\"[^\"\\\n]*\"|`[^`\\\n]*`)(?!['\"`])")
"""Names and levels. A letter before it would make it another kind of text."""
_FOREIGN: Final = re.compile(r"[^\w\s+\-*/:^~,=<>|()&%.]|__|\b(?:lambda|if|for|await|yield)\b")
"""Attributes of odd names, items, blocks, other quotes, and code in place of terms."""
_CALLED: Final = re.compile(r"([^\W\d][\w.]*)\s*\(")
_RESULT: Final = re.compile(r"[)\d]\s*\(")
"""What a call, or a number, is followed by when its result is called."""
_ATTRIBUTE: Final = re.compile(r"(?:[^\W\d]\w*|\))\s*\.\s*[^\W\d]")
_ARRAYS: Final = re.compile(r"\b(?:np|numpy)\.(?=[a-z])")
_TERMS: Final = frozenset({
    "C", "Q", "I", "T", "S", "Treatment", "Sum", "Poly", "Helmert", "Diff", "SimpleTreatment", "bs",
    "cr", "cc", "cs", "te", "poly", "center", "scale", "standardize", "lag", "log", "log2", "log10",
    "log1p", "exp", "exp2", "exp10", "expm1", "sqrt", "abs", "absolute", "power", "square", "cube",
    "floor", "ceil", "sin", "cos", "tan", "sinh", "cosh", "tanh", "arcsin", "arccos", "arctan",
    "sign", "reciprocal", "maximum", "minimum", "clip", "where", "mean", "median", "std", "var",
    "isnan", "cumsum", "float", "int", "bool",
})  # fmt: skip
"""The transformations of patsy and formulaic, and functions of numpy that only compute. None of
them calls a function that it is given, as `max(…, key=…)` and `hashed(…, hash_func=…)` do."""
_RUNNING: Final = re.compile(
    r"\b(?:exec|eval|compile|getattr|setattr|delattr|globals|locals|breakpoint)\b"
)


def is_plain(text: str) -> bool:
    """True for a formula of names, operators and the usual transformations."""
    bare = _QUOTED.sub(" quoted ", text)
    if _FOREIGN.search(bare) or _RESULT.search(bare) or _RUNNING.search(bare):
        return False
    bare = _ARRAYS.sub("", bare)
    return not _ATTRIBUTE.search(bare) and _TERMS.issuperset(_CALLED.findall(bare))
