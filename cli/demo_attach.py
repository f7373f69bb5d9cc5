"""The demo's campaign on parts that run already, as docker-compose.yml starts them.

`python -m cli.demo_attach` with DIALER_DEMO_URL and REDIS_URL, where it makes itself a token for
as long as it runs; the carrier's call records are read from /carrier. Unlike `dialer demo` it
starts and ends nothing, and may run again and again.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from pydantic import AliasChoices, Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from cli.asterisk_cdr import CarrierCall, read_carrier_cdrs
from cli.asterisk_config import FIRST_EXTENSION
from cli.demo_api import ApiRefused, ApiUnreachable, DemoApi
from cli.demo_campaign import DemoOptions
from cli.demo_run import DemoRun
from cli.demo_screen import Screen
from cli.demo_stack import DemoError, Interrupted, Interruption
from engine.core.errors import StoreUnavailable
from engine.store import RedisStore

#: What DemoRun calls its campaigns: two of them at once would dial the same numbers.
CAMPAIGN = "Demo"
NEXT_STEP = "docker compose exec api dialer token create --role admin"


class AttachSettings(BaseSettings):
    """From the environment only."""

    model_config = SettingsConfigDict(env_prefix="DIALER_", extra="ignore", populate_by_name=True)

    demo_url: str = "http://127.0.0.1:8080"
    demo_contacts: int = Field(100, ge=1)
    demo_agents: int = Field(10, ge=1)
    #: Where the carrier's volume is mounted; its instance folder is below.
    demo_carrier_dir: Path = Path("/carrier/carrier")
    redis_url: str = Field(
        "redis://127.0.0.1:6379/0", validation_alias=AliasChoices("DIALER_REDIS_URL", "REDIS_URL")
    )

    @property
    def options(self) -> DemoOptions:
        return DemoOptions(n_contacts=self.demo_contacts, n_agents=self.demo_agents)

    @property
    def extensions(self) -> list[str]:
        return [str(FIRST_EXTENSION + index) for index in range(self.demo_agents)]


def run_attached(settings: AttachSettings) -> int:
    """The exit status: 0 only for a completed campaign whose calls the carrier confirms."""
    with Interruption() as interruption, Screen(to_stderr=False) as screen:
        try:
            with opened_api(settings) as api:
                return _run(settings, api, interruption, screen)
        except Interrupted:
            screen.say("Interrupted; the campaign goes on by itself.")
            return 128 + interruption.number
        except (DemoError, StoreUnavailable, ApiRefused, ApiUnreachable) as error:
            screen.say(f"The demo failed: {error}")
            return 1


def _run(settings: AttachSettings, api: DemoApi, interruption: Interruption, screen: Screen) -> int:
    run = DemoRun(
        options=settings.options,
        api=api,
        interruption=interruption,
        screen=screen,
        look_after=_compose_does,
        explain=lambda: "docker compose logs has more",
    )
    for campaign_id in api.active_campaigns(CAMPAIGN):
        screen.say(f"Stopping campaign {campaign_id}, which an earlier demo left behind.")
        api.stop(campaign_id)
    began_at = datetime.now(UTC)
    summary = run.run(settings.extensions, lambda: carrier_calls(settings, began_at))
    screen.say(f"All of it goes on running. A token for the API: {NEXT_STEP}")
    return 0 if summary.is_good else 1


@contextmanager
def opened_api(settings: AttachSettings) -> Iterator[DemoApi]:
    """The API with a token that ends with the block. Raises StoreUnavailable."""
    token_id, secret = asyncio.run(_create_token(settings.redis_url))
    api = DemoApi(settings.demo_url, secret)
    try:
        yield api
    finally:
        api.close()
        asyncio.run(_revoke_token(settings.redis_url, token_id))


async def _create_token(redis_url: str) -> tuple[str, str]:
    store = await RedisStore.connect(redis_url)
    try:
        token, secret = await store.tokens.create(role="admin", name="demo", now=datetime.now(UTC))
        return token.id, secret
    finally:
        await store.close()


async def _revoke_token(redis_url: str, token_id: str) -> None:
    store = await RedisStore.connect(redis_url)
    try:
        await store.tokens.revoke(token_id)
    finally:
        await store.close()


def _compose_does() -> None:
    """What dies is started again by docker, not by us."""


def carrier_calls(settings: AttachSettings, began_at: datetime) -> list[CarrierCall]:
    """Of this run: the volume keeps the records of earlier ones, to the same numbers."""
    calls = read_carrier_cdrs(settings.demo_carrier_dir)
    return [call for call in calls if call.started_at >= began_at]


if __name__ == "__main__":
    sys.exit(run_attached(AttachSettings()))
