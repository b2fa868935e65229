"""From a reference to what it is now: every model of a lock is looked at before it is agreed to.

Invariants: a local model costs no network; offline, a hub's model is taken from the hub's cache or
not at all; what cannot be resolved is said with its reason, and nothing is made up for it.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from modelscan.dependencies import measure
from modelscan.dependencies.entry import entry
from modelscan.dependencies.measure import Measured
from modelscan.dependencies.stated import Stated, stated
from modelscan.errors import ReadError, SourceError
from modelscan.formats.sniff import PLACEHOLDER
from modelscan.pipeline import Scanned
from modelscan.vocabulary.fact import Fact
from modelscan.vocabulary.lock import LockedModel, LockedTensor
from modelscan.vocabulary.ref import ModelRef
from modelscan.vocabulary.result import ModelReport

if TYPE_CHECKING:
    from modelscan.lineage.prints import Fingerprint

Describe = Callable[[str], Iterable[Fact]]
"""Asks the place of one target about it; nothing when it does not answer."""
Fingerprinted = Callable[[str], "Fingerprint"]
"""Reads the tensors of one target.

Raises:
    SourceError: it has none that can be read.
"""
Scan = Callable[[str], Scanned]
"""Looks at one target; never raises for what the target is or holds."""

_COMMIT = re.compile(r"[0-9a-f]{40}")
_BRANCH = re.compile(r"[\w][\w./-]{0,200}", re.ASCII)
_HEAD = "main"


class Resolved(NamedTuple):
    """What became of one reference."""

    ref: str
    asked: str
    model: LockedModel | None
    """`None` when it could not be resolved."""
    report: ModelReport | None
    """What was found in it."""
    trouble: str = ""
    """Why it could not be resolved."""
    note: str = ""
    """What else there is to say: why its tensors are not known."""
    older: str = ""
    """Since when the code names it, when that is before the repository of the name was made."""

    @property
    def refused(self) -> str:
        """Why it is not to be locked; empty when it may be, or when nobody knows."""
        if self.older and self.model:
            return (
                f"the code has named it since {self.older}, and the repository of this name was "
                f"made on {self.model.created[:10]}: what the code meant was another one"
            )
        allowed = self.report.answers.allowed if self.report else None
        return allowed.reason if allowed and allowed.status == "fail" else ""


def resolve(
    ref: str,
    asked: str,
    *,
    folder: Path,
    scan: Scan,
    describe: Describe,
    cache: Path | None = None,
    since: str = "",
    fingerprint: Fingerprinted | None = None,
) -> Resolved:
    """Look at one model.

    Args:
        ref: as the lock has it.
        asked: the revision that the code asks for.
        folder: the lock's folder, where local models are.
        scan: how to look.
        describe: how to ask the place that it was taken from.
        cache: the hub's cache, to be used instead of the hub.
        since: the day.
        fingerprint: how to read its tensors; `None` leaves them out.
    """
    target = ref if not asked else f"{ref}@{asked}"
    if ref.startswith("./"):
        target = str(folder / ref[2:])
    elif cache is not None and ref.startswith("hf:"):
        found = cached(cache, ref, asked)
        if found is None:
            return Resolved(ref, asked, None, None, "offline, and not in the hub's cache")
        target = str(found)
    report, _ = scan(target)
    if report.error is not None:
        return Resolved(ref, asked, None, report, report.error)
    if not report.files:
        return Resolved(ref, asked, None, report, "no files")
    said = Stated()
    if cache is None and not ref.startswith("./"):
        # the very commit that was looked at, whatever its branch has become meanwhile
        at = report.source.revision
        said = stated(describe(f"{ref}@{at}" if at and ref.startswith("hf:") else target))
    pointers = _pointers(target, report)
    model = entry(ref, report, asked=asked, since=since, pointers=pointers, said=said)
    looked = Resolved(ref, asked, model, report)
    return _with_tensors(looked, target, fingerprint) if fingerprint else looked


def _with_tensors(found: Resolved, target: str, fingerprint: Fingerprinted) -> Resolved:
    """The same, with the digest of each tensor and of all weights together."""
    assert found.model is not None  # noqa: S101  # it was just made
    try:
        made = fingerprint(target)
    except SourceError as error:
        return found._replace(note=f"no digests of tensors: {error.message}")
    tensors = tuple(
        LockedTensor(name=name, sha256=tensor.digest.hex())
        for name, tensor in made.tensors.items()
        if tensor.digest
    )
    model = msgspec.structs.replace(found.model, tensors=tensors, weights_root=made.root)
    return found._replace(model=model)


def cached(cache: Path, ref: str, asked: str) -> Path | None:
    """The snapshot in a hub's cache that a reference means; `None` when it is not there.

    Source: huggingface_hub's "cache-system reference": `models--<org>--<name>/refs/<revision>`
    holds a commit, `snapshots/<commit>/` its files.
    """
    name = ref.removeprefix("hf:").partition(":")[0]
    repository = cache / ("models--" + name.replace("/", "--"))
    commit = asked
    if not _COMMIT.fullmatch(asked):
        branch = asked or _HEAD
        if not _BRANCH.fullmatch(branch) or ".." in branch:
            return None
        try:
            with (repository / "refs" / branch).open("rb") as file:
                commit = file.read(64).decode("ascii", "replace").strip()
        except OSError:
            return None
    snapshot = repository / "snapshots" / commit
    return snapshot if _COMMIT.fullmatch(commit) and snapshot.is_dir() else None


def hub_cache(environment: Mapping[str, str] = os.environ) -> Path:
    """Where the hub's client keeps what it downloads: `HF_HUB_CACHE`, `HF_HOME`, or the default."""
    named = environment.get("HF_HUB_CACHE")
    if named:
        return Path(named)
    home = environment.get("HF_HOME")
    return Path(home, "hub") if home else Path.home() / ".cache" / "huggingface" / "hub"


def _pointers(target: str, report: ModelReport) -> list[Measured]:
    """What the LFS pointers of a local model stand for."""
    if not any(file.format == PLACEHOLDER for file in report.files):
        return []
    from modelscan.fetcher.sources import take  # lazy: hardly any model holds pointers

    wanted = {file.path for file in report.files if file.format == PLACEHOLDER}
    try:
        files = take(ModelRef("path", target)).files
        found = [measure.measure(file) for file in files if file.name in wanted]
    except (ReadError, SourceError):  # changed meanwhile: the report's own digests stand
        return []
    return [each for each in found if each.declared]
