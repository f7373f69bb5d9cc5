"""Made-up calling lists of any size: different valid numbers over eight time zones."""

from __future__ import annotations

from collections.abc import Iterator

AREAS = ("212", "305", "312", "415", "206", "303", "602", "713", "404", "617", "202", "907", "808")
HEADER = "phone,name,external_id,a,b\n"


def phone(n: int) -> str:
    """Different for each n, valid, over thirteen area codes and so eight zones."""
    return f"+1{AREAS[n % 13]}{2_000_000 + n // 13 * 7 % 7_999_993:07}"


def rows(n: int) -> Iterator[str]:
    for i in range(n):
        variables = f"{i:030},{i:030}"
        yield f"{phone(i)},Person Number {i % 9973},E{i:08},{variables}\n"
