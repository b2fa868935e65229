"""Every bundle of the specification's test vectors, where they lie beside the checkout."""

from __future__ import annotations

from pathlib import Path

import pytest

from modelscan.verifier.oms.signing import Signing
from modelscan.verifier.signed import SignatureFile

VECTORS = Path(__file__).parents[4] / "shared" / "data" / "oms" / "test-vectors" / "v1.0"
BUNDLES = sorted(VECTORS.rglob("*.bundle.json"))


@pytest.mark.skipif(not BUNDLES, reason="the vectors are not here")
def test_valid_ones_are_read_and_invalid_ones_are_broken() -> None:
    problems = {
        path.relative_to(VECTORS).as_posix(): Signing.of(
            SignatureFile("model.sig", path.read_bytes(), inside=True)
        ).problem
        for path in BUNDLES
    }
    assert [name for name, problem in problems.items() if not problem] == [
        "valid/certificate.bundle.json",
        "valid/key.bundle.json",
        "valid/sigstore.bundle.json",
    ]
