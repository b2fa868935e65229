"""Facts about files of tensors: headers, tables, and where they contradict themselves."""

from __future__ import annotations

from typing import Literal

from modelscan.vocabulary.fact.base import Fact


class TensorHeader(Fact, frozen=True, kw_only=True, tag="tensor.header"):
    """The table of contents of a weights file, validated."""

    format: str
    """The weights format, `safetensors` for example."""
    tensors: int
    """How many tensors it lists."""
    parameters: int
    """Elements over all tensors."""
    payload: int
    """Bytes of tensor data."""
    dtypes: tuple[str, ...]
    """Element types in use, sorted."""
    digest: str
    """`sha256:` over the header's bytes as stored: equal headers promise the same tensors."""
    metadata: tuple[str, ...]
    """Keys of the free-form metadata, sorted."""
    names: str = ""
    """A digest over the tensors' names, which an index of shards can be held against; empty where
    no index speaks of such files."""


class TensorDefect(Fact, frozen=True, kw_only=True, tag="tensor.defect"):
    """A weights file that contradicts itself."""

    kind: Literal[
        "duplicate-key", "overlap", "hole", "trailing-data", "out-of-bounds", "size-mismatch",
        "unknown-dtype", "bad-metadata", "not-canonical", "hidden-file", "code-in-metadata",
        "impossible-dtype",
    ]  # fmt: skip
    """Which promise it breaks; `hidden-file` is a tensor or text that is a file of another kind,
    `code-in-metadata` a text that calls the interpreter."""
    tensor: str = ""
    """The tensor or key concerned."""
    detail: str = ""
    """The figures that disagree."""


class WeightIndex(Fact, frozen=True, kw_only=True, tag="weight.index"):
    """An index that says in which shard each tensor lies."""

    tensors: int
    """How many tensors it lists."""
    shards: tuple[str, ...]
    """The files that it names, as written, sorted."""
    counts: tuple[int, ...]
    """How many tensors it puts into each of them, in the same order."""
    total_size: int | None
    """Bytes of all tensors, as stated; absent when not said."""
    names: tuple[str, ...] = ()
    """For each of them a digest over the names that it puts there, as in `tensor.header`."""


class IndexCheck(Fact, frozen=True, kw_only=True, tag="index.check"):
    """An index of shards held against the files around it. Stated for disagreements only."""

    kind: Literal[
        "escapes-folder",  # names a file outside its own folder
        "pickle-shard",  # an index of safetensors names a file that loaders unpickle
        "missing-shard",  # names a file that is not here
        "unlisted-shard",  # a file here that belongs to the series by its name, but is not named
        "tensors-differ",  # a shard holds more or fewer tensors than the index puts into it
        "tensors-swapped",  # a shard holds as many tensors as the index puts into it, but others
        "size-differs",  # the shards hold more or fewer bytes than the index states
        "shadowed-tensor",  # a tensor stands in two shards, and not with the same values
    ]
    """What disagrees."""
    shard: str = ""
    """The shard concerned, as the index names it or as it is called."""
    detail: str = ""
    """The figures that disagree, or what else there is to say."""


class GgufFile(Fact, frozen=True, kw_only=True, tag="gguf.file"):
    """What a GGUF file says it is, beside its table of tensors (`tensor.header`)."""

    version: int
    """The version of the format, 1 to 3."""
    byte_order: Literal["little", "big"]
    """The order of bytes in numbers."""
    role: Literal["model", "adapter", "control-vector", "projector", "imatrix", "vocabulary"]
    """What the file is for."""
    architecture: str
    """`general.architecture`, as written."""
    split: int | None = None
    """Which part of a split model this is, from 0; absent when it is whole."""
    splits: int | None = None
    """Into how many parts the model was split, as stated."""
    split_tensors: int | None = None
    """How many tensors all parts have together, as stated."""


