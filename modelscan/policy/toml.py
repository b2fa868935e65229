"""How texts are written in TOML 1.0: for configurations and for locks.

Source: TOML 1.0.0 (toml.io/en/v1.0.0), basic strings.
"""

from __future__ import annotations

from typing import Final

_SHORT: Final = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t", "\r": "\\r"}
_DELETE: Final = 0x7F
_WIDE: Final = 0xFFFF


def quoted(text: str) -> str:
    """A basic string, with everything that nobody sees written as an escape.

    Args:
        text: without surrogates: TOML has no way to write them.
    """
    return '"' + "".join(map(_character, text)) + '"'


def _character(character: str) -> str:
    if character in _SHORT:
        return _SHORT[character]
    code = ord(character)
    if character.isprintable() and code != _DELETE:
        return character
    return f"\\u{code:04x}" if code <= _WIDE else f"\\U{code:08x}"
