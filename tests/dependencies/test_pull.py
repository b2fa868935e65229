"""`pull` against a hub on this machine: what appears, what is locked, and what never does."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from modelscan import api
from modelscan.dependencies import lockfile, staging
from modelscan.dependencies import pull as pulling
from modelscan.dependencies.pull import Pulled, named
from modelscan.errors import SourceError, UsageError
from modelscan.pipeline import Scanned, Tools, scan_snapshot
from modelscan.vocabulary.lock import LockedModel
from modelscan.vocabulary.ref import ModelRef
from modelscan.vocabulary.snapshot import Snapshot
from tests.forge import pickles, safetensors
from tests.hub.content import Content
from tests.hub.scanning import fake_hub, options
from tests.hub.server import FakeHub

NAME = "acme/chat-7b"
FILES: dict[str, bytes | Content] = {
    "README.md": b"---\nlicense: apache-2.0\n---\n# A model\n",
    "config.json": b'{"model_type": "forged"}',
    "nested/tokenizer_config.json": b"{}",
    "model.safetensors": safetensors.small(),
}


class Watch:
    """A `Progress` that remembers."""

    def __init__(self) -> None:
        self.started: list[tuple[int, int]] = []
        self.size = self.files = 0

    def listing(self, ref: str, files: int) -> None:
        assert ref == f"hf:{NAME}"
        assert files == 0

    def start(self, ref: str, files: int, size: int) -> None:
        assert ref.startswith(f"hf:{NAME}@")
        self.started.append((files, size))

    def advance(self, size: int) -> None:
        self.size += size

    def file_done(self) -> None:
        self.files += 1


@pytest.fixture
def hub() -> Iterator[FakeHub]:
    with fake_hub() as made:
        made.add(NAME, FILES)
        yield made


@pytest.fixture
def app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "app"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


def pull(hub: FakeHub, app: Path, ref: str = f"hf:{NAME}", **fields: Any) -> Pulled:
    target = app / "models" / "chat"
    return api.pull(ref, target, fetch=options(hub, app.parent / "cache"), **fields)


def present(app: Path) -> dict[str, bytes]:
    """Every file of the working directory, the hub's cache lying beside it."""
    return {
        path.relative_to(app).as_posix(): path.read_bytes()
        for path in sorted(app.rglob("*"))
        if path.is_file()
    }


def locked(app: Path) -> dict[str, LockedModel]:
    return {model.ref: model for model in lockfile.read(app / "models.lock").model}


def found(pulled: Pulled) -> set[str]:
    return {each.rule for each in pulled.report.models[0].findings if each.severity != "info"}


def test_a_good_model_appears_and_is_locked(hub: FakeHub, app: Path) -> None:
    pulled = pull(hub, app)
    assert pulled.report.decision.exit_code == 0
    assert pulled.folder == app / "models" / "chat"
    files = present(app)
    lock = files.pop("models.lock")
    assert files == {f"models/chat/{name}": data for name, data in FILES.items()}
    models = locked(app)
    assert models.keys() == {f"hf:{NAME}", "./models/chat"}
    assert models[f"hf:{NAME}"].revision == hub[NAME].branches["main"]
    assert models[f"hf:{NAME}"].digest == models["./models/chat"].digest
    assert not any(file.declared for model in models.values() for file in model.files)
    assert api.lock_check(app).report.decision.exit_code == 0
    again = pull(hub, app, force=True)
    assert again.report.decision.exit_code == 0
    assert present(app)["models.lock"] == lock


def test_the_report_is_about_the_model_and_not_about_a_folder(hub: FakeHub, app: Path) -> None:
    (model,) = pull(hub, app).report.models
    assert model.source.kind == "hub"
    assert model.answers.official_bytes.status == "hub-consistent"
    assert model.ref.startswith(f"hf:{NAME}@")


def test_a_model_that_the_policy_refuses_does_not_appear(hub: FakeHub, app: Path) -> None:
    hub.add(NAME, FILES | {"weights.pkl": pickles.malicious()["reduce"]})
    pulled = pull(hub, app)
    assert pulled.report.decision.exit_code == 1
    assert "pickle-dangerous-call" in found(pulled)
    assert pulled.folder is None
    assert present(app) == {}
    assert list((app / "models").iterdir()) == []


