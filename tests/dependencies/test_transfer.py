"""Bundles for sites without a network: there and back, and everything that may go wrong between."""

from __future__ import annotations

import hashlib
import io
import json
import os
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelscan import api
from modelscan.dependencies import lockfile, transfer, transfer_archive
from modelscan.dependencies.pull import Pulled
from modelscan.dependencies.transfer_writing import Wish
from modelscan.errors import ModelAssayError, SourceError, UsageError
from modelscan.verifier.oms.writing import load_signing_key, sign
from modelscan.verifier.trust import Trust, TrustedKey
from modelscan.vocabulary.digest import model_digest
from tests.forge import pickles, safetensors
from tests.forge.signing import Signer
from tests.hub.scanning import fake_hub, options

FILES = {
    "config.json": b'{"model_type": "forged"}',
    "model.safetensors": safetensors.small(),
    "one/same.txt": b"the same",
    "two/same.txt": b"the same",
    "empty.txt": b"",
}


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The site that a bundle is taken in at."""
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def source(tmp_path: Path) -> Path:
    folder = tmp_path / "source"
    for name, data in FILES.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return folder


@pytest.fixture(params=["tar", "folder"])
def bundle(request: pytest.FixtureRequest, tmp_path: Path, source: Path) -> Path:
    place = tmp_path / ("bundle.tar" if request.param == "tar" else "bundle")
    assert api.pull(source, export=Wish(place), lock=tmp_path / "unused.lock").bundle == place
    assert not (tmp_path / "unused.lock").exists()
    return place


@pytest.fixture
def tar(tmp_path: Path, source: Path) -> Path:
    place = tmp_path / "bundle.tar"
    api.pull(source, export=Wish(place))
    return place


def files(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def held(path: Path) -> dict[str, bytes]:
    """The members of a tar, by Python's own reader."""
    with tarfile.open(path) as archive:
        return {info.name: archive.extractfile(info).read() for info in archive}  # type: ignore[union-attr]  # all of them are files


def written(path: Path, members: dict[str, bytes], end: bytes = transfer_archive.END) -> Path:
    out = io.BytesIO()
    for name, data in members.items():
        out.write(transfer_archive.header(name, len(data)) + data)
        out.write(transfer_archive.padding(len(data)))
    path.write_bytes(out.getvalue() + end)
    return path


def refused(path: Path, here: Path, **fields: Any) -> str:
    """Why a bundle is not taken in; nothing of it is left."""
    with pytest.raises(SourceError) as error:
        api.receive(path, here / "model", **fields)
    assert list(here.iterdir()) == []
    return error.value.message


# -- there and back ----------------------------------------------------------------------------


def test_a_model_arrives_as_it_left(bundle: Path, here: Path) -> None:
    taken = api.receive(bundle, here / "model")
    assert taken.report.decision.exit_code == 0
    assert taken.note == "the receipt is not signed"
    assert files(here / "model") == FILES
    records = files(here / "model.records")
    assert {"report.json", "models.lock", "receipt.json"} <= records.keys()
    assert any(name.startswith("manifests/") for name in records)
    (model,) = lockfile.read(here / "models.lock").model
    assert model.ref == "./model"
    assert api.lock_check(here).report.decision.exit_code == 0


def test_a_tar_is_one_that_others_read(tar: Path) -> None:
    members = held(tar)
    receipt = transfer.parse(members.pop("receipt.json"))
    assert set(receipt.model) == set(FILES)
    for name, data in members.items():
        assert name == f"blobs/{hashlib.sha256(data).hexdigest()}"


def test_what_a_hub_said_is_locked_at_the_other_side(tmp_path: Path, here: Path) -> None:
    with fake_hub() as hub:
        commit = hub.add("acme/model", {"config.json": b"{}", "m.safetensors": safetensors.small()})
        fetch = options(hub, tmp_path / "cache")
        place = tmp_path / "bundle.tar"
        api.pull(f"hf:acme/model@{commit}", export=Wish(place), fetch=fetch)
        asked = len(hub.log)
        taken = api.receive(place, here / "model")
        assert len(hub.log) == asked
    models = {model.ref: model for model in lockfile.read(here / "models.lock").model}
    assert models.keys() == {"hf:acme/model", "./model"}
    assert models["hf:acme/model"].revision == commit
    assert models["hf:acme/model"].object_id
    assert taken.report.models[0].ref == f"hf:acme/model@{commit}"


def test_both_a_folder_and_a_bundle(source: Path, here: Path, tmp_path: Path) -> None:
    pulled = api.pull(source, here / "model", export=Wish(tmp_path / "b.tar"))
    assert pulled.folder == here / "model"
    assert (tmp_path / "b.tar").is_file()


