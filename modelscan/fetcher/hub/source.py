"""`hf:org/name@revision` as a model: its files, each to be fetched when it is opened.

Light by default: small files and everything that is text are fetched whole and hashed, weights are
read by ranges. With `full`, every byte comes through the cache of `fetcher.store` and is hashed.

Importing this module costs nothing; the hub's library is imported when a hub is asked.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from modelscan.errors import SourceError
from modelscan.fetcher.options import FetchOptions
from modelscan.vocabulary.ref import HubRef, ModelRef
from modelscan.vocabulary.snapshot import Snapshot

if TYPE_CHECKING:
    from modelscan.fetcher.transfer import Patience

_NOT_A_MODEL = re.compile(r"hf:(?:datasets|spaces)/", re.IGNORECASE)
_FILE = re.compile(r"(hf:[\w.-]+/[\w.-]+)/.", re.IGNORECASE)
_SWAPPED = re.compile(r"hf:[\w./-]+@[\w./-]+:[\w.-]+", re.IGNORECASE)
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
            raise SourceError(f"not a hub reference: {ref.text}", _what_instead(ref.text))
        if options.offline and (cached := _cached(asked)):
            raise SourceError(
                f"offline: {ref.text} needs the network",
                f"a copy of it lies in the hub's cache: scan {cached}",
            )
        options.demand_network(ref.text)
        # lazy: the hub's library takes longer to import than a local scan takes
        from modelscan.fetcher.hub.asking import take

        return take(asked, options, self._patience)


def _cached(asked: HubRef, environment: Mapping[str, str] = os.environ) -> str:
    """The hub's cache of a repository, as a person would write its path; empty when there is none.

    Source: huggingface_hub, "Environment variables": `HF_HUB_CACHE`, `HF_HOME`, `XDG_CACHE_HOME`.
    """
    name = "models--" + asked.repository.replace("/", "--")
    places = (("HF_HUB_CACHE", ""), ("HF_HOME", "hub"), ("XDG_CACHE_HOME", "huggingface/hub"))
    found = next((place for place in places if environment.get(place[0])), None)
    if found is None:
        folder = shown = "~/.cache/huggingface/hub"
    else:
        shown = "/".join(filter(None, (f"${found[0]}", found[1])))
        folder = str(Path(environment[found[0]]) / found[1])
    path = Path(folder).expanduser() / name
    at = f"@{asked.revision}" if asked.revision else ""
    return f"{shown}/{name}{at}" if path.is_dir() else ""


def _what_instead(text: str) -> str:
    """What to write in the place of something that is no reference."""
    if _NOT_A_MODEL.match(text):
        return "datasets and spaces are no models"
    if inner := _FILE.match(text):
        return f"a repository is named, {inner[1]}; --include picks files of it"
    if not text.isascii():
        return "the name has letters of another script, which no name on the hub has: type it anew"
    if _SWAPPED.fullmatch(text):
        return "the family stands before the revision: hf:org/name:Q4_K_M@commit"
    return "write it as hf:org/name, or hf:org/name@commit"


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
        listed = ", ".join(names[:10])
        hint = f"there is: {listed}" if names else "there is no GGUF file at all"
        raise SourceError(
            f"no GGUF file of {family}", f"{hint}; a branch or tag stands behind an @"
        )
    return frozenset(files) - chosen
