"""Every preset is a valid description, and its requests have what the vendor's API asks for."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from crm.cursor import Cursor
from crm.fake_crm import Asked, FakeCrm, Reply
from crm.fake_vendors import VENDORS
from crm.http import Http
from crm.outbound import Outbound
from crm.port import CallResult
from crm.presets import preset, preset_names
from crm.rest import RestConnector
from crm.rest_spec import RestConfig
from engine.core.errors import Invalid

NOW = datetime(2026, 1, 5, 15, tzinfo=UTC)
CALL = CallResult(
    attempt_id="1a1", external_id="17", phone="+12025550100", outcome="answered", disposition=None,
    started_at=NOW, answered_at=NOW, ended_at=NOW, talk_s=61.0, agent_id=None, campaign="A", rev=0,
)  # fmt: skip
SECRETS = {"token": "T", "client_secret": "S"}
#: One record as the vendor gives it, and the name and phone that come of it.
RECORDS: dict[str, tuple[Any, str | None, Any]] = {
    "pipedrive": (
        {"data": [{"id": 17, "name": "Ann", "phones": [{"value": "+12025550100"}]}]},
        "Ann", ["+12025550100"],
    ),
    "hubspot": (
        {"results": [{"id": "17", "properties": {
            "firstname": "Ann", "lastname": None, "phone": "+12025550100", "mobilephone": None}}]},
        "Ann", ["+12025550100"],
    ),
    "espocrm": (
        {"list": [{"id": "17", "name": "Ann", "phoneNumber": "+12025550100"}]}, "Ann", None,
    ),
    "salesforce": (
        {"records": [{"Id": "17", "Name": "Ann", "Phone": "+12025550100", "MobilePhone": None,
                      "State": "FL", "PostalCode": "33101"}]},
        "Ann", ["+12025550100"],
    ),
    "bitrix24": ({"result": {"items": [{"id": 17, "title": "Ann", "phone": "+12025550100"}]}},
                 "Ann", ["+12025550100"]),
    "kommo": (
        {"_embedded": {"contacts": [{"id": 17, "name": "Ann", "custom_fields_values": [
            {"field_code": "PHONE", "values": [{"value": "+12025550100"}]}]}]}},
        "Ann", ["+12025550100"],
    ),
}  # fmt: skip


def test_every_preset_is_tested_here():
    assert set(RECORDS) | set(VENDORS) == set(preset_names())
    with pytest.raises(Invalid):
        preset("../secrets")


@pytest.fixture(params=sorted(RECORDS))
async def both(request):
    async with FakeCrm() as fake:
        values = {**preset(request.param), "base_url": fake.url, "rate_per_s": 1000}
        if "token_url" in values.get("auth", {}):
            values["auth"] = {**values["auth"], "token_url": f"{fake.url}/token"}
        config = RestConfig.model_validate(values)
        http = Http(fake.url, Outbound(("127.0.0.1",)))
        connector = RestConnector(config, SECRETS, http)
        yield request.param, fake, connector
        await connector.close()


async def test_leads_are_read_and_calls_are_sent(both):
    name, fake, connector = both
    body, contact_name, phones = RECORDS[name]
    fake.listing = lambda _asked: Reply(200, body)
    for cursor in (Cursor(None, None), Cursor(NOW, "17" if name != "kommo" else "2")):
        page = await connector.fetch(cursor, connector.page_size)
        (lead,) = page.leads
        assert (lead.external_id, lead.contact["name"]) == ("17", contact_name)
        assert lead.contact.get("phones") == phones
        assert not lead.withdrawn
        if name == "salesforce":
            assert (lead.contact["region"], lead.contact["postal_code"]) == ("FL", "33101")
            assert "State, PostalCode" in fake.asked[-1].query["q"]
        text = f"{fake.asked[-1]} {fake.asked[-1].body!r}"
        assert "{" not in str(dict(fake.asked[-1].query)).strip("{}"), text
    fake.listing = lambda _asked: Reply(201, {"id": 5, "data": {"id": 5}, "result": 5,
                                              "_embedded": {"calls": [{"id": 5}]}})  # fmt: skip
    assert (await connector.push(CALL)).external_id == "5"
    sent: Asked = fake.asked[-1]
    assert (sent.method == "POST" and b"17" in sent.body) or name == "kommo"
    assert b"1a1" in sent.body and b"{call" not in sent.body
