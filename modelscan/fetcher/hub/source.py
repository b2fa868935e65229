"""`hf:org/name@revision` as a model: its files, each to be fetched when it is opened.

Light by default: small files and everything that is text are fetched whole and hashed, weights are
read by ranges. With `full`, every byte comes through the cache of `fetcher.store` and is hashed.

Importing this module costs nothing; the hub's library is imported when a hub is asked.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from modelscan.errors import SourceError
from modelscan.fetcher.options import FetchOptions
from modelscan.vocabulary.ref import HubRef, ModelRef
from modelscan.vocabulary.snapshot import Snapshot

if TYPE_CHECKING:
    from modelscan.fetcher.transfer import Patience

_SHARD = re.compile(r"-\d{5}-of-\d{5}(?=\.gguf$)")


class HuggingFaceHub:
    """Models on a hub.

    Args:
        patience: how long to bear with it; by default, as long as `Patience` says.
    """

    def __init__(self, patience: Patience | None = None) -> None:
        self._patience = patience

    def accepts(self, ref: ModelRef) -> bool:
        """See `ModelSource.accepts`."""
        return ref.kind == "hub"

    def snapshot(self, ref: ModelRef, options: FetchOptions) -> Snapshot:
        """See `ModelSource.snapshot`.

        Raises:
            SourceError: no hub reference, offline, or the hub does not have it for us.
        """
        asked = HubRef.parse(ref.text)
        if asked is None:
            raise SourceError(
                f"not a hub reference: {ref.text}", "write it as hf:org/name, or hf:org/name@commit"
            )
        options.demand_network(ref.text)
        # lazy: the hub's library takes longer to import than a local scan takes
        from modelscan.fetcher.hub.asking import take

        return take(asked, options, self._patience)


def other_families(paths: list[str], family: str) -> frozenset[str]:
    """The GGUF files that a reference with a family leaves out.

    `Q4_K_M` stands for the files whose name has it between other signs, `model-q4_k_m.gguf` as well
    as `Q4_K_M/model-00001-of-00002.gguf`.

    Raises:
        SourceError: no file belongs to it; the hint names what there is.
    """
    pattern = re.compile(rf"(?<![a-z0-9]){re.escape(family.lower())}(?![a-z0-9_])")
    files = [path for path in paths if path.lower().endswith(".gguf")]
    chosen = {path for path in files if pattern.search(path.lower())}
    if not chosen:
        names = sorted({_SHARD.sub("", path) for path in files})
        listed = ", ".join(names[:10]) if names else "no GGUF file at all"
        raise SourceError(f"no GGUF file of {family}", f"there is: {listed}")
    return frozenset(files) - chosen
