"""Facts: what readers, relators and the verifier state. Rules judge them; a fact never does.

One struct for each kind. The kind is the struct's tag, and what a rule names under `match.fact`;
the fields are what its `where` may test. A value that comes from the scanned model is kept as it
was found: whoever prints it escapes it.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from modelscan.vocabulary.location import Location

Status = Literal["verified", "declared", "inferred", "absent"]
Disposition = Literal["inert", "constructor", "nested", "data-class", "denied", "unknown"]


class Fact(msgspec.Struct, frozen=True, kw_only=True, tag_field="fact"):
    """What every fact carries."""

    location: Location = Location()
    """The file, member and byte or line that the fact is about."""
    status: Status = "verified"
    """How it is known: `verified` read from the bytes, `declared` stated by somebody, `inferred`
    concluded, `absent` looked for and not found."""

    @property
    def subject(self) -> str:
        """The file that the fact is about; `.` for the model as a whole."""
        return self.location.file or "."


class SpecialFile(Fact, frozen=True, kw_only=True, tag="file.special"):
    """Something in the model's folder that is not a plain file, and was not opened."""

    kind: Literal["link-outside", "link-broken", "fifo", "device", "socket"]
    """What it is; `link-outside` is a symbolic link that leaves the model's root."""
    target: str = ""
    """Where a link points, as written in it."""


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
    ]
    """What it is."""
    detail: str = ""
    """The name or value concerned."""


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


class TensorDefect(Fact, frozen=True, kw_only=True, tag="tensor.defect"):
    """A weights file that contradicts itself."""

    kind: Literal[
        "duplicate-key", "overlap", "hole", "trailing-data", "out-of-bounds", "size-mismatch",
        "unknown-dtype", "bad-metadata", "not-canonical",
    ]  # fmt: skip
    """Which promise it breaks."""
    tensor: str = ""
    """The tensor or key concerned."""
    detail: str = ""
    """The figures that disagree."""


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


class TorchCheckpoint(Fact, frozen=True, kw_only=True, tag="torch.checkpoint"):
    """A PyTorch checkpoint: a zip whose pickle says how to rebuild the tensors."""

    layout: Literal["zip", "legacy", "legacy-tar", "torchscript"]
    """How the checkpoint is stored."""


class RemoteCode(Fact, frozen=True, kw_only=True, tag="config.remote-code"):
    """A configuration file asks the loader to import Python from a model repository."""

    key: str
    """Path of the key inside the document, as in `auto_map.AutoModel`."""
    reference: str
    """What it names, as in `modeling_x.XModel` or `owner/repo--modeling_x.XModel`."""
    repository: str
    """The other repository that the code would come from; empty for this one."""


class ConfigDefect(Fact, frozen=True, kw_only=True, tag="config.defect"):
    """A configuration document that two parsers would read differently, or refuse."""

    kind: Literal["duplicate-key", "not-utf8", "not-a-number"]
    """What is wrong."""
    key: str = ""
    """The key concerned."""


class ConfigSwitch(Fact, frozen=True, kw_only=True, tag="config.switch"):
    """A configuration value that makes a loader run code or drop a safeguard."""

    key: str
    """Path of the key inside the document."""
    value: str
    """Its value, as JSON."""


class ModelClaim(Fact, frozen=True, kw_only=True, tag="model.claim"):
    """What the model's own files say about it. Never evidence."""

    claim: Literal[
        "name", "base", "licence", "dataset", "architecture", "task", "library", "language",
        "safeguards-removed",
    ]  # fmt: skip
    """What is being claimed; `safeguards-removed` when the author says that refusals were."""
    value: str
    """The claimed value."""
    relation: str = ""
    """For a base: `finetune`, `adapter`, `merge`, `quantized`, or empty when not said."""


class CardDefect(Fact, frozen=True, kw_only=True, tag="card.defect"):
    """A model card whose metadata, the YAML between `---` lines, cannot be taken as it stands."""

    kind: Literal[
        "not-yaml", "not-utf8", "not-a-table", "unclosed", "too-large", "too-deep", "alias",
        "duplicate-key", "object-tag",
    ]  # fmt: skip
    """What is wrong; `object-tag` asks the YAML parser to construct an object of a program, `alias`
    is a wanted value that is written only as a reference to another place."""
    key: str = ""
    """The key, or the tag, concerned."""


