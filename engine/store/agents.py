"""Agents, their states, and who works on which campaign.

Three hashes by agent: the profile that an administrator edits, the state that Asterisk shows, and
what was asked for; each is written as a whole by its one writer, so nothing has to be merged.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from engine.core.agent import Agent, AgentMode, AgentState
from engine.core.errors import Conflict, FieldError, Invalid, NotFound
from engine.store import codec
from engine.store.audit import entry
from engine.store.changes import change
from engine.store.keys import Keys
from engine.store.link import Command, Link
from engine.store.page import Page, bad_cursor, cursor_of, parts_of
from engine.store.scripts import invoke

#: Tries of an edit that another edit of the same agent overtakes.
MAX_TRIES: Final = 5
_HASHES: Final = ("profile", "state", "wanted", "of_agent")


class RedisAgents:
    def __init__(self, link: Link, keys: Keys) -> None:
        self._link, self._keys = link, keys

    async def all(self) -> Sequence[Agent]:
        """By id."""
        hashes = [("HGETALL", self._keys.agents(name)) for name in _HASHES]
        profiles, *rest = [codec.pairs(flat) for flat in await self._link.batch(hashes)]
        ids = sorted(profiles, key=int)
        return [_agent(int(i), profiles[i], *(hash_.get(i) for hash_ in rest)) for i in ids]

    async def get(self, agent_id: int) -> Agent:
        """Raises NotFound."""
        commands = [("HGET", self._keys.agents(name), agent_id) for name in _HASHES]
        profile, *rest = await self._link.batch(commands)
        if profile is None:
            raise NotFound("There is no such agent.")
        return _agent(agent_id, profile, *rest)

    async def list(self, *, limit: int = 100, cursor: str | None = None) -> Page[Agent]:
        after = parts_of(cursor, 1)[0] if cursor is not None else 0
        if not isinstance(after, int):
            raise bad_cursor()
        rest = [agent for agent in await self.all() if agent.id > after]
        page = rest[:limit]
        return Page(page, cursor_of(page[-1].id) if len(rest) > limit else None)

    async def create(
        self,
        *,
        name: str,
        extension: str,
        mode: AgentMode,
        campaign_ids: Sequence[int] = (),
        skills: Sequence[str] = (),
        actor: str,
        now: datetime,
    ) -> Agent:
        """Raises Invalid when the extension is not digits or belongs to another agent."""
        _require_digits(extension)
        agent_id = int(await self._link.call("INCR", self._keys.agents("seq")))
        profile = _profile(name, extension, mode, tuple(skills), codec.to_ms(now))
        await self._save(agent_id, extension, profile, "")
        await self._link.batch([
            assign(self._keys, "agent", agent_id, campaign_ids),
            entry(self._keys, now, actor, "create", f"agent:{agent_id}", name=name),
            *self._changed(agent_id, campaign_ids, {"what": "created"}),
        ])  # fmt: skip
        return await self.get(agent_id)

    async def update(
        self,
        agent_id: int,
        *,
        name: str | None = None,
        mode: AgentMode | None = None,
        campaign_ids: Sequence[int] | None = None,
        skills: Sequence[str] | None = None,
        actor: str,
        now: datetime,
    ) -> Agent:
        """Raises NotFound."""
        await self._edit(agent_id, name, mode, skills)
        commands = [entry(self._keys, now, actor, "edit", f"agent:{agent_id}")]
        if campaign_ids is not None:
            commands.insert(0, assign(self._keys, "agent", agent_id, campaign_ids))
        answers = await self._link.batch(commands)
        moved = answers[0] if campaign_ids is not None else ()
        await self._link.batch(self._changed(agent_id, moved, {"what": "edited"}))
        return await self.get(agent_id)

    async def delete(self, agent_id: int, actor: str, now: datetime) -> None:
        """Raises NotFound."""
        agent = await self.get(agent_id)
        await self._link.batch([
            assign(self._keys, "agent", agent_id, ()),
            *[("HDEL", self._keys.agents(hash_), agent_id) for hash_ in _HASHES],
            ("HDEL", self._keys.agents("extension"), agent.extension),
            entry(self._keys, now, actor, "delete", f"agent:{agent_id}", name=agent.name),
            *self._changed(agent_id, agent.campaign_ids, {"what": "deleted"}),
        ])  # fmt: skip

    async def set_state(
        self,
        agent_id: int,
        state: AgentState,
        now: datetime,
        *,
        attempt_id: str | None = None,
        wrap_up_until: datetime | None = None,
    ) -> None:
        until = codec.to_ms(wrap_up_until) if wrap_up_until else ""
        at = codec.to_ms(now)
        value = f"{state}|{at}|{attempt_id or ''}|{until}"
        payload = {"what": "state", "state": state, "at": at, "attempt_id": attempt_id}
        await self._link.batch([
            ("HSET", self._keys.agents("state"), agent_id, value),
            change(self._keys, "agent", agent_id, payload),
        ])  # fmt: skip

    async def set_wanted(
        self, agent_id: int, *, wanted_in: bool, wanted_pause: str | None, now: datetime
    ) -> None:
        value = codec.to_json([wanted_in, wanted_pause])
        payload = {"what": "wanted", "wanted_in": wanted_in, "wanted_pause": wanted_pause}
        await self._link.batch([
            ("HSET", self._keys.agents("wanted"), agent_id, value),
            change(self._keys, "agent", agent_id, payload),
        ])  # fmt: skip

    async def _edit(
        self,
        agent_id: int,
        name: str | None,
        mode: AgentMode | None,
        skills: Sequence[str] | None,
    ) -> None:
        for _ in range(MAX_TRIES):
            old = await self._link.call("HGET", self._keys.agents("profile"), agent_id)
            if old is None:
                raise NotFound("There is no such agent.")
            agent = _agent(agent_id, old, None, None, None)
            new = replace(
                agent,
                name=agent.name if name is None else name,
                mode=mode or agent.mode,
                skills=agent.skills if skills is None else tuple(skills),
            )
            since = codec.to_ms(agent.state_since)
            profile = _profile(new.name, new.extension, new.mode, new.skills, since)
            if await self._save(agent_id, agent.extension, profile, old):
                return
        raise Conflict("Somebody else edits this agent.")

    async def _save(self, agent_id: int, extension: str, profile: str, old: str) -> bool:
        keys = [self._keys.agents("profile"), self._keys.agents("extension")]
        command = invoke("save_agent", keys, agent_id, extension, profile, old)
        saved = (await self._link.batch([command]))[0]
        if saved == -1:
            raise Invalid(errors=[FieldError("extension", "belongs to another agent")])
        return bool(saved)

    def _changed(
        self, agent_id: int, campaign_ids: Sequence[Any], payload: dict[str, object]
    ) -> Sequence[Command]:
        of_campaigns = [change(self._keys, "campaign", i, {"what": "agents"}) for i in campaign_ids]
        return [change(self._keys, "agent", agent_id, payload), *of_campaigns]


def assign(keys: Keys, side: str, thing_id: int, others: Sequence[int]) -> Command:
    """The command that sets a campaign's agents (side `campaign`) or an agent's campaigns."""
    this, other = keys.agents(f"of_{side}"), keys.agents("of_agent")
    if side == "agent":
        other = keys.agents("of_campaign")
    kind = "agents" if side == "campaign" else "campaigns"
    return invoke("assign", [this, other, keys.agents("profile")], thing_id, kind, *others)


def ids_of(text: str | None) -> tuple[int, ...]:
    return tuple(int(one) for one in text.split(",")) if text else ()


def _require_digits(extension: str) -> None:
    if not (extension.isascii() and extension.isdecimal()):
        raise Invalid(errors=[FieldError("extension", "must be digits")])


def _profile(
    name: str, extension: str, mode: AgentMode, skills: tuple[str, ...], created_ms: int
) -> str:
    return codec.to_json([name, extension, mode, skills, created_ms])


def _agent(
    agent_id: int, profile: str, state: str | None, wanted: str | None, campaigns: str | None
) -> Agent:
    name, extension, mode, skills, created_ms = codec.from_json(profile)
    shown, since, attempt_id, until = (state or f"offline|{created_ms}||").split("|")
    wanted_in, wanted_pause = codec.from_json(wanted or "[false,null]")
    return Agent(
        id=agent_id,
        name=name,
        extension=extension,
        mode=mode,
        campaign_ids=ids_of(campaigns),
        skills=tuple(skills),
        wanted_in=wanted_in,
        wanted_pause=wanted_pause,
        state=AgentState(shown),
        state_since=codec.from_ms(since),
        attempt_id=attempt_id or None,
        wrap_up_until=codec.maybe_from_ms(until),
    )
