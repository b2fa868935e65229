"""From bytes to a syntax tree, within bounds, and without running anything.

Invariants: `ast.parse` builds a tree and compiles no code; whatever it raises for hostile text
becomes `ReadError`; warnings about the scanned text (invalid escapes) reach nobody. CPython's
parser bounds its own depth (200 brackets, 100 indents, 6,000 frames) and says so with SyntaxError,
MemoryError or RecursionError; what it does not bound is memory, at most 2 kB for one word of
source, so the words are counted first.

Source: the Python reference, "Lexical analysis" (PEP 263 for the encoding line), and the warning
in the documentation of `ast.parse`.
"""

from __future__ import annotations

import ast
import io
import re
import threading
import tokenize
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from modelscan.budget import Budget
from modelscan.errors import BudgetError, ReadError

MAX_SOURCE: Final = 8 << 20
"""Bytes of one file; the longest real ones embed data as text and stay below a megabyte."""
MAX_WORDS: Final = 250_000
"""Words and signs of one file, counted inside strings too; a 10,000 line module has 100,000."""

_SURELY_FEW: Final = MAX_WORDS
_WORD: Final = re.compile(r"\w+|[^\w\s]")
_HIDDEN: Final = re.compile("[\u202a-\u202e\u2066-\u2069]")
"""Bidirectional controls: the text shown is not the text run (CVE-2021-42574)."""


_LOCK: Final = threading.Lock()


@contextmanager
def _silence() -> Iterator[None]:
    """No warnings; the filters are the process's, so one thread at a time changes them."""
    with _LOCK, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def decode(data: bytes) -> str:
    """The text of a source file, by its byte order mark or encoding line, else as UTF-8.

    Raises:
        ReadError: the encoding is unknown or does not fit the bytes.
    """
    try:
        encoding, _ = tokenize.detect_encoding(io.BytesIO(data).readline)
        with _silence():
            text = data.decode(encoding)
    except (SyntaxError, LookupError, UnicodeError, ValueError) as error:
        raise ReadError(f"not Python: {error}") from None
    return text


def parse(text: str, budget: Budget) -> ast.Module:
    """The syntax tree of a module.

    Raises:
        ReadError: not the grammar of the Python that runs this scanner.
        BudgetError: longer than a real module.
    """
    if len(text) > MAX_SOURCE:
        raise BudgetError(f"Python source of {len(text):,} characters")
    if len(text) > _SURELY_FEW and sum(1 for _ in _WORD.finditer(text)) > MAX_WORDS:
        raise BudgetError(f"Python source of more than {MAX_WORDS:,} words")
    budget.step(len(text) >> 3)
    try:
        with _silence():
            return ast.parse(text)
    except SyntaxError as error:
        raise ReadError(f"not Python: {error.msg} (line {error.lineno})") from None
    except (ValueError, MemoryError, RecursionError) as error:
        raise ReadError(f"not Python: {error or 'nested too deeply'}") from None


def hidden_lines(text: str) -> list[int]:
    """Lines, from 1, that hold characters which make a screen show another order than is run."""
    return [
        number
        for number, line in enumerate(text.splitlines(), start=1)
        if not line.isascii() and _HIDDEN.search(line)
    ]
