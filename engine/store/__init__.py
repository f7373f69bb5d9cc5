"""The store on Redis. Everything that other rooms use is named here."""

from __future__ import annotations

from engine.store.audit import AuditEntry
from engine.store.dnc import DncEntry
from engine.store.embedded import EmbeddedRedis
from engine.store.idempotency import StoredAnswer
from engine.store.imports import Import, ImportStatus, RejectedRow
from engine.store.page import Page
from engine.store.sessions import Session
from engine.store.store import Durability, RedisStore
from engine.store.tokens import Role, Token
from engine.store.users import User

__all__ = [
    "AuditEntry", "DncEntry", "Durability", "EmbeddedRedis", "Import", "ImportStatus", "Page",
    "RedisStore", "RejectedRow", "Role", "Session", "StoredAnswer", "Token", "User",
]  # fmt: skip
