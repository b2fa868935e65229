"""What each kind of verdict does not show. Every verdict carries one of these sentences."""

from __future__ import annotations

from typing import Final

EQUAL: Final = (
    "Equal values behave alike; it does not show what they were trained to do, nor that tokenizer, "
    "template and code are the base's."
)
KINSHIP: Final = (
    "It shows which values are shared, not which model came first, nor what the others do."
)
MEASURED: Final = (
    "It shows how much changed and where, not why: not intent, not training data, not which model "
    "came first."
)
STRONG: Final = (
    "It shows how much changed and where, not why: not intent, not training data, not which model "
    "came first. Changes of this size drown a projection that was made beside them: --deep with "
    "the base's weights looks for one."
)
QUANTISED: Final = (
    "A change smaller than half a quantisation step, or one outside the samples, cannot be seen."
)
CODED: Final = (
    "Scales are not applied to whole numbers, so that only what the layers compute is compared: a "
    "change of some percent cannot be told from rounding."
)
UNBOUNDED: Final = (
    "No bound is known for this quantiser: a change that is smaller than its errors cannot be told "
    "from them."
)
REFITTED: Final = (
    "Quantisers of this kind move errors between columns and may rescale norms, which looks like "
    "training; it does not show why the weights differ."
)
UNFAITHFUL: Final = (
    "It shows that other values were quantised; quantising an already quantised copy does that too."
)
LOW_RANK: Final = (
    "A merged adapter leaves such a difference, and so can a short fine-tune; what it was for is "
    "not shown."
)
SATURATED: Final = (
    "The sketch cannot tell this rank from full rank: a fine-tune of these matrices alone looks "
    "the same. --deep with the base's weights measures it."
)
PROJECTED: Final = (
    "It shows that one direction was taken out of, or put into, what the layers write; not what "
    "that direction stood for."
)
AMONG_OTHERS: Final = (
    "It shows a common direction among other changes. A projection beside a fine-tune leaves it, "
    "and so does training towards an output that hardly varies; --deep measures what was taken out."
)
REPARAMETRISED: Final = (
    "It shows that the same function was written in other numbers. Tools for quantisation and "
    "speed do so openly; why it was done here is not shown."
)
SPARSE: Final = (
    "Values outside the samples are covered by sketch and digest only; merging methods that drop "
    "most of a difference leave this picture."
)
UNSTRUCTURED: Final = (
    "Added noise, an unknown re-encoding, and a payload that is hidden in low bits look the same."
)
BELOW: Final = (
    "The change is proved by digests or half steps; its kind is below what a sketch resolves."
)
UNRELATED: Final = (
    "It shows that the weights do not resemble each other. Distilled or strongly disguised models "
    "leave no trace in their weights."
)
UNKNOWN: Final = "Nothing was concluded from the weights, in either direction."
SAMPLES: Final = (
    "A look at a few values of each tensor: it proves nothing, and a small change goes unseen."
)
ADAPTER: Final = (
    "An adapter holds a change and no base: any model of these shapes would fit as well."
)
MERGE: Final = (
    "The recipe holds for the models that were compared; another one that resembles a combination "
    "of them would fit as well."
)
NULL_DIRECTION: Final = (
    "Without the base this is a hint: it finds a direction that nothing writes to, which pruning "
    "leaves as well, and misses partial or weak edits."
)