def test_a_model_that_cannot_be_had_has_a_report(hub: FakeHub, app: Path) -> None:
    pulled = pull(hub, app, "hf:acme/other")
    assert pulled.report.decision.exit_code == 3
    assert "not found or private" in (pulled.report.models[0].error or "")
    assert not (app / "models").exists()


def test_files_without_a_model_do_not_appear(hub: FakeHub, app: Path) -> None:
    hub.add(NAME, {"picture.png": b"\x89PNG"})
    assert pull(hub, app).report.decision.exit_code == 4
    assert present(app) == {}


def test_some_files_may_be_left_out(hub: FakeHub, app: Path) -> None:
    pulled = pull(hub, app, include=["*.safetensors", "config.json"])
    names = ["models.lock", "models/chat/config.json", "models/chat/model.safetensors"]
    assert sorted(present(app)) == names
    skipped = {gap.file for gap in pulled.report.models[0].coverage if gap.status == "skipped"}
    assert {"README.md", "nested/tokenizer_config.json"} <= skipped


def test_a_part_of_a_locked_model_leaves_its_lock_whole(hub: FakeHub, app: Path) -> None:
    pull(hub, app)
    whole = locked(app)[f"hf:{NAME}"]
    pull(hub, app, include=["*.json"], force=True)
    assert locked(app)[f"hf:{NAME}"] == whole
    assert {file.path for file in locked(app)["./models/chat"].files} == {
        "config.json",
        "nested/tokenizer_config.json",
    }


def test_whoever_watches_is_told(hub: FakeHub, app: Path) -> None:
    watch = Watch()
    pull(hub, app, progress=watch)
    size = sum(len(Content.of(data).head) for data in FILES.values())
    assert watch.started == [(len(FILES), size)] * 2
    assert watch.size == 2 * size  # once as it comes in, once as it is scanned
    assert watch.files == len(FILES)


def test_what_is_there_is_kept_unless_it_is_to_be_replaced(hub: FakeHub, app: Path) -> None:
    place = app / "models" / "chat"
    place.mkdir(parents=True)
    (place / "mine.txt").write_text("mine")
    with pytest.raises(UsageError, match="not empty"):
        pull(hub, app)
    assert hub.log == []
    hub.add(NAME, FILES | {"weights.pkl": pickles.malicious()["reduce"]})
    assert pull(hub, app, force=True).folder is None
    assert (place / "mine.txt").read_text() == "mine"
    hub.add(NAME, FILES)
    assert pull(hub, app, force=True).folder == place
    assert not (place / "mine.txt").exists()


def test_links_and_files_are_not_replaced(hub: FakeHub, app: Path) -> None:
    (app / "models").mkdir()
    (app / "models" / "chat").symlink_to(app)
    with pytest.raises(UsageError, match="no folder"):
        pull(hub, app, force=True)
    with pytest.raises(UsageError, match="no name"):
        api.pull("x", app / "..", force=True)


