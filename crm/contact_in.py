"""A contact as people and programs send it, checked and made ready for the store."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, field_validator

from engine.core.contact import NewContact
from engine.core.errors import FieldError, Invalid
from engine.core.hours import hours_class
from engine.core.phone import as_e164
from engine.core.settings import Zone

MAX_VARIABLES = 50
MAX_VARIABLES_CHARS = 4096
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
    """`phone`, or `phones` of which the first one in use is dialled; the rest is optional."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    phone: Annotated[Line, Field(max_length=64)] | None = None
    phones: list[Annotated[Line, Field(max_length=64)]] = Field(default=[], max_length=10)
    name: Line = Field("", max_length=200)
    timezone: Zone | None = None
    priority: int = Field(500, ge=1, le=1000, description="lower is called first")
    external_id: Annotated[Line, Field(max_length=128)] | None = None
    source: Annotated[Line, Field(max_length=200)] | None = None
    url: Annotated[Line, Field(max_length=2048), AfterValidator(_web_address)] | None = None
    variables: dict[Annotated[str, Field(pattern=r"^[A-Za-z0-9_]{1,64}$")], Line] = {}

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


def parse_contact(raw: object, default_country: str) -> NewContact:
    """A contact for the store. Raises Invalid; its errors name the fields."""
    try:
        contact = ContactIn.model_validate(raw)
    except ValidationError as error:
        raise Invalid("The contact is not valid.", field_errors(error.errors())) from None
    phone = _dialled(contact, default_country)
    return NewContact(
        phone=phone,
        hours_class=hours_class(phone, contact.timezone),
        **contact.model_dump(exclude={"phone", "phones"}),
    )


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


def _dialled(contact: ContactIn, default_country: str) -> str:
    """The first number in use, in E.164."""
    given = [contact.phone] if contact.phone else contact.phones
    if not given:
        raise Invalid("The contact is not valid.", [FieldError("phone", "is missing")])
    first_problem: ValueError | None = None
    for text in given:
        try:
            return as_e164(text, default_country)
        except ValueError as error:
            first_problem = first_problem or error
    field = "phone" if contact.phone else "phones"
    raise Invalid("The contact is not valid.", [FieldError(field, str(first_problem))])


def _as_text(value: object) -> object:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int | float) else value
