"""One campaign: live figures, contacts, attempts, history."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse

from admin_api import csv_out
from admin_api.auth import actor
from admin_api.context import CampaignId, ContactId, Context, Ctx, Cursor
from admin_api.routes.attempts import csv_of_campaign
from admin_api.routes.contacts import after_of
from admin_api.sessions import token_of
from admin_api.views import contacts_out, stats_out
from admin_api.web.campaign_rows import row_of
from admin_api.web.guard import PageRoute, SupervisorSession
from admin_api.web.render import render
from engine.core.contact import ContactState
from engine.core.ledger import NOTHING
from engine.core.ledger_periods import MINUTE_S
from engine.core.outcome import Outcome
from engine.store import Session
from engine.store.page import cursor_of

router = APIRouter(
    prefix="/campaigns/{campaign_id}", route_class=PageRoute, include_in_schema=False
)
PAGE = 50
#: Lines of the chart: calls that go out, people who wait for an agent, conversations.
CALL_LINES = (("dialing", "ringing"), ("amd", "waiting"), ("talking",))
BUSY = ("reserved", "ringing", "on_call", "wrap_up")
_CSV_PAGE = 1000
_COLUMNS = (
    "contact_id", "phone", "name", "timezone", "region", "postal_code", "priority", "external_id",
    "source", "url", "state", "n_attempts", "last_outcome", "next_dial_at", "done_reason",
)  # fmt: skip


async def _page(
    request: Request,
    ctx: Context,
    session: Session,
    template: str,
    campaign_id: int,
    **values: Any,
) -> Response:
    row = await row_of(ctx, await ctx.store.campaigns.get(campaign_id))
    return render(request, template, session=session, row=row, **values)


@router.get("")
async def live_figures(
    request: Request, campaign_id: CampaignId, ctx: Ctx, session: SupervisorSession
) -> Response:
    campaign = await ctx.store.campaigns.get(campaign_id)
    stats = await stats_out(ctx, campaign)
    return await _page(
        request, ctx, session, "campaign_view.html", campaign_id,
        tab="view", stats=stats,
    )  # fmt: skip


@router.get("/hour.json")
async def last_hour(campaign_id: CampaignId, ctx: Ctx, _session: SupervisorSession) -> Response:
    """The chart's figures: an array of instants (seconds), then one array for each line of it."""
    await ctx.store.campaigns.get(campaign_id)
    answers = (await ctx.store.ledgers.read(campaign_id, ctx.now())).minutes
    found = await ctx.store.campaigns.last_hour(campaign_id, ctx.now())
    lines: list[list[int]] = [[sample.at_s for sample in found]]
    lines += [[_sum(sample.calls, names) for sample in found] for names in CALL_LINES]
    lines.append([_sum(sample.agents, BUSY) for sample in found])
    lines.append([answers.get(sample.at_s // MINUTE_S, NOTHING).n_people for sample in found])
    return JSONResponse(lines, headers={"Cache-Control": "no-store"})


def _sum(counts: Mapping[str, int], names: Collection[str]) -> int:
    return sum(counts.get(name, 0) for name in names)


@router.get("/head")
async def head(
    request: Request, campaign_id: CampaignId, ctx: Ctx, session: SupervisorSession
) -> Response:
    return await _page(request, ctx, session, "campaign_head.html", campaign_id)


@router.get("/contacts")
async def contacts_page(
    request: Request,
    campaign_id: CampaignId,
    ctx: Ctx,
    session: SupervisorSession,
    state: str = "",
    cursor: Cursor = None,
) -> Response:
    campaign = await ctx.store.campaigns.get(campaign_id)
    wanted = ContactState(state) if state in list(ContactState) else None
    found, after = await ctx.store.contacts.list(
        campaign_id, after=after_of(cursor), limit=PAGE, state=wanted
    )
    return await _page(
        request, ctx, session, "contacts.html", campaign_id, tab="contacts", state=state,
        contacts=await contacts_out(ctx, campaign, found), cursor=cursor,
        next_cursor=None if after is None else cursor_of(after), states=list(ContactState),
    )  # fmt: skip


@router.get("/contacts.csv")
async def contacts_csv(
    campaign_id: CampaignId, ctx: Ctx, _session: SupervisorSession
) -> StreamingResponse:
    """The list as it is now."""
    await ctx.store.campaigns.get(campaign_id)
    headers = {"Content-Disposition": f'attachment; filename="contacts-{campaign_id}.csv"'}
    return StreamingResponse(_lines(ctx, campaign_id), 200, headers, csv_out.MEDIA_TYPE)


async def _lines(ctx: Context, campaign_id: int) -> AsyncIterator[str]:
    yield csv_out.csv_lines([_COLUMNS])
    after: int | None = 0
    while after is not None:
        contacts, after = await ctx.store.contacts.list(campaign_id, after=after, limit=_CSV_PAGE)
        yield csv_out.csv_lines([getattr(c, name) for name in _COLUMNS] for c in contacts)


@router.get("/contacts/{contact_id}")
async def contact_page(
    request: Request,
    campaign_id: CampaignId,
    contact_id: ContactId,
    ctx: Ctx,
    session: SupervisorSession,
) -> Response:
    campaign = await ctx.store.campaigns.get(campaign_id)
    contact = await ctx.store.contacts.get(campaign_id, contact_id)
    (out,) = await contacts_out(ctx, campaign, [contact])
    attempts, next_cursor = await ctx.store.attempts.list(
        campaign_id, limit=_CSV_PAGE, contact_id=contact_id
    )
    return await _page(
        request, ctx, session, "contact.html", campaign_id,
        tab="contacts", contact=out, attempts=attempts, next_cursor=next_cursor,
    )  # fmt: skip


@router.post("/contacts/{contact_id}/withdraw")
async def withdraw(
    request: Request,
    campaign_id: CampaignId,
    contact_id: ContactId,
    ctx: Ctx,
    session: SupervisorSession,
) -> Response:
    by = actor(token_of(session))
    await ctx.store.contacts.withdraw(campaign_id, contact_id, by, ctx.now())
    return await contact_page(request, campaign_id, contact_id, ctx, session)


@router.get("/attempts")
async def attempts_page(
    request: Request,
    campaign_id: CampaignId,
    ctx: Ctx,
    session: SupervisorSession,
    outcome: str = "",
    contact: Annotated[int | None, Query(ge=1)] = None,
    cursor: Cursor = None,
) -> Response:
    wanted = Outcome(outcome) if outcome in list(Outcome) else None
    attempts, next_cursor = await ctx.store.attempts.list(
        campaign_id, after=cursor, limit=PAGE * 4, contact_id=contact, outcome=wanted
    )
    return await _page(
        request, ctx, session, "attempts.html", campaign_id, tab="attempts", outcome=outcome,
        attempts=attempts, next_cursor=next_cursor, cursor=cursor, outcomes=list(Outcome),
    )  # fmt: skip


@router.get("/attempts.csv")
async def attempts_csv(
    campaign_id: CampaignId, ctx: Ctx, _session: SupervisorSession
) -> StreamingResponse:
    await ctx.store.campaigns.get(campaign_id)
    return csv_of_campaign(ctx, campaign_id)


@router.get("/history")
async def history_page(
    request: Request,
    campaign_id: CampaignId,
    ctx: Ctx,
    session: SupervisorSession,
    cursor: Cursor = None,
) -> Response:
    page = await ctx.store.audit.list(limit=PAGE, cursor=cursor, campaign_id=campaign_id)
    return await _page(
        request, ctx, session, "history.html", campaign_id, tab="history",
        entries=page.items, next_cursor=page.next_cursor, cursor=cursor,
    )  # fmt: skip
