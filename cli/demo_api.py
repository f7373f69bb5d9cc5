"""The demo's use of the HTTP API: what an administrator would do with curl."""

from __future__ import annotations

from typing import Any

import httpx2
from pydantic import TypeAdapter

from engine.core.attempt import AttemptRecord

TIMEOUT_S = 10.0
PAGE = 1000
_ATTEMPTS = TypeAdapter(list[AttemptRecord])
Json = dict[str, Any]


class ApiUnreachable(Exception):
    """The API does not answer."""


class ApiRefused(Exception):
    """The API answered with an error; the message has its code and detail."""


class DemoApi:
    """One connection pool with a token; every call answers within TIMEOUT_S or raises."""

    def __init__(self, root: str, token: str) -> None:
        self.root = root
        self._http = httpx2.Client(
            base_url=root,
            headers={"Authorization": f"Bearer {token}"},
            timeout=TIMEOUT_S,
            trust_env=False,
        )

    def close(self) -> None:
        self._http.close()

    def is_ready(self) -> bool:
        try:
            return self._http.get("/readyz").status_code == httpx2.codes.OK
        except httpx2.TransportError:
            return False

    def create_agent(self, name: str, extension: str) -> int:
        body = {"name": name, "extension": extension, "mode": "off_hook"}
        return int(self._send("POST", "/agents", json=body)["id"])

    def log_in(self, agent_id: int) -> None:
        self._send("POST", f"/agents/{agent_id}/login")

    def agents(self) -> list[Json]:
        return list(self._send("GET", "/agents", params={"limit": PAGE})["items"])

    def create_campaign(self, name: str, settings: Json, agent_ids: list[int]) -> int:
        body = {"name": name, "settings": settings, "agent_ids": agent_ids}
        return int(self._send("POST", "/campaigns", json=body)["id"])

    def upload(self, campaign_id: int, csv_text: str) -> str:
        """Hand over a calling list; the import's id."""
        sent = self._send(
            "POST",
            f"/campaigns/{campaign_id}/contacts",
            params={"filename": "demo.csv"},
            headers={"Content-Type": "text/csv"},
            content=csv_text.encode(),
        )
        return str(sent["import_id"])

    def import_of(self, campaign_id: int, import_id: str) -> Json:
        return self._send("GET", f"/campaigns/{campaign_id}/imports/{import_id}")

    def play(self, campaign_id: int) -> None:
        self._send("POST", f"/campaigns/{campaign_id}/play")

    def stop(self, campaign_id: int) -> None:
        self._send("POST", f"/campaigns/{campaign_id}/stop")

    def active_campaigns(self, name: str) -> list[int]:
        """Ids of those of this name that dial now."""
        params: Json = {"status": "active", "name": name, "limit": PAGE}
        page = self._send("GET", "/campaigns", params=params)
        return [int(each["id"]) for each in page["items"] if each["name"] == name]

    def campaign(self, campaign_id: int) -> Json:
        return self._send("GET", f"/campaigns/{campaign_id}")

    def stats(self, campaign_id: int) -> Json:
        return self._send("GET", f"/campaigns/{campaign_id}/stats")

    def attempts(self, campaign_id: int) -> list[AttemptRecord]:
        """All of them, page by page."""
        found: list[AttemptRecord] = []
        cursor: str | None = None
        while True:
            params = {"limit": PAGE, **({"cursor": cursor} if cursor else {})}
            page = self._send("GET", f"/campaigns/{campaign_id}/attempts", params=params)
            found += _ATTEMPTS.validate_python(page["items"])
            cursor = page["next_cursor"]
            if cursor is None:
                return found

    def _send(self, method: str, path: str, **request: Any) -> Json:
        try:
            answer = self._http.request(method, f"/api/v1{path}", **request)
        except httpx2.TransportError as error:
            raise ApiUnreachable(f"{method} {path}: {error}") from None
        if answer.is_error:
            raise ApiRefused(f"{method} {path}: {answer.status_code} {answer.text[:500]}")
        return dict(answer.json())
