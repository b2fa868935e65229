"""The answer of a default scan that has a library: claims, and a look at a few values.

Invariants: no weight is hashed or decomposed here, and numpy is not imported; nothing found is no
answer, since disguised copies look like strangers to a few values; a hint never replaces what the
model's own files claim, it stands beside it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final, NamedTuple

import msgspec

from modelscan.budget import Limits
from modelscan.errors import ModelAssayError
from modelscan.lineage import limits as limitations
from modelscan.lineage.asked import Ancestry, Base
from modelscan.lineage.claims import Claims, claims_of, identity_of, listed, standing
from modelscan.lineage.families import families
from modelscan.lineage.fingerprint import samples_only
from modelscan.lineage.glance import HINTED, RELATED, Glance, glances
from modelscan.lineage.opening import open_weights
from modelscan.lineage.safetensors_weights import header_digests
from modelscan.lineage.verdict import published
from modelscan.vocabulary.ancestry import Lineage, Relation, Tier
from modelscan.vocabulary.coverage import Coverage
from modelscan.vocabulary.fact import Fact, LineageComparison
from modelscan.vocabulary.snapshot import SourceFile

CLOSE: Final = 0.98
"""Correlation of a fine-tune; models with a common ancestor have less after long training."""
NOT_SEARCHED: Final = "not held against the library of fingerprints: "
_WHOLE: Final = "."


class Searched(NamedTuple):
    """What a library adds to the answer."""

    lineage: Lineage
    facts: tuple[Fact, ...] = ()
    coverage: tuple[Coverage, ...] = ()
    picture: dict[str, Any] = {}  # noqa: RUF012  # never changed: an empty picture


def search(
    files: Sequence[SourceFile],
    facts: Sequence[Fact],
    ancestry: Ancestry,
    limits: Limits,
    claimed: Lineage,
) -> Searched:
    """Hold a model against a library.

    Args:
        files: all files of the model.
        facts: what its readers stated.
        ancestry: its bases are the library.
        limits: what reading the headers of the weights may cost.
        claimed: what is answered without a library.
    """
    if claimed.tier == "proved" or not families(files):
        return Searched(claimed)  # the digests of its files say which release it is
    if any(file.access == "ranges" for file in files):
        reason = NOT_SEARCHED + "it is far away: `lineage --samples-only` fetches a few values"
        return Searched(claimed, (), (_gap(reason),))
    try:
        with open_weights(files, limits=limits) as weights:
            candidate = samples_only(weights, seed=ancestry.chosen_seed)
            headers = header_digests(weights)
    except ModelAssayError as error:  # what cannot be read, the pass over all files has said
        return Searched(claimed, (), (_gap(NOT_SEARCHED + error.message),))
    found = glances(candidate, ancestry.bases)
    claims = claims_of(facts, alone=len(files) == 1)
    known = published(facts)
    if found and found[0].alike and _release(found[0].base) == known.base:
        return Searched(known)  # the values are the base's, and the bytes its release's
    lineage = _answer(found, claims, claimed, len(ancestry.bases))
    if (not found or found[0].correlation < HINTED) and (
        text := _same_header(headers, ancestry.bases)
    ):
        lineage = _beside(lineage, text)
    picture = _picture(found) if found and found[0].correlation >= HINTED else {}
    return Searched(lineage, tuple(_facts(found, claims)), (), picture)


def recognised(
    files: Sequence[SourceFile],
    facts: Sequence[Fact],
    bases: Sequence[Base],
    limits: Limits,
    claimed: Lineage,
) -> Searched:
    """Hold a model that nobody asked about against the fingerprints that come with this tool.

    What its files claim stays the answer, since a sibling resembles the base as well; what is seen
    is said beside it. Without a claim, a resemblance beyond doubt is the answer.

    Args:
        files: all files of the model.
        facts: what its readers stated.
        bases: those that are worth a look.
        limits: what reading the headers of the weights may cost.
        claimed: what is answered without them.
    """
    far = any(file.access == "ranges" for file in files)
    if claimed.tier == "proved" or far or not families(files) or published(facts).base:
        return Searched(claimed)
    try:
        with open_weights(files, limits=limits) as weights:
            candidate = samples_only(weights)
            headers = header_digests(weights)
    except ModelAssayError:  # what cannot be read, the pass over all files has said
        return Searched(claimed)
    found = glances(candidate, bases)
    if not found or found[0].correlation < HINTED:
        text = _same_header(headers, bases)
        return Searched(_beside(claimed, text) if text else claimed)
    best = found[0]
    close = best.alike or best.correlation >= CLOSE
    if claimed.status != "unknown" or not close:
        kin = "" if close else "; either may descend from the other, or both from a third"
        model = best.base.label.partition("@")[0]
        text = f"hint: sampled values look like those of {model}{kin}"
        return Searched(_beside(claimed, text), picture=_picture(found))
    return Searched(_answer(found, claims_of(facts), claimed, 1), picture=_picture(found))


def _release(base: Base) -> str:
    """The release that a manifest says the base's fingerprint is of; empty for none."""
    return base.authority.release if base.authority else ""


