"""A body that is read in pieces, and what remains of it: a digest."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator

from fastapi import Request

from admin_api.problems import ApiError


class Streamed:
    """At most `max_bytes`; more raises ApiError. It can be read once."""

    def __init__(self, request: Request, max_bytes: int | None = None) -> None:
        self._request, self._max_bytes = request, max_bytes
        self._hash, self._n_bytes, self._is_read = hashlib.sha256(), 0, False

    async def pieces(self) -> AsyncIterator[bytes]:
        async for piece in self._request.stream():
            self._n_bytes += len(piece)
            if self._max_bytes is not None and self._n_bytes > self._max_bytes:
                detail = f"A list may have {self._max_bytes} bytes; split it."
                raise ApiError(413, "too_large", detail)
            self._hash.update(piece)
            yield piece
        self._is_read = True

    async def digest(self) -> str:
        """Of all pieces; what nobody has read is read now."""
        if not self._is_read:
            async for _ in self.pieces():
                pass
        return self._hash.hexdigest()
