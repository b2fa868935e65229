"""A small client of git's protocol, version 2, over HTTP: it fetches a commit without history.

Invariants: what is sent is the id that is asked for and nothing about this machine; every answer is
bounded; what comes is a pack whose objects have ids of their own, so that nothing in an answer has
to be believed.

Source: Git, `gitprotocol-http` (smart clients), `gitprotocol-v2` (`fetch`), `gitprotocol-common`
(pkt-line), `gitprotocol-capabilities` (side bands).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Final

from modelscan.errors import ReadError

if TYPE_CHECKING:
    from modelscan.fetcher.transfer import Client

_DIGITS: Final = re.compile(rb"[0-9a-fA-F]{4}")
_FLUSH: Final = b"0000"
_DELIMITER: Final = b"0001"
_DATA, _PROGRESS, _ERROR = 1, 2, 3
_OK: Final = 200
_RESULT: Final = "application/x-git-upload-pack-result"
_ADVERTISEMENT: Final = "application/x-git-upload-pack-advertisement"
_SHOWN: Final = 200


class ProtocolError(ReadError):
    """The server speaks no git of version 2, refuses, or sends what makes no sense."""


def capabilities(client: Client, url: str) -> dict[str, str]:
    """What a server can do.

    Args:
        client: asks it.
        url: of the repository, without a slash at its end.

    Raises:
        ReadError: it cannot be reached, or speaks no git of version 2.
    """
    response = client.patience.insist(
        lambda: client.get(
            f"{url}/info/refs?service=git-upload-pack", headers={"git-protocol": "version=2"}
        )
    )
    kind = response.headers.get("content-type", "")
    if response.status_code != _OK or not kind.startswith(_ADVERTISEMENT):
        raise ProtocolError(f"the endpoint speaks no git (status {response.status_code})")
    lines = [line for line in packets(response.content) if line is not None]
    if lines and lines[0].startswith(b"# service="):
        lines = lines[1:]
    if not lines or lines[0].strip() != b"version 2":
        raise ProtocolError("the endpoint speaks no git of version 2")
    found = {}
    for line in lines[1:]:
        name, _, value = line.decode("utf-8", "replace").strip().partition("=")
        found[name] = value
    return found


def fetch(client: Client, url: str, wants: Iterable[str], *options: str) -> bytes:
    """A pack with the objects that are asked for.

    Args:
        client: asks the server.
        url: of the repository, without a slash at its end.
        wants: ids.
        options: lines such as `deepen 1` and `filter blob:none`; a server refuses those that it
            does not know.

    Raises:
        ReadError: the server cannot be reached, refuses, or makes no sense.
    """
    words = ["no-progress", "ofs-delta", *options, *(f"want {one}" for one in wants), "done"]
    body = b"".join((packet("command=fetch"), _DELIMITER, *map(packet, words), _FLUSH))
    headers = {
        "git-protocol": "version=2",
        "content-type": "application/x-git-upload-pack-request",
        "accept": _RESULT,
    }
    response = client.patience.insist(
        lambda: client.post(f"{url}/git-upload-pack", content=body, headers=headers)
    )
    if response.status_code != _OK:
        raise ProtocolError(f"the git server answers {response.status_code}")
    return b"".join(_pack(response.content))


def packet(text: str) -> bytes:
    """A line as git sends it: four digits of length, then the text."""
    data = text.encode() + b"\n"
    return f"{len(data) + 4:04x}".encode() + data


def packets(data: bytes) -> Iterator[bytes | None]:
    """The lines of an answer; `None` for each mark between sections or at the end.

    Raises:
        ProtocolError: a line's length makes no sense.
    """
    at = 0
    while at < len(data):
        digits = data[at : at + 4]
        length = int(digits, 16) if _DIGITS.fullmatch(digits) else -1
        if length in {0, 1, 2}:
            yield None
            at += 4
            continue
        if length < 4 or at + length > len(data):  # noqa: PLR2004  # the digits count
            raise ProtocolError("an answer that is cut short, or is not git's")
        yield data[at + 4 : at + length]
        at += length


def _pack(data: bytes) -> Iterator[bytes]:
    """The pack inside an answer to `fetch`.

    Raises:
        ProtocolError: the server refuses, or there is none.
    """
    inside = False
    for line in packets(data):
        if not line:
            continue
        if line.startswith(b"ERR "):
            raise ProtocolError("the git server refuses: " + _shown(line[4:]))
        if not inside:
            inside = line.strip() == b"packfile"
        elif line[0] == _DATA:
            yield line[1:]
        elif line[0] == _ERROR:
            raise ProtocolError("the git server refuses: " + _shown(line[1:]))
        elif line[0] != _PROGRESS:
            raise ProtocolError("an answer on a band that git does not have")
    if not inside:
        raise ProtocolError("an answer without a pack")


def _shown(data: bytes) -> str:
    return data.decode("utf-8", "replace").strip()[:_SHOWN]
