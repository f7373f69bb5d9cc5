"""Recordings that callers hear: uploaded, or spoken from a text."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Annotated

from fastapi import APIRouter, Path, Query, Request
from pydantic import BaseModel, ConfigDict, Field, model_validator
from starlette.responses import Response

from admin_api.auth import Supervisor, actor
from admin_api.context import Context, Ctx
from admin_api.problems import ApiError, responses
from admin_api.schemas.basics import Listing
from admin_api.sounds import convert, speech
from engine.core import sound
from engine.core.campaign import Campaign
from engine.core.errors import Conflict, FieldError, Invalid
from engine.core.phone import as_e164
from engine.core.sound import Sound

router = APIRouter(prefix="/sounds", tags=["sounds"])
SoundId = Annotated[str, Path(pattern=rf"^{sound.PREFIX}[0-9a-f]{{16}}$")]
Name = Annotated[str, Query(min_length=1, max_length=200, description="what people call it")]
MAX_TEXT = 2000
PAGE = 1000
_BODY = {"required": True, "content": {"audio/*": {"schema": {"type": "string"}}}}


class SpeechIn(BaseModel):
    """Either `text`, or `seller` and `number` for the message of law."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(min_length=1, max_length=200)
    text: str | None = Field(None, min_length=1, max_length=MAX_TEXT)
    seller: str | None = Field(None, min_length=1, max_length=200)
    number: str | None = Field(None, min_length=3, max_length=32)
    opt_out_key: str = Field("9", pattern=r"^[0-9*#]$")
    language: str = Field("en-us", max_length=32, examples=["en-us", "de", "fr"])

    @model_validator(mode="after")
    def _has_words(self) -> SpeechIn:
        if (self.text is None) == (self.seller is None or self.number is None):
            raise ValueError("give either text, or seller and number")
        return self

    @property
    def words(self) -> str:
        """Raises Invalid for a number that is none."""
        if self.text is not None:
            return self.text
        assert self.seller is not None and self.number is not None
        try:
            number = as_e164(self.number, "US")
        except ValueError as error:
            raise Invalid(errors=[FieldError("number", str(error))]) from None
        return sound.spoken_message(self.seller, number, self.opt_out_key)


@router.get("", responses=responses())
async def list_sounds(ctx: Ctx, _token: Supervisor) -> Listing[Sound]:
    """The newest first."""
    return Listing(items=list(await ctx.store.sounds.list()), next_cursor=None)


@router.post(
    "",
    status_code=201,
    responses=responses(413, 415),
    openapi_extra={"requestBody": _BODY},
)
async def upload_sound(request: Request, ctx: Ctx, token: Supervisor, name: Name) -> Sound:
    """A WAV, MP3, FLAC or Ogg Vorbis file as the body; it is converted for Asterisk and checked."""
    if not request.headers.get("content-type", "").startswith("audio/"):
        raise ApiError(415, "unsupported_media_type", "Send it as audio/wav or the like.")
    return await keep(ctx, await request.body(), name, actor(token))


@router.post("/speech", status_code=201, responses=responses(413, 501))
async def speak(body: SpeechIn, ctx: Ctx, token: Supervisor) -> Sound:
    """A text, spoken by a machine; 501 `no_voice` where none is installed."""
    return await say(ctx, body, actor(token))


async def say(ctx: Context, body: SpeechIn, by: str) -> Sound:
    text = body.words
    wav = await asyncio.to_thread(speech.spoken, text, body.language)
    return await keep(ctx, wav, body.name, by, text)


@router.get("/{sound_id}", responses=responses(404))
async def get_sound(sound_id: SoundId, ctx: Ctx, _token: Supervisor) -> Sound:
    return await ctx.store.sounds.get(sound_id)


@router.get(
    "/{sound_id}/audio",
    response_class=Response,
    responses={**responses(404), 200: {"content": {"audio/wav": {}}, "description": "as heard"}},
)
async def hear_sound(sound_id: SoundId, ctx: Ctx, _token: Supervisor) -> Response:
    """What callers hear: WAV, 8 kHz, 16 bit, one channel."""
    return Response(await ctx.store.sounds.wav(sound_id), media_type="audio/wav")


@router.delete("/{sound_id}", status_code=204, responses=responses(404, 409))
async def delete_sound(sound_id: SoundId, ctx: Ctx, token: Supervisor) -> None:
    """Only what no campaign that may still dial plays."""
    user = await _user_of(ctx, sound_id)
    if user is not None:
        raise Conflict(f"Campaign {user.id} plays it: choose another recording there first.")
    await ctx.store.sounds.delete(sound_id, actor(token), ctx.now())


async def _user_of(ctx: Context, sound_id: str) -> Campaign | None:
    cursor = None
    while True:
        page = await ctx.store.campaigns.list(limit=PAGE, cursor=cursor)
        for campaign in page.items:
            if not campaign.is_final and sound_id in campaign.settings.recordings.values():
                return campaign
        cursor = page.next_cursor
        if cursor is None:
            return None


async def keep(ctx: Context, recording: bytes, name: str, by: str, text: str = "") -> Sound:
    """Raises Invalid with all that is wrong with it."""
    made = Sound(
        id="", name=name, length_s=0, speech_db=0, peak_db=0, created_at=ctx.now(), text=text
    )
    made, wav = await asyncio.to_thread(_checked, recording, made)
    return await ctx.store.sounds.add(made, wav, by)


def _checked(recording: bytes, made: Sound) -> tuple[Sound, bytes]:
    """With its id and its measures, and as Asterisk plays it."""
    samples = sound.trimmed(convert.samples_of(recording))
    level = sound.level_of(samples)
    wrong = sound.problems(level)
    if wrong:
        errors = [FieldError("body", f"the recording {one}") for one in wrong]
        raise Invalid("The recording cannot be used.", errors)
    made = replace(
        made,
        id=sound.sound_id(samples),
        length_s=round(level.length_s, 2),
        speech_db=level.speech_db,
        peak_db=level.peak_db,
    )
    return made, sound.wav_of(samples)