class LfsPointer(Fact, frozen=True, kw_only=True, tag="lfs.pointer"):
    """A git-LFS pointer: it stands where a file should be, whose bytes are not here."""

    oid: str
    """SHA-256 that the missing file is said to have, hexadecimal."""
    size: int
    """Bytes that the missing file is said to have."""


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


class IndexCheck(Fact, frozen=True, kw_only=True, tag="index.check"):
    """An index of shards held against the files around it. Stated for disagreements only."""

    kind: Literal[
        "escapes-folder",  # names a file outside its own folder
        "pickle-shard",  # an index of safetensors names a file that loaders unpickle
        "missing-shard",  # names a file that is not here
        "unlisted-shard",  # a file here that belongs to the series by its name, but is not named
        "tensors-differ",  # a shard holds more or fewer tensors than the index puts into it
        "size-differs",  # the shards hold more or fewer bytes than the index states
    ]
    """What disagrees."""
    shard: str = ""
    """The shard concerned, as the index names it or as it is called."""
    detail: str = ""
    """The figures that disagree, or what else there is to say."""


class RemoteModule(Fact, frozen=True, kw_only=True, tag="config.remote-module"):
    """Where the Python that a configuration asks for would come from in this repository."""

    key: str
    """As in `config.remote-code`."""
    reference: str
    """As in `config.remote-code`."""
    module: str
    """The file that the loader would import."""
    shipped: bool
    """True when that file is part of the model."""


class RepositoryCheck(Fact, frozen=True, kw_only=True, tag="repository.check"):
    """Files of a model repository held against each other."""

    kind: Literal[
        "no-card",  # weights without a model card
        "no-licence",  # neither a claimed licence nor a licence file
        "licence-differs",  # the card claims another licence than the file at the location
        "base-differs",  # the card claims another base than the adapter's configuration
        "no-base",  # an adapter that no file names the base of
        "pickle-twin",  # the same weights as a pickle and as safetensors
    ]
    """What was found."""
    value: str = ""
    """The value that the located file states, or the other file."""
    other: str = ""
    """What the model card states instead."""


class HashCheck(Fact, frozen=True, kw_only=True, tag="hash.check"):
    """One file held against one published release."""

    outcome: Literal["matches", "differs", "denied", "hint"]
    """`matches` and `denied` rest on a strong digest; `differs` is a file that the release lists
    at this path with another digest; `hint` is a name and a short prefix, which prove nothing."""
    release: str
    """The release's id."""
    assurance: str
    """Who states the digest: `publisher-signed`, `publisher-stated`, `third-party-recorded`,
    `self-pinned`."""
    algorithm: str
    """The digest algorithm compared."""
    expected: str
    """The published digest, hexadecimal."""
    found: str
    """The digest of the bytes, hexadecimal."""
    tampered: bool = False
    """For `differs`: true when the file is otherwise the release's (see `modified` in the docs), so
    that another release or a fine-tune does not explain the difference."""
    note: str = ""
    """Why a digest is denied, or what a hint rests on."""


class SignatureCheck(Fact, frozen=True, kw_only=True, tag="signature.check"):
    """A signature over the model, or its absence."""

    outcome: Literal[
        "unsigned", "not-checked", "valid-trusted", "valid-untrusted", "unknown-key", "invalid"
    ]
    """`not-checked` is a signature that this version cannot verify: never a pass. `unknown-key`
    names the files that are here, and needs a key that nobody gave to be verified."""
    method: str = ""
    """The signing method or the kind of signature file."""
    signer: str = ""
    """The identity, once it is known."""
    note: str = ""
    """Why, in one line."""
    root: str = ""
    """What trust in the signer rests on: digest and age of sigstore's roots."""
    differing: tuple[str, ...] = ()
    """Files whose bytes are not the signed ones."""
    missing: tuple[str, ...] = ()
    """Signed files that are not there."""
    added: tuple[str, ...] = ()
    """Files that are there and not signed."""
    left_out: tuple[str, ...] = ()
    """Files that are there and that the signer left out on purpose."""


