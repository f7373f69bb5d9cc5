"""`dialer demo`: a campaign of simulated people on a real Asterisk, from nothing to its end."""

from __future__ import annotations

import time

from cli.asterisk_install import AsteriskBinary, AsteriskError
from cli.asterisk_rig import Rig
from cli.demo_api import ApiRefused, ApiUnreachable
from cli.demo_campaign import SILENCE_S, TALK_S, DemoOptions
from cli.demo_run import LOOK_S, DemoRun
from cli.demo_screen import Screen
from cli.demo_stack import (
    DemoError,
    Installation,
    Interrupted,
    Interruption,
    Stack,
    installed_binary,
)
from cli.demo_summary import Summary, as_json
from cli.demo_watch import Watch
from cli.users import let_in
from engine.core.errors import StoreUnavailable

#: A process of ours that died more often than this before Play will not stay up.
MAX_RESTARTS = 5
#: Who may sign in on the page of a demo that is kept.
SIGN_IN_NAME = "demo"
#: Who may sign in to the page that --keep leaves running.
SIGN_IN_NAME = "demo"
FAILURES = (DemoError, AsteriskError, StoreUnavailable, ApiRefused, ApiUnreachable)


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
        except FAILURES as error:
            screen.freeze()
            screen.say(f"The demo failed: {error}")
            return 1
    if options.as_json and not options.keep:
        _print_result(summary, began)
    return 0 if summary.is_good else 1


def _run(options: DemoOptions, interruption: Interruption, screen: Screen, began: float) -> Summary:
    with Stack(options.n_agents) as stack:
        demo = Demo(options, stack, interruption, screen)
        try:
            summary = demo.run()
        except FAILURES:
            stack.keep_folder = True
            raise
        stack.keep_folder = not summary.is_good
        if options.keep:
            demo.keep(summary, began)
        screen.say("Ending …")
    if stack.keep_folder:
        screen.say(f"Logs and call records are in {stack.folder}")
    return summary


def _print_result(summary: Summary, began: float) -> None:
    print(as_json(summary, time.monotonic() - began), flush=True)


class Demo:
    """Starts everything, lets a DemoRun do the campaign, and looks after what was started."""

    def __init__(
        self, options: DemoOptions, stack: Stack, interruption: Interruption, screen: Screen
    ) -> None:
        self._options = options
        self._stack = stack
        self._interruption = interruption
        self._screen = screen

    def run(self) -> Summary:
        rig = self._start_asterisk()
        self._screen.say("Starting Redis, worker, engine and API …")
        self._stack.start_redis()
        self._stack.start_processes()
        with Watch(rig) as watch:
            run = DemoRun(
                options=self._options,
                api=self._stack.open_api(),
                interruption=self._interruption,
                screen=self._screen,
                look_after=self._look_after,
                explain=self._stack.logs,
                watched_ms=watch.connect_ms,
            )
            return run.run(rig.extensions, rig.carrier_calls)

    def _start_asterisk(self) -> Rig:
        binary = installed_binary() or self._install()
        self._screen.say(f"Starting {binary.version}: pbx, simulated carrier, agents' phones …")
        rig = self._stack.start_asterisk(binary)
        rig.set_phones(talk_ms=TALK_S * 1000)
        rig.set_carrier(SILENCE_S=SILENCE_S)
        # Here a ctrl-c of the meantime takes effect.
        self._interruption.sleep(0)
        return rig

    def _install(self) -> AsteriskBinary:
        def say(seconds: float) -> None:
            self._screen.tick(f"Installing Asterisk, once: about 100 MB … {seconds:.0f} s")

        binary = Installation(self._stack.folder).run(self._interruption, say)
        self._screen.freeze()
        return binary

    def _look_after(self) -> None:
        """Start again what died, as `dialer up` does. Raises DemoError where it is no use."""
        for child in self._stack.children.revive():
            self._screen.say(f"{child.name} had ended and was started again")
            if child.n_failures > MAX_RESTARTS:
                raise DemoError(f"{child.name} does not stay up\n{self._stack.logs()}")

    def keep(self, summary: Summary, began: float) -> None:
        """Leave everything running until somebody asks for the end."""
        root, token = self._stack.root, self._stack.token
        password = let_in(self._stack.redis_url, SIGN_IN_NAME)
        self._screen.say(
            "Everything goes on running (--keep).\n"
            f"  Page   {root}/  (sign in as {SIGN_IN_NAME} with the password {password})\n"
            f"  API    {root}/api/v1\n  Token  {token}\n"
            f"  Logs   {self._stack.folder}\nTry:\n"
            f"  curl -H 'Authorization: Bearer {token}' {root}/api/v1/campaigns\n"
            "Ctrl-c ends it all."
        )
        if self._options.as_json:
            _print_result(summary, began)
        try:
            while True:
                self._look_after()
                self._interruption.sleep(LOOK_S)
        except Interrupted:
            return
