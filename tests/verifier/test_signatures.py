from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import pytest

from modelscan.fetcher.local import LocalFile
from modelscan.verifier import hashing, signature_files
from modelscan.verifier.oms import signing as oms_signing
from modelscan.verifier.oms.failures import UncheckableError
from modelscan.verifier.oms.shards import ShardDigests
from modelscan.verifier.oms.signing import Signing
from modelscan.verifier.signature_files import Signature, find_signatures
from modelscan.verifier.signatures import Signatures
from modelscan.verifier.signed import SignatureFile
from modelscan.verifier.trust import Trust, TrustedKey
from modelscan.vocabulary.evidence import Evidence, Signed
from modelscan.vocabulary.fact import SignatureCheck, SpecialFile
from modelscan.vocabulary.location import Location
from tests.forge import signing
from tests.forge.releases import entries

OURS = Trust(keys=(TrustedKey("ours.pub", signing.signer().pem),))


def signature(
    name: str = "model.sig", bundle: Mapping[str, Any] | None = None, *, inside: bool = True
) -> SignatureFile:
    data = json.dumps(signing.signer().bundle() if bundle is None else bundle).encode()
    return SignatureFile(name, data, inside)


def judged(
    files: Mapping[str, bytes],
    *signatures: SignatureFile,
    trust: Trust = OURS,
    named: SignatureFile | None = None,
    facts: tuple[Any, ...] = (),
) -> tuple[Signed, tuple[SignatureCheck, ...]]:
    everything = dict(files) | {file.name: file.data for file in signatures if file.inside}
    check = Signatures(
        [Signing.of(file) for file in signatures], trust, [Signing.of(named)] if named else ()
    )
    evidence: Evidence = check.run(entries(everything), facts, "")
    assert evidence.signed is not None
    stated = tuple(fact for fact in evidence.facts if isinstance(fact, SignatureCheck))
    return evidence.signed, stated


def test_no_signature_file_is_unsigned() -> None:
    answer, facts = judged({"model.bin": b"1", "signature.txt": b"2"})
    assert answer.status == "unsigned"
    assert facts == (SignatureCheck(outcome="unsigned", status="absent"),)


@pytest.mark.parametrize(
    ("name", "method"),
    [
        ("model.sig", "OpenSSF Model Signing"),
        ("sub/weights.bin.sig", "detached signature"),
        ("x.sigstore", "sigstore bundle"),
        ("x.SIGSTORE.JSON", "sigstore bundle"),
        ("x.asc", "OpenPGP"),
        ("x.minisig", "minisign"),
        ("x.p7s", "PKCS #7"),
    ],
)
def test_a_signature_that_is_not_verified_is_an_error(name: str, method: str) -> None:
    answer, (fact,) = judged({"model.bin": b"1", name: b""})
    assert answer.status == "error"
    assert name in answer.reason
    assert (fact.outcome, fact.method, fact.location.file) == ("not-checked", method, name)


def test_every_signature_file_is_a_fact() -> None:
    answer, facts = judged({"a.sig": b"", "b.asc": b""})
    assert [fact.location.file for fact in facts] == ["a.sig", "b.asc"]
    assert "2 signatures" in answer.reason


def test_a_trusted_key() -> None:
    answer, (fact,) = judged(signing.MODEL, signature())
    assert (answer.status, answer.signer) == ("signed-trusted", "ours.pub")
    assert answer.method == "OpenSSF Model Signing (key)"
    assert answer.reason == "model.sig: a key that you gave; 3 files are as signed"
    assert fact.outcome == "valid-trusted"


def test_a_key_that_nobody_gave_is_a_note() -> None:
    answer, (fact,) = judged(signing.MODEL, signature(), trust=Trust())
    assert (answer.status, answer.signer) == ("signed-untrusted", None)
    assert fact.outcome == "unknown-key"


def test_files_that_are_not_the_listed_ones_are_told_without_the_key_too() -> None:
    answer, (fact,) = judged({"config.json": b"other"}, signature(), trust=Trust())
    assert answer.status == "invalid-signature"
    assert (fact.differing, fact.missing) == (("config.json",), ("model.bin", "sub/vocab.txt"))
    assert "config.json differs; model.bin, sub/vocab.txt are missing" in answer.reason


def test_a_file_that_the_signer_left_out_takes_the_trust_away() -> None:
    files = dict(signing.MODEL) | {".gitattributes": b"*.bin lfs"}
    answer, (fact,) = judged(files, signature())
    assert answer.status == "signed-untrusted"
    assert "3 files are as signed; .gitattributes was left out by the signer" in answer.reason
    assert (fact.outcome, fact.left_out) == ("valid-untrusted", (".gitattributes",))


def test_a_device_in_the_folder_is_not_signed() -> None:
    device = SpecialFile(location=Location("queue"), kind="fifo")
    answer, (fact,) = judged(signing.MODEL, signature(), facts=(device,))
    assert answer.status == "invalid-signature"
    assert fact.added == ("queue",)


