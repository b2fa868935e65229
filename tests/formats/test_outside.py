from __future__ import annotations

import pytest

from modelscan.formats.outside import problem


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("model.onnx.data", None),
        ("weights/part-1.bin", None),
        ("a..b", None),
        ("./x", None),
        ("../x", "traversal"),
        ("a/../../x", "traversal"),
        ("a\\..\\x", "traversal"),
        ("/etc/passwd", "absolute"),
        ("~/.ssh/id_rsa", "absolute"),
        ("C:\\x", "absolute"),
        ("c:x", "absolute"),
        ("\\\\server\\share", "absolute"),
        ("file:///etc/passwd", "address"),
        ("https://a/b", "address"),
        ("a\0b", "control-character"),
        ("a\\b", "backslash"),
    ],
)
def test_where_a_name_leads(path: str, expected: str | None) -> None:
    assert problem(path) == expected