def test_an_interruption_leaves_nothing(
    hub: FakeHub, app: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("modelscan.dependencies.pull.scan_snapshot", interrupted)
    with pytest.raises(KeyboardInterrupt):
        pull(hub, app)
    assert present(app) == {}
    assert list((app / "models").iterdir()) == []


def test_what_cannot_be_put_there_leaves_what_was_there(tmp_path: Path) -> None:
    target = tmp_path / "model"
    target.mkdir()
    (target / "old").write_text("old")
    with staging.staging(target) as stage:
        stage.model.rmdir()
        with pytest.raises(SourceError, match="cannot be put there"):
            stage.publish()
    assert (target / "old").read_text() == "old"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["model"]


def test_copies_that_change_while_they_are_scanned_are_not_handed_out(
    app: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def meddled(snapshot: Snapshot, tools: Tools, **fields: Any) -> Scanned:
        (copy,) = app.glob(".copy.*/model/config.json")
        copy.write_bytes(b'{"model_type": "FORGED"}')
        return scan_snapshot(snapshot, tools, **fields)

    monkeypatch.setattr(pulling, "scan_snapshot", meddled)
    source = app.parent / "source"
    source.mkdir()
    (source / "config.json").write_bytes(b'{"model_type": "forged"}')
    with pytest.raises(SourceError, match="changed while they were scanned"):
        api.pull(source, app / "copy")
    assert present(app) == {}


def test_a_folder_of_this_machine_can_be_taken_in(app: Path) -> None:
    source = app.parent / "source"
    source.mkdir()
    (source / "config.json").write_bytes(b'{"model_type": "forged"}')
    (source / "link.json").symlink_to(source / "config.json")
    pulled = api.pull(source, app / "copy")
    assert pulled.folder == app / "copy"
    assert not (app / "copy" / "link.json").is_symlink()
    assert locked(app).keys() == {"./copy"}


def test_a_folder_elsewhere_is_not_named_by_the_lock(hub: FakeHub, app: Path) -> None:
    api.pull(f"hf:{NAME}", app.parent / "far", fetch=options(hub, app.parent / "cache"))
    assert locked(app).keys() == {f"hf:{NAME}"}
    assert os.listdir(app.parent / "far")  # noqa: PTH208  # it is there


@pytest.mark.parametrize(
    ("text", "ref", "asked"),
    [
        ("hf:acme/model", "hf:acme/model", ""),
        ("hf:acme/model:Q4_K_M@v1", "hf:acme/model:Q4_K_M", "v1"),
        ("https://huggingface.co/acme/model/tree/v1", "hf:acme/model", "v1"),
        ("https://user@example.org/model.gguf?key=1", "https://example.org/model.gguf", ""),
        ("ollama:llama3:8b", "ollama:llama3:8b", ""),
        ("./model", "", ""),
        ("hf:no name", "hf:no name", ""),
    ],
)
def test_a_lock_names_a_reference_without_what_is_secret(text: str, ref: str, asked: str) -> None:
    assert named(ModelRef.parse(text)) == (ref, asked)


# -- what the lock said before -----------------------------------------------------------------


def test_a_branch_that_moved_on_is_a_note(hub: FakeHub, app: Path) -> None:
    pull(hub, app)
    hub[NAME].commit(FILES | {"config.json": b'{"model_type": "other"}'})
    pulled = pull(hub, app, force=True)
    assert pulled.folder is not None
    assert "model-changed" in {each.rule for each in pulled.report.models[0].findings}
    assert locked(app)[f"hf:{NAME}"].revision == hub[NAME].branches["main"]


def test_a_tag_that_moved_does_not_pass(hub: FakeHub, app: Path) -> None:
    repository = hub[NAME]
    repository.tags["v1"] = repository.branches["main"]
    assert pull(hub, app, f"hf:{NAME}@v1").folder is not None
    before = present(app)
    repository.tags["v1"] = repository.commit(FILES | {"config.json": b'{"model_type": "x"}'})
    pulled = pull(hub, app, f"hf:{NAME}@v1", force=True)
    assert "locked-tag-moved" in found(pulled)
    assert pulled.report.decision.exit_code == 1
    assert present(app) == before


def test_a_history_that_was_rewritten_does_not_pass(hub: FakeHub, app: Path) -> None:
    pull(hub, app)
    before = present(app)
    hub[NAME].commits.clear()
    hub[NAME].commit(FILES | {"config.json": b'{"model_type": "x"}'}, date="2026-01-02T00:00:00Z")
    pulled = pull(hub, app, force=True)
    assert "hub-history-rewritten" in found(pulled)
    assert present(app) == before


def test_a_name_that_was_registered_again_does_not_pass(hub: FakeHub, app: Path) -> None:
    pull(hub, app)
    before = present(app)
    hub[NAME].info |= {"_id": "9" * 24, "createdAt": "2099-06-01T00:00:00Z"}
    pulled = pull(hub, app, force=True)
    assert {"repository-recreated", "name-registered-later"} <= found(pulled)
    assert pulled.report.decision.exit_code == 1
    assert present(app) == before


def test_a_repository_that_moved_to_another_owner_does_not_pass(hub: FakeHub, app: Path) -> None:
    pull(hub, app)
    hub.add("other/chat-7b", FILES)
    hub.renamed[NAME] = "other/chat-7b"
    del hub.repositories[NAME]
    pulled = pull(hub, app, force=True)
    assert {"hub-repository-renamed", "model-renamed", "model-owner-changed"} <= found(pulled)
    assert pulled.report.decision.exit_code == 1
