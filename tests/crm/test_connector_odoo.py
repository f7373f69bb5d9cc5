"""A real Odoo 19: both protocols, write-back, filters, and the race that naive cursors lose."""

from __future__ import annotations

import asyncio
import multiprocessing
import random
import secrets
import time
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from multiprocessing.process import BaseProcess
from typing import Any

import pytest

from crm.cursor import Cursor
from crm.http import Http
from crm.odoo import OdooConfig, OdooConnector
from crm.outbound import Outbound
from crm.plain_leads import LeadReader
from crm.port import AuthError, CallResult, Rejected, Transient
from crm.secrets import Vault
from crm.worker import run_worker
from engine.core.campaign import CampaignStatus, Transition
from engine.core.settings import CampaignSettings, DestinationSettings
from engine.store import EmbeddedRedis, RedisStore

pytestmark = [pytest.mark.timeout(1800)]
NOW = datetime(2026, 1, 5, 15, tzinfo=UTC)
KEY = "a key of the tests that is long"


def opened(odoo: Any, **more: Any) -> OdooConnector:
    config = OdooConfig(url=odoo.url, database=odoo.database, rate_per_s=1000, **more)
    return OdooConnector(config, odoo.api_key, Http(odoo.url, Outbound(("127.0.0.1",))))


@pytest.fixture(params=["json2", "jsonrpc"])
async def connector(odoo, request) -> AsyncIterator[OdooConnector]:
    one = opened(odoo, protocol=request.param)
    yield one
    await one.close()


async def new_lead(connector: OdooConnector, **values: Any) -> int:
    # No exchange begins with 0 or 1.
    digits = random.randrange(2 * 10**6, 9 * 10**6)
    return await connector._create(
        "crm.lead", {"name": "Lead", "contact_name": "Ann", "phone": f"+1202{digits}", **values}
    )


async def leads_of(connector: OdooConnector, since: datetime | None = None) -> dict[str, Any]:
    found, page = {}, None
    while True:
        answer = await connector.fetch(Cursor(since, page), 200)
        found |= {lead.external_id: lead for lead in answer.leads}
        page = answer.next_page
        if page is None:
            return found


def result(lead_id: int, **more: Any) -> CallResult:
    values: dict[str, Any] = {
        "attempt_id": f"1a{secrets.token_hex(8)}", "external_id": str(lead_id),
        "phone": "+12025550100", "outcome": "answered", "disposition": None, "started_at": NOW,
        "answered_at": NOW, "ended_at": NOW, "talk_s": 90.0, "agent_id": 1, "campaign": "A",
        "rev": 0,
    }  # fmt: skip
    return CallResult(**{**values, **more})


async def test_leads_are_mapped_and_archived_ones_are_withdrawn(connector):
    lead_id = await new_lead(connector, phone="+12025550123")
    lead = (await leads_of(connector))[str(lead_id)]
    assert lead.contact == {"phone": "+12025550123", "name": "Ann"}
    assert not lead.withdrawn
    await connector._write("crm.lead", lead_id, {"active": False})
    assert (await leads_of(connector))[str(lead_id)].withdrawn


async def test_an_address_tells_the_state_and_the_postal_code(connector):
    domain = [["code", "=", "FL"], ["country_id.code", "=", "US"]]
    (state_id,) = await connector._call("res.country.state", "search", domain=domain)
    lead_id = await new_lead(connector, state_id=state_id, zip="33101")
    contact = (await leads_of(connector))[str(lead_id)].contact
    assert (contact["region"], contact["postal_code"]) == ("Florida (US)", "33101")
    made = LeadReader("crm:1", "US", DestinationSettings()).contact("1", contact)
    assert (made.region, made.postal_code) == ("US-FL", "33101")


async def test_who_falls_out_of_the_filter_is_withdrawn(odoo):
    connector = opened(odoo, filter=[["priority", "=", "3"]])
    lead_id = await new_lead(connector, priority="3")
    other_id = await new_lead(connector)
    assert not (await leads_of(connector))[str(lead_id)].withdrawn
    assert (await leads_of(connector))[str(other_id)].withdrawn
    await connector._write("crm.lead", lead_id, {"priority": "1"})
    assert (await leads_of(connector))[str(lead_id)].withdrawn
    await connector.close()


