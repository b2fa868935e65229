"""Facts about pickles and the checkpoints that hold them."""

from __future__ import annotations

from typing import Literal

from modelscan.vocabulary.fact.base import Fact

Disposition = Literal["inert", "constructor", "nested", "data-class", "denied", "unknown"]


class PickleStream(Fact, frozen=True, kw_only=True, tag="pickle.stream"):
    """One pickle, from its first opcode to STOP."""

    protocol: int
    """The highest protocol that it declares or needs."""
    imports: int
    """How many different names it imports."""
    denied: int
    """How many of them are denied by the list."""
    unknown: int
    """How many of them are not on the list."""


class PickleImport(Fact, frozen=True, kw_only=True, tag="pickle.import"):
    """A pickle imports a name. `location.offset` is the opcode that imports it first."""

    module: str
    """The module as written, Python 2 names mapped to Python 3's as the unpickler does."""
    name: str
    """The qualified name inside the module."""
    callable: str
    """`module.name`."""
    disposition: Disposition
    """What the list says of exactly this name."""
    called: bool
    """True when the stream also calls it, or instantiates it: then a `pickle.call` says so."""
    own: bool
    """True for a class of the author's own code: `__main__`, or a package that the list does not
    know at all."""
    method: bool = False
    """True for what is named as a method of a known library's class that is not on the list."""


class PickleCall(Fact, frozen=True, kw_only=True, tag="pickle.call"):
    """A pickle calls something. `location.offset` is the opcode that imports the callable."""

    module: str
    """The module as written, Python 2 names mapped; empty when the callable is computed."""
    name: str
    """The qualified name inside the module; empty when the callable is computed."""
    callable: str
    """`module.name`, or a short description of a computed callable."""
    disposition: Disposition
    """What the list says of exactly this name; `unknown` for a computed callable."""
    opcode: str
    """The opcode that makes the call: REDUCE, INST, OBJ, NEWOBJ, NEWOBJ_EX."""
    at: int
    """The offset of that opcode."""
    arguments: str
    """The arguments, abbreviated: what would run."""
    instantiates: bool
    """True when the call only makes an object (`cls.__new__`), and runs no function by itself."""
    own: bool
    """As in `pickle.import`."""


class PickleOddity(Fact, frozen=True, kw_only=True, tag="pickle.oddity"):
    """Something that no pickler writes, and that hides or changes what runs."""

    kind: Literal[
        "computed-name",  # the operands of STACK_GLOBAL are not literal strings
        "overwritten-state",  # BUILD or SETITEM(S) changes an imported module, class or function
        "extension-code",  # EXT1, EXT2, EXT4: a name from a registry that the file does not hold
        "dotted-name",  # attribute hops after an import, through a name that is not on the list
        "callable-argument",  # an unlisted callable is handed to a listed one
        "persistent-id",  # PERSID outside the layout that gives it a meaning
        "broken-stream",  # ends or breaks after it has imported something
        "trailing-data",  # data after the last STOP that is not a pickle
        "tensor-outside-storage",  # a view that reaches outside the storage it is made of
        "storage-mismatch",  # a storage whose length is not what its tensors were promised
        "reference-bomb",  # few values that refer to each other so often that walking them hangs
        "frame-mismatch",  # a frame ends where no opcode does: unpicklers read different things
        "outside-file",  # a file that the loader opens as well, and that is not beside this one
        "misplaced-value",  # the index of a shelf points into the middle of another value
        "packaged-module",  # a listed name is taken from code that is in the same archive
        "method-run",  # a built-in function runs methods of an instance that the file has filled
        "array-of-addresses",  # bytes of the file are taken for addresses of objects, or fields
        "misplaced-part",  # the table of a distributed checkpoint points to what is no part of it
    ]
    """What it is."""
    detail: str = ""
    """The name or value concerned."""


class TorchCheckpoint(Fact, frozen=True, kw_only=True, tag="torch.checkpoint"):
    """A PyTorch checkpoint: a zip whose pickle says how to rebuild the tensors."""

    layout: Literal["zip", "legacy", "legacy-tar", "torchscript"]
    """How the checkpoint is stored."""


class TorchPackage(Fact, frozen=True, kw_only=True, tag="torch.package"):
    """An archive of `torch.package` that brings modules along, in source."""

    folder: str
    """What the names of its members begin with."""
    modules: tuple[str, ...]
    """The modules, by their dotted names, sorted."""


class TorchStorages(Fact, frozen=True, kw_only=True, tag="torch.storages"):
    """How many bytes a checkpoint's tensors have, by storage. The location is its pickle's."""

    side: Literal["asked", "held"]
    """Whether the pickle asks its loader for them, or the archive holds them."""
    keys: tuple[str, ...]
    """The storages, by the name that the archive has for them."""
    sizes: tuple[int, ...]
    """Bytes of each."""


class TorchParts(Fact, frozen=True, kw_only=True, tag="torch.parts"):
    """Where the parts of a distributed checkpoint are: as its table says, or as its files have it.

    A part is what `torch.save` made of one tensor or object; many of them stand in one file.
    """

    side: Literal["asked", "held"]
    """Whether the table asks for them, or the file of the location holds them."""
    files: tuple[str, ...]
    """The file of each, relative to the table's folder; empty for `held`."""
    offsets: tuple[int, ...]
    """First byte of each."""
    lengths: tuple[int, ...]
    """Bytes of each."""
