"""A contact as people and programs send it, checked and made ready for the store."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    field_validator,
)

from engine.core import destinations
from engine.core.contact import DEFAULT_PRIORITY, NewContact
from engine.core.errors import FieldError, Invalid
from engine.core.hours import hours_class
from engine.core.phone import as_e164, facts_of
from engine.core.settings import DestinationSettings, Zone
from engine.core.state_names import region_written

MAX_VARIABLES = 50
ANYWHERE = DestinationSettings()
ON_DNC = "is on a do-not-call list"
MAX_VARIABLES_CHARS = 4096
MAX_POSTAL_CHARS = 64
MAX_REGION_CHARS = 64
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")


def _one_line(text: str) -> str:
    """Values reach Asterisk, logs and spreadsheets: no line ends, no control characters."""
    if _CONTROL.search(text):
        raise ValueError("must not contain line ends or control characters")
    return text


def _web_address(text: str) -> str:
    """A url becomes a link on the agent's page: never `javascript:`."""
    if not text.startswith(("https://", "http://")):
        raise ValueError("must start with https:// or http://")
    return text


Line = Annotated[str, AfterValidator(_one_line)]


class ContactIn(BaseModel):
    """`phone`, or `phones` in the order in which they are tried; the rest is optional.

    Of several phones those that cannot be dialled are left out, as long as one is left.
    """

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    phone: Annotated[Line, Field(max_length=64)] | None = None
    phones: list[Annotated[Line, Field(max_length=64)]] = Field(default=[], max_length=10)
    name: Line = Field("", max_length=200)
    timezone: Zone | None = None
    region: Annotated[Line, Field(max_length=MAX_REGION_CHARS)] | None = Field(
        None,
        description="state, such as US-FL, FL or Florida, read in the country of the number: its "
        "rules hold, and its zones where none are nearer",
        examples=["US-FL"],
    )
    postal_code: Annotated[Line, Field(max_length=MAX_POSTAL_CHARS)] | None = Field(
        None, description="tells the zones, in the country of the region, else of the number"
    )
    priority: int = Field(DEFAULT_PRIORITY, ge=1, le=1000, description="lower is called first")
    external_id: Annotated[Line, Field(max_length=128)] | None = None
    person_key: Annotated[Line, Field(max_length=128)] | None = Field(
        None, description="whom limits per person count; by default the external id"
    )
    source: Annotated[Line, Field(max_length=200)] | None = None
    url: Annotated[Line, Field(max_length=2048), AfterValidator(_web_address)] | None = None
    variables: dict[Annotated[str, Field(pattern=r"^[A-Za-z0-9_]{1,64}$")], Line] = {}

    @field_validator("name", "priority", "variables", "phones", mode="before")
    @classmethod
    def _null_is_absent(cls, value: object, info: ValidationInfo) -> object:
        """Programs often send every field that they know."""
        field = cls.model_fields[info.field_name or ""]
        return field.get_default() if value is None else value

    @field_validator("phone", "external_id", "postal_code", mode="before")
    @classmethod
    def _number_is_text(cls, value: object) -> object:
        """Databases and JSON often have them as numbers."""
        return str(value) if type(value) is int else value

    @field_validator("phones", mode="before")
    @classmethod
    def _numbers_are_phones(cls, value: object) -> object:
        if not isinstance(value, list | tuple):
            return value
        return [str(each) if type(each) is int else each for each in value]

    @field_validator("variables", mode="before")
    @classmethod
    def _numbers_are_text(cls, value: object) -> object:
        """JSON numbers and booleans are welcome as values; the dialplan knows only text."""
        if not isinstance(value, Mapping):
            return value
        return {key: _as_text(item) for key, item in value.items()}

    @field_validator("variables")
    @classmethod
    def _not_too_much(cls, value: dict[str, str]) -> dict[str, str]:
        size = sum(len(key) + len(item) for key, item in value.items())
        if len(value) > MAX_VARIABLES or size > MAX_VARIABLES_CHARS:
            raise ValueError(
                f"at most {MAX_VARIABLES} variables with {MAX_VARIABLES_CHARS} characters in all"
            )
        return value


