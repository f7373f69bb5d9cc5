"""The demo's campaign on parts that run already, as docker-compose.yml starts them.

`python -m cli.demo_attach` with DIALER_DEMO_URL and DIALER_ADMIN_TOKEN; the carrier's folder is
read from /carrier. Unlike `dialer demo` it starts and ends nothing, and may run again and again.
"""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from cli.asterisk_cdr import CarrierCall, read_carrier_cdrs
from cli.asterisk_config import FIRST_EXTENSION
from cli.demo_api import ApiRefused, ApiUnreachable, DemoApi
from cli.demo_campaign import DemoOptions
from cli.demo_run import DemoRun
from cli.demo_screen import Screen
from cli.demo_stack import DemoError, Interrupted, Interruption


class AttachSettings(BaseSettings):
    """From the environment only."""

    model_config = SettingsConfigDict(env_prefix="DIALER_", extra="ignore")

    demo_url: str = "http://127.0.0.1:8080"
    demo_contacts: int = Field(100, ge=1)
    demo_agents: int = Field(10, ge=1)
    #: Where the carrier's volume is mounted; its instance folder is below.
    demo_carrier_dir: Path = Path("/carrier/carrier")
    admin_token: SecretStr

    @property
    def options(self) -> DemoOptions:
        return DemoOptions(n_contacts=self.demo_contacts, n_agents=self.demo_agents)

    @property
    def extensions(self) -> list[str]:
        return [str(FIRST_EXTENSION + index) for index in range(self.demo_agents)]


def run_attached(settings: AttachSettings) -> int:
    """The exit status: 0 only for a completed campaign whose calls the carrier confirms."""
    api = DemoApi(settings.demo_url, settings.admin_token.get_secret_value())
    with Interruption() as interruption, Screen(to_stderr=False) as screen:
        run = DemoRun(
            options=settings.options,
            api=api,
            interruption=interruption,
            screen=screen,
            look_after=_compose_does,
            explain=lambda: "docker compose logs has more",
        )
        began_at = datetime.now(UTC)
        try:
            summary = run.run(settings.extensions, lambda: carrier_calls(settings, began_at))
        except Interrupted:
            screen.say("Interrupted; the campaign goes on by itself.")
            return 128 + interruption.number
        except (DemoError, ApiRefused, ApiUnreachable) as error:
            screen.say(f"The demo failed: {error}")
            return 1
        finally:
            api.close()
    return 0 if summary.is_good else 1


def _compose_does() -> None:
    """What dies is started again by docker, not by us."""


def carrier_calls(settings: AttachSettings, began_at: datetime) -> list[CarrierCall]:
    """Of this run: the volume keeps the records of earlier ones, to the same numbers."""
    calls = read_carrier_cdrs(settings.demo_carrier_dir)
    return [call for call in calls if call.started_at >= began_at]


if __name__ == "__main__":
    sys.exit(run_attached(AttachSettings()))
