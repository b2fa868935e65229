"""The sentences of the verdicts: numbers first, no more than was measured."""

from __future__ import annotations

from modelscan.lineage.directions import SHARED, is_space
from modelscan.lineage.evidence import TensorChange
from modelscan.lineage.summary import Summary, listed, median_of

_NAMED = 3
_PLURAL = {"matrix": "matrices"}


def cast(found: Summary) -> str:
    """Some or all tensors are proved to be rounded."""
    count = sum(change.state == "cast" for change in found.exact)
    dtypes = ", ".join(sorted({c.dtype for c in found.exact if c.state == "cast"}))
    return f"the base's values, {count:,} of {len(found.exact):,} tensors rounded to {dtypes}"


def quantised(found: Summary) -> str:
    """Quantised values that can all have come from the base's."""
    types = ", ".join(sorted({change.dtype for change in found.quantised}))
    plain = f"; the other {len(found.exact):,} tensors are the base's" if found.exact else ""
    if not found.checked:
        return (
            f"{len(found.quantised):,} tensors ({types}) resemble the base's to {_cosine(found)}; "
            f"no bound is known for this quantiser{plain}"
        )
    if found.outside:
        return (
            f"{len(found.quantised):,} tensors ({types}) resemble the base's to {_cosine(found)}; "
            f"{found.outside:,} of {found.checked:,} samples are further than half a step away, "
            f"which fitted scales may leave{plain}"
        )
    text = (
        f"{len(found.quantised):,} tensors ({types}) lie within half a step of the base's in all "
        f"{found.checked:,} samples{plain}"
    )
    if found.untestable:
        text += f"; for {len(found.untestable):,} tensors that bound is no proof"
    return text


def coded(found: Summary) -> str:
    """Whole numbers with scales of their own."""
    types = ", ".join(sorted({change.dtype for change in found.coded}))
    changed = f"; {len(found.changed):,} other tensors have other values" if found.changed else ""
    return (
        f"{len(found.coded):,} tensors are stored as whole numbers ({types}), what they compute "
        f"between tokens agrees with the base's to {found.evidence.invariants or 0:.2f}; "
        f"{len(found.exact):,} tensors are the base's{changed}"
    )


def unfaithful(found: Summary) -> str:
    """Quantised values that cannot have come from the base's."""
    return (
        f"not a plain quantisation of the base: {found.outside:,} of {found.checked:,} samples are "
        f"further than half a step from it, in {_names(found.unfaithful)}"
    )


def rearranged(found: Summary, *, exact: bool) -> str:
    """Layers that were moved, dropped, repeated, or come from elsewhere."""
    evidence = found.evidence
    order = ", ".join("?" if n is None else str(n) for n in evidence.layer_map)
    if found.strangers:
        known = len(evidence.layer_map) - len(found.strangers)
        return (
            f"{known:,} of {len(evidence.layer_map):,} layers are the base's, layers "
            f"{listed(found.strangers)} resemble none of them"
        )
    how = "bit-exact" if exact else f"changed by {median_of(c.relative for c in found.changed):.3g}"
    return f"its layers are the base's layers {order[:200]}, of {evidence.base_layers:,}, {how}"


def partly_equal(found: Summary) -> str:
    """Some tensors are bit-exact, others are missing, added or of another shape."""
    parts = [f"{len(found.exact):,} of {len(found.evidence.changes):,} tensors are the base's"]
    if found.unread:
        parts.append(f"{len(found.unread):,} could not be read")
    if found.evidence.missing:
        unread = " or were not read" if found.unread else ""
        parts.append(f"{len(found.evidence.missing):,} of the base's are missing{unread}")
    if found.added:
        parts.append(f"{_names(found.added)} added")
    if found.reshaped:
        parts.append(f"{_names(found.reshaped)} of another shape")
    return ", ".join(parts)


def resembling_nothing(found: Summary) -> str:
    """Of a model that shares some tensors, and has the rest from elsewhere."""
    evidence = found.evidence
    if evidence.similarity is None or not found.above:
        return ""
    return (
        f"; {evidence.compared:,} matrices of its layers resemble the base's to "
        f"{max(evidence.similarity, 0):.2f}, as a stranger's do"
    )


def reshaped(found: Summary) -> str:
    """Matrices with other numbers of rows, as after a change of vocabulary."""
    text = (
        f"{len(found.exact):,} of {len(found.evidence.changes):,} tensors are the base's, "
        f"{_names(found.reshaped)} of another shape"
    )
    rows = [change.rows for change in found.reshaped if change.rows]
    if rows:
        same, compared = sum(row[0] for row in rows), sum(row[1] for row in rows)
        text += f", with {same:,} of {compared:,} blocks of rows unchanged"
    return text


