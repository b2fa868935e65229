"""The step of a scan that says what a model descends from.

Without a base to compare with, the model's own claims are repeated as claims, and no weight is
read. With one, the weights are read a second time (the first pass hashed them; a file that changed
in between is a gap): their values are digested, sketched and compared. With a library alone, a few
values of each tensor are looked at.

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
from modelscan.vocabulary.fact import Fact, TensorHeader
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
    try:
        if not ancestry.bases and not ancestry.alone:
            return _known(files, facts, limits, claimed)
        if ancestry.glance:
            from modelscan.lineage.searching import search  # lazy: for who has a library

            return Descent(*search(files, facts, ancestry, limits, claimed))
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


def _known(
    files: Sequence[SourceFile], facts: Sequence[Fact], limits: Limits, claimed: Lineage
) -> Descent:
    """What is claimed, and which of the models that come with this tool it resembles."""
    if not any(isinstance(fact, TensorHeader) for fact in facts):
        return Descent(claimed)
    from modelscan.lineage.shipped import alike  # lazy: for who scans weights

    found = alike(facts)
    if not found:
        return Descent(claimed)
    from modelscan.lineage.searching import recognised  # lazy: for what resembles a known model

    bases = tuple(each.base() for each in found)
    return Descent(*recognised(files, facts, bases, limits, claimed))


def weigh(
    files: Sequence[SourceFile],
    source: str,
    limits: Limits,
    k: int | None,
    seed: Seed = PUBLIC,
    bases: Sequence[Base] = (),
) -> Fingerprint:
    """The fingerprint of a model's weights, with its tokenizer and templates.

    Args:
        files: all files of the model.
        source: what the fingerprint says it is of.
        limits: what reading headers may cost.
        k: side of the sketches; chosen by the model's size when not given.
        seed: of signs and positions.
        bases: what alone it will be compared with: digests that could match none of them are not
            computed.

    Raises:
        SourceError: the model has no weights that can be read, or they changed meanwhile.
    """
    from modelscan.lineage.fingerprint import CASTS, fingerprint  # lazy: numpy, for who measures
    from modelscan.lineage.opening import open_weights  # lazy: a scan without a base opens none

    with open_weights(files, limits=limits) as weights:
        casts = _held(bases) if bases else CASTS
        return fingerprint(weights, k=k, source=source, seed=seed, casts=casts)


def _held(bases: Sequence[Base]) -> set[str]:
    """The types that hold all values of some matrix of a base: what it may be a cast to."""
    matrices = [
        tensor
        for base in bases
        for tensor in base.print.tensors.values()
        if len(tensor.shape) > 1 and tensor.digest
    ]
    held = set()
    if any(not each.bf16 for each in matrices):
        held.add("bf16")
    if any(not each.f16 for each in matrices):
        held.add("f16")
    return held


def _measured(
    files: Sequence[SourceFile], facts: Sequence[Fact], ancestry: Ancestry, limits: Limits
) -> Descent:
    from modelscan.lineage.answer import measure  # lazy: numpy, for who measures
    from modelscan.lineage.claims import claims_of  # lazy: with it

    if not ancestry.bases:
        return _alone(files, facts, limits)
    k = max(base.print.k for base in ancestry.bases) or None
    seed = ancestry.chosen_seed
    if ancestry.samples:
        candidate = _look(files, limits, seed)
    else:
        candidate = weigh(files, "", limits, k, seed, ancestry.bases)
    claims = claims_of(facts, alone=len(files) == 1)
    found = measure(candidate, ancestry.bases, claims, searched=ancestry.searched)
    if ancestry.deep:
        from modelscan.lineage.deepening import in_depth  # lazy: as above

        found = in_depth(found, candidate, files, limits, ancestry.directions)
    gaps = [
        *_undirected(found, ancestry),
        *_unmatched(candidate, found, ancestry),
        *_gaps(candidate, files, ancestry.bases),
    ]
    return Descent(found.lineage, found.facts, tuple(gaps), found.picture)


def _undirected(found: Measured, ancestry: Ancestry) -> Iterator[Coverage]:
    """Directions that were asked for, and that there are none of."""
    if ancestry.directions is not None and not found.picture.get("deep", {}).get("directions"):
        reason = f"{NOT_COMPARED}no directions were written: {found.lineage.status}"
        yield Coverage(file=_WHOLE, status="skipped", needed=False, reason=reason)


def _unmatched(candidate: Fingerprint, found: Measured, ancestry: Ancestry) -> Iterator[Coverage]:
    """Fingerprints of another seed, against which only digests could be held.

    That is a gap that matters unless those or another base gave an answer.
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
