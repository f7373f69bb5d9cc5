"""Reading plainly written numbers quickly, with the library's own patterns.

phonenumbers takes 20 µs for a number, half of the time of an import. What is written plainly, as
nearly all numbers in lists are, is matched with its patterns directly; whatever could be read in
two ways is left to the library. A test compares the two over all countries.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from phonenumbers import COUNTRY_CODE_TO_REGION_CODE, PhoneMetadata, PhoneNumberType

#: What the quick way reads: digits and the punctuation that means nothing. What ends with
#: punctuation may have a remark behind the number, what ends with .0 may be a fraction.
_PLAIN = re.compile(r"(\+?)(\(?[0-9][0-9 ().-]{4,19}[0-9])(?<!\.0)(?<!\.00)")
_NO_DIGIT = re.compile(r"[^0-9]+")
_CODES: Final = {str(code): code for code in COUNTRY_CODE_TO_REGION_CODE}
_KINDS: Final = (
    ("premium_rate", PhoneNumberType.PREMIUM_RATE),
    ("toll_free", PhoneNumberType.TOLL_FREE),
    ("shared_cost", PhoneNumberType.SHARED_COST),
    ("voip", PhoneNumberType.VOIP),
    ("personal_number", PhoneNumberType.PERSONAL_NUMBER),
    ("pager", PhoneNumberType.PAGER),
    ("uan", PhoneNumberType.UAN),
    ("voicemail", PhoneNumberType.VOICEMAIL),
    ("fixed_line", PhoneNumberType.FIXED_LINE),
    ("mobile", PhoneNumberType.MOBILE),
)


class NumberFacts(NamedTuple):
    """What a valid number tells of itself. `kind` is a phonenumbers.PhoneNumberType."""

    country_code: int
    #: ISO 3166-1, or 001 for a number of no country.
    country: str
    kind: int


@dataclass(frozen=True, slots=True)
class _Patterns:
    """What one region's metadata says, compiled."""

    region: str
    country_code: int
    general: re.Pattern[str]
    #: By length: one pattern of all kinds that have numbers so long, each in a group `k<kind>`.
    kinds: Mapping[int, re.Pattern[str]]
    #: What a number tells, by the name of its group.
    facts: Mapping[str, NumberFacts]
    leading: re.Pattern[str] | None
    #: Prefixes that a reader of this country strips: what begins so is not read quickly.
    stripped: re.Pattern[str] | None


def quick_e164(text: str, default_country: str | None) -> str | None:
    """The number in E.164; None where the library is to decide."""
    found = quick_number(text, default_country)
    return found[0] if found else None


def quick_number(text: str, default_country: str | None) -> tuple[str, NumberFacts] | None:
    """The number in E.164 and its facts; None where the library is to decide."""
    plain = _PLAIN.fullmatch(text)
    if plain is None:
        return None
    digits = plain[2] if plain[2].isdecimal() else _NO_DIGIT.sub("", plain[2])
    if not plain[1]:
        country = _main(default_country) if default_country else None
        if country is None or not _is_national(digits, country):
            return None
        digits = f"{country.country_code}{digits}"
    facts = _facts(digits)
    return (f"+{digits}", facts) if facts else None


@functools.lru_cache(maxsize=4096)
def quick_facts(digits: str) -> NumberFacts | None:
    """Of digits with the country code; None where the library is to decide."""
    return _facts(digits)


def _facts(digits: str) -> NumberFacts | None:
    split = _country_code(digits)
    if split is None:
        return None
    country_code, national = split
    regions = _of_code(country_code)
    stripped = regions[0].stripped
    if national[0] == "0" or (stripped and stripped.match(national)):
        return None
    for patterns in regions:
        if patterns.leading is not None:
            if patterns.leading.match(national):
                return _judged(patterns, national)
        elif (found := _judged(patterns, national)) is not None:
            return found
    return None


def _judged(patterns: _Patterns, national: str) -> NumberFacts | None:
    kinds = patterns.kinds.get(len(national))
    if kinds is None or not patterns.general.fullmatch(national):
        return None
    found = kinds.fullmatch(national)
    return patterns.facts[found.lastgroup] if found and found.lastgroup else None


