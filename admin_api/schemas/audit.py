"""Who did what."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pydantic import BaseModel


class AuditOut(BaseModel):
    id: str
    at: datetime
    actor: str
    action: str
    subject: str
    detail: dict[str, Any]
