"""Passwords as argon2 hashes; hashing is slow on purpose, so it runs beside the event loop."""

from __future__ import annotations

import asyncio
import functools
from concurrent.futures import ThreadPoolExecutor

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from engine.core.errors import FieldError, Invalid

MIN_CHARS = 10
MAX_CHARS = 256
#: Each hash takes 64 MiB: more at once would be a way to exhaust the machine.
_threads = ThreadPoolExecutor(max_workers=2, thread_name_prefix="password")


@functools.cache
def _hasher() -> PasswordHasher:
    return PasswordHasher()


@functools.cache
def _nobodys_hash() -> str:
    """What an unknown name is compared with, so that it takes the same time as a known one."""
    return _hasher().hash("nobody has this password")


def check_new(password: str) -> None:
    """Raises Invalid. Length is what counts (NIST SP 800-63B), so nothing else is asked."""
    if not MIN_CHARS <= len(password) <= MAX_CHARS:
        message = f"must have {MIN_CHARS} to {MAX_CHARS} characters"
        raise Invalid("The password is not valid.", [FieldError("password", message)])


def hash_of(password: str) -> str:
    """Raises Invalid when it is too short or too long."""
    check_new(password)
    return _hasher().hash(password)


async def hashed(password: str) -> str:
    return await asyncio.get_running_loop().run_in_executor(_threads, hash_of, password)


async def is_right(password: str, password_hash: str | None) -> bool:
    """False also for None, the hash of an unknown name, after as much work."""
    if len(password) > MAX_CHARS:
        return False
    loop = asyncio.get_running_loop()
    return await loop.run_in_executor(_threads, _verify, password, password_hash)


def _verify(password: str, password_hash: str | None) -> bool:
    try:
        _hasher().verify(password_hash or _nobodys_hash(), password)
    except (VerificationError, InvalidHashError):
        return False
    return password_hash is not None
