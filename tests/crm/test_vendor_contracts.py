"""Our requests, and our fakes' answers, against what the vendors publish about their APIs.

The vendors' documents may not be copied into this project, so this is a soak test: name a folder
that has them in DIALER_VENDOR_SPECS (hubspot-contacts.json, hubspot-calls.json, pipedrive-v2.yaml,
espocrm.json), or put them into ../shared/vendor-specs.
"""

from __future__ import annotations

import json
import os
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from openapi_core import OpenAPI
from openapi_core.exceptions import OpenAPIError
from openapi_core.testing import MockRequest, MockResponse

from crm.cursor import Cursor
from crm.fake_crm import Asked, FakeCrm, Reply
from crm.fake_vendors import VENDORS, FakeLead
from crm.http import Http
from crm.outbound import Outbound
from crm.port import CallResult
from crm.presets import preset
from crm.rest import RestConnector
from crm.rest_spec import RestConfig

pytestmark = pytest.mark.soak
NOW = datetime(2026, 1, 5, 15, tzinfo=UTC)
CALL = CallResult(
    attempt_id="1a1", external_id="11", phone="+12025550100", outcome="answered",
    disposition=None, started_at=NOW, answered_at=NOW, ended_at=NOW + timedelta(seconds=61),
    talk_s=61.0, agent_id=None, campaign="A", rev=0,
)  # fmt: skip
#: Files, the path at which the vendor serves what they describe, and a server named in them.
SPECS: dict[str, tuple[list[str], str, str]] = {
    "hubspot": (["hubspot-contacts.json", "hubspot-calls.json"], "", "https://api.hubapi.com"),
    "pipedrive": (["pipedrive-v2.yaml"], "", "https://api.pipedrive.com"),
    "espocrm": (["espocrm.json"], "/api/v1", ""),
}


def folder() -> Path:
    beside = Path(__file__).resolve().parents[2].parent / "shared/vendor-specs"
    return Path(os.environ.get("DIALER_VENDOR_SPECS", beside))


def spec_of(name: str) -> OpenAPI:
    """One document, where the vendor has several, cut to what we use: the whole takes seconds."""
    files, _, server = SPECS[name]
    texts = [(folder() / file).read_text() for file in files]
    documents = [yaml.safe_load(t) if f.endswith("yaml") else json.loads(t)
                 for f, t in zip(files, texts, strict=True)]  # fmt: skip
    first = documents[0]
    for other in documents[1:]:
        first["paths"] |= other["paths"]
        for kind, parts in other.get("components", {}).items():
            first["components"].setdefault(kind, {}).update(parts)
    for item in first["paths"].values():
        for operation in (one for one in item.values() if isinstance(one, dict)):
            # openapi-core cannot read this style yet, which EspoCRM has for what is searched for.
            known = operation.get("parameters", [])
            operation["parameters"] = [one for one in known if one.get("style") != "deepObject"]
    if not server:
        first["servers"] = [{"url": "https://crm.example.com"}]
    return OpenAPI.from_dict(first)


def request_of(name: str, asked: Asked, spec: OpenAPI) -> MockRequest:
    _, prefix, server = SPECS[name]
    host = server or "https://crm.example.com"
    body = asked.body or None
    return MockRequest(
        host, asked.method.lower(), asked.path.removeprefix(prefix), args=dict(asked.query),
        headers={k.title(): v for k, v in asked.headers.items()}, data=body,
        content_type=asked.headers.get("content-type", "application/json"),
    )  # fmt: skip


def response_of(reply: Reply) -> MockResponse:
    data = json.dumps(reply.body).encode() if reply.body is not None else b""
    return MockResponse(data, status_code=reply.status, content_type="application/json")


@pytest.fixture(params=sorted(SPECS))
async def spoken(request) -> tuple[str, list[tuple[Asked, Reply]]]:
    """All that the preset and the fake say to one another."""
    vendor, said = VENDORS[request.param](), []

    def listing(asked: Asked) -> Reply:
        said.append((asked, vendor.answer(asked)))
        return said[-1][1]

    for i in range(11, 14):
        vendor.leads[str(i)] = FakeLead(
            str(i), f"Ann {i}", f"+12025550{i:03}", NOW, state="FL", zip_code="33101"
        )
    async with FakeCrm(listing=listing) as server:
        values: dict[str, Any] = {**preset(request.param), "base_url": server.url}
        config = RestConfig.model_validate({**values, "rate_per_s": 1000})
        connector = RestConnector(
            config, {"token": "T"}, Http(server.url, Outbound(("127.0.0.1",)))
        )
        for since in (None, NOW - timedelta(hours=1)):
            page = await connector.fetch(Cursor(since, None), 2)
            await connector.fetch(Cursor(since, page.next_page), 2)
        await connector.existing(["11", "12"])
        await connector.push(CALL)
        await connector.push(replace(CALL, outcome="busy", talk_s=0.0, do_not_call=True))
        await connector.close()
    return request.param, said


async def test_what_is_said_is_what_the_vendor_describes(spoken):
    name, said = spoken
    spec = spec_of(name)
    assert len(said) >= 6
    for asked, reply in said:
        request = request_of(name, asked, spec)
        spec.validate_request(request)
        spec.validate_response(request, response_of(reply))


@pytest.mark.parametrize("name", sorted(SPECS))
async def test_the_oracle_finds_what_is_wrong(name):
    """Else the test above would say nothing."""
    spec = spec_of(name)
    path = {"hubspot": "/crm/v3/objects/contacts/search", "pipedrive": "/api/v2/activities",
            "espocrm": "/api/v1/Call"}[name]  # fmt: skip
    headers = {"content-type": "application/json", "x-api-token": "T", "x-api-key": "T",
               "authorization": "Bearer T"}  # fmt: skip
    asked = Asked("POST", path, {}, headers, b'{"limit": "x", "done": 5, "name": 5}')
    with pytest.raises(OpenAPIError):
        spec.validate_request(request_of(name, asked, spec))