class ExpectationCheck(Fact, frozen=True, kw_only=True, tag="expected.check"):
    """The model held against the release that the user said it is."""

    outcome: Literal["as-expected", "otherwise"]
    """`as-expected` means every listed file, and of a complete release no other."""
    release: str
    """The release's id."""
    assurance: str
    """Who states its digests."""
    note: str = ""
    """How it is otherwise, in one line."""
    differing: tuple[str, ...] = ()
    """Listed files with other bytes."""
    missing: tuple[str, ...] = ()
    """Listed files that are not there."""
    extra: tuple[str, ...] = ()
    """Files that the release does not have."""


class ChatTemplate(Fact, frozen=True, kw_only=True, tag="template"):
    """A chat template: a program that turns a conversation into the text that the model reads."""

    digest: str
    """`sha256:` over the template's text: equal digests are the same program."""
    lines: int
    """How many lines it has."""
    inputs: tuple[str, ...]
    """Names that it takes from its caller, sorted: `tools`, `documents`, `enable_thinking` …"""


class TemplateNode(Fact, frozen=True, kw_only=True, tag="template.node"):
    """Something in a chat template that ordinary templates do not have."""

    kind: Literal[
        "underscore-attribute",  # an attribute that leads into the interpreter, however it is named
        "computed-attribute",  # an attribute or callee whose name is put together or not known
        "unlisted-attribute",  # a private attribute, or one that a loop does not have
        "unlisted-filter",
        "unlisted-test",
        "unlisted-function",
        "unlisted-node",  # a kind of statement
        "environment-object",  # a function or object of the program, used as a value
        "python-function",  # calls something named like a function that runs code or opens files
        "includes-file",
        "format-string",  # a format string that can read attributes, or that is not known
        "hidden-text",  # text in characters that models read and people do not see
        "invisible-character",
        "url",
        "content-condition",  # adds sentences when the conversation has certain words in it
        "content-rewrite",  # replaces words or addresses in the conversation
        "bomb",  # sizes that no prompt has
    ]
    """What it is."""
    name: str
    """The attribute, function, character, words or address concerned."""
    detail: str = ""
    """What else is known about it."""


CodeAction = Literal[
    "starts-process",
    "queries-system",  # a process that only asks about the machine or the checkout
    "runs-code",  # exec, eval and their kin, of text that is not known
    "runs-file",  # runs another Python file by its name
    "runs-download",  # runs what it fetches
    "encoded-payload",  # runs what it decodes
    "remote-shell",
    "network",
    "downloads-data",  # fetches an image, a table, a file of weights
    "sends-secrets",  # credentials or the whole environment go over the network
    "reads-secrets",  # opens a place where credentials live
    "writes-outside",  # changes what a shell, a scheduler or an interpreter runs later
    "loads-native-code",
    "loads-system-library",
    "compiles-native-code",
    "loads-remote-code",  # from another repository, through a library
    "deserialises",  # pickle and its kin
    "installs-packages",
    "computed-name",  # calls a function of a sensitive module by a name that is not known
    "hidden-text",  # characters that make an editor show another order than is run
]
"""What a piece of Python can do."""


class CodeSource(Fact, frozen=True, kw_only=True, tag="code.source"):
    """Python that comes with the model."""

    kind: Literal["module", "notebook"]
    """A notebook runs only when a person runs it."""
    lines: int
    """How many lines it has; for a notebook, of code."""
    imports: tuple[str, ...] = ()
    """Top-level packages that it imports, sorted; `.` stands for its own package."""


class CodeBehaviour(Fact, frozen=True, kw_only=True, tag="code.behaviour"):
    """Something that Python shipped with the model can do. `location.line` is where."""

    behaviour: CodeAction
    """What it can do."""
    call: str = ""
    """The function called, by its canonical name; `shell` for a command line of a notebook."""
    argument: str = ""
    """What it is called with, abbreviated; `…` for what is not known."""
    when: Literal["import", "instantiation", "call"] = "call"
    """The earliest moment: when the module is imported, when a library makes or runs the model, or
    only when somebody calls the function or runs the script."""


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


class ExecutableModel(Fact, frozen=True, kw_only=True, tag="model.executable"):
    """A program for a processor that carries a model inside it, such as a llamafile."""

    container: Literal["ape", "elf", "pe", "mach-o"]
    """What kind of program it is; `ape` runs on several systems."""
    declared: bool
    """True when the file is named like a program."""
    models: tuple[str, ...]
    """Names of the model files in its archive, sorted."""


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


