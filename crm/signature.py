"""Signatures of webhooks: Standard Webhooks 1.0, and an HMAC of the body for those that have none.

https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import secrets
from collections.abc import Mapping
from typing import Final

from crm.source_config import HookSpec

#: How far the sender's clock may be off, either way: what is older is a replay.
TOLERANCE_S: Final = 300
SECRET_PREFIX: Final = "whsec_"  # noqa: S105  # what secrets begin with
_SECRET_BYTES: Final = 32
_MAX_ID_CHARS: Final = 200


class BadSignature(Exception):
    """It is not from who it says, or too old; `args[0]` says which."""


def new_secret() -> str:
    return SECRET_PREFIX + base64.b64encode(secrets.token_bytes(_SECRET_BYTES)).decode()


def headers_of(secret: str, message_id: str, at_s: int, body: bytes) -> dict[str, str]:
    """What goes with a message that we send."""
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(at_s),
        "webhook-signature": f"v1,{_standard(secret, message_id, str(at_s), body)}",
    }


def message_id_of(
    spec: HookSpec, secret: str, headers: Mapping[str, str], body: bytes, now_s: float
) -> str:
    """The message's id once its signature is checked; the same for a replay.

    `headers` must be found in any case. Raises BadSignature.
    """
    if spec.signature == "standard":
        return _checked_standard(secret, headers, body, now_s)
    given = headers.get(spec.header, "").removeprefix(spec.prefix)
    digest = hmac.new(secret.encode(), body, hashlib.sha256).digest()
    is_hex = spec.encoding == "hex"
    expected = digest.hex() if is_hex else base64.b64encode(digest).decode()
    if not hmac.compare_digest((given.lower() if is_hex else given).encode(), expected.encode()):
        raise BadSignature("The signature does not fit.")
    return f"body-{digest.hex()}"


def _checked_standard(secret: str, headers: Mapping[str, str], body: bytes, now_s: float) -> str:
    message_id, at = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    if not 0 < len(message_id) <= _MAX_ID_CHARS or not at.isdecimal() or len(at) > 12:
        raise BadSignature("webhook-id or webhook-timestamp is missing.")
    expected = _standard(secret, message_id, at, body).encode()
    given = (part.partition(",") for part in headers.get("webhook-signature", "").split())
    if not any(v == "v1" and hmac.compare_digest(text.encode(), expected) for v, _, text in given):
        raise BadSignature("The signature does not fit.")
    if abs(now_s - int(at)) > TOLERANCE_S:
        raise BadSignature("The message is too old, or from the future.")
    return message_id


def _standard(secret: str, message_id: str, at: str, body: bytes) -> str:
    signed = b".".join([message_id.encode(), at.encode(), body])
    return base64.b64encode(hmac.new(_key(secret), signed, hashlib.sha256).digest()).decode()


def _key(secret: str) -> bytes:
    """Secrets are base64 behind their prefix; any other text is taken as it stands."""
    try:
        return base64.b64decode(secret.removeprefix(SECRET_PREFIX), validate=True)
    except (binascii.Error, ValueError):
        return secret.encode()
