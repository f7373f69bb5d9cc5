"""Agents: a table with their states, and everything that a supervisor does with them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from fastapi import APIRouter
from pydantic import BaseModel, ValidationError
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from admin_api.auth import actor
from admin_api.context import AgentId, Context, Ctx
from admin_api.edits import check_campaigns
from admin_api.routes import agents as api
from admin_api.schemas.agents import AgentIn, AgentPatch, PauseIn
from admin_api.sessions import token_of
from admin_api.views import agent_out
from admin_api.web.forms import Sent
from admin_api.web.guard import PageRoute, SupervisorSession, sent_fields
from admin_api.web.render import render
from crm.contact_in import field_errors
from engine.core.agent import Agent
from engine.core.errors import FieldError, Invalid
from engine.store import Session

M = TypeVar("M", bound=BaseModel)
router = APIRouter(prefix="/agents", route_class=PageRoute, include_in_schema=False)
COMMANDS = {"login": api.log_in, "logout": api.log_out, "unpause": api.unpause_agent}


@router.get("")
async def agents_page(request: Request, ctx: Ctx, session: SupervisorSession) -> Response:
    return await _table(request, ctx, session)


async def _table(
    request: Request,
    ctx: Context,
    session: Session,
    *,
    errors: Sequence[FieldError] = (),
    typed: Sent = (),
    status: int = 200,
) -> Response:
    agents = [agent_out(agent) for agent in await ctx.store.agents.all()]
    return render(
        request, "agents.html", session=session, status=status, agents=agents,
        errors={error.field: error.message for error in errors}, typed=dict(typed),
    )  # fmt: skip


@router.post("")
async def create(request: Request, ctx: Ctx, session: SupervisorSession) -> Response:
    sent = await sent_fields(request)
    try:
        body = _checked(AgentIn, sent)
        await ctx.store.agents.create(
            name=body.name, extension=body.extension, mode=body.mode, skills=body.skills,
            actor=actor(token_of(session)), now=ctx.now(),
        )  # fmt: skip
    except Invalid as error:
        return await _table(request, ctx, session, errors=error.errors, typed=sent, status=422)
    return RedirectResponse("/agents", 303)


@router.get("/{agent_id}")
async def agent_page(
    request: Request, agent_id: AgentId, ctx: Ctx, session: SupervisorSession
) -> Response:
    return await _form(request, ctx, session, await ctx.store.agents.get(agent_id))


async def _form(
    request: Request,
    ctx: Context,
    session: Session,
    agent: Agent,
    *,
    errors: Sequence[FieldError] = (),
    status: int = 200,
) -> Response:
    page = await ctx.store.campaigns.list(sort="-created_at", limit=1000)
    shown = [c for c in page.items if not c.is_final or c.id in agent.campaign_ids]
    return render(
        request, "agent.html", session=session, status=status, agent=agent_out(agent),
        campaigns=shown, errors={error.field: error.message for error in errors},
    )  # fmt: skip


@router.post("/{agent_id}")
async def save(
    request: Request, agent_id: AgentId, ctx: Ctx, session: SupervisorSession
) -> Response:
    agent = await ctx.store.agents.get(agent_id)
    try:
        body = _checked(AgentPatch, await sent_fields(request))
        await check_campaigns(ctx, body.campaign_ids or [])
    except Invalid as error:
        return await _form(request, ctx, session, agent, errors=error.errors, status=422)
    await ctx.store.agents.update(
        agent_id, name=body.name, mode=body.mode, campaign_ids=body.campaign_ids or [],
        skills=body.skills or [], actor=actor(token_of(session)), now=ctx.now(),
    )  # fmt: skip
    return RedirectResponse("/agents", 303)


@router.post("/{agent_id}/delete")
async def delete(agent_id: AgentId, ctx: Ctx, session: SupervisorSession) -> Response:
    await api.delete_agent(agent_id, ctx, token_of(session))
    return RedirectResponse("/agents", 303)


@router.post("/{agent_id}/{command}")
async def command(
    request: Request, agent_id: AgentId, command: str, ctx: Ctx, session: SupervisorSession
) -> Response:
    """The row as it was asked to be; what Asterisk makes of it follows in a moment."""
    await obey(ctx, session, agent_id, command)
    agent = agent_out(await ctx.store.agents.get(agent_id))
    return render(request, "agent_row.html", session=session, agent=agent)


async def obey(
    ctx: Context, session: Session, agent_id: int, command: str, reason: str = ""
) -> None:
    """Raises Invalid for a command that there is not, or a reason that is none."""
    if command == "pause":
        await api.pause_agent(agent_id, ctx, token_of(session), _pause(reason))
    elif command in COMMANDS:
        await COMMANDS[command](agent_id, ctx, token_of(session))
    else:
        raise Invalid("There is no such command.")


def _pause(reason: str) -> PauseIn | None:
    try:
        return PauseIn(reason=reason) if reason.strip() else None
    except ValidationError as error:
        raise Invalid("Not paused.", field_errors(error.errors())) from None


def _checked(model: type[M], sent: Sent) -> M:
    """With the API's own model. Raises Invalid."""
    body: dict[str, object] = {k: v.strip() for k, v in sent if k in ("name", "extension", "mode")}
    skills = next((value for name, value in sent if name == "skills"), "")
    body["skills"] = skills.replace(",", " ").split()
    body["campaign_ids"] = [value for name, value in sent if name == "campaign_ids"]
    try:
        return model.model_validate(body)
    except ValidationError as error:
        raise Invalid(errors=field_errors(error.errors())) from None
