"""Locks of models on a hub, with the real client and a hub on this machine."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from modelscan import api
from modelscan.dependencies import lockfile
from modelscan.dependencies.locking import Written
from modelscan.errors import SourceError
from modelscan.fetcher.options import FetchOptions
from modelscan.vocabulary.lock import LockedModel
from tests.forge import codebases, safetensors
from tests.hub import giants
from tests.hub.content import Content
from tests.hub.scanning import fake_hub, options
from tests.hub.server import FakeHub

CARD = b"---\nlicense: apache-2.0\n---\n# A model\n"
FILES: dict[str, bytes | Content] = {
    "README.md": CARD,
    "config.json": b'{"model_type": "forged"}',
    "model.safetensors": safetensors.small(),
}
NAME = "acme/chat-7b"


@pytest.fixture
def hub() -> Iterator[FakeHub]:
    with fake_hub() as made:
        made.add(NAME, FILES, info={"cardData": {"license": "apache-2.0"}})
        yield made


@pytest.fixture
def app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "app"
    code = f'from transformers import AutoModel\nAutoModel.from_pretrained("{NAME}")\n'
    codebases.write(folder, "main.py", code)
    monkeypatch.chdir(folder)
    return folder


def write(hub: FakeHub, folder: Path) -> Written:
    (written,) = api.lock_write(folder, fetch=options(hub))
    return written


def locked(folder: Path) -> LockedModel:
    (model,) = lockfile.read(folder / "models.lock").model
    return model


def update(hub: FakeHub, *refs: str, consent: tuple[str, ...] = ()) -> dict[str, str]:
    written = api.lock_update(*refs, fetch=options(hub), consent=consent)
    models = api.lock_changes(written).diff.models
    return {each.change: each.phrase for model in models for each in model.changes}


def ask(hub: FakeHub) -> dict[str, str]:
    found = api.lock_outdated(fetch=options(hub))
    models = found.compared.diff.models
    return {each.change: each.phrase for model in models for each in model.changes}


def test_a_model_of_a_hub_is_resolved_and_locked(hub: FakeHub, app: Path) -> None:
    assert not write(hub, app).troubles
    model = locked(app)
    assert model.ref == f"hf:{NAME}"
    assert model.revision == hub[NAME].branches["main"]
    assert model.author == "acme"
    assert model.created
    assert model.object_id
    assert model.committed == "2026-01-01T00:00:00Z"
    assert model.licence == ("apache-2.0",)
    assert model.used_in == ("main.py",)
    digests = {file.path: (file.sha256, file.declared) for file in model.files}
    assert digests == {path: (Content.of(data).sha256, False) for path, data in FILES.items()}
    assert model.digest
    assert api.lock_check(app).report.decision.exit_code == 0


def test_of_large_files_the_word_of_the_hub_is_taken_and_marked(hub: FakeHub, app: Path) -> None:
    giant = giants.shard(0, 4_700_000_000)
    hub[NAME].commit(FILES | {"model.safetensors": giant})
    write(hub, app)
    model = locked(app)
    (weights,) = [file for file in model.files if file.declared]
    assert (weights.path, weights.size) == ("model.safetensors", giant.size)
    assert weights.sha256 == giant.sha256
    assert model.digest == ""  # the hub's word about the weights is no digest of ours


def test_every_byte_is_hashed_when_asked_to(hub: FakeHub, app: Path, tmp_path: Path) -> None:
    api.lock_write(app, fetch=options(hub, tmp_path / "cache"))
    model = locked(app)
    assert model.digest
    assert not any(file.declared for file in model.files)


def test_what_is_locked_stays_until_it_is_updated(hub: FakeHub, app: Path) -> None:
    write(hub, app)
    before = (app / "models.lock").read_bytes()
    hub[NAME].commit(FILES | {"notes.md": b"more"}, date="2026-01-13T00:00:00.000Z")
    asked = len(hub.log)
    assert not write(hub, app).changed
    assert (app / "models.lock").read_bytes() == before
    assert len(hub.log) == asked  # nobody was asked again


def test_one_newer_commit_is_one_clear_paragraph(hub: FakeHub, app: Path) -> None:
    write(hub, app)
    old = locked(app).revision
    files = dict(FILES)
    files["README.md"] = CARD.replace(b"apache-2.0", b"other")
    files["modeling_x.py"] = b"class X: ...\n"
    new = hub[NAME].commit(files, date="2026-01-13T00:00:00.000Z")
    found = update(hub, f"hf:{NAME}")
    assert found == {
        "revision": f"commit {old[:12]} → {new[:12]}, 12 days newer",
        "licence": "licence apache-2.0 → other",
        "code-added": "new file modeling_x.py",
        "files": "1 other file differs: README.md",
    }
    assert locked(app).revision == new


def test_outdated_says_what_an_update_would_bring(hub: FakeHub, app: Path) -> None:
    write(hub, app)
    assert ask(hub) == {}
    for number in range(2):
        files = FILES | {"modeling_x.py": b"class X: ...\n" * (number + 1)}
        hub[NAME].commit(files, title=str(number), date="2026-01-13T00:00:00.000Z")
    found = api.lock_outdated(fetch=options(hub))
    assert found.commands == (f"modelassay lock update hf:{NAME}",)
    (model,) = found.compared.diff.models
    assert "12 days newer" in model.summary
    assert "new file modeling_x.py" in model.summary
    assert "2 newer commits" in model.summary
    assert found.compared.diff.decision.exit_code == 1  # code appeared


def test_a_model_that_is_gone(hub: FakeHub, app: Path) -> None:
    write(hub, app)
    del hub.repositories[NAME]
    (phrase,) = ask(hub).values()
    assert "not found or private" in phrase


def test_a_model_that_was_made_again(hub: FakeHub, app: Path) -> None:
    write(hub, app)
    hub[NAME].info |= {"_id": "68f0c2000000000000000000", "createdAt": "2026-02-01T00:00:00.000Z"}
    assert "another repository of the same name" in ask(hub)["recreated"]


def test_a_commit_that_the_code_pins(hub: FakeHub, app: Path) -> None:
    old = hub[NAME].branches["main"]
    code = f'from transformers import AutoModel\nAutoModel.from_pretrained("{NAME}", revision="{old}")\n'
    codebases.write(app, "main.py", code)
    write(hub, app)
    hub[NAME].commit(FILES | {"x.md": b"x"})
    found = api.lock_outdated(fetch=options(hub))
    assert found.commands == ()
    (change,) = found.compared.diff.models[0].changes
    assert change.phrase.startswith("1 newer commit up to ")
    assert f"the code pins {old[:12]}: change it in main.py" in change.phrase


def test_consent_ends_with_the_code_that_it_was_given_to(hub: FakeHub, app: Path) -> None:
    code = {"config.json": json.dumps({"auto_map": {"AutoModel": "modeling_x.X"}}).encode()}
    hub[NAME].commit(FILES | code | {"modeling_x.py": b"class X: ...\n"})
    codebases.write(
        app,
        "main.py",
        "from transformers import AutoModel\n"
        f'AutoModel.from_pretrained("{NAME}", trust_remote_code=True)\n',
    )
    write(hub, app)

    def rules() -> set[str]:
        report = api.lock_check(app).report
        return {finding.rule for finding in report.models[0].findings}

    assert "remote-code-without-consent" in rules()
    assert update(hub, consent=(f"hf:{NAME}",)) == {"consent-given": "its Python may run now"}
    assert "remote-code-without-consent" not in rules()
    hub[NAME].commit(FILES | code | {"modeling_x.py": b"class X(list): ...\n"})
    found = update(hub)
    assert found["code-changed"] == "code changed: modeling_x.py"
    assert found["consent-withdrawn"]
    assert "remote-code-without-consent" in rules()


def test_a_hub_that_does_not_answer_is_no_good_news(hub: FakeHub, app: Path) -> None:
    write(hub, app)
    offline = FetchOptions(endpoint=hub.url, offline=True)
    found = api.lock_outdated(fetch=offline).compared.diff
    assert found.decision.exit_code == 3
    assert "offline" in found.coverage[0].reason


def test_a_gated_model_is_named_and_not_locked(hub: FakeHub, app: Path) -> None:
    hub[NAME].gated = "manual"
    written = write(hub, app)
    assert not (app / "models.lock").exists()
    (trouble,) = written.troubles
    assert "gated" in trouble.trouble
    with pytest.raises(SourceError, match="is not there"):
        api.lock_update(fetch=options(hub))


def test_verdicts_that_come_later(hub: FakeHub, app: Path) -> None:
    write(hub, app)
    hub[NAME].security["model.safetensors"] = {"status": "unsafe"}
    found = ask(hub)
    assert found == {"verdict": "the hub's scanners say unsafe (before: none)"}


def test_a_branch_that_the_code_asks_for(hub: FakeHub, app: Path) -> None:
    hub[NAME].branches["v1"] = hub[NAME].branches["main"]
    code = (
        f'from transformers import AutoModel\nAutoModel.from_pretrained("{NAME}", revision="v1")\n'
    )
    codebases.write(app, "main.py", code)
    write(hub, app)
    assert locked(app).asked == "v1"
    new = hub[NAME].commit(FILES | {"x.md": b"x"})
    assert ask(hub) == {}  # the branch did not move
    hub[NAME].branches["v1"] = new
    found = api.lock_outdated(fetch=options(hub))
    assert found.commands == (f"modelassay lock update hf:{NAME}",)


def test_a_locked_commit_that_is_gone(hub: FakeHub, app: Path) -> None:
    write(hub, app)
    hub[NAME].commits.clear()
    hub[NAME].commit(FILES | {"x.md": b"x"})
    assert "the locked commit is gone: revision not found" in ask(hub)["gone"]


def test_what_moved_and_then_cannot_be_fetched(hub: FakeHub, app: Path) -> None:
    write(hub, app)
    hub[NAME].commit({})
    found = api.lock_outdated(fetch=options(hub)).compared.diff
    assert found.decision.exit_code == 3
    assert [gap.file for gap in found.coverage] == [f"hf:{NAME}"]


def test_a_repository_that_was_renamed(hub: FakeHub, app: Path) -> None:
    write(hub, app)
    hub.repositories["acme/new-name"] = hub.repositories.pop(NAME)
    hub["acme/new-name"].id = "acme/new-name"
    hub.renamed[NAME] = "acme/new-name"
    found = ask(hub)
    assert found["renamed"] == f"its repository moved from hf:{NAME} to hf:acme/new-name"


def test_consent_goes_with_the_code_to_another_revision(hub: FakeHub, app: Path) -> None:
    code = {"modeling_x.py": b"class X: ...\n"}
    old = hub[NAME].commit(FILES | code)
    new = hub[NAME].commit(FILES | code | {"notes.md": b"x"})
    newest = hub[NAME].commit(FILES | {"modeling_x.py": b"class X(list): ...\n"})

    def pin(commit: str) -> LockedModel:
        line = f'AutoModel.from_pretrained("{NAME}", revision="{commit}", trust_remote_code=True)'
        codebases.write(app, "main.py", f"from transformers import AutoModel\n{line}\n")
        write(hub, app)
        return locked(app)

    pin(old)
    update(hub, consent=(f"hf:{NAME}",))
    assert locked(app).allow_remote_code
    assert pin(new).allow_remote_code
    assert not pin(newest).allow_remote_code
