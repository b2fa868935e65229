"""The numbers of a comparison that its verdicts turn on, each computed once."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from statistics import median
from typing import Final, NamedTuple

from modelscan.lineage.evidence import Evidence, TensorChange
from modelscan.lineage.name_tables import WRITERS

EMBEDDINGS: Final = frozenset({"embedding", "output"})
"""Roles of the matrices that start and end at the vocabulary."""
UNLIKE: Final = 0.25
"""Cosine with the base's below which a matrix in a relative was replaced: the weakest that was
seen after long training is .7."""
_WHOLE: Final = frozenset({"i8", "u8"})
_REFITTED: Final = ("gptq", "awq")
"""Types of GPTQ, which moves errors on, and AWQ, which rescales what it keeps exact."""
_POSITIONS: Final = "embedding.position"
_SPREAD: Final = 2
"""By how much the ranks of a merged adapter's matrices differ at most."""
_GAP: Final = 3.0
"""How clearly a rank ends, when the ranks differ more."""
_FEW: Final = 4
"""Matrices of which at least so many must have one rank, or their ranks end at a gap."""
_CLEAR: Final = 1.5
"""That gap: merged adapters in single matrices had 2 and more, low bits that were filled 1.1."""
_TENTH: Final = 10
_COMPANION: Final = re.compile(
    r"^rope_|scales?(?:_inv)?$|_zero_point$|\.(?:weight_format|SCB|weight_g_idx)$"
)
"""Names of tensors that hold no weights of their own: tables that llama.cpp computes from a model's
configuration, and what quantisers keep beside codes."""


