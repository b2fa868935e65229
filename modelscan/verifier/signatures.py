"""Who signed the model? Every signature file is looked at, and the worst news wins.

Invariants: a signature that could not be verified is never a pass, and never the same as none: a
broken one is worse than a missing one, and what could not be checked is an error, unless a
signature over all files, this one included, could be. A valid signature by somebody whom the user
does not know is a note, not a fault.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Literal, NamedTuple

import msgspec

from modelscan.verifier import wording
from modelscan.verifier.checksums import Checksums
from modelscan.verifier.freshness import Vote
from modelscan.verifier.kinds import ENDINGS
from modelscan.verifier.signature_files import Signature, Watcher, kind_of, misplaced
from modelscan.verifier.signed import Scope, Verdict
from modelscan.verifier.trust import Trust
from modelscan.verifier.trust_policy import Bound
from modelscan.vocabulary.evidence import Evidence, Signed, SignedStatus
from modelscan.vocabulary.fact import Fact, SignatureCheck, SpecialFile
from modelscan.vocabulary.location import Location
from modelscan.vocabulary.naming import mentioned
from modelscan.vocabulary.result import FileEntry

_MOST_NAMES = 1_000

_STATUS: dict[str, SignedStatus] = {
    "invalid": "invalid-signature",
    "not-checked": "error",
    "valid-trusted": "signed-trusted",
    "valid-untrusted": "signed-untrusted",
    "unknown-key": "signed-untrusted",
}
_ORDER = ("invalid", "not-checked", "valid-trusted", "valid-untrusted", "unknown-key")
"""Outcomes, the one that decides first."""


class _Judged(NamedTuple):
    signing: Signature
    verdict: Verdict


class Signatures:
    """The signatures that come with a model, or that the user named.

    Args:
        signings: the signatures among the model's files.
        trust: who may sign, or what is asked of the signatures of this very model.
        named: signatures in a file that the user named; only they are judged then.
        others: by path, the kind of a signature that is not verified here.
        asked: whether a file is looked at.
        lone: the model is a single file.
        lists: the lists of checksums, which carry the trust of those who signed them.
    """

    name = "signatures"
    answer: Literal["signed"] = "signed"

    def __init__(  # each is one thing that a caller knows
        self,
        signings: Sequence[Signature] = (),
        trust: Trust | Bound | None = None,
        named: Sequence[Signature] = (),
        *,
        others: Mapping[str, str] | None = None,
        asked: Callable[[str], bool] = lambda _: True,
        lone: bool = False,
        lists: Checksums | None = None,
    ) -> None:
        self._inside = tuple(signings)
        self._judged = tuple(named) or self._inside
        self._named = bool(named)
        self._others = others or {}
        self._bound = trust if isinstance(trust, Bound) else Bound(trust or Trust())
        self._asked = asked
        self._lone = lone
        self._lists = lists or Checksums()

    def __bool__(self) -> bool:
        return bool(self._judged)

    def algorithms_for(self, path: str) -> tuple[str, ...]:
        """Algorithms besides SHA-256 that a file's signatures need."""
        if not self._judged:  # nearly every model: 5,000 files cost nothing here
            return ()
        found = {signing.algorithm_for(path) for signing in self._judged}
        return tuple(sorted(found - {"", "sha256"}))

    def watchers(self, path: str, size: int) -> list[Watcher]:
        """What wants to see the bytes of a file go by."""
        found = [signing.watch(path, size) for signing in self._judged]
        return [watcher for watcher in found if watcher is not None]

    def run(self, files: Sequence[FileEntry], facts: Sequence[Fact], claimed: str) -> Evidence:  # noqa: ARG002 - part of the protocol
        """See `Check.run`."""
        sound = [signing for signing in self._inside if not signing.problem]
        bundles = {each.file.sha256 for each in (*sound, *self._judged) if not each.bare}
        scope = Scope(
            files=files,
            specials=[fact.location.file for fact in facts if isinstance(fact, SpecialFile)],
            signatures=frozenset(bundles),
            asked=self._asked,
            lone=self._lone,
        )
        signings = (*self._judged, *(() if self._named else misplaced(scope.specials)))
        judged = [_Judged(item, self._judge(item, scope)) for item in signings]
        others = [] if self._named else list(self._unverified(files))
        stated = tuple(_fact(item) for item in judged) + tuple(
            SignatureCheck(
                location=Location(path), status="declared", outcome="not-checked", method=method
            )
            for path, method in others
        )
        if not stated:
            reason = "no signature file"
            absent = SignatureCheck(status="absent", outcome="unsigned")
            return self._evidence(Signed(status="unsigned", reason=reason), [], (absent,))
        # What nobody can check here, and signs a part alone, is as good as a kind unknown here.
        unsure = [item for item in judged if _is_unsure(item)]
        if len(unsure) < len(judged):
            others += [(item.signing.file.name, item.signing.method) for item in unsure]
            judged = [item for item in judged if not _is_unsure(item)]
        return self._evidence(self._answer(judged, others, scope), judged, stated)

    def _judge(self, signing: Signature, scope: Scope) -> Verdict:
        """A signature's verdict; one by whoever signed the model first is trusted."""
        verdict = signing.judge(scope, self._bound.trust)
        if (
            verdict.outcome != "valid-untrusted"
            or not verdict.whole
            or not self._bound.first_counts
        ):
            return verdict
        pinned = bool(self._bound.pin) and verdict.anchor == self._bound.pin
        if not pinned and not self._bound.pinning:
            return verdict
        first = "who signed it first" if pinned else "written down as its first signer"
        return msgspec.structs.replace(
            verdict, outcome="valid-trusted", note=f"{first}; {verdict.note}"
        )

    def _evidence(
        self, signed: Signed, judged: Sequence[_Judged], stated: Sequence[Fact]
    ) -> Evidence:
        """The answer held against what this model's signatures should be."""
        whole = [item.verdict for item in judged if item.verdict.whole and item.verdict.anchor]
        votes = [
            Vote(v.party, v.anchor, v.outcome == "valid-trusted", v.statement, v.signed)
            for v in whole
        ]
        short = self._bound.shortfall(votes) if signed.status == "signed-trusted" else ""
        if short:
            reason = f"{short}; {signed.reason}"
            signed = msgspec.structs.replace(signed, status="signed-untrusted", reason=reason)
        fresh = self._bound.freshness(votes) if signed.status == "signed-trusted" else None
        # Seen before: somebody replays it. Too old for the user: not what was asked for.
        replayed = False
        if fresh is not None and fresh.outcome == "older":
            replayed = fresh.known_by == "earlier-signature"
            signed = msgspec.structs.replace(
                signed,
                status="invalid-signature" if replayed else "signed-untrusted",
                reason=f"{fresh.note}; {signed.reason}",
            )
        trusted = signed.status == "signed-trusted"
        expected = None if replayed else self._bound.expectation(votes, trusted=trusted)
        if expected is not None and expected.outcome == "changed":
            reason = f"{expected.expected[0]} signed it first, and not now; {signed.reason}"
            signed = msgspec.structs.replace(signed, status="invalid-signature", reason=reason)
        more = [fact for fact in (expected, fresh) if fact is not None]
        return Evidence(signed=signed, facts=(*stated, *more))

    def _unverified(self, files: Sequence[FileEntry]) -> Iterable[tuple[str, str]]:
        """Files that look like signatures, and were not judged: path and kind."""
        known = {signing.file.name for signing in self._inside}
        if not self._others and not mentioned(ENDINGS, [file.path for file in files]):
            return
        for file in files:
            path = file.path
            method = self._others[path] if path in self._others else kind_of(path)
            if method and file.path not in known:
                yield file.path, method

    def _answer(
        self, judged: Sequence[_Judged], others: Sequence[tuple[str, str]], scope: Scope
    ) -> Signed:
        """The one that decides: the worst, then the one that says most."""
        if judged:
            decisive = min(judged, key=lambda item: _rank(item.verdict))
            signing, verdict = decisive
            together = self._together(judged, scope)
            if together is not None and verdict.outcome == "valid-trusted":
                return together
            if not others or verdict.whole or verdict.outcome == "invalid":
                part = _part(decisive)
                return Signed(
                    status="signed-untrusted" if part and verdict.outcome == "valid-trusted"
                    else _STATUS[verdict.outcome],
                    signer=verdict.signer or None,
                    method=signing.method,
                    reason=_reason(decisive, part),
                )  # fmt: skip
        first, rest = others[0][0], len(others) - 1
        what = "a signature is present" if not rest else f"{len(others)} signatures are present"
        which = first if not rest else f"{first} and {rest} more"
        return Signed(
            status="error",
            method=others[0][1],
            reason=f"{what} ({which}: {others[0][1]}), which this version cannot verify",
        )

    def _together(self, judged: Sequence[_Judged], scope: Scope) -> Signed | None:
        """Several signatures over parts, by people who are trusted, that leave no file out."""
        good = [item for item in judged if item.verdict.outcome == "valid-trusted"]
        covered = frozenset[str]().union(*(item.verdict.covers for item in good))
        if not covered or any(item.verdict.whole for item in good) or scope.specials:
            return None
        gone = self._lists.missing(covered, scope.files, scope.asked)
        covered |= self._lists.carried(covered, scope.files)
        bundles = scope.signatures
        own = {item.signing.file.name for item in good}
        needed = [
            file.path
            for file in scope.files
            if file.digests.get("sha256") not in bundles and file.path not in own
        ]
        if not needed or not covered.issuperset(needed):
            return None
        signers = ", ".join(dict.fromkeys(item.verdict.signer for item in good))
        names = wording.names(item.signing.file.name for item in good)
        if gone:
            kinds = (
                "is missing, and a signed list names it",
                "are missing, and a signed list names them",
            )
            changes = wording.changes((*kinds, gone))
            return Signed(
                status="signed-untrusted",
                signer=signers or None,
                method=good[0].signing.method,
                reason=f"{names}: {changes}",
            )
        return Signed(
            status="signed-trusted",
            signer=signers or None,
            method=good[0].signing.method,
            reason=f"{names}: {good[0].verdict.note.partition(';')[0]}; "
            + wording.files(len(needed), "as signed"),
        )


