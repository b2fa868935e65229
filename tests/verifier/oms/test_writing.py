from __future__ import annotations

import os
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from modelscan.errors import SourceError, UsageError
from modelscan.fetcher.local import LocalFile
from modelscan.verifier.oms import writing
from modelscan.verifier.whole import pour


def test_an_algorithm_that_is_not_known(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="md5"):
        writing.state(str(tmp_path), writing.Serialization("md5"))


def test_a_curve_that_is_not_allowed() -> None:
    key = writing.SigningKey(ec.generate_private_key(ec.SECP256K1()))
    with pytest.raises(UsageError, match="P-256"):
        writing.sign(b"{}", key)


def test_a_file_that_is_gone(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"a\.bin: no such file"):
        pour(LocalFile("a.bin", tmp_path / "a.bin", 1), lambda _: ())


def test_a_file_that_changes_meanwhile(tmp_path: Path) -> None:
    path = tmp_path / "a.bin"
    path.write_bytes(b"before")

    class Meddler:
        def update(self, data: bytes, /) -> None:
            assert data == b"before"
            path.write_bytes(b"and after")
            os.utime(path, (0, 0))

    with pytest.raises(SourceError, match="changed while"):
        pour(LocalFile("a.bin", path, 6), lambda _: (Meddler(),))
