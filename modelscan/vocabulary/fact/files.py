"""Facts about files as such: what they are, how they are named, what they do when opened."""

from __future__ import annotations

from typing import Literal

from modelscan.vocabulary.fact.base import Fact


class SpecialFile(Fact, frozen=True, kw_only=True, tag="file.special"):
    """Something in the model's folder that is not a plain file, and was not opened."""

    kind: Literal["link-outside", "link-broken", "fifo", "device", "socket"]
    """What it is; `link-outside` is a symbolic link that leaves the model's root."""
    target: str = ""
    """Where a link points, as written in it."""


class SharedFile(Fact, frozen=True, kw_only=True, tag="file.shared"):
    """A plain file that has a second name somewhere (a hard link), among files that have not.

    Package managers and stores link whole models in this way. Stated only beside ONNX models, whose
    data must be a file of its own.
    """


class FileName(Fact, frozen=True, kw_only=True, tag="file.name"):
    """A file name that can deceive a reader of a listing."""

    problem: Literal["control-character", "bidirectional", "not-utf8"]
    """What is wrong with the name."""


class FileFormat(Fact, frozen=True, kw_only=True, tag="file.format"):
    """A file whose content is not what its name says. Stated for disagreements only."""

    declared: str
    """The format that the name's extension stands for."""
    detected: str
    """The format that the bytes are in."""
    executable: bool
    """True when loading the detected format can run code and loading the declared one cannot."""


class FilePolyglot(Fact, frozen=True, kw_only=True, tag="file.polyglot"):
    """Bytes that are whole files of several formats at once. The loader decides which is loaded."""

    formats: tuple[str, ...]
    """The formats, sorted. Those that contain each other by design (a torch checkpoint is a zip)
    count as one."""


class ArchiveDefect(Fact, frozen=True, kw_only=True, tag="archive.defect"):
    """An archive that two programs would read differently, or that reaches outside itself."""

    kind: Literal[
        "duplicate-member", "name-mismatch", "size-mismatch", "method-mismatch", "flag-mismatch",
        "missing-from-directory", "missing-local-header", "data-before", "data-after", "traversal",
        "link", "special-member", "overlap", "checksum", "deceptive-name", "name-collision",
        "reserved-name",
    ]  # fmt: skip
    """What disagrees or reaches out."""
    member: str = ""
    """The member concerned."""
    detail: str = ""
    """The values that disagree, or the path or target."""


class LfsPointer(Fact, frozen=True, kw_only=True, tag="lfs.pointer"):
    """A git-LFS pointer: it stands where a file should be, whose bytes are not here."""

    oid: str
    """SHA-256 that the missing file is said to have, hexadecimal."""
    size: int
    """Bytes that the missing file is said to have."""


class ExecutableModel(Fact, frozen=True, kw_only=True, tag="model.executable"):
    """A program for a processor that carries a model inside it, such as a llamafile."""

    container: Literal["ape", "elf", "pe", "mach-o"]
    """What kind of program it is; `ape` runs on several systems."""
    declared: bool
    """True when the file is named like a program."""
    models: tuple[str, ...]
    """Names of the model files in its archive, sorted."""


class ActiveContent(Fact, frozen=True, kw_only=True, tag="format.active"):
    """Something in a file that its usual loader runs, constructs or follows."""

    format: str
    """The format of the file."""
    kind: Literal[
        "code",  # a program that runs when the file is loaded or used
        "carried-code",  # code in a place for descriptions, which no usual loader runs
        "constructs-denied",  # an object whose making can run code
        "constructs-unknown",  # an object of a package that is not well known
        "loader-mismatch",  # a kind of node that is used for what it was not made for
        "promise",  # an expression that is evaluated when the value is first looked at
        "object-stream",  # a serialisation that calls methods of any class on its way
        "pickled-type",  # a type that is stored as a pickle
        "custom-layer",  # a layer or model that code of the application provides
        "known-layer",  # a layer that a well-known extension provides
        "external-entity",  # text that the parser fetches from elsewhere
        "entity",  # text that the parser expands
        "include",  # another document that the parser fetches
        "doctype",  # a document type, from which entities may come
        "extension-type",  # a type of data that is not one of the format's own
        "odd-encoding",  # characters that another parser may take for others
    ]
    """What it does."""
    name: str = ""
    """The class, function, entity or type concerned."""
    detail: str = ""
    """What else is known about it."""


Behaviour = Literal[
    "runs-code",  # calls Python, or native code that the file names
    "reads-file",
    "reads-checkpoint",  # takes tensors from a checkpoint at a place that the graph names
    "writes-file",
    "network",
    "stops-process",
    "native-code",  # carries or names a program that was compiled for a device
    "library",  # not of the framework: code of a well-known library, which has to be installed
    "custom",  # not of the framework: code of a library that the user has to load
    "custom-telling",  # the same, and its name or attributes speak of code, files or the network
    "shadows-standard",  # a function of the file that takes the place of a standard operator
]
"""What an operator does when the graph runs."""
