"""Recordings: uploaded or spoken, heard and deleted."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, File, Form, UploadFile
from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import Response

from admin_api.auth import actor
from admin_api.context import Context, Ctx
from admin_api.limits import SOUND_BYTES
from admin_api.problems import ApiError
from admin_api.routes import sounds as api
from admin_api.sessions import token_of
from admin_api.sounds.speech import has_voice
from admin_api.web.guard import PageRoute, SupervisorSession
from admin_api.web.render import render
from crm.contact_in import field_errors
from engine.core.errors import Conflict, DialerError, Invalid
from engine.core.sound import Sound, spoken_message
from engine.store import Session

router = APIRouter(route_class=PageRoute, include_in_schema=False)
Name = Annotated[str, Form(max_length=200)]


@router.get("/sounds")
async def sounds_page(request: Request, ctx: Ctx, session: SupervisorSession) -> Response:
    return await _page(request, ctx, session)


async def _page(
    request: Request,
    ctx: Context,
    session: Session,
    *,
    error: str = "",
    added: Sound | None = None,
) -> Response:
    return render(
        request, "sounds.html", session=session, sounds=await ctx.store.sounds.list(),
        error=error, added=added, has_voice=has_voice(), status=422 if error else 200,
        example=spoken_message("(your name)", "+12025550100", "9"),
    )  # fmt: skip


@router.post("/sounds/upload")
async def upload(
    request: Request,
    ctx: Ctx,
    session: SupervisorSession,
    file: Annotated[UploadFile, File()],
    name: Name = "",
) -> Response:
    recording = await file.read(SOUND_BYTES + 1)
    try:
        if not name.strip() or len(recording) > SOUND_BYTES:
            raise Invalid("Give it a name, and no more than 32 MB.")
        added = await api.keep(ctx, recording, name.strip(), actor(token_of(session)))
    except Invalid as error:
        return await _page(request, ctx, session, error=_words(error))
    return await _page(request, ctx, session, added=added)


@router.post("/sounds/speech")
async def speak(
    request: Request,
    ctx: Ctx,
    session: SupervisorSession,
    name: Name = "",
    text: Annotated[str, Form(max_length=api.MAX_TEXT)] = "",
    language: Annotated[str, Form(max_length=32)] = "en-us",
) -> Response:
    try:
        wanted = api.SpeechIn(name=name.strip(), text=text.strip(), language=language.strip())
        added = await api.say(ctx, wanted, actor(token_of(session)))
    except ValidationError as error:
        words = "; ".join(f"{e.field}: {e.message}" for e in field_errors(error.errors()))
        return await _page(request, ctx, session, error=words)
    except (Invalid, ApiError) as error:
        return await _page(request, ctx, session, error=_words(error))
    return await _page(request, ctx, session, added=added)


@router.get("/sounds/{sound_id}.wav")
async def hear(ctx: Ctx, _session: SupervisorSession, sound_id: api.SoundId) -> Response:
    return Response(await ctx.store.sounds.wav(sound_id), media_type="audio/wav")


@router.post("/sounds/{sound_id}/delete")
async def delete(
    request: Request, ctx: Ctx, session: SupervisorSession, sound_id: api.SoundId
) -> Response:
    try:
        await api.delete_sound(sound_id, ctx, token_of(session))
    except Conflict as error:
        return await _page(request, ctx, session, error=error.message)
    return await _page(request, ctx, session)


def _words(error: DialerError) -> str:
    return "; ".join(each.message for each in error.errors) or error.message
