"""What holds for a phone number across campaigns: do-not-call, live call, how often it was called.

No entry expires into a permission. A reservation whose engine died is freed when its attempt is
given back or settled by whoever recovers it.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from engine.core.settings import LimitSettings
from engine.ports import Refusal
from engine.store import codec
from engine.store.dnc import RedisDnc
from engine.store.keys import Keys, digits
from engine.store.link import Link
from engine.store.scripts import invoke


class RedisNumbers:
    def __init__(self, link: Link, keys: Keys, dnc: RedisDnc) -> None:
        self._link, self._keys, self._dnc = link, keys, dnc

    async def reserve(
        self, wanted: Sequence[tuple[str, str]], limits: LimitSettings, now: datetime
    ) -> Sequence[Refusal | None]:
        """(phone, attempt id) each: None where the number is ours now; counted in its history."""
        most = (limits.max_per_24h or 0, limits.max_per_7d or 0)
        now_ms = codec.to_ms(now)
        answers = await self._link.batch([
            invoke("reserve", self._keys.number(phone).all, digits(phone), attempt, now_ms, *most)
            for phone, attempt in wanted
        ])  # fmt: skip
        return [_refusal(answer) for answer in answers]

    async def release(self, held: Sequence[tuple[str, str, bool]]) -> None:
        await self._link.batch([
            invoke("release", self._keys.number(phone).all, digits(phone), attempt, int(placed))
            for phone, attempt, placed in held
        ])  # fmt: skip

    async def add_dnc(self, phone: str, source: str, actor: str, now: datetime) -> bool:
        return await self._dnc.add(phone, source=source, actor=actor, now=now)

    async def live_owner(self, phone: str) -> str | None:
        """The attempt that holds the number now."""
        owner = await self._link.call("HGET", self._keys.number(phone).live, digits(phone))
        return owner.partition("|")[0] if owner else None


def _refusal(answer: Sequence[str]) -> Refusal | None:
    """A held number has no instant: it is free when the other call ends."""
    reason = answer[0]
    if reason == "ok":
        return None
    return Refusal(reason=reason, until=codec.maybe_from_ms(answer[1] if answer[1:] else None))
