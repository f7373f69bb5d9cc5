"""What the API takes and gives, as pydantic models; campaigns' settings are the core's own."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Annotated, Any, Generic, Literal, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    GetJsonSchemaHandler,
    StringConstraints,
    model_validator,
)

from admin_api.context import MAX_ID
from admin_api.why_not_now import WhyNot
from engine.core.agent import AgentMode, AgentState
from engine.core.campaign import CampaignStatus
from engine.core.contact import ContactState
from engine.core.outcome import Outcome
from engine.core.settings import CampaignSettings

T = TypeVar("T")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
#: Pauses that our own dialplan and engine give in Asterisk: an agent's reason must not look so.
_OUR_PAUSES = frozenset({"wrap-up", "reserved"})


def _one_line(text: str) -> str:
    if _CONTROL.search(text):
        raise ValueError("must not contain control characters")
    return text


def _own_words(text: str) -> str:
    if text.lower() in _OUR_PAUSES:
        raise ValueError("is a reason that the dialer itself uses; choose another word")
    return text


class PartialSettings:
    """Shows CampaignSettings in OpenAPI for a body that is merged before it is checked."""

    def __get_pydantic_json_schema__(
        self, _schema: Any, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        return handler(CampaignSettings.__pydantic_core_schema__)


Name = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=200),
    AfterValidator(_one_line),
]
Id = Annotated[int, Field(ge=1, le=MAX_ID)]
Ids = Annotated[list[Id], Field(max_length=1000)]
Settings = Annotated[dict[str, Any], PartialSettings()]
Skill = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.-]{1,64}$")]


class In(BaseModel):
    """A body: fields that do not exist are errors."""

    model_config = ConfigDict(extra="forbid")


class Listing(BaseModel, Generic[T]):
    """One page; ask again with `cursor` = `next_cursor` until it is null."""

    items: list[T]
    next_cursor: str | None = None


# ------------------------------------------------------------------------------ campaigns


class CampaignIn(In):
    """`settings` may be partial: it is merged over the defaults."""

    name: Name
    settings: Settings = {}
    agent_ids: Ids = []


class CampaignPatch(In):
    """RFC 7396; null puts the default back. `version`: refuse if somebody else saved since."""

    name: Name | None = None
    settings: Settings | None = None
    agent_ids: Ids | None = None
    version: int | None = Field(None, ge=1, le=MAX_ID)


class CampaignClone(In):
    """What is to be other than in the source."""

    name: Name | None = None
    settings: Settings | None = None
    agent_ids: Ids | None = None


class CampaignOut(BaseModel):
    id: int
    name: str
    created_at: datetime
    updated_at: datetime
    version: int = Field(description="moved by edits only")
    status: CampaignStatus
    status_reason: str = Field(description="manual, no_agents, calling_hours, no_contacts or empty")
    live: bool
    contacts: int | None = Field(description="null for a Live campaign: shown as ∞")
    n_contacts: int
    agents: int
    agent_ids: list[int]
    progress: float = Field(ge=0, le=100)
    idle_reasons: list[str] = Field(description="why an active campaign dials nothing now")
    settings: CampaignSettings


class PeriodOut(BaseModel):
    """Answered calls of a period. The rate is `n_abandoned` / `n_people`."""

    starts_at: datetime | None = Field(description="of a block of 30 days; else null")
    ends_at: datetime | None
    n_people: int = Field(description="answered by a person, as far as anybody knows")
    n_abandoned: int = Field(description="no agent within 2 seconds of the completed greeting")
    n_connected: int
    n_machines: int = Field(description="ended by machine detection")
    n_machines_met: int = Field(description="an agent's disposition says that it was a machine")
    rate: float


class SharedOut(BaseModel):
    """Periods of a drop-rate group, which the limit is about."""

    group: str
    campaign_ids: list[int]
    so_far: PeriodOut
    last_30_days: PeriodOut
    block: PeriodOut | None


class Abandons(BaseModel):
    """The abandon ledger by period. The last 24 hours are the running minute and the 1,439 before
    it, the last 30 days the running hour and the 719 before it, blocks begin with the hour of the
    first call (16 CFR 310.4(b)(4))."""

    limit: float
    first_call_at: datetime | None
    so_far: PeriodOut
    last_24_h: PeriodOut
    last_30_days: PeriodOut
    block: PeriodOut | None = Field(description="the running one; null before the first call")
    blocks: list[PeriodOut]
    ofcom_rate_24_h: float = Field(description="Ofcom's adjusted rate over the last 24 hours")
    shared: SharedOut | None = Field(description="null outside of a drop-rate group")


class Stats(BaseModel):
    """Live figures. `agents` and `calls` by state, `outcomes` by name."""

    status: CampaignStatus
    status_reason: str
    n_contacts: int
    n_complete: int
    progress: float
    agents: dict[str, int]
    calls: dict[str, int]
    attempts: int
    outcomes: dict[str, int]
    abandon_rate: float = Field(description="abandoned / answered by a person, campaign so far")
    abandon_rate_24h: float = Field(description="over the last 24 hours")
    abandon_rate_30d: float = Field(description="over the last 30 days")
    abandons: Abandons
    idle_reasons: list[str]
    pacing: dict[str, Any]
    next_due_at: datetime | None


# ------------------------------------------------------------------------------- contacts


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


class PreviewRowOut(BaseModel):
    line: int
    cells: list[str]
    problem: str = Field(description="why the row would be rejected; empty for a good one")


class PreviewOut(BaseModel):
    """What an upload of this list would be taken for. `columns` may be changed and sent with the
    upload.
    """

    columns: list[str] = Field(
        description="for each column a field of a contact, phones (another phone), "
        "variables.<name>, or - where it is left out",
        examples=[["phone", "name", "variables.shoe_size", "-"]],
    )
    has_header: bool
    header: list[str] = Field(description="the first row, where it names the columns")
    variables: list[str] = Field(description="the word that makes each column a variable")
    rows: list[PreviewRowOut]
    problem: str = Field(description="why no row could be read in this way; else empty")


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
    why_not_now: list[WhyNot]


class ListOut(BaseModel):
    """A calling list of a campaign: an import, a connector, or what came one by one (0)."""

    list_id: int
    kind: str = Field(description="single, import or connector")
    name: str
    source_id: str = Field(description="the import's or the connector's id")
    created_at: datetime | None
    weight: int = Field(description="turns against other lists, at equal priority")
    n_contacts: int


class ListPatch(In):
    """What is not given stays; an empty name is the list's own again."""

    name: Annotated[str, Field(max_length=200), AfterValidator(_one_line)] | None = None
    weight: int | None = Field(None, ge=1, le=1000)

    @model_validator(mode="after")
    def _something(self) -> ListPatch:
        if self.name is None and self.weight is None:
            raise ValueError("give a name, a weight, or both")
        return self


