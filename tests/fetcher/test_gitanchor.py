from __future__ import annotations

import hashlib
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from modelscan.errors import BudgetError, ReadError, SourceError
from modelscan.fetcher.git_objects import AlteredError, entries, pointer
from modelscan.fetcher.git_protocol import ProtocolError
from modelscan.fetcher.gitanchor import Anchor, Listed, Proved, anchor, held_against
from modelscan.fetcher.options import FetchOptions, Secret
from modelscan.vocabulary.coverage import Coverage
from modelscan.vocabulary.fact import SourceCheck, SourceDefect, SourceDigest
from tests.forge import git
from tests.hub.git_server import CAPABILITIES, GitServer, real_git

WEIGHTS = b"weights" * 1000
FILES = {
    "config.json": b'{"model_type": "bert"}',
    "model.safetensors": git.pointer(WEIGHTS),
    "onnx/model.onnx": git.pointer(b"graph"),
    "vocab.txt": b"word\n" * 5000,
}
ONLINE = FetchOptions()


@pytest.fixture
def server() -> Iterator[GitServer]:
    with GitServer(git.commit(FILES)).running() as running:
        yield running


def _commit() -> str:
    return git.commit(FILES).id


def _anchor(server: GitServer, commit: str | None = None) -> Anchor:
    return anchor(server.url, "acme/model", commit or _commit(), ONLINE)


def _listed() -> dict[str, Listed]:
    listed = {}
    for path, data in FILES.items():
        found = pointer(data)
        blob = git.object_id("blob", data)
        listed[path] = (
            Listed(found.sha256, blob, found.size) if found else Listed(None, blob, len(data))
        )
    return listed


def _held(
    server: GitServer, listed: Mapping[str, Listed] | None = None
) -> tuple[list[SourceCheck], list[SourceDefect], list[Coverage]]:
    facts, gaps, _ = held_against(
        server.url, "acme/model", _commit(), _listed() if listed is None else listed, ONLINE
    )
    checks = [fact for fact in facts if isinstance(fact, SourceCheck)]
    defects = [fact for fact in facts if isinstance(fact, SourceDefect)]
    return checks, defects, list(gaps)


def test_a_commit_proves_the_digest_of_every_file_in_one_request(server: GitServer) -> None:
    found = _anchor(server)
    assert found.commit == _commit()
    sha256 = hashlib.sha256(WEIGHTS).hexdigest()
    assert found.files["model.safetensors"] == Proved(
        "100644", git.object_id("blob", FILES["model.safetensors"]), sha256, len(WEIGHTS)
    )
    assert found.files["onnx/model.onnx"].sha256 == hashlib.sha256(b"graph").hexdigest()
    assert found.files["config.json"].size == len(FILES["config.json"])
    vocabulary = found.files[
        "vocab.txt"
    ]  # too long for a pointer: not sent, and known all the same
    assert (vocabulary.blob, vocabulary.size) == (git.object_id("blob", FILES["vocab.txt"]), None)
    assert len(server.requests) == 1


def test_a_server_without_filters_sends_more_and_proves_the_same(server: GitServer) -> None:
    server.capabilities = ("version 2", "fetch=")
    full = anchor(server.url, "acme/model", _commit(), FetchOptions(full=True))
    assert full.files.keys() == FILES.keys()
    assert full.files["vocab.txt"].size == len(FILES["vocab.txt"])
    with pytest.raises(ProtocolError, match="unexpected line"):
        _anchor(server)


def test_what_is_proved_is_stated_for_the_bytes_to_be_held_against(server: GitServer) -> None:
    facts, gaps, _ = held_against(server.url, "acme/model", _commit(), _listed(), ONLINE)
    stated = {fact.location.file: fact for fact in facts if isinstance(fact, SourceDigest)}
    assert len(facts) == len(stated) == len(FILES)
    assert not gaps
    assert stated["model.safetensors"].expected == hashlib.sha256(WEIGHTS).hexdigest()
    assert (stated["config.json"].algorithm, stated["config.json"].stated_by) == ("git-blob", "git")


@pytest.mark.parametrize(
    ("path", "lie", "algorithm"),
    [
        ("model.safetensors", Listed(sha256="0" * 64), "sha256"),
        ("model.safetensors", Listed(blob="0" * 40), "git-blob"),
        ("config.json", Listed(blob="0" * 40), "git-blob"),
        ("onnx/model.onnx", Listed(size=6), "size"),
    ],
)
def test_a_listing_that_lies_is_caught(
    server: GitServer, path: str, lie: Listed, algorithm: str
) -> None:
    checks, _, _ = _held(server, {**_listed(), path: lie})
    (check,) = checks
    assert (check.location.file, check.outcome, check.algorithm) == (path, "contradicts", algorithm)


