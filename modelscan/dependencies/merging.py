"""A lock with a merge conflict in it: both sides are whole locks, and most of it is no conflict.

Invariants: only `lock write` reads such a file, and only to write a sound one; a model that the two
sides state differently is looked at again, and neither side's word is taken for it while that can
be done.

Source: git-merge, "How conflicts are presented": `<<<<<<<`, `|||||||` (style diff3), `=======` and
`>>>>>>>` at the start of a line.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from modelscan.dependencies import lockfile
from modelscan.errors import UsageError
from modelscan.vocabulary.lock import Lock, LockedModel

_MARKS: Final = {"<<<<<<<": "ours", "|||||||": "base", "=======": "theirs", ">>>>>>>": "both"}
_AFTER: Final = {
    "<<<<<<<": ("both",), "|||||||": ("ours",), "=======": ("ours", "base"), ">>>>>>>": ("theirs",),
}  # fmt: skip
"""Where a mark may stand."""


class Merged(NamedTuple):
    """Both sides of a lock as one."""

    lock: Lock
    """What one side has alone, and what both state alike."""
    contested: tuple[LockedModel, ...]
    """Models that the sides state differently, each as the later side has it."""


def merged(data: bytes, name: str) -> Merged:
    """Both sides of a lock with conflicts.

    Args:
        data: the whole file.
        name: what messages call it.

    Raises:
        UsageError: the marks do not fit each other, or a side is no lock.
    """
    first, last = (lockfile.parse(side, name) for side in _sides(data, name))
    ours = {model.key: model for model in first.model}
    theirs = {model.key: model for model in last.model}
    both = ours.keys() & theirs.keys()
    contested = tuple(
        max(ours[key], theirs[key], key=lambda model: (model.committed, model.since))
        for key in sorted(both)
        if ours[key] != theirs[key]
    )
    disputed = {model.key for model in contested}
    kept = [model for key, model in (ours | theirs).items() if key not in disputed]
    return Merged(lockfile.ordered(kept), contested)


def _sides(data: bytes, name: str) -> tuple[bytes, bytes]:
    """The two files that were to be merged."""
    sides: dict[str, list[str]] = {"ours": [], "theirs": [], "base": []}
    where = "both"
    text = data.decode("utf-8-sig", "replace").replace("\r\n", "\n")
    for number, line in enumerate(text.split("\n"), 1):
        mark = line[:7] if lockfile.CONFLICT.fullmatch(line) else ""
        if mark:
            if where not in _AFTER[mark]:
                raise UsageError(
                    f"{name}:{number}: half of a merge conflict",
                    f"restore one side: git checkout --ours {name}",
                )
            where = _MARKS[mark]
            continue
        for side in ("ours", "theirs") if where == "both" else (where,):
            sides[side].append(line)
    if where != "both":
        raise UsageError(
            f"{name}: a merge conflict without an end",
            f"restore one side: git checkout --ours {name}",
        )
    return "\n".join(sides["ours"]).encode(), "\n".join(sides["theirs"]).encode()
