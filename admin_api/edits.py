"""What an edit or a clone makes of a campaign, checked as a whole before it is stored."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from pydantic import ValidationError

from admin_api.context import Context
from admin_api.merge import merge
from crm.contact_in import field_errors
from engine.core.errors import FieldError, Invalid, NotFound
from engine.core.presets import PRESETS
from engine.core.settings import CampaignSettings
from engine.core.sound import is_ours

DEFAULTS: Mapping[str, Any] = CampaignSettings().model_dump(mode="json")


#: What one preset may have and another has not: states' own rules, and whose clock counts.
STATES_LEFT: Mapping[str, Any] = {
    "hours": {"regions": None, "respect_contact_timezone": None},
    "limits": {"regions": None},
}


def edited_settings(
    ctx: Context, base: CampaignSettings, patch: Mapping[str, Any] | None
) -> CampaignSettings:
    """`base` with the merge patch applied; None puts all defaults back. Raises Invalid."""
    current: Mapping[str, Any] = base.model_dump(mode="json")
    if patch is not None and isinstance(patch.get("preset"), str):
        current = _with_preset(current, patch["preset"])
    wanted = DEFAULTS if patch is None else merge(current, patch, DEFAULTS)
    try:
        settings = CampaignSettings.model_validate(wanted)
    except ValidationError as error:
        errors = field_errors(error.errors(), "settings")
        raise Invalid("The settings are not valid.", errors) from None
    _check_trunk(settings.dialing.trunk, ctx.settings.trunks)
    return settings


def _with_preset(current: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """A preset fills rules once, when it is chosen; what is edited afterwards stays."""
    if name == current.get("preset"):
        return current
    if name not in PRESETS:
        message = f"must be one of {', '.join(PRESETS)}"
        raise Invalid("The settings are not valid.", [FieldError("settings.preset", message)])
    plain = merge(current, STATES_LEFT, DEFAULTS)
    return merge(plain, PRESETS[name].settings, DEFAULTS)


async def check_sounds(ctx: Context, settings: CampaignSettings) -> None:
    """Raises Invalid where a recording of ours does not exist; the PBX's own are not known here."""
    named = settings.recordings
    if not named:
        return
    known = set(await ctx.store.sounds.ids())
    errors = [
        FieldError(f"settings.{path}", f"There is no recording {name}.")
        for path, name in named.items()
        if is_ours(name) and name not in known
    ]
    if errors:
        raise Invalid("The settings are not valid.", errors)


async def check_connector(
    ctx: Context, settings: CampaignSettings, base: CampaignSettings | None = None
) -> None:
    """Raises Invalid where a connector that is chosen does not exist."""
    connector_id = settings.list.connector_id
    if not connector_id or (base is not None and base.list.connector_id == connector_id):
        return
    try:
        await ctx.store.connectors.get(connector_id)
    except NotFound:
        error = FieldError("settings.list.connector_id", f"There is no connector {connector_id}.")
        raise Invalid("The settings are not valid.", [error]) from None


async def check_agents(ctx: Context, agent_ids: Sequence[int]) -> None:
    """Raises Invalid where one does not exist."""
    if not agent_ids:
        return
    known = {agent.id for agent in await ctx.store.agents.all()}
    _check_ids("agent_ids", agent_ids, known, "agent")


async def check_campaigns(ctx: Context, campaign_ids: Sequence[int]) -> None:
    """Raises Invalid where one does not exist."""
    known = {id_ for id_ in set(campaign_ids) if await _exists(ctx, id_)}
    _check_ids("campaign_ids", campaign_ids, known, "campaign")


async def _exists(ctx: Context, campaign_id: int) -> bool:
    try:
        await ctx.store.campaigns.get(campaign_id)
    except NotFound:
        return False
    return True


def _check_ids(field: str, ids: Sequence[int], known: Collection[int], what: str) -> None:
    errors = [
        FieldError(f"{field}.{index}", f"There is no {what} {id_}.")
        for index, id_ in enumerate(ids)
        if id_ not in known
    ]
    if errors:
        raise Invalid("The request names what does not exist.", errors)


def _check_trunk(trunk: str | None, allowed: Sequence[str] | None) -> None:
    if trunk is None or allowed is None or trunk in allowed:
        return
    message = f"There is no trunk {trunk!r}. Known trunks: {', '.join(allowed)}."
    raise Invalid("The settings are not valid.", [FieldError("settings.dialing.trunk", message)])
