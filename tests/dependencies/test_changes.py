from __future__ import annotations

from typing import Any

import pytest

from modelscan.dependencies.changes import changes, pairs
from modelscan.dependencies.words import listed, short
from modelscan.vocabulary.lock import LockedFile, LockedTensor
from tests.forge import locks
from tests.forge.locks import NEWER, file, model, other

BASE = model()
PICKLE = file("pytorch_model.bin", file_format="pickle")
CODE = file("modeling_x.py")


def said(**new: Any) -> dict[str, str]:
    return {each.change: each.phrase for each in changes(BASE, other(BASE, **new))}


@pytest.mark.parametrize(
    ("new", "expected"),
    [
        ({"revision": NEWER, "committed": "2025-01-22T09:00:00Z"},
         {"revision": "commit 1110a243fdf4 → 9f21b2a01c44, 12 days newer"}),
        ({"revision": NEWER, "committed": "2025-01-09T23:00:00Z"},
         {"revision": "commit 1110a243fdf4 → 9f21b2a01c44, 1 day older"}),
        ({"revision": NEWER}, {"revision": "commit 1110a243fdf4 → 9f21b2a01c44, of the same day"}),
        ({"revision": NEWER, "committed": ""}, {"revision": "commit 1110a243fdf4 → 9f21b2a01c44"}),
        ({"revision": "", "committed": ""}, {"revision": "commit 1110a243fdf4 → none"}),
        ({"licence": ("other",)}, {"licence": "licence apache-2.0 → other"}),
        ({"licence": ()}, {"licence": "licence apache-2.0 → none"}),
        ({"author": "mallory"}, {"author": "owner acme → mallory"}),
        ({"author": ""}, {}),
        ({"object_id": "77", "created": "2025-02-01T00:00:00Z"},
         {"recreated": "another repository of the same name (created 2025-02-01T00:00:00Z, before 2024-05-01T09:00:00Z)"}),
        ({"object_id": "77", "created": ""}, {"recreated": "another repository of the same name"}),
        ({"repository": "hf:acme/new-name"},
         {"renamed": "its repository moved from hf:acme/chat-7b to hf:acme/new-name"}),
        ({"base": ("acme/base",)}, {"base": "base model none → acme/base"}),
        ({"adapter_of": "acme/base"}, {"adapter": "adapter of acme/base instead of none"}),
        ({"signer": "release@acme.example"}, {"signer-gained": "now signed by release@acme.example"}),
        ({"verdict": "unsafe"}, {"verdict": "the hub's scanners say unsafe (before: none)"}),
        ({"verdict": ""}, {}),
        ({"allow_remote_code": True}, {"consent-given": "its Python may run now"}),
        ({"files": (*BASE.files, CODE)}, {"code-added": "new file modeling_x.py"}),
        ({"files": (*BASE.files, PICKLE)}, {"pickle-added": "a pickle appeared: pytorch_model.bin"}),
        ({"files": BASE.files[:2]}, {"weights": "without model.safetensors"}),
        ({"files": BASE.files[1:]}, {"files": "1 other file differs: README.md"}),
        ({"files": ()}, {"files": "its files are not known any more"}),
        ({"since": "2026-01-01", "used_in": ("x.py",)}, {}),
    ],
)  # fmt: skip
def test_each_change_has_its_words(new: dict[str, Any], expected: dict[str, str]) -> None:
    assert said(**new) == expected


def test_several_files_of_a_kind() -> None:
    more = (CODE, file("b.py"), file("x.so"), file("y.pyc"))
    found = said(files=(*BASE.files, *more))
    assert found["code-added"] == "new files modeling_x.py, b.py, x.so and 1 more"
    two = said(files=(*BASE.files, PICKLE, file("b.pkl")))
    assert two["pickle-added"] == "2 pickles appeared: pytorch_model.bin, b.pkl"


def test_code_that_changes_and_goes() -> None:
    with_code = model(files=(*BASE.files, CODE, file("gone.py")), allow_remote_code=True)
    changed = file("modeling_x.py", "otherwise")
    after = other(with_code, files=(*BASE.files, changed), allow_remote_code=False, revision=NEWER)
    found = {each.change: each.phrase for each in changes(with_code, after)}
    assert found["code-changed"] == "code changed: modeling_x.py"
    assert found["code-removed"] == "code removed: gone.py"
    assert found["consent-withdrawn"] == "its Python may no longer run"


def test_weights_that_change() -> None:
    weights = file("model.safetensors", "otherwise", "safetensors")
    after = (*BASE.files[:2], weights, file("extra.gguf", file_format="gguf"))
    found = said(files=after, revision=NEWER)
    assert found["weights"] == "other weights in model.safetensors, new weights extra.gguf"
    same = other(BASE, weights_root="a" * 64)
    moved = other(same, files=after, revision=NEWER)
    (change,) = [each for each in changes(same, moved) if each.change == "weights"]
    assert change.phrase.endswith("(the same tensors)")