def test_a_broken_bundle_is_invalid() -> None:
    answer, (fact,) = judged(signing.MODEL, signature(bundle={"mediaType": "x"}))
    assert (answer.status, fact.outcome) == ("invalid-signature", "invalid")
    assert answer.method == "OpenSSF Model Signing"
    assert "unknown type" in fact.note


def test_the_worst_signature_decides() -> None:
    other = signature("other.sig", signing.Signer().bundle())
    stated = signing.about({"config.json": b"other"})
    changed = signature("changed.sig", signing.signer().bundle(stated))
    assert judged(signing.MODEL, signature(), other)[0].status == "signed-trusted"
    assert judged(signing.MODEL, other)[0].status == "signed-untrusted"
    assert judged(signing.MODEL, signature(), changed)[0].status == "invalid-signature"


def test_an_example_that_lies_around_is_no_broken_signature() -> None:
    """A bundle about files that are not here: somebody's test data, and no good news either."""
    stranger = signing.Signer()
    for name in ("example.sigstore.json", "docs/example.sigstore.json"):
        for signer, outcome in ((stranger, "unknown-key"), (signing.signer(), "valid-untrusted")):
            stray = signature(name, signer.bundle(signing.about({"elsewhere.bin": b"1"})))
            answer, (fact,) = judged(signing.MODEL, stray)
            assert (answer.status, fact.outcome) == ("signed-untrusted", outcome)
            assert "none of the files that it lists is here" in answer.reason
            assert "only docs/" not in answer.reason
            assert judged(signing.MODEL, signature(), stray)[0].status == "signed-trusted"
    named = signature("model.sig", stranger.bundle(signing.about({"elsewhere.bin": b"1"})))
    assert judged(signing.MODEL, named)[0].status == "invalid-signature"


def test_what_is_no_file_in_the_signatures_place_is_a_broken_one() -> None:
    for path in ("model.sig", "sub/MODEL.SIG"):
        special = SpecialFile(location=Location(path), kind="fifo")
        answer, _ = judged(signing.MODEL, facts=(special,))
        assert answer.status == "invalid-signature"
        assert "it is no file of the model's" in answer.reason


def test_a_signature_of_another_kind_is_just_a_file_where_all_files_are_signed() -> None:
    files = dict(signing.MODEL) | {"model.bin.asc": b"-----BEGIN PGP SIGNATURE-----"}
    bundle = signing.signer().bundle(signing.about(files))
    answer, facts = judged(files, signature(bundle=bundle))
    assert answer.status == "signed-trusted"
    assert [fact.outcome for fact in facts] == ["valid-trusted", "not-checked"]


def test_a_signature_over_a_sub_folder_is_not_one_over_the_model() -> None:
    inner = {"a.bin": b"1"}
    bundle = signing.signer().bundle(signing.about(inner))
    files = {"sub/a.bin": b"1", "top.bin": b"2"}
    answer, (fact,) = judged(files, signature("sub/model.sig", bundle))
    assert answer.status == "signed-untrusted"
    assert answer.reason.startswith("only sub/ is signed: a key that you gave; 1 file is as signed")
    assert fact.outcome == "valid-trusted"
    answer, _ = judged({"sub/a.bin": b"x"}, signature("sub/model.sig", bundle))
    assert answer.status == "invalid-signature"
    answer, _ = judged(files | {"x.asc": b"1"}, signature("sub/model.sig", bundle))
    assert answer.status == "error"


def test_a_named_signature_is_the_only_one_judged() -> None:
    named = signature("elsewhere.sig", inside=False)
    other = signature("model.sig", signing.signer().bundle(signing.about({"old": b"1"})))
    answer, (fact,) = judged(signing.MODEL, other, named=named)
    assert (answer.status, fact.location.file) == ("signed-trusted", "elsewhere.sig")
    broken = signature("model.sig", {"mediaType": "application/vnd.dev.sigstore.bundle"})
    answer, (fact,) = judged(signing.MODEL, broken, named=named)
    assert (answer.status, fact.added) == ("invalid-signature", ("model.sig",))
    own = signature("copy.sig")
    assert judged(signing.MODEL, own, named=named)[0].status == "signed-trusted"


def test_a_signature_that_changed_under_our_hands_is_not_checked() -> None:
    check = Signatures([Signing.of(signature())], OURS)
    files = dict(signing.MODEL) | {"model.sig": b"other"}
    evidence = check.run(entries(files), (), "")
    assert evidence.signed is not None
    assert evidence.signed.status == "error"
    assert "changed while" in evidence.signed.reason


def test_an_algorithm_that_is_not_installed_is_not_checked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(hashing, "COMPARED", ("sha256",))
    listed = signing.resources(algorithm="blake2b")
    bundle = signing.signer().bundle(signing.statement(listed, algorithm="blake2b"))
    answer, (fact,) = judged(signing.MODEL, signature(bundle=bundle))
    assert (answer.status, fact.outcome) == ("error", "not-checked")
    assert "blake2b" in answer.reason
    check = Signatures([Signing.of(signature(bundle=bundle))], OURS)
    assert check.algorithms_for("model.bin") == ()
    assert check.watchers("model.bin", 1) == []


