"""Every error that a caller can meet, as one tree.

DialerError
├── Invalid               what was given is not allowed; names the fields
├── NotFound              no such campaign, contact, agent, …
├── Conflict              the thing is not in a state for this
│   ├── InvalidTransition
│   ├── CampaignFinal
│   ├── CampaignIncomplete
│   └── VersionConflict
├── Fenced                somebody else leads now: drop what you hold
├── StoreUnavailable      Redis does not answer
└── TelephonyError
    ├── LinkDown          nothing was sent
    ├── ActionRefused     Asterisk said no
    └── ActionUnknown     sent, and no answer came: it may have happened

The docstring of a class is its default message. `code` is part of the HTTP API and never changes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True, slots=True)
class FieldError:
    """What is wrong with one field. `field` is a dotted path such as `settings.dialing.trunk`."""

    field: str
    message: str


class DialerError(Exception):
    """Something went wrong."""

    code: ClassVar[str] = "error"
    retriable: ClassVar[bool] = False

    def __init__(self, message: str | None = None, errors: Sequence[FieldError] = ()) -> None:
        self.message = message or (self.__class__.__doc__ or "").strip()
        self.errors = tuple(errors)
        super().__init__(self.message)


class Invalid(DialerError):
    """The request is not valid."""

    code = "validation_error"


class NotFound(DialerError):
    """There is no such thing."""

    code = "not_found"


class Conflict(DialerError):
    """This is not possible now."""

    code = "conflict"


class InvalidTransition(Conflict):
    """The campaign's status does not allow this."""

    code = "invalid_transition"


class CampaignFinal(Conflict):
    """A stopped or completed campaign cannot be changed or started again: clone it."""

    code = "campaign_final"


class CampaignIncomplete(Conflict):
    """The campaign cannot start before its settings are complete."""

    code = "campaign_incomplete"


class VersionConflict(Conflict):
    """Somebody else saved this in the meantime."""

    code = "version_conflict"


class Fenced(DialerError):
    """Another engine leads now."""

    code = "fenced"


class StoreUnavailable(DialerError):
    """Redis does not answer."""

    code = "store_unavailable"
    retriable = True


class TelephonyError(DialerError):
    """Asterisk could not do this."""

    code = "telephony_error"


class LinkDown(TelephonyError):
    """There is no connection to Asterisk; nothing was sent."""

    code = "link_down"
    retriable = True


class ActionRefused(TelephonyError):
    """Asterisk refused the action."""

    code = "action_refused"


class ActionUnknown(TelephonyError):
    """The action was sent and no answer came: it may have happened."""

    code = "action_unknown"
