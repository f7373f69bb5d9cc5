"""The steps of a demo campaign over HTTP, in the order in which an administrator would do them."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from cli.asterisk_cdr import CarrierCall
from cli.demo_api import ApiUnreachable, DemoApi
from cli.demo_campaign import (
    REDIAL_S,
    RING_S,
    TALK_S,
    WRAP_UP_S,
    DemoOptions,
    Patience,
    limit_of,
    progress_of,
    settings_of,
)
from cli.demo_contacts import as_csv, demo_contacts
from cli.demo_screen import Screen
from cli.demo_stack import DemoError, Interruption
from cli.demo_summary import Picture, Summary, summary_of

READY_S = 60.0
#: An off-hook agent is ready 5 s after the phone's answer (Asterisk's own probation).
LOGIN_S = 60.0
IMPORT_S = 60.0
CDR_S = 10.0
LOOK_S = 0.5


@dataclass(frozen=True, slots=True)
class DemoRun:
    """`look_after` is called while waiting and may start what died again; `explain` gives the
    ends of logs for error messages; `watched_ms` how long connecting took where somebody watched
    the bridges.
    """

    options: DemoOptions
    api: DemoApi
    interruption: Interruption
    screen: Screen
    look_after: Callable[[], None]
    explain: Callable[[], str]
    watched_ms: Callable[[], Sequence[float]] | None = None

    def run(
        self, extensions: Sequence[str], carrier_calls: Callable[[], Sequence[CarrierCall]]
    ) -> Summary:
        """Raises DemoError when a step does not come to its end."""
        self._wait(self.api.is_ready, READY_S, lambda: "the API is not ready")
        campaign_id = self._make_campaign(self._log_agents_in(extensions))
        self._say_values()
        self.api.play(campaign_id)
        picture = self._follow(campaign_id)
        return self._summarise(campaign_id, picture, carrier_calls)

    def _wait(
        self, condition: Callable[[], bool], timeout_s: float, what: Callable[[], str]
    ) -> None:
        def holds() -> bool:
            self.look_after()
            return condition()

        if not self.interruption.wait_until(holds, timeout_s):
            raise DemoError(f"{what()} after {timeout_s:.0f} s\n{self.explain()}")

    def _log_agents_in(self, extensions: Sequence[str]) -> list[int]:
        self.screen.say(f"Logging {len(extensions)} agents in (they stay on the line) …")
        known = {agent["extension"]: int(agent["id"]) for agent in self.api.agents()}
        ids = [known.get(ext) or self.api.create_agent(f"Agent {ext}", ext) for ext in extensions]
        for agent_id in ids:
            self.api.log_in(agent_id)

        def all_available() -> bool:
            return all(a["state"] == "available" for a in self.api.agents() if a["id"] in ids)

        def states() -> str:
            every = ", ".join(f"{a['extension']} {a['state']}" for a in self.api.agents())
            return f"not all agents are available ({every})"

        self._wait(all_available, LOGIN_S, states)
        return ids

    def _make_campaign(self, agent_ids: list[int]) -> int:
        contacts = demo_contacts(self.options.n_contacts, self.options.answer_rate)
        campaign_id = self.api.create_campaign("Demo", settings_of(self.options), agent_ids)
        import_id = self.api.upload(campaign_id, as_csv(contacts))

        def is_over() -> bool:
            return self.api.import_of(campaign_id, import_id)["status"] in ("done", "failed")

        self._wait(is_over, IMPORT_S, lambda: "the calling list is not imported")
        state = self.api.import_of(campaign_id, import_id)
        if state["created"] != len(contacts):
            raise DemoError(f"the import failed: {json.dumps(state)}\n{self.explain()}")
        return campaign_id

    def _say_values(self) -> None:
        self.screen.say(
            f"Demo values: conversations of {TALK_S} s, wrap-up {WRAP_UP_S} s, ringing at most "
            f"{RING_S} s, redials after {REDIAL_S} s, every hour of every day. An ordinary "
            "campaign calls from 08:00 to 21:00 of the contact's own time."
        )
        options = self.options
        self.screen.say(
            f"Play: {options.n_contacts} contacts, {options.n_agents} agents, {options.mode}."
        )

    def _follow(self, campaign_id: int) -> Picture:
        """Until the campaign has ended; raises DemoError when nothing happens any more."""
        began = time.monotonic()
        patience = Patience(began, limit_of(self.options))
        while True:
            now = time.monotonic()
            picture = self._look(campaign_id, now - began)
            if picture is not None:
                self.screen.show(picture)
                if picture.stats["status"] != "active":
                    return picture
            if patience.is_over(now, picture and progress_of(picture.stats)):
                raise DemoError(self._what_stalled(picture, now - began))
            self.interruption.sleep(LOOK_S)

    def _look(self, campaign_id: int, elapsed_s: float) -> Picture | None:
        """None while the API is away: it is being started again."""
        self.look_after()
        try:
            stats = self.api.stats(campaign_id)
            return Picture(self.api.campaign(campaign_id), stats, elapsed_s)
        except ApiUnreachable:
            return None

    def _what_stalled(self, picture: Picture | None, elapsed_s: float) -> str:
        shown = json.dumps(picture.stats) if picture else "the API does not answer"
        return f"the campaign stalled after {elapsed_s:.0f} s: {shown}\n{self.explain()}"

    def _summarise(
        self,
        campaign_id: int,
        picture: Picture,
        carrier_calls: Callable[[], Sequence[CarrierCall]],
    ) -> Summary:
        attempts = self.api.attempts(campaign_id)
        # The carrier writes a record when its own side of the call has ended.
        self.interruption.wait_until(lambda: len(carrier_calls()) >= len(attempts), CDR_S)
        watched = None if self.watched_ms is None else self.watched_ms()
        summary = summary_of(picture, attempts, carrier_calls(), watched)
        self.screen.summarise(summary)
        return summary
