"""What the operators of a TensorFlow graph amount to, once all of the graph is known.

Invariants: an operator that calls out is stated wherever it stands, in the graph or in a function
that nothing seems to call. Some are ordinary in one place only, and quiet there: savers that take
their path from the caller, tables that are filled from an asset of the model, caches in memory,
prints to the console. The list says what an operator does; this module says where its path stands.

Sources: the documentation of each operator; `SaverDef`, `AssetFileDef` and the collection
`asset_filepaths` of a MetaGraph.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Final, Literal, NamedTuple

from modelscan.budget import Budget
from modelscan.formats import outside
from modelscan.formats.graph_operators import OperatorLedger, Use, telling
from modelscan.formats.held import Held, cost
from modelscan.formats.tensorflow.nodes import CALLS, TRACED, Node, Origin, Scope
from modelscan.vocabulary.artifact import Artifact
from modelscan.vocabulary.coverage import Coverage
from modelscan.vocabulary.fact import Behaviour, Framework, GraphOperator, OperatorClass

Mode = Literal[
    "always", "given", "file-address", "descriptor", "mapped", "asset", "save", "restore"
]


class Site(NamedTuple):
    """Where an operator's path or address stands, and when it matters."""

    at: int | str
    """The number of an input, or the name of an attribute."""
    mode: Mode = "always"


_SITES: Final[Mapping[str, Site]] = {
    **dict.fromkeys(("PyFunc", "PyFuncStateless", "EagerPyFunc"), Site("token")),
    **dict.fromkeys(("XlaCustomCall", "XlaCustomCallV2"), Site("call_target_name")),
    **dict.fromkeys(
        ("DebugIdentity", "DebugIdentityV2", "DebugIdentityV3", "DebugNanCount",
         "DebugNumericSummary"),
        Site("debug_urls", "given"),
    ),
    **dict.fromkeys(("CacheDataset", "CacheDatasetV2"), Site(1, "given")),
    **dict.fromkeys(
        ("SnapshotDataset", "SnapshotDatasetV2", "SaveDataset", "SaveDatasetV2",
         "DatasetToTFRecord", "ExperimentalDatasetToTFRecord", "RegisterDataset",
         "RegisterDatasetV2", "SqlDataset", "ExperimentalSqlDataset", "DistributedSave"),
        Site(1),
    ),
    **dict.fromkeys((f"DataServiceDataset{tail}" for tail in ("", "V2", "V3", "V4")), Site(2)),
    **dict.fromkeys(("CreateSummaryFileWriter", "CreateSummaryDbWriter"), Site(1)),
    **dict.fromkeys(
        ("InitializeTableFromTextFile", "InitializeTableFromTextFileV2"), Site(1, "asset")
    ),
    **dict.fromkeys(("Save", "SaveV2", "SaveSlices"), Site(0, "save")),
    "MergeV2Checkpoints": Site(1, "save"),
    **dict.fromkeys(("Restore", "RestoreV2", "RestoreSlice", "DTensorRestoreV2"),
                    Site(0, "restore")),
    **dict.fromkeys(("DecodeProtoV2", "EncodeProto"), Site("descriptor_source", "descriptor")),
    "PrintV2": Site("output_stream", "file-address"),
    "FixedUnigramCandidateSampler": Site("vocab_file", "given"),
    "ImmutableConst": Site("memory_region_name", "mapped"),
    "RecordInput": Site("file_pattern"),
    "Skipgram": Site("filename"),
    "DumpTensor": Site("log_dir_path"),
    "CalibrationStatisticsSaver": Site("output_file_path"),
    "Abort": Site("error_msg"),
}  # fmt: skip
_FIRST_INPUT: Final = Site(0)
_SAVER_DEFAULTS: Final = frozenset({"", "model"})
"""What `tf.train.Saver` puts where the caller gives no path."""
_CHECKPOINT: Final = re.compile(r"ckpt|checkpoint|model|variables|weights", re.IGNORECASE)
_SENSITIVE: Final = re.compile(
    r"^(?:file:/*)?/(?:etc|proc|sys|dev|root|var/run|run/secrets|boot)(?:/|$)|/\.(?:ssh|aws|kube|"
    r"docker|gnupg|config|env|netrc|git|bash|profile|npmrc|pypirc)|id_rsa|shadow$|passwd$"
    r"|credentials|\\windows\\",
    re.IGNORECASE,
)
_ADDRESS: Final = re.compile(r"^(?:grpc|https?|ftp|s3|gs|hdfs|viewfs)://", re.IGNORECASE)
_COMPUTED: Final = "(computed)"
_MAX_ROUNDS: Final = 100_000
_MOST_HELD: Final = 48 << 20
"""Bytes of nodes and names that are kept: a hundred thousand constants."""


