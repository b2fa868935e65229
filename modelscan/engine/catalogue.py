"""The rules and lists of this run: the shipped ones, and those of folders named by the user.

Nothing is ever loaded from a scanned model, and no folder is searched for rules.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from modelscan import _resources
from modelscan.engine import document
from modelscan.errors import RuleError
from modelscan.vocabulary.lists import NameLists
from modelscan.vocabulary.result import RuleEntry
from modelscan.vocabulary.rule import Rule

KIND = document.KIND
"""Name of the folder of sources."""
SUFFIX = document.SUFFIX
"""Extension of the source files."""
VERSION = 1
"""Number of the compiled form."""


class Catalogue(msgspec.Struct, frozen=True):
    """What a scan judges by."""

    rules: dict[str, Rule]
    """By id."""
    lists: NameLists
    digest: str
    """Hexadecimal SHA-256 over the names and bytes of all their source files."""

    def entry(self, name: str) -> RuleEntry:
        """What a report says of a rule."""
        rule = self.rules[name]
        return RuleEntry(
            title=rule.title,
            severity=rule.severity,
            why=rule.why,
            fix=rule.fix,
            maps=rule.maps,
            references=rule.references,
            doc=f"rules/{name}.md",
        )


def load(extra: Sequence[Path] = ()) -> Catalogue:
    """The shipped rules, with the user's added.

    Args:
        extra: folders of rules, which may extend lists in a subfolder `lists`.

    Raises:
        RuleError: a rule or list is broken, an id is taken, or a folder is missing.
    """
    data = _resources.compiled(KIND, SUFFIX, VERSION, compile_rules)
    try:
        shipped = msgspec.msgpack.decode(data, type=Catalogue)
    except msgspec.MsgspecError as error:
        raise RuleError(
            f"the compiled rules are damaged: {error}",
            hint="install again; in a checkout, remove the cache folder",
        ) from error
    if not extra:
        return shipped
    from modelscan.engine import mappings  # lazy: as in `compile_rules`

    names = mappings.shipped()
    for folder in extra:
        shipped = _add(shipped, folder, names)
    return shipped


def compile_rules(root: Path) -> bytes:
    """The compiled form of a folder of rules, checked and with its examples run.

    Raises:
        RuleError: a rule or list is broken.
    """
    from modelscan.engine import loader, mappings  # lazy: a wheel only reads the compiled form

    loaded = loader.load(root, mappings.load_mappings(root / mappings.FOLDER))
    digest = _resources.source_digest(root, SUFFIX)
    return msgspec.msgpack.encode(Catalogue(loaded.rules, loaded.lists, digest))


def _add(base: Catalogue, folder: Path, names: Mapping[str, Mapping[str, str]]) -> Catalogue:
    from modelscan.engine import lists, loader  # lazy: as in `compile_rules`

    if not folder.is_dir():
        raise RuleError("there is no such folder of rules", file=str(folder))
    loaded = loader.load(folder, names)
    for taken in base.rules.keys() & loaded.rules.keys():
        raise RuleError(
            f"the rule {taken!r} exists already", file=str(folder), hint="give it another id"
        )
    digest = base.digest + _resources.source_digest(folder, SUFFIX)
    return Catalogue(
        dict(sorted({**base.rules, **loaded.rules}.items())),
        lists.extend(base.lists, loaded.lists, str(folder)),
        hashlib.sha256(digest.encode()).hexdigest(),
    )
