"""The digest of a model as a whole, over the values of its tensors."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping


def model_root(digests: Mapping[str, bytes], tied: Collection[str]) -> str:
    """The model root: `sha256:` over the sorted canonical names and value digests.

    Each counts as its name, a zero byte and the 32 bytes of its digest, behind
    `"modelassay-root/1" 0x00`. An output matrix that is the embedding again is left out, so that
    storing it makes no difference. Equal roots mean equal weights, whatever the sharding, the file
    format, the metadata and the stored types.

    Args:
        digests: value digests by canonical name.
        tied: canonical names of tensors that are another one.
    """
    whole = hashlib.sha256(b"modelassay-root/1\0")
    for name in sorted(digests):
        if name not in tied:
            whole.update(name.encode("utf-8", "surrogatepass") + b"\0" + digests[name])
    return "sha256:" + whole.hexdigest()