def test_other_bytes_under_the_same_commit() -> None:
    after = (*BASE.files[:2], file("model.safetensors", "otherwise", "safetensors"))
    found = said(files=after)
    assert found["bytes-replaced"] == "other bytes under the same commit: model.safetensors"
    local = model("./models/mini", revision="")
    kinds = {each.change for each in changes(local, other(local, files=after))}
    assert kinds == {"weights"}


def test_a_file_that_moved_is_no_change_of_bytes() -> None:
    moved = LockedFile(
        path="onnx/model.safetensors",
        size=BASE.files[2].size,
        sha256=BASE.files[2].sha256,
        format="safetensors",
    )
    assert said(files=(*BASE.files[:2], moved)) == {}


def test_tensors() -> None:
    def tensors(*names: str, value: str = "0") -> tuple[LockedTensor, ...]:
        return tuple(LockedTensor(name=name, sha256=value * 64) for name in names)

    before = model(tensors=tensors("a", "b", "c", "d"))
    after = other(before, tensors=(*tensors("a", "b"), *tensors("c", "e", value="1")))
    (change,) = changes(before, after)
    assert (
        change.phrase
        == "1 of 4 tensors differ (c), 1 of 4 tensors are new (e), 1 tensor is gone (d)"
    )
    assert change.count == 3
    assert changes(before, before) == ()


def test_signers_that_change_or_go() -> None:
    signed = model(signer="a@acme.example")
    for signer, kind in (("", "signer-lost"), ("b@acme.example", "signer-changed")):
        (change,) = changes(signed, other(signed, signer=signer))
        assert change.change == kind
        assert "a@acme.example" in change.phrase


def test_pins() -> None:
    pinned = model(asked=locks.COMMIT)
    free = model(asked="v1")
    lost = {each.change: each.phrase for each in changes(pinned, free)}
    assert lost["pin-lost"] == "no longer pinned: follows v1"
    assert lost["revision"] == "asks for v1 instead of 1110a243fdf4"
    assert "pin-gained" in {each.change for each in changes(free, pinned)}
    default = {each.change: each.phrase for each in changes(pinned, model())}
    assert default["pin-lost"] == "no longer pinned: follows the default branch"


def test_models_that_come_and_go() -> None:
    (added,) = changes(
        None, model(base=("acme/base",), signer="me", remote_code="sha256:" + "0" * 64)
    )
    assert added.phrase == (
        "new: at 1110a243fdf4, 3 files, licence apache-2.0, based on acme/base, signed by me, "
        "with Python of its own"
    )
    assert [each.change for each in changes(None, model(allow_remote_code=True))] == [
        "model-added",
        "consent-given",
    ]
    (gone,) = changes(model(), None)
    assert gone.phrase == "no longer used"
    assert changes(None, None) == ()


def test_which_model_is_which() -> None:
    old = [
        model("hf:a/one"),
        model("hf:a/two", asked="v1", object_id="2"),
        model("hf:a/gone", object_id="3"),
    ]
    new = [
        model("hf:a/one"),
        model("hf:a/two", asked="v2", object_id="2"),
        model("hf:b/come", object_id="4"),
    ]
    found = [(before and before.key, after and after.key) for before, after in pairs(old, new)]
    assert found == [
        (("hf:a/gone", ""), None),
        (("hf:a/one", ""), ("hf:a/one", "")),
        (("hf:a/two", "v1"), ("hf:a/two", "v2")),
        (None, ("hf:b/come", "")),
    ]


@pytest.mark.parametrize("attribute", ["object_id", "digest"])
def test_a_model_under_another_name_is_the_same_model(attribute: str) -> None:
    value = {"object_id": "", attribute: "sha256:" + "a" * 64}
    before, after = model("hf:a/old", **value), model("hf:b/new", **value)
    assert pairs([before], [after]) == [(before, after)]
    assert [each.change for each in changes(before, after)] == ["renamed"]


def test_words() -> None:
    assert short("sha256:" + "ab" * 32) == "sha256:abababababab"
    assert short("main") == "main"
    assert short("z" * 40) == "z" * 40
    assert listed([]) == "none"
    assert listed(["a", "b", "c", "d"]) == "a, b, c and 1 more"


def test_files_that_become_known() -> None:
    unknown = model(files=())
    (change,) = changes(unknown, BASE)
    assert change.phrase == "its files are known now"
    assert changes(unknown, unknown) == ()
