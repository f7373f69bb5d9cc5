"""`dialer doctor` on a real Asterisk: nothing wrong, and things that are."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime

import pytest

from cli.asterisk import Rig
from cli.doctor import examine, examine_asterisk
from cli.doctor_asterisk import Expected
from cli.doctor_findings import Finding, Level, is_fit, lines
from cli.settings import Settings
from engine.core.agent import Agent

QUEUES = tuple(f"dialer-{number}" for number in range(1, 21))


def settings_of(rig: Rig, **more: object) -> Settings:
    values = {
        "ami_host": rig.ami_host,
        "ami_port": rig.ami_port,
        "ami_username": rig.ami_username,
        "ami_secret": rig.ami_secret,
        "queues": QUEUES,
    }
    return Settings.model_validate(values | more)


def agent(extension: str, number: int) -> Agent:
    return Agent(
        id=number, name=extension, extension=extension, mode="off_hook", campaign_ids=(),
        state_since=datetime.now(UTC),
    )  # fmt: skip


def not_ok(findings: list[Finding]) -> dict[str, Level]:
    return {each.name: each.level for each in findings if each.level is not Level.OK}


async def test_all_is_well(rig: Rig, valkey_url: str) -> None:
    findings = await examine(settings_of(rig, redis_url=valkey_url), ["carrier"])
    assert not_ok(findings) == {}, "\n".join(lines(findings))
    assert {each.name for each in findings} >= {
        "Redis durability", "AMI rights", "AMI rights not needed", "AMI events", "Asterisk version",
        "Clock", "Dialplan", "Queues", "Off-hook agents", "Trunk carrier",
    }  # fmt: skip


async def test_what_the_pbx_lacks(rig: Rig) -> None:
    expected = Expected(
        queues=(*QUEUES, "sales"),
        trunks=("nosuch", "a,b)"),
        agents=[agent(rig.extensions[0], 1), agent("4711", 2)],
    )
    findings = await examine_asterisk(settings_of(rig), expected)
    assert not_ok(findings) == {
        "Queues": Level.FAILED,
        "Off-hook agents": Level.FAILED,
        "Agents' phones": Level.FAILED,
        "Trunk nosuch": Level.FAILED,
        "Trunk 'a,b)'": Level.FAILED,
    }, "\n".join(lines(findings))


async def test_a_wrong_secret(rig: Rig) -> None:
    findings = await examine_asterisk(settings_of(rig, ami_secret="wrong"), Expected(QUEUES, ()))
    [login] = findings
    assert login.level is Level.FAILED
    assert "wrong AMI user name or secret" in login.text


@pytest.fixture
def users(rig: Rig) -> Iterator[dict[str, str]]:
    """AMI users beside the dialer's own; the value is their secret."""
    secret = secrets.token_hex(8)
    sections = {
        "poor": "read = system,call\nwrite = agent,reporting\n",
        "deaf": "read = system\nwrite = call,agent,originate,reporting\n",
        "rich": "read = system,call,agent,user\nwrite = all\n",
    }
    path = rig.instance_dir("pbx") / "etc/dialer_manager.conf"
    before = path.read_text()
    text = "".join(f"\n[{name}]\nsecret = {secret}\n{rest}" for name, rest in sections.items())
    path.write_text(before + text)
    rig.cli("pbx", "manager reload")
    yield dict.fromkeys(sections, secret)
    path.write_text(before)
    rig.cli("pbx", "manager reload")


@pytest.fixture
async def findings_of(rig: Rig, users: dict[str, str]) -> AsyncIterator[dict[str, list[Finding]]]:
    """What each of these users is told."""
    yield {
        name: await examine_asterisk(
            settings_of(rig, ami_username=name, ami_secret=secret), Expected(QUEUES, ("carrier",))
        )
        for name, secret in users.items()
    }


async def test_rights(findings_of: dict[str, list[Finding]]) -> None:
    poor = {each.name: each for each in findings_of["poor"]}
    assert poor["AMI rights"].level is Level.FAILED
    assert "call, originate is missing" in poor["AMI rights"].text
    # The other checks went on.
    assert poor["Queues"].level is Level.OK
    assert not_ok(findings_of["deaf"]) == {"AMI events": Level.FAILED}
    assert not_ok(findings_of["rich"]) == {"AMI rights not needed": Level.WARNING}
    assert is_fit(findings_of["rich"])
