"""Adapters: files that hold a low-rank change and no base.

Nothing in an adapter shows which weights it was trained on, only which shapes: its matrices must
fit those that it is added to. That they fit is a hint; that they do not is a proof that it cannot
be used with the base.

Source: PEFT's LoRA layout, `base_model.model.<module>.lora_A.weight` (rank x inputs) and
`….lora_B.weight` (outputs x rank); `lora_embedding_A` and `_B` the other way round.
"""

from __future__ import annotations

import re
from collections import defaultdict
from typing import Final

from modelscan.lineage import limits
from modelscan.lineage.evidence import Verdict
from modelscan.lineage.prints import Fingerprint, TensorPrint

_STORED: Final = re.compile(
    r"^(?:base_model\.model\.)?(?P<module>.+)\.lora_(?P<embedding>embedding_)?(?P<side>[AB])"
    r"(?:\.(?!weight$)\w+)?(?:\.weight)?$"
)
_NAMED: Final = 3


def adapter_verdict(candidate: Fingerprint, base: Fingerprint) -> Verdict | None:
    """Whether an adapter fits a base; `None` when the candidate is no adapter."""
    pairs = _pairs(candidate)
    if not pairs:
        return None
    places = {tensor.stored: tensor.shape for tensor in base.tensors.values()}
    fitting, unfit, ranks = 0, [], set()
    for module, (inputs, outputs) in sorted(pairs.items()):
        ranks.add(inputs.shape[0])
        shape = places.get(f"{module}.weight") or places.get(f"model.{module}.weight")
        if shape is None:
            continue
        if shape in {(outputs.shape[0], inputs.shape[1]), (inputs.shape[1], outputs.shape[0])}:
            fitting += 1
        else:
            unfit.append(module)
    rank = f"rank {min(ranks)}" if len(ranks) == 1 else f"rank {min(ranks)} to {max(ranks)}"
    what = f"an adapter of {rank} for {len(pairs):,} {'matrix' if len(pairs) == 1 else 'matrices'}"
    if unfit:
        named = ", ".join(name[:100] for name in unfit[:_NAMED])
        text = f"{what}, of which {len(unfit):,} do not fit the base's shapes: {named}"
        return Verdict(relation="unrelated", tier="proved", text=text, limits=limits.ADAPTER)
    if not fitting:
        text = f"{what}, none of which the base has under that name"
        return Verdict(relation="unknown", tier="none", text=text, limits=limits.UNKNOWN)
    text = f"{what}, {fitting:,} of which fit the base's shapes"
    return Verdict(relation="adapter", tier="hint", text=text, limits=limits.ADAPTER)


def _pairs(candidate: Fingerprint) -> dict[str, tuple[TensorPrint, TensorPrint]]:
    """Inputs' and outputs' matrix of each module that has both."""
    found: defaultdict[str, dict[str, TensorPrint]] = defaultdict(dict)
    for tensor in candidate.tensors.values():
        match = _STORED.match(tensor.stored[:1000])
        if match and len(tensor.shape) == 2 and not match["embedding"]:  # noqa: PLR2004  # a matrix
            found[match["module"]][match["side"]] = tensor
    return {
        module: (sides["A"], sides["B"])
        for module, sides in found.items()
        if len(sides) == 2 and sides["A"].shape[0] == sides["B"].shape[1]  # noqa: PLR2004  # both
    }
