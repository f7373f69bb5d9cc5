"""One poll: pages from the CRM into the campaign, each stored before the next is asked for."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta

import structlog

from crm.backoff import wait_s
from crm.cursor import Position, advance, cursor_of, of_text, to_text
from crm.plain_leads import LeadReader
from crm.port import Connector, CrmError, Lead, Page, RateLimited
from crm.reconcile import look_for_deleted
from crm.sifting import elsewhere
from engine.core.campaign import MANUAL, Campaign, CampaignStatus
from engine.core.contact import NewContact
from engine.core.errors import CampaignFinal, DialerError, Fenced, Invalid, NotFound
from engine.core.phone import as_e164
from engine.store import ConnectorRow, Poll, Pull, RedisStore

log = structlog.get_logger(__name__)
Connect = Callable[[ConnectorRow], Connector]


class Unusable(CrmError):
    """The connection itself cannot be opened."""

    code = "unusable"


def polls_at(campaign: Campaign, is_read: bool) -> float | None:
    """The interval at which the campaign's list is to be polled; None: not now.

    A Live campaign also while it paused itself; another one until it was read once.
    """
    list_ = campaign.settings.list
    if list_.method != "crm" or not list_.connector_id:
        return None
    if campaign.status is CampaignStatus.ACTIVE:
        return None if is_read and not campaign.live else float(list_.poll_interval_s)
    paused_itself = campaign.status is CampaignStatus.PAUSED and campaign.status_reason != MANUAL
    return float(list_.poll_interval_s) if campaign.live and paused_itself else None


async def run_poll(
    store: RedisStore, poll: Poll, connect: Connect, may_go_on: Callable[[], bool]
) -> str:
    """Returns done, stale (another try is faster, or nobody wants it), retry or interrupted.

    Raises StoreUnavailable; the poll comes back by itself then.
    """
    if not await store.polls.begin(poll, _now()):
        return "stale"
    try:
        campaign = await store.campaigns.get(poll.campaign_id)
        interval_s = polls_at(campaign, False)
        if interval_s is None:
            return "stale"
        return await _poll(store, poll, campaign, connect, may_go_on)
    except (Fenced, CampaignFinal, NotFound) as error:
        log.info("poll_ended", campaign_id=poll.campaign_id, reason=error.message)
        return "stale"
    except CrmError as error:
        return await _failed(store, poll, campaign, error)


async def _poll(
    store: RedisStore,
    poll: Poll,
    campaign: Campaign,
    connect: Connect,
    may_go_on: Callable[[], bool],
) -> str:
    connector = await _open(store, campaign, connect)
    try:
        ended = await _read(store, poll, campaign, connector, may_go_on)
        if ended == "done":
            ended = await look_for_deleted(store, poll, campaign, connector, may_go_on)
    finally:
        await connector.close()
    if ended != "done":
        if ended == "interrupted":
            await store.polls.done(poll, _now(), _now())
        return ended
    await store.polls.note(campaign.id, _now())
    await store.polls.done(poll, _now(), None)
    return "done"


async def _open(store: RedisStore, campaign: Campaign, connect: Connect) -> Connector:
    try:
        return connect(await store.connectors.get(campaign.settings.list.connector_id or ""))
    except DialerError as error:
        raise Unusable(error.message) from error


async def _read(
    store: RedisStore,
    poll: Poll,
    campaign: Campaign,
    connector: Connector,
    may_go_on: Callable[[], bool],
) -> str:
    """From where the last poll stopped to the window's end. While a page is stored the CRM
    already works on the next one; how far we are moves only with what is stored."""
    pull = await store.polls.begin_pull(
        campaign.id, campaign.settings.list.connector_id or "", _now()
    )
    position, overlap_s = of_text(pull.position), connector.overlap_s
    country, open_to = campaign.settings.list.default_country, campaign.rules.destinations
    reader = LeadReader(f"crm:{pull.connector_id}", country, open_to)
    asked = _ask(connector, position)
    try:
        while may_go_on():
            page = await asked
            position = advance(position, overlap_s, page.server_at, page.next_page)
            is_whole = position.window is None
            if not is_whole:
                asked = _ask(connector, position)
            counts = await _take(store, pull, campaign, reader, page)
            await store.polls.commit(pull, to_text(position), is_whole=is_whole, counts=counts)
            if is_whole:
                return "done"
            if not await store.polls.keep_up(poll, _now()):
                return "stale"
        return "interrupted"
    finally:
        await _let_go(asked)


def _ask(connector: Connector, position: Position) -> asyncio.Task[Page]:
    cursor = cursor_of(position, connector.overlap_s)
    return asyncio.create_task(connector.fetch(cursor, connector.page_size))


async def _let_go(asked: asyncio.Task[Page]) -> None:
    """Of a page that nobody will store; what became of it does not matter any more."""
    asked.cancel()
    await asyncio.wait([asked])
    if not asked.cancelled():
        asked.exception()


async def _take(
    store: RedisStore, pull: Pull, campaign: Campaign, reader: LeadReader, page: Page
) -> Mapping[str, int]:
    """The page's leads as contacts. Returns counts for the connection's figures."""
    leads = {lead.external_id: lead for lead in page.leads}.values()
    gone = [lead for lead in leads if lead.withdrawn or lead.do_not_call]
    await _list_do_not_call(store, campaign, pull, gone, page.opted_out)
    actor = f"connector {pull.connector_id}"
    ids = [lead.external_id for lead in gone]
    counts = Counter(read=len(page.leads))
    counts["withdrawn"] = await store.polls.withdraw(pull, ids, actor, _now())
    wanted = [lead for lead in leads if not (lead.withdrawn or lead.do_not_call)]
    contacts = _contacts(wanted, campaign, reader, counts)
    contacts = await _not_elsewhere(store, campaign, pull, contacts, counts)
    for stored, _ in await store.polls.upsert(pull, contacts, _now()):
        counts[stored.name.lower()] += 1
    return counts


def _contacts(
    leads: Sequence[Lead], campaign: Campaign, reader: LeadReader, counts: Counter[str]
) -> Sequence[NewContact]:
    good = []
    for lead in leads:
        try:
            good.append(reader.contact(lead.external_id, lead.contact))
        except Invalid as error:
            counts["rejected"] += 1
            reasons = [f"{each.field} {each.message}" for each in error.errors]
            log.info("lead_rejected", campaign_id=campaign.id, lead=lead.external_id, why=reasons)
    return good


async def _not_elsewhere(
    store: RedisStore,
    campaign: Campaign,
    pull: Pull,
    contacts: Sequence[NewContact],
    counts: Counter[str],
) -> Sequence[NewContact]:
    """Without new leads whose number another active campaign has; leads we know stay ours."""
    held = await elsewhere(store, campaign, contacts, _now())
    if not any(held):
        return contacts
    known = await store.polls.known(pull, [contact.external_id or "" for contact in contacts])
    both = zip(contacts, held, known, strict=True)
    kept = [contact for contact, holder, is_known in both if holder is None or is_known]
    counts["duplicate"] += len(contacts) - len(kept)
    return kept


async def _list_do_not_call(
    store: RedisStore,
    campaign: Campaign,
    pull: Pull,
    leads: Sequence[Lead],
    opted_out: Sequence[str],
) -> None:
    source, given = f"crm:{pull.connector_id}", list[object](opted_out)
    for lead in leads:
        if lead.do_not_call:
            given += [lead.contact.get("phone"), *(lead.contact.get("phones") or ())]
    for text in filter(None, given):
        try:
            phone = as_e164(str(text), campaign.settings.list.default_country)
        except ValueError:
            continue
        await store.dnc.add(phone, source=source, actor=source, now=_now())


async def _failed(store: RedisStore, poll: Poll, campaign: Campaign, error: CrmError) -> str:
    n_failures = await store.polls.note(campaign.id, _now(), error.code, error.message)
    interval_s = campaign.settings.list.poll_interval_s
    pause_s = wait_s(error, n_failures, interval_s, random.random())  # noqa: S311
    connector_id = campaign.settings.list.connector_id or ""
    if isinstance(error, RateLimited):
        await store.connectors.rest(connector_id, error.retry_after_s, _now())
    await store.polls.done(poll, _now(), _now() + timedelta(seconds=pause_s))
    log.warning(
        "poll_failed", campaign_id=campaign.id, connector_id=connector_id, code=error.code,
        error=error.message, n_failures=n_failures, retry_in_s=round(pause_s, 1),
    )  # fmt: skip
    return "retry"


def _now() -> datetime:
    return datetime.now(UTC)
