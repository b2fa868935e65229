"""A quick look at all names of a model at once, before each of them is asked something."""

from __future__ import annotations

from collections.abc import Iterable


def mentioned(words: Iterable[str], names: Iterable[str]) -> bool:
    """True when one of some words stands in one of the names, whatever its case.

    Asking 5,000 names one by one for what hardly a model has costs more than joining them.

    Args:
        words: in lower case.
        names: paths of files.
    """
    together = "\0".join(names).lower()
    return any(word in together for word in words)
