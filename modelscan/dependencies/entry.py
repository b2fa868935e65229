"""From a model's report to its table in the lock."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from modelscan.dependencies.measure import Measured, plain
from modelscan.dependencies.stated import Stated
from modelscan.vocabulary.digest import code_digest, is_module, model_digest
from modelscan.vocabulary.lock import LockedFile, LockedModel
from modelscan.vocabulary.result import FileEntry, ModelReport

_VALID: Final = frozenset({"signed-trusted", "signed-untrusted"})
_UNKNOWN: Final = "unknown"
_LONGEST: Final = 1_000
"""Characters of a claim that are kept; a hostile card can claim anything at any length."""
_MOST: Final = 20


def entry(
    ref: str,
    report: ModelReport,
    *,
    asked: str = "",
    since: str = "",
    used_in: Iterable[str] = (),
    pointers: Iterable[Measured] = (),
    said: Stated = Stated(),  # noqa: B008  # a frozen value
) -> LockedModel:
    """The table of a model that was looked at.

    Args:
        ref: how the code names it.
        report: what was found.
        asked: the revision that the code asks for.
        since: the day.
        used_in: files that name it.
        pointers: files that only LFS pointers stand for.
        said: what the place that it was taken from states.
    """
    stands = {each.path: each for each in pointers}
    files = tuple(_file(each, stands.get(plain(each.path)), said) for each in report.files)
    known = tuple(file for file in files if file is not None)
    relations = {str(claim.get("value")): str(claim.get("relation")) for claim in _bases(report)}
    adapter = next((base for base, how in relations.items() if how == "adapter"), "")
    signed = report.answers.signed
    missing = [each.path for each, file in zip(report.files, files, strict=True) if file is None]
    hashed = not missing and not any(file.declared for file in known)
    return LockedModel(
        ref=ref,
        asked=asked,
        adapter_of=_short(adapter),
        author=_short(said.author),
        base=tuple(sorted(map(_short, relations)))[:_MOST],
        committed=_short(said.committed),
        created=_short(said.created),
        digest=_digest(known) if hashed else "",
        formats=tuple(sorted({file.format for file in known if file.format})),
        licence=_licence(report, said),
        manifest=said.manifest,
        object_id=_short(said.object_id),
        remote_code="" if any(map(is_module, missing)) else _code(known, report),
        repository=_short(said.repository),
        revision="" if ref.startswith("./") else report.source.revision or "",
        signer=_short(signed.signer or "") if signed.status in _VALID else "",
        since=since,
        used_in=tuple(sorted(used_in)),
        verdict=said.verdict,
        weights_root=_text(report.facts.lineage, "weights_root", "root"),
        files=known,
    )


def _code(files: Iterable[LockedFile], report: ModelReport) -> str:
    """The fingerprint of the model's code, the one that consent names; empty when it has none."""
    elsewhere = report.facts.provenance.get("remote_code", {}).get("elsewhere", ())
    return code_digest(((file.path, file.sha256) for file in files), elsewhere)


def _digest(files: Iterable[LockedFile]) -> str:
    return model_digest((file.path, file.size, file.sha256) for file in files)


def _file(found: FileEntry, pointed: Measured | None, said: Stated) -> LockedFile | None:
    """A file as the lock has it; `None` when nobody knows its digest."""
    form = "" if found.format == _UNKNOWN else found.format
    path = plain(found.path)
    if pointed is not None:
        return LockedFile(
            path=path, size=pointed.size, sha256=pointed.sha256, format=form, declared=True
        )
    sha256 = found.digests.get("sha256")
    if sha256 is not None:
        return LockedFile(path=path, size=found.size, sha256=sha256, format=form)
    sha256 = said.digests.get(found.path)
    if sha256 is None:
        return None
    return LockedFile(path=path, size=found.size, sha256=sha256, format=form, declared=True)


def _licence(report: ModelReport, said: Stated) -> tuple[str, ...]:
    """As the model's files claim; what the hub lists counts when they claim nothing."""
    claimed = report.facts.licence or ((said.licence,) if said.licence else ())
    return tuple(map(_short, claimed))[:_MOST]


def _bases(report: ModelReport) -> list[dict[str, Any]]:
    return [claim for claim in report.facts.claims if claim.get("claim") == "base"]


def _text(table: dict[str, Any], *keys: str) -> str:
    for key in keys:
        if isinstance(table.get(key), str):
            return _short(table[key])
    return ""


def _short(text: str) -> str:
    return plain(text)[:_LONGEST]
