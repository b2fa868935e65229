from __future__ import annotations

import pytest

from modelscan.formats.repository.relator import Facts, RepositoryView
from modelscan.formats.repository.remote_code import RemoteCodeRelator
from modelscan.vocabulary.fact import RemoteCode, RemoteModule
from modelscan.vocabulary.location import Location
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
