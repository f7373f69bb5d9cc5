"""The store on Redis. Everything that other rooms use is named here."""

from __future__ import annotations

from engine.store.audit import AuditEntry
from engine.store.connectors import ConnectorRow
from engine.store.dnc import DncEntry
from engine.store.embedded import EmbeddedRedis
from engine.store.idempotency import StoredAnswer
from engine.store.imports import Import, ImportStatus, RejectedRow
from engine.store.outbox import DeadLetter, PushStatus, Waiting
from engine.store.page import Page
from engine.store.polls import Poll, Pull, PullStatus, Stored
from engine.store.sessions import Session
from engine.store.store import Durability, RedisStore
from engine.store.tokens import Role, Token
from engine.store.users import User
from engine.store.webhooks import Delivery, DeliveryStatus, Message, Webhook

__all__ = [
    "AuditEntry", "ConnectorRow", "DeadLetter", "Delivery", "DeliveryStatus", "DncEntry",
    "Durability", "EmbeddedRedis", "Import", "ImportStatus", "Message", "Page", "Poll", "Pull",
    "PullStatus", "PushStatus", "RedisStore", "RejectedRow", "Role", "Session", "Stored",
    "StoredAnswer", "Token", "User", "Waiting", "Webhook",
]  # fmt: skip
