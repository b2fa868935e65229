"""Which hosts are this machine or its own network: a server elsewhere must not send us there.

Invariant: names are judged by what they say, and nothing is looked up. A name of the public
network whose owner points it at a private address is not seen here; all that can be had by it is
the request itself, without a token, and the answer is read as a model's file.

Sources: RFC 6761 (`localhost`), RFC 6762 (`local`), RFC 8375 (`home.arpa`), ICANN's reservation of
`internal`; the notations that resolvers take for IPv4 addresses, `inet_aton(3)`.
"""

from __future__ import annotations

import ipaddress
import re
from typing import Final

_OWN: Final = re.compile(r"(?:.*\.)?(?:localhost|local|internal|home\.arpa|lan|intranet)")
_NUMBER: Final = re.compile(r"0x[0-9a-f]*|[0-9]+")
_OCTETS: Final = 4


def is_internal(host: str) -> bool:
    """True for names and addresses that only this machine or its network can reach.

    >>> [is_internal(host) for host in ("localhost", "0x7f.1", "2130706433", "db", "hf.co")]
    [True, True, True, True, False]
    """
    name = host.lower().strip("[]").rstrip(".")
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        pass
    else:
        mapped = getattr(address, "ipv4_mapped", None) or getattr(address, "sixtofour", None)
        return not (mapped or address).is_global
    if "." not in name or _OWN.fullmatch(name):  # a name without a dot is one of the own network
        return True
    parts = name.split(".")
    return len(parts) <= _OCTETS and all(map(_NUMBER.fullmatch, parts))
