"""`dialer demo`: a campaign of simulated people on a real Asterisk, from nothing to its end."""

from __future__ import annotations

import json
import time

from cli.asterisk_install import AsteriskBinary, AsteriskError
from cli.asterisk_rig import Rig
from cli.demo_api import ApiRefused, ApiUnreachable, DemoApi
from cli.demo_campaign import (
    REDIAL_S,
    RING_S,
    SILENCE_S,
    TALK_S,
    WRAP_UP_S,
    DemoOptions,
    Patience,
    limit_of,
    progress_of,
    settings_of,
)
from cli.demo_contacts import as_csv, demo_contacts
from cli.demo_screen import Picture, Screen, Summary
from cli.demo_stack import (
    DemoError,
    Installation,
    Interrupted,
    Interruption,
    Stack,
    installed_binary,
)
from cli.demo_truth import (
    abandon_rate,
    checks,
    connect_ms,
    outcomes,
    percentile,
)
from engine.core.attempt import AttemptRecord
from engine.core.errors import StoreUnavailable

READY_S = 40.0
#: An off-hook agent is ready 5 s after the phone's answer (Asterisk's own probation).
LOGIN_S = 60.0
IMPORT_S = 60.0
CDR_S = 10.0
LOOK_S = 0.5
RESTARTS_WHILE_STARTING = 2


def run_demo(options: DemoOptions) -> int:
    """The exit status: 0 only for a completed campaign whose calls the carrier confirms."""
    began = time.monotonic()
    with Interruption() as interruption, Screen(to_stderr=options.as_json) as screen:
        try:
            summary = _run(options, interruption, screen, began)
        except Interrupted:
            screen.freeze()
            screen.say("Interrupted; everything that the demo started has ended.")
            return 128 + interruption.number
        except (DemoError, AsteriskError, StoreUnavailable, ApiRefused, ApiUnreachable) as error:
            screen.freeze()
            screen.say(f"The demo failed: {error}")
            return 1
    if options.as_json and not options.keep:
        _print_result(summary, began)
    return 0 if _is_good(summary) else 1


def _run(options: DemoOptions, interruption: Interruption, screen: Screen, began: float) -> Summary:
    with Stack(options.n_agents) as stack:
        demo = Demo(options, stack, interruption, screen)
        try:
            summary = demo.run()
        except (DemoError, AsteriskError, StoreUnavailable, ApiRefused, ApiUnreachable):
            stack.keep_folder = True
            raise
        stack.keep_folder = not _is_good(summary)
        if options.keep:
            demo.keep(summary, began)
        screen.say("Ending …")
    if stack.keep_folder:
        screen.say(f"Logs and call records are in {stack.folder}")
    return summary


def _is_good(summary: Summary) -> bool:
    stats = summary.picture.stats
    is_complete = stats["status"] == "completed" and stats["progress"] == 100
    return is_complete and all(check.holds for check in summary.checks)


def _print_result(summary: Summary, began: float) -> None:
    stats = summary.picture.stats
    result = {
        "status": stats["status"],
        "contacts": stats["n_contacts"],
        "progress": stats["progress"],
        "attempts": summary.n_attempts,
        "outcomes": summary.outcomes,
        "bridged": summary.n_bridged,
        "abandon_rate": summary.abandon_rate,
        "connect_ms": {"p50": summary.p50_ms, "p99": summary.p99_ms},
        "wall_s": round(time.monotonic() - began, 1),
    }
    print(json.dumps(result), flush=True)


