from __future__ import annotations

import pytest

from modelscan.formats.repository.relator import Facts, RepositoryView
from modelscan.formats.repository.remote_code import RemoteCodeRelator
from modelscan.vocabulary.fact import RemoteClosure, RemoteCode, RemoteModule
from modelscan.vocabulary.location import Location
from modelscan.vocabulary.result import FileEntry
from tests.forge.repository import view


def _modules(
    repository: RepositoryView, reference: str, file: str = "config.json", other: str = ""
) -> list[tuple[str, bool]]:
    code = RemoteCode(location=Location(file), key="k", reference=reference, repository=other)
    found = RemoteCodeRelator().relate(repository, Facts([code]))
    return [(fact.module, fact.shipped) for fact in found if isinstance(fact, RemoteModule)]


@pytest.mark.parametrize(
    ("files", "file", "reference", "expected"),
    [
        (["modeling_x.py"], "config.json", "modeling_x.XModel", ("modeling_x.py", True)),
        (["m.py"], "sub/config.json", "m.X", ("m.py", True)),
        (["sub/m.py"], "sub/config.json", "m.X", ("m.py", True)),
        (["sub/m.py"], "config.json", "m.X", ("m.py", False)),
        (["a/b.py"], "modules.json", "a.b.Pooling", ("a/b.py", True)),
        ([], "config.json", "m.X", ("m.py", False)),
    ],
)
def test_whether_the_code_is_here(
    files: list[str], file: str, reference: str, expected: tuple[str, bool]
) -> None:
    assert _modules(view(file, *files), reference, file) == [expected]


def test_code_of_others_is_not_expected_here() -> None:
    assert _modules(view(), "a/b--m.X", other="a/b") == []
    assert _modules(view(), "evil.X", file="adapter_config.json") == []
    assert _modules(view(folder=False), "m.X") == []


CODE = RemoteCode(
    location=Location("config.json"), key="auto_map.AutoModel", reference="m.X", repository=""
)
OTHER = RemoteCode(
    location=Location("config.json"), key="auto_map.AutoModel", reference="a/b--m.X",
    repository="a/b",
)  # fmt: skip


def _closure(
    files: dict[str, str], *codes: RemoteCode, names: tuple[str, ...] = ()
) -> RemoteClosure:
    entries = {
        name: FileEntry(
            path=name, size=1, format="python", digests={"sha256": digest} if digest else {}
        )
        for name, digest in files.items()
    }
    seen = RepositoryView(files=entries, names=frozenset(files) | set(names), folder=True)
    (found,) = (
        fact
        for fact in RemoteCodeRelator().relate(seen, Facts(codes))
        if isinstance(fact, RemoteClosure)
    )
    return found


def test_the_closure_is_every_module_of_the_repository() -> None:
    files = {"m.py": "00", "sub/n.py": "01", "lib.SO": "02", "README.md": "03"}
    found = _closure(files, CODE)
    assert found.files == ("lib.SO", "m.py", "sub/n.py")
    assert found.elsewhere == ()
    assert found.fingerprint.startswith("sha256:")
    assert _closure(files | {"README.md": "04"}, CODE) == found


@pytest.mark.parametrize(
    "changed",
    [{"m.py": "ff"}, {"sub/n.py": "ff"}, {"o.py": "02"}, {"__pycache__/m.cpython-311.pyc": "02"}],
)
def test_a_change_of_code_changes_the_fingerprint(changed: dict[str, str]) -> None:
    files = {"m.py": "00", "sub/n.py": "01"}
    assert _closure(files | changed, CODE).fingerprint != _closure(files, CODE).fingerprint


def test_code_that_is_elsewhere_is_part_of_the_fingerprint() -> None:
    assert _closure({"m.py": "00"}, CODE, OTHER).elsewhere == ("a/b--m.X",)
    prints = {
        _closure({"m.py": "00"}, CODE).fingerprint,
        _closure({"m.py": "00"}, CODE, OTHER).fingerprint,
        _closure({}, OTHER).fingerprint,
        _closure({}, CODE).fingerprint,
    }
    assert len(prints) == 4


@pytest.mark.parametrize(("files", "names"), [({"m.py": ""}, ()), ({"m.py": "00"}, ("n.py",))])
def test_code_that_was_not_read_has_no_fingerprint(
    files: dict[str, str], names: tuple[str, ...]
) -> None:
    assert _closure(files, CODE, names=names).fingerprint == ""


def test_nothing_is_asked_for_and_there_is_no_closure() -> None:
    assert not list(RemoteCodeRelator().relate(view("m.py"), Facts([])))
