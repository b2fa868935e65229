"""The base that an adapter is for: named at all, and the same in its configuration and its card?

Both are claims. That they differ says that one of them is wrong, and not which.
"""

from __future__ import annotations

from collections.abc import Iterator

from modelscan.formats import adapter_config
from modelscan.formats.model_card import NAMES
from modelscan.formats.repository.relator import Facts, RepositoryView
from modelscan.vocabulary.fact import Fact, ModelClaim, RepositoryCheck
from modelscan.vocabulary.location import Location


class BaseRelator:
    """See `Relator`."""

    def relate(self, view: RepositoryView, facts: Facts) -> Iterator[Fact]:
        """State an adapter without a base, or with two."""
        if not view.folder or adapter_config.NAME not in view.files:
            return
        claims = [claim for claim in facts.of(ModelClaim) if claim.claim == "base"]
        configured = [claim for claim in claims if claim.location.file == adapter_config.NAME]
        card = [claim.value for claim in claims if claim.location.file.lower() in NAMES]
        if not configured and not card:
            location = Location(adapter_config.NAME)
            yield RepositoryCheck(location=location, status="absent", kind="no-base")
        known = {_plain(value) for value in card}
        for claim in configured:
            if known and _plain(claim.value) not in known:
                yield RepositoryCheck(
                    location=claim.location,
                    kind="base-differs",
                    value=claim.value,
                    other=", ".join(card),
                )


def _plain(name: str) -> str:
    """The name without its owner, for mirrors and quantised copies of the same base carry it."""
    return name.rpartition("/")[2].casefold()
