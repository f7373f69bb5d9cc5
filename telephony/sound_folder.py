"""The folder from which an Asterisk plays our recordings: on its machine, or shared with it."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from pathlib import Path

from engine.core.sound import PREFIX

SUFFIX = ".wav"


class SoundFolder:
    """Files are whole or absent, and readable by whoever runs Asterisk."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def ids(self) -> set[str]:
        """What is there already. Raises OSError."""
        return {path.stem for path in self._folder.glob(f"{PREFIX}*{SUFFIX}")}

    def place(self, sound_id: str, wav: bytes) -> None:
        """Raises OSError."""
        self._folder.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=self._folder, delete=False) as draft:
            draft.write(wav)
        path = Path(draft.name)
        path.chmod(0o644)
        path.replace(self._path(sound_id))

    def remove(self, sound_ids: Iterable[str]) -> None:
        for sound_id in sound_ids:
            self._path(sound_id).unlink(missing_ok=True)

    def _path(self, sound_id: str) -> Path:
        # An id with a path in it would leave the folder.
        return self._folder / f"{Path(sound_id).name}{SUFFIX}"
