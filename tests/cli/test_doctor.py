"""`dialer doctor` on what goes wrong; on a real Asterisk it is tested in tests/asterisk."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cli import doctor_judge as judge
from cli.doctor import examine
from cli.doctor_findings import Finding, Level, document, failed, is_fit, lines, ok, warning
from cli.doctor_redis import judge_durability, judge_embedded, judge_rq, judge_server
from cli.doctor_rights import NEEDED, judge_rights, missing_of
from cli.doctor_settings import is_strong, judge_settings
from cli.main import app
from cli.settings import Settings
from engine.store import EmbeddedRedis
from engine.store.link import Link
from telephony.fake_asterisk import FakeAsterisk, list_answer

SECRET = "a-secret-that-only-tests-have"
#: Nobody listens on the port of `discard`, and no test may bind it.
CLOSED_PORT = 9


@pytest.fixture
def own_redis(tmp_path: Path) -> Iterator[str]:
    """A server whose configuration this test may spoil."""
    server = EmbeddedRedis(tmp_path / "redis")
    yield server.start()
    server.stop()


def settings(redis_url: str | None, ami_port: int, **more: object) -> Settings:
    return Settings.model_validate(
        {"redis_url": redis_url, "ami_port": ami_port, "ami_secret": SECRET} | more
    )


def level_of(findings: list[Finding], name: str) -> Level:
    [finding] = [each for each in findings if each.name == name]
    return finding.level


# ------------------------------------------------------------------------------- as a whole


def healthy(fake: FakeAsterisk) -> None:
    """Answer as an Asterisk on which all is in place."""
    commands = {"Response": "Success", **dict.fromkeys(NEEDED, "what it does")}
    fake.answers["ListCommands"] = lambda headers: [commands]
    version = {"Response": "Success", "AsteriskVersion": "20.5.0"}
    fake.answers["CoreSettings"] = lambda headers: [version]
    fake.answers["Originate"] = lambda headers: [
        {"Response": "Success"},
        {"Event": "OriginateResponse", "Response": "Success"},
    ]
    fake.answers["ShowDialPlan"] = list_answer("ListDialplan", [{"Context": "one"}])
    queues = [{"Queue": f"dialer-{number}"} for number in range(1, 21)]
    fake.answers["QueueSummary"] = list_answer("QueueSummary", queues)
    fake.answers["Agents"] = list_answer("Agents", [{"Agent": "1001"}])
    state = {"Response": "Success", "Value": "NOT_INUSE"}
    fake.answers["Getvar"] = lambda headers: [state]
    registered = [{"ObjectName": "carrier", "Status": "Registered"}]
    fake.answers["PJSIPShowRegistrationsOutbound"] = list_answer("Detail", registered)


async def test_redis_down_does_not_keep_asterisk_from_being_checked() -> None:
    async with FakeAsterisk(secret=SECRET) as fake:
        healthy(fake)
        url = f"redis://127.0.0.1:{CLOSED_PORT}/0"
        findings = await examine(settings(url, fake.port), ["carrier"])
    assert not is_fit(findings)
    bad = {each.name for each in findings if each.level is Level.FAILED}
    assert bad == {"Redis", "RQ Redis"}
    assert level_of(findings, "Trunk carrier") is Level.OK


async def test_asterisk_down(valkey_url: str) -> None:
    findings = await examine(settings(valkey_url, CLOSED_PORT))
    [login] = [each for each in findings if each.level is Level.FAILED]
    assert login.name == "AMI login"
    assert "cannot reach Asterisk" in login.text and "DIALER_AMI_HOST" in login.fix
    assert level_of(findings, "Redis durability") is Level.OK


async def test_a_wrong_secret_is_said_and_not_shown(valkey_url: str) -> None:
    async with FakeAsterisk(secret="another") as fake:
        findings = await examine(settings(valkey_url, fake.port))
    [login] = [each for each in findings if each.level is Level.FAILED]
    assert "wrong AMI user name or secret" in login.text
    assert SECRET not in json.dumps(document(findings))


async def test_one_refused_check_does_not_stop_the_next(valkey_url: str) -> None:
    async with FakeAsterisk(secret=SECRET) as fake:
        healthy(fake)
        fake.refused = {"ShowDialPlan": "Permission denied", "CoreSettings": "Permission denied"}
        findings = await examine(settings(valkey_url, fake.port), ["carrier"])
    assert level_of(findings, "Dialplan") is Level.FAILED
    assert level_of(findings, "Asterisk version") is Level.FAILED
    assert level_of(findings, "Queues") is Level.OK


async def test_modules_that_are_not_loaded(valkey_url: str) -> None:
    async with FakeAsterisk(secret=SECRET) as fake:
        healthy(fake)
        words = "Invalid/unknown command: Agents. Use Action: ListCommands"
        fake.refused = {"Agents": words, "PJSIPShowRegistrationsOutbound": words}
        findings = await examine(settings(valkey_url, fake.port), ["carrier"])
    assert is_fit(findings)
    assert level_of(findings, "Off-hook agents") is Level.WARNING


async def test_a_server_that_forgets(own_redis: str) -> None:
    link = Link(own_redis)
    await link.call("CONFIG", "SET", "appendonly", "no")
    await link.call("CONFIG", "SET", "maxmemory-policy", "allkeys-lru")
    await link.close()
    findings = await examine(settings(own_redis, CLOSED_PORT))
    assert level_of(findings, "Redis durability") is Level.FAILED
    assert level_of(findings, "Redis memory") is Level.WARNING


def test_the_command_ends_with_one_object_and_a_status(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REDIS_URL", f"redis://127.0.0.1:{CLOSED_PORT}/0")
    monkeypatch.setenv("DIALER_AMI_PORT", str(CLOSED_PORT))
    result = CliRunner().invoke(app, ["doctor", "--json"])
    assert result.exit_code == 1
    report = json.loads(result.stdout.splitlines()[-1])
    assert report["ok"] is False
    assert {"name", "level", "text", "fix"} == set(report["findings"][0])


# ------------------------------------------------------------------------------- the report


def test_lines_say_the_fix() -> None:
    found = [
        ok("One", "is fine"),
        warning("Two", "is odd", "look"),
        failed("Three", "is bad", "do"),
    ]
    assert lines(found) == [
        "ok       One: is fine",
        "warning  Two: is odd",
        "         → look",
        "failed   Three: is bad",
        "         → do",
    ]


def test_warnings_do_not_fail() -> None:
    assert is_fit([ok("One", "fine"), warning("Two", "odd", "look")])
    assert not is_fit([failed("Three", "bad", "do")])


# ---------------------------------------------------------------------------- the judgements


@pytest.mark.parametrize(
    ("info", "fsync", "level"),
    [
        ({"aof_enabled": "1"}, "everysec", Level.OK),
        ({"aof_enabled": "1"}, "always", Level.OK),
        ({"aof_enabled": "1"}, "no", Level.WARNING),
        ({"aof_enabled": "1"}, None, Level.WARNING),
        ({"aof_enabled": "0"}, "everysec", Level.FAILED),
        ({"aof_enabled": "1", "aof_last_write_status": "err"}, "everysec", Level.FAILED),
    ],
)
def test_durability(info: dict[str, str], fsync: str | None, level: Level) -> None:
    assert judge_durability(info, fsync)[0].level is level


@pytest.mark.parametrize(
    ("info", "level"),
    [
        ({"maxmemory_policy": "noeviction", "maxmemory": "100"}, Level.OK),
        ({"maxmemory_policy": "allkeys-lru", "maxmemory": "0"}, Level.WARNING),
        ({"maxmemory_policy": "allkeys-lru", "maxmemory": "100"}, Level.FAILED),
    ],
)
def test_eviction(info: dict[str, str], level: Level) -> None:
    assert judge_durability(info, "everysec")[1].level is level


def test_servers_that_cannot_be_used() -> None:
    assert judge_server("Redis", {"loading": "1"}).level is Level.FAILED
    assert judge_server("Redis", {"role": "slave"}).level is Level.FAILED
    assert judge_rq({"cluster_enabled": "1"}, is_own=True).level is Level.FAILED
    assert judge_rq({}, is_own=False).level is Level.OK


def test_without_a_redis_url() -> None:
    assert judge_embedded(has_server=True).level is Level.WARNING
    assert judge_embedded(has_server=False).level is Level.FAILED


def test_all_rights() -> None:
    assert {each.level for each in judge_rights(NEEDED, {})} == {Level.OK}


def test_a_right_that_is_missing_is_told_from_a_module() -> None:
    granted = set(NEEDED) - {"Originate", "ControlPlayback"}
    assert missing_of(granted) == ["Originate", "ControlPlayback"]
    refusals = {
        "Originate": "Permission denied",
        "ControlPlayback": "Invalid/unknown command: ControlPlayback.",
    }
    rights, modules, excess = judge_rights(granted, refusals)
    assert rights.level is Level.FAILED and "originate" in rights.text
    assert modules.level is Level.FAILED and "app_controlplayback.so" in modules.fix
    assert excess.level is Level.OK


def test_a_missing_agent_pool_is_no_failure() -> None:
    refusals = {"AgentLogoff": "Invalid/unknown command"}
    _, modules, _ = judge_rights(set(NEEDED) - set(refusals), refusals)
    assert modules.level is Level.WARNING


def test_rights_that_nobody_needs() -> None:
    excess = judge_rights({*NEEDED, "Command", "UpdateConfig"}, {})[-1]
    assert excess.level is Level.WARNING
    assert "command, config" in excess.text


@pytest.mark.parametrize(
    ("version", "level"),
    [
        ("22.10.1+dfsg+~cs6.17.60671434-1", Level.OK),
        ("18.10.0~dfsg", Level.OK),
        ("certified/18.9-cert4", Level.OK),
        ("16.28.0~dfsg", Level.FAILED),
        ("GIT-master-abcdef", Level.WARNING),
        ("", Level.WARNING),
    ],
)
def test_version(version: str, level: Level) -> None:
    assert judge.judge_version(version).level is level


@pytest.mark.parametrize(
    ("stamp", "level"),
    [
        ("1000.200", Level.OK),
        ("1001.400", Level.OK),
        ("1003.000", Level.WARNING),
        ("998.000", Level.WARNING),
        ("1100.000", Level.FAILED),
        ("", Level.WARNING),
    ],
)
def test_clock(stamp: str, level: Level) -> None:
    assert judge.judge_clock(stamp, 1000.0, 1000.5).level is level


def test_contexts_come_from_the_shipped_file() -> None:
    contexts = judge.shipped_contexts()
    assert {"dialer-out", "dialer-end", "dialer-ack", "dialer-agent", "dialer-login"} < {*contexts}


def test_dialplan_of_an_older_version() -> None:
    assert "older version" in judge.judge_dialplan(["dialer-ack"], 9).fix
    assert "older version" not in judge.judge_dialplan(["dialer-ack"], 1).fix
    assert judge.judge_dialplan([], 9).level is Level.OK


def test_queues() -> None:
    assert judge.judge_queues(["dialer-1"], {"dialer-1", "sales"}).level is Level.OK
    missing = judge.judge_queues([f"dialer-{n}" for n in range(1, 9)], {"dialer-8"})
    assert missing.level is Level.FAILED
    assert missing.text == "missing: dialer-1, dialer-2, dialer-3, dialer-4, dialer-5 and 2 more"


def test_off_hook_agents() -> None:
    assert judge.judge_agents(["1001"], {"1001"}).level is Level.OK
    assert judge.judge_agents(["1001", "1002"], {"1001"}).level is Level.FAILED
    assert judge.judge_agents([], {"1001"}).level is Level.OK
    assert judge.judge_agents([], set()).level is Level.WARNING


def test_phones() -> None:
    assert judge.judge_phones({"1001": "NOT_INUSE", "1002": "INUSE"}).level is Level.OK
    assert judge.judge_phones({"1001": "UNAVAILABLE"}).level is Level.WARNING
    assert judge.judge_phones({"1001": "INVALID", "1002": "UNAVAILABLE"}).level is Level.FAILED


@pytest.mark.parametrize(
    ("state", "level"),
    [
        ("NOT_INUSE", Level.OK),
        ("INUSE", Level.OK),
        ("UNAVAILABLE", Level.FAILED),
        ("INVALID", Level.FAILED),
        ("", Level.WARNING),
    ],
)
def test_trunk(state: str, level: Level) -> None:
    assert judge.judge_trunk("carrier", state).level is level


def test_registrations() -> None:
    stands = {"ObjectName": "carrier", "Status": "Registered"}
    refused = {"ObjectName": "spare", "Status": "Rejected"}
    assert judge.judge_registrations([]) == []
    assert judge.judge_registrations([stands])[0].level is Level.OK
    [finding] = judge.judge_registrations([stands, refused])
    assert finding.level is Level.FAILED
    assert finding.text == "spare rejected"


def test_tokens() -> None:
    assert is_strong("9f2d4c81b0a7e6f35d1c")
    assert not is_strong("short")
    assert not is_strong("a" * 40)
    assert not is_strong("CHANGE-ME")


def test_a_weak_token_matters_most_where_others_can_try_it() -> None:
    weak = settings(None, 5038, admin_token="letmein")
    assert level_of(judge_settings(weak), "Admin token") is Level.WARNING
    in_the_open = settings(None, 5038, admin_token="letmein", host="0.0.0.0")
    assert level_of(judge_settings(in_the_open), "Admin token") is Level.FAILED


def test_ami_settings() -> None:
    assert level_of(judge_settings(settings(None, 5038, ami_secret="")), "AMI secret") is (
        Level.FAILED
    )
    example = settings(None, 5038, ami_secret="CHANGE-ME", ami_host="pbx.example")
    assert level_of(judge_settings(example), "AMI secret") is Level.WARNING
    assert level_of(judge_settings(example), "AMI connection") is Level.WARNING
