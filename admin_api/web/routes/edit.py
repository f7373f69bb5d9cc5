"""Edit campaign: a new one, one that exists, or a clone that is not saved yet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from fastapi import APIRouter
from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from admin_api.auth import actor
from admin_api.context import MAX_ID, CampaignId, Context, Ctx
from admin_api.edits import DEFAULTS, check_agents, check_connector, check_sounds, edited_settings
from admin_api.merge import merge
from admin_api.schemas.campaigns import CampaignIn
from admin_api.sessions import token_of
from admin_api.web import forms
from admin_api.web.campaign_rows import Row, row_of
from admin_api.web.fields import all_fields, groups
from admin_api.web.guard import PageRoute, SupervisorSession, sent_fields
from admin_api.web.render import render
from crm.contact_in import field_errors
from engine.core.campaign import Campaign, CampaignStatus, missing_for_play
from engine.core.errors import CampaignFinal, FieldError, Invalid, VersionConflict
from engine.core.presets import PRESETS
from engine.core.settings import CampaignSettings
from engine.store import Session

router = APIRouter(route_class=PageRoute, include_in_schema=False)


#: Settings that name a recording.
RECORDINGS = (
    "settings.dialing.safe_harbour_message",
    "settings.dialing.machine_message",
    "settings.agentless.message",
)


@dataclass(frozen=True, slots=True)
class Draft:
    """What somebody typed: not checked yet."""

    name: str
    agent_ids: Sequence[int]
    patch: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Checked:
    name: str
    agent_ids: Sequence[int]
    settings: CampaignSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """What the form shows. `conflict`: (setting, mine, theirs) after somebody else saved."""

    name: str
    agent_ids: Sequence[int]
    settings: Mapping[str, Any]
    errors: Sequence[FieldError] = ()
    conflict: Sequence[tuple[str, Any, Any]] = field(default_factory=tuple)
    clone_of: int | None = None
    saved: bool = False


def _shown(campaign: Campaign, **others: Any) -> Shown:
    settings = campaign.settings.model_dump(mode="json")
    return Shown(
        **{"name": campaign.name, "agent_ids": campaign.agent_ids, "settings": settings, **others}
    )


@router.get("/campaigns/new")
async def new_page(request: Request, ctx: Ctx, session: SupervisorSession) -> Response:
    shown = Shown(name="", agent_ids=(), settings=DEFAULTS)
    return await _page(request, ctx, session, None, shown)


@router.get("/campaigns/{campaign_id}/clone")
async def clone_page(
    request: Request, campaign_id: CampaignId, ctx: Ctx, session: SupervisorSession
) -> Response:
    """The form of a new campaign with the source's settings; nothing is made before Save."""
    source = await ctx.store.campaigns.get(campaign_id)
    shown = _shown(source, name=f"{source.name[:190]} (copy)", clone_of=source.id)
    return await _page(request, ctx, session, None, shown)


@router.get("/campaigns/{campaign_id}/edit")
async def edit_page(
    request: Request,
    campaign_id: CampaignId,
    ctx: Ctx,
    session: SupervisorSession,
    saved: bool = False,
) -> Response:
    campaign = await ctx.store.campaigns.get(campaign_id)
    return await _page(request, ctx, session, campaign, _shown(campaign, saved=saved))


@router.post("/campaigns")
async def create(request: Request, ctx: Ctx, session: SupervisorSession) -> Response:
    sent = await sent_fields(request)
    clone_of = _number(sent, "clone_of")
    base = CampaignSettings()
    if clone_of is not None:
        base = (await ctx.store.campaigns.get(clone_of)).settings
    draft = _draft(sent, base)
    try:
        checked = await _check(ctx, base, draft)
    except Invalid as error:
        shown = _as_typed(draft, base, error.errors, clone_of)
        return await _page(request, ctx, session, None, shown, status=422)
    campaign = await ctx.store.campaigns.create(
        checked.name, checked.settings, checked.agent_ids, actor(token_of(session)), ctx.now()
    )
    return RedirectResponse(f"/campaigns/{campaign.id}/edit?saved=1", 303)


@router.post("/campaigns/{campaign_id}")
async def save(
    request: Request, campaign_id: CampaignId, ctx: Ctx, session: SupervisorSession
) -> Response:
    sent = await sent_fields(request)
    campaign = await ctx.store.campaigns.get(campaign_id)
    if campaign.is_final:
        raise CampaignFinal
    draft = _draft(sent, campaign.settings)
    try:
        checked = await _check(ctx, campaign.settings, draft)
        await ctx.store.campaigns.update(
            campaign_id, name=checked.name, settings=checked.settings, agent_ids=checked.agent_ids,
            version=_number(sent, "version"), actor=actor(token_of(session)), now=ctx.now(),
        )  # fmt: skip
    except Invalid as error:
        shown = _as_typed(draft, campaign.settings, error.errors, None)
        return await _page(request, ctx, session, campaign, shown, status=422)
    except VersionConflict:
        theirs = await ctx.store.campaigns.get(campaign_id)
        return await _page(request, ctx, session, theirs, _conflict(checked, theirs), status=409)
    return RedirectResponse(f"/campaigns/{campaign_id}/edit?saved=1", 303)


