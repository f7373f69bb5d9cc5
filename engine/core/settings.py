"""The rules of a campaign as an administrator writes them; units are in the names.

Everything has a default but what only the administrator can know: list, agents, trunk, caller id.
"""

from __future__ import annotations

import functools
import zoneinfo
from datetime import date, time
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, field_validator, model_validator

from engine.core.holiday_days import known_calendar
from engine.core.outcome import Outcome
from engine.core.phone import as_e164

Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
DAYS: tuple[Day, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


@functools.cache
def _zones() -> frozenset[str]:
    """Read once: listing the database takes milliseconds, and every validation asks.

    `localtime` and `Factory` are files in it and no place.
    """
    return frozenset(zoneinfo.available_timezones() - {"localtime", "Factory"})


def is_zone(name: str) -> bool:
    """A time zone of the IANA database."""
    return name in _zones()


def _known_zone(name: str) -> str:
    if not is_zone(name):
        raise ValueError("must be a time zone of the IANA database, such as Europe/London")
    return name


def _local_time(value: str) -> str:
    """HH:MM, where 24:00 is the end of the day."""
    if value != "24:00":
        time.fromisoformat(value)
    return value


Zone = Annotated[str, AfterValidator(_known_zone)]
#: ISO 3166-2, such as US-FL: a state with rules of its own.
Region = Annotated[str, Field(pattern=r"^[A-Z]{2}-[A-Z0-9]{1,3}$")]
#: ISO 3166-1 or -2: a country, or a part of it, with its public holidays.
Calendar = Annotated[
    str, Field(pattern=r"^[A-Z]{2}(-[A-Z0-9]{1,6})?$"), AfterValidator(known_calendar)
]
Country = Annotated[str, Field(pattern=r"^[A-Z]{2}$")]
LocalTime = Annotated[str, Field(pattern=r"^\d\d:\d\d$"), AfterValidator(_local_time)]
#: Names that reach Asterisk: no character that its dialplan or AMI could read as more than a name.
AsteriskName = Annotated[str, Field(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}$")]


class Group(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True)


class ListSettings(Group):
    default_country: str = Field("US", pattern=r"^[A-Z]{2}$", description="ISO 3166-1 alpha-2")
    method: Literal["file", "api", "crm"] = "file"
    connector_id: str | None = None
    live: bool = False
    poll_interval_s: int = Field(60, ge=5, le=86_400)
    order: Literal["redials_first", "new_first", "mixed"] = "redials_first"
    #: Where a number must not be already for a new contact to be taken.
    duplicates: Literal["campaign", "active_campaigns"] = "campaign"
    #: Of other campaigns only contacts count that were added within so many days; null: all.
    duplicates_within_days: int | None = Field(None, ge=1, le=3650)

    @model_validator(mode="after")
    def _live_needs_a_source(self) -> ListSettings:
        if self.live and self.method == "file":
            raise ValueError("a Live campaign needs method crm or api")
        return self


class PacingSettings(Group):
    mode: Literal["preview", "progressive", "power", "predictive", "agentless"] = "progressive"
    dial_level: float = Field(1.0, ge=1.0, le=20.0, description="calls per available agent")
    max_abandon_rate: float = Field(0.03, ge=0.0, le=1.0, description="abandoned / answered")
    #: Campaigns with the same name here share one abandon rate and one limit.
    drop_rate_group: str | None = Field(None, pattern=r"^[A-Za-z0-9_.-]{1,64}$")
    #: Machine detection hangs up on some people, who then count as abandoned: nobody sees them,
    #: so they are estimated.
    amd_error_rate: float = Field(
        0.02, ge=0.0, le=1.0, description="people among those that were taken for machines"
    )

    @property
    def needs_agents(self) -> bool:
        return self.mode != "agentless"


#: Between the dial and the first ring; nearly always less.
SET_UP_S = 5


class DialingSettings(Group):
    trunk: AsteriskName | None = None
    caller_ids: tuple[str, ...] = ()
    ring_timeout_s: int = Field(25, ge=5, le=120)
    max_channels: int = Field(60, ge=1, le=10_000)
    max_cps: float = Field(10.0, gt=0, le=1_000, description="calls per second")
    local_presence: Literal["off", "country", "area"] = "off"
    same_caller_id_on_redials: bool = False
    #: Calls that one caller id shows within 24 hours (to the hour), over all campaigns.
    max_per_caller_id_per_day: int | None = Field(None, ge=1, le=1_000_000)
    connect_deadline_s: int = Field(2, ge=1, le=60)
    connect_deadline_from: Literal["answer", "greeting_end"] = "answer"
    amd: Literal["off", "on"] = "off"
    min_ring_s: int = Field(0, ge=0, le=60, description="rings at least so long, even after Stop")
    queue: AsteriskName | None = None
    safe_harbour_message: AsteriskName | None = None
    opt_out_key: str = Field("9", pattern=r"^[0-9*#]$")
    #: Left on an answering machine after its beep; none: it is hung up.
    machine_message: AsteriskName | None = None
    ringback: bool = False

    @property
    def dial_timeout_s(self) -> int:
        """From the dial on. Asterisk counts the call's set-up as well, so where ringing must last
        (16 CFR 310.4(b)(4)(ii): 15 s) it gets the time that a set-up may take."""
        least = self.min_ring_s + SET_UP_S if self.min_ring_s else 0
        return max(self.ring_timeout_s, least)

    @field_validator("caller_ids")
    @classmethod
    def _caller_ids_are_e164(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(as_e164(number) for number in value)

    @model_validator(mode="after")
    def _rings_long_enough(self) -> DialingSettings:
        if self.ring_timeout_s < self.min_ring_s:
            raise ValueError("ring_timeout_s must not be below min_ring_s")
        return self


class PreviewSettings(Group):
    """The mode preview: an agent sees the contact and says whether to call."""

    timer_s: int = Field(60, ge=5, le=3600)
    #: When the timer runs out: dial, or give the contact back and pause the agent.
    on_timeout: Literal["dial", "return"] = "return"
    return_delay_s: int = Field(60, ge=0, le=90 * 86_400)
    #: How often a contact may be skipped, by all agents together; 0: never.
    max_skips: int = Field(3, ge=0, le=100)
    skip_delay_s: int = Field(3600, ge=0, le=90 * 86_400)
    #: After the last skip the contact is done, or comes again and has to be called.
    after_last_skip: Literal["call", "done"] = "call"


class KeyRule(Group):
    """What a key does while the message of a campaign without agents plays, or shortly after."""

    key: str = Field(pattern=r"^[0-9*#]$")
    action: Literal["confirm", "transfer", "repeat", "opt_out"] = "confirm"
    disposition: str = Field("", max_length=64, pattern=r"^[A-Za-z0-9_.-]*$")
    #: Of a transfer: `queue:NAME`, or `EXTENSION@CONTEXT` of the PBX.
    target: str = Field(
        "",
        pattern=r"^(queue:[A-Za-z0-9_.-]{1,64}|[A-Za-z0-9_]{1,40}@[A-Za-z0-9_.-]{1,64})?$",
        description="queue:NAME or EXTENSION@CONTEXT",
    )

    @model_validator(mode="after")
    def _transfer_goes_somewhere(self) -> KeyRule:
        if (self.action == "transfer") != bool(self.target):
            raise ValueError("a transfer needs a target, and nothing else has one")
        return self


#: What a message without keys of its own has.
OPT_OUT_ONLY = (KeyRule(key="9", action="opt_out"),)


class AgentlessSettings(Group):
    """The mode without agents: a message, and what its keys do."""

    message: AsteriskName | None = None
    keys: tuple[KeyRule, ...] = Field(OPT_OUT_ONLY, max_length=12)
    #: After the message, so long a key is waited for.
    wait_for_key_s: int = Field(5, ge=1, le=10)
    max_repeats: int = Field(3, ge=0, le=20)
    #: A person who asked for a transfer waits so long in the queue.
    transfer_wait_s: int = Field(60, ge=1, le=1800)

    @field_validator("keys")
    @classmethod
    def _one_can_opt_out(cls, value: tuple[KeyRule, ...]) -> tuple[KeyRule, ...]:
        """47 CFR 64.1200(b)(3): an automated, interactive opt-out in every message."""
        if not value:
            return OPT_OUT_ONLY
        if len({rule.key for rule in value}) < len(value):
            raise ValueError("must name each key once")
        if not any(rule.action == "opt_out" for rule in value):
            raise ValueError("must have a key with the action opt_out")
        return value

    def rule_of(self, key: str) -> KeyRule | None:
        return next((rule for rule in self.keys if rule.key == key), None)


class RedialRule(Group):
    delay_s: int = Field(3600, ge=0, le=90 * 86_400)
    max: int = Field(1, ge=0, le=100, description="redials after this outcome")
    phone: Literal["same", "next"] = Field("same", description="of a contact with several phones")
    counts: bool = Field(True, description="towards max_attempts; limits and hard_cap count all")


def _default_rules() -> dict[Outcome, RedialRule]:
    return {
        Outcome.BUSY: RedialRule(delay_s=300, max=3),
        Outcome.NO_ANSWER: RedialRule(delay_s=3600, max=2),
        Outcome.FAILED: RedialRule(delay_s=300, max=2),
        Outcome.HUNG_UP_EARLY: RedialRule(delay_s=86_400, max=1),
        Outcome.MACHINE: RedialRule(delay_s=86_400, max=1),
        Outcome.UNKNOWN: RedialRule(delay_s=3600, max=1),
        Outcome.CANCELLED: RedialRule(delay_s=60, max=1),
    }


class RedialSettings(Group):
    max_attempts: int = Field(3, ge=1, le=100)
    rules: dict[Outcome, RedialRule] = Field(default_factory=_default_rules)
    #: Attempts ended by a fault of our own trunk do not count in max_attempts; this bounds them.
    max_trunk_faults: int = Field(5, ge=0, le=100)
    #: No contact is dialled more often, whatever counts and whatever is asked for.
    hard_cap: int = Field(100, ge=1, le=100)
    #: After so many dials without a conversation the next one is in another part of the day.
    spread_after: int | None = Field(None, ge=1, le=100)
    #: Where a part of the day ends and the next begins, by the contact's clock.
    day_parts: tuple[LocalTime, ...] = Field(("12:00", "17:00"), max_length=6)
    #: A callback that one agent is to make waits so long for that agent, then anyone makes it.
    callback_agent_wait_s: int = Field(900, ge=0, le=7 * 86_400)

    @field_validator("day_parts")
    @classmethod
    def _parts_are_in_order(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if list(value) != sorted(set(value)):
            raise ValueError("must rise, each part of the day once")
        return value


class Window(Group):
    days: tuple[Day, ...] = DAYS
    start: LocalTime = "08:00"
    end: LocalTime = "21:00"

    @model_validator(mode="after")
    def _ends_after_it_starts(self) -> Window:
        if self.end <= self.start:
            raise ValueError("end must be after start; write a night as two windows")
        return self


class RegionHours(Group):
    """What holds in one state besides the campaign's hours: both must be open."""

    windows: tuple[Window, ...] = (Window(),)


class HoursSettings(Group):
    """When people may be called. The default is the window of 16 CFR 310.4(c), every day."""

    timezone: Zone = "UTC"
    windows: tuple[Window, ...] = (Window(),)
    holidays: tuple[date, ...] = ()
    #: No calls to a zone of these countries on their public holidays.
    public_holidays: tuple[Calendar, ...] = Field((), max_length=50)
    respect_contact_timezone: bool = True
    #: Where neither contact nor number tells a zone: use `timezone`, or do not call.
    unknown_zone: Literal["fallback", "hold"] = "fallback"
    regions: dict[Region, RegionHours] = {}


class RegionLimits(Group):
    """What holds in one state besides the campaign's limits: the lower one counts."""

    max_per_24h: int | None = Field(None, ge=1, le=100)
    max_per_7d: int | None = Field(None, ge=1, le=100)
    person_max_per_24h: int | None = Field(None, ge=1, le=100)
    person_max_per_7d: int | None = Field(None, ge=1, le=100)


#: The store forgets what it knows of a number after this.
MAX_LOCK_S = 90 * 86_400


class LimitSettings(Group):
    """How often one number, and one person, may be called, over all campaigns; null: no limit."""

    max_per_24h: int | None = Field(None, ge=1, le=100)
    max_per_7d: int | None = Field(None, ge=1, le=100)
    #: The same for a person with all phones, by `person_key` (default: the external id).
    person_max_per_24h: int | None = Field(None, ge=1, le=100)
    person_max_per_7d: int | None = Field(None, ge=1, le=100)
    #: No call for so long after an abandoned one, after a machine, after a conversation.
    after_abandon_s: int | None = Field(None, ge=1, le=MAX_LOCK_S)
    after_machine_s: int | None = Field(None, ge=1, le=MAX_LOCK_S)
    after_conversation_s: int | None = Field(None, ge=1, le=MAX_LOCK_S)
    regions: dict[Region, RegionLimits] = {}


class DestinationSettings(Group):
    """Where calls may go. Emergency and short numbers are never called."""

    #: Countries that may be called; empty: all.
    countries: tuple[Country, ...] = Field((), max_length=300)
    allow_premium: bool = False
    allow_shared_cost: bool = False
    allow_satellite: bool = False


class SystemDestinations(Group):
    """The most that any campaign may open."""

    #: Countries that may be called; empty: all.
    countries: tuple[Country, ...] = Field((), max_length=300)
    allow_premium: bool = True
    allow_shared_cost: bool = True
    allow_satellite: bool = True


#: Checked one by one, so that an error names the number that is wrong.
E164 = Annotated[str, AfterValidator(lambda number: as_e164(number))]


class SystemSettings(Group):
    """What holds for all campaigns, whatever they say themselves."""

    destinations: SystemDestinations = SystemDestinations()
    #: Numbers that are ours to call from; empty: those that a campaign names are.
    owned_numbers: tuple[E164, ...] = Field((), max_length=10_000)

    @field_validator("owned_numbers")
    @classmethod
    def _each_once(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(dict.fromkeys(value))


class DispositionRule(Group):
    code: str = Field(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9_.-]+$")
    label: str = Field("", max_length=200)
    action: Literal["done", "redial", "callback", "dnc"] = "done"
    delay_s: int = Field(3600, ge=0, le=90 * 86_400)
    max: int | None = Field(
        None, ge=0, le=100, description="redials after this disposition; null: up to max_attempts"
    )
    phone: Literal["same", "next"] = Field("same", description="of a contact with several phones")
    counts: bool = Field(True, description="towards max_attempts; limits and hard_cap count all")
    is_machine: bool = Field(False, description="the agent met a machine, not a person")


class CampaignSettings(Group):
    list: ListSettings = ListSettings()
    pacing: PacingSettings = PacingSettings()
    dialing: DialingSettings = DialingSettings()
    redial: RedialSettings = RedialSettings()
    hours: HoursSettings = HoursSettings()
    limits: LimitSettings = LimitSettings()
    destinations: DestinationSettings = DestinationSettings()
    preview: PreviewSettings = PreviewSettings()
    agentless: AgentlessSettings = AgentlessSettings()
    #: The preset that filled the rules; they may have been edited since.
    preset: str | None = Field(None, max_length=64)
    wrap_up_s: int = Field(10, ge=0, le=3600)
    dispositions: tuple[DispositionRule, ...] = ()
    script: str = Field("", max_length=20_000)

    @property
    def recordings(self) -> dict[str, str]:
        """Names of all that may be played, by the setting that says so."""
        named = {
            "dialing.safe_harbour_message": self.dialing.safe_harbour_message,
            "dialing.machine_message": self.dialing.machine_message,
            "agentless.message": self.agentless.message,
        }
        return {path: name for path, name in named.items() if name is not None}