class KerasObject(Fact, frozen=True, kw_only=True, tag="keras.object"):
    """Something that a Keras configuration makes the loader run, import or read.

    Layers, optimizers and functions of Keras itself are not stated.
    """

    kind: Literal[
        "embedded-code",  # Python bytecode stands in the configuration
        "lambda-function",  # a Lambda layer that calls a function found by its name
        "dangerous-name",  # a name that can run code, reach files or the network
        "library-function",  # a part of Keras that is not made to be named in a model
        "foreign-module",  # a module outside of Keras, imported by its name
        "foreign-model",  # a layer that loads a model in another format, and runs it
        "reads-file",  # a table that the layer fetches from a path or an address
        "reads-beside",  # the same, from a plain file name
        "custom-object",  # a class or function of the author's, which the loader must be handed
        "duplicate-key",  # two values for one key that decides what is made
    ]
    """What it is."""
    name: str
    """The class or function, with its module where one is given."""
    key: str
    """Path of the object inside the document."""
    detail: str = ""
    """What it is handed, abbreviated."""


class ConfigObject(Fact, frozen=True, kw_only=True, tag="config.object"):
    """A name in a JSON or YAML document that its loader imports, and calls or constructs."""

    kind: Literal[
        "yaml-object",  # a YAML tag that constructs an object or calls a function
        "yaml-name",  # a YAML tag that imports a name
        "target",  # `_target_`, `class_path` and their like: called with the keys beside it
        "jsonpickle",  # `py/object`, `py/reduce` and their like
        "langchain",  # a serialised object of LangChain, or a secret that it reads
        "expression",  # text that is evaluated as Python
        "custom-operator",  # an operator of a graph that Python code of a given name provides
    ]
    """How the document says it."""
    name: str
    """What is imported, as `module.name`; the tag or text itself where it names nothing."""
    disposition: Literal["denied", "inert", "unknown"]
    """`denied` can run code, reach files or the network; `unknown` is of no well-known package."""
    key: str = ""
    """Path of the key inside the document."""


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


