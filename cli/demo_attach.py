"""The demo's campaign on parts that run already, as docker-compose.yml starts them.

`python -m cli.demo_attach` with DIALER_DEMO_URL and DIALER_ADMIN_TOKEN; the carrier's folder is
read from /carrier. Unlike `dialer demo` it starts and ends nothing, and may run again and again.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from cli import demo_truth
from cli.asterisk_cdr import CarrierCall, read_carrier_cdrs
from cli.asterisk_config import FIRST_EXTENSION
from cli.demo_api import ApiRefused, ApiUnreachable, DemoApi
from cli.demo_campaign import DemoOptions, Patience, limit_of, progress_of, settings_of
from cli.demo_contacts import as_csv, demo_contacts
from cli.demo_screen import Picture, Screen, Summary
from cli.demo_stack import DemoError, Interrupted, Interruption
from engine.core.attempt import AttemptRecord

READY_S = 60.0
LOGIN_S = 60.0
IMPORT_S = 60.0
CDR_S = 10.0
LOOK_S = 0.5


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


def run_attached(settings: AttachSettings) -> int:
    """The exit status: 0 only for a completed campaign whose calls the carrier confirms."""
    api = DemoApi(settings.demo_url, settings.admin_token.get_secret_value())
    with Interruption() as interruption, Screen(to_stderr=False) as screen:
        try:
            return AttachedDemo(settings, api, interruption, screen).run()
        except Interrupted:
            screen.say("Interrupted; the campaign goes on by itself.")
            return 128 + interruption.number
        except (DemoError, ApiRefused, ApiUnreachable) as error:
            screen.say(f"The demo failed: {error}")
            return 1
        finally:
            api.close()


class AttachedDemo:
    """What an administrator would do by HTTP, in that order."""

    def __init__(
        self, settings: AttachSettings, api: DemoApi, interruption: Interruption, screen: Screen
    ) -> None:
        self._settings = settings
        self._options = settings.options
        self._api = api
        self._interruption = interruption
        self._screen = screen

    def run(self) -> int:
        if not self._interruption.wait_until(self._api.is_ready, READY_S):
            raise DemoError(f"{self._settings.demo_url} is not ready after {READY_S:.0f} s")
        campaign_id = self._make_campaign(self._log_agents_in())
        self._screen.say(f"Play: {self._options.n_contacts} contacts.")
        began_at = datetime.now(UTC)
        self._api.play(campaign_id)
        picture = self._follow(campaign_id)
        summary = self._summarise(picture, self._api.attempts(campaign_id), began_at)
        self._screen.summarise(summary)
        return 0 if is_good(summary) else 1

    def _log_agents_in(self) -> list[int]:
        extensions = [str(FIRST_EXTENSION + index) for index in range(self._options.n_agents)]
        self._screen.say(f"Logging {len(extensions)} agents in (they stay on the line) …")
        known = {agent["extension"]: int(agent["id"]) for agent in self._api.agents()}
        ids = [known.get(ext) or self._api.create_agent(f"Agent {ext}", ext) for ext in extensions]
        for agent_id in ids:
            self._api.log_in(agent_id)
        if not self._interruption.wait_until(lambda: self._are_available(ids), LOGIN_S):
            states = ", ".join(f"{a['extension']} {a['state']}" for a in self._api.agents())
            raise DemoError(f"not all agents are available after {LOGIN_S:.0f} s: {states}")
        return ids

    def _are_available(self, ids: Sequence[int]) -> bool:
        return all(a["state"] == "available" for a in self._api.agents() if a["id"] in ids)

    def _make_campaign(self, agent_ids: list[int]) -> int:
        contacts = demo_contacts(self._options.n_contacts)
        campaign_id = self._api.create_campaign("Demo", settings_of(self._options), agent_ids)
        import_id = self._api.upload(campaign_id, as_csv(contacts))

        def imported() -> bool:
            return self._api.import_of(campaign_id, import_id)["status"] in ("done", "failed")

        self._interruption.wait_until(imported, IMPORT_S)
        state = self._api.import_of(campaign_id, import_id)
        if state["created"] != len(contacts):
            raise DemoError(f"the import failed: {state}")
        return campaign_id

    def _follow(self, campaign_id: int) -> Picture:
        """Until the campaign has ended; raises DemoError when nothing happens any more."""
        began = time.monotonic()
        patience = Patience(began, limit_of(self._options))
        while True:
            picture = self._look(campaign_id, time.monotonic() - began)
            if picture is not None:
                self._screen.show(picture)
                if picture.stats["status"] != "active":
                    return picture
            if patience.is_over(time.monotonic(), picture and progress_of(picture.stats)):
                raise DemoError(f"the campaign stalled: {picture and picture.stats}")
            self._interruption.sleep(LOOK_S)

    def _look(self, campaign_id: int, elapsed_s: float) -> Picture | None:
        """None while the API is away: its container is being started again."""
        try:
            campaign, stats = self._api.campaign(campaign_id), self._api.stats(campaign_id)
        except ApiUnreachable:
            return None
        return Picture(campaign, stats, elapsed_s)

    def _summarise(
        self, picture: Picture, attempts: list[AttemptRecord], began_at: datetime
    ) -> Summary:
        def confirmed() -> bool:
            return len(self._carrier_calls(began_at)) >= len(attempts)

        # The carrier writes a record when its own side of the call has ended.
        self._interruption.wait_until(confirmed, CDR_S)
        return summary_of(picture, attempts, self._carrier_calls(began_at))

    def _carrier_calls(self, began_at: datetime) -> list[CarrierCall]:
        """Of this campaign: the volume keeps the records of earlier ones, to the same numbers."""
        calls = read_carrier_cdrs(self._settings.demo_carrier_dir)
        return [call for call in calls if call.started_at >= began_at]


def summary_of(
    picture: Picture, attempts: list[AttemptRecord], calls: list[CarrierCall]
) -> Summary:
    took_ms = demo_truth.connect_ms(attempts)
    return Summary(
        picture=picture,
        outcomes=demo_truth.outcomes(attempts),
        n_attempts=len(attempts),
        n_bridged=sum(attempt.bridged_at is not None for attempt in attempts),
        abandon_rate=demo_truth.abandon_rate(attempts),
        p50_ms=demo_truth.percentile(took_ms, 50),
        p99_ms=demo_truth.percentile(took_ms, 99),
        max_ms=demo_truth.percentile(took_ms, 100),
        checks=demo_truth.checks(attempts, calls),
    )


def is_good(summary: Summary) -> bool:
    stats = summary.picture.stats
    is_complete = stats["status"] == "completed" and stats["progress"] == 100
    return is_complete and all(check.holds for check in summary.checks)


if __name__ == "__main__":
    sys.exit(run_attached(AttachSettings()))
