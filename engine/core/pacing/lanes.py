"""Many small sums in one: a row of numbers is packed into one integer, and integers add fast.

Each lane has 32 bits for a number of 16 fractional bits, so that up to 65,535 rows of numbers
between 0 and 1 can be added before a lane runs into the next. Adding two rows of 36 numbers costs
as much as adding two numbers.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence

ONE = 1 << 16
LANE_BITS = 32
#: Factors are multiplied with as whole numbers of this part.
FINE_BITS = 12
FINE = 1 << FINE_BITS


class Lanes:
    def __init__(self, n: int) -> None:
        self._format = struct.Struct(f"<{n}I")
        self._third = n // 3 * LANE_BITS
        self._whole = (1 << self._third) - 1
        kept = (1 << (LANE_BITS - FINE_BITS)) - 1
        self._kept = sum(kept << (lane * LANE_BITS) for lane in range(n // 3))

    def pack(self, values: Sequence[float]) -> int:
        """`values` between 0 and 1."""
        return int.from_bytes(
            self._format.pack(*[int(value * ONE + 0.5) for value in values]), "little"
        )

    def powers(self, packed: int, factor: float) -> int:
        """With the first third of the numbers `factor` times as high, the second its square times,
        the last its cube times; no number may come to be higher than 1."""
        found = 0
        for part in range(3):
            scale = int(factor ** (part + 1) * FINE + 0.5)
            third = (packed >> (part * self._third)) & self._whole
            # What a lane has below its lowest bit would come to lie in the lane under it.
            found |= ((third * scale >> FINE_BITS) & self._kept) << (part * self._third)
        return found

    def unpack(self, packed: int) -> list[float]:
        lanes = self._format.unpack(packed.to_bytes(self._format.size, "little"))
        return [lane / ONE for lane in lanes]
