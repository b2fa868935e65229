"""Does the name of a repository look like a well-known one?

Only names are compared, so that all of it is a hint: nobody is trusted for being on the list, and
an owner whom the public hub itself has verified is not suspected for a likeness. The work is
bounded by the length of a name, at most 96 signs, times that of the list.

Sources: Unicode TS #39, "Confusable detection", of which the pairs are taken that names on a hub
can have, which are ASCII; the optimal string alignment distance, asked only whether it is one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from fnmatch import fnmatchcase
from functools import cached_property
from typing import Final, Literal, TypeAlias

from modelscan.formats.repository.relator import Facts, RepositoryView
from modelscan.vocabulary.fact import Fact, HubRepository, NameLikeness
from modelscan.vocabulary.lists import Publishers

Owner: TypeAlias = Literal[
    "owner-looks-the-same", "owner-spelt-otherwise", "owner-one-letter-off"
]  # fmt: skip

_SEPARATORS: Final = re.compile(r"[-_.]+")
_ALIKE: Final = str.maketrans({"0": "o", "1": "l", "i": "l", "5": "s"})
_PAIRS: Final = (("rn", "m"), ("vv", "w"))
_SHORTEST: Final = 6
"""Signs of a name that one letter is too little to tell from another: shorter ones are often one
letter apart by chance."""
_LONGEST: Final = 96


class LikenessRelator:
    """See `Relator`.

    Args:
        publishers: the well-known names.
    """

    def __init__(self, publishers: Publishers) -> None:
        self._publishers = publishers

    def relate(
        self,
        view: RepositoryView,  # noqa: ARG002  # the names of files say nothing here
        facts: Facts,
    ) -> Iterator[Fact]:
        """State which well-known name each repository resembles."""
        for repository in facts.of(HubRepository):
            owner, slash, model = repository.repository[:_LONGEST].rpartition("/")
            if not slash or owner.casefold() in self._known:
                continue
            if repository.owner_verified and not repository.mirror:
                continue
            yield from self._resembles(repository, owner, model.casefold())

    def _resembles(
        self, repository: HubRepository, owner: str, model: str
    ) -> Iterator[NameLikeness]:
        for known in self._known.values():
            kind = likeness(owner, known)
            if kind is not None:
                names = self._publishers.models.get(known, ())
                yield NameLikeness(
                    status="inferred",
                    repository=repository.repository,
                    resembles=known,
                    kind=kind,
                    same_model=any(fnmatchcase(model, name.casefold()) for name in names),
                )
                return
        publisher = self._owners.get(model)
        if publisher is not None and not repository.base_models:
            yield NameLikeness(
                status="inferred",
                repository=repository.repository,
                resembles=publisher,
                kind="model-of-another-owner",
                same_model=True,
            )

    @cached_property
    def _known(self) -> dict[str, str]:
        names = (*self._publishers.models, *self._publishers.republishers)
        return {name.casefold(): name for name in names}

    @cached_property
    def _owners(self) -> dict[str, str]:
        """`publisher/model` by the model's name in lower case, of names that nobody else needs."""
        return {
            name.casefold(): f"{owner}/{name}"
            for owner, names in self._publishers.models.items()
            for name in names
            if "*" not in name
        }


def likeness(name: str, known: str) -> Owner | None:
    """In which way a name resembles a known one; `None` when it does not, or is the same.

    >>> likeness("meta-IIama", "meta-llama")
    'owner-looks-the-same'
    >>> likeness("mistral-ai", "mistralai")
    'owner-spelt-otherwise'
    >>> likeness("sentence-transformer", "sentence-transformers")
    'owner-one-letter-off'
    """
    mine, other = name.casefold(), known.casefold()
    if mine == other:
        return None
    plain, well_known = _SEPARATORS.sub("", mine), _SEPARATORS.sub("", other)
    if plain == well_known:
        return "owner-spelt-otherwise"
    if skeleton(plain) == skeleton(well_known):
        return "owner-looks-the-same"
    if len(well_known) >= _SHORTEST and one_apart(plain, well_known):
        return "owner-one-letter-off"
    return None


def skeleton(name: str) -> str:
    """What a name looks like at a glance: names with the same skeleton are taken for each other."""
    for pair, sign in _PAIRS:
        name = name.replace(pair, sign)
    return name.translate(_ALIKE)


def one_apart(first: str, second: str) -> bool:
    """True when one sign was added, left out or changed, or two neighbours changed places."""
    if abs(len(first) - len(second)) > 1 or first == second:
        return False
    start = 0
    while start < min(len(first), len(second)) and first[start] == second[start]:
        start += 1
    one, other = first[start:], second[start:]
    if len(one) != len(other):
        return one[1:] == other if len(one) > len(other) else one == other[1:]
    swapped = one[:2] == other[:2][::-1] and one[2:] == other[2:]
    return one[1:] == other[1:] or swapped