class Summary(NamedTuple):
    """A comparison in numbers."""

    evidence: Evidence
    exact: tuple[TensorChange, ...]
    """Bit-exact or cast."""
    quantised: tuple[TensorChange, ...]
    changed: tuple[TensorChange, ...]
    """Other values than the base's, as far as that can be told: quantised tensors are not in it."""
    above: tuple[TensorChange, ...]
    """Matrices with a difference above what storing explains, quantised or not."""
    reshaped: tuple[TensorChange, ...]
    added: tuple[TensorChange, ...]

    @classmethod
    def of(cls, evidence: Evidence) -> Summary:
        """Sort the tensors of a comparison."""

        def in_state(*states: str) -> tuple[TensorChange, ...]:
            return tuple(change for change in evidence.changes if change.state in states)

        return cls(
            evidence,
            in_state("exact", "cast"),
            in_state("quantised"),
            in_state("changed"),
            tuple(c for c in evidence.changes if c.spectrum is not None and c.spectrum.rank > 0),
            in_state("reshaped"),
            tuple(c for c in in_state("added") if not _COMPANION.search(c.name)),
        )

    @property
    def proved(self) -> tuple[TensorChange, ...]:
        """Bit-exact or cast tensors whose equality means something.

        Norms of ones do not count, nor do tables that everybody computes from the same formula:
        sinusoids of positions, filters of an ear.
        """
        return tuple(
            change
            for change in self.exact
            if not change.constant and (change.layer is not None or change.role != _POSITIONS)
        )

    @property
    def telling(self) -> tuple[TensorChange, ...]:
        """Of these the matrices that prove kinship on their own, whatever the others are."""
        return tuple(
            change
            for change in self.proved
            if change.matrix
            and (change.layer is not None or change.role in EMBEDDINGS or change.members > 1)
        )

    @property
    def unread(self) -> tuple[str, ...]:
        """Tensors of the candidate that could not be read, and why."""
        return tuple(each for each in self.evidence.skipped if each.startswith("target: "))

    @property
    def vectors(self) -> tuple[TensorChange, ...]:
        """Norms, biases and small matrices that changed."""
        return tuple(change for change in self.changed if not change.matrix)

    @property
    def coded(self) -> tuple[TensorChange, ...]:
        """Tensors that are stored as whole numbers, with scales that are other tensors."""
        return tuple(c for c in self.quantised if c.dtype in _WHOLE)

    @property
    def refitted(self) -> bool:
        """Some tensors come from quantisers that change other values to make up for errors."""
        return any(c.dtype.startswith(_REFITTED) for c in self.quantised)

    @property
    def replaced(self) -> tuple[TensorChange, ...]:
        """Changed matrices that resemble those of the base no more than a stranger's would."""
        return tuple(
            c
            for c in self.above
            if c.state == "changed" and c.cosine is not None and abs(c.cosine) < UNLIKE
        )

    @property
    def embeddings(self) -> tuple[TensorChange, ...]:
        """Embedding and output matrices with a difference, or that were touched below it."""
        return tuple(
            c
            for c in (*self.changed, *self.above)
            if c.role in EMBEDDINGS or (c.layer is None and c.matrix)
        )

    @property
    def checked(self) -> int:
        """Samples of quantised tensors that were held against the base."""
        return sum(c.half_step.checked for c in self.quantised if c.half_step)

    @property
    def outside(self) -> int:
        """Of these, those that the quantiser could not have made of the base's values."""
        return sum(c.half_step.outside for c in self.quantised if c.half_step)

    @property
    def unfaithful(self) -> tuple[TensorChange, ...]:
        """Quantised tensors that are proved to come from other values."""
        return tuple(
            c
            for c in self.quantised
            if c.half_step is not None and c.half_step.strict and c.half_step.outside
        )

    @property
    def untestable(self) -> tuple[TensorChange, ...]:
        """Quantised tensors of which only a resemblance can be measured."""
        return tuple(c for c in self.quantised if c.half_step is None or not c.half_step.strict)

    @property
    def ranks(self) -> tuple[int, ...]:
        """Ranks of the differences, sorted."""
        return tuple(sorted(c.spectrum.rank for c in self.above if c.spectrum))

    @property
    def resolution(self) -> int:
        """The largest rank that can be told from a larger one."""
        return min((c.spectrum.resolution for c in self.above if c.spectrum), default=0)

    @property
    def is_low_rank(self) -> bool:
        """All differences have one rank, or end clearly, below what the sketch resolves."""
        if not self.ranks or self.ranks[-1] > self.resolution:
            return False
        gaps = [c.spectrum.gap for c in self.above if c.spectrum]
        if len(gaps) < _FEW and median(gaps) < _CLEAR:  # equal ranks of one or two mean nothing
            return False
        return self.ranks[-1] - self.ranks[0] <= _SPREAD or median(gaps) >= _GAP

    @property
    def resolved(self) -> bool:
        """Nearly every quantised tensor that was proved to differ also shows a rank."""
        shown = {change.name for change in self.above}
        hidden = sum(change.name not in shown for change in self.unfaithful)
        return hidden * _TENTH <= len(self.above)

    @property
    def frozen_around(self) -> bool:
        """Embeddings, norms and biases are bit-exact, so that only projections changed.

        In quantised files: they are stored plainly and exact, or within the quantiser's bound.
        """
        return not self.vectors and not self.embeddings and not self._embedding_outside

    @property
    def _embedding_outside(self) -> bool:
        return any(c.role in EMBEDDINGS for c in self.unfaithful)

    @property
    def only_writers(self) -> bool:
        """Nothing above its noise but what writes into the residual stream, embedding included."""
        allowed = WRITERS | {"embedding"}
        touched = [*self.above, *(c for c in self.changed if not c.matrix)]
        return bool(self.above) and all(c.role in allowed for c in touched)

    @property
    def relative(self) -> float:
        """Median relative change of the matrices above their noise."""
        return median_of(c.relative for c in self.above)

    @property
    def layers(self) -> tuple[int, ...]:
        """Layers of the candidate with a change above the noise or in a vector."""
        touched = {c.layer for c in (*self.changed, *self.above) if c.layer is not None}
        return tuple(sorted(touched))

    @property
    def strangers(self) -> tuple[int, ...]:
        """Layers of the candidate that resemble no layer of the base."""
        return tuple(layer for layer, found in enumerate(self.evidence.layer_map) if found is None)

    @property
    def rearranged(self) -> bool:
        """Layers were dropped, repeated or moved."""
        mapped = self.evidence.layer_map
        return (
            bool(mapped)
            and not self.strangers
            and mapped != tuple(range(self.evidence.base_layers))
        )


def median_of(values: Iterable[float | None]) -> float:
    """The median of those that were measured; 0 for none."""
    known = [value for value in values if value is not None]
    return float(median(known)) if known else 0.0


def listed(numbers: Sequence[int]) -> str:
    """Numbers for people, runs shortened: `0-3, 5`."""
    parts: list[str] = []
    start = 0
    while start < len(numbers):
        stop = start
        while stop + 1 < len(numbers) and numbers[stop + 1] == numbers[stop] + 1:
            stop += 1
        run = numbers[start : stop + 1]
        parts.append(str(run[0]) if len(run) == 1 else f"{run[0]}-{run[-1]}")
        start = stop + 1
    shown = parts[:_TENTH]
    return ", ".join(shown) + (f" and {len(parts) - _TENTH} more" if len(parts) > _TENTH else "")
