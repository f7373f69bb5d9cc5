"""Sessions of people who signed in, found by the SHA-256 of the cookie's secret; and a count of
failed tries, which bounds guessing."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from engine.store import codec
from engine.store.keys import Keys
from engine.store.link import Link
from engine.store.users import RedisUsers, User

#: However busy somebody is, they sign in again after this.
MAX_SESSION_S: Final = 12 * 3600


@dataclass(frozen=True, slots=True)
class Session:
    user: User
    #: Sent with every change, so that another site cannot make the browser send one.
    csrf: str
    began_at: datetime


class RedisSessions:
    def __init__(self, link: Link, keys: Keys, users: RedisUsers) -> None:
        self._link, self._keys, self._users = link, keys, users

    async def begin(self, user: User, now: datetime, idle_s: int) -> tuple[Session, str]:
        """The session, and the secret for the cookie, which nobody can read again."""
        secret, csrf = secrets.token_urlsafe(32), secrets.token_urlsafe(24)
        text = codec.to_json([user.name, user.stamp, csrf, codec.to_ms(now)])
        await self._link.call("SET", self._keys.session(_sha256(secret)), text, "EX", idle_s)
        return Session(user, csrf, now), secret

    async def find(self, secret: str, now: datetime, idle_s: int) -> Session | None:
        """None when it is over: signed out, idle for `idle_s`, too old, or another password."""
        text = await self._link.call("GETEX", self._keys.session(_sha256(secret)), "EX", idle_s)
        if not text:
            return None
        name, stamp, csrf, at = codec.from_json(text)
        began_at = codec.from_ms(at)
        user = await self._users.find(name)
        is_over = now - began_at > timedelta(seconds=MAX_SESSION_S)
        if user is None or user.stamp != stamp or is_over:
            return None
        return Session(user, csrf, began_at)

    async def end(self, secret: str) -> None:
        await self._link.call("DEL", self._keys.session(_sha256(secret)))

    async def count_try(self, of: str, within_s: int) -> int:
        """Count one more try of `of` (a name, an address); how many there were in the window."""
        key = self._keys.tries(_sha256(of.casefold()))
        _, n = await self._link.batch([("SET", key, 0, "NX", "EX", within_s), ("INCR", key)])
        return int(n)

    async def forgive(self, of: str) -> None:
        """After a right password."""
        await self._link.call("DEL", self._keys.tries(_sha256(of.casefold())))


def _sha256(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
