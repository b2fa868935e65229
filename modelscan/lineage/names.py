"""From stored tensors to canonical ones: one naming for the hub, GGUF and consolidated files.

Invariants: every stored tensor ends up in exactly one place, as a canonical tensor or as skipped;
what no table knows keeps its name and is compared under it; a guess is never made about the order
of rows: without a configuration that says how many heads there are, a tensor whose rows would have
to be reordered is left as it is, and said.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, Literal

import msgspec

from modelscan.lineage import name_tables as tables
from modelscan.lineage.joining import joined
from modelscan.lineage.prints import LONGEST, MOST_DIMENSIONS, Skipped, folds
from modelscan.lineage.scales import combined
from modelscan.lineage.stored import Stored
from modelscan.lineage.weights import Part, Span, Weights, WeightTensor

Dialect = Literal["hub", "gguf", "meta"]

_LAYER: Final = re.compile(r"(?P<before>(?:.*?\.)?)(?:layers|layer|h|blk|blocks|block)\."
                           r"(?P<index>\d{1,5})\.(?P<rest>.+)")  # fmt: skip
_EXPERT: Final = re.compile(r"(?:mlp|block_sparse_moe|feed_forward)\.experts\.(\d{1,5})\.(\w+)")
_BUFFERS: Final = tuple(f".{ending}" for ending in tables.BUFFERS)
_MOST_LAYERS: Final = 1024
"""Layers that are held against each other; what is numbered beyond keeps its own name."""
_MATRIX: Final = 2
_FUSED: Final = 3


class Shape(msgspec.Struct, frozen=True, kw_only=True):
    """What a configuration says of a model, as far as names depend on it."""

    architecture: str = ""
    """`model_type`, or `general.architecture`."""
    heads: int = 0
    kv_heads: int = 0
    head_size: int = 0
    """Elements of a head; 0 when not stated, then it follows from the rows."""


class _Name(msgspec.Struct, frozen=True):
    """A stored name, taken apart."""

    rest: str
    """Without prefix, layer and suffix."""
    suffix: str
    """`weight`, `bias`, or empty."""
    layer: int | None
    known: bool
    """It belongs to the model's main tower."""


def canonical(
    stored: Iterable[Stored],
    shape: Shape,
    dialect: Dialect = "hub",
    skipped: Sequence[Skipped] = (),
) -> Weights:
    """Give all tensors their canonical names, order and orientation.

    Args:
        stored: the tensors of all files.
        shape: what the configuration says.
        dialect: whose names these are.
        skipped: what the readers could not take; it is handed on.
    """
    return _Naming(list(stored), shape, dialect, list(skipped)).weights()


def dialect_of(names: Iterable[str]) -> Dialect:
    """`meta` for the names of Meta's reference code, else `hub`.

    InternLM 2 has some of these names on the hub, behind a prefix, and the hub's order of rows.
    """
    return "meta" if "tok_embeddings.weight" in set(names) else "hub"


