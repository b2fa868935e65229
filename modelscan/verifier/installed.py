"""The index over the manifests that this installation ships, opened once for a process."""

from __future__ import annotations

import functools

from modelscan import _resources
from modelscan.errors import ModelAssayError
from modelscan.verifier.compiling import KIND, SUFFIX, compile_manifests
from modelscan.verifier.index import VERSION, ReleaseIndex


def shared_index() -> ReleaseIndex:
    """The index of published releases; opened by the first caller.

    Raises:
        ModelAssayError: there is none, or it is damaged.
    """
    found = _open()
    if isinstance(found, ModelAssayError):
        raise ModelAssayError(found.message, found.hint)
    return found


@functools.cache
def _open() -> ReleaseIndex | ModelAssayError:
    """The index, or why there is none: so that a failure too is met once, and not for each file."""
    try:
        return ReleaseIndex(_resources.compiled(KIND, SUFFIX, VERSION, compile_manifests))
    except ModelAssayError as error:
        return error
    except (OSError, ValueError) as error:  # an empty file cannot be mapped: ValueError
        return ModelAssayError(f"the index of published releases cannot be opened: {error}")
