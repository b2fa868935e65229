"""Settings in JSON whose values are pickles, spelt as text: Stable-Baselines3 and Ray Tune.

An agent that Stable-Baselines3 saves is a zip, whose member `data` is a table of settings. A value
that JSON cannot hold is a table with a pickle in base64 under `:serialized:`, and loading the agent
unpickles every one of them. Ray Tune does the same in hexadecimal, when it restores an experiment.

Invariants: nothing is unpickled; each of these goes on as a file of its own, named for its key; one
that cannot be decoded as its loader does is a needed gap.

Sources: `stable_baselines3/common/save_util.py` (`json_to_data`; versions 2.3 and 2.9); Ray 2,
`ray/tune/utils/serialization.py` (`TuneFunctionDecoder`).
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Final

from modelscan.budget import Budget
from modelscan.errors import BudgetError
from modelscan.formats.reader import Glimpse
from modelscan.vocabulary.artifact import Artifact, BytesArtifact, base_name, child_name
from modelscan.vocabulary.coverage import Coverage
from modelscan.vocabulary.fact import Fact

if TYPE_CHECKING:
    from modelscan.formats.objects.tree import Table

SETTINGS: Final = "data"
"""The member of an agent's zip."""
SERIALISED: Final = ":serialized:"
FALLBACK: Final = "CLOUDPICKLE_FALLBACK"
_BEGINS: Final = re.compile(rb"(?:\xef\xbb\xbf)?\s*\{")
_INSIDE: Final = re.compile(rb'\\"_type\\"|\\u')
"""A document inside of a text, or what may be one."""
_NAME: Final = re.compile(r"[^\w.-]")
_LONGEST: Final = 80


class PickledJsonReader:
    """A table that holds pickles as text."""

    format = "json with pickles"

    def recognises(self, glimpse: Glimpse) -> bool:
        """By the name that Stable-Baselines3 gives it; by the word that Ray Tune does."""
        if _BEGINS.match(glimpse.head) is None:
            return False
        return glimpse.name == SETTINGS or FALLBACK.encode() in glimpse.head

    def read(self, artifact: Artifact, budget: Budget) -> Iterator[Fact | Coverage | Artifact]:
        """Hand on the pickles.

        Raises:
            ReadError: it is not JSON.
            BudgetError: it is too large.
        """
        budget.header(artifact.size)
        budget.depth(artifact.depth + 1)
        agent = base_name(artifact) == SETTINGS
        for path, table in _tables(artifact.read_at(0, artifact.size), budget):
            if agent and SERIALISED in table:
                data = _decoded(table[SERIALISED], binascii.a2b_base64)
            elif table.get("_type") == FALLBACK:
                data = _decoded(table.get("value"), bytes.fromhex)
            else:
                continue
            name = _NAME.sub("_", path)[-_LONGEST:] or SETTINGS
            if data is None:
                yield _gap(artifact, path)
                continue
            budget.member()
            yield BytesArtifact(
                artifact.name,
                data,
                member=child_name(artifact, f"{name}.pkl"),
                depth=artifact.depth + 1,
            )


def _tables(data: bytes, budget: Budget) -> Iterator[tuple[str, Table]]:
    """The tables of a document, and those of documents that it holds as text.

    Ray Tune keeps what it knows of each trial as JSON in a text.

    Raises:
        ReadError: it is not JSON.
        BudgetError: it is too large.
    """
    from modelscan.formats.objects.pieces import LARGEST, cost, tables_of  # lazy: of these alone
    from modelscan.formats.objects.tree import parse_json, strings, tables  # the same

    if cost(data) > LARGEST:
        yield from tables_of(data, budget)
        if _INSIDE.search(data):
            raise BudgetError(f"documents in a document of {len(data):,} bytes")
        return
    root = parse_json(data)
    yield from tables(root, budget)
    for text in strings(root, budget):
        if FALLBACK in text and text.lstrip().startswith("{"):
            yield from tables(parse_json(text.encode("utf-8", "surrogatepass")), budget, "text")


def _decoded(value: Any, decode: Callable[[str], bytes]) -> bytes | None:
    """The bytes that a text stands for; `None` when its loader would fail.

    Both decoders pass over what Python's own do, such as spaces and line ends.
    """
    try:
        return decode(value) if isinstance(value, str) else None
    except ValueError:
        return None


def _gap(artifact: Artifact, path: str) -> Coverage:
    return Coverage(
        file=artifact.name,
        member=artifact.member,
        status="unreadable",
        needed=True,
        reason=f"the pickle at {path[:_LONGEST] or 'the top'} cannot be decoded",
    )
