"""Any recording as samples that Asterisk plays: 8 kHz, 16 bit, one channel.

miniaudio reads WAV, MP3, FLAC and Ogg Vorbis, and brings its own code in a small wheel. What it
does not know (AAC of a telephone, Opus) is read by ffmpeg where that is installed.
"""

from __future__ import annotations

import shutil
import subprocess
from array import array

import miniaudio

from engine.core.errors import FieldError, Invalid
from engine.core.sound import MAX_S, RATE_HZ

FFMPEG_S = 60
#: A little more than is allowed, so that the check can say that it is too long.
_MOST = int((MAX_S + 1) * RATE_HZ)


def samples_of(recording: bytes) -> array[int]:
    """At most a second more than a message may have. Raises Invalid for what is no recording."""
    try:
        return _decoded(recording)
    except miniaudio.DecodeError:
        found = _by_ffmpeg(recording)
    if found is None:
        raise Invalid(
            "The recording cannot be read.",
            [FieldError("body", "must be WAV, MP3, FLAC or Ogg Vorbis; save it as one of these")],
        )
    return found


def _decoded(recording: bytes) -> array[int]:
    """In pieces: a small file may hold hours of silence."""
    pieces = miniaudio.stream_memory(
        recording,
        output_format=miniaudio.SampleFormat.SIGNED16,
        nchannels=1,
        sample_rate=RATE_HZ,
        frames_to_read=RATE_HZ,
    )
    found = array("h")
    for piece in pieces:
        found.extend(piece)
        if len(found) >= _MOST:
            break
    return found[:_MOST]


def _by_ffmpeg(recording: bytes) -> array[int] | None:
    """None where there is no ffmpeg, or it cannot read this either."""
    program = shutil.which("ffmpeg")
    if program is None:
        return None
    command = [
        program, "-loglevel", "error", "-protocol_whitelist", "pipe", "-i", "pipe:0",
        "-vn", "-t", str(MAX_S + 1), "-ac", "1", "-ar", str(RATE_HZ), "-f", "s16le", "pipe:1",
    ]  # fmt: skip
    try:
        done = subprocess.run(
            command, input=recording, capture_output=True, timeout=FFMPEG_S, check=False
        )
    except subprocess.TimeoutExpired:
        return None
    whole = len(done.stdout) // 2 * 2
    return array("h", done.stdout[:whole]) if done.returncode == 0 and whole else None
