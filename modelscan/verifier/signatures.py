"""Is the model signed? This version sees that a signature file is there, and cannot verify it.

Invariant: a signature that was not verified is never a pass, and never the same as none: a bad
signature is worse than a missing one, so what could not be checked is an error.
"""

from __future__ import annotations

from collections.abc import Sequence

from modelscan.vocabulary.evidence import Evidence, Signed
from modelscan.vocabulary.fact import Fact, SignatureCheck
from modelscan.vocabulary.location import Location
from modelscan.vocabulary.result import FileEntry

_METHODS = (
    (".sigstore.json", "sigstore bundle"),
    (".sigstore", "sigstore bundle"),
    (".minisig", "minisign"),
    (".asc", "OpenPGP"),
    (".p7s", "PKCS #7"),
    (".sig", "detached signature"),
)
"""Endings of signature files, and what they usually hold."""
_ENDINGS = tuple(ending for ending, _ in _METHODS)
_MODEL_SIGNING = "model.sig"
"""The name that OpenSSF Model Signing v1.0 gives its bundle."""


def check_signatures(files: Sequence[FileEntry], facts: Sequence[Fact]) -> Evidence:  # noqa: ARG001 - every check sees the facts
    """State the signature files of a model, or that there is none.

    Args:
        files: the model's files.
        facts: what the readers stated.
    """
    present = [(file.path, method) for file in files if (method := _method(file.path))]
    if not present:
        return Evidence(
            signed=Signed(status="unsigned", reason="no signature file"),
            facts=(SignatureCheck(status="absent", outcome="unsigned"),),
        )
    first, others = present[0][0], len(present) - 1
    what = "a signature is present" if not others else f"{len(present)} signatures are present"
    which = first if not others else f"{first} and {others} more"
    return Evidence(
        signed=Signed(
            status="error",
            method=present[0][1],
            reason=f"{what} ({which}), which this version cannot verify",
        ),
        facts=tuple(
            SignatureCheck(
                location=Location(path), status="declared", outcome="not-checked", method=method
            )
            for path, method in present
        ),
    )


def _method(path: str) -> str:
    lowered = path.lower()
    if not lowered.endswith(_ENDINGS):
        return ""
    if lowered.rsplit("/", 1)[-1] == _MODEL_SIGNING:
        return "OpenSSF Model Signing"
    return next(method for ending, method in _METHODS if lowered.endswith(ending))
