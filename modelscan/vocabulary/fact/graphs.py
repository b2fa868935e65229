"""Facts about models that are graphs of operators, or of layers."""

from __future__ import annotations

from typing import Literal

from modelscan.vocabulary.fact.base import Fact
from modelscan.vocabulary.fact.files import Behaviour


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
        "hostile-object",  # the same, and its name speaks of an attack
        "duplicate-key",  # two values for one key that decides what is made
    ]
    """What it is."""
    name: str
    """The class or function, with its module where one is given."""
    key: str
    """Path of the object inside the document."""
    detail: str = ""
    """What it is handed, abbreviated."""


Framework = Literal[
    "onnx", "tensorflow", "tflite", "tfjs", "executorch", "torch-export", "torchscript"
]  # fmt: skip

OperatorClass = Literal[
    "compute", "runs-code", "reads-file", "writes-file", "network", "stops-process",
    "native-code", "library",
]  # fmt: skip


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


class GraphFileCheck(Fact, frozen=True, kw_only=True, tag="graph.file-check"):
    """A file that a graph refers to, held against the files around it. For disagreements only."""

    kind: Literal[
        "missing",  # there is no such file
        "too-short",  # tensors reach past its end
        "no-plain-file",  # a link that leads out of the model, or a device
    ]
    """What is wrong."""
    framework: Framework
    """Whose graph refers to it."""
    path: str
    """The file, relative to the model's root."""
    detail: str = ""
    """The figures that disagree, or what else there is to say."""


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
