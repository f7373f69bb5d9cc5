"""Phone numbers: one spelling, E.164 with a plus."""

from __future__ import annotations

import phonenumbers
from phonenumbers import PhoneNumberFormat, timezone

_UNKNOWN_ZONE = "Etc/Unknown"


def as_e164(text: str, default_country: str | None = None) -> str:
    """`+12025550100` from what people write.

    Raises ValueError with the reason: not a number, an extension, or not in use in its country.
    """
    try:
        number = phonenumbers.parse(text, default_country)
    except phonenumbers.NumberParseException as error:
        raise ValueError(f"is not a phone number: {_reason(error)}") from None
    if number.extension:
        raise ValueError("has an extension, which cannot be dialled")
    if not phonenumbers.is_valid_number(number):
        raise ValueError("is not a number in use in its country")
    return phonenumbers.format_number(number, PhoneNumberFormat.E164)


def zones_of(e164: str) -> tuple[str, ...]:
    """Every IANA zone that the number may be in, sorted; empty when nothing is known."""
    zones = timezone.time_zones_for_number(phonenumbers.parse(e164, None))
    return tuple(sorted(zone for zone in zones if zone != _UNKNOWN_ZONE))


def masked(e164: str) -> str:
    """`+1202***0100`: enough for a log, too little to call."""
    return f"{e164[:5]}***{e164[-4:]}" if len(e164) > 9 else "***"


def _reason(error: phonenumbers.NumberParseException) -> str:
    match error.error_type:
        case phonenumbers.NumberParseException.INVALID_COUNTRY_CODE:
            return "its country is unknown; write it with + and the country code"
        case phonenumbers.NumberParseException.TOO_LONG:
            return "too long"
        case _:
            return "too short, or no digits"
