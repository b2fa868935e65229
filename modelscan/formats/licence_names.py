"""Brings the names of licences into one spelling: SPDX's, or the one that model hubs use.

Most cards carry a plain identifier, which a table answers. Only other names go to the library that
knows all of SPDX and reads expressions such as `Apache-2.0 OR MIT`; it costs 50 ms once.

Invariants: a name that is not known stays unknown, and is never guessed at; the work for hostile
names is bounded by their length and number.

Sources: SPDX 3.0.1, annex "SPDX License Expressions"; the licence identifiers of model hubs.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from fnmatch import fnmatchcase
from functools import cached_property
from itertools import product
from typing import Any

import msgspec

from modelscan.vocabulary.fact import Restriction
from modelscan.vocabulary.lists import Licences

OR, AND = " OR ", " AND "
"""How an identifier joins alternatives, and the parts of one, `AND` binding tighter."""

_WORD = re.compile(r"[a-z0-9]+|\+")
_FILLER = frozenset({"agreement", "licence", "license", "the", "v", "version"})
_EXPRESSION = re.compile(r"[A-Za-z0-9.+()\s-]{1,200}")
"""What an SPDX expression is made of, up to a length that no honest one has."""
_ASKED = 16
"""Names of one model that the library is asked about."""
_ALTERNATIVES = 16
"""Alternatives of one expression; more are no choice that anybody offers."""


class Named(msgspec.Struct, frozen=True):
    """A licence in one spelling."""

    identifier: str
    """Empty for one that is not known; alternatives are joined by `OR`."""
    restrictions: tuple[Restriction, ...] = ()
    """Of alternatives, what all of them restrict."""

    @property
    def parts(self) -> frozenset[str]:
        """Every licence in it, versions of the GPL without `-only` and `-or-later`."""
        return frozenset(
            part.removesuffix("-only").removesuffix("-or-later")
            for alternative in self.identifier.split(OR)
            for part in alternative.split(AND)
            if part
        )


class LicenceNames:
    """A table of licences, and what it says of names; one for each scan."""

    def __init__(self, table: Licences) -> None:
        self._table = table
        self._asked: dict[str, Named] = {}

    def resolve(self, stated: str) -> Named:
        """The licence that a text names."""
        found = self._by_spelling.get(plain(stated))
        if found is not None:
            return Named(found, self.restrictions(found))
        if stated not in self._asked and len(self._asked) < _ASKED:
            self._asked[stated] = self._expression(stated)
        return self._asked.get(stated, Named(""))

    def of_base(self, repository: str) -> Named:
        """The licence that models of a repository have, as far as it is listed."""
        name = repository.casefold()
        for glob, identifier in self._table.bases.items():
            if fnmatchcase(name, glob):
                return Named(identifier, self.restrictions(identifier))
        return Named("")

    def restrictions(self, identifier: str) -> tuple[Restriction, ...]:
        """What one licence restricts."""
        listed = self._table.licences.get(identifier.partition(" WITH ")[0])
        return listed.restricts if listed else ()

    @cached_property
    def _by_spelling(self) -> dict[str, str]:
        found = {plain(name): name for name in self._table.plain}
        for identifier, licence in self._table.licences.items():
            for name in (identifier, *licence.names):
                found[plain(name)] = identifier
        return found

    def _expression(self, stated: str) -> Named:
        if not _EXPRESSION.fullmatch(stated) or not stated.strip():
            return Named("")
        from license_expression import (  # type: ignore[import-untyped]  # lazy: most names are in the table
            ExpressionError,
            ParseError,
            get_spdx_licensing,
        )

        licensing = get_spdx_licensing()
        try:
            tree = licensing.parse(stated)
        except (
            ExpressionError, ParseError,
            # and what it raises where it trips, over texts such as `()` or `( or -mit`
            AssertionError, AttributeError, LookupError, RecursionError, TypeError, ValueError,
        ):  # fmt: skip
            return Named("")
        known = {str(key).casefold(): str(key) for key in licensing.known_symbols}
        alternatives = self._alternatives(tree, known)
        if not alternatives or any("" in alternative for alternative in alternatives):
            return Named("")
        shared = [
            {one for part in alternative for one in self.restrictions(part)}
            for alternative in alternatives
        ]
        return Named(
            OR.join(AND.join(sorted(alternative)) for alternative in alternatives),
            tuple(sorted(set.intersection(*shared))),
        )

    def _alternatives(self, tree: Any, known: dict[str, str]) -> list[frozenset[str]]:
        """The tree as alternatives, each a set of licences; none when there are too many."""
        kind = type(tree).__name__
        if kind not in {"OR", "AND"}:
            return [frozenset({self._leaf(tree, known)})]
        parts = [self._alternatives(part, known) for part in tree.args]
        if kind == "OR":
            return _few(one for part in parts for one in part)
        if not all(parts):
            return []
        found = [frozenset[str]()]
        for part in parts:
            found = _few(one | other for one, other in product(found, part))
        return found

    def _leaf(self, symbol: Any, known: dict[str, str]) -> str:
        """The identifier of one licence, with its exception; empty when it is not known."""
        name, _, exception = str(symbol).partition(" WITH ")
        found = self._by_spelling.get(plain(name)) or known.get(name.casefold(), "")
        if exception:
            named = known.get(exception.casefold())
            return f"{found} WITH {named}" if found and named else ""
        return found


def plain(name: str) -> str:
    """Spellings of one licence made equal: `Apache License, Version 2.0` and `apache-2.0`."""
    return "".join(word for word in _WORD.findall(name.lower()) if word not in _FILLER)


def _few(alternatives: Iterable[frozenset[str]]) -> list[frozenset[str]]:
    """The alternatives, each once; none when there are too many of them."""
    found: dict[frozenset[str], None] = {}
    for alternative in alternatives:
        found[alternative] = None
        if len(found) > _ALTERNATIVES:
            return []
    return list(found)


def lost(claimed: Iterable[Named], other: Named) -> tuple[Restriction, ...]:
    """What the other licence restricts and none of the claimed ones does."""
    kept = {one for licence in claimed for one in licence.restrictions}
    return tuple(one for one in other.restrictions if one not in kept)