def _draft(sent: forms.Sent, base: CampaignSettings) -> Draft:
    ids = [int(value) for name, value in sent if name == "agent_ids" and value.isdecimal()]
    name = next((value for key, value in sent if key == "name"), "")
    return Draft(name, ids, _patch(sent, base))


def _patch(sent: forms.Sent, base: CampaignSettings) -> Mapping[str, Any]:
    """A preset that is chosen now fills the rules; what was changed besides stays as typed."""
    current = base.model_dump(mode="json")
    patch = forms.settings_of(sent, all_fields(), current)
    if patch.get("preset") in (None, base.preset):
        return patch
    try:
        wanted = merge(current, {**patch, "preset": base.preset}, DEFAULTS)
        typed = CampaignSettings.model_validate(wanted).model_dump(mode="json")
    except ValidationError:
        return patch  # the page says what is wrong before any preset fills anything
    return forms.changed(typed, current) | {"preset": patch["preset"]}


def _number(sent: forms.Sent, name: str) -> int | None:
    text = next((value for key, value in sent if key == name), "")
    number = int(text) if text.isdecimal() and len(text) < 20 else 0
    return number if 1 <= number <= MAX_ID else None


async def _check(ctx: Context, base: CampaignSettings, draft: Draft) -> Checked:
    """With the models and rules of the API. Raises Invalid with all that is wrong at once."""
    errors: list[FieldError] = []
    settings, name = base, draft.name
    try:
        name = CampaignIn(name=draft.name, agent_ids=list(draft.agent_ids)).name
    except ValidationError as error:
        errors += field_errors(error.errors())
    try:
        settings = edited_settings(ctx, base, draft.patch)
        await check_sounds(ctx, settings)
        await check_connector(ctx, settings, base)
    except Invalid as error:
        errors += error.errors
    try:
        await check_agents(ctx, draft.agent_ids)
    except Invalid as error:
        errors += [FieldError("agent_ids", one.message) for one in error.errors]
    if errors:
        raise Invalid(errors=errors)
    return Checked(name, draft.agent_ids, settings)


def _as_typed(
    draft: Draft, base: CampaignSettings, errors: Sequence[FieldError], clone_of: int | None
) -> Shown:
    settings = merge(base.model_dump(mode="json"), draft.patch, DEFAULTS)
    return Shown(
        name=draft.name,
        agent_ids=draft.agent_ids,
        settings=settings,
        errors=errors,
        clone_of=clone_of,
    )


def _conflict(mine: Checked, theirs: Campaign) -> Shown:
    """Both versions; saving again, with the version that is now known, keeps mine."""
    settings = mine.settings.model_dump(mode="json")
    one = {"name": mine.name, "agent_ids": sorted(mine.agent_ids), "settings": settings}
    other = {
        "name": theirs.name,
        "agent_ids": sorted(theirs.agent_ids),
        "settings": theirs.settings.model_dump(mode="json"),
    }
    return Shown(
        name=mine.name,
        agent_ids=mine.agent_ids,
        settings=settings,
        conflict=forms.differences(one, other),
    )


async def _page(
    request: Request,
    ctx: Context,
    session: Session,
    campaign: Campaign | None,
    shown: Shown,
    *,
    status: int = 200,
) -> Response:
    missing = missing_for_play(campaign) if campaign and not campaign.is_final else []
    row: Row | None = await row_of(ctx, campaign) if campaign else None
    return render(
        request, "edit.html", status=status, session=session, campaign=campaign, row=row,
        shown=shown, values={"settings": shown.settings}, groups=groups(),
        errors=_by_field(shown.errors), agents=await ctx.store.agents.all(),
        offers=await _offers(ctx), tab="edit", defaults={"settings": DEFAULTS},
        anchor_of=_anchor_of, saved=None,
        lists=await ctx.store.lists.all(campaign.id) if campaign else (),
        missing=missing if campaign and campaign.status is CampaignStatus.DRAFT else [],
        labels={one.path: f"{group.title}: {one.label}"
                for group in groups() for one in group.fields},
    )  # fmt: skip


async def _offers(ctx: Context) -> dict[str, list[tuple[str, str]]]:
    """Values to choose from, with their labels, where only some make sense here."""
    connectors = await ctx.store.connectors.list()
    sounds = [
        (one.id, f"{one.name} ({one.length_s:.0f} s)") for one in await ctx.store.sounds.list()
    ]
    found = {
        "settings.preset": [(one.name, one.title) for one in PRESETS.values()],
        "settings.list.connector_id": [(one.id, f"{one.name} (#{one.id})") for one in connectors],
    }
    if sounds:
        found |= dict.fromkeys(RECORDINGS, sounds)
    if ctx.settings.trunks is not None:
        found["settings.dialing.trunk"] = [(name, name) for name in ctx.settings.trunks]
    return found


def _anchor_of(path: str) -> str:
    """The id of the input that an error is about; of its whole field where lines are counted."""
    for one in all_fields():
        if path.startswith(f"{one.path}.") and one.kind != "rows" and not one.keys:
            return f"f-{one.path}"
    return f"f-{path}"


def _by_field(errors: Sequence[FieldError]) -> dict[str, str]:
    found: dict[str, str] = {}
    for error in errors:
        before = found.get(error.field)
        found[error.field] = f"{before}; {error.message}" if before else error.message
    return found
