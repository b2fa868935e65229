"""How many bytes each element type of ggml takes: shared by GGUF and the formats before it.

A type packs a fixed number of elements into a block of a fixed number of bytes, and rows are whole
numbers of blocks. Source: `ggml_type` and the block structs of ggml, and the tables of the `gguf`
package. Types that other programs than llama.cpp have added are not here: they are stated as
unknown, and nothing is concluded from their size.
"""

from __future__ import annotations

from typing import NamedTuple


class Element(NamedTuple):
    """An element type."""

    name: str
    block: int
    """Elements in a block."""
    size: int
    """Bytes of a block."""

    def bytes_for(self, row: int, elements: int) -> int | None:
        """Bytes of a tensor; `None` when its rows are no whole number of blocks.

        Args:
            row: elements in a row, the first dimension.
            elements: elements in all.
        """
        return None if row % self.block else elements // self.block * self.size


ELEMENTS: dict[int, Element] = {
    0: Element("F32", 1, 4),
    1: Element("F16", 1, 2),
    2: Element("Q4_0", 32, 18),
    3: Element("Q4_1", 32, 20),
    6: Element("Q5_0", 32, 22),
    7: Element("Q5_1", 32, 24),
    8: Element("Q8_0", 32, 34),
    9: Element("Q8_1", 32, 40),
    10: Element("Q2_K", 256, 84),
    11: Element("Q3_K", 256, 110),
    12: Element("Q4_K", 256, 144),
    13: Element("Q5_K", 256, 176),
    14: Element("Q6_K", 256, 210),
    15: Element("Q8_K", 256, 292),
    16: Element("IQ2_XXS", 256, 66),
    17: Element("IQ2_XS", 256, 74),
    18: Element("IQ3_XXS", 256, 98),
    19: Element("IQ1_S", 256, 50),
    20: Element("IQ4_NL", 32, 18),
    21: Element("IQ3_S", 256, 110),
    22: Element("IQ2_S", 256, 82),
    23: Element("IQ4_XS", 256, 136),
    24: Element("I8", 1, 1),
    25: Element("I16", 1, 2),
    26: Element("I32", 1, 4),
    27: Element("I64", 1, 8),
    28: Element("F64", 1, 8),
    29: Element("IQ1_M", 256, 56),
    30: Element("BF16", 1, 2),
    31: Element("Q4_0_4_4", 32, 18),
    32: Element("Q4_0_4_8", 32, 18),
    33: Element("Q4_0_8_8", 32, 18),
    34: Element("TQ1_0", 256, 54),
    35: Element("TQ2_0", 256, 66),
    36: Element("IQ4_NL_4_4", 32, 18),
    37: Element("IQ4_NL_4_8", 32, 18),
    38: Element("IQ4_NL_8_8", 32, 18),
    39: Element("MXFP4", 32, 17),
    40: Element("NVFP4", 64, 36),
    41: Element("Q1_0", 128, 18),
}
"""By the number that files hold."""

PLAIN = frozenset({"F32", "F16", "F64", "BF16", "I8", "I16", "I32", "I64"})
"""Types that are not quantised."""