def test_a_refused_model_leaves_no_bundle(source: Path, here: Path, tmp_path: Path) -> None:
    (source / "weights.pkl").write_bytes(pickles.malicious()["reduce"])
    pulled = api.pull(source, export=Wish(tmp_path / "b.tar"))
    assert pulled.report.decision.exit_code == 1
    assert (pulled.bundle, pulled.folder) == (None, None)
    assert not (tmp_path / "b.tar").exists()
    assert not list(here.iterdir())


def test_the_site_s_own_policy_decides(tar: Path, here: Path) -> None:
    policy = api.load_policy((), policy="production")
    taken = api.receive(tar, here / "model", policy=policy)
    assert taken.report.decision.exit_code != 0
    assert taken.folder is None
    assert list(here.iterdir()) == []


def test_nothing_is_replaced_unless_it_is_to_be(tar: Path, here: Path, source: Path) -> None:
    api.receive(tar, here / "model")
    with pytest.raises(UsageError, match="not empty"):
        api.receive(tar, here / "model")
    assert api.receive(tar, here / "model", force=True).folder is not None
    with pytest.raises(UsageError, match="there already"):
        api.pull(source, export=Wish(tar))
    with pytest.raises(UsageError, match="not empty"):
        api.pull(source, export=Wish(here / "model"))
    with pytest.raises(UsageError, match="no file"):
        api.pull(source, export=Wish(here / "new.tar", trust=[here / "nothing"]))
    with pytest.raises(UsageError, match="no folder"):
        api.pull(source)


def test_what_is_added_arrives_as_records(source: Path, here: Path, tmp_path: Path) -> None:
    (tmp_path / "own.json").write_text("{}")
    (tmp_path / "root.json").write_text("[]")
    wish = Wish(tmp_path / "b.tar", None, [tmp_path / "root.json"], [tmp_path / "own.json"])
    api.pull(source, export=wish)
    api.receive(tmp_path / "b.tar", here / "model")
    records = files(here / "model.records")
    assert records["trust/root.json"] == b"[]"
    assert records["manifests/own/own.json"] == b"{}"


def test_another_model_under_a_locked_name_does_not_pass(tmp_path: Path, here: Path) -> None:
    def pulled(number: str, place: Path) -> Pulled:
        with fake_hub() as hub:
            hub.add("acme/model", {"config.json": b"{}", "m.safetensors": safetensors.small()})
            hub["acme/model"].info["_id"] = number
            fetch = options(hub, tmp_path / "cache")
            return api.pull("hf:acme/model", export=Wish(place), fetch=fetch)

    pulled("1" * 24, tmp_path / "one.tar")
    pulled("2" * 24, tmp_path / "two.tar")
    assert api.receive(tmp_path / "one.tar", here / "one").folder is not None
    taken = api.receive(tmp_path / "two.tar", here / "two")
    assert "repository-recreated" in {each.rule for each in taken.report.models[0].findings}
    assert taken.folder is None


def test_consent_to_code_does_not_travel(tar: Path, here: Path) -> None:
    def consenting(lock: bytes) -> bytes:
        (model,) = lockfile.parse(lock).model
        return lockfile.encode(
            lockfile.ordered([msgspec.structs.replace(model, allow_remote_code=True)])
        )

    _replace(tar, "models.lock", consenting)
    api.receive(tar, here / "model")
    assert "allow-remote-code" not in (here / "models.lock").read_text()


# -- signatures --------------------------------------------------------------------------------


def _signed(source: Path, place: Path, signer: Signer) -> None:
    key = load_signing_key("key", signer.private_pem)
    api.pull(source, export=Wish(place, lambda statement: sign(statement, key)))


def test_a_signed_receipt(source: Path, here: Path, tmp_path: Path) -> None:
    signer, other = Signer(), Signer()
    place = tmp_path / "b.tar"
    _signed(source, place, signer)
    assert "nobody checked" in api.receive(place, here / "unchecked").note
    trust = Trust(keys=(TrustedKey("good.pub", signer.pem),))
    taken = api.receive(place, here / "model", trust=trust)
    assert taken.note == "the receipt is signed by good.pub"
    with pytest.raises(SourceError, match="other than the given one"):
        api.receive(place, here / "third", trust=Trust(keys=(TrustedKey("bad.pub", other.pem),)))
    assert not (here / "third").exists()


def test_signatures_that_do_not_count(source: Path, here: Path, tmp_path: Path, tar: Path) -> None:
    signer = Signer()
    trust = Trust(keys=(TrustedKey("good.pub", signer.pem),))
    assert "not signed" in refused(tar, here, trust=trust)
    signed = tmp_path / "signed.tar"
    _signed(source, signed, signer)
    members = held(signed)
    plain = held(tar)
    changed = plain["receipt.json"].replace(b'"policy": "default"', b'"policy": "DEFAULT"')
    start = {"receipt.json": changed, "receipt.sig": members["receipt.sig"]}
    assert "another receipt" in refused(written(tar, start | plain | start), here, trust=trust)
    start = {"receipt.json": changed, "receipt.sig": b"{}"}
    assert "not valid" in refused(written(tar, start | plain | start), here, trust=trust)