def glimpsed(found: Summary) -> str:
    """A few values of each tensor."""
    evidence = found.evidence
    if evidence.similarity is None:
        return "no tensors of equal name and shape to sample"
    equal = median_of(change.equal for change in evidence.changes)
    return (
        f"samples of {evidence.compared:,} matrices resemble the base's to "
        f"{evidence.similarity:.3f}, {equal:.0%} of them are equal"
    )


def by_samples(found: Summary) -> str:
    """A few values of each tensor, where nothing else can be compared."""
    evidence = found.evidence
    same = f"{len(found.exact):,} of {len(evidence.changes):,} tensors are the base's; "
    return (
        f"{same if found.exact else ''}samples of {evidence.compared:,} matrices resemble the "
        f"base's to {max(evidence.sampled or 0, 0):.3f}, no sketches can be compared"
    )


def renamed(found: Summary) -> str:
    """What stands behind a verdict on tensors that are called something else."""
    count = found.evidence.renamed
    if not count:
        return ""
    return f"; {count:,} tensor{'s' * (count != 1)} found under other names"


def together(found: Summary) -> str:
    """What stands behind a verdict on a model of very many tensors."""
    changes = found.evidence.changes
    every, grouped = sum(c.members for c in changes), [c for c in changes if c.members > 1]
    if not grouped:
        return ""
    most = max(change.members for change in grouped)
    return (
        f"; {sum(c.members for c in grouped):,} of its {every:,} tensors were compared in groups "
        f"of up to {most:,}, so that a change is known to lie within a group"
    )


def reparametrised(found: Summary) -> str:
    """The function agrees, the numbers do not."""
    evidence = found.evidence
    likeness = f"the matrices resemble the base's to {evidence.similarity or 0:.2f}"
    if (evidence.similarity or 0) > (evidence.invariants or 0):
        return (
            f"{_count(found.above, 'matrix')} changed by {found.relative:.2g}, while "
            f"{evidence.intact:,} of {evidence.gross:,} things that they compute between tokens "
            "stayed the same: a copy that was permuted, rotated or rescaled"
        )
    return (
        f"{likeness}, what they compute between tokens to {evidence.invariants or 0:.2f}: a copy "
        "that was permuted, rotated or rescaled"
    )


def scaled(found: Summary) -> str:
    """Factors, and nothing else."""
    return f"{_count(found.above, 'matrix')} the base's times a factor, and otherwise unchanged"


def resized(found: Summary) -> str:
    """Matrices of other sizes that compute the same."""
    return (
        f"{len(found.reshaped):,} of {len(found.evidence.changes):,} tensors have another shape, "
        f"what they compute between tokens agrees to {found.evidence.invariants or 0:.2f}: a copy "
        "that was made narrower or wider"
    )


def replaced(found: Summary) -> str:
    """Matrices that come from elsewhere."""
    most = max(abs(change.cosine or 0.0) for change in found.replaced)
    return (
        f"{_count(found.replaced, 'matrix')} ({_roles(found.replaced)}) resemble the base's to "
        f"{most:.2f} at most, as if they were another model's or in another order; the other "
        f"{len(found.exact):,} tensors are the base's"
    )


def pruned(found: Summary) -> str:
    """Zeros that the base does not have."""
    matrices = [change for change in found.changed if change.matrix]
    zeros = median_of(change.zeros for change in matrices)
    kept = median_of(change.kept for change in matrices)
    return f"{zeros:.0%} of the values were set to zero, {kept:.0%} of the others are unchanged"


def sparse(found: Summary) -> str:
    """A difference in few places."""
    equal = median_of(change.equal for change in found.changed if change.matrix)
    return (
        f"{equal:.0%} of the samples are bit-exact while the others changed far beyond rounding, "
        f"{_extent(found)}"
    )


def projected(found: Summary) -> str:
    """One write direction."""
    shared = found.evidence.directions
    if shared is None:
        return ""
    if is_space(shared) and shared.shared <= SHARED:
        return (
            f"the differences of {shared.writers:,} matrices that write into the residual stream "
            f"lie in one space of {shared.dimensions:,} directions ({shared.within:.0%} of their "
            f"energy), {_extent(found)}"
        )
    pair = "" if shared.pair is None else f", {shared.pair:.2f} within a layer"
    return (
        f"the differences of {shared.writers:,} matrices that write into the residual stream share "
        f"a direction (cosine {shared.shared:.2f} over all{pair}), {_extent(found)}"
    )