class GgufSeries(Fact, frozen=True, kw_only=True, tag="gguf.series"):
    """The parts of a split GGUF model held against each other. Stated for disagreements only."""

    kind: Literal[
        "missing-part",  # a part that the others count is not here
        "number-differs",  # the file's name says another part, or another number of parts
        "count-differs",  # the parts disagree over how many they are
        "tensors-differ",  # the parts hold more or fewer tensors than was split
    ]
    """What disagrees."""
    part: str = ""
    """The part concerned, a path."""
    detail: str = ""
    """The figures that disagree."""


class GgufDefect(Fact, frozen=True, kw_only=True, tag="gguf.defect"):
    """A GGUF file that breaks the format, or differs from what the usual programs write."""

    kind: Literal[
        "impossible-length",  # a count or length that the file has no room for
        "unknown-value-type",  # a kind of metadata value that the format does not have
        "nested-array",  # arrays of arrays, which most parsers refuse
        "bad-alignment",  # not a power of two, or not the type that parsers read it as
        "bad-name",  # a name with a NUL in it, or far longer than a parser has room for
        "bad-shape",  # more dimensions or elements than any parser can count
        "size-mismatch",  # rows that are no whole number of blocks
        "out-of-bounds",  # a tensor that reaches past the end of the file
        "unaligned",  # a tensor that does not start where the alignment allows
        "overlap",  # two tensors share bytes
        "duplicate-key",
        "duplicate-tensor",
        "array-mismatch",  # fewer scores or types than tokens
        "split-mismatch",  # a part of a split model with an impossible number
        "unknown-tensor-type",
        "hole",  # bytes between tensors that belong to none
        "padding-data",  # bytes of padding that are not zero
        "trailing-data",  # bytes behind the last tensor
        "gap",  # the same, and all of them are zero
        "out-of-order",  # tensors do not lie in the order in which they are listed
        "empty-tensor",
        "long-name",  # a name that is longer than the format allows
        "extra-dimension",  # more dimensions than the format allows
        "not-text",  # a key or name that is not UTF-8
    ]
    """What is wrong."""
    name: str = ""
    """The metadata key or tensor concerned."""
    detail: str = ""
    """The figures that disagree."""


class GgufAddress(Fact, frozen=True, kw_only=True, tag="gguf.address"):
    """A web address in the metadata of a GGUF file."""

    key: str
    """The metadata key."""
    address: str
    """The address, abbreviated."""


class NumpyObjects(Fact, frozen=True, kw_only=True, tag="numpy.objects"):
    """A NumPy array of Python objects: its elements are a pickle."""

    dtype: str
    """The element type, as written."""
    shape: str
    """The shape, as written."""


class NumpyDefect(Fact, frozen=True, kw_only=True, tag="numpy.defect"):
    """A NumPy array file that contradicts itself."""

    kind: Literal["bad-header", "size-mismatch", "unknown-dtype", "trailing-data"]
    """What is wrong."""
    detail: str = ""
    """The figures or words concerned."""


class Hdf5Reference(Fact, frozen=True, kw_only=True, tag="hdf5.reference"):
    """A place in an HDF5 file that makes the library open something else."""

    kind: Literal["external-storage", "external-link", "virtual-dataset", "soft-link"]
    """`soft-link` stays inside the file, all others name another one."""
    object: str
    """Path of the dataset or link inside the file."""
    target: str
    """The file or object that it points to, as written."""


class Hdf5Defect(Fact, frozen=True, kw_only=True, tag="hdf5.defect"):
    """An HDF5 file that promises what it does not hold, or holds what it does not list."""

    kind: Literal[
        "shape-bomb",  # datasets far larger than the file can store
        "out-of-bounds",  # data that reaches past the end of the file
        "user-block",  # bytes before the beginning
        "trailing-data",  # bytes behind the end
        "unknown-filter",  # a compression filter that the library loads as a plug-in
    ]
    """What is wrong."""
    object: str = ""
    """Path of the dataset or group concerned."""
    detail: str = ""
    """The figures that disagree."""
