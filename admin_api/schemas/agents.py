"""Agents, and the contacts that they are offered."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, Field, StringConstraints

from admin_api.schemas.basics import Ids, In, Name, one_line
from engine.core.agent import AgentMode, AgentState

#: Pauses that our own dialplan and engine give in Asterisk: an agent's reason must not look so.
_OUR_PAUSES = frozenset({"wrap-up", "reserved"})


def _own_words(text: str) -> str:
    if text.lower() in _OUR_PAUSES:
        raise ValueError("is a reason that the dialer itself uses; choose another word")
    return text


Skill = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.-]{1,64}$")]


class AgentIn(In):
    name: Name
    extension: str = Field(pattern=r"^[0-9]{1,20}$")
    mode: AgentMode = "on_hook"
    campaign_ids: Ids = Field(default=[])
    skills: list[Skill] = Field(default=[], max_length=100)


class AgentPatch(In):
    name: Name | None = None
    mode: AgentMode | None = None
    campaign_ids: Ids | None = None
    skills: list[Skill] | None = Field(default=None, max_length=100)


class AgentOut(BaseModel):
    id: int
    name: str
    extension: str
    mode: AgentMode
    state: AgentState
    state_since: datetime
    pause_reason: str | None
    campaign_ids: list[int]
    skills: list[str]
    logged_in: bool = Field(description="asked to be logged in; `state` follows")
    attempt_id: str | None
    wrap_up_until: datetime | None


class PauseIn(In):
    reason: Annotated[
        str,
        StringConstraints(strip_whitespace=True, min_length=1, max_length=100),
        AfterValidator(one_line),
        AfterValidator(_own_words),
    ] = "break"


class DispositionIn(In):
    """`callback_at` without an offset is by the contact's own clock."""

    attempt_id: str = Field(max_length=64)
    code: str = Field(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9_.-]+$")
    callback_at: datetime | None = None
    callback_by: Literal["anyone", "me"] = "anyone"


class OfferIn(In):
    """Names the offer, so that an answer never meets the next one."""

    attempt_id: str = Field(max_length=64)


class OfferOut(BaseModel):
    """A contact that this agent may call. `state`: offered, accepted, or dialled."""

    attempt_id: str
    campaign_id: int
    campaign: str
    contact_id: int
    state: str
    name: str
    phone: str
    external_id: str | None
    postal_code: str | None
    url: str | None
    variables: dict[str, str]
    script: str
    is_callback: bool
    may_skip: bool
    offered_at: datetime
    expires_at: datetime
    on_timeout: Literal["dial", "return"]
