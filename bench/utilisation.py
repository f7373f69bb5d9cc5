"""Predictive beside progressive on a real Asterisk, and beside what `dialer simulate` foretells.

30 agents stay on the line; 35 % of the calls are answered by a person after 2 to 12 s, the agents
talk for 20 s and wrap up for 5. One campaign for each mode, one after the other. The agents' time
is counted from the records of a window after the start; abandoned calls from the first second on.
Simulated are shifts as long and as cold as these, with the same window.
The carrier records what people hear: who got no agent must hear the message, from its beginning
and within 2.2 s of the answer.
"""

from __future__ import annotations

import asyncio
import random
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path

# Else `engine` would be the file beside this one.
sys.path.pop(0)
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench.parts import report
from bench.parts.numbers import AREA_CODES
from bench.parts.site import Site, now
from cli.asterisk_cdr import read_sound
from engine.core.attempt import AttemptRecord
from engine.core.campaign import Command
from engine.core.outcome import Outcome
from engine.core.settings import CampaignSettings
from engine.core.simulation.compare import Comparison, Figures, compare
from engine.core.simulation.history import scenario_of

MODES = ("progressive", "predictive")
#: Another one of the carrier's mix at each call.
MIX = "20"
SHARES = {"HUMAN": 35, "MACHINE": 0, "BUSY": 15, "NO_ANSWER": 45, "UNALLOCATED": 5}
TALK_S, WRAP_UP_S, RING_TIMEOUT_S = 20, 5, 15
MAX_RATE, MAX_OFF_POINTS, MAX_FIRST_SOUND_S = 0.03, 5.0, 2.2
#: The carrier's recording may lack so much of its beginning.
CUT_S = 0.5
DRAIN_S = 120.0
TICK_S = 0.2
#: Calls of an agent in a second, at most.
CALLS_PER_AGENT_S = 0.13
GOAL = (
    f"predictive beats progressive by what simulate says, +-{MAX_OFF_POINTS:g} points;"
    f" abandoned <= {100 * MAX_RATE:g} %; each abandoned call heard the whole message"
    f" within {MAX_FIRST_SOUND_S:g} s"
)


@dataclass(frozen=True, slots=True)
class Plan:
    n_agents: int
    warm_up_s: float
    window_s: float
    #: Simulated shifts.
    shifts: int

    @property
    def hours(self) -> float:
        return (self.warm_up_s + self.window_s) / 3600

    @property
    def n_contacts(self) -> int:
        return int((self.warm_up_s + self.window_s + 30) * self.n_agents * CALLS_PER_AGENT_S)


FULL = Plan(n_agents=30, warm_up_s=90, window_s=270, shifts=20)
QUICK = Plan(n_agents=6, warm_up_s=5, window_s=40, shifts=2)


@dataclass(frozen=True, slots=True)
class Shift:
    records: Sequence[AttemptRecord]
    began_at: datetime
    ended_at: datetime
    #: Of each abandoned call: seconds to the first sound, and of sound; None: nothing was heard.
    heard: Sequence[tuple[float, float] | None]
    n_stuck: int = 0

    def utilisation(self, n_agents: int) -> float:
        """Percent of the window in which agents talked or wrapped up."""
        busy_s = sum(self._inside_s(each) for each in self.records if each.bridged_at)
        return round(100 * busy_s / n_agents / _s(self.began_at, self.ended_at), 2)

    def _inside_s(self, record: AttemptRecord) -> float:
        assert record.bridged_at is not None
        begin = max(record.bridged_at, self.began_at)
        end = min(record.ended_at + timedelta(seconds=WRAP_UP_S), self.ended_at)
        return max(0.0, _s(begin, end))

    def n(self, outcome: Outcome) -> int:
        return sum(record.outcome is outcome for record in self.records)

    @property
    def abandon_rate(self) -> float:
        n_abandoned = self.n(Outcome.ABANDONED)
        return n_abandoned / max(1, n_abandoned + self.n(Outcome.ANSWERED))


async def measure(plan: Plan) -> dict[str, Shift]:
    phones = _numbers()
    async with Site(plan.n_agents) as site:
        site.rig.set_phones(talk_ms=TALK_S * 1000)
        site.rig.set_carrier(CARRIER_RECORD=1, MIX_CONGESTION=0, **_mix())
        await site.make_campaign(["+12025550199"])
        await site.move(Command.STOP)
        found = {}
        for mode in MODES:
            await site.make_another(list(islice(phones, plan.n_contacts)), _settings(mode))
            found[mode] = await _shift(site, plan)
        return found


async def _shift(site: Site, plan: Plan) -> Shift:
    await site.start_engine()
    await site.move(Command.PLAY)
    await asyncio.sleep(plan.warm_up_s)
    began_at = now()
    await asyncio.sleep(plan.window_s)
    ended_at = now()
    await site.move(Command.PAUSE)
    n_stuck = await _drain(site)
    await site.move(Command.STOP)
    records = await site.attempts()
    await site.stop_engine()
    return Shift(records, began_at, ended_at, _heard(site, records), n_stuck)


