"""The files of one repository at one commit, each fetched when it is opened: see `remote`.

Invariant: an answer that names another commit, or other content than the listing, is an error.
"""

from __future__ import annotations

import weakref
from collections.abc import Mapping
from pathlib import Path

from huggingface_hub import constants, hf_hub_url

from modelscan.fetcher.held import HeldFile
from modelscan.fetcher.hub.client import Hub
from modelscan.fetcher.hub.listing import Listed
from modelscan.fetcher.options import FetchOptions
from modelscan.fetcher.remote import remote_file
from modelscan.fetcher.resource import Resource
from modelscan.fetcher.transfer import TransferError
from modelscan.fetcher.whole import Kept
from modelscan.vocabulary.snapshot import SourceFile

_MARKS = (".txt", ".md", ".keep", ".gitkeep", ".gitignore", ".typed", ".lock", ".log", ".csv")
"""Endings of empty files that mark something, of which there can be thousands."""


class Fetcher:
    """Fetches from one repository at one commit.

    Args:
        hub: where it is.
        repository: its id.
        commit: forty hexadecimal digits.
        options: what a person chose.
    """

    def __init__(self, hub: Hub, repository: str, commit: str, options: FetchOptions) -> None:
        self._hub = hub
        self._client = hub.new_client()
        weakref.finalize(
            self, self._client.close
        )  # for whoever drops a snapshot without closing it
        self._repository = repository
        self._commit = commit
        self._options = options
        self._kept = Kept()
        folder = f"models--{repository.replace('/', '--')}"
        self._others = (Path(constants.HF_HUB_CACHE) / folder / "blobs",)

    def close(self) -> None:
        """Let go of the connections."""
        self._client.close()

    def resource(self, file: Listed) -> Resource:
        """The file behind its address."""
        url = hf_hub_url(
            self._repository, file.path, revision=self._commit, endpoint=self._hub.endpoint
        )

        def check(headers: Mapping[str, str]) -> None:
            """What the hub says about a file, beside where it is: X-Repo-Commit and X-Linked-*."""
            commit = headers.get("x-repo-commit", self._commit)
            if commit != self._commit:
                raise TransferError(f"the hub serves commit {commit[:40]} of it")
            linked = headers.get("x-linked-etag", "").removeprefix("W/").strip('"')
            if linked and file.sha256 and linked != file.sha256:
                raise TransferError("the hub serves other content than it lists")

        return Resource(self._client, url, file.size, check)

    def file(self, file: Listed) -> SourceFile:
        """The file, to be opened. One that is said to be empty is asked for if it could be code."""
        if not file.size and file.path.lower().endswith(_MARKS):
            return HeldFile(file.path, b"")
        resource = self.resource(file)
        return remote_file(
            file.path, file.size, file.sha256, resource, self._options, self._kept, self._others
        )