def test_a_listed_file_that_the_commit_has_not_and_one_that_is_hidden(server: GitServer) -> None:
    listed = _listed()
    del listed["config.json"]
    checks, _, gaps = _held(server, {**listed, "run.py": Listed()})
    assert [(check.location.file, check.outcome) for check in checks] == [("run.py", "absent")]
    assert [(gap.file, gap.needed) for gap in gaps] == [("config.json", True)]


def _tree_id() -> str:
    return next(oid for oid, (kind, data) in git.commit(FILES).objects.items()
                if kind == "tree" and b"config.json" in data)  # fmt: skip


@pytest.mark.parametrize("wanted", ["commit", "tree", "pointer"])
def test_an_object_that_was_altered_proves_nothing(server: GitServer, wanted: str) -> None:
    other = git.commit({**FILES, "model.safetensors": git.pointer(b"evil")})
    blob = git.object_id("blob", FILES["model.safetensors"])
    if wanted == "commit":
        server.replaced[_commit()] = other.objects[other.id]
        server.objects |= {k: v for k, v in other.objects.items() if v[0] != "commit"}
    elif wanted == "tree":
        tree = next(
            data for kind, data in other.objects.values() if kind == "tree" and b"config" in data
        )
        server.replaced[_tree_id()] = ("tree", tree)
    else:
        server.replaced[blob] = ("blob", git.pointer(b"evil"))
        found = _anchor(server).files["model.safetensors"]
        _, (defect,), _ = _held(server)
        assert (defect.kind, defect.value) == ("not-proved", "model.safetensors")
        assert (found.blob, found.sha256) == (blob, None)  # the pointer's id is known, not its text
        return
    with pytest.raises(AlteredError, match="hashes to"):
        _anchor(server)
    _, (defect,), _ = _held(server)
    assert defect.kind == "object-altered"


def test_a_missing_tree_is_no_proof(server: GitServer) -> None:
    del server.objects[_tree_id()]
    with pytest.raises(AlteredError, match="no tree"):
        _anchor(server)


def test_a_commit_that_is_not_there_is_said(server: GitServer) -> None:
    with pytest.raises(ProtocolError, match="not our ref"):
        _anchor(server, "0" * 40)
    with pytest.raises(ProtocolError, match="not our ref"):
        anchor(server.url, "acme/model", "0" * 40, FetchOptions(full=True))
    server.refusal = b"access denied"
    _, (defect,), _ = _held(server)
    assert (defect.kind, defect.status) == ("not-proved", "absent")
    assert "access denied" in defect.detail


@pytest.mark.parametrize(
    ("pack", "error"),
    [
        (git.pack([], count=3_000_000), BudgetError),
        (git.pack([git.header(3, 1 << 40)]), BudgetError),
        (git.pack([git.whole("blob", bytes(31 << 20))] * 6), BudgetError),
        (git.pack([git.whole("blob", b"x")], count=2), AlteredError),
        (git.pack([git.whole("blob", b"x")]) + b"x", AlteredError),
        (b"PACK", AlteredError),
    ],
)
def test_a_bomb_or_a_broken_pack_ends_in_an_error(
    server: GitServer, pack: bytes, error: type[ReadError]
) -> None:
    server.pack = pack
    with pytest.raises(error):
        _anchor(server)
    _, (defect,), _ = _held(server)
    assert defect.kind == ("object-altered" if error is AlteredError else "not-proved")


def test_a_tree_of_trees_of_trees_is_a_bomb() -> None:
    objects: dict[str, tuple[str, bytes]] = {}
    inner = git.object_id("tree", b"")
    objects[inner] = ("tree", b"")
    for _ in range(8):
        data = b"".join(git.entry("40000", f"{n:02}", inner) for n in range(16))
        inner = git.object_id("tree", data)
        objects[inner] = ("tree", data)
    text = f"tree {inner}\n\n".encode()
    commit = git.Commit(
        git.object_id("commit", text), objects | {git.object_id("commit", text): ("commit", text)}
    )
    with GitServer(commit).running() as server, pytest.raises(BudgetError, match="more than"):
        anchor(server.url, "acme/model", commit.id, ONLINE)


def test_folders_within_folders_end() -> None:
    commit = git.commit({"/".join(["d"] * 70) + "/f": b"x"})
    with GitServer(commit).running() as server, pytest.raises(BudgetError, match="too deeply"):
        anchor(server.url, "acme/model", commit.id, ONLINE)


