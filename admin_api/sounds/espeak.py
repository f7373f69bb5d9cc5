"""`python -m admin_api.sounds.espeak LANGUAGE WORDS_PER_MINUTE`: text in, WAV out."""

from __future__ import annotations

import ctypes
import io
import sys
import wave
from pathlib import Path

#: From espeak-ng's speak_lib.h.
AUDIO_OUTPUT_RETRIEVAL = 1
CHARS_UTF8 = 1
RATE_PARAMETER = 1
ERROR = -1
Heard = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p
)


def speak(text: bytes, language: str, words_per_minute: int) -> bytes | None:
    """A WAV file; None where the language is not known."""
    import espeakng_loader

    library = ctypes.CDLL(espeakng_loader.get_library_path())
    folder = str(Path(espeakng_loader.get_data_path()).parent).encode()
    rate_hz = library.espeak_Initialize(AUDIO_OUTPUT_RETRIEVAL, 0, folder, 0)
    if rate_hz == ERROR or library.espeak_SetVoiceByName(language.encode()) != 0:
        return None
    pieces: list[bytes] = []

    def hear(samples: ctypes._Pointer[ctypes.c_short], n: int, _events: object) -> int:
        if samples and n > 0:
            pieces.append(ctypes.string_at(samples, n * 2))
        return 0

    callback = Heard(hear)
    library.espeak_SetSynthCallback(callback)
    library.espeak_SetParameter(RATE_PARAMETER, words_per_minute, 0)
    library.espeak_Synth(
        text + b"\0", ctypes.c_size_t(len(text) + 1), 0, 0, 0, CHARS_UTF8, None, None
    )
    library.espeak_Synchronize()
    return _wav(b"".join(pieces), rate_hz)


def _wav(frames: bytes, rate_hz: int) -> bytes:
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(rate_hz)
        out.writeframes(frames)
    return file.getvalue()


if __name__ == "__main__":
    found = speak(sys.stdin.buffer.read(), sys.argv[1], int(sys.argv[2]))
    sys.stdout.buffer.write(found or b"")
    sys.exit(0 if found else 1)
