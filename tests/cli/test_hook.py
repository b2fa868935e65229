from __future__ import annotations

import hashlib
import os
import re
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from modelscan.discovery import weights
from modelscan.vocabulary.lock import LockedFile
from tests.cli.conftest import Command
from tests.forge import codebases, git, locks, models, safetensors

ROOT = Path(__file__).parents[2]
WEIGHTS = safetensors.small()
GPU = "models/mini/model.safetensors"


@pytest.fixture
def app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository that uses a locked model of a hub, and one that lies in it."""
    folder = locks.application(tmp_path / "app")
    monkeypatch.chdir(folder)
    inside = folder / "models/mini"
    files = tuple(
        LockedFile(
            path=path.name,
            size=path.stat().st_size,
            sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
        )
        for path in sorted(inside.iterdir())
    )
    locks.write(
        folder,
        locks.model(asked=locks.COMMIT),
        locks.model("./models/mini", files=files, revision=""),
    )
    return folder


# files


@pytest.mark.usefixtures("app")
def test_honest_files_pass_in_three_lines(modelassay: Command) -> None:
    ran = modelassay("hook", "files", GPU, "models/mini/config.json")
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.splitlines()[-2:] == [
        "2 files scanned.",
        "Policy: pass.                                                           (exit 0)",
    ]
    assert len(ran.out.splitlines()) <= 3


def test_a_bad_file_is_named_with_its_path_and_what_to_do(modelassay: Command, app: Path) -> None:
    (app / "weights.pkl").write_bytes(models.ECHO)
    (app / "deep").mkdir()
    (app / "deep/weights.pkl").write_bytes(models.ECHO)
    ran = modelassay("hook", "files", "weights.pkl", "deep/weights.pkl", GPU)
    assert ran.code == 1
    assert "critical  pickle-dangerous-call\n" in ran.out
    assert "\n          weights.pkl @" in ran.out
    assert "\n          deep/weights.pkl @" in ran.out
    assert "Fix: Do not load the file." in ran.out
    assert max(map(len, ran.out.splitlines())) <= 80


def test_of_many_findings_the_worst_are_shown_and_the_rest_is_counted(
    modelassay: Command, app: Path
) -> None:
    names = [f"{number}.pkl" for number in range(13)]
    for name in names:
        (app / name).write_bytes(models.ECHO)
    ran = modelassay("hook", "files", *names)
    assert ran.out.count("pickle-dangerous-call") == 10
    assert re.search(r"\d+ other findings \(-v shows them\)", ran.out)
    verbose = modelassay("hook", "files", "-v", *names)
    assert verbose.out.count("pickle-dangerous-call") == 13
    assert "other finding" not in verbose.out


def test_a_folder_is_one_model(modelassay: Command, app: Path) -> None:
    (app / "models/mini/weights.pkl").write_bytes(models.ECHO)
    ran = modelassay("hook", "files", "models/mini")
    assert ran.code == 1
    assert "models/mini/weights.pkl @" in ran.out


def test_what_is_no_model_is_in_nobodys_way(modelassay: Command, app: Path) -> None:
    (app / "notes.bin").write_bytes(b"notes")
    assert modelassay("hook", "files", "notes.bin").code == 0
    assert modelassay("hook", "files").code == 0
    assert modelassay("hook", "references").code == 0
    assert modelassay("hook", "files", "not-there.pkl").code == 2


def test_hostile_names_stay_on_their_line(modelassay: Command, app: Path) -> None:
    name = "a\x1b]0;owned\x07\n::error::b.pkl"
    (app / name).write_bytes(models.ECHO)
    ran = modelassay("hook", "files", name)
    assert ran.code == 1
    assert "\x1b" not in ran.out
    assert "\\x1b]0;owned\\x07\\n::error::b.pkl" in ran.out.replace("\n          ", "")


def test_a_waived_finding_is_shown_as_such(modelassay: Command, app: Path) -> None:
    (app / "weights.pkl").write_bytes(models.ECHO)
    digest = hashlib.sha256(models.ECHO).hexdigest()
    soon = datetime.now(tz=UTC).date() + timedelta(days=9)
    (app / "modelassay.toml").write_text(
        f"""
        [[waiver]]
        rule = "pickle-dangerous-call"
        subject = "sha256:{digest}"
        owner = "somebody"
        reason = "a sample"
        justification = "vulnerable_code_not_in_execute_path"
        expires = {soon}
        """
    )
    ran = modelassay("hook", "files", "weights.pkl", "--config", "modelassay.toml")
    assert ran.code == 0
    assert re.search(r"Waived: .*a sample", " ".join(ran.out.split()))


# LFS pointers


def test_a_pointer_to_locked_bytes_passes(modelassay: Command, app: Path) -> None:
    data = (app / GPU).read_bytes()
    (app / GPU).write_bytes(git.pointer(data))
    ran = modelassay("hook", "files", GPU)
    assert (ran.code, ran.err) == (0, "")
    assert "0 files scanned, 1 LFS pointer as locked." in ran.out


def test_a_pointer_to_other_bytes_fails(modelassay: Command, app: Path) -> None:
    (app / GPU).write_bytes(git.pointer(b"something else"))
    ran = modelassay("hook", "files", GPU)
    assert ran.code == 1
    assert "locked-file-differs" in ran.out
    assert GPU in ran.out
    assert "git lfs pull" in " ".join(ran.out.split())


def test_a_pointer_of_the_right_digest_and_another_size_fails(
    modelassay: Command, app: Path
) -> None:
    data = (app / GPU).read_bytes()
    text = git.POINTER.format(hashlib.sha256(data).hexdigest(), len(data) + 1)
    (app / GPU).write_text(text)
    assert modelassay("hook", "files", GPU).code == 1


@pytest.mark.parametrize(
    ("name", "code", "rule"),
    [
        ("models/mini/extra.pkl", 1, "unlocked-code-in-model"),
        ("models/mini/extra.safetensors", 3, "git lfs pull"),
        ("models/other/model.safetensors", 1, "local-model-not-locked"),
    ],
)
def test_a_pointer_that_nobody_locked(
    modelassay: Command, app: Path, name: str, code: int, rule: str
) -> None:
    (app / name).parent.mkdir(exist_ok=True)
    (app / name).write_bytes(git.pointer(b"new"))
    ran = modelassay("hook", "files", name)
    assert ran.code == code
    assert rule in " ".join(ran.out.split())


def test_without_a_lock_a_pointer_is_not_looked_at_and_that_is_said(
    modelassay: Command, app: Path
) -> None:
    (app / "models.lock").unlink()
    (app / GPU).write_bytes(git.pointer(b"x"))
    ran = modelassay("hook", "files", GPU)
    assert ran.code == 3
    assert f"not looked at: {GPU}" in ran.out


def test_the_lock_of_a_single_file_and_the_innermost_of_two(modelassay: Command, app: Path) -> None:
    digest = hashlib.sha256(b"x").hexdigest()
    file = LockedFile(path="one.gguf", size=1, sha256=digest)
    locks.write(
        app,
        locks.model("./weights", revision=""),
        locks.model("./weights/one.gguf", files=(file,), revision=""),
    )
    (app / "weights").mkdir()
    (app / "weights/one.gguf").write_bytes(git.pointer(b"x"))
    assert modelassay("hook", "files", "weights/one.gguf").code == 0


@pytest.mark.skipif(os.name == "nt", reason="links need a privilege there")
def test_a_link_to_a_pointer_is_no_pointer(modelassay: Command, app: Path) -> None:
    (app / "real").write_bytes(git.pointer((app / GPU).read_bytes()))
    (app / GPU).unlink()
    (app / GPU).symlink_to(app / "real")
    assert modelassay("hook", "files", GPU).code == 3


def test_a_broken_lock_is_said(modelassay: Command, app: Path) -> None:
    (app / "models.lock").write_text("<<<<<<< ours\n")
    (app / GPU).write_bytes(git.pointer(b"x"))
    for ran in (
        modelassay("hook", "files", GPU),
        modelassay("hook", "references", "app/main.py"),
        modelassay("hook", "lock"),
    ):
        assert ran.code == 2
        assert "models.lock:1: a merge conflict is not resolved" in ran.err


# references


@pytest.mark.usefixtures("app")
def test_locked_references_pass(modelassay: Command) -> None:
    ran = modelassay("hook", "references", "app/main.py")
    assert (ran.code, ran.err) == (0, "")
    assert ran.out == (
        "2 references in 1 changed file held against the lock.\n"
        "Policy: pass.                                                           (exit 0)\n"
    )


def test_only_changed_files_are_judged(modelassay: Command, app: Path) -> None:
    load = 'from transformers import AutoModel\nAutoModel.from_pretrained("acme/{}")\n'
    (app / "old.py").write_text(load.format("old-7b"))
    (app / "new.py").write_text(load.format("new-7b"))
    (app / "broken.ipynb").write_text("from_pretrained")
    ran = modelassay("hook", "references", "new.py")
    assert ran.code == 1
    assert "model-not-locked" in ran.out
    assert "new.py:2  hf:acme/new-7b" in ran.out
    assert "old" not in ran.out
    assert "broken" not in ran.out


def test_imports_and_folders_elsewhere_settle_doubts(modelassay: Command, app: Path) -> None:
    codebases.write(app, "app/names.py", f'MODEL = "acme/chat-7b"\nREVISION = "{locks.COMMIT}"\n')
    codebases.write(
        app,
        "app/more.py",
        """
        from transformers import AutoModel

        from app.names import MODEL, REVISION

        AutoModel.from_pretrained(MODEL, revision=REVISION)
        """,
    )
    ran = modelassay("hook", "references", "app/more.py", "app/main.py")
    assert ran.code == 0
    assert "3 references in 2 changed files held against the lock." in ran.out
    assert "unresolved" not in ran.out


def test_local_models_are_not_hashed(modelassay: Command, app: Path) -> None:
    (app / GPU).write_bytes(b"other bytes")
    assert modelassay("hook", "references", "app/main.py").code == 0
    assert modelassay("hook", "lock").code == 1


def test_a_lock_of_its_own_below(modelassay: Command, app: Path) -> None:
    codebases.write(
        app,
        "service/run.py",
        """
        from transformers import AutoModel

        AutoModel.from_pretrained("acme/tiny-1b")
        """,
    )
    locks.write(app / "service", locks.model("hf:acme/small-1b"))
    ran = modelassay("hook", "references", "service/run.py")
    assert ran.code == 1
    assert "service/run.py:3  hf:acme/tiny-1b" in ran.out


def test_a_changed_file_that_cannot_be_read(modelassay: Command, app: Path) -> None:
    (app / "broken.ipynb").write_text("from_pretrained")
    (app / "note.ipynb").write_text("from_pretrained")
    load = "from transformers import AutoModel\nAutoModel.from_pretrained(NAME)\n"
    (app / "new.py").write_text(load)
    ran = modelassay("hook", "references", "broken.ipynb", "new.py")
    assert ran.code == 3
    assert "not looked at: broken.ipynb" in ran.out
    assert "note.ipynb" not in ran.out


def test_a_file_elsewhere_is_judged_by_what_lies_there(
    modelassay: Command, app: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    load = 'from transformers import AutoModel\nAutoModel.from_pretrained("acme/new-7b")\n'
    (app / "new.py").write_text(load)
    monkeypatch.chdir(app / "models")
    ran = modelassay("hook", "references", app / "new.py")
    assert ran.code == 1
    assert "new.py:2  hf:acme/new-7b" in ran.out


# lock


def test_the_whole_lock(modelassay: Command, app: Path) -> None:
    ran = modelassay("hook", "lock")
    assert (ran.code, ran.err) == (0, "")
    assert "2 references held against 2 locked models (1 lock), no findings." in ran.out
    (app / "models.lock").unlink()
    (app / "app/main.py").unlink()
    for path in sorted((app / "models/mini").iterdir()):
        path.unlink()
    ran = modelassay("hook", "lock")
    assert (ran.code, "Policy: pass." in ran.out) == (0, True)


def test_a_configuration_that_is_a_target_is_passed_over(modelassay: Command, app: Path) -> None:
    (app / "modelassay.toml").write_text('fail-on = {severity = "critical", confidence = "high"}\n')
    (app / "weights.pkl").write_bytes(models.ECHO)
    ran = modelassay("hook", "files", "modelassay.toml", "weights.pkl")
    assert ran.code == 1
    assert "passed over" in ran.err or "ignored" in ran.err


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes there")
def test_a_pipe_is_not_opened(modelassay: Command, app: Path) -> None:
    os.mkfifo(app / "weights.pkl")
    ran = modelassay("hook", "files", "weights.pkl")
    assert ran.code == 3
    assert "not looked at: weights.pkl:" in ran.out


# what pre-commit reads


def _hooks() -> dict[str, dict[str, Any]]:
    hooks = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))
    return {hook["id"]: hook for hook in hooks}


def test_every_hook_is_a_command(modelassay: Command) -> None:
    hooks = _hooks()
    assert set(hooks) == {"modelassay-files", "modelassay-references", "modelassay-lock"}
    for hook in hooks.values():
        name, *words = hook["entry"].split()
        assert name == "modelassay"
        assert modelassay(*words, "--help").code == 0
        assert hook["language"] == "python"


def test_the_pattern_takes_weights_and_templates_and_leaves_code_alone() -> None:
    pattern = re.compile(_hooks()["modelassay-files"]["files"])
    names = [f"models/a{extension}" for extension in weights.ANY]
    names += ["A.GGUF", "x/tokenizer_config.json", "config.json", "chat_template.jinja", "b.npz"]
    assert [name for name in names if not pattern.search(name)] == []
    others = ["app/main.py", "README.md", "app/myconfig.json", "binary", "a.model.md", "x.bin.txt"]
    assert [name for name in others if pattern.search(name)] == []


def test_it_is_in_no_list(modelassay: Command) -> None:
    assert "hook" not in modelassay("--help").out
    assert "references" in modelassay("hook", "--help").out


def test_heavy_libraries_and_sockets_are_not_touched(app: Path) -> None:
    code = (
        "import sys\n"
        "from modelscan._cli.main import run\n"
        "run(sys.argv[1:])\n"
        "heavy = {'huggingface_hub', 'sigstore', 'numpy', 'cryptography', 'socket'} & set(sys.modules)\n"
        "sys.exit(f'imported: {heavy}' if heavy else 0)\n"
    )
    for words in (["files", GPU], ["references", "app/main.py"], ["lock"]):
        done = subprocess.run(
            [sys.executable, "-c", code, "hook", *words],
            cwd=app,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert (done.returncode, done.stderr) == (0, ""), done
