"""One detached signature or provenance statement, from its file to its verdict.

A bundle over the bytes of one file signs the file that it is named after; a statement signs the
files whose digests it states. Neither says anything of the other files, so that only several
together may cover a model. Sources: Sigstore bundle format v0.3, in-toto Statement v1, and the
JSON Lines form in which SLSA's generators publish bare envelopes.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from modelscan.verifier import wording
from modelscan.verifier.attested.statement import AnyStatement, Subject, parse_any
from modelscan.verifier.dsse import parse_envelope
from modelscan.verifier.oms.authority import Authority
from modelscan.verifier.oms.bundle import (
    Bundle,
    Message,
    SignedBundle,
    looks_like_bundle,
    parse_signed,
)
from modelscan.verifier.oms.compare import Comparison
from modelscan.verifier.oms.curves import allowed_key
from modelscan.verifier.oms.failures import BrokenSignatureError, UncheckableError
from modelscan.verifier.oms.methods import authenticate
from modelscan.verifier.oms.shape import document
from modelscan.verifier.release import COMPARED
from modelscan.verifier.signed import LIMIT, Scope, SignatureFile, Verdict
from modelscan.verifier.trust import Trust

_ENDINGS = (".sigstore.json", ".sigstore", ".intoto.jsonl", ".intoto.json", ".jsonl", ".sig")
_MOST_LINES = 1_000


class Attestation:
    """A signature over some files of a model. Made by `attestations_in`.

    Args:
        file: where it stands.
        content: what is signed; `None` when it is broken.
        statement: the statement inside, for a bundle that holds one.
        problem: why it is broken.
        uncheckable: why nobody can check it here.
    """

    def __init__(
        self,
        file: SignatureFile,
        content: SignedBundle | None,
        statement: AnyStatement | None = None,
        problem: str = "",
        uncheckable: str = "",
    ) -> None:
        self.file = file
        self.base = file.name.rpartition("/")[0] + "/" if file.inside and "/" in file.name else ""
        self.problem = problem
        self.partial = True
        """It says nothing of the files that it does not cover."""
        self.bare = False
        self._content = content
        self.statement = statement
        """What is stated; `None` for a signature over a file, and for a broken one."""
        self._uncheckable = uncheckable
        subjects = statement.subjects if statement else ()
        wanted = {next(iter(subject.digests), "") for subject in subjects}
        self._algorithm = next((name for name in COMPARED[1:] if name in wanted), "")

    @property
    def method(self) -> str:
        """What reports call it."""
        if self._content is None:
            return "detached signature"
        kind = "sigstore bundle"
        if self.statement is not None:
            kind = self.statement.origin or "in-toto statement"
        return f"{kind} ({self._content.method})"

    def algorithm_for(self, path: str) -> str:
        """The algorithm whose digest of a file is needed; empty when SHA-256 will do."""
        if isinstance(self._content, Message):
            return self._content.algorithm
        if self.statement is None or not path.startswith(self.base):
            return ""
        return self._algorithm

    def watch(self, path: str, size: int) -> None:  # noqa: ARG002 - part of what signatures share
        """Nothing but whole files is signed in this way."""
        return

    def judge(self, scope: Scope, trust: Trust) -> Verdict:
        """Hold it against the model and against the user's trust.

        Raises:
            UsageError: what the user named cannot be used.
        """
        if self._content is None:
            return Verdict("invalid", self.problem)
        found = self._compare(scope)
        if found.broken and not self.statement:
            return Verdict("invalid", _says(found), comparison=found)
        try:
            authority = self.authenticate(trust)
        except BrokenSignatureError as error:
            return Verdict("invalid", error.message, comparison=found)
        except UncheckableError as error:
            return Verdict("not-checked", error.message, comparison=found)
        note = f"{self._what()}{authority.reason}; {_says(found)}"
        if found.differing:
            return Verdict("invalid", _says(found), authority.signer, authority.root, found)
        if found.unread and not found.same:
            return Verdict("not-checked", note, authority.signer, authority.root, found)
        if not authority.checked:
            return Verdict("unknown-key", note, authority.signer, authority.root, found)
        silent = self.statement is not None and not self.statement.origin
        good = authority.trusted and found.same and not found.missing and not silent
        return Verdict(
            "valid-trusted" if good else "valid-untrusted",
            note,
            authority.signer,
            authority.root,
            found,
            anchor=authority.anchor,
            party=authority.party,
            covers=frozenset(found.same) if good else frozenset(),
        )

    def authenticate(self, trust: Trust) -> Authority:
        """Who signed it.

        Raises:
            BrokenSignatureError: its signature does not fit, or it is broken.
            UncheckableError: nobody can say here.
            UsageError: what the user named cannot be used.
        """
        if self._content is None:
            raise BrokenSignatureError(self.problem)
        self._check_key(self._content)
        return authenticate(self._content, trust)

    def _what(self) -> str:
        """What a statement is, before the reason; nothing for a signature over a file."""
        if self.statement is None:
            return ""
        if not self.statement.origin:
            return f"a statement of the kind {self.statement.kind}, which is not about origin; "
        return f"built by {self.statement.builder}; " if self.statement.builder else ""

    def _check_key(self, content: SignedBundle) -> None:
        """A key that cannot be used here makes no broken signature.

        Raises:
            UncheckableError: it is of such a kind.
        """
        from modelscan.verifier.oms.certificate import load_certificate  # lazy: rarely needed

        if self._uncheckable:
            raise UncheckableError(self._uncheckable)
        if content.certificates:
            leaf = load_certificate(content.certificates[0])
            if allowed_key(leaf.public_key()) is None:
                raise UncheckableError("a key that is not P-256, P-384 or P-521")

    def _compare(self, scope: Scope) -> Comparison:
        if isinstance(self._content, Message):
            return _compare_message(self._content, self._target(scope), scope)
        subjects = self.statement.subjects if self.statement else ()
        return _compare_subjects(subjects, self.base, self.file.name, scope)

    def _target(self, scope: Scope) -> str:
        """The path of the file that a detached signature is for."""
        files = scope.present
        if scope.lone and len(files) == 1:
            return next(iter(files))
        lowered = self.file.name.lower()
        ending = next((end for end in _ENDINGS if lowered.endswith(end)), "")
        path = self.file.name[: len(self.file.name) - len(ending)] if ending else self.file.name
        message = self._content
        if path in files or self.file.inside or not isinstance(message, Message):
            return path
        # A signature from elsewhere, named by the user: the file with that digest is meant.
        same = scope.by_digest.get((message.algorithm, message.digest))
        return same[0] if same else path


def attestations_in(file: SignatureFile) -> tuple[Attestation, ...]:
    """The signatures in a file: a bundle, a bare envelope, or one of these on each line."""
    try:
        return tuple(_of(file, line) for line in _documents(file.data))
    except BrokenSignatureError as error:
        return (Attestation(file, None, problem=error.message),)


def looks_like_attestation(data: bytes) -> bool:
    """True for bytes that claim to be a bundle or an envelope, broken ones included."""
    if looks_like_bundle(data):
        return True
    return data[:64].lstrip().startswith(b"{") and b'"payloadType"' in data


def _documents(data: bytes) -> Iterator[bytes]:
    if len(data) > LIMIT:
        raise BrokenSignatureError(f"a signature of {len(data):,} bytes")
    lines = [line for line in data.split(b"\n") if line.strip()]
    whole = len(lines) < 2 or not all(line.lstrip().startswith(b"{") for line in lines)  # noqa: PLR2004 - one is no list
    if whole:
        yield data
        return
    if len(lines) > _MOST_LINES:
        raise BrokenSignatureError(f"{len(lines):,} statements in one file")
    yield from lines


def _of(file: SignatureFile, data: bytes) -> Attestation:
    try:
        content, uncheckable = _content(data)
        statement = parse_any(content.payload) if isinstance(content, Bundle) else None
    except BrokenSignatureError as error:
        return Attestation(file, None, problem=error.message)
    return Attestation(file, content, statement, uncheckable=uncheckable)


def _content(data: bytes) -> tuple[SignedBundle, str]:
    """What is signed, and why it cannot be checked when that is so."""
    if looks_like_bundle(data):
        return parse_signed(data), ""
    root: dict[str, Any] = document(data, "the envelope")
    found = parse_envelope(root, alone=True)
    bundle = Bundle("key", found.keyid, (), found.payload, found.signature, data)
    if found.certificate:
        return bundle, "a certificate without the log entry that says when it was used"
    return bundle, ""


def _compare_message(message: Message, target: str, scope: Scope) -> Comparison:
    file = scope.present.get(target)
    if file is None:
        missing = (target,) if scope.asked(target) else ()
        return Comparison((), (), missing, (), (), () if missing else (target,))
    if not file.digests:
        return Comparison((), (), (), (), (), (target,))
    if file.digests.get(message.algorithm) == message.digest:
        return Comparison((target,), (), (), (), (), ())
    return Comparison((), (target,), (), (), (), ())


def _compare_subjects(
    subjects: tuple[Subject, ...], base: str, own: str, scope: Scope
) -> Comparison:
    """Which files a statement is about: those with a stated digest, under whatever name.

    Args:
        subjects: what is stated.
        base: the folder that it is about, with its slash.
        own: the file that the statement stands in, which it cannot be about.
        scope: the model's files.
    """
    same: dict[str, None] = {}
    differing: dict[str, None] = {}
    missing: dict[str, None] = {}
    unread: dict[str, None] = {}
    for subject in subjects:
        if not subject.digests:
            continue
        algorithm = next(iter(subject.digests))
        named = base + subject.name
        equal = scope.by_digest.get((algorithm, subject.digests[algorithm]), ())
        held = [path for path in equal if path.startswith(base) and path != own]
        there = scope.present.get(named) if named != own else None
        if there is not None and not there.digests:
            unread[named] = None
        elif there is not None and named not in held:
            differing[named] = None
        elif held:
            same.update(dict.fromkeys(held))
        elif subject.name and scope.asked(named):
            missing[named] = None
    # A statement about nothing that is here is about something else: nothing of it is missing.
    gone = tuple(missing) if same else ()
    return Comparison(tuple(same), tuple(differing), gone, (), (), tuple(unread))


def _says(found: Comparison) -> str:
    changes = wording.changes(
        ("differs from what was signed", "differ from what was signed", found.differing),
        ("is missing", "are missing", found.missing),
        ("was not read", "were not read", found.unread),
    )
    signed = wording.files(len(found.same), "as signed") if found.same else ""
    return "; ".join(part for part in (signed, changes) if part) or "none of its files is here"
