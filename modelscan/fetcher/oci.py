"""Packages in OCI registries: model artefacts, Docker models, modelcars, files pushed with ORAS.

Invariants: a manifest is hashed before it is parsed, and one that was asked for by digest is that
one or an error; what a tag stands for is resolved once, and the rest is asked for by digest; the
manifest's digests are claims until the bytes were hashed. Light by default: small parts come
whole, weights by ranges; with `full`, every byte comes through the cache and is hashed.

Source: OCI distribution specification 1.1 and image specification 1.1.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final

from modelscan.errors import ReadError, SourceError
from modelscan.fetcher import oci_manifest
from modelscan.fetcher.held import HeldFile
from modelscan.fetcher.names import name_facts
from modelscan.fetcher.oci_layout import check_digest
from modelscan.fetcher.oci_manifest import INNER, MANIFEST, Package, Part
from modelscan.fetcher.oci_reference import OciReference
from modelscan.fetcher.options import FetchOptions
from modelscan.vocabulary.fact import Fact, SourceRevision
from modelscan.vocabulary.ref import ModelRef
from modelscan.vocabulary.snapshot import Snapshot, Source, SourceFile

if TYPE_CHECKING:
    from modelscan.fetcher.oci_client import RegistryClient
    from modelscan.fetcher.transfer import Patience

ACCEPTED: Final = (
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
)
"""What we can read; a registry that knows only older kinds answers with an error."""
_OK: Final = 200
_HINTS: Final = {
    401: ("gated", "give --token, with host=user:password in MODELASSAY_REGISTRY_AUTH"),
    403: ("gated", "ask the owner for access; --token sends MODELASSAY_REGISTRY_AUTH"),
    404: ("not found or private", "check the name and the tag"),
}


class OciRegistry:
    """`oci:host/repository:tag`, `oci:host/repository@sha256:…`.

    Args:
        patience: how long to bear with a registry; by default, as long as `Patience` says.
    """

    def __init__(self, patience: Patience | None = None) -> None:
        self._patience = patience

    def accepts(self, ref: ModelRef) -> bool:
        """See `ModelSource.accepts`."""
        return ref.kind == "oci"

    def snapshot(self, ref: ModelRef, options: FetchOptions) -> Snapshot:
        """See `ModelSource.snapshot`.

        Raises:
            SourceError: no such reference, offline, or the registry does not have it for us.
            UsageError: credentials are asked for and not written as they should be.
        """
        reference = OciReference.parse(ref.text)
        options.demand_network(ref.text)
        if options.listed:
            options.listed(0)
        from modelscan.fetcher.oci_client import RegistryClient  # lazy: imports the HTTP library

        client = RegistryClient(reference, options, self._patience)
        try:
            return _Pull(reference, options, client).snapshot()
        except ReadError as error:
            client.close()
            raise _explained(error, reference) from None
        except SourceError:
            client.close()
            raise


class _Pull:
    """One package, step by step."""

    def __init__(
        self, reference: OciReference, options: FetchOptions, client: RegistryClient
    ) -> None:
        self._reference = reference
        self._options = options
        self._client = client
        self._base = f"{reference.endpoint}/v2/{reference.repository}"

    def snapshot(self) -> Snapshot:
        """The package as a model.

        Raises:
            SourceError: it is not what it says, or too much.
            ReadError: the registry refuses or cannot be reached.
        """
        reference = self._reference
        data = self._manifest(reference.asked)
        digest = "sha256:" + hashlib.sha256(data).hexdigest()
        held = [HeldFile(MANIFEST, data)]
        package = self._package(data, held)
        files: list[SourceFile] = [*held, *map(self._file, package.parts)]
        revision = SourceRevision(
            status="declared",
            asked=reference.asked,
            resolved=reference.digest or digest,
            pinned=reference.pinned,
        )
        facts: list[Fact] = [revision, *package.facts]
        facts += (fact for part in package.parts for fact in name_facts(part.name))
        return Snapshot(
            ref=reference.named(reference.digest or digest),
            source=Source(
                kind="oci",
                endpoint=reference.endpoint,
                revision=reference.digest or digest,
                asked_revision=reference.asked,
            ),
            files=tuple(sorted(files, key=lambda file: file.name)),
            facts=tuple(facts),
            coverage=package.coverage,
            claimed=reference.named(reference.digest or digest),
            let_go=self._client.close,
        )

    def _package(self, data: bytes, held: list[HeldFile]) -> Package:
        """The parts of a manifest, or of every manifest that an index names.

        Args:
            data: the manifest or index.
            held: takes the manifests that were fetched on the way.
        """
        root = oci_manifest.parse(data)
        if not oci_manifest.is_index(root):
            return oci_manifest.read(root)
        packages = []
        for child in oci_manifest.children(root):
            text = self._manifest(child.digest)
            held.append(HeldFile(child.prefix + MANIFEST if child.prefix else INNER, text))
            inner = oci_manifest.parse(text)
            if oci_manifest.is_index(inner):
                raise SourceError(
                    "an index within an index", f"name one of its manifests: @{child.digest}"
                )
            packages.append(oci_manifest.read(inner, child.prefix))
        return oci_manifest.unique(packages)

    def _manifest(self, asked: str) -> bytes:
        """A manifest by tag or digest, held against what was asked for.

        Raises:
            SourceError: it is another one.
            ReadError: it cannot be had.
        """
        from modelscan.fetcher.transfer import TransferError  # lazy: imports the HTTP library

        response = self._client.patience.insist(
            lambda: self._client.get(
                f"{self._base}/manifests/{asked}", headers={"accept": ", ".join(ACCEPTED)}
            )
        )
        if response.status_code != _OK:
            raise TransferError(
                f"the registry answers {response.status_code}", status=response.status_code
            )
        data = response.content
        for digest in (asked, response.headers.get("docker-content-digest", "").strip()):
            if oci_manifest.is_digest(digest):
                check_digest(data, digest)
        return data

    def _file(self, part: Part) -> SourceFile:
        """A part, to be opened."""
        from modelscan.fetcher.remote import remote_file  # lazy: imports the HTTP library
        from modelscan.fetcher.resource import Resource  # lazy: the same

        resource = Resource(self._client, f"{self._base}/blobs/{part.digest}", part.size)
        algorithm, _, digits = part.digest.partition(":")
        sha256 = digits if algorithm == "sha256" else ""
        return remote_file(part.name, part.size, sha256, resource, self._options)


def _explained(error: ReadError, reference: OciReference) -> SourceError:
    """What an error means, in the words of the manual."""
    where = f"oci:{reference.host}/{reference.repository}"
    from modelscan.fetcher.transfer import hint  # lazy: imports the HTTP library

    usual = hint(error, "check the network and the reference")
    word, what = _HINTS.get(getattr(error, "status", 0), ("", usual))
    said = error.message.removeprefix("gated: ")
    message = f"{word}: {where} ({said})" if word else f"{where}: {said}"
    return SourceError(message, what)