# -- hostile bundles ---------------------------------------------------------------------------


def _replace(path: Path, name: str, change: Callable[[bytes], bytes]) -> None:
    """Change a part as its author could, so that receipt and digests agree."""
    members = held(path)
    receipt = json.loads(members.pop("receipt.json"))
    (part,) = (each for each in receipt["subject"] if each["name"] == name)
    data = change(members.pop(f"blobs/{part['digest']['sha256']}"))
    part["digest"]["sha256"] = hashlib.sha256(data).hexdigest()
    receipt["predicate"]["sizes"][name] = len(data)
    start = {"receipt.json": json.dumps(receipt).encode()}
    written(path, start | members | {f"blobs/{part['digest']['sha256']}": data})


def _receipt(path: Path, change: Callable[[Any], object]) -> Path:
    members = held(path)
    receipt = json.loads(members["receipt.json"])
    change(receipt)
    return written(path, members | {"receipt.json": json.dumps(receipt).encode()})


def _renamed(old: str, new: str) -> Callable[[Any], object]:
    def change(receipt: Any) -> None:
        for part in receipt["subject"]:
            part["name"] = new if part["name"] == old else part["name"]
        sizes = receipt["predicate"]["sizes"]
        sizes[new] = sizes.pop(old)

    return change


def _relocked(receipt: Any) -> None:
    """Let the digest of the model be that of the files."""
    rows = [
        (part["name"][6:], receipt["predicate"]["sizes"][part["name"]], part["digest"]["sha256"])
        for part in receipt["subject"]
        if part["name"].startswith("model/")
    ]
    receipt["predicate"]["digest"] = model_digest(rows)


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("model/../../evil", "no bundle has"),
        ("/etc/passwd", "no bundle has"),
        ("model/C:\\x", "no bundle has"),
        ("model/a\x1b[2J", "no bundle has"),
        ("model/", "no bundle has"),
        ("model", "no bundle has"),
        ("other/file", "no bundle has"),
        ("model/MODEL.safetensors", "in another case"),
        ("model/one/same.txt", "twice"),
    ],
)
def test_names_that_no_receipt_has(tar: Path, here: Path, name: str, why: str) -> None:
    assert why in refused(_receipt(tar, _renamed("model/config.json", name)), here)


def test_a_file_where_a_folder_is(tar: Path, here: Path) -> None:
    change = _renamed("model/config.json", "model/one")

    def both(receipt: Any) -> None:
        change(receipt)
        _relocked(receipt)

    assert "cannot be written" in refused(_receipt(tar, both), here)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda r: r.update(_type="other"), "Invalid enum"),
        (lambda r: r.update(more=1), "unknown field"),
        (lambda r: r["subject"].clear(), "length"),
        (lambda r: r["predicate"]["sizes"].popitem(), "how long"),
        (lambda r: r["predicate"]["sizes"].update({"report.json": -1}), ">= 0"),
        (lambda r: r["predicate"]["sizes"].update({"report.json": 1}), "another length"),
        (lambda r: r["predicate"]["sizes"].update({"report.json": 1 << 49}), "do not fit"),
        (lambda r: r["predicate"].update(digest="sha256:0"), "another digest"),
        (_renamed("report.json", "trust/report.json"), "does not name report.json"),
        (lambda r: r["subject"][0]["digest"].update(sha256="0" * 63), "regex"),
        (lambda r: r.update(predicate=[]), "Expected"),
    ],
)
def test_receipts_that_are_none(
    tar: Path, here: Path, change: Callable[[Any], object], why: str
) -> None:
    assert why in refused(_receipt(tar, change), here)


def test_bytes_that_are_not_the_receipt_s(tar: Path, here: Path) -> None:
    members = held(tar)
    name = f"blobs/{hashlib.sha256(FILES['config.json']).hexdigest()}"
    evil = members | {name: FILES["config.json"][:-1] + b" "}
    assert "other bytes" in refused(written(tar, evil), here)
    evil = members | {name: b"longer" * 100}
    assert "another length" in refused(written(tar, evil), here)
    evil = {key: value for key, value in members.items() if key != name}
    assert "is missing" in refused(written(tar, evil), here)
    evil = members | {"blobs/" + "0" * 64: b""}
    assert "does not name" in refused(written(tar, evil), here)
    evil = {name: b"", **members}
    assert "does not begin with" in refused(written(tar, evil), here)
    assert "not JSON" in refused(written(tar, members | {"receipt.json": b"{"}), here)
    double = b'{"_type": 1, "_type": 2}'
    assert "twice in one object" in refused(written(tar, members | {"receipt.json": double}), here)


