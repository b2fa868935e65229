"""The members of a zip archive by name, for those who read values out of them.

The house's own zip reader finds them: all views of the archive at once. A name that stands for
several members stands for none here: whoever reads another view would read other values.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from modelscan.budget import Budget
from modelscan.formats.zip import ZipReader
from modelscan.vocabulary.artifact import Artifact
from modelscan.vocabulary.coverage import Coverage
from modelscan.vocabulary.fact import Fact
from modelscan.vocabulary.location import MEMBER_SEPARATOR


class Members(NamedTuple):
    """What an archive holds."""

    by_name: Mapping[str, Artifact]
    repeated: frozenset[str]
    """Names of several members; they are not in `by_name`."""


def members(artifact: Artifact, budget: Budget) -> Members:
    """All members.

    Raises:
        ReadError: it is no zip archive, or a damaged one.
    """
    found: dict[str, Artifact] = {}
    repeated: set[str] = set()
    for item in ZipReader().read(artifact, budget):
        if isinstance(item, Fact | Coverage):
            continue
        name = (item.member or "").rpartition(MEMBER_SEPARATOR)[2]
        if name in found:
            repeated.add(name)
        found[name] = item
    return Members(
        {name: item for name, item in found.items() if name not in repeated}, frozenset(repeated)
    )
