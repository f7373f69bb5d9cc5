"""What every CRM connection does, whatever CRM it is; errors say what follows from them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar, Protocol

from crm.cursor import Cursor


@dataclass(frozen=True, slots=True, kw_only=True)
class Lead:
    """One record of the CRM. `contact` has the fields of a contact as the API takes it."""

    external_id: str
    contact: Mapping[str, Any] = field(default_factory=dict)
    #: Archived, lost, opted out, or outside the filter now: not to be called any more.
    withdrawn: bool = False
    #: The person asked not to be called by anybody: the number goes on the do-not-call list.
    do_not_call: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """`next_page` None: the window is read to its end."""

    leads: Sequence[Lead]
    next_page: str | None
    #: The CRM's clock, not later than the instant at which it looked.
    server_at: datetime
    #: Numbers whose people asked the CRM not to be called, known as leads or not.
    opted_out: Sequence[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CallResult:
    """One attempt as the CRM is told of it. `rev` rises when more became known."""

    attempt_id: str
    external_id: str
    phone: str
    outcome: str
    disposition: str | None
    started_at: datetime
    answered_at: datetime | None
    ended_at: datetime
    talk_s: float
    agent_id: int | None
    campaign: str
    rev: int
    #: The number is on our do-not-call list: the CRM should stop calling it too.
    do_not_call: bool = False

    @property
    def title(self) -> str:
        what = self.disposition or self.outcome
        return f"Call to {self.phone}: {what.replace('_', ' ')}"


@dataclass(frozen=True, slots=True)
class Receipt:
    """What the CRM calls the entry; empty where it names none."""

    external_id: str = ""
    #: It was there already: a repetition after a lost answer.
    was_there: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """`sample`: some leads as they would be mapped."""

    ok: bool
    detail: str
    sample: Sequence[Lead] = ()


class Connector(Protocol):
    """Every method may raise a CrmError. Nothing is repeated inside."""

    @property
    def overlap_s(self) -> float:
        """How far a window reaches back behind the one before: see `crm.cursor`."""
        ...

    @property
    def page_size(self) -> int: ...

    @property
    def max_batch(self) -> int:
        """So many results go into one `push_batch`."""
        return 1

    async def fetch(self, cursor: Cursor, limit: int) -> Page: ...

    async def push(self, result: CallResult) -> Receipt:
        """Idempotent by attempt id, as far as the CRM allows it."""
        ...

    async def push_batch(self, results: Sequence[CallResult]) -> Sequence[Receipt | Rejected]:
        """One answer for each, in order; an error that is raised concerns them all."""
        return [await self._pushed(result) for result in results]

    async def _pushed(self, result: CallResult) -> Receipt | Rejected:
        try:
            return await self.push(result)
        except Rejected as error:
            return error

    async def existing(self, external_ids: Sequence[str]) -> frozenset[str] | None:
        """Which of these the CRM still has, archived ones too; None: it cannot tell."""
        return None

    async def check(self) -> Health: ...

    async def close(self) -> None: ...


class CrmError(Exception):
    """The CRM did not do what was asked."""

    code: ClassVar[str] = "crm_error"

    def __init__(self, message: str) -> None:
        self.message = message
        super().__init__(message)


class AuthError(CrmError):
    """The credentials are refused: a person must act."""

    code = "auth"


class RateLimited(CrmError):
    """Too many requests; `retry_after_s` is the CRM's word, or a guess."""

    code = "rate_limited"

    def __init__(self, message: str, retry_after_s: float) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class Transient(CrmError):
    """May work next time: no answer, a server error."""

    code = "transient"


class Rejected(CrmError):
    """This request will never work: a field is unknown, a record is refused."""

    code = "rejected"


class Blocked(CrmError):
    """The CRM, or our own rule for addresses, shuts us out: repeating makes it worse."""

    code = "blocked"
