"""Find or install the Asterisk program that demo and tests run."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

INSTALL_TIMEOUT_S = 900
VERSION_TIMEOUT_S = 20
OLDEST_RELEASE = (18, 0)
NEEDED_MODULES = (
    "app_queue.so",
    "app_agent_pool.so",
    "app_amd.so",
    "chan_pjsip.so",
    "cdr_custom.so",
)
NEEDED_SOUNDS = ("vm-nobodyavail", "hello", "silence/10")


class AsteriskError(Exception):
    """Asterisk could not be installed, started or asked; the message says what to do."""


@dataclass(frozen=True, slots=True)
class AsteriskBinary:
    """A program that can be started, and the folders that its configuration must name."""

    program: Path
    modules_dir: Path
    data_dir: Path
    version: str

    @property
    def release(self) -> tuple[int, int]:
        """Major and minor version."""
        return release(self.version)


def release(text: str) -> tuple[int, int]:
    """(18, 10) for "Asterisk 18.10.0~dfsg"; (0, 0) when the text names no version."""
    match = re.search(r"Asterisk (?:certified[/-])?(\d+)\.(\d+)", text)
    return (int(match.group(1)), int(match.group(2))) if match else (0, 0)


def config_source() -> Path:
    """The folder asterisk-config: inside the wheel, or beside this package in the source tree."""
    inside = Path(__file__).parent / "_asterisk_config"
    return inside if inside.is_dir() else Path(__file__).parent.parent / "asterisk-config"


def cache_dir() -> Path:
    """Where the installed Asterisk is kept between runs."""
    chosen = os.environ.get("DIALER_CACHE_DIR")
    base = Path(chosen).expanduser() if chosen else Path.home() / ".cache" / "asterisk-dialer"
    return base / "asterisk"


def install(target: Path | None = None, *, progress: bool = True) -> AsteriskBinary:
    """The host's own Asterisk where new and complete enough, else the cached one, fetched once.

    Raises AsteriskError with the reason and the remedy.
    """
    return host_binary() or _cached(target or cache_dir(), progress=progress)


def host_binary() -> AsteriskBinary | None:
    """The Asterisk on PATH, if it is 18 or newer and has the modules and sounds needed here."""
    program = shutil.which("asterisk")
    if program is None:
        return None
    version = _version(Path(program))
    if release(version) < OLDEST_RELEASE:
        return None
    modules, data = (
        _first_with(_module_dirs(), _has_modules),
        _first_with(_data_dirs(), _has_sounds),
    )
    if modules is None or data is None:
        return None
    return AsteriskBinary(Path(program), modules, data, version)


def _module_dirs() -> list[Path]:
    multiarch = sorted(Path("/usr/lib").glob("*-linux-gnu/asterisk/modules"))
    places = (
        "/usr/lib/asterisk/modules",
        "/usr/lib64/asterisk/modules",
        "/usr/local/lib/asterisk/modules",
    )
    return [*multiarch, *map(Path, places)]


def _data_dirs() -> list[Path]:
    places = ("/usr/share/asterisk", "/var/lib/asterisk", "/usr/local/share/asterisk")
    return [Path(place) for place in places]


def _has_modules(folder: Path) -> bool:
    return all((folder / name).is_file() for name in NEEDED_MODULES)


def _has_sounds(folder: Path) -> bool:
    return all(any(folder.glob(f"sounds/en/{name}.*")) for name in NEEDED_SOUNDS)


def _first_with(folders: list[Path], usable: Callable[[Path], bool]) -> Path | None:
    return next((folder for folder in folders if usable(folder)), None)


def _version(program: Path) -> str:
    try:
        done = subprocess.run(
            [program, "-V"], capture_output=True, text=True, timeout=VERSION_TIMEOUT_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip()


def _cached(target: Path, *, progress: bool) -> AsteriskBinary:
    script = config_source() / "install.sh"
    if not script.is_file():
        raise AsteriskError(f"{script} is missing: the installation of asterisk-dialer is damaged")
    if progress and not (target / "version").is_file():
        print("Installing Asterisk (about 100 MB, once) ...", file=sys.stderr, flush=True)
    try:
        done = subprocess.run(
            ["bash", str(script), str(target)],
            capture_output=True,
            text=True,
            timeout=INSTALL_TIMEOUT_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise AsteriskError(
            f"installing Asterisk took longer than {INSTALL_TIMEOUT_S} s: is the network usable?"
        ) from None
    if done.returncode != 0:
        raise AsteriskError(done.stderr.strip() or f"install.sh failed with {done.returncode}")
    return unpacked_binary(target)


def unpacked_binary(target: Path) -> AsteriskBinary:
    """The program that install.sh put into `target`."""
    modules = _first_with(sorted(target.glob("root/usr/lib/*/asterisk/modules")), _has_modules)
    data = target / "root/usr/share/asterisk"
    if modules is None or not _has_sounds(data):
        raise AsteriskError(
            f"the Asterisk in {target} is incomplete: delete the folder and install again"
        )
    return AsteriskBinary(
        target / "asterisk", modules, data, (target / "version").read_text().strip()
    )
