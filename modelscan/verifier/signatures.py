"""Who signed the model? Every signature file is looked at, and the worst news wins.

Invariants: a signature that could not be verified is never a pass, and never the same as none: a
broken one is worse than a missing one, and what could not be checked is an error, unless a
signature over all files, this one included, could be. A valid signature by somebody whom the user
does not know is a note, not a fault.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Literal, NamedTuple

from modelscan.errors import ReadError
from modelscan.verifier.oms.bundle import LIMIT, looks_like_bundle
from modelscan.verifier.oms.compare import Comparison
from modelscan.verifier.oms.shards import ShardDigests
from modelscan.verifier.oms.signing import NAME, Scope, SignatureFile, Signing, Verdict
from modelscan.verifier.trust import Trust
from modelscan.vocabulary.evidence import Evidence, Signed, SignedStatus
from modelscan.vocabulary.fact import Fact, SignatureCheck, SpecialFile
from modelscan.vocabulary.location import Location
from modelscan.vocabulary.result import FileEntry
from modelscan.vocabulary.snapshot import SourceFile

_METHODS = (
    (".sigstore.json", "sigstore bundle"),
    (".sigstore", "sigstore bundle"),
    (".minisig", "minisign"),
    (".asc", "OpenPGP"),
    (".p7s", "PKCS #7"),
    (".sig", "detached signature"),
)
"""Endings of signature files, and what they usually hold."""
_ENDINGS = tuple(ending for ending, _ in _METHODS)
_MODEL_SIGNING = "model.sig"
"""The name that OpenSSF Model Signing v1.0 gives its bundle."""
_DETACHED = b'"messageSignature"'
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
    signing: Signing
    verdict: Verdict


class Signatures:
    """The signatures that come with a model, or that the user named.

    Args:
        signings: the bundles among the model's files.
        trust: who may sign.
        named: a signature that the user named; only it is judged then.
        asked: whether a file is looked at.
        lone: the model is a single file.
    """

    name = "signatures"
    answer: Literal["signed"] = "signed"

    def __init__(
        self,
        signings: Sequence[Signing] = (),
        trust: Trust | None = None,
        named: Signing | None = None,
        *,
        asked: Callable[[str], bool] = lambda _: True,
        lone: bool = False,
    ) -> None:
        self._inside = tuple(signings)
        self._judged = (named,) if named else self._inside
        self._named = named is not None
        self._trust = trust or Trust()
        self._asked = asked
        self._lone = lone

    def algorithms_for(self, path: str) -> tuple[str, ...]:
        """Algorithms besides SHA-256 that a file's signatures need."""
        if not self._judged:  # nearly every model: 5,000 files cost nothing here
            return ()
        found = {signing.algorithm_for(path) for signing in self._judged}
        return tuple(sorted(found - {"", "sha256"}))

    def watchers(self, path: str, size: int) -> list[ShardDigests]:
        """What wants to see the bytes of a file go by."""
        found = [signing.watch(path, size) for signing in self._judged]
        return [watcher for watcher in found if watcher is not None]

    def run(self, files: Sequence[FileEntry], facts: Sequence[Fact], claimed: str) -> Evidence:  # noqa: ARG002 - part of the protocol
        """See `Check.run`."""
        sound = [signing for signing in self._inside if not signing.problem]
        bundles = {signing.file.sha256 for signing in (*sound, *self._judged)}
        scope = Scope(
            files=files,
            specials=[fact.location.file for fact in facts if isinstance(fact, SpecialFile)],
            signatures=frozenset(bundles),
            asked=self._asked,
            lone=self._lone,
        )
        judged = [_Judged(item, item.judge(scope, self._trust)) for item in self._judged]
        others = [] if self._named else list(_others(files, self._inside))
        stated = tuple(_fact(item) for item in judged) + tuple(
            SignatureCheck(
                location=Location(path), status="declared", outcome="not-checked", method=method
            )
            for path, method in others
        )
        if not stated:
            reason = "no signature file"
            return Evidence(
                signed=Signed(status="unsigned", reason=reason),
                facts=(SignatureCheck(status="absent", outcome="unsigned"),),
            )
        return Evidence(signed=_answer(judged, others), facts=stated)


def find_signings(files: Iterable[SourceFile]) -> list[Signing]:
    """The model signatures among a model's files: only files named like signatures are opened."""
    found = []
    for file in files:
        if not file.name.lower().endswith(_ENDINGS) or not file.size:
            continue
        try:
            with file.open() as artifact:
                data = artifact.read_at(0, LIMIT + 1)
        except ReadError:
            continue  # it is met again in the pass over all files, which records it
        if not looks_like_bundle(data) or _DETACHED in data:
            continue
        signing = Signing.of(SignatureFile(file.name, data, inside=True))
        # A statement about how a model was built is not checked here, and no broken signature;
        # under the name of a model's signature it is one.
        if not signing.foreign or _base_name(file.name) == _MODEL_SIGNING:
            found.append(signing)
    return found


def _others(files: Sequence[FileEntry], signings: Sequence[Signing]) -> Iterable[tuple[str, str]]:
    """Files that look like signatures, and were not judged: path and kind."""
    known = {signing.file.name for signing in signings}
    for file in files:
        method = _method(file.path)
        if method and file.path not in known:
            yield file.path, method


def _method(path: str) -> str:
    lowered = path.lower()
    if not lowered.endswith(_ENDINGS):
        return ""
    if _base_name(lowered) == _MODEL_SIGNING:
        return NAME
    return next(method for ending, method in _METHODS if lowered.endswith(ending))


def _base_name(path: str) -> str:
    return path.rsplit("/", 1)[-1].lower()


def _answer(judged: Sequence[_Judged], others: Sequence[tuple[str, str]]) -> Signed:
    """The one that decides: the worst, then the one that says most."""
    if judged:
        decisive = min(judged, key=lambda item: _rank(item.verdict))
        signing, verdict = decisive
        if not others or verdict.whole or verdict.outcome == "invalid":
            return Signed(
                status="signed-untrusted" if signing.base and verdict.outcome == "valid-trusted"
                else _STATUS[verdict.outcome],
                signer=verdict.signer or None,
                method=signing.method,
                reason=_reason(signing, verdict),
            )  # fmt: skip
    first, rest = others[0][0], len(others) - 1
    what = "a signature is present" if not rest else f"{len(others)} signatures are present"
    which = first if not rest else f"{first} and {rest} more"
    return Signed(
        status="error",
        method=others[0][1],
        reason=f"{what} ({which}), which this version cannot verify",
    )


def _rank(verdict: Verdict) -> int:
    return _ORDER.index(verdict.outcome)


def _reason(signing: Signing, verdict: Verdict) -> str:
    if signing.base and verdict.outcome != "invalid":
        return f"only {signing.base} is signed: {verdict.note}"
    return f"{signing.file.name}: {verdict.note}"


def _fact(item: _Judged) -> SignatureCheck:
    signing, verdict = item
    nothing = Comparison((), (), (), (), (), ())
    found = verdict.comparison or nothing
    return SignatureCheck(
        location=Location(signing.file.name),
        outcome=verdict.outcome,
        method=signing.method,
        signer=verdict.signer,
        note=verdict.note,
        root=verdict.root,
        differing=found.differing[:_MOST_NAMES],
        missing=found.missing[:_MOST_NAMES],
        added=found.added[:_MOST_NAMES],
        left_out=found.left_out[:_MOST_NAMES],
    )
