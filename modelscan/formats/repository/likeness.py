"""Does the name of a repository look like a well-known one?

Only names are compared, so that all of it is a hint: nobody is trusted for being on the list, and
an owner whom the public hub itself has verified is not suspected for a likeness. The work is
bounded by the length of a name, at most 96 signs, times that of the list.

Sources: Unicode TS #39, "Confusable detection", of which the pairs are taken that names on a hub
can have, which are ASCII, and the letters of other scripts that code may have in their place; the
optimal string alignment distance, asked only whether it is one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from fnmatch import fnmatchcase
from functools import cached_property
from typing import Final, Literal, TypeAlias

from modelscan.formats.repository.relator import Facts, RepositoryView
from modelscan.vocabulary.fact import (
    CardMention,
    Fact,
    HubRepository,
    ModelClaim,
    NameLikeness,
)
from modelscan.vocabulary.lists import Publishers
from modelscan.vocabulary.location import Location

Owner: TypeAlias = Literal[
    "owner-looks-the-same", "owner-spelt-otherwise", "owner-one-letter-off", "owner-adds-a-word"
]  # fmt: skip

_NOWHERE: Final = Location()
_SEPARATORS: Final = re.compile(r"[-_.]+")
_ALIKE: Final = str.maketrans(
    {"0": "o", "1": "l", "i": "l", "5": "s"}
    | dict(zip(
        # Cyrillic and Greek letters in lower case; no hub has them in a name, code can
        "\u0430\u0432\u0435\u0456\u0458\u043a\u043c\u043d\u043e\u0440\u0441\u0442\u0443\u0445\u0455\u0501\u04bb\u04cf"
        "\u03b1\u03b9\u03ba\u03bd\u03bf\u03c1\u03c5\u0261\u0131",
        "abeljkmhopctyxsdhlalkvopygl", strict=True,
    ))
)  # fmt: skip
_PAIRS: Final = (("rn", "m"), ("vv", "w"))
_WORDS: Final = (
    "official", "officials", "verified", "original", "real", "org", "inc", "corp", "team", "hq",
    "ai", "hub", "lab", "labs", "model", "models", "llm", "oss",
)  # fmt: skip
"""What is put behind or before a publisher's name to make it look like a house of the same."""
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
            if repository.owner_verified and not repository.mirror:
                continue
            owner = repository.repository[:_LONGEST].rpartition("/")[0]
            if not owner or owner.casefold() in self._known:
                continue
            bases = {_model(base) for base in _bases(repository, facts)}
            model = _model(repository.repository)
            found = self.of_owner(repository.repository)
            if found is not None and found.kind == "owner-adds-a-word":
                # a copied card has the original's base, a house that builds on it has the original
                own = bool(bases) and skeleton(model) not in self._owners
                found = None if own or model in bases else found
            if found is None and model not in bases:
                found = _by_card(repository, facts)
            if found is None and not repository.base_models:
                found = self._by_name(repository)
            if found is not None:
                yield found

    def of_owner(self, name: str, where: Location = _NOWHERE) -> NameLikeness | None:
        """Which well-known publisher the owner of a repository can be taken for.

        Args:
            name: `owner/model`.
            where: where somebody names it.
        """
        owner, slash, model = name[:_LONGEST].rpartition("/")
        if not slash or owner.casefold() in self._known:
            return None
        for known in self._known.values():
            kind = likeness(owner, known)
            if kind is not None:
                names = self._publishers.models.get(known, ())
                same = any(fnmatchcase(model.casefold(), each.casefold()) for each in names)
                if kind == "owner-adds-a-word" and not same:
                    continue  # many houses have a name that begins like another one's
                return NameLikeness(
                    location=where,
                    status="inferred",
                    repository=name,
                    resembles=known,
                    kind=kind,
                    same_model=same,
                )
        return None

    def _by_name(self, repository: HubRepository) -> NameLikeness | None:
        """A model that is called like a well-known one."""
        model = skeleton(_model(repository.repository[:_LONGEST]))
        if model not in self._owners:
            return None
        return NameLikeness(
            status="inferred",
            repository=repository.repository,
            resembles=self._owners[model],
            kind="model-of-another-owner",
            same_model=True,
        )

    @cached_property
    def _known(self) -> dict[str, str]:
        names = (*self._publishers.models, *self._publishers.republishers)
        return {name.casefold(): name for name in names}

    @cached_property
    def _owners(self) -> dict[str, str]:
        """`publisher/model` by what the model's name looks like, if nobody else needs it."""
        return {
            skeleton(name.casefold()): f"{owner}/{name}"
            for owner, names in self._publishers.models.items()
            for name in names
            if "*" not in name
        }


def _bases(repository: HubRepository, facts: Facts) -> list[str]:
    """What the model says that it is made from, in any of the places where that is said."""
    claimed = (claim.value for claim in facts.of(ModelClaim) if claim.claim == "base")
    return [*repository.base_models, *claimed]


def _by_card(repository: HubRepository, facts: Facts) -> NameLikeness | None:
    """A model whose card names a repository of the same name under another owner, and not itself.

    Whoever moved or renamed a repository leaves such a card behind, too: what was asked for counts
    as the repository's own name.
    """
    own, asked = repository.repository.casefold(), repository.asked.casefold()
    model = own.rpartition("/")[2]
    mentions = [fact for fact in facts.of(CardMention) if _model(fact.repository) == model]
    if any(fact.repository.casefold() in {own, asked} for fact in mentions):
        return None
    for fact in mentions:
        return NameLikeness(
            location=fact.location,
            status="inferred",
            repository=repository.repository,
            resembles=fact.repository,
            kind="card-of-another-owner",
            same_model=True,
        )
    return None


def _model(name: str) -> str:
    return name.rpartition("/")[2].casefold()


def likeness(name: str, known: str) -> Owner | None:
    """In which way a name resembles a known one; `None` when it does not, or is the same.

    >>> likeness("meta-IIama", "meta-llama")
    'owner-looks-the-same'
    >>> likeness("mistral-ai", "mistralai")
    'owner-spelt-otherwise'
    >>> likeness("sentence-transformer", "sentence-transformers")
    'owner-one-letter-off'
    >>> likeness("google-official", "google")
    'owner-adds-a-word'
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
    added = {plain.removeprefix(well_known), plain.removesuffix(well_known)} - {plain}
    return "owner-adds-a-word" if not added.isdisjoint(_WORDS) else None


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
