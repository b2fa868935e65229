"""The public door: what other programs call, one function for each question.

`scan` answers the five questions about models on disk. Everything it returns is a frozen value from
`modelscan.vocabulary`; nothing in it is ever loaded, imported or run.
"""

from modelscan.api.comparing import compare, fingerprint
from modelscan.api.containing import contain, write_containment
from modelscan.api.scanning import scan
from modelscan.api.taking import inventory, pull, receive
from modelscan.api.verifying import pin_signers, verify
from modelscan.budget import Limits
from modelscan.dependencies.door import (
    diff,
    find,
    lock_changes,
    lock_check,
    lock_outdated,
    lock_update,
    lock_write,
)
from modelscan.fetcher.options import FetchOptions
from modelscan.passing import Progress
from modelscan.policy.layers import Policy
from modelscan.policy.layers import load as load_policy
from modelscan.verifier.request import Request
from modelscan.vocabulary.reference import Inventory
from modelscan.vocabulary.result import Report

__all__ = [
    "FetchOptions",
    "Inventory",
    "Limits",
    "Policy",
    "Progress",
    "Report",
    "Request",
    "compare",
    "contain",
    "diff",
    "find",
    "fingerprint",
    "inventory",
    "load_policy",
    "lock_changes",
    "lock_check",
    "lock_outdated",
    "lock_update",
    "lock_write",
    "pin_signers",
    "pull",
    "receive",
    "scan",
    "verify",
    "write_containment",
]