class ActiveContent(Fact, frozen=True, kw_only=True, tag="format.active"):
    """Something in a file that its usual loader runs, constructs or follows."""

    format: str
    """The format of the file."""
    kind: Literal[
        "code",  # a program that runs when the file is loaded or used
        "constructs-denied",  # an object whose making can run code
        "constructs-unknown",  # an object of a package that is not well known
        "loader-mismatch",  # a kind of node that is used for what it was not made for
        "promise",  # an expression that is evaluated when the value is first looked at
        "object-stream",  # a serialisation that calls methods of any class on its way
        "pickled-type",  # a type that is stored as a pickle
        "custom-layer",  # a layer or model that code of the application provides
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


Framework = Literal["onnx", "tensorflow", "tflite", "tfjs"]
OperatorClass = Literal[
    "compute", "runs-code", "reads-file", "writes-file", "network", "stops-process", "native-code"
]
Behaviour = Literal[
    "runs-code",  # calls Python, or native code that the file names
    "reads-file",
    "reads-checkpoint",  # takes tensors from a checkpoint at a place that the graph names
    "writes-file",
    "network",
    "stops-process",
    "native-code",  # carries or names a program that was compiled for a device
    "custom",  # not of the framework: code of a library that the user has to load
    "custom-telling",  # the same, and its name or attributes speak of code, files or the network
    "shadows-standard",  # a function of the file that takes the place of a standard operator
]
"""What an operator does when the graph runs."""


class GraphModel(Fact, frozen=True, kw_only=True, tag="graph.model"):
    """A computation graph, and what it says about itself."""

    framework: Framework
    """Whose graph it is."""
    form: Literal["model", "tensor", "saved-model", "meta-graph", "graph", "text"]
    """What kind of file holds it."""
    producer: str
    """The program that says it wrote the file, with its version."""
    nodes: int
    """Operations, those of nested graphs and of functions included."""
    functions: int
    """Functions that the file defines."""
    operators: tuple[str, ...]
    """Different operators in use, sorted, with their domain where it is not the standard one."""


class GraphOperator(Fact, frozen=True, kw_only=True, tag="graph.operator"):
    """An operator that does more than compute, or whose code the file does not hold."""

    framework: Framework
    """Whose graph it is in."""
    domain: str = ""
    """The domain of an ONNX operator; empty for the standard one."""
    operator: str
    """The operator."""
    behaviour: Behaviour
    """What it does."""
    argument: str = ""
    """What it does that with: a path, an address, a token; empty when it is not a constant."""
    node: str = ""
    """The first node that uses it."""
    function: str = ""
    """The function in whose body that node stands; empty for the graph itself."""
    nodes: int = 1
    """How many nodes use it so."""


class GraphFile(Fact, frozen=True, kw_only=True, tag="graph.file"):
    """A graph refers to a file beside it, for tensors or tables."""

    kind: Literal[
        "inside",  # a file of the same folder, as it should be
        "absolute",
        "traversal",
        "address",
        "memory",  # a place in the memory of the process instead of a file
        "control-character",
        "backslash",  # a separator on one system only
        "empty",  # no name at all
    ]
    """Where the name leads."""
    framework: Framework
    """Whose graph it is."""
    path: str
    """The name, as written."""
    name: str = ""
    """The first tensor, or the part of the file, that refers to it."""
    tensors: int = 1
    """How many tensors lie in it."""
    extent: int = 0
    """Bytes that it must have for all of them; 0 when that is not said."""


class GraphDefect(Fact, frozen=True, kw_only=True, tag="graph.defect"):
    """A graph that contradicts itself, or that two programs would read differently."""

    kind: Literal[
        "bad-range",  # an offset or length that is negative, no number, or too large
        "size-mismatch",  # more or fewer bytes than shape and type need
        "bad-shape",
        "duplicate-key",  # a property of external data that stands twice
        "unknown-key",  # a property of external data that does not exist
        "duplicate-function",
        "recursive-function",
        "function-bomb",  # functions that unfold into more nodes than any model has
        "out-of-bounds",  # an index or a place outside of what there is
        "unknown-field",  # data in a field that the format does not have
    ]
    """What is wrong."""
    framework: Framework
    """Whose graph it is."""
    name: str = ""
    """The tensor, function or key concerned."""
    detail: str = ""
    """The figures that disagree."""


class PolicyWaiver(Fact, frozen=True, kw_only=True, tag="policy.waiver"):
    """A waiver of the policy that does not do its work, or does too much."""

    problem: Literal[
        "expired",  # its last day is over, so the finding counts again
        "unused",  # it is about this model, and there is nothing to waive
        "over-broad",  # it covers the models of more than one publisher
        "refused",  # what it is about is proven, and it does not say that it means that
    ]
    """What is wrong with it."""
    rule: str
    """The rule whose finding it waives."""
    bound_to: str
    """The digest or purl glob that it is bound to."""
    owner: str
    """Who answers for it."""
    end: str
    """The last day on which it holds, `2027-03-01`."""


class PolicyBreach(Fact, frozen=True, kw_only=True, tag="policy.breach"):
    """A line of the policy that the model does not keep."""

    policy: str
    """The policy's name."""
    line: str
    """The line, as a configuration writes it: `requirements.signed`, `formats.pickle`."""
    level: Literal["warn", "deny"]
    """What the policy says to that."""
    detail: str
    """What is missing, or what is there."""


FACTS: tuple[type[Fact], ...] = (
    SpecialFile, FileName, FileFormat, FilePolyglot,
    PickleStream, PickleImport, PickleCall, PickleOddity,
    TensorHeader, TensorDefect, ArchiveDefect, TorchCheckpoint, RemoteCode, ConfigDefect,
    ConfigSwitch, ModelClaim, HashCheck, SignatureCheck, ExpectationCheck,
    CardDefect, LfsPointer, WeightIndex, IndexCheck, RemoteModule, RepositoryCheck,
    ChatTemplate, TemplateNode,
    CodeSource, CodeBehaviour,
    GgufFile, GgufDefect, GgufAddress, ExecutableModel, NumpyObjects, NumpyDefect,
    KerasObject, ConfigObject, Hdf5Reference, Hdf5Defect, ActiveContent,
    GraphModel, GraphOperator, GraphFile, GraphDefect,
    PolicyWaiver, PolicyBreach,
)  # fmt: skip
"""Every kind of fact: what rules are checked against, and what their schema is generated from."""


def kind_of(fact: Fact | type[Fact]) -> str:
    """The kind that a rule names under `match.fact`."""
    return str(fact.__struct_config__.tag)
