"""The inventory: which models a code base uses, and which lie on the disk. The steps in order.

    paths → files → finders → mentions → references, and files → models, equal bytes as one

Invariants: no network, nothing is loaded or run; a file that cannot be read is coverage, and so is
whatever a finder fails on; the result does not depend on the order of a folder's entries.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final

import msgspec

from modelscan.budget import Budget, Limits
from modelscan.discovery import disks, weights
from modelscan.discovery.finder import LONGEST, CodeFile, Finder
from modelscan.discovery.finders import FINDERS
from modelscan.discovery.mention import Mention, reference
from modelscan.discovery.walking import Found, Tree
from modelscan.errors import BudgetError, ReadError
from modelscan.vocabulary.coverage import Coverage, Status
from modelscan.vocabulary.reference import Certainty, Inventory, ModelFile, Reference

_LIMITS: Final = Limits(steps=5_000_000, seconds=15)
"""What one file of a code base may cost."""
_CODE: Final = 8 << 20
"""Bytes of the largest file of code or settings; larger ones are data."""
_BINARY: Final = frozenset(
    {".png", ".jpg", ".jpeg", ".gif", ".webp", ".ico", ".bmp", ".tif", ".tiff", ".pdf", ".woff",
     ".woff2", ".ttf", ".otf", ".eot", ".mp3", ".mp4", ".wav", ".flac", ".ogg", ".mov", ".avi",
     ".so", ".dll", ".dylib", ".exe", ".o", ".a", ".lib", ".class", ".pyc", ".pyd", ".parquet",
     ".arrow", ".npy", ".npz", ".db", ".sqlite", ".sqlite3", ".7z", ".rar", ".zst", ".lz4", ".svg",
     ".csv", ".tsv", ".md", ".rst", ".txt", ".html", ".css", ".scss", ".po", ".mo", ".map",
     ".lock", ".go", ".rs", ".java", ".c", ".h", ".cc", ".cpp", ".hpp", ".rb", ".php", ".sql",
     ".xml", ".proto"}
)  # fmt: skip
"""Extensions that no finder is for. Prose names models without using them."""
_NAMED: Final = frozenset({"requirements", "constraints", "dvc.lock"})
"""What stands in names that are read in spite of their extension."""
_ORDER: Final[tuple[Certainty, ...]] = ("declared", "inferred", "unresolved")


def take(
    paths: Sequence[Path],
    *,
    exclude: Sequence[str] = (),
    everything: bool = False,
    hash_limit: int | None = None,
    progress: Callable[[int], None] | None = None,
) -> Inventory:
    """The inventory of one or more folders or files.

    Args:
        paths: what to look at. With several, each file is named with its path's last part first.
        exclude: globs on relative paths that are left out.
        everything: look into installed packages and virtual environments, too.
        hash_limit: model files of more bytes are listed without a digest; `None` hashes all.
        progress: told the number of files each time some more are done.

    Raises:
        SourceError: a path cannot be listed.
    """
    trees = [Tree(path, tuple(exclude), everything=everything) for path in paths]
    names = _prefixes(trees) if len(trees) > 1 else [""]
    references: list[Reference] = []
    artifacts: list[ModelFile] = []
    coverage: list[Coverage] = []
    for tree, prefix in zip(trees, names, strict=True):
        found: list[Reference | ModelFile | Coverage] = [*tree.coverage]
        for index, file in enumerate(tree.files):
            found += _code(tree, file)
            if progress and not index % 100:
                progress(index)
        found += disks.models(tree, hash_limit)
        for each in found:
            if isinstance(each, Reference):
                place = msgspec.structs.replace(each.where, file=prefix + each.where.file)
                references.append(msgspec.structs.replace(each, where=place))
            elif isinstance(each, ModelFile):
                artifacts.append(msgspec.structs.replace(each, path=prefix + each.path))
            else:
                coverage.append(msgspec.structs.replace(each, file=prefix + each.file))
    return Inventory(
        references=tuple(_distinct(references)),
        artifacts=tuple(_merged(artifacts)),
        coverage=tuple(sorted(coverage, key=lambda gap: (gap.file, gap.member or "", gap.reason))),
    )


def _prefixes(trees: Iterable[Tree]) -> list[str]:
    """The last part of each path; a number is added where two are equal."""
    names: list[str] = []
    for tree in trees:
        base = tree.root.name or "root"
        name, count = base, 1
        while name in names:
            count += 1
            name = f"{base}~{count}"
        names.append(name)
    return [f"{name}/" for name in names]


def _code(tree: Tree, file: Found) -> Iterator[Reference | Coverage]:
    """The references in one file, when a finder is for it."""
    name = file.path.rpartition("/")[2]
    extension = weights.extension(name)
    if extension in weights.ANY or "models--" in file.path or not file.size:
        return
    if extension in _BINARY and not any(word in name.lower() for word in _NAMED):
        return
    if file.size > LONGEST or (file.size > _CODE and extension != ".ipynb"):
        if _finder(CodeFile(file.path, b"", tree, Budget(_LIMITS))) is not None:
            needed = extension not in {
                ".json",
                ".js",
                ".yaml",
                ".yml",
            }  # large ones of these are data
            yield _gap(file.path, f"{file.size:,} bytes: too long for code", needed=needed)
        return
    try:
        data = tree.read(file, LONGEST)
    except ReadError as error:
        yield _gap(file.path, error.message, needed=True)
        return
    code = CodeFile(file.path, data, tree, Budget(_LIMITS))
    finder = _finder(code)
    if finder is None:
        return
    if b"\0" in data[:4096]:
        yield _gap(
            file.path, "not text in UTF-8", needed=data.startswith((b"\xff\xfe", b"\xfe\xff"))
        )
        return
    yield from _found(finder, code, tree)


def _finder(code: CodeFile) -> Finder | None:
    return next((finder for finder in FINDERS if finder.kind(code) is not None), None)


def _found(finder: Finder, code: CodeFile, tree: Tree) -> Iterator[Reference | Coverage]:
    kind = finder.kind(code) or ""
    try:
        for item in finder.find(code):
            code.budget.fact()
            if isinstance(item, Mention):
                made = reference(item, code.path, kind, tree.holds)
                if made is not None:
                    yield made
            else:
                yield item
    except BudgetError as error:
        yield _gap(code.path, error.message, needed=True)
    except ReadError as error:
        yield _gap(code.path, error.message, needed=kind not in {"json", "toml"})
    except Exception as error:  # noqa: BLE001  # a finder's own fault is a gap, never silence
        reason = f"reading it as {kind} failed: {type(error).__name__}: {error}"
        yield _gap(code.path, reason, needed=True)


def _gap(path: str, reason: str, *, needed: bool) -> Coverage:
    status: Status = "unreadable" if needed else "skipped"
    return Coverage(file=path, status=status, needed=needed, reason=reason)


def _distinct(references: Iterable[Reference]) -> list[Reference]:
    """Without repetition: of two that name the same in the same place, the surer one."""
    found: dict[tuple[object, ...], Reference] = {}
    for each in references:
        key = (each.ref, each.where.file, each.where.line, each.where.member or "")
        known = found.get(key)
        if known is None or _ORDER.index(each.certainty) < _ORDER.index(known.certainty):
            found[key] = each
    return [found[key] for key in sorted(found, key=str)]


def _merged(artifacts: Iterable[ModelFile]) -> list[ModelFile]:
    """Equal bytes as one entry, by the first of their paths."""
    found: dict[str, ModelFile] = {}
    for each in sorted(artifacts, key=lambda item: (item.ref is None, item.path)):
        key = each.digest or f"path:{each.path}"
        known = found.get(key)
        if known is None:
            found[key] = each
        else:
            found[key] = msgspec.structs.replace(known, also=(*known.also, each.path))
    return sorted(found.values(), key=lambda item: item.path)
