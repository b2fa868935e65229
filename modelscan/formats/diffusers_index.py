"""`model_index.json` of diffusers: which library each component of a pipeline is taken from.

A component is `[library, class]`. Libraries that diffusers does not know are imported by name; a
file of that name beside the component is the repository's own code.

Source: diffusers, `DiffusionPipeline.from_pretrained` and `_get_pipeline_class`: custom components
and a `_class_name` that is a list.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any, Final

from modelscan.vocabulary.fact import ConfigComponent, ConfigObject, Fact, RemoteCode
from modelscan.vocabulary.location import Location

NAME: Final = "model_index.json"
_PIPELINE: Final = "_class_name"
_OWN: Final = frozenset({"diffusers", "transformers"})
_MOST: Final = 200


def facts(root: Mapping[str, Any], where: Location) -> Iterator[Fact]:
    """The components that are not plainly a library's.

    Args:
        root: the document.
        where: the file.
    """
    for key, value in islice(root.items(), _MOST):
        pair = value if isinstance(value, list) else []
        if len(pair) != 2 or not all(isinstance(one, str) and one for one in pair):  # noqa: PLR2004  # library and class
            continue
        library, name = pair
        reference = f"{library}.{name}"
        if key == _PIPELINE:
            yield RemoteCode(location=where, key=key, reference=reference, repository="")
        elif library not in _OWN:
            yield from dangerous(reference, key, where)
            yield ConfigComponent(location=where, key=key, library=library, name=name)


def dangerous(reference: str, key: str, where: Location) -> Iterator[ConfigObject]:
    """A name of Python's own library, where a class of a model is expected."""
    from modelscan.formats.objects.judging import Names  # lazy: for few documents
    from modelscan.vocabulary.lists import PickleGlobals  # lazy: the same

    if Names(PickleGlobals()).judge(reference) == "denied":
        yield ConfigObject(
            location=where, kind="target", name=reference, disposition="denied", key=key
        )
