"""A text spoken by espeak-ng: small, offline, some hundred languages.

The program is taken where it is installed (Debian: espeak-ng); else the library of the wheel
espeakng-loader, in a process of its own, because it keeps its state for a whole process.
"""

from __future__ import annotations

import importlib.util
import re
import shutil
import subprocess
import sys

from admin_api.problems import ApiError
from engine.core.errors import FieldError, Invalid

SPEAK_S = 30
#: Words a minute: a name and a number have to be understood at the first hearing.
WORDS_PER_MINUTE = 140
_LANGUAGE = re.compile(r"[a-z]{2,3}(-[a-z0-9]{1,12}){0,3}")
_ADVICE = (
    "No voice is installed here: `apt-get install espeak-ng`, or `pip install espeakng-loader`;"
    " or upload a recording."
)


def spoken(text: str, language: str) -> bytes:
    """A WAV file. Raises ApiError 501 where there is no voice, Invalid for a language it lacks."""
    if not _LANGUAGE.fullmatch(language):
        raise Invalid(errors=[FieldError("language", "must be a code such as en or en-us")])
    command = _command(language)
    try:
        done = subprocess.run(
            command, input=text.encode(), capture_output=True, timeout=SPEAK_S, check=False
        )
    except subprocess.TimeoutExpired:
        raise ApiError(503, "speech_failed", "The voice did not answer in time.") from None
    if done.returncode != 0 or not done.stdout:
        raise Invalid(errors=[FieldError("language", f"the voice does not speak {language!r}")])
    return done.stdout


def has_voice() -> bool:
    return shutil.which("espeak-ng") is not None or _has_library()


def _has_library() -> bool:
    return importlib.util.find_spec("espeakng_loader") is not None


def _command(language: str) -> list[str]:
    program = shutil.which("espeak-ng")
    if program is not None:
        speed = str(WORDS_PER_MINUTE)
        return [program, "-v", language, "-s", speed, "--stdin", "--stdout"]
    if _has_library():
        return [sys.executable, "-m", "admin_api.sounds.espeak", language, str(WORDS_PER_MINUTE)]
    raise ApiError(501, "no_voice", _ADVICE)
