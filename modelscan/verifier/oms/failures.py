"""The two ways in which checking a signature ends without a verdict on its signer.

ModelAssayError
├── BrokenSignatureError   somebody signed something, and this is not it: worse than none
└── UncheckableError       nobody can say here whether it is broken: never a pass
"""

from __future__ import annotations

from modelscan.errors import ModelAssayError


class BrokenSignatureError(ModelAssayError):
    """A bundle breaks its format, or its signature does not fit what it signs."""


class UncheckableError(ModelAssayError):
    """Something that the check needs is not there, such as an optional library."""
