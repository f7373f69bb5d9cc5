"""`dialer doctor`: looks at everything that the dialer needs, and says what to do about it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Sequence

from admin_api.settings import ApiSettings
from cli import doctor_asterisk as asterisk
from cli import doctor_findings as report
from cli.doctor_asterisk import Expected, Session
from cli.doctor_findings import Finding, failed
from cli.doctor_redis import check_redis, check_rq_redis
from cli.doctor_settings import judge_settings
from cli.settings import Settings
from engine.core.agent import Agent
from engine.core.errors import DialerError, LinkDown, StoreUnavailable
from engine.core.settings import CampaignSettings
from engine.core.sound import is_ours
from engine.store import RedisStore

#: No check takes longer than this; the slowest wait for lists of a large Asterisk.
CHECK_S = 20.0
MAX_CAMPAIGNS = 1_000

Check = Callable[[], Awaitable[list[Finding]]]


def run_doctor(settings: Settings, trunks: Sequence[str], *, as_json: bool) -> int:
    """The exit status: 0 when nothing failed."""
    findings = asyncio.run(examine(settings, trunks))
    if as_json:
        print(json.dumps(report.document(findings)))
    else:
        print("\n".join([*report.lines(findings), report.summary(findings)]))
    return 0 if report.is_fit(findings) else 1


async def examine(settings: Settings, trunks: Sequence[str] = ()) -> list[Finding]:
    """All findings. No check stops the next one."""
    findings = judge_settings(settings)
    findings += await bounded("Redis", lambda: check_redis(settings))
    findings += await bounded("RQ Redis", lambda: check_rq_redis(settings))
    agents, campaigns = await _of_store(settings)
    known = [trunk for each in campaigns if (trunk := each.dialing.trunk)]
    named = [*trunks, *(ApiSettings().trunks or ()), *known]
    sounds = _files_of(settings, campaigns)
    expected = Expected(settings.queues, list(dict.fromkeys(named)), agents, sounds)
    return findings + await examine_asterisk(settings, expected)


async def bounded(name: str, check: Check) -> list[Finding]:
    """The check's findings; a finding that says why where it could not be made."""
    try:
        async with asyncio.timeout(CHECK_S):
            return await check()
    except TimeoutError:
        return [failed(name, f"no answer within {CHECK_S:.0f} s", "is it overloaded or stopped?")]
    except (DialerError, OSError) as error:
        return [failed(name, f"could not be checked: {error}", "mend what failed above first")]


async def examine_asterisk(settings: Settings, expected: Expected) -> list[Finding]:
    config = settings.ami
    try:
        async with asterisk.session(config) as ami:
            findings = [asterisk.logged_in(config)]
            for name, check in _checks(ami, expected):
                findings += await bounded(name, check)
            return findings
    except LinkDown as error:
        return [asterisk.unreachable(config, error)]


def _checks(ami: Session, expected: Expected) -> list[tuple[str, Check]]:
    return [
        ("AMI rights", lambda: asterisk.check_rights(ami)),
        ("AMI events", lambda: asterisk.check_events(ami)),
        ("Asterisk version", lambda: asterisk.check_version(ami)),
        ("Clock", lambda: asterisk.check_clock(ami)),
        ("Dialplan", lambda: asterisk.check_dialplan(ami)),
        ("Queues", lambda: asterisk.check_queues(ami, expected)),
        ("Off-hook agents", lambda: asterisk.check_agents(ami, expected)),
        ("Agents' phones", lambda: asterisk.check_phones(ami, expected)),
        ("Recordings", lambda: asterisk.check_sounds(ami, expected)),
        ("Trunk", lambda: asterisk.check_trunks(ami, expected)),
        ("Registrations", lambda: asterisk.check_registrations(ami)),
    ]


def _files_of(settings: Settings, campaigns: Sequence[CampaignSettings]) -> list[str]:
    """Recordings that campaigns name, as Asterisk finds them; ours are in a folder of ours."""
    names = dict.fromkeys(name for each in campaigns for name in each.recordings.values())
    folder = settings.sounds_in_asterisk.rstrip("/")
    return [f"{folder}/{name}" if is_ours(name) else name for name in names]


async def _of_store(settings: Settings) -> tuple[list[Agent], list[CampaignSettings]]:
    """Agents, and settings of campaigns that may still dial; none where there is no store."""
    if settings.redis_url is None:
        return [], []
    try:
        async with asyncio.timeout(CHECK_S):
            store = await RedisStore.connect(settings.redis_url)
            try:
                page = await store.campaigns.list(limit=MAX_CAMPAIGNS)
                agents = list(await store.agents.all())
            finally:
                await store.close()
    except (StoreUnavailable, TimeoutError):
        # Said already, by the check of Redis itself.
        return [], []
    return agents, [campaign.settings for campaign in page.items if not campaign.is_final]
