"""Hubs, mirrors and download servers that lie about a commit, and the git objects that tell."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.forge import git, packages, safetensors
from tests.hub.content import Content
from tests.hub.git_server import GitServer
from tests.hub.scanning import fake_hub, gaps, rules, scan
from tests.hub.server import FakeHub

FILES = {
    "config.json": b'{"model_type": "bert"}',
    "model.safetensors": safetensors.small(),
    "README.md": b"---\nlicense: mit\n---\n" + b"A model. " * 300,
}
EVIL = safetensors.small({"format": "np"})
REF = "hf:acme/model"


def _as_git(files: dict[str, bytes]) -> git.Commit:
    return git.commit(
        {path: Content.of(data).pointer if path.endswith(".safetensors") else data
         for path, data in files.items()}
    )  # fmt: skip


@pytest.fixture
def hub() -> Iterator[FakeHub]:
    """A hub whose commits are git's own."""
    with fake_hub() as running:
        running.add("acme/model", FILES)
        commit = _as_git(FILES)
        running["acme/model"].commits[-1].sha = commit.id
        running["acme/model"].branches["main"] = commit.id
        running.git["acme/model"] = GitServer(commit)
        yield running


@pytest.fixture(params=["light", "full"])
def cache(request: pytest.FixtureRequest, tmp_path: Path) -> Path | None:
    return tmp_path / "cache" if request.param == "full" else None


def test_an_honest_hub_is_proved_with_one_request(hub: FakeHub, cache: Path | None) -> None:
    model = scan(hub, REF, cache)
    assert rules(model) == set()
    assert gaps(model) == {}
    official = model.answers.official_bytes
    # a small model is hashed whole in a light scan, too
    assert (official.status, "git objects" in official.reason) == ("hub-consistent", True)
    proved = model.facts.provenance["proved_by_commit"]
    assert isinstance(proved, dict)
    assert proved.keys() == FILES.keys()
    assert proved["model.safetensors"] == packages.digest(FILES["model.safetensors"])
    asked = [request.path for request in hub.log if "git-upload-pack" in request.path]
    assert len(asked) == 1


def test_a_listing_and_bytes_that_agree_on_a_lie_are_caught(
    hub: FakeHub, cache: Path | None
) -> None:
    """The interface, its listing and the download server say the same, and the commit does not."""
    lie = hub["acme/model"].commits[-1].files
    lie["model.safetensors"] = Content.of(EVIL)
    lie["config.json"] = Content.of(b'{"model_type": "gpt2"}')
    model = scan(hub, REF, cache)
    contradicted = {
        f.location.file for f in model.findings if f.rule == "listing-contradicts-commit"
    }
    assert contradicted == {"model.safetensors", "config.json"}
    assert "commit-bytes-differ" in rules(model)
    assert "source-digest-differs" not in rules(model)
    assert model.answers.allowed.status == "fail"


def test_bytes_that_differ_from_an_honest_listing_are_caught_twice(
    hub: FakeHub, cache: Path | None
) -> None:
    hub["acme/model"].served["config.json"] = b'{"model_type": "berx"}'
    assert {"source-digest-differs", "commit-bytes-differ"} <= rules(scan(hub, REF, cache))


def test_a_file_that_is_not_in_the_commit_and_one_that_is_hidden(hub: FakeHub) -> None:
    lie = hub["acme/model"].commits[-1].files
    lie["evil.py"] = Content.of(b"print(1)")
    del lie["config.json"]
    model = scan(hub, REF)
    (finding,) = (f for f in model.findings if f.rule == "commit-bytes-differ")
    assert finding.location.file == "evil.py"
    assert "config.json" in gaps(model)


def test_git_objects_that_are_forged_are_a_finding(hub: FakeHub) -> None:
    server = hub.git["acme/model"]
    tree = next(oid for oid, (kind, _) in server.objects.items() if kind == "tree")
    forged = _as_git({**FILES, "model.safetensors": EVIL}).objects
    server.replaced[tree] = next(one for one in forged.values() if one[0] == "tree")
    model = scan(hub, REF)
    assert "git-object-altered" in rules(model)
    assert model.answers.allowed.status == "fail"


def test_an_endpoint_without_git_is_no_reproach(hub: FakeHub) -> None:
    hub.git.clear()
    model = scan(hub, REF)
    assert rules(model) == set()
    assert model.answers.allowed.status == "pass"


@pytest.mark.parametrize(
    ("path", "target", "leaves"),
    [("key.txt", "/etc/passwd", True), ("key.txt", "../../.ssh/id_rsa", True),
     ("sub/key.txt", "../../x", True), ("sub/key.txt", "../README.md", False),
     ("key.txt", "README.md", False), ("key.txt", "a/../../x", True)],
)  # fmt: skip
def test_a_link_that_only_who_clones_would_have(
    hub: FakeHub, path: str, target: str, *, leaves: bool
) -> None:
    files = FILES | {path: target.encode()}
    made = git.commit(
        {name: Content.of(data).pointer if name.endswith(".safetensors") else data
         for name, data in files.items()}, links={path},
    )  # fmt: skip
    hub["acme/model"].commit(files)
    hub["acme/model"].commits[-1].sha = hub["acme/model"].branches["main"] = made.id
    hub.git["acme/model"] = GitServer(made)
    model = scan(hub, REF)
    assert "proved_by_commit" in model.facts.provenance
    assert bool({"link-leaves-model", "link-leads-to-system"} & set(rules(model))) == leaves
