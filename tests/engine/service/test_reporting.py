from __future__ import annotations

from engine.service.calls import Phase


async def test_a_lost_asterisk_is_told_although_calls_seem_in_flight(stage, numbers):
    stage.pbx.patience_s = 5
    campaign_id = await stage.campaign(numbers(s02=1), await stage.hire(1))
    running = stage.start()
    await stage.placed(1)
    world = running.engine.world
    await stage.until(lambda: world.calls.phases(campaign_id)[Phase.RINGING])
    running.telephony.cut()
    view = world.campaigns[campaign_id]
    await stage.until(lambda: view.idle_reasons == ("asterisk_unreachable",))
    assert world.calls.phases(campaign_id)[Phase.RINGING] == 1
    running.telephony.restore()
    await stage.until(lambda: view.idle_reasons == ())
