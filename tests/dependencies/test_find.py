from __future__ import annotations

import hashlib
import itertools
import json
import os
import zipfile
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelscan import api
from modelscan.dependencies import documents, find
from modelscan.dependencies.query import parse, repository
from modelscan.errors import ReadError, UsageError
from modelscan.report.writer import Output
from modelscan.report.writers import BY_NAME
from modelscan.vocabulary.search import Found
from tests.forge import codebases, locks, models, safetensors

WEIGHTS = hashlib.sha256(safetensors.small()).hexdigest()


@pytest.fixture
def estate(tmp_path: Path) -> Path:
    """A folder of everything: a model, its reports, its bills of materials, a lock and code."""
    top = tmp_path / "estate"
    folder = models.plain(top / "models/mini")
    report = api.scan(folder)
    for name, form in (
        ("report.json", "json"), ("mini.cdx.json", "cyclonedx"), ("mini.spdx.json", "spdx"),
    ):  # fmt: skip
        (top / name).write_bytes(BY_NAME[form].write(report, Output()))
    hashed = msgspec.structs.replace(locks.model().files[2], sha256=WEIGHTS)
    locks.write(top / "service", locks.model(files=(hashed,), signer="release@acme.example"))
    codebases.write(
        top,
        "service/main.py",
        f'from x import M\nM.from_pretrained("acme/chat-7b", revision="{locks.COMMIT}")\n',
    )
    return top


def held(found: Found) -> dict[str, list[str]]:
    grouped: dict[str, list[str]] = {}
    for hit in found.hits:
        grouped.setdefault(hit.holder, []).append(hit.where.partition("/")[2])
    return grouped


def test_a_file_by_its_digest(estate: Path) -> None:
    found = api.find(f"sha256:{WEIGHTS}", estate)
    assert held(found) == {
        "report": ["report.json"],
        "cyclonedx": ["mini.cdx.json"],
        "spdx": ["mini.spdx.json"],
        "lock": ["service/models.lock"],
        "file": ["models/mini/model.safetensors"],
    }
    assert found.exit_code == 0
    by_holder = {hit.holder: hit for hit in found.hits}
    report = by_holder["report"]
    assert (report.model, report.file) == ("mini", "model.safetensors")
    assert report.place == "models[0].files[2].digests.sha256"
    assert all(hit.since for hit in found.hits)
    assert (by_holder["lock"].since, by_holder["lock"].place) == ("2025-01-11", "line 6")
    for text in (WEIGHTS.upper(), WEIGHTS[:12], f"tensor:{WEIGHTS}"):
        assert held(api.find(text, estate)) == held(found)


def test_a_whole_model_by_its_digest(estate: Path) -> None:
    digest = api.scan(estate / "models/mini").models[0].digest
    assert digest is not None
    assert "report" in held(api.find(digest, estate))


def test_a_model_its_code_and_its_weights_by_their_digests(tmp_path: Path) -> None:
    locks.remote_code(tmp_path / "models/own")
    (tmp_path / ".git").mkdir()
    (written,) = api.lock_write(tmp_path, tensors=True)
    (model,) = written.new.model
    for digest, what in (
        (model.digest, "model digest"),
        (model.remote_code, "code fingerprint"),
        (model.weights_root, "weights root"),
        (model.tensors[0].sha256, "tensor"),
    ):
        found = api.find(digest, tmp_path, exclude=["models.lock"], deep=True)
        assert [(hit.where.partition("/")[2], hit.what) for hit in found.hits] == [
            ("models/own", what)
        ]
        assert found.exit_code == 0
    assert api.find(model.weights_root, tmp_path, exclude=["models.lock"]).exit_code == 4
    (tmp_path / "models/own/model.safetensors").write_bytes(b"broken")
    found = api.find(model.weights_root, tmp_path, exclude=["models.lock"], deep=True)
    assert any("its tensors" in gap.reason for gap in found.coverage)
    assert found.exit_code == 3
    reasons = set()
    for seconds in range(12):
        clock = itertools.count()
        late = find.Bounds(seconds=seconds, deep=True)
        slow = find.find(parse("0" * 64), [tmp_path], late, clock=clock.__next__)
        reasons |= {gap.reason for gap in slow.coverage}
    assert "and every model after it: the time is up" in reasons


@pytest.mark.parametrize(
    "text",
    [
        "hf:acme/chat-7b", "acme/Chat-7B", "pkg:huggingface/acme/chat-7b",
        "https://huggingface.co/acme/chat-7b", f"hf:acme/chat-7b@{locks.COMMIT}",
        f"https://huggingface.co/acme/chat-7b/tree/{locks.COMMIT}", "repo:acme/chat-7b",
        f"pkg:huggingface/acme%2Fchat-7b@{locks.COMMIT}",
    ],
)  # fmt: skip
def test_a_repository_by_any_of_its_names(estate: Path, text: str) -> None:
    found = api.find(text, estate)
    assert found.kind == "repository"
    assert held(found)["code"] == ["service/main.py"]
    if "@" not in text and "/tree/" not in text:
        assert held(found)["lock"] == ["service/models.lock"]


def test_another_revision_of_a_repository_is_another_thing(estate: Path) -> None:
    found = api.find(f"hf:acme/chat-7b@{locks.NEWER}", estate)
    assert (found.hits, found.exit_code) == ((), 4)


def test_a_commit_and_a_signer(estate: Path) -> None:
    for text in (locks.COMMIT, f"commit:{locks.COMMIT}"):
        found = api.find(text, estate)
        assert held(found) == {"lock": ["service/models.lock"], "code": ["service/main.py"]}
    for text in ("Release@acme.example", "signer:release@acme.example"):
        assert held(api.find(text, estate)) == {"lock": ["service/models.lock"]}


