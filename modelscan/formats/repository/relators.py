"""The table of relators. Each sees what the readers stated, and none sees another's facts."""

from __future__ import annotations

from collections.abc import Iterable

from modelscan.formats.repository.base import BaseRelator
from modelscan.formats.repository.card import CardRelator
from modelscan.formats.repository.index import IndexRelator
from modelscan.formats.repository.relator import Facts, Relator, RepositoryView
from modelscan.formats.repository.remote_code import RemoteCodeRelator
from modelscan.formats.repository.twins import TwinRelator
from modelscan.vocabulary.fact import Fact

RELATORS: tuple[Relator, ...] = (
    IndexRelator(),
    TwinRelator(),
    RemoteCodeRelator(),
    CardRelator(),
    BaseRelator(),
)


def relate(view: RepositoryView, facts: Iterable[Fact]) -> list[Fact]:
    """What holds between the files of a model."""
    stated = Facts(facts)
    return [fact for relator in RELATORS for fact in relator.relate(view, stated)]