async def test_a_call_becomes_a_call_in_odoo_once(connector):
    lead_id = await new_lead(connector)
    written_at = (await _read(connector, "crm.lead", lead_id, ["write_date"]))["write_date"]
    call = result(lead_id)
    first = await connector.push(call)
    again = await connector.push(result(lead_id, attempt_id=call.attempt_id, disposition="sold"))
    assert (again.external_id, again.was_there) == (first.external_id, True)
    fields = ["name", "duration", "partner_phone", "state", "direction", "opportunity_id"]
    found = await _read(connector, "crm.phonecall", int(first.external_id), fields)
    assert found["opportunity_id"][0] == lead_id
    assert (found["name"], found["duration"]) == ("Call to +12025550100: sold", 1.5)
    assert (found["state"], found["direction"]) == ("done", "out")
    after = (await _read(connector, "crm.lead", lead_id, ["write_date"]))["write_date"]
    assert after == written_at, "what is written back does not come back as a change"


async def test_a_note_on_the_lead_where_there_is_no_call_log(odoo):
    connector = opened(odoo, write_back="note")
    lead_id = await new_lead(connector)
    call = result(lead_id, outcome="no_answer", talk_s=0.0)
    first = await connector.push(call)
    assert (await connector.push(call)).external_id == first.external_id
    found = await _read(connector, "mail.message", int(first.external_id), ["body", "res_id"])
    assert found["res_id"] == lead_id and "no answer" in found["body"]
    await connector.close()


async def _read(connector: OdooConnector, model: str, id_: int, fields: list[str]) -> Any:
    rows = await connector._call(model, "search_read", domain=[["id", "=", id_]], fields=fields)
    return rows[0]


async def test_several_calls_at_once(connector):
    first, second = await new_lead(connector), await new_lead(connector)
    calls = [result(first), result(second), result(first, outcome="busy", talk_s=0.0)]
    receipts = await connector.push_batch(calls[:2])
    again = await connector.push_batch(calls)
    assert [one.was_there for one in again] == [True, True, False]
    assert [one.external_id for one in again[:2]] == [one.external_id for one in receipts]
    found = await connector._call(
        "crm.phonecall", "search_count", domain=[["opportunity_id", "in", [first, second]]]
    )
    assert found == 3


async def test_numbers_not_to_call_go_both_ways(odoo, odoo_client, connector):
    blacklist = odoo_client.get_model("phone.blacklist")
    ours, theirs = (f"+1202{random.randrange(2 * 10**6, 9 * 10**6)}" for _ in range(2))
    lead_id = await new_lead(connector, phone=ours)
    await new_lead(connector, phone=theirs)
    await connector.push(result(lead_id, phone=ours, do_not_call=True))
    await connector.push(result(lead_id, phone=ours, do_not_call=True))
    assert len(blacklist.search(domain=[["number", "=", ours]])) == 1
    assert (await leads_of(connector))[str(lead_id)].do_not_call
    before = datetime.now(UTC)
    blacklist.create([{"number": theirs}])
    page = await connector.fetch(Cursor(before.replace(microsecond=0), None), 1)
    assert theirs in page.opted_out, "although the lead itself did not change"
    assert ours in (await connector.fetch(Cursor(None, None), 1)).opted_out
    unread = opened(odoo, do_not_call="none")
    assert (await unread.fetch(Cursor(None, None), 1)).opted_out == []
    await unread.close()


async def test_deleted_leads_are_found(connector, odoo_client):
    kept, archived, deleted = [await new_lead(connector) for _ in range(3)]
    odoo_client.get_model("crm.lead").unlink(ids=[deleted])
    await connector._write("crm.lead", archived, {"active": False})
    ids = [str(one) for one in (kept, archived, deleted)]
    assert await connector.existing(ids) == {str(kept), str(archived)}


async def test_errors_are_told_apart(odoo, connector):
    with pytest.raises(Rejected, match="nofield"):
        await connector._call("crm.lead", "search", domain=[["nofield", "=", 1]])
    with pytest.raises((Rejected, AuthError)):
        await connector._call("no.such.model", "search", domain=[])
    with pytest.raises(Rejected):
        await connector.push(result(999_999_999))
    wrong = OdooConnector(
        OdooConfig(url=odoo.url, database=odoo.database, protocol=connector._protocol),
        "wrong", Http(odoo.url, Outbound(("127.0.0.1",))),
    )  # fmt: skip
    with pytest.raises(AuthError):
        await wrong.check()
    await wrong.close()


async def test_check_counts_and_shows(odoo):
    connector = opened(odoo)
    await new_lead(connector)
    health = await connector.check()
    assert health.ok and health.sample and "json2" in health.detail
    await connector.close()


# ---------------------------------------------------------------------------------- the race


@pytest.fixture
def own_url(tmp_path) -> Iterator[str]:
    server = EmbeddedRedis(tmp_path)
    yield server.start()
    server.stop()