def test_only_what_a_signature_needs_is_computed() -> None:
    assert Signatures([Signing.of(signature())]).algorithms_for("model.bin") == ()
    listed = signing.resources(algorithm="blake2b")
    bundle = signing.signer().bundle(signing.statement(listed, algorithm="blake2b"))
    below = Signatures([Signing.of(signature("sub/model.sig", bundle))])
    assert below.algorithms_for("sub/model.bin") == ("blake2b",)
    assert below.algorithms_for("model.bin") == ()


def test_shards_are_watched_where_they_can_fit() -> None:
    stated = signing.statement(signing.resources(shard=1000), shard=1000)
    check = Signatures([Signing.of(signature(bundle=signing.signer().bundle(stated)))])
    assert check.algorithms_for("model.bin") == ()
    (watcher,) = check.watchers("model.bin", len(signing.MODEL["model.bin"]))
    assert isinstance(watcher, ShardDigests)
    watcher.update(signing.MODEL["model.bin"])
    assert len(watcher.result() or ()) == 3
    assert check.watchers("model.bin", 7) == []
    assert check.watchers("unknown.bin", 7) == []
    assert len(check.watchers("vocab.txt", len(signing.MODEL["sub/vocab.txt"]))) == 1


def found(folder: Path) -> tuple[Signature, ...]:
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    names = [path.relative_to(folder).as_posix() for path in paths]
    return find_signatures(
        [
            LocalFile(name, path, path.stat().st_size)
            for name, path in zip(names, paths, strict=True)
        ]
    ).signatures


def test_bundles_are_found_by_name_and_content(tmp_path: Path) -> None:
    data = json.dumps(signing.signer().bundle()).encode()
    (tmp_path / "model.sig").write_bytes(data)
    (tmp_path / "other.sigstore.json").write_bytes(data)
    (tmp_path / "data.json").write_bytes(data)
    (tmp_path / "empty.sig").write_bytes(b"")
    (tmp_path / "pgp.sig").write_bytes(b"\x89\x01")
    (tmp_path / "one.sigstore").write_text(json.dumps(signing.signer().message(b"1")))
    assert [(each.file.name, each.partial) for each in found(tmp_path)] == [
        ("model.sig", False),
        ("one.sigstore", True),
        ("other.sigstore.json", False),
    ]


def test_only_so_many_signatures_are_held(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(4):
        path = tmp_path / f"{number}.sigstore.json"
        path.write_text(json.dumps(signing.signer().message(b"1")))
    monkeypatch.setattr(signature_files, "_MOST", 1)
    files = [LocalFile(path.name, path, path.stat().st_size) for path in sorted(tmp_path.iterdir())]
    read = find_signatures(files)
    assert len(read.signatures) == 2
    assert read.others["3.sigstore.json"] == "sigstore bundle, among too many"
    monkeypatch.undo()
    monkeypatch.setattr(signature_files, "_TOGETHER", 1)
    assert len(find_signatures(files).signatures) == 1
    check = Signatures(read.signatures, OURS, others=read.others)
    evidence = check.run(entries({"x": b"2"}), (), "")
    assert evidence.signed is not None
    assert evidence.signed.status != "signed-trusted"


def test_a_statement_about_something_else_is_no_broken_signature(tmp_path: Path) -> None:
    stated = signing.statement() | {"predicateType": "https://slsa.dev/provenance/v1"}
    data = json.dumps(signing.signer().bundle(stated)).encode()
    (tmp_path / "build.sigstore.json").write_bytes(data)
    (only,) = found(tmp_path)
    assert only.partial
    (tmp_path / "build.sigstore.json").unlink()
    (tmp_path / "model.sig").write_bytes(data)
    (only,) = found(tmp_path)
    assert not only.partial
    assert judged(signing.MODEL, only.file)[0].status == "invalid-signature"


def test_a_signature_that_cannot_be_opened_is_left_to_the_pass(tmp_path: Path) -> None:
    gone = LocalFile("model.sig", tmp_path / "model.sig", 5)
    assert find_signatures([gone]).signatures == ()


def test_what_the_check_lacks_is_no_verdict(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise UncheckableError("a library is not there")

    monkeypatch.setattr(oms_signing, "authenticate", fail)
    answer, (fact,) = judged(signing.MODEL, signature())
    assert (answer.status, fact.outcome) == ("error", "not-checked")
    assert "a library is not there" in answer.reason


def test_a_signed_file_that_was_not_read_is_no_verdict() -> None:
    check = Signatures([Signing.of(signature())], OURS)
    files = [
        entry if entry.path != "config.json" else msgspec.structs.replace(entry, digests={})
        for entry in entries(signing.MODEL)
    ]
    evidence = check.run(files, (), "")
    assert evidence.signed is not None
    assert evidence.signed.status == "error"
    assert "config.json could not be read" in evidence.signed.reason
