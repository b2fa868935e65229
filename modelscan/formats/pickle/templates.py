"""The attributes of reviewed libraries that are run as code when an instance's state is set.

`scipy.stats` writes the functions with which a distribution takes its arguments as text, keeps the
text in the pickled state, and runs it in `rv_generic.__setstate__`
(`scipy/stats/_distn_infrastructure.py`, scipy 1.17). The text is always the same but for the names
of the parameters. statsmodels keeps formulas, which are evaluated (see `formulas`).
"""

from __future__ import annotations

import re
from typing import Final

from modelscan.formats.pickle.literals import unescaped_text
from modelscan.formats.pickle.special import FORMULA, FORMULATED, TEMPLATE, TEMPLATED
from modelscan.formats.pickle.values import Call, Container, Global, Literal, Value
from modelscan.formats.pickle.window import Blob
from modelscan.vocabulary.artifact import Artifact

_NAMES: Final = r"[\w, =.+-]*"
_GENUINE: Final = re.compile(
    rf"\s*def _parse_args\(self, {_NAMES}\):\s+return \({_NAMES}\), {_NAMES}"
    rf"\s+def _parse_args_rvs\(self, {_NAMES}\):\s+return self\._argcheck_rvs\({_NAMES}\)"
    rf"\s+def _parse_args_stats\(self, {_NAMES}, moments='mv'\):"
    rf"\s+return \({_NAMES}\), {_NAMES}, moments\s*\Z"
)
_LONGEST: Final = 16 << 10


def runs_template(target: Call, state: Value, artifact: Artifact) -> bool:
    """True when setting the state would run text that no library has written, or may do so."""
    function = target.function
    package = ".".join(function.module.split(".")[:2]) if isinstance(function, Global) else ""
    if package not in TEMPLATED:
        return False
    run = FORMULA if package in FORMULATED else TEMPLATE
    if not isinstance(state, Container) or state.kind != "dict" or state.computed:
        return state is not None
    for key, value in state.pairs():
        if not isinstance(key, bytes):
            return True
        if key == run and not _genuine(value, artifact, formula=run == FORMULA):
            return True
    return False


def _genuine(value: Value, artifact: Artifact, *, formula: bool) -> bool:
    if formula and value is None:
        return True
    if isinstance(value, Literal) and value.text and isinstance(value.content, Blob):
        stored = artifact.read_at(value.content.start, min(value.content.length, _LONGEST))
        value = unescaped_text(stored) if value.escaped else stored
    text = value.decode("utf-8", "replace") if isinstance(value, bytes) else ""
    if formula:
        from modelscan.formats.pickle.formulas import is_plain  # late: hardly a pickle has one

        return bool(text) and is_plain(text)
    return _GENUINE.match(text) is not None
