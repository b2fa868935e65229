"""TorchScript: the two operators of torch's own that reach files, where a saved program uses them.

A script is compiled and run by torch, never by Python, so that what its code can do is what the
operators can do. All but two of those that torch registers compute: `aten::save` pickles a value to
a path, and `aten::from_file` maps a file, which it can also create. `torch.jit.load` runs neither;
calling the model does.

Invariants: texts and comments count as nothing, spaces between words do not matter, and methods of
the author's that happen to have such a name are told apart by how torch prints them.

Source: torch 2.13, `torch/csrc/jit/serialization/python_print.cpp` (methods are printed behind
parentheses, functions of the author's behind `__torch__`), `torch/csrc/jit/runtime`
(`register_prim_ops`, `register_special_ops`); for phones `torch/csrc/jit/mobile/import.cpp`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from modelscan.budget import Budget
from modelscan.formats.graph_operators import OperatorLedger, Use
from modelscan.formats.reader import Glimpse
from modelscan.formats.repeated import every
from modelscan.vocabulary.artifact import CHUNK, Artifact, stream
from modelscan.vocabulary.coverage import Coverage
from modelscan.vocabulary.fact import Behaviour, Fact

_SOURCE: Final = re.compile(r"(?:^|[/!])code/.+\.py\Z")
_BYTECODE: Final = "bytecode.pkl"
_REACHING: Final[dict[str, Behaviour]] = {"save": "writes-file", "from_file": "reads-file"}
_TEXT: Final = "|".join(mark + every(rf"[^{mark}\\\n]|\\.") + mark for mark in "'\"")
_TOKEN: Final = re.compile(
    rf"#[^\n]*|{_TEXT}"
    rf"|(?P<base>\w++)(?:\s*+\.\s*+\w++)*?\s*+\.\s*+(?P<name>{'|'.join(_REACHING)})\b"
    rf"(?=\s*+(?P<call>\((?:[^'\"#()\n]*+(?P<path>{_TEXT}))?))?"
    r"|[)\]]\s*+" + every(r"\.\s*+\w++", "+") + r"|\w++"
)
_AUTHOR: Final = "__torch__"
_NAMED: Final = re.compile(rb"aten::(save|from_file)")
_LONGEST: Final = 32


def is_source(member: str) -> bool:
    """True for the name of a member that holds the code of a script."""
    return _SOURCE.search(member) is not None


def operators(text: str, artifact: Artifact, budget: Budget) -> Iterator[Fact]:
    """The operators in the code of a script that reach files.

    Args:
        text: the code.
        artifact: the member that holds it.
        budget: pays for the facts.
    """
    ledger = OperatorLedger(artifact, budget, "torchscript")
    budget.step(len(text) // 64)
    for found in _TOKEN.finditer(text):
        name = found["name"]
        if name is not None and found["base"] != _AUTHOR:
            use = Use(f"aten::{name}", _REACHING[name], argument=(found["path"] or "")[1:-1])
            ledger.add(use)
    yield from ledger.facts()


class BytecodeReader:
    """The table of operators in a model that was saved for phones."""

    @property
    def format(self) -> str:
        """See `Reader.format`."""
        return "torchscript bytecode"

    def recognises(self, glimpse: Glimpse) -> bool:
        """By its name, which the loader goes by."""
        return glimpse.name == _BYTECODE

    def read(self, artifact: Artifact, budget: Budget) -> Iterator[Fact | Coverage | Artifact]:
        """See `Reader.read`: operators stand there by their names."""
        ledger = OperatorLedger(artifact, budget, "torchscript")
        before = b""
        for piece in stream(artifact, chunk=CHUNK):
            budget.step(len(piece) // 64)
            data = before + piece
            # a name that the end of the piece may cut is looked at again with the next one
            for found in _NAMED.finditer(data):
                name = found[1].decode()
                ledger.add(Use(f"aten::{name}", _REACHING[name]))
            before = data[-_LONGEST:]
        yield from ledger.facts()
