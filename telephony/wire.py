"""The text of AMI: headers out, refused when they could be read as more than they are; blocks in.

Nothing that comes from a contact, a CRM or a user can end a line here, so it cannot add a header
or an action of its own.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from engine.core.errors import ActionRefused

Headers = Mapping[str, str | Sequence[str]]
Block = dict[str, str]

#: Asterisk refuses lines over 1,024 bytes with their end; the rest is reserve.
MAX_LINE_BYTES = 1000
#: The one dialplan function that we set on a channel before it exists: it makes Asterisk write
#: the hangup record. The quotes keep the commas from being read as separators of variables.
PUSH_HANGUP_HANDLER = 'CHANNEL(hangup_handler_push)="dialer-end,s,1"'

_HEADER_NAME = re.compile(r"[A-Za-z][A-Za-z0-9-]*")
_VARIABLE_NAME = re.compile(r"(__)?[A-Z_][A-Z0-9_]*")
#: Asterisk splits a Variable header at commas and takes quotes and backslashes away.
_SPECIAL_IN_VARIABLE = frozenset(',"\\')
_LINE_ENDS = frozenset("\r\n\0")


def check(headers: Headers) -> None:
    """Raises ActionRefused when a header could not be sent as it is; nothing was sent then."""
    for name, value in headers.items():
        if not _HEADER_NAME.fullmatch(name):
            raise ActionRefused("a header's name has a character that is not allowed")
        if isinstance(value, str):
            _check_line(name, value)
        else:
            for single in value:
                _check_line(name, single)


def variable(name: str, value: str) -> str:
    """One `Variable` header's value. Raises ActionRefused for what Asterisk would take apart."""
    if not _VARIABLE_NAME.fullmatch(name):
        raise ActionRefused("a channel variable's name has a character that is not allowed")
    if not _SPECIAL_IN_VARIABLE.isdisjoint(value):
        raise ActionRefused(f"the value of {name} has a comma, a quote or a backslash")
    return f"{name}={value}"


def parse(block: bytes) -> Block:
    """A block without its empty line as headers; of a repeated header the last one counts.

    Only whole blocks are decoded, so a character that was split between two reads is intact.
    """
    text = block.decode("utf-8", "replace")
    return dict([line.split(": ", 1) for line in text.split("\r\n") if ": " in line])


def _check_line(name: str, value: str) -> None:
    # The message never quotes the value: it may be a person's number.
    if not _LINE_ENDS.isdisjoint(value):
        raise ActionRefused(f"the header {name} has a line break or a NUL in it")
    try:
        n_bytes = len(name) + 2 + len(value.encode())
    except UnicodeEncodeError:
        raise ActionRefused(f"the header {name} is not text") from None
    if n_bytes > MAX_LINE_BYTES:
        raise ActionRefused(f"the header {name} is longer than {MAX_LINE_BYTES} bytes")