def _gap(reason: str) -> Coverage:
    return Coverage(file=_WHOLE, status="skipped", needed=False, reason=reason)


def _answer(found: Sequence[Glance], claims: Claims, claimed: Lineage, count: int) -> Lineage:
    if not found or found[0].correlation < HINTED:
        return _beside(claimed, _nothing(found, claims, count))
    best = found[0]
    relation, tier = _conclusion(best)
    text = f"{tier}: {_words(best)}; `lineage --base` measures what changed"
    if best.base.authority:
        text += f"; {best.base.authority.words}"
    if tier == "hint" and claimed.status != "unknown":
        return _beside(claimed, text)
    if claims.names:
        text += f"; the files claim {listed(claims.names)}"
    return Lineage(status=relation, base=best.base.label, tier=tier, reason=text)


def _beside(claimed: Lineage, text: str) -> Lineage:
    """The claim, and what was seen besides."""
    reason = f"{claimed.reason}; {text}"
    return Lineage(status=claimed.status, base=claimed.base, tier=claimed.tier, reason=reason)


def _conclusion(best: Glance) -> tuple[Relation, Tier]:
    if best.alike:
        return ("cast" if best.cast else "identical"), "hint"
    return "derived", "measured" if best.correlation >= RELATED else "hint"


def _words(best: Glance) -> str:
    if best.alike:
        how = f", rounded to {best.cast}" if best.cast else ""
        return f"all {best.values:,} sampled values are the base's{how}, which proves nothing yet"
    return (
        f"sampled values of {best.matrices:,} matrices correlate with the base's by "
        f"{best.correlation:.3f}, {best.equal / best.values:.0%} of {best.values:,} are equal"
    )


def _same_header(headers: tuple[str, ...], bases: Sequence[Base]) -> str:
    """A hint at the base whose files have the very headers of the model's; empty for none."""
    for base in bases:
        if headers and headers == base.print.headers:
            return (
                f"hint: its header is that of {base.label}, the same tensors in the same places, "
                "and its sampled values are others"
            )
    return ""


def _nothing(found: Sequence[Glance], claims: Claims, count: int) -> str:
    """Nothing alike: of what, and whether the claimed base is among it."""
    for each in found:
        if _names(claims, each.base):
            return (
                f"hint: sampled values do not resemble those of {each.base.label} "
                f"({each.correlation:.2f}); `lineage --base` measures it"
            )
    known = "1 fingerprint" if count == 1 else f"{count:,} fingerprints"
    return f"nothing alike among {known}, by a few values"


def _names(claims: Claims, base: Base) -> bool:
    return standing(claims, _identity(base), base.label) == "this-base"


def _identity(base: Base) -> str:
    return base.identity or identity_of(base.print.source)


def _facts(found: Sequence[Glance], claims: Claims) -> Iterator[Fact]:
    if not found or found[0].correlation < HINTED:
        return
    best = found[0]
    relation, tier = _conclusion(best)
    yield LineageComparison(
        status="inferred",
        relation=relation,
        tier=tier,
        base=best.base.label,
        summary=_words(best),
        claims=standing(claims, _identity(best.base), best.base.label),
        claimed=listed(claims.names),
        claimed_relation=claims.relation,
        announced=claims.unguarded,
    )


def _picture(found: Sequence[Glance]) -> dict[str, Any]:
    best = found[0]
    relation, tier = _conclusion(best)
    shown: dict[str, Any] = {
        "base": best.base.label,
        "verdicts": [
            {
                "relation": relation,
                "tier": tier,
                "text": _words(best),
                "limits": limitations.SAMPLES,
            }
        ],
        "compared_by": "samples",
        "resemblance": round(best.correlation, 4),
    }
    if best.base.authority is not None:
        shown["fingerprint_of"] = msgspec.structs.asdict(best.base.authority)
    return shown