class _Naming:
    def __init__(
        self, stored: list[Stored], shape: Shape, dialect: Dialect, skipped: list[Skipped]
    ) -> None:
        self._stored = stored = combined(stored)
        self._shape = shape
        self._dialect = dialect
        self._skipped = skipped
        self._found: dict[str, WeightTensor] = {}
        self._experts: dict[tuple[int, str, str], dict[int, Stored]] = {}
        self._main = _main_prefix(tensor.name for tensor in stored)
        self._roots = _ancestors(self._main)
        self._shapes = {tensor.name: tensor.shape for tensor in stored}
        names = {tensor.name: self._split(tensor.name) for tensor in stored}
        rests = {name.rest for name in names.values() if name.known}
        self._names: Mapping[str, _Name] = names
        self._sandwich = bool(rests & {"post_feedforward_layernorm", "pre_feedforward_layernorm"})
        self._turned = any(
            names[tensor.name].rest == "attn.c_attn"
            and len(tensor.shape) == _MATRIX
            and tensor.shape[1] == _FUSED * tensor.shape[0]
            for tensor in stored
        )

    def weights(self) -> Weights:
        counts = Counter(tensor.name for tensor in self._stored)
        for tensor in self._stored:
            if counts[tensor.name] > 1:
                # one of several, or a part of what is split over several files: neither is believed
                self._skipped.append(Skipped(tensor.name, "stands twice in the model's files"))
            elif len(tensor.shape) > MOST_DIMENSIONS or any(n >= LONGEST for n in tensor.shape):
                self._skipped.append(Skipped(tensor.name, "a shape that no matrix has"))
            elif f".{tensor.name}".endswith(_BUFFERS):
                self._skipped.append(Skipped(tensor.name, "derived by the loader", needed=False))
            elif not self._expert(tensor):
                self._place(tensor)
        for (layer, role, suffix), members in self._experts.items():
            self._join(layer, role, suffix, members)
        every = dict(sorted(self._found.items()))
        layers = {tensor.layer for tensor in every.values() if tensor.layer is not None}
        found, left_out = joined(every)
        # a decoder, which ends in a norm, reads its output off the embedding if nothing else
        tied = {"embedding.weight", "norm.weight"} <= set(found) and "output.weight" not in found
        return Weights(
            tensors=found,
            tied={"output.weight": "embedding.weight"} if tied else {},
            architecture=self._shape.architecture,
            layers=len(layers),
            heads=self._shape.heads,
            kv_heads=self._shape.kv_heads or self._shape.heads,
            skipped=(*self._skipped, *left_out),
        )

    # -- taking names apart --------------------------------------------------------------------

    def _split(self, name: str) -> _Name:
        stem, dot, last = name.rpartition(".")
        suffix = tables.SUFFIXES.get(last, "")
        if not (dot and suffix):
            stem = name
        matched = _LAYER.fullmatch(stem)
        if matched is not None:
            known = matched["before"] == self._main and int(matched["index"]) < _MOST_LAYERS
            layer = int(matched["index"]) if known else None
            return _Name(matched["rest"] if known else stem, suffix, layer, known)
        for root in self._roots:
            if stem.startswith(root) and stem[len(root) :] in tables.ROOT:
                return _Name(stem[len(root) :], suffix, None, known=True)
        return _Name(stem, suffix, None, known=False)

    def _role(self, name: _Name) -> str:
        if not name.known:
            return ""
        if name.layer is None:
            return tables.ROOT.get(name.rest, "")
        if name.rest == "post_attention_layernorm":
            # behind the attention where the MLP has norms of its own around it (Gemma 2, OLMo 2)
            return "attention.post_norm" if self._sandwich else "mlp.norm"
        if name.rest == "final_layer_norm":
            return "mlp.norm"  # OPT's and wav2vec's second norm of a layer
        return tables.LAYER.get(name.rest, "")

    # -- placing -------------------------------------------------------------------------------

    def _place(self, tensor: Stored) -> None:
        name = self._names[tensor.name]
        if name.layer is not None and name.rest in tables.STACKED and len(tensor.shape) == _FUSED:
            count, rows, columns = tensor.shape
            part = Part(tensor._replace(shape=(count * rows, columns)))
            self._add(name, tables.STACKED[name.rest], (part,), tensor.shape)
            return
        role = self._role(name)
        if not role:
            self._add(name, "", (_part(tensor),), tensor.shape)
        elif role == "attention.qkv":
            self._fused(tensor, name, self._qkv_spans(tensor))
        elif role == "mlp.gate_up" or (role == "mlp.up" and self._is_gate_up(tensor)):
            self._fused(tensor, name, self._gate_up_spans(tensor))
        else:
            turned = self._is_turned(tensor, name)
            shape = tensor.shape[::-1] if turned else tensor.shape
            self._add(name, role, (_part(tensor, turned=turned),), shape)

    def _is_turned(self, tensor: Stored, name: _Name) -> bool:
        """True for the weights that GPT-2 keeps as inputs x outputs."""
        return (
            self._turned
            and ".c_" in f".{name.rest}"
            and len(tensor.shape) == _MATRIX
            and name.suffix == "weight"
        )

    def _add(self, name: _Name, role: str, parts: tuple[Part, ...], shape: tuple[int, ...]) -> None:
        rest = role or name.rest
        suffix = f".{name.suffix}" if name.suffix else ""
        full = f"{rest}{suffix}" if name.layer is None else f"layers.{name.layer}.{rest}{suffix}"
        source = parts[0].source
        if full in self._found:
            if not role or source.name in self._found:
                self._skipped.append(Skipped(source.name, "stands twice in the model's files"))
                return
            full, role = source.name, ""
        head = self._alternating(role, shape, source)
        fold = 1 if head or role.startswith("experts.") else _folds(parts, shape)
        self._found[full] = WeightTensor(
            name=full,
            role=role,
            layer=name.layer,
            shape=shape,
            parts=(_folded(source, fold),) if fold > 1 else parts,
            head=head,
            shift=self._shift(role, name.suffix, source),
            fold=fold,
        )

    def _shift(self, role: str, suffix: str, source: Stored) -> float:
        """What the file adds to the values: 1 to the norms of some architectures in GGUF."""
        shifted = (
            self._dialect == "gguf"
            and self._shape.architecture in tables.SHIFTED
            and role.endswith("norm")
            and suffix == "weight"
            and source.dtype == "f32"
        )
        return 1.0 if shifted else 0.0

    def _alternating(self, role: str, shape: tuple[int, ...], source: Stored) -> int:
        """Rows of a head, if its rows are stored alternating."""
        if role not in {"attention.q", "attention.k"} or not shape:
            return 0
        if self._dialect == "hub":
            return 0
        if self._dialect == "gguf" and self._shape.architecture not in tables.ALTERNATING:
            return 0
        heads = self._shape.heads if role == "attention.q" else self._kv_heads
        if not heads or shape[0] % heads or (shape[0] // heads) % 2:
            reason = "the order of its rows is not known: no number of heads that fits"
            self._skipped.append(Skipped(source.name, reason, needed=False))
            return 0
        return shape[0] // heads

    @property
    def _kv_heads(self) -> int:
        return self._shape.kv_heads or self._shape.heads

    # -- fused tensors -------------------------------------------------------------------------

    def _fused(
        self, tensor: Stored, name: _Name, spans: Mapping[str, tuple[Span, ...]] | None
    ) -> None:
        """Split a tensor by rows; one that cannot be split keeps its own name."""
        if spans is None:
            self._add(name, "", (_part(tensor),), tensor.shape)
            return
        turned = self._is_turned(tensor, name)
        for role, rows in spans.items():
            part = _part(tensor, rows, turned=turned)
            rest = tensor.shape[:1] if turned else tensor.shape[1:]
            self._add(name, role, (part,), (part.rows, *rest))

    def _rows(self, tensor: Stored, name: _Name) -> int:
        turned = self._is_turned(tensor, name)
        return tensor.shape[1] if turned else tensor.shape[0] if tensor.shape else 0

    def _qkv_spans(self, tensor: Stored) -> Mapping[str, tuple[Span, ...]] | None:
        rows = self._rows(tensor, self._names[tensor.name])
        heads, kv_heads = self._shape.heads, self._kv_heads
        architecture = self._shape.architecture if self._dialect == "hub" else ""
        roles = ("attention.q", "attention.k", "attention.v")
        if not heads and not self._turned:  # only GPT-2's is split without being told how
            return None
        if heads == kv_heads:
            if rows % _FUSED:
                return None
            size = rows // _FUSED
            if architecture in tables.PER_HEAD | tables.PER_GROUP:
                if size % heads:
                    return None
                return _alternate(roles, heads, (size // heads,) * _FUSED)
            return {role: (Span(size * at, size),) for at, role in enumerate(roles)}
        size = self._shape.head_size or rows // (heads + 2 * kv_heads)
        if size * (heads + 2 * kv_heads) != rows or heads % kv_heads:
            return None
        if architecture in tables.PER_GROUP:
            return _alternate(roles, kv_heads, (heads // kv_heads * size, size, size))
        queries, keys = heads * size, kv_heads * size
        starts = (Span(0, queries), Span(queries, keys), Span(queries + keys, keys))
        return {role: (span,) for role, span in zip(roles, starts, strict=True)}

    def _gate_up_spans(self, tensor: Stored) -> Mapping[str, tuple[Span, ...]] | None:
        rows = self._rows(tensor, self._names[tensor.name])
        if rows % 2:
            return None
        first, second = "mlp.gate", "mlp.up"
        if self._shape.architecture in tables.UP_FIRST:
            first, second = second, first
        return {first: (Span(0, rows // 2),), second: (Span(rows // 2, rows // 2),)}

    def _is_gate_up(self, tensor: Stored) -> bool:
        """A GGUF `ffn_up` twice as high as `ffn_down` is wide holds the gate as well."""
        if self._dialect != "gguf":
            return False
        down = self._shapes.get(tensor.name.replace("ffn_up", "ffn_down"), ())
        return len(down) == _MATRIX == len(tensor.shape) and tensor.shape[0] == 2 * down[1]

    # -- experts -------------------------------------------------------------------------------

    def _expert(self, tensor: Stored) -> bool:
        """Collect one expert's tensor; true if it was one."""
        name = self._names[tensor.name]
        matched = _EXPERT.fullmatch(name.rest)
        if matched is None or name.layer is None or matched[2] not in tables.EXPERT:
            return False
        members = self._experts.setdefault((name.layer, tables.EXPERT[matched[2]], name.suffix), {})
        if len(tensor.shape) != _MATRIX or int(matched[1]) in members:
            return False
        members[int(matched[1])] = tensor
        return True

    def _join(self, layer: int, role: str, suffix: str, members: dict[int, Stored]) -> None:
        """Put the experts of a layer together as GGUF does: experts x outputs x inputs."""
        shapes = {tensor.shape for tensor in members.values()}
        if not members:
            return
        if len(shapes) != 1 or sorted(members) != list(range(len(members))):
            for tensor in members.values():
                self._add(self._names[tensor.name], "", (_part(tensor),), tensor.shape)
            return
        parts = tuple(_part(members[number]) for number in range(len(members)))
        name = _Name(role, suffix, layer, known=True)
        self._add(name, role, parts, (len(members), *shapes.pop()))


def _part(tensor: Stored, rows: tuple[Span, ...] = (), *, turned: bool = False) -> Part:
    """Rows of a stored tensor; `turned` if its canonical orientation is the other one.

    One that is stored column by column is the other one, stored row by row.
    """
    if tensor.column_major:
        turned_round = tensor._replace(shape=tensor.shape[::-1], column_major=False)
        return Part(turned_round, rows, turned=not turned)
    return Part(tensor, rows, turned=turned)


def _folds(parts: Sequence[Part], shape: Sequence[int]) -> int:
    """How many rows a row is read as; one of what is not stored row after row."""
    plain = len(parts) == 1 and not (parts[0].turned or parts[0].spans)
    return folds(math.prod(shape[1:])) if plain and all(shape) else 1


def _folded(tensor: Stored, times: int) -> Part:
    """A wide matrix as one of more rows."""
    rows = tensor.shape[0] * times
    return Part(tensor._replace(shape=(rows, tensor.elements // rows)))


def _alternate(
    roles: Sequence[str], groups: int, sizes: Sequence[int]
) -> dict[str, tuple[Span, ...]]:
    """Spans of rows that come in groups, each with some rows of every role."""
    stride = sum(sizes)
    found: dict[str, tuple[Span, ...]] = {}
    begin = 0
    for role, size in zip(roles, sizes, strict=True):
        found[role] = tuple(Span(group * stride + begin, size) for group in range(groups))
        begin += size
    return found


def _main_prefix(names: Iterable[str]) -> str:
    """What stands before `layers.` in most names: the tower that the model mainly is."""
    counts: Counter[str] = Counter()
    for name in names:
        matched = _LAYER.fullmatch(name)
        if matched is not None:
            counts[matched["before"]] += 1
    return min(counts, key=lambda prefix: (-counts[prefix], prefix), default="")


def _ancestors(prefix: str) -> list[str]:
    """The prefixes under which tensors outside the layers may stand, longest first."""
    parts = prefix.split(".")[:-1]
    found = [".".join(parts[:end]) + "." for end in range(len(parts), 0, -1)]
    return [*found, *(known for known in ("model.", "transformer.") if known not in found), ""]