class _Open(NamedTuple):
    """A path that a function takes as an argument, to be judged where it is called."""

    scope: Scope
    argument: str
    node: Node
    does: Behaviour


class Judge:
    """Collects the nodes of one file and says what its operators do.

    Args:
        artifact: the file.
        budget: pays for the facts.
        classes: what each listed operator does.
        framework: whose graphs they are.
    """

    def __init__(
        self,
        artifact: Artifact,
        budget: Budget,
        classes: Mapping[str, OperatorClass],
        framework: Framework = "tensorflow",
    ) -> None:
        self._ledger = OperatorLedger(artifact, budget, framework)
        self._classes = classes
        self._scopes: list[Scope] = []
        self._budget = budget
        self._held = Held("constants, files and functions", _MOST_HELD)
        self.counts: Counter[str] = Counter()
        """Nodes by operator."""
        self.functions: set[str] = set()
        """Functions that the file defines."""
        self.assets: set[str] = set()
        """Nodes that the loader sets to the path of an asset."""
        self.asset_paths: set[str] = set()
        """Nodes that are said to be paths of assets, and are taken as they are."""
        self.savers: set[str] = set()
        """Nodes that a saver feeds with its path."""

    def scope(self) -> Scope:
        """A new body for nodes to stand in: a graph, until it is named."""
        scope = Scope()
        self._scopes.append(scope)
        return scope

    def name(self, scope: Scope, function: str, arguments: Iterable[str]) -> None:
        """Say which function a body belongs to.

        Raises:
            BudgetError: there are more functions than any file has.
        """
        scope.function, scope.arguments = function, tuple(arguments)
        self._held.add(cost(function, *scope.arguments))
        self.functions.add(function)

    def hold(self, cost: int) -> None:
        """Count what is kept of the file beside the nodes."""
        self._held.add(cost)

    def settle(self, scope: Scope) -> None:
        """Say that all nodes of a body are known: of most, nothing is needed any more."""
        self._held.drop(scope.settle())

    def mark(self, marked: set[str], tensor: str) -> None:
        """Note a tensor that the loader sets, in one of the sets above, by its node.

        Raises:
            BudgetError: there are more than any file has.
        """
        name = tensor.partition(":")[0]
        if name not in marked:
            self._held.add(cost(name))
            marked.add(name)

    def wants(self, operator: str) -> bool:
        """True when more than the operator of a node is of interest."""
        return operator in TRACED or self._classes.get(operator) != "compute"

    def add(self, scope: Scope, node: Node) -> None:
        """Note a node.

        Raises:
            BudgetError: more has to be kept than of any honest file.
        """
        self.counts[node.operator] += 1
        if self.wants(node.operator):
            listed = self._classes.get(node.operator)
            special = listed != "compute" or node.operator in CALLS
            self._held.add(node.cost)
            scope.keep(node, special=special)

    def facts(self) -> Iterator[GraphOperator | Coverage]:
        """One fact for each operator that does more than compute, and its argument."""
        open_sites: list[_Open] = []
        callers: dict[str, list[tuple[Scope, Node]]] = {}
        for scope in self._scopes:
            for node in scope.special:
                self._budget.step()
                called = [*node.calls, node.operator] if node.calls else [node.operator]
                for function in self.functions.intersection(called):
                    callers.setdefault(function, []).append((scope, node))
                open_sites += self._judge(scope, node)
        self._follow(open_sites, callers)
        for name in sorted(self.functions):
            if self._classes.get(name) is not None:
                self._ledger.add(Use(name, "shadows-standard", function=name))
        yield from self._ledger.facts()
        yield from self._ledger.coverage()

    def _judge(self, scope: Scope, node: Node) -> list[_Open]:
        """State what a node does; arguments of the function that its path comes from are left."""
        listed = self._classes.get(node.operator)
        if listed == "compute" or (listed is None and node.operator in self.functions):
            return []
        if listed is None:
            values = [text for texts in node.texts.values() for text in texts]
            said = telling(node.operator, values)
            argument = "" if said == node.operator else said
            self._state(scope, node, "custom-telling" if said else "custom", argument)
            return []
        if listed == "library":
            self._state(scope, node, listed, "")
            return []
        site = _SITES.get(node.operator, _FIRST_INPUT)
        if isinstance(site.at, str):
            values = node.texts.get(site.at, [])
            self._by_values(scope, node, listed, site.mode, values)
            return []
        data = [each for each in node.inputs if not each.startswith("^")]
        if site.at >= len(data):
            self._state(scope, node, listed, "")
            return []
        origin = scope.origin(data[site.at])
        self._by_origin(scope, node, listed, site.mode, origin)
        arguments = origin.arguments if site.mode != "always" else ()
        return [_Open(scope, argument, node, listed) for argument in arguments]

    def _by_values(
        self, scope: Scope, node: Node, listed: Behaviour, mode: Mode, values: list[str]
    ) -> None:
        """Judge an operator whose path is an attribute."""
        if mode == "given":
            values = [value for value in values if value]
        elif mode == "file-address":
            values = [value for value in values if value.lower().startswith("file:")]
        elif mode == "descriptor":
            values = [
                value for value in values
                if value and value != "local://" and not value.startswith("bytes://")
            ]  # fmt: skip
        elif mode == "mapped":
            values = [each for each in values if not each.startswith("memmapped_package://")]
        else:
            values = values or [""]
        for value in values:
            self._state(scope, node, _place(value, listed), value)

    def _by_origin(
        self, scope: Scope, node: Node, listed: Behaviour, mode: Mode, origin: Origin
    ) -> None:
        """Judge an operator whose path is an input."""
        constants = [text for text, _ in origin.constants]
        if mode == "always":
            path = (constants or [_COMPUTED if origin.computed else ""])[0]
            self._state(scope, node, listed, path + "".join(origin.suffixes[:1]))
            return
        if origin.lost or (origin.computed and mode not in ("given", "restore")):
            self._state(scope, node, listed, _COMPUTED)
        for text, name in origin.constants:
            self._constant(scope, node, listed, mode, text, name)
        if mode in ("save", "restore"):
            for text in origin.suffixes:
                if ".." in text or outside.problem(text) in ("address", "control-character"):
                    self._state(scope, node, listed, text)

    def _constant(
        self, scope: Scope, node: Node, listed: Behaviour, mode: Mode, text: str, name: str
    ) -> None:
        """Judge a path that stands in the graph."""
        if mode == "given":
            quiet = not text
        elif mode == "asset":
            quiet = name in self.assets or outside.problem(text) in (None, "backslash")
            quiet |= name in self.asset_paths and not _SENSITIVE.search(text)
        else:
            quiet = text in _SAVER_DEFAULTS
            quiet |= name in self.savers and outside.problem(text) is None
        if quiet:
            return
        behaviour = listed
        if mode == "restore" and not scope.function and _like_checkpoint(text):
            behaviour = "reads-checkpoint"  # what `init_from_checkpoint` leaves in a graph
        self._state(scope, node, behaviour, text)

    def _follow(
        self,
        open_sites: list[_Open],
        callers: Mapping[str, list[tuple[Scope, Node]]],
    ) -> None:
        """Judge paths that a function takes as an argument where the function is called."""
        seen: set[tuple[str, str, str]] = set()
        while open_sites and len(seen) < _MAX_ROUNDS:
            inner, argument, node, does = open_sites.pop()
            key = (inner.function, argument, node.operator)
            if key in seen:
                continue
            seen.add(key)
            mode = _SITES[node.operator].mode
            mode = "save" if mode == "restore" else mode  # a saver is fed by its caller
            for scope, call in callers.get(inner.function, ()):
                data = [each for each in call.inputs if not each.startswith("^")]
                place = inner.arguments.index(argument)
                if place >= len(data):
                    continue
                origin = scope.origin(data[place])
                if origin.lost:
                    self._state(scope, node, does, _COMPUTED)
                for text, name in origin.constants:
                    self._constant(scope, node, does, mode, text, name)
                open_sites += (_Open(scope, each, node, does) for each in origin.arguments)
        for inner, _, node, does in open_sites:  # more calls than are followed
            self._state(inner, node, does, _COMPUTED)

    def _state(self, scope: Scope, node: Node, behaviour: Behaviour, argument: str) -> None:
        self._ledger.add(
            Use(
                node.operator, behaviour, node=node.name, function=scope.function,
                argument=argument, offset=node.offset,
            )
        )  # fmt: skip


def _like_checkpoint(path: str) -> bool:
    return bool(_CHECKPOINT.search(path)) and not _SENSITIVE.search(path)


def _place(value: str, listed: Behaviour) -> Behaviour:
    """Debug operators and the like write to a file or to the network, as the address says."""
    if listed in ("network", "writes-file") and value:
        if _ADDRESS.match(value):
            return "network"
        if value.lower().startswith("file:"):
            return "writes-file"
    return listed
