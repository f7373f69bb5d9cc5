"""Contacts: added, read, changed, and why one is not called now."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, Field

from admin_api.schemas.basics import In, one_line
from admin_api.why_not_now import WhyNot
from engine.core.contact import ContactState
from engine.core.outcome import Outcome


class Reason(BaseModel):
    field: str
    message: str


class Rejected(BaseModel):
    index: int
    phone: str | None
    errors: list[Reason]


class Duplicate(BaseModel):
    index: int
    phone: str
    campaign_id: int | None = Field(
        None,
        exclude_if=lambda value: value is None,
        description="another campaign that has the number; absent: this one",
    )


class ContactsAdded(BaseModel):
    created: int
    rejected: list[Rejected]
    duplicates: list[Duplicate]


class ContactOut(BaseModel):
    id: int
    contact_id: int = Field(description="the same as id, under the name that attempts use")
    phone: str
    name: str
    timezone: str | None
    region: str | None = Field(description="state, such as US-FL")
    postal_code: str | None
    priority: int
    external_id: str | None
    source: str | None
    url: str | None
    variables: dict[str, str]
    state: ContactState
    attempts: int = Field(description="attempts that count towards max_attempts")
    n_trunk_faults: int
    outcomes: dict[Outcome, int]
    last_outcome: Outcome | None
    next_dial_at: datetime | None
    done_reason: str | None
    other_phones: list[str] = Field(description="wait for their turn")
    dropped_phones: list[str] = Field(description="are not in use")
    person_key: str | None
    active: bool
    list_id: int
    callback_agent_id: int | None
    callback_at: datetime | None
    why_not_now: list[WhyNot]


class ContactPatch(In):
    """What may change while the campaign runs, as RFC 7396 merges it: null is the default, and
    `variables` keep what is not named; null among them takes one away."""

    name: Annotated[str, Field(max_length=200), AfterValidator(one_line)] | None = None
    priority: int | None = Field(None, ge=1, le=1000)
    active: bool | None = None
    variables: dict[Annotated[str, Field(pattern=r"^[A-Za-z0-9_]{1,64}$")], Any] | None = None


class VerdictOut(BaseModel):
    rule: str
    allows: bool
    until: datetime | None = Field(description="null: allows now, or nobody can say")
    final: bool = Field(description="ends the contact")
    detail: str
    drops: bool = Field(description="ends this phone of the contact; another one is called")


class WhyOut(BaseModel):
    """Every rule about a contact, as the engine asks them."""

    why_not_now: list[WhyNot]
    verdicts: list[VerdictOut] = Field(description="empty for a contact that does not wait")
    next_dial_at: datetime | None = Field(description="when all rules allow it; null: not known")
