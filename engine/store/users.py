"""People who sign in to the page: name, role, and the hash of a password that is made elsewhere."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from engine.core.errors import Conflict, FieldError, Invalid, NotFound
from engine.store import codec
from engine.store.audit import entry
from engine.store.keys import Keys
from engine.store.link import Link
from engine.store.tokens import Role

MAX_NAME_CHARS: Final = 100


@dataclass(frozen=True, slots=True)
class User:
    name: str
    role: Role
    #: Set for, and only for, the role agent.
    agent_id: int | None
    created_at: datetime
    password_hash: str
    #: Changes with the password: sessions that began under another one are over.
    stamp: str


class RedisUsers:
    """One hash, by the casefolded name: `Ann` and `ann` are one person."""

    def __init__(self, link: Link, keys: Keys) -> None:
        self._link, self._keys, self._by_name = link, keys, keys.users

    async def create(
        self,
        name: str,
        role: Role,
        password_hash: str,
        *,
        agent_id: int | None = None,
        actor: str,
        now: datetime,
    ) -> User:
        """Raises Invalid for a bad name, Conflict when there is such a user already."""
        _check_name(name)
        user = User(name, role, agent_id, now, password_hash, secrets.token_hex(8))
        if not await self._link.call("HSETNX", self._by_name, name.casefold(), _to_json(user)):
            raise Conflict(f"There is a user {name} already.")
        await self._note(now, actor, "create", user)
        return user

    async def set_password(self, name: str, password_hash: str, actor: str, now: datetime) -> User:
        """Raises NotFound. All of the user's sessions end."""
        old = await self.get(name)
        stamp = secrets.token_hex(8)
        user = User(old.name, old.role, old.agent_id, old.created_at, password_hash, stamp)
        await self._link.call("HSET", self._by_name, name.casefold(), _to_json(user))
        await self._note(now, actor, "password", user)
        return user

    async def delete(self, name: str, actor: str, now: datetime) -> None:
        """Raises NotFound. All of the user's sessions end."""
        user = await self.get(name)
        await self._link.call("HDEL", self._by_name, name.casefold())
        await self._note(now, actor, "delete", user)

    async def get(self, name: str) -> User:
        user = await self.find(name)
        if user is None:
            raise NotFound("There is no such user.")
        return user

    async def find(self, name: str) -> User | None:
        text = await self._link.call("HGET", self._by_name, name.casefold())
        return _user(codec.from_json(text)) if text else None

    async def list(self) -> Sequence[User]:
        """By name."""
        texts = await self._link.call("HVALS", self._by_name)
        users = [_user(codec.from_json(text)) for text in texts]
        return sorted(users, key=lambda user: user.name.casefold())

    async def exist(self) -> bool:
        return bool(await self._link.call("HLEN", self._by_name))

    async def _note(self, now: datetime, actor: str, action: str, user: User) -> None:
        subject = f"user:{user.name}"
        await self._link.batch([entry(self._keys, now, actor, action, subject, role=user.role)])


def _check_name(name: str) -> None:
    if not name.strip() or name != name.strip() or not name.isprintable():
        raise Invalid(errors=[FieldError("name", "must be printable, without spaces around it")])
    if len(name) > MAX_NAME_CHARS:
        raise Invalid(errors=[FieldError("name", f"may have {MAX_NAME_CHARS} characters")])


def _to_json(user: User) -> str:
    at = codec.to_ms(user.created_at)
    head = [user.name, user.role, user.agent_id, at]
    return codec.to_json([*head, user.password_hash, user.stamp])


def _user(values: Sequence[Any]) -> User:
    name, role, agent_id, at, password_hash, stamp = values
    return User(name, role, agent_id, codec.from_ms(at), password_hash, stamp)