@pytest.mark.parametrize(
    ("capabilities", "status"),
    [(("version 1",), 200), ((), 200), (CAPABILITIES, 404), (("version 2",), 404)],
)
def test_an_endpoint_that_speaks_no_git_proves_nothing(
    server: GitServer, capabilities: tuple[str, ...], status: int
) -> None:
    server.capabilities, server.status = capabilities, status
    for full in (False, True):
        with pytest.raises(ProtocolError):
            anchor(server.url, "acme/model", _commit(), FetchOptions(full=full))


def test_offline_asks_nobody(server: GitServer) -> None:
    with pytest.raises(SourceError, match="offline"):
        anchor(server.url, "acme/model", _commit(), FetchOptions(offline=True))
    assert not server.requests


def test_a_token_goes_to_the_endpoint(server: GitServer) -> None:
    anchor(server.url, "acme/model", _commit(), FetchOptions(token=Secret("hf_x")))
    assert set(server.authorizations) == {"Bearer hf_x"}
    server.authorizations.clear()
    _anchor(server)
    assert set(server.authorizations) == {""}


@pytest.mark.parametrize(
    "data",
    [
        b"100644 a",
        b"100644 a\0short",
        b"99 a\0" + bytes(20),
        b"100644 ..\0" + bytes(20),
        b"100644 a/b\0" + bytes(20),
        b"40000 .GIT\0" + bytes(20),
        b"100644 \0" + bytes(20),
    ],
)
def test_a_tree_that_git_would_refuse(data: bytes) -> None:
    with pytest.raises(AlteredError):
        list(entries(data))


def test_pointers_are_told_by_all_of_their_bytes() -> None:
    good = git.pointer(b"x")
    found = pointer(good)
    assert found is not None
    assert found.size == 1
    assert pointer(good + b"import os\n") is None
    assert pointer(good.replace(b"size 1", b"size -1")) is None
    assert pointer(good + b" " * 2000) is None


@pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")
def test_against_gits_own_server(tmp_path: Path) -> None:
    work, bare = tmp_path / "work", tmp_path / "acme" / "model"
    environment = {"HOME": str(tmp_path), "GIT_CONFIG_NOSYSTEM": "1", "PATH": "/usr/bin:/bin"}

    def run(*arguments: str) -> str:
        command = ["git", "-c", "user.name=a", "-c", "user.email=a@example.org", *arguments]
        done = subprocess.run(
            command, env=environment, cwd=tmp_path, capture_output=True, check=True
        )
        return done.stdout.decode().strip()

    run("init", "-q", str(work))
    for path, data in {**FILES, "vocab2.txt": FILES["vocab.txt"] + b"more\n"}.items():
        (work / path).parent.mkdir(exist_ok=True, parents=True)
        (work / path).write_bytes(data)
    run("-C", str(work), "add", ".")
    run("-C", str(work), "commit", "-qm", "one")
    (work / "config.json").write_bytes(b"{}")
    run("-C", str(work), "commit", "-qam", "two")
    first = run("-C", str(work), "rev-parse", "HEAD~1")
    run("clone", "-q", "--bare", str(work), str(bare))
    run("-C", str(bare), "repack", "-adfq")
    for filtered in ("true", "false"):
        run("-C", str(bare), "config", "uploadpack.allowFilter", filtered)
        with real_git(tmp_path) as url:
            options = FetchOptions(full=filtered == "false")
            found = anchor(url, "acme/model", first, options)
        assert found.files["config.json"].blob == git.object_id("blob", FILES["config.json"])
        assert found.files["model.safetensors"].sha256 == hashlib.sha256(WEIGHTS).hexdigest()
        assert (found.files["vocab.txt"].size is None) == (filtered == "true")


def test_links_and_submodules(server: GitServer) -> None:
    link = git.object_id("blob", b"config.json")
    data = git.entry("120000", "link", link) + git.entry("160000", "other", "1" * 40)
    tree = git.object_id("tree", data)
    text = f"tree {tree}\n\n".encode()
    commit = git.object_id("commit", text)
    server.objects = {
        commit: ("commit", text), tree: ("tree", data), link: ("blob", b"config.json"),
    }  # fmt: skip
    assert dict(_anchor(server, commit).files) == {"link": Proved("120000", link, size=11)}


def test_a_commit_without_a_tree(server: GitServer) -> None:
    commit = git.object_id("commit", b"nothing\n")
    server.objects = {commit: ("commit", b"nothing\n")}
    with pytest.raises(AlteredError, match="names no tree"):
        _anchor(server, commit)