@pytest.fixture
def worker_of(own_url, monkeypatch):
    monkeypatch.setenv("DIALER_OUTBOUND_ALLOW", "127.0.0.1")
    monkeypatch.setenv("DIALER_SECRET_KEY", KEY)
    context = multiprocessing.get_context("spawn")
    started: list[BaseProcess] = []

    def start() -> BaseProcess:
        process = context.Process(target=run_worker, args=(own_url,), daemon=True)
        process.start()
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.join(10)


async def live_campaign(store: RedisStore, odoo: Any) -> int:
    now = datetime.now(UTC)
    config = OdooConfig(url=odoo.url, database=odoo.database, rate_per_s=1000,
                        filter=[["type", "=", "lead"]])  # fmt: skip
    row = await store.connectors.create(
        name="Odoo", kind="odoo", config=config.model_dump(mode="json"),
        sealed=Vault([KEY]).seal({"api_key": odoo.api_key}), secret_names=("api_key",),
        actor="test", now=now,
    )  # fmt: skip
    listing = {"method": "crm", "connector_id": row.id, "live": True, "poll_interval_s": 5}
    settings = CampaignSettings.model_validate({"list": listing})
    campaign_id = (await store.campaigns.create("A", settings, [], "test", now)).id
    move = Transition(CampaignStatus.DRAFT, CampaignStatus.ACTIVE, "")
    await store.campaigns.move(campaign_id, move, "test", now)
    return campaign_id


class Writers:
    """`tag` begins the numbers, 2 to 9.

    Several at once: single leads, bulk imports within one second, updates out of order.
    """

    def __init__(self, odoo: Any, tag: int) -> None:
        self.connector = opened(odoo, protocol="json2")
        self.ids: list[int] = []
        self._serial = tag * 10**6

    def _values(self) -> dict[str, Any]:
        self._serial += 1
        return {"name": "Race", "type": "lead", "phone": f"+1212{self._serial:07}"}

    async def bulk(self, n: int) -> None:
        body = {"vals_list": [self._values() for _ in range(n)], "context": {
            "mail_create_nolog": True, "tracking_disable": True}}  # fmt: skip
        self.ids += await self._again(self.connector._json2("crm.lead", "create", body))

    async def shuffle(self, n: int) -> None:
        for lead_id in sorted(self.ids[len(self.ids) - n :], reverse=True):
            writing = self.connector._write("crm.lead", lead_id, {"name": f"Race {lead_id}"})
            await self._again(writing)

    @staticmethod
    async def _again(asked: Any) -> Any:
        """A write that a restart of the CRM cuts off is not counted: whether it took place is
        looked up at the end."""
        try:
            return await asked
        except Transient:
            await asyncio.sleep(0.5)
            return []


async def test_the_race_loses_nothing_and_doubles_nothing(odoo, own_url, worker_of):
    store = await RedisStore.connect(own_url)
    campaign_id = await live_campaign(store, odoo)
    writers = [Writers(odoo, tag) for tag in (2, 3, 4)]
    # The overlap is the default: longer than any of these writes takes on a busy machine.
    process, restarted = worker_of(), False
    started = time.monotonic()

    async def write(writer: Writers) -> None:
        while sum(len(each.ids) for each in writers) < 5000:
            await writer.bulk(random.choice([1, 1, 20, 150, 400]))
            await writer.shuffle(random.choice([0, 0, 8]))

    writing = [asyncio.create_task(write(writer)) for writer in writers]
    while not all(task.done() for task in writing):
        await asyncio.sleep(random.uniform(2, 5))
        process.kill()
        await asyncio.to_thread(process.join, 10)
        process = worker_of()
        if not restarted and time.monotonic() - started > 8:
            restarted = True
            await asyncio.to_thread(odoo.stop)
            await asyncio.to_thread(odoo.start)
    await asyncio.gather(*writing)
    if not restarted:
        odoo.stop()
        odoo.start()
    reader = writers[0].connector
    domain = [["type", "=", "lead"], ["phone", "=like", "+1212%"]]
    wanted = sorted(await reader._call("crm.lead", "search", domain=domain))
    assert len(wanted) >= 5000
    await until_n(store, campaign_id, wanted)
    for writer in writers:
        await writer.connector.close()
    await store.close()


async def until_n(store: RedisStore, campaign_id: int, wanted: list[int]) -> None:
    deadline = time.monotonic() + 600
    found: list[int] = []
    while time.monotonic() < deadline:
        await store.polls.now([campaign_id], datetime.now(UTC))
        await asyncio.sleep(1)
        found = []
        after: int | None = 0
        while after is not None:
            some, after = await store.contacts.list(campaign_id, after=after, limit=1000)
            found += [int(one.external_id) for one in some if one.external_id]
        if len(found) >= len(wanted):
            break
    assert sorted(found) == wanted, (len(found), len(wanted))
