"""The reference: a panoramisk loop that only originates and counts, as a process of its own.

It logs in as the dialer's own AMI user, so the same filters give it the same events, and its
originates are the engine's own, so Asterisk does the same work. What it lacks is all the rest: no
store, no states, no settling. Standard input: lines of numbers. Standard output: one JSON line at
the end. SIGTERM ends it.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections import Counter
from collections.abc import Sequence
from itertools import count
from typing import Any

from panoramisk import Manager

from engine.ports import DialOrder
from telephony import encode

#: A queue without agents: whoever answers waits in it until he hangs up.
QUEUE = "dialer-20"


async def main(calls_per_s: float, phones: Sequence[str]) -> None:
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    manager = Manager(
        loop=loop,
        host=os.environ["DIALER_AMI_HOST"],
        port=int(os.environ["DIALER_AMI_PORT"]),
        username=os.environ["DIALER_AMI_USERNAME"],
        secret=os.environ["DIALER_AMI_SECRET"],
    )
    seen: Counter[str] = Counter()

    def counted(_: Manager, event: Any) -> None:
        seen[event.event] += 1

    manager.register_event("OriginateResponse", counted)
    manager.register_event("Hangup", counted)
    await manager.connect()
    while not manager.authenticated:
        await asyncio.sleep(0.05)
    await originate(manager, calls_per_s, phones, stop)
    manager.close()
    print(json.dumps(seen), flush=True)


async def originate(
    manager: Manager, calls_per_s: float, phones: Sequence[str], stop: asyncio.Event
) -> None:
    """One call after the other at an even rate, whatever becomes of them."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    for number, phone in zip(count(1), phones, strict=False):
        manager.send_action(action(number, phone), as_list=False)
        await asyncio.sleep(max(0.0, began + number / calls_per_s - loop.time()))
        if stop.is_set():
            return
    await stop.wait()


def action(number: int, phone: str) -> dict[str, Any]:
    """Ids of a campaign that there never is, so that an engine takes no notice of them."""
    attempt_id = f"0a{number:020d}"
    order = DialOrder(
        attempt_id=attempt_id,
        campaign_id=0,
        contact_id=number,
        phone=phone,
        caller_id="+12025550100",
        trunk="carrier",
        queue=QUEUE,
        ring_timeout_s=10,
    )
    return dict(encode.originate(order))


if __name__ == "__main__":
    asyncio.run(main(float(sys.argv[1]), sys.stdin.read().split()))
