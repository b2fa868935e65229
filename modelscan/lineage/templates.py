"""The chat templates of a model held against those of the bases that the user names, line by line.

Digests say that a template differs; who has both texts at hand can be shown where. Fingerprint
files have digests alone, and give nothing here.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from modelscan.budget import Budget, Limits
from modelscan.errors import ReadError
from modelscan.formats.chat_template.differences import differences
from modelscan.formats.gguf.reader import GgufReader
from modelscan.formats.hub_config import HubConfigReader
from modelscan.formats.reader import Reader
from modelscan.lineage.asked import Ancestry
from modelscan.vocabulary.artifact import Artifact, base_name, place
from modelscan.vocabulary.coverage import Coverage
from modelscan.vocabulary.fact import Fact, TemplateDifference
from modelscan.vocabulary.location import Location
from modelscan.vocabulary.snapshot import SourceFile

_EXTENSIONS: Final = (".jinja", ".jinja2", ".j2")
_CONFIGURATIONS: Final = frozenset({"tokenizer_config.json", "chat_template.json"})
_LARGEST: Final = 1 << 20
_MOST_FILES: Final = 50
_MOST_BLOCKS: Final = 20


def template_differences(
    files: Sequence[SourceFile], ancestry: Ancestry, limits: Limits
) -> list[TemplateDifference]:
    """Every block of lines that differs from the template of the same name of a base.

    Args:
        files: all files of the model.
        ancestry: the bases; those that the user named and whose files are at hand count.
        limits: what reading the files may cost.
    """
    bases = [base for base in ancestry.bases if base.asked and base.files]
    if not bases:
        return []
    mine = dict(_templates(files, limits))
    found: list[TemplateDifference] = []
    for base in bases:
        theirs = dict(_templates(base.files, limits))
        for name, (where, text) in mine.items():
            if name in theirs:
                found.extend(_between(theirs[name][1], text, where, base.label))
    return found


def _between(old: str, new: str, where: Location, label: str) -> Iterator[TemplateDifference]:
    for difference in differences(old, new)[:_MOST_BLOCKS]:
        yield TemplateDifference(
            location=Location(where.file, where.member, None, difference.line),
            kind=difference.kind,
            base=label,
            old=difference.old,
            new=difference.new,
        )


def _templates(
    files: Sequence[SourceFile], limits: Limits
) -> Iterator[tuple[str, tuple[Location, str]]]:
    """Templates by name, empty for the main one; a file of its own wins over a configuration."""
    chosen = [file for file in files if _may_hold(file.name)]
    chosen.sort(key=lambda file: file.name.endswith(_EXTENSIONS))
    for file in chosen[:_MOST_FILES]:
        try:
            with file.open() as artifact:
                for template in _inside(artifact, limits):
                    text = template.read_at(0, _LARGEST).decode("utf-8", "replace")
                    yield _name(template), (place(template), text)
        except ReadError:  # the pass over all files says so
            continue


def _may_hold(name: str) -> bool:
    name = name.rpartition("/")[2]
    return name in _CONFIGURATIONS or name.endswith((*_EXTENSIONS, ".gguf"))


def _inside(artifact: Artifact, limits: Limits) -> Iterator[Artifact]:
    if artifact.name.endswith(_EXTENSIONS):
        yield artifact
        return
    reader: Reader = GgufReader() if artifact.name.endswith(".gguf") else HubConfigReader()
    for item in reader.read(artifact, Budget(limits)):
        if not isinstance(item, Fact | Coverage) and base_name(item).endswith(_EXTENSIONS):
            yield item


def _name(template: Artifact) -> str:
    """`tool_use` of `chat_template.tool_use.jinja`; empty for the main one."""
    stem = base_name(template).rpartition(".")[0]
    for prefix in ("tokenizer.chat_template", "chat_template"):
        if stem.startswith(prefix):
            name = stem[len(prefix) :].strip("._")
            return "" if name == "default" else name
    return stem