class ContactPatch(In):
    """What may change while the campaign runs; null is not a value here, `variables` replace."""

    name: Annotated[str, Field(max_length=200), AfterValidator(_one_line)] | None = None
    priority: int | None = Field(None, ge=1, le=1000)
    active: bool | None = None
    variables: dict[Annotated[str, Field(pattern=r"^[A-Za-z0-9_]{1,64}$")], Any] | None = None


class VerdictOut(BaseModel):
    rule: str
    allows: bool
    until: datetime | None = Field(description="null: allows now, or nobody can say")
    final: bool = Field(description="ends the contact")
    detail: str


class WhyOut(BaseModel):
    """Every rule about a contact, as the engine asks them."""

    why_not_now: list[WhyNot]
    verdicts: list[VerdictOut] = Field(description="empty for a contact that does not wait")
    next_dial_at: datetime | None = Field(description="when all rules allow it; null: not known")


class FigureOut(BaseModel):
    what: str
    source: str
    verified: bool = Field(description="false: the source could not be read")


class PresetOut(BaseModel):
    """`settings` is a merge patch; sent as `settings.preset` it is applied below other changes."""

    name: str
    title: str
    kind: str = Field(description="law, or house rule")
    settings: dict[str, Any]
    figures: list[FigureOut]


class ImportOut(BaseModel):
    import_id: str
    campaign_id: int
    filename: str
    status: Literal["queued", "running", "done", "failed"]
    created_at: datetime
    n_bytes: int
    bytes_done: int
    progress: float = Field(description="percent of the bytes that are read")
    created: int
    rejected: int
    duplicates: int
    error: str | None


# --------------------------------------------------------------------------------- agents


class AgentIn(In):
    name: Name
    extension: str = Field(pattern=r"^[0-9]{1,20}$")
    mode: AgentMode = "on_hook"
    campaign_ids: Ids = []
    skills: list[Skill] = Field(default=[], max_length=100)


class AgentPatch(In):
    name: Name | None = None
    mode: AgentMode | None = None
    campaign_ids: Ids | None = None
    skills: list[Skill] | None = Field(default=None, max_length=100)


class PauseIn(In):
    reason: Annotated[
        str,
        StringConstraints(strip_whitespace=True, min_length=1, max_length=100),
        AfterValidator(_one_line),
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


# ---------------------------------------------------------------------- dnc, tokens, audit


class DncIn(In):
    """Numbers that must not be called, by any campaign."""

    phones: list[Annotated[str, Field(max_length=64)]] = Field(default=[], max_length=1000)
    prefixes: list[Annotated[str, Field(pattern=r"^\+[0-9]{1,15}$")]] = Field(
        default=[], max_length=1000, description="beginnings of numbers, such as +1900"
    )
    default_country: str = Field("US", pattern=r"^[A-Z]{2}$")
    source: Annotated[str, Field(max_length=100), AfterValidator(_one_line)] = "api"


class DncAdded(BaseModel):
    added: int
    present: int = Field(description="were on the list already")
    n_rejected: int
    rejected: list[Rejected] = Field(description="of a file the first 1,000")


class DncOut(BaseModel):
    phone: str
    source: str
    added_at: datetime


class TokenIn(In):
    role: Literal["admin", "supervisor", "agent"]
    name: Annotated[str, Field(max_length=200), AfterValidator(_one_line)] = ""
    agent_id: Id | None = Field(None, description="needed for, and only for, the role agent")


class TokenOut(BaseModel):
    id: str
    role: Literal["admin", "supervisor", "agent"]
    name: str
    agent_id: int | None
    created_at: datetime


class TokenCreated(TokenOut):
    token: str | None = Field(description="shown once; null when the answer is a repeated one")


class AuditOut(BaseModel):
    id: str
    at: datetime
    actor: str
    action: str
    subject: str
    detail: dict[str, Any]
