"""Phone numbers: one spelling, E.164 with a plus."""

from __future__ import annotations

import re
import unicodedata

import phonenumbers
from phonenumbers import (
    PhoneNumberFormat,
    is_number_type_geographical,
    number_type,
    timezone,
)

from engine.core.number_zones import AREA_CHARS, UNKNOWN_ZONE, zones_of_area
from engine.core.quick_phone import NumberFacts, quick_e164, quick_facts

#: By Unicode's category: marks for the direction of writing and the like, and spaces.
_SEEN_AS = {"Cf": "", "Zs": " "}
#: What programs make of a number that they take for a quantity.
_FRACTION = re.compile(r"(\+?\d{7,15})[.,]0{1,2}")
_ROUNDED = re.compile(r"\d[.,]?\d*[eE]\+?\d+")
#: Up to the letter that stands behind a digit.
_BEFORE_WORD = re.compile(r"(\D*\d[\W\d_]*)[^\W\d_]")
#: They may begin another number, or a remark.
_SEPARATORS = "/(／（"
#: Its numbers have all one length: letters in a number that is in use are digits of it.
_NORTH_AMERICA = 1
_MORE_WORDS = "has words or an extension behind the number; write the number alone"


def as_e164(text: str, default_country: str | None = None) -> str:
    """`+12025550100` from what people write.

    Raises ValueError with the reason: not a number, an extension, or not in use in its country.
    """
    return quick_e164(text, default_country) or _thoroughly(_cleaned(text), default_country)


def _cleaned(text: str) -> str:
    """Without marks that nobody sees, every space a plain one, and no fraction."""
    if not text.isascii():
        text = "".join(_SEEN_AS.get(unicodedata.category(char), char) for char in text).strip()
    fraction = _FRACTION.fullmatch(text)
    return fraction[1] if fraction else text


def _thoroughly(text: str, default_country: str | None) -> str:
    if is_emergency(text, default_country):
        raise ValueError("is an emergency number, which is never dialled")
    if _ROUNDED.fullmatch(text):
        raise ValueError("was rounded by a spreadsheet; format the column as text")
    word = _BEFORE_WORD.match(text)
    _refuse_remarks(text, word[1] if word else "", default_country)
    number = _parsed(text, default_country)
    if number.extension:
        raise ValueError("has an extension, which cannot be dialled")
    if word and number.country_code != _NORTH_AMERICA:
        raise ValueError(_MORE_WORDS)
    if not phonenumbers.is_valid_number(number):
        raise ValueError("is not a number in use in its country")
    return phonenumbers.format_number(number, PhoneNumberFormat.E164)


def _parsed(text: str, default_country: str | None) -> phonenumbers.PhoneNumber:
    try:
        return phonenumbers.parse(text, default_country)
    except phonenumbers.NumberParseException as error:
        raise ValueError(f"is not a phone number: {_reason(error)}") from None


def _refuse_remarks(text: str, before_word: str, default_country: str | None) -> None:
    """The library makes digits of what stands behind a number, or leaves out its letters: where
    numbers have no fixed length that is another number in use."""
    if _is_number(before_word, default_country):
        raise ValueError(_MORE_WORDS)
    if _is_number(text[: max(0, *map(text.rfind, _SEPARATORS))], default_country):
        raise ValueError("has more than one number, or a remark; write one number alone")


def _is_number(text: str, default_country: str | None) -> bool:
    try:
        return bool(text) and phonenumbers.is_valid_number(
            phonenumbers.parse(text, default_country)
        )
    except phonenumbers.NumberParseException:
        return False


def zones_of(e164: str) -> tuple[str, ...]:
    """Every IANA zone that the number may be in, sorted; empty when nothing is known."""
    facts = quick_facts(e164[1:])
    if facts is not None and is_geographical(facts):
        return zones_of_area(e164[:AREA_CHARS])
    zones = timezone.time_zones_for_number(phonenumbers.parse(e164, None))
    return tuple(sorted(zone for zone in zones if zone != UNKNOWN_ZONE))


def is_geographical(facts: NumberFacts) -> bool:
    """Numbers of this kind tell where they are."""
    return is_number_type_geographical(facts.kind, facts.country_code)


def facts_of(e164: str) -> NumberFacts:
    """Country and kind of a valid number."""
    quick = quick_facts(e164[1:])
    if quick is not None:
        return quick
    number = phonenumbers.parse(e164, None)
    country = phonenumbers.region_code_for_number(number) or ""
    return NumberFacts(number.country_code or 0, country, number_type(number))


def is_emergency(text: str, country: str | None) -> bool:
    """True for an emergency number of the country, as people write it."""
    return country is not None and phonenumbers.is_emergency_number(text, country)


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
