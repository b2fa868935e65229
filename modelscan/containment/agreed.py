"""What was agreed on about models, from a lock or from reports, as a manifest to verify against."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from modelscan.containment.harden.words import Locked
from modelscan.policy.clock import now
from modelscan.verifier.pinning import encode
from modelscan.verifier.release import SCHEMA, ListedFile, Manifest, Origin, Publisher, Release
from modelscan.vocabulary.lock import LockedModel
from modelscan.vocabulary.result import ModelReport


def locked_for(
    names: Sequence[str], locked: Sequence[LockedModel], models: Sequence[ModelReport]
) -> Locked | None:
    """The model that a workload runs, as it was agreed on; `None` when nothing was.

    A workload that names a path, or nothing, runs the only model that there is.
    """
    agreed = _agreed(locked, models)
    wanted = {_bare(name).casefold() for name in names}
    found = [each for each in agreed if each.name.casefold() in wanted]
    if (
        not found
        and len(agreed) == 1
        and all(name.startswith(("/", ".", "pvc:")) for name in names)
    ):
        found = agreed
    return found[0] if found else None


def _agreed(locked: Sequence[LockedModel], models: Sequence[ModelReport]) -> list[Locked]:
    """The models of the lock with their files; of the reports where there is no lock."""
    return [_of_lock(each) for each in locked if each.files] or list(_of_reports(models))


def agreed_manifest(locked: Sequence[LockedModel], models: Sequence[ModelReport]) -> str:
    """A manifest with one release for each model; empty when no model has files with digests."""
    found = _agreed(locked, models)
    if not found:
        return ""
    manifest = Manifest(
        schema=SCHEMA,
        serial=1,
        issued=now().strftime("%Y-%m-%d"),
        publisher=Publisher(id="self", name="self", verified_how="made by whoever pins it"),
        assurance="self-pinned",
        evidence=tuple(Origin(path=each.name) for each in found),
        releases=tuple(_release(each) for each in found),
    )
    return encode(manifest).decode()


def _release(each: Locked) -> Release:
    return Release(
        id=f"{each.name}@{each.revision}" if each.revision else each.name,
        files=tuple(
            ListedFile(path=path, digests={"sha256": sha256}, size=size)
            for path, size, sha256 in each.files
        ),
        locations=(f"hf:{each.name}",) if "/" in each.name else (),
        revision=each.revision or None,
        complete=True,
    )


def _of_lock(each: LockedModel) -> Locked:
    files = tuple((file.path, file.size, file.sha256) for file in each.files)
    return Locked(_bare(each.ref), each.revision, files)


def _of_reports(models: Iterable[ModelReport]) -> Iterator[Locked]:
    for each in models:
        files = tuple(
            (file.path, file.size, file.digests["sha256"])
            for file in each.files
            if "sha256" in file.digests
        )
        if files and len(files) == len(each.files):
            yield Locked(_bare(each.ref), each.source.revision or "", files)


def _bare(ref: str) -> str:
    """`org/name` of `hf:org/name@revision`."""
    return ref.removeprefix("hf:").partition("@")[0]