def parse_contact(
    raw: object, default_country: str, open_to: DestinationSettings = ANYWHERE
) -> NewContact:
    """A contact for the store. Raises Invalid; its errors name the fields."""
    try:
        contact = ContactIn.model_validate(raw)
    except ValidationError as error:
        raise Invalid("The contact is not valid.", field_errors(error.errors())) from None
    phone, *others = _dialled(contact, default_country, open_to)
    region = _region(contact.region, phone)
    return NewContact(
        phone=phone,
        phones=tuple(others),
        hours_class=hours_class(phone, contact.timezone, region, others, contact.postal_code),
        name=contact.name,
        timezone=contact.timezone,
        priority=contact.priority,
        external_id=contact.external_id,
        source=contact.source,
        url=contact.url,
        variables=contact.variables,
        person_key=contact.person_key,
        region=region,
        postal_code=contact.postal_code or None,
    )


def with_phones(contact: NewContact, phones: Sequence[str]) -> NewContact:
    """The contact with these of its phones alone; the hours at the others bind it no more."""
    phone, *others = phones
    zone, region, code = contact.timezone, contact.region, contact.postal_code
    at = hours_class(phone, zone, region, others, code)
    return contact._replace(phone=phone, phones=tuple(others), hours_class=at)


def _region(text: str | None, phone: str) -> str | None:
    found = region_written(text, facts_of(phone).country) if text else None
    if text and found is None:
        reason = "names no state that is known; write its code with the country, such as US-FL"
        raise Invalid("The contact is not valid.", [FieldError("region", reason)])
    return found


def country_of(phones: Sequence[str], default_country: str) -> str:
    """Of the first number that is one; empty without."""
    for text in phones:
        with suppress(ValueError):
            return facts_of(as_e164(text, default_country)).country
    return ""


def field_errors(errors: list[Any], prefix: str = "") -> list[FieldError]:
    """pydantic's errors in our words, with dotted paths under `prefix`."""
    return [
        FieldError(".".join(filter(None, (prefix, *map(str, e["loc"])))), _message(e))
        for e in errors
    ]


def _message(error: Mapping[str, Any]) -> str:
    if error["type"] == "extra_forbidden":
        return "is not a field that exists here"
    message = str(error["msg"])
    return message.removeprefix("Value error, ")


def checked_variables(raw: Mapping[str, object]) -> Mapping[str, str]:
    """As those of a new contact. Raises Invalid."""
    try:
        return ContactIn.model_validate({"phone": "-", "variables": raw}).variables
    except ValidationError as error:
        raise Invalid("The contact is not valid.", field_errors(error.errors())) from None


def _dialled(contact: ContactIn, default_country: str, open_to: DestinationSettings) -> list[str]:
    """The numbers in use, in E.164, each once, in the order given; at least one."""
    given = [contact.phone, *contact.phones] if contact.phone else contact.phones
    if not given:
        raise Invalid("The contact is not valid.", [FieldError("phone", "is missing")])
    found: dict[str, None] = {}
    first_problem = ""
    for text in given:
        try:
            found[_open_number(text, default_country, open_to)] = None
        except ValueError as error:
            first_problem = first_problem or str(error)
    if not found:
        field = "phone" if contact.phone else "phones"
        raise Invalid("The contact is not valid.", [FieldError(field, first_problem)])
    return list(found)


def _open_number(text: str, default_country: str, open_to: DestinationSettings) -> str:
    number = as_e164(text, default_country)
    closed = destinations.refusal(number, open_to)
    if closed is not None:
        raise ValueError(destinations.REASONS[closed])
    return number


def _as_text(value: object) -> object:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int | float) else value