@pytest.mark.parametrize(
    ("lock", "why"),
    [
        (b"", "is no lock"),
        (b'schema = "modelassay-lock/1"\n', "does not have one model"),
        (b'schema = "modelassay-lock/1"\n[[model]]\nref = "hf:a/b"\n', "about other files"),
    ],
)
def test_locks_of_something_else(tar: Path, here: Path, lock: bytes, why: str) -> None:
    _replace(tar, "models.lock", lambda _: lock)
    assert why in refused(tar, here)


def _member(**fields: Any) -> bytes:
    info = tarfile.TarInfo("receipt.json")
    for name, value in fields.items():
        setattr(info, name, value)
    return info.tobuf(tarfile.GNU_FORMAT)


@pytest.mark.parametrize(
    "head",
    [
        b"",
        b"x" * 512,
        _member(type=tarfile.SYMTYPE, linkname="/etc/passwd"),
        _member(type=tarfile.LNKTYPE, linkname="x"),
        _member(type=tarfile.DIRTYPE),
        _member(type=tarfile.FIFOTYPE),
        _member(type=tarfile.CHRTYPE),
        _member(type=tarfile.GNUTYPE_SPARSE),
        _member(type=tarfile.XHDTYPE),
        _member(name="../receipt.json"),
        _member(name="receipt.json/"),
        _member(name="blobs/x"),
        _member(size=100),
        _member(size=1 << 60),
    ],
    ids=str,
)
def test_members_that_no_bundle_has(tmp_path: Path, here: Path, head: bytes) -> None:
    path = tmp_path / "bad.tar"
    path.write_bytes(head)
    assert "not taken in" in refused(path, here)


def test_archives_that_go_on_behind_their_end(tar: Path, here: Path) -> None:
    members = held(tar)
    assert "ends early" in refused(written(tar, members, b""), here)
    assert "does not end" in refused(written(tar, members, bytes(512)), here)
    assert "does not end" in refused(written(tar, members, bytes(1024) + b"more"), here)
    assert "does not end" in refused(written(tar, members, bytes(2 << 20)), here)
    tar.write_bytes(tar.read_bytes()[:600])
    assert "ends early" in refused(tar, here)


def test_folders_that_hold_something_else(source: Path, here: Path, tmp_path: Path) -> None:
    place = tmp_path / "bundle"
    api.pull(source, export=Wish(place))
    (place / "extra").write_text("x")
    assert "'extra'" in refused(place, here)
    (place / "extra").unlink()
    blob = next((place / "blobs").iterdir())
    kept = tmp_path / "kept"
    blob.rename(kept)
    blob.symlink_to(kept)
    assert "no bundle has" in refused(place, here)
    blob.unlink()
    os.mkfifo(blob)
    assert "no bundle has" in refused(place, here)
    assert "cannot be read" in refused(tmp_path / "nowhere", here)


@settings(max_examples=120, deadline=None)
@given(data=st.data())
def test_a_damaged_bundle_ends_in_an_error_or_in_the_model(
    data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    whole = _whole(tmp_path_factory)
    at = data.draw(st.integers(0, len(whole) - 1))
    kind = data.draw(st.sampled_from(["cut", "flip", "insert"]))
    if kind == "cut":
        damaged = whole[:at]
    elif kind == "flip":
        damaged = whole[:at] + bytes([whole[at] ^ (1 << data.draw(st.integers(0, 7)))])
        damaged += whole[at + 1 :]
    else:
        damaged = whole[:at] + data.draw(st.binary(min_size=1, max_size=600)) + whole[at:]
    folder = tmp_path_factory.mktemp("damaged")
    (folder / "bundle.tar").write_bytes(damaged)
    found: dict[str, bytes] = {}
    try:
        for member in transfer_archive.members(folder / "bundle.tar"):
            content = b"".join(member.pieces)
            assert len(content) == member.size
            found[member.name] = content
        if transfer.RECEIPT in found:
            transfer.parse(found[transfer.RECEIPT])
    except ModelAssayError:
        return


_MADE: list[bytes] = []


def _whole(factory: pytest.TempPathFactory) -> bytes:
    """A small archive, made once."""
    if not _MADE:
        body = b'{"model_type": "forged"}'
        path = factory.mktemp("whole") / "b.tar"
        digest = hashlib.sha256(body).hexdigest()
        written(path, {"receipt.json": b"{}", f"blobs/{digest}": body})
        _MADE.append(path.read_bytes())
    return _MADE[0]
