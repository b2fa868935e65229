"""llamafile: a model and the program that runs it, in one file that is started like a program.

The file is a program for several systems at once (an Actually Portable Executable), or for one,
and at its end a zip archive with the weights as GGUF. Invariants: machine code is not analysed, and
that is said; the zip reader recognises the same bytes and yields the members.

Sources: the documentation of llamafile; the APE loader of Cosmopolitan Libc for the first bytes.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import Final, Literal

from modelscan.budget import Budget
from modelscan.errors import ReadError
from modelscan.formats import sniff, zip_records
from modelscan.formats.reader import Glimpse
from modelscan.vocabulary.artifact import Artifact, base_name, place
from modelscan.vocabulary.coverage import Coverage
from modelscan.vocabulary.fact import ExecutableModel, Fact

Container = Literal["ape", "elf", "pe", "mach-o"]

_PROGRAMS: Final[tuple[tuple[bytes, Container], ...]] = (
    (b"MZqFpD='", "ape"),
    (b"jartsr='", "ape"),
    (b"APEDBG='", "ape"),
    (b"\x7fELF", "elf"),
    (b"MZ", "pe"),
    (b"\xcf\xfa\xed\xfe", "mach-o"),
    (b"\xce\xfa\xed\xfe", "mach-o"),
    (b"\xca\xfe\xba\xbe", "mach-o"),
)
"""First bytes; the portable kind first, because it begins like a Windows program, too."""
_FIRST_BYTES: Final = tuple(magic for magic, _ in _PROGRAMS)
_NAMES: Final = frozenset({"llamafile", "exe", "com", "elf"})
"""Extensions that say that the file is a program."""
_MODELS: Final = (b".gguf", b".ggml", b".ggjt")
_MAX_LISTED: Final = 20


class LlamafileReader:
    """States that a model is a program, and which weights it holds."""

    format = "llamafile"

    def recognises(self, glimpse: Glimpse) -> bool:
        """By name, or a program by its first bytes with a model in the zip directory at its end."""
        program = glimpse.head.startswith(_FIRST_BYTES)
        if glimpse.extension == ".llamafile":
            return program or sniff.unread(glimpse) == sniff.UNKNOWN
        if not program:
            return False
        tail = glimpse.tail
        return zip_records.END_MARK in tail and any(name in tail for name in _MODELS)

    def read(self, artifact: Artifact, budget: Budget) -> Iterator[Fact | Coverage | Artifact]:
        """State the program, and that its code is not read.

        Raises:
            ReadError: the file is named like a program and is none.
        """
        container = _container(artifact.read_at(0, 8))
        if container is None:
            raise ReadError("does not begin like a program", offset=0)
        yield ExecutableModel(
            location=place(artifact),
            container=container,
            declared=_named_like_a_program(base_name(artifact)),
            models=tuple(_models(artifact, budget)),
        )
        yield Coverage(
            file=artifact.name,
            member=artifact.member,
            status="unsupported",
            needed=True,
            reason="machine code is not analysed",
        )


def _named_like_a_program(name: str) -> bool:
    """By extension; on Unix, programs have none, or the digits of a version."""
    extension = name.lower().rpartition(".")[2]
    return "." not in name or extension in _NAMES or extension.isdecimal()


def _container(head: bytes) -> Container | None:
    """The kind of program that begins with these bytes."""
    return next((kind for magic, kind in _PROGRAMS if head.startswith(magic)), None)


def _models(artifact: Artifact, budget: Budget) -> list[str]:
    """Names of the model files in the archive at the end, sorted.

    What is wrong with the archive is for the zip reader to say.
    """
    names = set[str]()
    with suppress(ReadError):
        for directory in zip_records.directories(artifact):
            budget.step(directory.count)
            for _, entry in zip_records.entries(
                zip_records.load(artifact, directory), directory.base
            ):
                if entry.name.lower().endswith(_MODELS):
                    names.add(entry.text)
    return sorted(names)[:_MAX_LISTED]
