"""What the user's configuration asks of the verifier, from its tables to what the checks use."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from modelscan.errors import UsageError
from modelscan.verifier.freshness import Seen
from modelscan.verifier.own_manifests import ManifestsTable, Member, OwnSets, members
from modelscan.verifier.trust_document import Lines, Placed, TrustTable, encode_pins, trust_policy
from modelscan.verifier.trust_policy import TrustPolicy

if TYPE_CHECKING:
    from modelscan.verifier.fetched_set import FetchedSet


class Tables(msgspec.Struct, frozen=True):
    """The tables of one configuration file that are the verifier's."""

    path: Path
    trust: TrustTable | None
    manifests: ManifestsTable | None
    lines: Lines | None = None
    """Says on which line a key stands, for messages."""

    def at(self, *keys: str | int) -> str:
        """How messages name a place in the file."""
        return self.lines(keys) if self.lines else str(self.path)


class Repository(msgspec.Struct, frozen=True):
    """A TUF repository of manifests, and where trust in it begins."""

    address: str
    """URL, or a folder."""
    root: Path
    max_age: int | None


def trust_of(tables: Iterable[Tables]) -> TrustPolicy:
    """Who may sign for which models.

    Raises:
        UsageError: a file that is named cannot be used, or the tables contradict themselves.
    """
    return trust_policy(
        [Placed(each.path, each.trust, each.lines) for each in tables if each.trust]
    )


def sets_of(tables: Sequence[Tables], max_age: int | None = None) -> OwnSets:
    """The lists of releases beside the shipped ones.

    Args:
        tables: of all files, the organisation's first.
        max_age: days for a fetched set when no file says otherwise.

    Raises:
        UsageError: a set cannot be used, or one that should have been fetched is not there.
    """
    found: list[Member] = []
    for each in tables:
        for index, name in enumerate(each.manifests.sets if each.manifests else ()):
            try:
                found += members([each.path.parent / name])
            except UsageError as error:
                place = each.at("manifests", "sets", index)
                raise UsageError(f"{place}: {error.message}", error.hint) from None
    repository = repository_of(tables)
    if repository is not None:
        found.append(_fetched(repository, max_age))
    return OwnSets(found)


def repository_of(tables: Iterable[Tables]) -> Repository | None:
    """The one repository that the files name; the first that does decides.

    Raises:
        UsageError: it has no root.
    """
    for each in tables:
        path, manifests = each.path, each.manifests
        if manifests is None or manifests.repository is None:
            continue
        if manifests.root is None:
            raise UsageError(
                f"{each.at('manifests', 'repository')}: manifests.repository without "
                "manifests.root",
                "trust begins with the repository's root.json, from another place than itself",
            )
        address = manifests.repository
        if "://" not in address:
            address = str(path.parent / address)
        return Repository(address, path.parent / manifests.root, manifests.max_age)
    return None


def _fetched(repository: Repository, max_age: int | None) -> Member:
    from modelscan.verifier import fetched_set  # lazy: only for who configured a repository

    return fetched_set.member(_opened(repository), repository.max_age or max_age)


class FetchedAdvisories(msgspec.Struct, frozen=True):
    """The advisories of a repository, as they were fetched last."""

    files: tuple[tuple[str, bytes], ...]
    """Name and bytes."""
    outdated: str
    """That they are older than `max-age` allows, in words. What they say holds all the same."""


def advisories_of(tables: Iterable[Tables]) -> FetchedAdvisories | None:
    """The advisories of the repository that the files name; `None` when they name none.

    Raises:
        UsageError: it was never fetched, or does not verify.
    """
    repository = repository_of(tables)
    if repository is None:
        return None
    from modelscan.verifier import fetched_set  # lazy: as above

    found = _opened(repository)
    return FetchedAdvisories(found.advisories, fetched_set.outdated(found, repository.max_age))


def _opened(repository: Repository) -> FetchedSet:
    from modelscan.verifier import fetched_set  # lazy: as above

    root = fetched_set.read_root(repository.root)
    return fetched_set.open_set(root, fetched_set.store_for(root))


def pin(tables: Iterable[Tables], signed: Mapping[str, Seen]) -> Path:
    """Write down who signed which model, and what their newest signature states.

    Who signed a model first stays who did. A newer signature of theirs takes the place of the one
    before, which is remembered as an older one.

    Args:
        tables: of all files, the organisation's first.
        signed: by model, what is to be written down.

    Raises:
        UsageError: no file is configured for it, or it cannot be used.
    """
    policy = trust_of(tables)
    if policy.pins_file is None:
        hint = 'write `pins = "signers.json"` below [trust] in the configuration'
        raise UsageError("there is no file to write signers to", hint)
    known = dict(policy.pins)
    for identity, new in signed.items():
        model = identity.partition("@")[0]
        before = known.get(model, new)
        if before.signer == new.signer:
            known[model] = before.followed_by(new.statement, new.signed)
    if known != policy.pins:
        partial = policy.pins_file.with_name(policy.pins_file.name + ".part")
        partial.write_bytes(encode_pins(known))
        partial.replace(policy.pins_file)  # what is remembered is never half a file
    return policy.pins_file
