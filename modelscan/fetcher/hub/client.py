"""The hub's own client library, kept within our bounds.

Invariants: `HfApi` speaks through our `Client`, so that no answer is unbounded, no wait endless,
and no token goes to another host; nothing implicit is sent, because a token is passed or refused at
every call; what the library raises becomes a `SourceError` in plain words.

The library keeps one session for the whole process. It is lent to us for the time of one listing,
and what was there before is put back. Its telemetry is off for that time.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from logging import CRITICAL
from typing import Any, TypeVar

import huggingface_hub
from huggingface_hub import HfApi, constants
from huggingface_hub.utils import _http, logging

from modelscan._about import NAME, VERSION
from modelscan.errors import SourceError
from modelscan.fetcher.hub.wording import NETWORK_HINT, explain
from modelscan.fetcher.options import FetchOptions
from modelscan.fetcher.transfer import Client, Patience, TransferError, hint

_LENT = threading.Lock()
_ABSENT = 404
_T = TypeVar("_T")


class Hub:
    """One hub, for one run.

    Args:
        options: endpoint and token.
        patience: how long to bear with it.

    Raises:
        UsageError: the endpoint is no address.
    """

    def __init__(self, options: FetchOptions, patience: Patience | None = None) -> None:
        self.endpoint = options.hub_endpoint()
        self.patience = patience or Patience()
        self.has_token = options.token is not None
        self._secret = options.token
        self._endless = options.full
        token = options.token.reveal() if options.token else False
        self.api = HfApi(
            endpoint=self.endpoint, token=token, library_name=NAME, library_version=VERSION
        )

    def new_client(self) -> Client:
        """A client of our own, for files and for what the library has no call for."""
        return Client(self.endpoint, self._secret, patience=self.patience, endless=self._endless)

    @contextmanager
    def session(self) -> Iterator[None]:
        """Lend our client to the library, and keep it from telling more than we do.

        Unless its telemetry is off, the library describes this machine in every request, and asks
        the endpoint of the environment, which need not be ours, what to look for. Its log repeats
        what a server sends as it is, `X-HF-Warning` for one.
        """
        with _LENT:
            before = getattr(_http, "_GLOBAL_CLIENT_FACTORY", _http.default_client_factory)
            silent, verbosity = constants.HF_HUB_DISABLE_TELEMETRY, logging.get_verbosity()
            constants.HF_HUB_DISABLE_TELEMETRY = True
            logging.set_verbosity(CRITICAL)
            huggingface_hub.set_client_factory(self.new_client)
            try:
                yield
            finally:
                huggingface_hub.set_client_factory(before)
                constants.HF_HUB_DISABLE_TELEMETRY = silent
                logging.set_verbosity(verbosity)

    def ask(self, repository: str, revision: str | None, call: Callable[[], _T]) -> _T:
        """Make a call of the library, again if need be.

        Args:
            repository: what it is about, for the message.
            revision: the same.
            call: of the library, within `session`.

        Raises:
            SourceError: it fails; what to do is in the hint.
        """
        try:
            return self.patience.insist(call)
        except TransferError as error:
            what = hint(error, NETWORK_HINT)
            raise SourceError(f"{self.endpoint}: {error.message}", what) from None
        except Exception as error:  # noqa: BLE001  # a hostile answer may break the library anywhere
            raise explain(error, repository, revision, has_token=self.has_token) from None

    def get(self, client: Client, path: str, **form: Any) -> Any:
        """A document that the library has no bounded call for; with a form, it is posted.

        What the hub does not have is an empty document.

        Raises:
            SourceError: it cannot be had.
        """
        address = self.endpoint + path

        def call() -> Any:
            response = client.post(address, data=form) if form else client.get(address)
            return {} if response.status_code == _ABSENT else response.raise_for_status().json()

        return self.ask(path, None, call)
