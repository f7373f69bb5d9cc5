"""kill -9 of the API and the worker: what was promised by HTTP is kept by whoever starts next."""

from __future__ import annotations

import secrets

import pytest

from cli.demo_api import ApiUnreachable, DemoApi

N_ROWS = 30_000


@pytest.fixture
def api(floor, free_port):
    token, port = secrets.token_urlsafe(24), free_port()
    child = floor.start(
        "api", DIALER_HOST="127.0.0.1", DIALER_PORT=str(port), DIALER_ADMIN_TOKEN=token
    )
    client = DemoApi(f"http://127.0.0.1:{port}", token)
    yield child, client
    client.close()


async def test_api_and_worker_die_during_an_import_and_a_campaign(floor, api):
    child, client = api
    worker = floor.start("worker")
    floor.start("engine")
    await floor.until(client.is_ready, why="the API")
    await floor.hire()
    campaign_id = await floor.campaign(floor.numbers(s00=12, s01=4, s04=3))
    other_id = (await floor.store.campaigns.get(await floor.campaign([], play=False))).id
    rows = "".join(f"+1{area}55{n:05},\n" for area in (213, 215, 216) for n in range(N_ROWS // 3))
    import_id = client.upload(other_id, f"phone,name\n{rows}")

    def created() -> int:
        return int(client.import_of(other_id, import_id)["created"])

    await floor.until(lambda: created() > 0, why="the import's first rows")
    worker.kill()
    n_created = created()
    await floor.reaches(campaign_id, 20)
    child.kill()
    with pytest.raises(ApiUnreachable):
        client.campaign(campaign_id)
    await floor.reaches(campaign_id, 40)
    child.start()
    worker.start()
    await floor.until(client.is_ready, why="the API again")
    assert client.campaign(campaign_id)["status"] in ("active", "completed")
    await floor.until(
        lambda: client.import_of(other_id, import_id)["status"] == "done", why="the import's end"
    )
    assert N_ROWS == created() > n_created
    assert client.campaign(other_id)["n_contacts"] == N_ROWS
    await floor.completed(campaign_id)
    attempts = await floor.check(campaign_id)
    assert client.campaign(campaign_id)["progress"] == 100
    assert {a.attempt_id for a in client.attempts(campaign_id)} == {a.attempt_id for a in attempts}
