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

    An address or a path is a place, and says little about what lies there: its last part decides,
    or there is only one model. The same goes for a workload that names nothing.
    """
    agreed = _agreed(locked, models)
    wanted = {_plain(_bare(name)) for name in names}
    found = [each for each in agreed if _plain(each.name) in wanted]
    if not found:
        # `org/name:Q4_K_M` is a part of `org/name`, and the other way round.
        parts = {_family(name) for name in wanted}
        found = [each for each in agreed if _family(_plain(each.name)) in parts]
    if not found and all(_is_place(name) for name in names):
        last = {_last(name) for name in names}
        found = [each for each in agreed if _last(each.name) in last]
        found = found or (agreed if len(agreed) == 1 else [])
    return found[0] if found else None


def _plain(name: str) -> str:
    """A name as it is compared: without case, and without Ollama's default tag."""
    folded = name.casefold()
    return folded.removesuffix(":latest") if folded.startswith("ollama:") else folded


def _family(name: str) -> str:
    return name if name.startswith("ollama:") else name.partition(":")[0]


def _is_place(name: str) -> bool:
    return name.startswith(("/", ".", "pvc:")) or "://" in name


def _last(name: str) -> str:
    return _bare(name).rstrip("/").rpartition("/")[2].casefold()


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
