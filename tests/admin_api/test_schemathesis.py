"""Requests that schemathesis makes from the API's description, right and wrong, against a running
API: no answer is a fault of the server, and each is as described."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from cli.processes import Child, Children
from engine.store import EmbeddedRedis
from engine.store.loopback import free_port

TOKEN = "of-the-test"
READY_S = 60
RUN_S = 500
CHECKS = (
    "not_a_server_error", "response_schema_conformance", "status_code_conformance",
    "content_type_conformance", "response_headers_conformance",
)  # fmt: skip
#: Streams have no end, nobody may take the token away that all requests carry, and schemathesis
#: makes no sound.
LEFT_OUT = (
    "GET /api/v1/events", "DELETE /api/v1/tokens/{token_id}", "POST /api/v1/sounds",
)  # fmt: skip
N_CASES = 6


@pytest.fixture
def root(tmp_path: Path) -> Iterator[str]:
    """A running API with one of everything."""
    server, port = EmbeddedRedis(tmp_path / "redis"), free_port()
    env = {
        "DIALER_REDIS_URL": server.start(),
        "DIALER_HOST": "127.0.0.1",
        "DIALER_PORT": str(port),
        "DIALER_ADMIN_TOKEN": TOKEN,
        "DIALER_TOKEN_RATE_PER_S": "0",
    }
    try:
        with Children() as children:
            children.start(Child(["api"], env, tmp_path / "api.log"))
            yield _filled(f"http://127.0.0.1:{port}")
    finally:
        server.stop()


def _filled(root: str) -> str:
    headers = {"Authorization": f"Bearer {TOKEN}"}
    with httpx2.Client(
        base_url=f"{root}/api/v1", headers=headers, trust_env=False, timeout=30
    ) as client:
        _wait(client, f"{root}/readyz")
        bodies = client.get("/openapi.json").json()["components"]["schemas"]
        for path, model in (("agents", "AgentIn"), ("campaigns", "CampaignIn"), ("dnc", "DncIn")):
            body = bodies[model]["examples"][0]
            assert client.post(
                f"/{path}", json={**body, "campaign_ids": []} if path == "agents" else body
            ).is_success
        contact = bodies["ContactIn"]["examples"][0]
        assert client.post("/campaigns/1/contacts", json=[contact]).is_success
        assert client.post("/campaigns/1/play").is_success
    return root


def _wait(client: httpx2.Client, url: str) -> None:
    deadline = time.monotonic() + READY_S
    while True:
        try:
            if client.get(url).is_success:
                return
        except httpx2.TransportError:
            pass
        assert time.monotonic() < deadline, "the API does not answer"
        time.sleep(0.1)


def test_the_running_api_is_as_described(root: str, tmp_path: Path) -> None:
    """The same requests each time: all choices follow from the description alone."""
    command = [
        str(Path(sys.executable).parent / "schemathesis"), "run", f"{root}/api/v1/openapi.json",
        "--header", f"Authorization: Bearer {TOKEN}", "--phases", "examples,fuzzing",
        "--max-examples", str(N_CASES), "--generation-deterministic", "--no-shrink",
        "--checks", ",".join(CHECKS), "--request-timeout", "60", "--continue-on-failure",
        "--suppress-health-check", "all", "--warnings", "off", "--no-color",
    ]  # fmt: skip
    for name in LEFT_OUT:
        command += ["--exclude-name", name]
    # In an empty folder: what it kept of other runs would change what it asks.
    done = subprocess.run(
        command, cwd=tmp_path, capture_output=True, text=True, timeout=RUN_S, check=False
    )
    assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-2000:]
    assert "No issues found" in done.stdout