async def _drain(site: Site) -> int:
    """Conversations that an agent's simulated phone did not notice end by our hand: how many."""
    try:
        await site.drained(DRAIN_S)
    except TimeoutError:
        counts = await site.store.calls.counts(site.campaign_id)
        print(site.rig.cli("pbx", "core show channels concise"), file=sys.stderr)
        site.rig.cli("carrier", "channel request hangup all")
        await site.drained(DRAIN_S)
        return counts["in_flight"]
    return 0


def _heard(site: Site, records: Sequence[AttemptRecord]) -> list[tuple[float, float] | None]:
    calls = {call.number: call for call in site.rig.carrier_calls()}
    found: list[tuple[float, float] | None] = []
    for record in records:
        if record.outcome is not Outcome.ABANDONED:
            continue
        call = calls.get(record.phone.lstrip("+"))
        heard = site.rig.heard(call) if call else None
        first_s = heard.first_sound_s if heard else None
        found.append((first_s, heard.sound_s) if heard and first_s is not None else None)
    return found


def foretold(plan: Plan, shifts: dict[str, Shift]) -> dict[str, Figures]:
    """What `dialer simulate --from-campaign` would say of such calls."""
    records = [record for shift in shifts.values() for record in shift.records]
    settings = _settings("predictive")
    scenario = scenario_of(records, settings, agents=plan.n_agents, hours=plan.hours)
    comparison = Comparison(
        scenario=replace(scenario, tick_s=TICK_S, counted_from_s=plan.warm_up_s), modes=MODES,
        dial_level=1.0, max_abandon_rate=MAX_RATE, shifts=plan.shifts,
    )  # fmt: skip
    return compare(comparison, lambda number: random.Random(f"1 {number}"))


def main() -> None:
    options = report.arguments(__doc__.splitlines()[0])
    plan = QUICK if options.quick else FULL
    shifts = asyncio.run(measure(plan))
    simulated = foretold(plan, shifts)
    seen = {mode: shift.utilisation(plan.n_agents) for mode, shift in shifts.items()}
    gain = seen["predictive"] - seen["progressive"]
    said = simulated["predictive"]["utilisation"] - simulated["progressive"]["utilisation"]
    rates = {mode: shift.abandon_rate for mode, shift in shifts.items()}
    heard = [each for shift in shifts.values() for each in shift.heard]
    n_heard = sum(_is_whole(each) for each in heard)
    figures = {
        "n_agents": plan.n_agents,
        "window_s": plan.window_s,
        "utilisation": seen,
        "simulated": {mode: each["utilisation"] for mode, each in simulated.items()},
        "gain_points": round(gain, 2),
        "simulated_gain_points": round(said, 2),
        "abandon_rate": {mode: round(100 * rate, 2) for mode, rate in rates.items()},
        "answered": {m: s.n(Outcome.ANSWERED) for m, s in shifts.items()},
        "abandoned": {m: s.n(Outcome.ABANDONED) for m, s in shifts.items()},
        "stuck": {mode: shift.n_stuck for mode, shift in shifts.items()},
        "calls": {mode: len(shift.records) for mode, shift in shifts.items()},
        "abandoned_heard_the_message": n_heard,
        "first_sound_s": max((each[0] for each in heard if each), default=None),
    }
    holds = abs(gain - said) <= MAX_OFF_POINTS and max(rates.values()) <= MAX_RATE
    meets_goal = holds and n_heard == len(heard)
    ratio = round(seen["predictive"] / max(0.1, seen["progressive"]), 3)
    report.finish("utilisation", figures, GOAL, meets_goal=meets_goal, ratio=ratio)


def _is_whole(heard: tuple[float, float] | None) -> bool:
    return heard is not None and (
        heard[0] <= MAX_FIRST_SOUND_S and heard[1] >= _message_s() - CUT_S
    )


def _message_s() -> float:
    from cli.asterisk_install import cache_dir, host_binary, unpacked_binary

    binary = host_binary() or unpacked_binary(cache_dir())
    assert binary is not None
    return read_sound(binary.data_dir / "sounds/en/vm-nobodyavail.wav").sound_s


def _mix() -> dict[str, int]:
    return {f"MIX_{name}": share for name, share in SHARES.items()}


def _numbers() -> Iterator[str]:
    return (f"+1{area}555{MIX}{last:02d}" for last in range(100) for area in AREA_CODES)


def _settings(mode: str) -> CampaignSettings:
    return CampaignSettings.model_validate({
        "pacing": {"mode": mode, "max_abandon_rate": MAX_RATE},
        "dialing": {
            "trunk": "carrier",
            "caller_ids": ["+12025550100"],
            "ring_timeout_s": RING_TIMEOUT_S,
            "max_channels": 300,
            "max_cps": 20,
        },
        "redial": {"max_attempts": 1},
        "hours": {"windows": [{"start": "00:00", "end": "24:00"}]},
        "wrap_up_s": WRAP_UP_S,
    })  # fmt: skip


def _s(start: datetime, end: datetime) -> float:
    return (end - start).total_seconds()


if __name__ == "__main__":
    main()
