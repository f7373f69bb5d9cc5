from __future__ import annotations

import httpx2
import pytest

from admin_api.app import create_app
from admin_api.problems import STATUS, response_of
from engine.core import errors


def all_errors(cls: type = errors.DialerError) -> list[type]:
    return [cls, *(sub for child in cls.__subclasses__() for sub in all_errors(child))]


@pytest.mark.parametrize(
    "cls", [c for c in all_errors() if c.__module__ == "engine.core.errors"], ids=lambda c: c.code
)
def test_every_error_of_the_core_has_a_problem(cls):
    response = response_of(cls())
    assert response.media_type == "application/problem+json"
    assert response.status_code == next(STATUS[c] for c in cls.__mro__ if c in STATUS)
    assert ("retry-after" in response.headers) == cls.retriable


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/nothing", 404, "not_found"),
        ("GET", "/campaigns/", 404, "not_found"),
        ("GET", "/campaigns/99", 404, "not_found"),
        ("GET", "/campaigns/0", 422, "validation_error"),
        ("GET", "/campaigns/x", 422, "validation_error"),
        ("GET", f"/campaigns/{10**30}", 422, "validation_error"),
        ("PUT", "/campaigns", 405, "method_not_allowed"),
        ("POST", "/campaigns", 422, "validation_error"),
        ("GET", "/campaigns/99/imports/..", 404, "not_found"),
    ],
)
async def test_every_error_is_a_problem_document(api, method, path, status, code):
    problem = await api(method, path, status)
    assert problem["code"] == code
    assert set(problem) == {"type", "title", "status", "code", "detail", "errors"}
    assert problem["title"] and problem["detail"]


async def test_405_says_what_is_allowed(admin):
    answer = await admin.put("/api/v1/campaigns")
    assert "GET" in answer.headers["allow"]


async def test_broken_json_is_no_riddle(admin):
    answer = await admin.post(
        "/api/v1/campaigns", content=b'{"name": ', headers={"Content-Type": "application/json"}
    )
    assert answer.status_code == 422
    assert "JSON" in answer.json()["detail"]


async def test_a_bug_is_answered_without_its_insides(app, client_for):
    @app.get("/boom")
    async def boom() -> None:
        raise RuntimeError("secret")

    client = await client_for(None)
    answer = await client.get("/boom")
    assert (answer.status_code, answer.json()["code"]) == (500, "internal_error")
    assert "secret" not in answer.text


async def test_a_store_that_is_down_is_503_and_the_process_stays_up(settings, tmp_path):
    from engine.store import EmbeddedRedis, RedisStore

    server = EmbeddedRedis(tmp_path)
    url = server.start()
    store = await RedisStore.connect(url)
    app = create_app(store, settings.model_copy(update={"redis_url": url}))
    transport = httpx2.ASGITransport(app, raise_app_exceptions=False)
    async with httpx2.AsyncClient(transport=transport, base_url="http://test") as client:
        assert (await client.get("/readyz")).status_code == 200
        server.stop()
        headers = {"Authorization": "Bearer x"}
        for path in ("/api/v1/campaigns", "/readyz"):
            answer = await client.get(path, headers=headers)
            assert (answer.status_code, answer.json()["code"]) == (503, "store_unavailable")
            assert int(answer.headers["retry-after"]) > 0
        assert (await client.get("/healthz")).text == "ok\n"
    await store.close()
    app.state.context.jobs.close()


async def test_metrics_count_by_route_and_not_by_path(admin, client_for):
    await admin.get("/api/v1/campaigns/12345")
    text = (await (await client_for(None)).get("/metrics")).text
    assert 'route="/campaigns/{campaign_id}",status="404"' in text
    assert "12345" not in text


async def test_the_api_describes_itself(client_for):
    answer = await (await client_for(None)).get("/api/v1/openapi.json")
    document = answer.json()
    assert document["openapi"].startswith("3.")
    schemas = document["components"]["schemas"]
    missing = {ref for ref in references(document)} - {f"#/components/schemas/{n}" for n in schemas}
    assert missing == set()
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            assert operation["security"] == [{"HTTPBearer": []}], path
            for status in ("401", "403", "422", "500", "503"):
                content = operation["responses"][status]["content"]
                assert list(content) == ["application/problem+json"], (method, path)
            success = [s for s in operation["responses"] if s.startswith("2")]
            assert success, (method, path)
    trunk = schemas["DialingSettings"]["properties"]["trunk"]
    assert trunk["anyOf"][0]["pattern"]
    body = schemas["CampaignIn"]["properties"]["settings"]
    assert "CampaignSettings" in str(body)


def references(node: object) -> set[str]:
    if isinstance(node, list):
        return {ref for item in node for ref in references(item)}
    if isinstance(node, dict):
        own = {node["$ref"]} if isinstance(node.get("$ref"), str) else set()
        return own | {ref for item in node.values() for ref in references(item)}
    return set()
