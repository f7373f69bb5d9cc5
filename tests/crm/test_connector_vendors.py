"""Presets against CRMs of their vendors that keep what they are told, and refuse what is wrong."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import pytest

from crm.cursor import Cursor
from crm.fake_crm import FakeCrm, Reply
from crm.fake_vendors import VENDORS, FakeLead, FakeVendor
from crm.http import Http
from crm.outbound import Outbound
from crm.port import CallResult, Receipt, Rejected
from crm.presets import preset
from crm.rest import RestConnector
from crm.rest_spec import RestConfig

NOW = datetime(2026, 1, 5, 15, tzinfo=UTC)
CALL = CallResult(
    attempt_id="1a1", external_id="11", phone="+12025550100", outcome="answered",
    disposition=None, started_at=NOW, answered_at=NOW, ended_at=NOW + timedelta(seconds=61),
    talk_s=61.0, agent_id=None, campaign="A", rev=0,
)  # fmt: skip
SECRETS = {"token": "T", "client_secret": "S", "refresh_token": "R"}
#: What a preset does not read or write, for the vendor has no field of its own for it.
NO_DNC = {"hubspot", "pipedrive", "zoho"}
NO_LOOK_UP = {"espocrm", "suitecrm", "freshsales"}


@dataclass
class Pair:
    name: str
    server: FakeCrm
    vendor: FakeVendor
    connector: RestConnector

    def add(self, n: int) -> None:
        for i in range(11, 11 + n):
            at = NOW + timedelta(minutes=i)
            self.vendor.leads[str(i)] = FakeLead(str(i), f"Ann {i}", f"+12025550{i:03}", at)

    async def read(self, since: datetime | None = None, limit: int = 2) -> dict:
        found, page = {}, None
        self.vendor.page_size = limit
        for _ in range(20):
            answer = await self.connector.fetch(Cursor(since, page), limit)
            found |= {lead.external_id: lead for lead in answer.leads}
            page = answer.next_page
            if page is None:
                return found
        raise AssertionError("does not end")


@pytest.fixture(params=sorted(VENDORS))
async def pair(request) -> AsyncIterator[Pair]:
    vendor = VENDORS[request.param]()
    async with FakeCrm(listing=vendor.answer) as server:
        values = {**preset(request.param), "base_url": server.url, "rate_per_s": 1000}
        if "token_url" in values.get("auth", {}):
            values["auth"] = {**values["auth"], "token_url": f"{server.url}/token"}
        http = Http(server.url, Outbound(("127.0.0.1",)))
        connector = RestConnector(RestConfig.model_validate(values), SECRETS, http)
        yield Pair(request.param, server, vendor, connector)
        await connector.close()


@pytest.mark.parametrize("n", [0, 1, 2, 5])
async def test_all_leads_are_read(pair, n):
    pair.add(n)
    found = await pair.read()
    assert sorted(found) == [str(i) for i in range(11, 11 + n)]
    for lead_id, lead in found.items():
        assert lead.contact["name"] == f"Ann {lead_id}"
        phones = lead.contact.get("phones") or [lead.contact["phone"]]
        assert phones == [f"+12025550{lead_id:0>3}"]
        assert not lead.withdrawn and not lead.do_not_call


async def test_an_address_tells_the_state_and_the_postal_code(pair):
    pair.add(2)
    lead = pair.vendor.leads["11"]
    lead.state, lead.zip_code = "Florida", "33101"
    found = await pair.read()
    told = [
        (each.contact.get("region"), each.contact.get("postal_code")) for each in found.values()
    ]
    assert sorted(told, key=str) == [("Florida", "33101"), (None, None)]


async def test_only_what_changed_is_read_again(pair):
    pair.add(6)
    since = NOW + timedelta(minutes=14)
    found = await pair.read(since)
    assert {"14", "15", "16"} <= set(found)
    # Where newest come first, the page in which the rest begins is read too.
    assert len(found) == 3 or (pair.name == "freshsales" and len(found) == 4)
    assert await pair.read(NOW + timedelta(days=1)) == {} or pair.name == "freshsales"


async def test_who_is_gone_or_opted_out_is_told(pair):
    pair.add(3)
    pair.vendor.leads["12"].gone = pair.vendor.leads["13"].dnc = True
    found = await pair.read()
    assert [found[i].withdrawn for i in ("11", "12")] == [False, True]
    assert found["13"].do_not_call == (pair.name not in NO_DNC)


async def test_a_call_is_kept_with_its_lead(pair):
    pair.add(1)
    receipt = await pair.connector.push(CALL)
    ((call_id, call),) = pair.vendor.calls.items()
    assert (call["lead"], "1a1" in call["text"]) == ("11", True)
    assert receipt.external_id in (call_id, "")
    await pair.connector.push(replace(CALL, attempt_id="1a2", outcome="busy", talk_s=0.0,
                                      answered_at=None))  # fmt: skip
    assert len(pair.vendor.calls) == 2
    with pytest.raises(Rejected):
        await pair.connector.push(replace(CALL, external_id="99", attempt_id="1a3"))


async def test_several_calls_at_once(pair):
    pair.add(2)
    calls = [replace(CALL, attempt_id="1a1"), replace(CALL, attempt_id="1a2", external_id="99"),
             replace(CALL, attempt_id="1a3", external_id="12")]  # fmt: skip
    answers = await pair.connector.push_batch(calls)
    assert [type(one) for one in answers] == [Receipt, Rejected, Receipt]
    assert sorted(call["lead"] for call in pair.vendor.calls.values()) == ["11", "12"]


async def test_who_opts_out_here_is_marked_there(pair):
    pair.add(2)
    await pair.connector.push(replace(CALL, do_not_call=True))
    marked = [lead.id for lead in pair.vendor.leads.values() if lead.dnc]
    assert marked == ([] if pair.name in NO_DNC else ["11"])


async def test_deleted_leads_are_found(pair):
    pair.add(3)
    del pair.vendor.leads["12"]
    found = await pair.connector.existing(["11", "12", "13"])
    assert found == (None if pair.name in NO_LOOK_UP else {"11", "13"})
    assert (await pair.connector.existing(["99"]) or set()) == set()


async def test_a_token_that_ended_is_renewed(pair):
    pair.add(1)
    if not pair.connector._credentials.can_renew:
        return
    assert len(await pair.read()) == 1
    pair.server.faults.append(Reply(401, {}))
    assert len(await pair.read()) == 1
    assert pair.server.n_tokens == 2


async def test_dynamics_changes_the_same_call_when_it_is_told_again(pair):
    pair.add(1)
    for outcome in ("unknown", "answered"):
        await pair.connector.push(replace(CALL, outcome=outcome))
    assert len(pair.vendor.calls) == (1 if pair.name == "dynamics365" else 2)