class Demo:
    """The steps of one demo, in the order in which an administrator would do them."""

    def __init__(
        self, options: DemoOptions, stack: Stack, interruption: Interruption, screen: Screen
    ) -> None:
        self._options = options
        self._stack = stack
        self._interruption = interruption
        self._screen = screen
        self._campaign_id = 0

    def run(self) -> Summary:
        rig = self._start()
        api = self._stack.open_api()
        self._wait_ready(api)
        agent_ids = self._log_agents_in(api, rig)
        self._make_campaign(api, agent_ids)
        self._say_values()
        api.play(self._campaign_id)
        picture = self._follow(api)
        return self._summarise(api, rig, picture)

    # ----------------------------------------------------------------------- starting

    def _start(self) -> Rig:
        binary = installed_binary() or self._install()
        self._screen.say(f"Starting {binary.version}: pbx, simulated carrier, agents' phones …")
        rig = self._stack.start_asterisk(binary, TALK_S)
        rig.set_carrier(SILENCE_S=SILENCE_S)
        self._interruption.sleep(0)
        self._screen.say("Starting Redis, worker, engine and API …")
        self._stack.start_redis()
        self._stack.start_processes()
        return rig

    def _install(self) -> AsteriskBinary:
        def say(seconds: float) -> None:
            self._screen.tick(f"Installing Asterisk, once: about 100 MB … {seconds:.0f} s")

        binary = Installation(self._stack.folder).run(self._interruption, say)
        self._screen.freeze()
        return binary

    def _wait_ready(self, api: DemoApi) -> None:
        if not self._interruption.wait_until(lambda: self._revived() and api.is_ready(), READY_S):
            raise DemoError(f"the API is not ready after {READY_S:.0f} s\n{self._stack.logs()}")

    def _revived(self) -> bool:
        """Start again what died, as `dialer up` does. Raises DemoError where it is no use."""
        for child in self._stack.children.revive():
            self._screen.say(f"{child.name} had ended and was started again")
            if child.n_failures > RESTARTS_WHILE_STARTING and not self._campaign_id:
                raise DemoError(f"{child.name} does not stay up\n{self._stack.logs((child.name,))}")
        return True

    def _log_agents_in(self, api: DemoApi, rig: Rig) -> list[int]:
        self._screen.say(f"Logging {len(rig.extensions)} agents in (they stay on the line) …")
        ids = [api.create_agent(f"Agent {ext}", ext) for ext in rig.extensions]
        for agent_id in ids:
            api.log_in(agent_id)

        def all_available() -> bool:
            self._revived()
            return all(agent["state"] == "available" for agent in api.agents())

        if not self._interruption.wait_until(all_available, LOGIN_S):
            states = ", ".join(f"{a['extension']} {a['state']}" for a in api.agents())
            raise DemoError(
                f"not all agents are available after {LOGIN_S:.0f} s: {states}\n"
                f"{self._stack.logs(('engine',))}\n{rig.log_tail('pbx')}"
            )
        return ids

    # ----------------------------------------------------------------------- campaign

    def _make_campaign(self, api: DemoApi, agent_ids: list[int]) -> None:
        contacts = demo_contacts(self._options.n_contacts)
        campaign_id = api.create_campaign("Demo", settings_of(self._options), agent_ids)
        import_id = api.upload(campaign_id, as_csv(contacts))

        def imported() -> bool:
            self._revived()
            return api.import_of(campaign_id, import_id)["status"] in ("done", "failed")

        done = self._interruption.wait_until(imported, IMPORT_S)
        state = api.import_of(campaign_id, import_id)
        if not done or state["created"] != len(contacts):
            raise DemoError(f"the import failed: {state}\n{self._stack.logs(('worker', 'api'))}")
        self._campaign_id = campaign_id

    def _say_values(self) -> None:
        self._screen.say(
            f"Demo values: conversations of {TALK_S} s, wrap-up {WRAP_UP_S} s, ringing at most "
            f"{RING_S} s, redials after {REDIAL_S} s, every hour of every day. An ordinary "
            "campaign calls from 08:00 to 21:00 of the contact's own time."
        )
        self._screen.say(
            f"Play: {self._options.n_contacts} contacts, {self._options.n_agents} agents, "
            f"{self._options.mode}."
        )

    def _follow(self, api: DemoApi) -> Picture:
        """Until the campaign completes; raises DemoError when nothing happens any more."""
        began = time.monotonic()
        patience = Patience(began, limit_of(self._options))
        while True:
            now = time.monotonic()
            picture = self._look(api, now - began)
            if picture is not None:
                self._screen.show(picture)
                if picture.stats["status"] != "active":
                    return picture
            if patience.is_over(now, picture and progress_of(picture.stats)):
                raise DemoError(self._what_stalled(picture, now - began))
            self._interruption.sleep(LOOK_S)

    def _look(self, api: DemoApi, elapsed_s: float) -> Picture | None:
        """None while the API is away: it is being started again."""
        self._revived()
        try:
            stats = api.stats(self._campaign_id)
            return Picture(api.campaign(self._campaign_id), stats, elapsed_s)
        except ApiUnreachable:
            return None

    def _what_stalled(self, picture: Picture | None, elapsed_s: float) -> str:
        assert self._stack.rig is not None
        shown = json.dumps(picture.stats) if picture else "the API does not answer"
        return (
            f"the campaign stalled after {elapsed_s:.0f} s: {shown}\n{self._stack.logs()}\n"
            f"--- pbx\n{self._stack.rig.log_tail('pbx')}"
        )

    # ------------------------------------------------------------------------ the end

    def _summarise(self, api: DemoApi, rig: Rig, picture: Picture) -> Summary:
        attempts = api.attempts(self._campaign_id)
        # The carrier writes a record when its own side of the call has ended.
        self._interruption.wait_until(lambda: len(rig.carrier_calls()) >= len(attempts), CDR_S)
        summary = summary_of(picture, attempts, rig)
        self._screen.summarise(summary)
        return summary

    def keep(self, summary: Summary, began: float) -> None:
        """Leave everything running until somebody asks for the end."""
        root, token = self._stack.root, self._stack.token
        self._screen.say(
            f"Everything goes on running (--keep).\n  API    {root}/api/v1\n  Token  {token}\n"
            f"  Logs   {self._stack.folder}\nTry:\n"
            f"  curl -H 'Authorization: Bearer {token}' {root}/api/v1/campaigns\n"
            "Ctrl-c ends it all."
        )
        if self._options.as_json:
            _print_result(summary, began)
        try:
            while self._revived():
                self._interruption.sleep(LOOK_S)
        except Interrupted:
            return


def summary_of(picture: Picture, attempts: list[AttemptRecord], rig: Rig) -> Summary:
    took_ms = connect_ms(attempts)
    return Summary(
        picture=picture,
        outcomes=outcomes(attempts),
        n_attempts=len(attempts),
        n_bridged=sum(attempt.bridged_at is not None for attempt in attempts),
        abandon_rate=abandon_rate(attempts),
        p50_ms=percentile(took_ms, 50),
        p99_ms=percentile(took_ms, 99),
        max_ms=percentile(took_ms, 100),
        checks=checks(attempts, rig.carrier_calls()),
    )
