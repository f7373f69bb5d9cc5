from __future__ import annotations

from pathlib import Path

import pytest

from engine.core.sound import PREFIX
from telephony.sound_folder import SoundFolder

ID = f"{PREFIX}0123456789abcdef"


def test_what_is_placed_is_there_and_readable(tmp_path: Path) -> None:
    folder = SoundFolder(tmp_path / "sounds")
    assert folder.ids() == set()
    folder.place(ID, b"RIFF")
    assert folder.ids() == {ID}
    path = tmp_path / "sounds" / f"{ID}.wav"
    assert path.read_bytes() == b"RIFF"
    assert path.stat().st_mode & 0o777 == 0o644, "Asterisk is another user"
    assert [each.name for each in path.parent.iterdir()] == [path.name], "no draft is left"


def test_only_ours_are_taken_away(tmp_path: Path) -> None:
    folder = SoundFolder(tmp_path)
    (tmp_path / "theirs.wav").write_bytes(b"")
    folder.place(ID, b"RIFF")
    folder.remove([ID, f"{PREFIX}not-there"])
    assert [each.name for each in tmp_path.iterdir()] == ["theirs.wav"]


def test_no_id_leaves_the_folder(tmp_path: Path) -> None:
    SoundFolder(tmp_path / "in").place("../out", b"RIFF")
    assert not (tmp_path / "out.wav").exists()


def test_a_folder_that_cannot_be_written_is_an_os_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError):
        SoundFolder(tmp_path / "file").place(ID, b"RIFF")
