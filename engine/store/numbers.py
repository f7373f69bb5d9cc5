"""What holds for a phone number across campaigns: do-not-call, live call, how often it was called.

No entry expires into a permission. A number stays held until its attempt is over; where an engine
died between settling and release, the next one that wants the number frees it.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from engine.core.ids import campaign_of
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
        tail = (codec.to_ms(now), *most)
        answers = await self._reserve(wanted, tail)
        over = await self._holders_that_are_over(wanted, answers)
        if over:
            await self.release([(wanted[i][0], holder, True) for i, holder in over])
            again = await self._reserve([wanted[i] for i, _ in over], tail)
            for (i, _), answer in zip(over, again, strict=True):
                answers[i] = answer
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

    async def _reserve(
        self, wanted: Sequence[tuple[str, str]], tail: Sequence[int]
    ) -> list[Sequence[str]]:
        return await self._link.batch([
            invoke("reserve", self._keys.number(phone).all, digits(phone), attempt, *tail)
            for phone, attempt in wanted
        ])  # fmt: skip

    async def _holders_that_are_over(
        self, wanted: Sequence[tuple[str, str]], answers: Sequence[Sequence[str]]
    ) -> Sequence[tuple[int, str]]:
        """Place in `wanted` and holder, where the holder is no live attempt any more.

        An attempt is live in the store from before it reserves until it is settled or given back,
        and its id is never used again.
        """
        held = [(i, answer[1]) for i, answer in enumerate(answers) if answer[0] == "live"]
        named = [(i, holder, campaign_of(holder)) for i, holder in held]
        known = [(i, holder, campaign) for i, holder, campaign in named if campaign is not None]
        keys = [self._keys.campaign(campaign, f"a:{holder}") for _, holder, campaign in known]
        exist = await self._link.batch([("EXISTS", key) for key in keys])
        return [(i, holder) for (i, holder, _), live in zip(known, exist, strict=True) if not live]


def _refusal(answer: Sequence[str]) -> Refusal | None:
    """A held number has no instant: it is free when the other call ends."""
    reason = answer[0]
    if reason == "ok":
        return None
    until = codec.from_ms(answer[1]) if reason.startswith("limit") else None
    return Refusal(reason=reason, until=until)
