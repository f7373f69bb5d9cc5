"""Campaigns without agents on the fake PBX: messages, keys, and what follows from them."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime

import pytest

from engine.core.campaign import CampaignStatus, Command
from engine.core.contact import NewContact
from engine.core.errors import CampaignIncomplete
from engine.core.outcome import Outcome

KEYS = [
    {"key": "9", "action": "opt_out"},
    {"key": "1", "action": "confirm", "disposition": "comes"},
    {"key": "2", "action": "transfer", "target": "queue:sales"},
    {"key": "3", "action": "repeat"},
]
AGENTLESS = {"pacing": {"mode": "agentless"}, "agentless": {"message": "reminder", "keys": KEYS}}


async def test_a_message_and_its_keys(stage, numbers):
    called = [*numbers(s00=3, s26=2, s07=1, s01=1), "+12025552701", "+12025552702"]
    redial = {"rules": {}, "max_attempts": 1}
    campaign_id = await stage.campaign(called, [], redial=redial, **AGENTLESS)
    stage.start()
    await stage.completed(campaign_id)
    attempts = await stage.check(campaign_id)
    told = Counter((each.phone[-4:-2], each.outcome, each.disposition) for each in attempts)
    assert told == {
        ("00", Outcome.MESSAGE_PLAYED, None): 3,
        ("26", Outcome.MESSAGE_PLAYED, "opt_out"): 2,
        ("27", Outcome.MESSAGE_PLAYED, "comes"): 1,
        ("27", Outcome.MESSAGE_PLAYED, "transfer"): 1,
        ("07", Outcome.HUNG_UP_EARLY, None): 1,
        ("01", Outcome.BUSY, None): 1,
    }
    assert all(each.message_played for each in attempts if each.phone[-4:-2] == "00")
    assert not any(each.abandoned for each in attempts)
    listed = await stage.store.numbers.on_dnc([(phone, ()) for phone in numbers(s26=2, s00=1)])
    assert list(listed) == [True, True, False], "an opt-out is on the list for all campaigns"


async def test_as_many_calls_as_channels_and_no_queue_of_the_pool(stage, numbers):
    stage.pbx.ring_s, stage.pbx.message_s = 0.1, 0.3
    campaign_id = await stage.campaign(
        numbers(s00=20), [], dialing={"max_channels": 4}, **AGENTLESS
    )
    running = stage.start()
    most = 0

    async def over() -> bool:
        nonlocal most
        most = max(most, len(stage.pbx.channels))
        return (await stage.get(campaign_id)).status is CampaignStatus.COMPLETED

    await stage.until(over)
    assert most == 4
    assert all(order.prompt and order.queue == "" for order in stage.pbx.placed)
    assert running.engine.world.calls.phases(campaign_id).total() == 0


async def test_the_live_figures_show_who_hears_the_message(stage, numbers):
    stage.pbx.message_s = 30.0
    campaign_id = await stage.campaign(numbers(s00=2), [], **AGENTLESS)
    stage.start()

    async def both_listen() -> bool:
        figures = await stage.store.campaigns.live_figures(campaign_id) or {}
        return figures.get("calls", {}).get("message") == 2

    await stage.until(both_listen)
    for channel in list(stage.pbx.channels.values()):
        channel.hang_up.set()


async def test_a_key_may_ask_for_what_a_disposition_does(stage, numbers):
    keys = [KEYS[0], {"key": "1", "action": "confirm", "disposition": "later"}]
    campaign_id = await stage.campaign(
        ["+12025552701"],
        [],
        pacing={"mode": "agentless"},
        agentless={"message": "reminder", "keys": keys},
        dispositions=[{"code": "later", "action": "redial", "delay_s": 0}],
    )
    stage.start()
    await stage.completed(campaign_id)
    attempts = await stage.check(campaign_id)
    assert [each.disposition for each in attempts] == ["later"] * 3, "until max_attempts"


async def test_without_a_message_it_does_not_begin(stage, numbers):
    campaign_id = await stage.campaign(numbers(s00=1), [], play=False, pacing={"mode": "agentless"})
    with pytest.raises(CampaignIncomplete) as refused:
        await stage.tell(campaign_id, Command.PLAY)
    assert [each.field for each in refused.value.errors] == ["settings.agentless.message"]


async def test_a_key_s_disposition_has_rules_of_its_own(stage, numbers):
    """Two dials follow, on the phones in turn, and none of the three counts."""
    rule = {"code": "comes", "action": "redial", "delay_s": 0, "max": 2, "phone": "next"}
    dispositions = [{**rule, "counts": False}]
    campaign_id = await stage.campaign(
        [], [], play=False, dispositions=dispositions, redial={"max_attempts": 1}, **AGENTLESS
    )
    one = NewContact(phone="+12025552701", phones=("+12025552711",), hours_class="America/New_York")
    await stage.store.contacts.add(campaign_id, [one], datetime.now(UTC))
    await stage.tell(campaign_id, Command.PLAY)
    stage.start()
    await stage.completed(campaign_id)
    (contact,) = await stage.contacts(campaign_id)
    assert [each.phone[-2:] for each in await stage.attempts(campaign_id)] == ["01", "11", "01"]
    assert (contact.n_attempts, contact.done_reason) == (0, "no_redial_after_disposition")
