"""Secrets of connections, encrypted with a key that is not in the store."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from engine.core.errors import Conflict

MIN_KEY_CHARS = 16
_PURPOSE = b"asterisk-dialer connector secrets 1"


class NoSecretKey(Conflict):
    """DIALER_SECRET_KEY is not set: without it secrets cannot be kept."""

    code = "secret_key_missing"


class SecretsUnreadable(Conflict):
    """The secrets were encrypted with another DIALER_SECRET_KEY: give them again."""

    code = "secrets_unreadable"


class Vault:
    """The first key encrypts, all decrypt: so a key is changed without giving secrets again."""

    def __init__(self, keys: Sequence[str]) -> None:
        if any(len(key) < MIN_KEY_CHARS for key in keys):
            raise ValueError(f"DIALER_SECRET_KEY needs at least {MIN_KEY_CHARS} characters.")
        self._fernet = MultiFernet([_fernet(key) for key in keys]) if keys else None

    def seal(self, secrets: Mapping[str, str]) -> str:
        """Raises NoSecretKey. Without secrets an empty text."""
        if not secrets:
            return ""
        if self._fernet is None:
            raise NoSecretKey
        return self._fernet.encrypt(json.dumps(dict(secrets)).encode()).decode()

    def open(self, sealed: str) -> dict[str, str]:
        """Raises NoSecretKey, SecretsUnreadable."""
        if not sealed:
            return {}
        if self._fernet is None:
            raise NoSecretKey
        try:
            secrets: dict[str, str] = json.loads(self._fernet.decrypt(sealed.encode()))
        except InvalidToken:
            raise SecretsUnreadable from None
        return secrets


def _fernet(key: str) -> Fernet:
    """Any long random text serves as a key."""
    derived = HKDF(SHA256(), 32, salt=None, info=_PURPOSE).derive(key.encode())
    return Fernet(base64.urlsafe_b64encode(derived))
