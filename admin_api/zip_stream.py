"""A ZIP archive of files that are made while they are read, in bounded memory."""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import AsyncIterable, AsyncIterator
from dataclasses import dataclass, field
from datetime import datetime

MEDIA_TYPE = "application/zip"


class _Out:
    """What zipfile writes to: it cannot seek, and gives away what it has."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []

    def write(self, data: bytes) -> int:
        self._parts.append(bytes(data))
        return len(data)

    def flush(self) -> None:
        """Nothing is kept back."""

    def close(self) -> None:
        """What is left is still to be taken."""

    def taken(self) -> bytes:
        parts, self._parts = self._parts, []
        return b"".join(parts)


@dataclass(slots=True)
class ZipStream:
    """Yields the archive's bytes, file by file. `digests`: SHA-256 of the files so far."""

    at: datetime
    digests: dict[str, str] = field(default_factory=dict)
    _out: _Out = field(default_factory=_Out)
    _zip: zipfile.ZipFile = field(init=False)

    def __post_init__(self) -> None:
        self._zip = zipfile.ZipFile(self._out, "w", zipfile.ZIP_DEFLATED)

    async def add(self, name: str, texts: AsyncIterable[str]) -> AsyncIterator[bytes]:
        info = zipfile.ZipInfo(name, self.at.timetuple()[:6])
        info.compress_type = zipfile.ZIP_DEFLATED
        digest = hashlib.sha256()
        with self._zip.open(info, "w", force_zip64=True) as file:
            async for text in texts:
                data = text.encode()
                digest.update(data)
                file.write(data)
                yield self._out.taken()
        self.digests[name] = digest.hexdigest()
        yield self._out.taken()

    def end(self) -> bytes:
        self._zip.close()
        return self._out.taken()
