"""Which files a connection may touch: those in folders that the settings name, and no others."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from crm.port import Blocked


@dataclass(frozen=True, slots=True)
class Files:
    allowed: tuple[str, ...] = ()

    def checked(self, path: str | Path) -> Path:
        """The path with its links followed. Raises Blocked."""
        real = Path(path).resolve()
        if not any(real.is_relative_to(Path(folder).resolve()) for folder in self.allowed):
            raise Blocked(f"{path} is in no folder that DIALER_FILES_ALLOW names.")
        return real
