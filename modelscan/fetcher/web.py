"""One file at a plain address: `https://host/model.safetensors`.

Invariants: an address may hold a signature or a password, so what stands behind `?` and before `@`
never gets into a report; no token is sent, whoever asked for one, because none is for this host; a
length that the server states is held against what it sends. A digest behind the address, written
`#sha256=…`, pins it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote, urlsplit, urlunsplit

from modelscan.errors import ReadError, SourceError
from modelscan.fetcher.names import name_facts
from modelscan.fetcher.oci_names import inside
from modelscan.fetcher.options import FetchOptions, check_address
from modelscan.vocabulary.fact import Fact, SourceDigest, SourceRevision
from modelscan.vocabulary.location import Location
from modelscan.vocabulary.ref import ModelRef
from modelscan.vocabulary.snapshot import Snapshot, Source

if TYPE_CHECKING:
    from modelscan.fetcher.transfer import Patience

_PIN: Final = re.compile(r"sha256[=:-]([0-9a-fA-F]{64})")
_PAGE: Final = re.compile(
    r"(https?://(?:www\.)?(?:huggingface\.co|hf\.co)/[^/]+/[^/]+)/blob/([^/]+/.+)", re.IGNORECASE
)
"""The page about a file, as copied from a browser: HTML, whatever the file is."""
_REFUSED: Final = frozenset({401, 403})
_MISSING: Final = frozenset({404, 410})
_PROBE: Final = 4096
"""Bytes asked for to learn the length."""


class WebFile:
    """A file on the web.

    Args:
        patience: how long to bear with a server; by default, as long as `Patience` says.
    """

    def __init__(self, patience: Patience | None = None) -> None:
        self._patience = patience

    def accepts(self, ref: ModelRef) -> bool:
        """See `ModelSource.accepts`."""
        return ref.kind == "url"

    def snapshot(self, ref: ModelRef, options: FetchOptions) -> Snapshot:
        """See `ModelSource.snapshot`.

        Raises:
            SourceError: offline, or the server does not have it for us or does not say how long it
                is.
            UsageError: the address holds a password or is not encrypted.
        """
        try:
            parts = urlsplit(ref.text)
        except ValueError:
            raise SourceError("not an address", "write it as https://host/file") from None
        origin = urlunsplit((parts.scheme, parts.netloc, "", "", ""))
        check_address(origin, "the address")
        shown = urlunsplit((parts.scheme, parts.netloc, parts.path, "", ""))
        if page := _PAGE.fullmatch(urlunsplit((parts.scheme, parts.netloc, parts.path, "", ""))):
            raise SourceError(
                "the page about a file, and not the file", f"write {page[1]}/resolve/{page[2]}"
            )
        options.demand_network(shown)
        name = inside(unquote(parts.path.rpartition("/")[2]).replace("/", "_")) or "file"
        pin = _PIN.fullmatch(parts.fragment)
        if parts.fragment and pin is None:
            raise SourceError("what stands behind # is no digest", "write it as #sha256=…")
        sha256 = pin[1].lower() if pin else ""

        from modelscan.fetcher.remote import remote_file  # lazy: imports the HTTP library
        from modelscan.fetcher.resource import Resource  # lazy: the same
        from modelscan.fetcher.transfer import Client, TransferError  # lazy: the same

        url = urlunsplit((parts.scheme, parts.netloc, parts.path or "/", parts.query, ""))
        client = Client(origin, patience=self._patience, endless=options.full)
        resource = Resource(client, url)
        try:
            resource.part(0, _PROBE)
        except ReadError as error:
            client.close()
            status = error.status if isinstance(error, TransferError) else 0
            raise _explained(shown, status, error.message) from None
        if resource.size is None:
            client.close()
            raise SourceError(f"{shown}: the server does not say how long it is", "download it")
        return Snapshot(
            ref=shown,
            source=Source(kind="url", endpoint=origin),
            files=(remote_file(name, resource.size, sha256, resource, options),),
            facts=(*_stated(name, sha256, resource.size), *name_facts(name)),
            claimed=shown,
            let_go=client.close,
        )


def _stated(name: str, sha256: str, size: int) -> tuple[Fact, ...]:
    """Whether the reference names bytes, and which."""
    resolved = f"sha256:{sha256}" if sha256 else ""
    revision = SourceRevision(
        status="declared", asked=resolved, resolved=resolved, pinned=bool(sha256)
    )
    if not sha256:
        return (revision,)
    digest = SourceDigest(
        location=Location(name),
        status="declared",
        algorithm="sha256",
        expected=sha256,
        stated_by="reference",
        size=size,
    )
    return revision, digest


def _explained(shown: str, status: int, message: str) -> SourceError:
    """What an error means, in the words of the manual."""
    if status in _REFUSED:
        return SourceError(f"gated: {shown} ({message})", "download it with your own client")
    if status in _MISSING:
        return SourceError(f"not found or private: {shown} ({message})", "check the address")
    from modelscan.fetcher.transfer import hint  # lazy: imports the HTTP library

    what = hint(ReadError(message), "check the network and the address")
    return SourceError(f"{shown}: {message}", what)
