"""What the user's configuration asks of the verifier, from its tables to what the checks use."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from modelscan.errors import UsageError
from modelscan.verifier.own_manifests import ManifestsTable, Member, OwnSets, members
from modelscan.verifier.trust_document import Placed, TrustTable, encode_pins, trust_policy
from modelscan.verifier.trust_policy import TrustPolicy


class Tables(NamedTuple):
    """The tables of one configuration file that are the verifier's."""

    path: Path
    trust: TrustTable | None
    manifests: ManifestsTable | None


class Repository(NamedTuple):
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
    return trust_policy([Placed(each.path, each.trust) for each in tables if each.trust])


def sets_of(tables: Sequence[Tables], max_age: int | None = None) -> OwnSets:
    """The lists of releases beside the shipped ones.

    Args:
        tables: of all files, the organisation's first.
        max_age: days for a fetched set when no file says otherwise.

    Raises:
        UsageError: a set cannot be used, or one that should have been fetched is not there.
    """
    paths = [
        each.path.parent / name for each in tables if each.manifests for name in each.manifests.sets
    ]
    found = members(paths)
    repository = repository_of(tables)
    if repository is not None:
        found.append(_fetched(repository, max_age))
    return OwnSets(found)


def repository_of(tables: Iterable[Tables]) -> Repository | None:
    """The one repository that the files name; the first that does decides.

    Raises:
        UsageError: it has no root.
    """
    for path, _, manifests in tables:
        if manifests is None or manifests.repository is None:
            continue
        if manifests.root is None:
            raise UsageError(
                f"{path}: manifests.repository without manifests.root",
                "trust begins with the repository's root.json, from another place than itself",
            )
        address = manifests.repository
        if "://" not in address:
            address = str(path.parent / address)
        return Repository(address, path.parent / manifests.root, manifests.max_age)
    return None


def _fetched(repository: Repository, max_age: int | None) -> Member:
    from modelscan.verifier import fetched_set  # lazy: only for who configured a repository

    root = fetched_set.read_root(repository.root)
    found = fetched_set.open_set(root, fetched_set.store_for(root))
    return fetched_set.member(found, repository.max_age or max_age)


def pin(tables: Iterable[Tables], signers: Iterable[tuple[str, str]]) -> Path:
    """Write down who signed which model first; what is written already stays.

    Args:
        tables: of all files, the organisation's first.
        signers: models and what identifies their signers.

    Raises:
        UsageError: no file is configured for it, or it cannot be used.
    """
    policy = trust_of(tables)
    if policy.pins_file is None:
        hint = 'write `pins = "signers.json"` below [trust] in the configuration'
        raise UsageError("there is no file to write signers to", hint)
    new = {model.partition("@")[0]: anchor for model, anchor in signers}
    known = {**new, **policy.pins}
    if known != policy.pins:
        policy.pins_file.write_bytes(encode_pins(known))
    return policy.pins_file
