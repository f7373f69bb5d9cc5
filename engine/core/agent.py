"""An agent: a person at a phone, and the state that callers and pages see."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Literal


class AgentState(StrEnum):
    OFFLINE = "offline"
    AVAILABLE = "available"
    RESERVED = "reserved"
    RINGING = "ringing"
    ON_CALL = "on_call"
    WRAP_UP = "wrap_up"
    PAUSED = "paused"


#: Reasons that our own dialplan and engine give for a pause in Asterisk; any other is the agent's.
WRAP_UP = "wrap-up"
RESERVED = "reserved"

AgentMode = Literal["on_hook", "off_hook"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Agent:
    """An agent as stored. `wanted_*` is what was asked for, the rest what Asterisk shows."""

    id: int
    name: str
    extension: str
    mode: AgentMode
    campaign_ids: tuple[int, ...]
    skills: tuple[str, ...] = ()
    #: Asked to be logged in.
    wanted_in: bool = False
    #: Asked to pause, with this reason; None: asked to work.
    wanted_pause: str | None = None
    state: AgentState = AgentState.OFFLINE
    state_since: datetime
    #: The call in hand, or the one that is being wrapped up.
    attempt_id: str | None = None
    wrap_up_until: datetime | None = None
