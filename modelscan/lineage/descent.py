"""The step of a scan that says what a model descends from.

Without a base to compare with, the model's own claims are repeated as claims, and no weight is
read. With one, the weights are read a second time (the first pass hashed them): their values are
digested, sketched and compared.

Invariants: whatever goes wrong is part of the answer, never a relation; what of the weights could
not be taken in is a gap.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from modelscan.budget import Limits
from modelscan.errors import ModelAssayError
from modelscan.lineage.asked import Ancestry, Base
from modelscan.lineage.prints import Fingerprint
from modelscan.lineage.signs import PUBLIC, Seed
from modelscan.lineage.verdict import descends_from
from modelscan.vocabulary.ancestry import Lineage
from modelscan.vocabulary.coverage import Coverage
from modelscan.vocabulary.fact import Fact
from modelscan.vocabulary.snapshot import SourceFile

if TYPE_CHECKING:
    from modelscan.lineage.answer import Measured

NOT_COMPARED: Final = "not compared: "
"""How the reason of every gap begins that lineage leaves."""
_WHOLE: Final = "."
_MOST_GAPS: Final = 100


class Descent(NamedTuple):
    """What lineage adds to a report."""

    lineage: Lineage
    facts: tuple[Fact, ...] = ()
    coverage: tuple[Coverage, ...] = ()
    picture: Mapping[str, Any] = MappingProxyType({})


def descent(
    files: Sequence[SourceFile], facts: Sequence[Fact], ancestry: Ancestry, limits: Limits
) -> Descent:
    """Say what a model descends from.

    Args:
        files: all files of the model.
        facts: what its readers stated.
        ancestry: what to compare it with.
        limits: what reading the headers of the weights may cost.
    """
    claimed = descends_from(facts)
    if not ancestry.bases and not ancestry.alone:
        return Descent(claimed)
    try:
        return _measured(files, facts, ancestry, limits)
    except (ModelAssayError, ArithmeticError, ValueError, MemoryError) as error:
        # Hostile numbers can end a decomposition: that is no relation, and no pass either.
        reason = NOT_COMPARED + (getattr(error, "message", "") or type(error).__name__)
        gap = Coverage(file=_WHOLE, status="unreadable", needed=True, reason=reason)
        if claimed.status != "unknown":
            reason = f"{claimed.reason}; {reason}"
        unmeasured = Lineage(
            status=claimed.status, base=claimed.base, tier=claimed.tier, reason=reason
        )
        return Descent(unmeasured, (), (gap,))


def weigh(
    files: Sequence[SourceFile], source: str, limits: Limits, k: int | None, seed: Seed = PUBLIC
) -> Fingerprint:
    """The fingerprint of a model's weights, with its tokenizer and templates.

    Args:
        files: all files of the model.
        source: what the fingerprint says it is of.
        limits: what reading headers may cost.
        k: side of the sketches; chosen by the model's size when not given.
        seed: of signs and positions.

    Raises:
        SourceError: the model has no weights that can be read, or they changed meanwhile.
    """
    from modelscan.lineage.fingerprint import fingerprint  # lazy: numpy, for who measures
    from modelscan.lineage.opening import open_weights  # lazy: a scan without a base opens none

    with open_weights(files, limits=limits) as weights:
        return fingerprint(weights, k=k, source=source, seed=seed)


def _measured(
    files: Sequence[SourceFile], facts: Sequence[Fact], ancestry: Ancestry, limits: Limits
) -> Descent:
    from modelscan.lineage.answer import measure  # lazy: numpy, for who measures
    from modelscan.lineage.claims import claims_of  # lazy: with it

    if not ancestry.bases:
        return _alone(files, facts, limits)
    k = max(base.print.k for base in ancestry.bases) or None
    seed = _seed(ancestry)
    if ancestry.samples:
        candidate = _look(files, limits, seed)
    else:
        candidate = weigh(files, "", limits, k, seed)
    claims = claims_of(facts, alone=len(files) == 1)
    found = measure(candidate, ancestry.bases, claims, searched=ancestry.searched)
    if ancestry.deep:
        from modelscan.lineage.deepening import in_depth  # lazy: as above

        found = in_depth(found, candidate, files, limits)
    gaps = [*_unmatched(candidate, found, ancestry), *_gaps(candidate, files, ancestry.bases)]
    return Descent(found.lineage, found.facts, tuple(gaps), found.picture)


def _seed(ancestry: Ancestry) -> Seed:
    """The private seed where a base has it, else the public one: one look serves all bases."""
    own = ancestry.seed
    return own if any(base.print.seed == own.name for base in ancestry.bases) else PUBLIC


def _unmatched(
    candidate: Fingerprint, found: Measured, ancestry: Ancestry
) -> Iterator[Coverage]:
    """Fingerprints of another seed. Only digests could be held against them, which is a gap that
    matters unless they or another base gave an answer.
    """
    needed = found.lineage.status in {"unknown", "unrelated"}
    for base in ancestry.bases:
        if base.print.seed != candidate.seed:
            kind = "a private seed" if base.print.seed != PUBLIC.name else "the public seed"
            reason = f"base {base.label}: its fingerprint has {kind}, only digests were compared"
            hint = "" if base.print.seed == PUBLIC.name else " (name the seed: --seed FILE)"
            yield Coverage(
                file=_WHOLE, status="skipped", needed=needed, reason=NOT_COMPARED + reason + hint
            )


def _alone(files: Sequence[SourceFile], facts: Sequence[Fact], limits: Limits) -> Descent:
    """What the claims say, and what the weights show without a base."""
    from modelscan.lineage.nulls import empty_direction  # lazy: as above
    from modelscan.lineage.opening import open_weights  # lazy: as above
    from modelscan.lineage.picture import verdict_entry  # lazy: as above

    claimed = descends_from(facts)
    with open_weights(files, limits=limits) as weights:
        hint = empty_direction(weights)
    if hint is None:
        return Descent(claimed)
    lineage = Lineage(
        status=claimed.status,
        base=claimed.base,
        tier=claimed.tier,
        reason=f"{claimed.reason}; hint: {hint.text}",
    )
    return Descent(lineage, picture={"base": "nothing", "verdicts": [verdict_entry(hint)]})


def _look(files: Sequence[SourceFile], limits: Limits, seed: Seed) -> Fingerprint:
    """A few values of each tensor."""
    from modelscan.lineage.fingerprint import samples_only  # lazy: as above
    from modelscan.lineage.opening import open_weights  # lazy: as above

    with open_weights(files, limits=limits) as weights:
        return samples_only(weights, seed=seed)


def _gaps(
    candidate: Fingerprint, files: Sequence[SourceFile], bases: Sequence[Base]
) -> list[Coverage]:
    """What was not compared: tensors of the model and of its bases, and copies in other files."""
    from modelscan.lineage.families import families  # lazy: as above

    chosen, *others = families(files)
    found = [
        Coverage(
            file=chosen.files[0],
            member=gap.name[:200],
            status="unsupported",
            needed=True,
            reason=NOT_COMPARED + gap.reason,
        )
        for gap in candidate.skipped
        if gap.needed
    ]
    for base in bases:
        for gap in base.print.skipped:
            if gap.needed:
                reason = f"{NOT_COMPARED}base {base.label}: {gap.name[:200]}: {gap.reason}"
                found.append(
                    Coverage(file=_WHOLE, status="unsupported", needed=True, reason=reason)
                )
    del found[_MOST_GAPS:]
    for other in others:
        reason = f"{NOT_COMPARED}{chosen.name} holds weights as well, and a loader prefers it"
        found += [Coverage(file=name, status="skipped", reason=reason) for name in other.files]
    return found
