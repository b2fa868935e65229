"""How every reader of graphs goes about its file: walk over all of it, then state what was found.

Invariant: what operators amount to is known only once the whole graph is, so that facts come behind
the walk; a walk that breaks off leaves what it found, and its error comes last.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from modelscan.budget import Budget
from modelscan.errors import ReadError
from modelscan.vocabulary.artifact import Artifact
from modelscan.vocabulary.coverage import Coverage
from modelscan.vocabulary.fact import Fact

Stated = Fact | Coverage | Artifact


def stated(
    walk: Callable[[], None], found: Callable[[], Iterator[Stated]], budget: Budget
) -> Iterator[Stated]:
    """Walk, then state.

    Args:
        walk: goes over the file.
        found: what it found, as far as it came.
        budget: pays for the facts.

    Raises:
        ReadError: the walk broke off; raised behind everything that it found.
    """
    trouble: ReadError | None = None
    try:
        walk()
    except ReadError as error:
        trouble = error
    for item in found():
        if isinstance(item, Fact):
            budget.fact()
        yield item
    if trouble is not None:
        raise trouble
