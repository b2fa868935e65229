"""One signature of a model, from its file to its verdict.

In two steps, because every byte of the model is read once: `Signing.of` reads the bundle before the
pass over the files, so that the digests which it needs are taken in that pass; `judge` holds the
result against it. A bundle's own file is hashed in the pass like any other, and must turn out to be
what was read before.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from modelscan.verifier import wording
from modelscan.verifier.hashing import available
from modelscan.verifier.kinds import MODEL_SIGNING
from modelscan.verifier.oms.bundle import Bundle, parse_bundle
from modelscan.verifier.oms.compare import Comparison, compare
from modelscan.verifier.oms.failures import BrokenSignatureError, UncheckableError
from modelscan.verifier.oms.methods import authenticate
from modelscan.verifier.oms.shards import ShardDigests
from modelscan.verifier.oms.statement import (
    PREDICATE_TYPE,
    WHOLE,
    Statement,
    parse_statement,
    predicate_type,
    stamp,
)
from modelscan.verifier.signed import NAME, Outcome, Scope, SignatureFile, Verdict
from modelscan.verifier.trust import Trust
from modelscan.vocabulary.result import FileEntry

_CLOCKS_DIFFER = timedelta(days=1)


class Signing:
    """A bundle that is a model's signature, or should be one."""

    def __init__(
        self,
        file: SignatureFile,
        bundle: Bundle | None,
        statement: Statement | None,
        problem: str,
        *,
        foreign: bool = False,
    ) -> None:
        self.file = file
        self.base = file.name.rpartition("/")[0] + "/" if file.inside and "/" in file.name else ""
        """The signed folder, with its slash; empty for the model's root."""
        self.partial = False
        """It is about all files of its folder: one that it does not list was added."""
        self.bare = False
        self.problem = problem
        """Why it is broken; empty when its shape is right."""
        self.foreign = foreign
        """True for a sound envelope around a statement that is no list of a model's files."""
        self._bundle = bundle
        self._statement = statement
        self._shards: dict[str, ShardDigests] = {}
        self._namesakes: dict[str, list[str]] | None = None

    @classmethod
    def of(cls, file: SignatureFile) -> Signing:
        """Read a bundle. A broken one is a signing, too: it will be judged as that."""
        bundle, foreign = None, False
        try:
            bundle = parse_bundle(file.data)
            foreign = predicate_type(bundle.payload) != PREDICATE_TYPE
            return cls(file, bundle, parse_statement(bundle.payload), "")
        except BrokenSignatureError as error:
            return cls(file, bundle, None, error.message, foreign=foreign)

    @classmethod
    def broken(cls, file: SignatureFile, problem: str) -> Signing:
        """One that cannot be a bundle, whatever it holds."""
        return cls(file, None, None, problem)

    @property
    def method(self) -> str:
        """What reports call it."""
        return f"{NAME} ({self._bundle.method})" if self._bundle else NAME

    def algorithm_for(self, path: str) -> str:
        """The algorithm whose digest of a whole file is needed; empty when none is."""
        statement = self._statement
        if statement is None or statement.sharded or not path.startswith(self.base):
            return ""
        return statement.algorithm if available(statement.algorithm) else ""

    def watch(self, path: str, size: int) -> ShardDigests | None:
        """What wants to see the bytes of a file go by; `None` when nothing has to.

        A file of another length than the signed one differs without being looked at.
        """
        statement = self._statement
        if statement is None or not statement.sharded or not available(statement.algorithm):
            return None
        name = path.removeprefix(self.base)
        listed = statement.files.get(name) or statement.files.get(WHOLE)
        if listed is None:
            namesakes = self._named(statement).get(name, [])
            listed = statement.files[namesakes[0]] if len(namesakes) == 1 else None
        if listed is None or not path.startswith(self.base) or listed.ends[-1] != size:
            return None
        self._shards[name] = ShardDigests(statement.algorithm, listed.ends)
        return self._shards[name]

    def _named(self, statement: Statement) -> dict[str, list[str]]:
        """The listed paths by their base names: asked for each file that is not listed."""
        if self._namesakes is None:
            self._namesakes = {}
            for path in statement.files:
                self._namesakes.setdefault(path.rsplit("/", 1)[-1], []).append(path)
        return self._namesakes

    def judge(self, scope: Scope, trust: Trust) -> Verdict:
        """Hold the signature against the model and against the user's trust.

        Raises:
            UsageError: what the user named cannot be used.
        """
        bundle, statement = self._bundle, self._statement
        if bundle is None or statement is None:
            return Verdict("invalid", self.problem)
        if not available(statement.algorithm):
            return Verdict("not-checked", f"{statement.algorithm} needs the extra of that name")
        changed = self._changed(scope)
        if changed:
            return Verdict("not-checked", changed)
        try:
            authority = authenticate(bundle, trust)
        except BrokenSignatureError as error:
            return Verdict("invalid", error.message)
        except UncheckableError as error:
            return Verdict("not-checked", error.message)
        found = self._compare(statement, scope)
        if self._about_another_model(found):
            note = f"{authority.reason}; none of the files that it lists is here"
            anybody: Outcome = "valid-untrusted" if authority.checked else "unknown-key"
            return Verdict(anybody, note, authority.signer, authority.root)
        outcome, note = _outcome(found, checked=authority.checked, trusted=authority.trusted)
        note = f"{authority.reason}; {note}" if note else authority.reason
        covered = found.same if authority.trusted and not found.broken else ()
        return Verdict(
            outcome,
            note,
            authority.signer,
            authority.root,
            found,
            whole=found.whole and not self.base,
            anchor=authority.anchor,
            party=authority.party,
            covers=frozenset(self.base + path for path in covered),
            statement=statement.identity,
            signed=authority.signed or _believable(statement.signed, trust),
        )

    def _about_another_model(self, found: Comparison) -> bool:
        """A bundle that lies around, as an example or a test.

        One that is named as this model's signature is about this model, and so is one that lists a
        file which is here.
        """
        named = self.file.name.rsplit("/", 1)[-1].lower() == MODEL_SIGNING
        inside = self.file.inside and not named
        return (
            inside and bool(found.missing) and not (found.same or found.differing or found.unread)
        )

    def _changed(self, scope: Scope) -> str:
        if not self.file.inside:
            return ""
        own = scope.present.get(self.file.name)
        if own is not None and own.digests.get("sha256") != self.file.sha256:
            return "the signature changed while the model was being read"
        return ""

    def _compare(self, statement: Statement, scope: Scope) -> Comparison:
        base = self.base
        inside = [
            FileEntry(
                path=file.path.removeprefix(base),
                size=file.size,
                digests=file.digests,
                format=file.format,
            )
            for file in scope.files
            if file.path.startswith(base)
            and (
                file.digests.get("sha256") not in scope.signatures
                or file.path.removeprefix(base) in statement.files
            )
        ]
        return compare(
            statement,
            inside,
            self._shards_of,
            specials=[p.removeprefix(base) for p in scope.specials if p.startswith(base)],
            asked=lambda path: scope.asked(base + path),
            lone=scope.lone,
        )

    def _shards_of(self, path: str) -> tuple[str, ...] | None:
        found = self._shards.get(path)
        return found.result() if found else None


def _believable(said: str, trust: Trust) -> str:
    """A signer's own time of signing, unless it lies ahead: then it would outdate what follows."""
    latest = (trust.now or datetime.now(UTC)) + _CLOCKS_DIFFER
    return said if said <= stamp(latest) else ""


def _outcome(found: Comparison, *, checked: bool, trusted: bool) -> tuple[Outcome, str]:
    """The outcome of a signature that fits, and what to say of the files."""
    note = describe(found)
    if found.broken:
        return "invalid", note
    if found.unread:
        return "not-checked", note
    if not checked:
        return "unknown-key", note
    # What the signer left out is not signed, however much the signer is trusted.
    return "valid-trusted" if trusted and found.whole else "valid-untrusted", note


def describe(found: Comparison) -> str:
    """Every file that is not as it was signed, and how; else how many are."""
    changes = wording.changes(
        ("differs", "differ", found.differing),
        ("is missing", "are missing", found.missing),
        ("is not signed", "are not signed", found.added),
        ("could not be read", "could not be read", found.unread),
        ("was left out by the signer", "were left out by the signer", found.left_out),
    )
    if found.broken:
        return changes
    signed = wording.files(len(found.same), "as signed")
    return f"{signed}; {changes}" if changes else signed