def _is_national(digits: str, country: _Patterns) -> bool:
    """Nothing that its country would strip, and not the country code written without a plus."""
    prefix = _international_prefix(country.region)
    return (
        digits[0] != "0"
        and bool(country.general.fullmatch(digits))
        and not (country.stripped and country.stripped.match(digits))
        and not (prefix and prefix.match(digits))
    )


def _country_code(digits: str) -> tuple[int, str] | None:
    for length in (1, 2, 3):
        code = _CODES.get(digits[:length])
        if code is not None:
            return (code, digits[length:]) if len(digits) > length + 1 else None
    return None


@functools.cache
def _main(region: str) -> _Patterns | None:
    metadata = PhoneMetadata.metadata_for_region(region, None)
    return _compiled(metadata) if metadata is not None else None


@functools.cache
def _of_code(country_code: int) -> tuple[_Patterns, ...]:
    """In the order in which the library asks them; the main one is the first."""
    regions = COUNTRY_CODE_TO_REGION_CODE[country_code]
    found = (PhoneMetadata.metadata_for_region_or_calling_code(country_code, r) for r in regions)
    return tuple(_compiled(metadata) for metadata in found if metadata is not None)


@functools.cache
def _international_prefix(region: str) -> re.Pattern[str] | None:
    metadata = PhoneMetadata.metadata_for_region(region, None)
    prefix = metadata.international_prefix if metadata is not None else None
    return re.compile(prefix) if prefix else None


def _compiled(metadata: PhoneMetadata) -> _Patterns:
    general = metadata.general_desc
    assert general is not None
    assert metadata.country_code is not None
    kinds = _kinds_of(metadata)
    stripped, leading = metadata.national_prefix_for_parsing, metadata.leading_digits
    return _Patterns(
        metadata.id,
        metadata.country_code,
        re.compile(str(general.national_number_pattern)),
        {n: _any_of(kinds, n) for n in general.possible_length},
        {f"k{kind}": NumberFacts(metadata.country_code, metadata.id, kind) for _, _, kind in kinds},
        re.compile(leading) if leading else None,
        re.compile(stripped) if stripped else None,
    )


#: A pattern, the lengths that it holds for (none: all), and the kind.
_Kind = tuple[str, frozenset[int], int]


def _kinds_of(metadata: PhoneMetadata) -> list[_Kind]:
    """In the order in which the library asks. What may be both fixed line and mobile comes before
    either."""
    kinds: list[_Kind] = []
    for name, kind in _KINDS:
        desc = getattr(metadata, name)
        if desc is not None and desc.national_number_pattern:
            kinds.append((desc.national_number_pattern, frozenset(desc.possible_length), kind))
    of_kind = {kind: (pattern, lengths) for pattern, lengths, kind in kinds}
    fixed = of_kind.get(PhoneNumberType.FIXED_LINE)
    mobile = of_kind.get(PhoneNumberType.MOBILE)
    either = PhoneNumberType.FIXED_LINE_OR_MOBILE
    first = next((i for i, each in enumerate(kinds) if each[2] == PhoneNumberType.FIXED_LINE), 0)
    if metadata.same_mobile_and_fixed_line_pattern and fixed:
        kinds = [each for each in kinds if each[2] != PhoneNumberType.MOBILE]
        kinds[first] = (*fixed, either)
    elif fixed and mobile:
        both = fixed[1] & mobile[1] if fixed[1] and mobile[1] else fixed[1] | mobile[1]
        if both or not (fixed[1] or mobile[1]):
            kinds.insert(first, (f"(?=(?:{fixed[0]})$)(?:{mobile[0]})", both, either))
    return kinds


def _any_of(kinds: Sequence[_Kind], length: int) -> re.Pattern[str]:
    fitting = [(pattern, kind) for pattern, of, kind in kinds if not of or length in of]
    return re.compile("|".join(f"(?P<k{kind}>{pattern})" for pattern, kind in fitting) or "(?!)")
