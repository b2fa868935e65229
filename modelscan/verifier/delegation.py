"""Delegations in a TUF repository: a publisher who signs their own manifests with their own keys.

The repository's list of targets may delegate names to roles, and these to others (The Update
Framework 1.0, sections 4.5 and 5.6.7). Clients look for one name at a time, and fetch only the
lists that this name leads to; here all names are wanted, so that every list is visited, and every
name looked up in the order that decides who is believed for it.

Invariants: a role is believed for the names that were delegated to it alone; the first role in the
repository's own order wins, and a terminating one ends the search; a role that was delegated to and
whose metadata is not here, not signed by whom its parent names, or of another version than the
snapshot's, is an error and never an empty list.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from modelscan.errors import UsageError

# The library does not mark what it exports, so that its types are not to be had.
Targets = Any
"""A list: `tuf.api.metadata.Targets`."""
TargetFile = Any
"""What is stated of one file: `tuf.api.metadata.TargetFile`."""
MetaFile = Any
"""What a snapshot states of one list: `tuf.api.metadata.MetaFile`."""

TOP = "targets"
"""The role that the root names."""
MOST_ROLES = 256


class Roles(NamedTuple):
    """All lists of a repository, each verified by whoever delegated to it."""

    lists: Mapping[str, Targets]

    def find(self, name: str) -> TargetFile:
        """The target of a name, by the first role that is believed for it; `None` for none."""
        pending = [TOP]
        visited: set[str] = set()
        while pending:
            role = pending.pop()
            if role in visited:
                continue
            found = self.lists[role].targets.get(name)
            if found is not None:
                return found
            visited.add(role)
            following: list[str] = []
            delegations = self.lists[role].delegations
            for child, terminating in delegations.get_roles_for_target(name) if delegations else ():
                following.append(child)
                if terminating:
                    pending = []
                    break
            pending += reversed(following)
        return None

    def names(self) -> list[str]:
        """Every name that some role lists and is believed for."""
        listed = {name for each in self.lists.values() for name in each.targets}
        return sorted(name for name in listed if self.find(name) is not None)


def load(
    top: Targets, versions: Mapping[str, MetaFile], read: Callable[[str, MetaFile], bytes]
) -> Roles:
    """All roles that a list delegates to, each verified against every role that delegates to it.

    Args:
        top: the list that the root names, verified.
        versions: of the snapshot, verified.
        read: the metadata of a role, by its name and what the snapshot says of it.

    Raises:
        UsageError: there are too many, or one is not what it should be.
        Exception: of the library, for metadata that does not verify.
    """
    from tuf.api.metadata import Metadata  # lazy: only for who configured a repository

    lists = {TOP: top}
    pending = [TOP]
    while pending:
        parent = lists[pending.pop()]
        for child in _children(parent):
            stated = versions.get(f"{child}.json")
            if stated is None:
                raise UsageError(f"the snapshot does not have the delegated list {child!r}")
            if len(lists) > MOST_ROLES:
                raise UsageError(f"the repository delegates to more than {MOST_ROLES} lists")
            data = read(child, stated)
            stated.verify_length_and_hashes(data)
            found: Metadata[Any] = Metadata.from_bytes(data)
            parent.verify_delegate(child, found.signed_bytes, found.signatures)
            if found.signed.type != TOP:
                raise UsageError(f"{child!r} is no list, although it was delegated to")
            if found.signed.version != stated.version:
                raise UsageError(f"the delegated list {child!r} is not the snapshot's version")
            if child not in lists:
                lists[child] = found.signed
                pending.append(child)
    return Roles(lists)


def _children(parent: Targets) -> Iterable[str]:
    """The roles that a list delegates to."""
    delegations = parent.delegations
    if delegations is None:
        return ()
    if delegations.succinct_roles is not None:  # bins of names by their digests
        bins: Iterable[str] = delegations.succinct_roles.get_roles()
        return bins
    return delegations.roles or ()
