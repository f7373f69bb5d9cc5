"""Bearer tokens: random, shown once, kept as SHA-256, found by it (which takes the same time
whatever is tried)."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from engine.store import codec
from engine.store.keys import Keys
from engine.store.link import Link
from engine.store.scripts import invoke

Role = Literal["admin", "supervisor", "agent"]


@dataclass(frozen=True, slots=True)
class Token:
    id: str
    role: Role
    name: str
    agent_id: int | None
    created_at: datetime


class RedisTokens:
    def __init__(self, link: Link, keys: Keys) -> None:
        self._link, self._keys = link, keys
        self._by_hash, self._ids = keys.tokens("by_hash"), keys.tokens("ids")

    async def create(
        self, *, role: Role, name: str = "", agent_id: int | None = None, now: datetime
    ) -> tuple[Token, str]:
        """The token and its secret, which nobody can read again."""
        secret = secrets.token_urlsafe(32)
        token = Token(secrets.token_hex(8), role, name, agent_id, now)
        await self._save(secret, token)
        return token, secret

    async def ensure(self, secret: str, role: Role, now: datetime) -> Token:
        """The token of a secret that was given from outside; made when it is not there.

        One that was given so before ends: whoever changes it wants the old one out.
        """
        await self._revoke_given(but=_given_id(_sha256(secret)))
        found = await self.find(secret)
        if found is not None and found.role == role:
            return found
        # The id follows from the secret, so that two processes that start at once make one token.
        token = Token(_given_id(_sha256(secret)), role, "from the settings", None, now)
        await self._save(secret, token)
        return token

    async def find(self, secret: str) -> Token | None:
        text = await self._link.call("HGET", self._by_hash, _sha256(secret))
        return _token(text) if text else None

    async def wait_s(self, token_id: str, now: datetime, rate_per_s: float, burst: int) -> float:
        """Count one request of the token: 0 when it may pass, else how long to wait for it."""
        key = [self._keys.tokens(f"rate:{token_id}")]
        counted = invoke("rate", key, codec.to_ms(now), 1000 / rate_per_s, burst)
        return float((await self._link.batch([counted]))[0]) / 1000

    async def list(self) -> Sequence[Token]:
        """Oldest first."""
        tokens = [_token(text) for text in await self._link.call("HVALS", self._by_hash)]
        return sorted(tokens, key=lambda token: (token.created_at, token.id))

    async def revoke(self, token_id: str) -> bool:
        """False when there is no such token."""
        digest = await self._link.call("HGET", self._ids, token_id)
        if digest is None:
            return False
        # The same tag; the one that lets people in goes first.
        gone, _ = await self._link.batch([
            ("HDEL", self._by_hash, digest),
            ("HDEL", self._ids, token_id),
        ])  # fmt: skip
        return bool(gone)

    async def _revoke_given(self, *, but: str) -> None:
        all_tokens = await self._link.call("HGETALL", self._by_hash)
        for digest, text in codec.pairs(all_tokens).items():
            token = _token(text)
            if token.id == _given_id(digest) != but:
                await self.revoke(token.id)

    async def _save(self, secret: str, token: Token) -> None:
        digest, at = _sha256(secret), codec.to_ms(token.created_at)
        text = codec.to_json([token.id, token.role, token.name, token.agent_id, at])
        await self._link.batch([
            # The index first, so that what lets people in can always be revoked.
            ("HSET", self._ids, token.id, digest),
            ("HSET", self._by_hash, digest, text),
        ])  # fmt: skip


def _sha256(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def _given_id(digest: str) -> str:
    """No other token's id follows from its secret."""
    return digest[:16]


def _token(text: str) -> Token:
    token_id, role, name, agent_id, at = codec.from_json(text)
    return Token(token_id, role, name, agent_id, codec.from_ms(at))
