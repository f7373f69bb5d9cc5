"""The store: one object per aggregate over one link to Redis."""

from __future__ import annotations

from dataclasses import dataclass

from engine.core.errors import StoreUnavailable
from engine.store.agents import RedisAgents
from engine.store.attempts import RedisAttempts
from engine.store.audit import RedisAudit
from engine.store.callers import RedisCallers
from engine.store.calls import RedisCalls
from engine.store.campaigns import RedisCampaigns
from engine.store.changes import RedisChanges
from engine.store.connectors import RedisConnectors
from engine.store.contacts import RedisContacts
from engine.store.dnc import RedisDnc
from engine.store.idempotency import RedisIdempotency
from engine.store.imports import RedisImports
from engine.store.inbox import RedisInbox
from engine.store.keys import SCHEMA_VERSION, Keys
from engine.store.knowledge import RedisKnowledge
from engine.store.leadership import RedisLeadership
from engine.store.ledger import RedisLedgers
from engine.store.link import Link
from engine.store.lists import RedisLists
from engine.store.numbers import RedisNumbers
from engine.store.offers import RedisOffers
from engine.store.outbox import RedisOutbox
from engine.store.polls import RedisPolls
from engine.store.scripts import all_scripts
from engine.store.sessions import RedisSessions
from engine.store.sounds import RedisSounds
from engine.store.system import RedisSystem
from engine.store.tokens import RedisTokens
from engine.store.users import RedisUsers
from engine.store.webhooks import RedisWebhooks


@dataclass(frozen=True, slots=True)
class Durability:
    """`persists`: what was written survives a kill, but for a second. `evicts`: keys may vanish."""

    persists: bool
    evicts: bool
    detail: str


class RedisStore:
    """Make one with `connect`."""

    def __init__(self, link: Link, keys: Keys) -> None:
        self._link, self._keys = link, keys
        self.leadership = RedisLeadership(link, keys)
        self.campaigns = RedisCampaigns(link, keys)
        self.contacts = RedisContacts(link, keys)
        self.calls = RedisCalls(link, keys, self.contacts)
        self.dnc = RedisDnc(link, keys)
        self.numbers = RedisNumbers(link, keys, self.dnc)
        self.agents = RedisAgents(link, keys)
        self.attempts = RedisAttempts(link, keys)
        self.ledgers = RedisLedgers(link, keys)
        self.knowledge = RedisKnowledge(link, keys)
        self.imports = RedisImports(link, keys)
        self.lists = RedisLists(link, keys)
        self.connectors = RedisConnectors(link, keys)
        self.inbox = RedisInbox(link, keys)
        self.polls = RedisPolls(link, keys)
        self.outbox = RedisOutbox(link, keys)
        self.callers = RedisCallers(link, keys)
        self.system = RedisSystem(link, keys)
        self.changes = RedisChanges(link, keys)
        self.webhooks = RedisWebhooks(link, keys)
        self.offers = RedisOffers(link, keys)
        self.sounds = RedisSounds(link, keys)
        self.tokens = RedisTokens(link, keys)
        self.users = RedisUsers(link, keys)
        self.sessions = RedisSessions(link, keys, self.users)
        self.audit = RedisAudit(link, keys)
        self.idempotency = RedisIdempotency(link, keys)

    @classmethod
    async def connect(cls, url: str, *, prefix: str = "dlr") -> RedisStore:
        """Raises StoreUnavailable, in seconds, with the server's address and what is wrong."""
        link = Link(url)
        link.know_scripts(all_scripts())
        store = cls(link, Keys(prefix))
        try:
            await link.call("PING")
            await link.batch([("SCRIPT", "LOAD", text) for text in all_scripts().values()])
            await store._require_schema()
        except BaseException:
            await link.close()
            raise
        return store

    async def close(self) -> None:
        await self._link.close()

    async def run_id(self) -> str:
        """Changes when the server was restarted."""
        return str(_info(await self._link.call("INFO", "server"))["run_id"])

    async def durability(self) -> Durability:
        text = "\n".join(await self._link.batch([("INFO", "persistence"), ("INFO", "memory")]))
        info = _info(text)
        persists = info.get("aof_enabled") == "1"
        policy = info.get("maxmemory_policy", "noeviction")
        evicts = info.get("maxmemory", "0") != "0" and policy != "noeviction"
        return Durability(persists, evicts, _advice(persists, evicts, policy))

    async def _require_schema(self) -> None:
        await self._link.call("SETNX", self._keys.schema, SCHEMA_VERSION)
        found = int(await self._link.call("GET", self._keys.schema))
        if found != SCHEMA_VERSION:
            raise StoreUnavailable(
                f"The data in Redis has layout {found}, this program knows {SCHEMA_VERSION}: "
                "use the program that wrote it, or another prefix."
            )


def _info(text: str) -> dict[str, str]:
    rows = (line.partition(":") for line in text.splitlines() if ":" in line)
    return {name: value.strip() for name, _, value in rows}


def _advice(persists: bool, evicts: bool, policy: str) -> str:
    advice = []
    if not persists:
        advice.append(
            "Redis keeps no append-only file: after a restart campaigns and calls are lost. "
            "Set `appendonly yes`."
        )
    if evicts:
        advice.append(
            f"Redis removes keys when memory is short ({policy}): contacts would be lost. "
            "Set `maxmemory-policy noeviction`."
        )
    return " ".join(advice)