def hinted(found: Summary) -> str:
    """One write direction that only all writers together show."""
    shared = found.evidence.directions
    return (
        "all matrices that write into the residual stream together show one direction, "
        f"{shared.pooled:.2f} times what rounding explains"
        if shared
        else ""
    )


def low_rank(found: Summary) -> str:
    """A small equal rank, and everything else exact."""
    low, high = found.ranks[0], found.ranks[-1]
    rank = f"rank {low}" if low == high else f"rank {low} to {high}"
    return (
        f"{rank} differences in {_count(found.above, 'matrix')} ({_roles(found.above)}), "
        f"everything else is the base's, {_extent(found)}"
    )


def saturated(found: Summary) -> str:
    """Only projections changed, at a rank that cannot be resolved."""
    return (
        f"only {_count(found.above, 'projection')} changed ({_roles(found.above)}), embeddings, "
        f"norms and biases are bit-exact, as a merged adapter of rank above {found.resolution} "
        "leaves it, "
        f"{_extent(found)}"
    )


def unstructured(found: Summary) -> str:
    """Noise."""
    return (
        f"{_count(found.above, 'matrix')} differ by {found.relative:.2g} without any structure, "
        "as noise or an unknown re-encoding leaves it"
    )


def finetune(found: Summary) -> str:
    """An ordinary change."""
    evidence = found.evidence
    where = ""
    layers = len(evidence.layer_map)
    if found.layers and len(found.layers) < layers:
        where = f" in layers {listed(found.layers)} of {layers:,}"
    rank = ""
    if found.ranks and found.ranks[-1] <= found.resolution:
        rank = f", of low effective rank (up to {found.ranks[-1]})"
    strange = ""
    if found.replaced:
        strange = f"; {_roles(found.replaced)} resemble nothing of the base's"
    return (
        f"{_count(found.above, 'matrix')} and {_count(found.vectors, 'vector')} changed"
        f"{where}{rank}, "
        f"{_extent(found)}, resemblance {evidence.similarity or 0:.3f}{strange}"
    )


def vectors(found: Summary) -> str:
    """Norms and biases alone."""
    changed = _count(found.vectors, "vector")
    return f"only {changed} changed (norms, biases), every matrix is the base's"


def below(found: Summary) -> str:
    """A change that has no kind."""
    outside = [c for c in found.quantised if c.half_step is not None and c.half_step.outside]
    changed = len(found.changed) + len(outside)
    return (
        f"modified: {changed:,} of {len(found.evidence.changes):,} tensors have other values, "
        f"too little for a sketch, resemblance {found.evidence.similarity or 0:.3f}"
    )


def unrelated(found: Summary) -> str:
    """No resemblance."""
    evidence = found.evidence
    invariants = ""
    if evidence.invariants is not None:
        invariants = f", and {max(evidence.invariants, 0):.2f} in what they compute between tokens"
    return (
        f"{evidence.compared:,} matrices of equal shape resemble the base's to "
        f"{max(evidence.similarity or 0, 0):.2f}{invariants}"
    )


def unknown(found: Summary) -> str:
    """Too little in common to say anything."""
    evidence = found.evidence
    if evidence.similarity is None:
        return "no tensors of equal name and shape to compare"
    return (
        f"only {evidence.compared:,} matrices of equal shape to compare, resemblance "
        f"{evidence.similarity:.2f}"
    )


def _count(changes: tuple[TensorChange, ...], noun: str) -> str:
    count = len(changes)
    return f"{count:,} {noun if count == 1 else _PLURAL.get(noun, noun + 's')}"


def _extent(found: Summary) -> str:
    return f"relative change {found.relative:.2g}"


def _cosine(found: Summary) -> str:
    return f"{median_of(change.cosine for change in found.quantised):.4f}"


def _roles(changes: tuple[TensorChange, ...]) -> str:
    roles = dict.fromkeys(change.role or change.name for change in changes)
    shown = sorted(roles)[: 2 * _NAMED]
    more = len(roles) - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more > 0 else "")


def _names(changes: tuple[TensorChange, ...]) -> str:
    shown = [change.name[:100] for change in changes[:_NAMED]]
    more = len(changes) - len(shown)
    return ", ".join(shown) + (f" and {more:,} more" if more > 0 else "")