def test_a_commit_in_a_hubs_cache_and_bytes_in_an_archive(tmp_path: Path) -> None:
    locks.hub_cache(tmp_path / "cache")
    (hit,) = api.find("hf:acme/chat-7b", tmp_path).hits
    assert (hit.holder, hit.what) == ("file", "claim of its folder")
    with zipfile.ZipFile(tmp_path / "tool.whl", "w") as archive:
        archive.writestr("tool/model.safetensors", safetensors.small())
    found = api.find(WEIGHTS, tmp_path, exclude=["cache*"])
    assert [(hit.where, hit.place) for hit in found.hits] == [
        (f"{tmp_path.name}/tool.whl", "tool/model.safetensors")
    ]


def test_pointers_have_what_they_name(tmp_path: Path) -> None:
    pointer = f"version https://git-lfs.github.com/spec/v1\noid sha256:{WEIGHTS}\nsize 212\n"
    (tmp_path / "model.safetensors").write_text(pointer)
    (hit,) = api.find(WEIGHTS, tmp_path).hits
    assert hit.what == "sha256, by a git-LFS pointer"


def test_not_found_is_said_of_what_was_looked_at_only(estate: Path) -> None:
    assert api.find("0" * 64, estate).exit_code == 4
    limited = api.find("0" * 64, estate, hash_limit=100)
    assert limited.exit_code == 3
    assert any("larger than asked for" in gap.reason for gap in limited.coverage)
    os.mkfifo(estate / "pipe.json")
    assert api.find("0" * 64, estate).exit_code == 4  # a pipe is no file


def test_the_time_is_bounded(estate: Path) -> None:
    clock = itertools.count()
    found = find.find(parse("0" * 64), [estate], find.Bounds(seconds=2), clock=lambda: next(clock))
    assert found.exit_code == 3
    assert any("the time is up" in gap.reason for gap in found.coverage)


def test_broken_documents_are_named_only_if_they_matter(tmp_path: Path) -> None:
    (tmp_path / "other.json").write_text("{broken")
    assert api.find(WEIGHTS, tmp_path).exit_code == 4
    (tmp_path / "broken.json").write_text("{" + WEIGHTS)
    (tmp_path / "models.lock").write_text(f"<<<<<<< x\n{WEIGHTS}\n")
    found = api.find(WEIGHTS, tmp_path)
    assert {gap.file.rpartition("/")[2] for gap in found.coverage} == {"broken.json", "models.lock"}
    assert found.exit_code == 3


def test_documents_that_are_too_long(estate: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(documents, "LONGEST", 10)
    found = api.find("signer:nobody", estate)
    assert found.exit_code == 3
    assert all("too long" in gap.reason for gap in found.coverage)


def test_something_that_is_everywhere_is_cut(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(find, "_MOST", 3)
    (tmp_path / "many.json").write_text(json.dumps({"hashes": [WEIGHTS] * 9}))
    found = api.find(WEIGHTS, tmp_path, tmp_path)
    assert (len(found.hits), found.exit_code) == (3, 3)


@pytest.mark.parametrize(
    "text", ["", "   ", "abc123", "g" * 64 + ":", "commit:abc", "commit:" + "a" * 39, "sha256:xyz",
             "repo:!", "x" * 3000]
)  # fmt: skip
def test_what_cannot_be_looked_for(text: str, tmp_path: Path) -> None:
    if text.startswith("g"):
        assert parse(text).kind == "signer"
        return
    with pytest.raises(UsageError):
        api.find(text, tmp_path)


def test_a_path_is_needed() -> None:
    with pytest.raises(UsageError, match="no path"):
        api.find(WEIGHTS)


def test_guesses() -> None:
    kinds = {
        text: parse(text).kind for text in ("a" * 40, "b" * 64, "c" * 12, "x/y", "a@b.c", "who?")
    }
    assert list(kinds.values()) == ["commit", "digest", "digest", "repository", "signer", "signer"]
    assert repository("hf:gpt2") == ("gpt2", "")
    assert repository("gpt2") is None


def test_documents_of_other_shapes() -> None:
    query = parse(WEIGHTS)
    spdx2 = {
        "spdxVersion": "SPDX-2.3",
        "creationInfo": {"created": "2026-01-01T00:00:00Z"},
        "packages": [{"name": "mini", "checksums": [{"checksumValue": WEIGHTS}]}],
    }
    (hit,) = documents.in_document(json.dumps(spdx2).encode(), "a.json", query)
    assert (hit.holder, hit.since, hit.model) == ("spdx", "2026-01-01T00:00:00Z", "mini")
    (hit,) = documents.in_document(json.dumps([WEIGHTS]).encode(), "a.json", query)
    assert (hit.holder, hit.what, hit.place) == ("document", "value", "[0]")
    inventory = json.dumps({"schema": "modelassay-inventory/1", "x": WEIGHTS}).encode()
    (hit,) = documents.in_document(inventory, "a.json", query)
    assert hit.holder == "inventory"
    odd = {"spdxVersion": 1, "creationInfo": [], "bomFormat": "x", "n": WEIGHTS}
    (hit,) = documents.in_document(json.dumps(odd).encode(), "a.json", query)
    assert hit.since == ""


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=60), st.binary(max_size=60))
def test_any_document_ends(before: bytes, after: bytes) -> None:
    data = before + WEIGHTS.encode() + after
    for name in ("a.json", "models.lock"):
        try:
            list(documents.in_document(data, name, parse(WEIGHTS)))
        except ReadError as error:
            message = error.message
        else:
            message = "holds it"
        assert message.startswith("holds it")


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=80))
def test_any_text_is_a_question_or_none(text: str) -> None:
    try:
        query = parse(text)
    except UsageError:
        return
    assert query.matches(text) in {True, False}