def _is_unsure(item: _Judged) -> bool:
    return item.signing.partial and item.verdict.outcome == "not-checked"


def _rank(verdict: Verdict) -> int:
    return _ORDER.index(verdict.outcome)


def _part(item: _Judged) -> str:
    """What is signed, when that is not the model as a whole."""
    signing, verdict = item
    if not signing.partial:
        return signing.base if verdict.comparison and verdict.comparison.same else ""
    return wording.names(verdict.covers) if verdict.covers else ""


def _reason(item: _Judged, part: str) -> str:
    signing, verdict = item
    if part and verdict.outcome != "invalid":
        return f"only {part} is signed: {verdict.note}"
    return f"{signing.file.name}: {verdict.note}"


def _fact(item: _Judged) -> SignatureCheck:
    signing, verdict = item
    from modelscan.verifier.oms.compare import Comparison  # lazy: hardly a model is signed

    nothing = Comparison((), (), (), (), (), ())
    found = verdict.comparison or nothing
    return SignatureCheck(
        location=Location(signing.file.name),
        outcome=verdict.outcome,
        method=signing.method,
        signer=verdict.signer,
        note=verdict.note,
        part=signing.partial,
        anchor=verdict.anchor,
        root=verdict.root,
        differing=found.differing[:_MOST_NAMES],
        missing=found.missing[:_MOST_NAMES],
        added=found.added[:_MOST_NAMES],
        left_out=found.left_out[:_MOST_NAMES],
        statement=verdict.statement,
        signed=verdict.signed,
    )
