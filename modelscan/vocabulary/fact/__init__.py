"""Facts: what readers, relators and the verifier state. Rules judge them; a fact never does.

One struct for each kind. The kind is the struct's tag, and what a rule names under `match.fact`;
the fields are what its `where` may test. A value that comes from the scanned model is kept as it
was found: whoever prints it escapes it.

One module for each area; everybody imports from here.
"""

from __future__ import annotations

from modelscan.vocabulary.fact.base import Fact, Status, kind_of
from modelscan.vocabulary.fact.checks import ExpectationCheck, HashCheck, SignatureCheck
from modelscan.vocabulary.fact.code import (
    ChatTemplate,
    CodeAction,
    CodeBehaviour,
    CodeSource,
    TemplateNode,
)
from modelscan.vocabulary.fact.files import (
    ActiveContent,
    ArchiveDefect,
    Behaviour,
    ExecutableModel,
    FileFormat,
    FileName,
    FilePolyglot,
    LfsPointer,
    SpecialFile,
)
from modelscan.vocabulary.fact.graphs import (
    Framework,
    GraphDefect,
    GraphFile,
    GraphModel,
    GraphOperator,
    KerasObject,
    OperatorClass,
)
from modelscan.vocabulary.fact.pickles import (
    Disposition,
    PickleCall,
    PickleImport,
    PickleOddity,
    PickleStream,
    TorchCheckpoint,
)
from modelscan.vocabulary.fact.policy import PolicyBreach, PolicyWaiver
from modelscan.vocabulary.fact.repository import (
    CardDefect,
    ConfigDefect,
    ConfigObject,
    ConfigSwitch,
    ModelClaim,
    RemoteCode,
    RemoteModule,
    RepositoryCheck,
)
from modelscan.vocabulary.fact.tensors import (
    GgufAddress,
    GgufDefect,
    GgufFile,
    Hdf5Defect,
    Hdf5Reference,
    IndexCheck,
    NumpyDefect,
    NumpyObjects,
    TensorDefect,
    TensorHeader,
    WeightIndex,
)

__all__ = [
    "FACTS",
    "ActiveContent",
    "ArchiveDefect",
    "Behaviour",
    "CardDefect",
    "ChatTemplate",
    "CodeAction",
    "CodeBehaviour",
    "CodeSource",
    "ConfigDefect",
    "ConfigObject",
    "ConfigSwitch",
    "Disposition",
    "ExecutableModel",
    "ExpectationCheck",
    "Fact",
    "FileFormat",
    "FileName",
    "FilePolyglot",
    "Framework",
    "GgufAddress",
    "GgufDefect",
    "GgufFile",
    "GraphDefect",
    "GraphFile",
    "GraphModel",
    "GraphOperator",
    "HashCheck",
    "Hdf5Defect",
    "Hdf5Reference",
    "IndexCheck",
    "KerasObject",
    "LfsPointer",
    "ModelClaim",
    "NumpyDefect",
    "NumpyObjects",
    "OperatorClass",
    "PickleCall",
    "PickleImport",
    "PickleOddity",
    "PickleStream",
    "PolicyBreach",
    "PolicyWaiver",
    "RemoteCode",
    "RemoteModule",
    "RepositoryCheck",
    "SignatureCheck",
    "SpecialFile",
    "Status",
    "TemplateNode",
    "TensorDefect",
    "TensorHeader",
    "TorchCheckpoint",
    "WeightIndex",
    "kind_of",
]

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
