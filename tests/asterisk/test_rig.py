"""The rig itself: installer, several at once, stop, restart, the command line, phones."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cli.asterisk import Rig, asterisk_app
from cli.asterisk_cdr import read_carrier_cdrs
from cli.asterisk_config import FIRST_EXTENSION, existing_modules, render
from cli.asterisk_install import (
    NEEDED_MODULES,
    AsteriskError,
    config_source,
    host_binary,
    install,
    release,
    unpacked_binary,
)
from cli.asterisk_process import is_alive, wait_until

INSTALLER = config_source() / "install.sh"
RUN_TIMEOUT_S = 60

# ------------------------------------------------------------------ installer


def run_installer(target: Path, env: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["bash", str(INSTALLER), str(target)],
        env={"HOME": str(target.parent)} | env,
        capture_output=True,
        text=True,
        timeout=RUN_TIMEOUT_S,
        check=False,
    )


@pytest.fixture
def tools(tmp_path: Path) -> Path:
    """A PATH on which tests replace single programs by fakes."""
    folder = tmp_path / "tools"
    folder.mkdir()
    return folder


def fake(tools: Path, name: str, body: str) -> None:
    (tools / name).write_text(f"#!/bin/sh\n{body}\n")
    (tools / name).chmod(0o755)


def path_with(tools: Path) -> dict[str, str]:
    return {"PATH": f"{tools}:{os.environ['PATH']}"}


def test_an_installed_folder_is_left_as_it_is(tmp_path: Path) -> None:
    target = tmp_path / "asterisk"
    target.mkdir()
    (target / "version").write_text("Asterisk 22.1.0\n")
    (target / "asterisk").write_text("#!/bin/sh\n")
    (target / "asterisk").chmod(0o755)
    done = run_installer(target, {"PATH": os.environ["PATH"]})
    assert (done.returncode, done.stdout.strip()) == (0, str(target / "asterisk"))


MIRROR = 'case "$*" in *indextargets*) echo "http://mirror.invalid/debian";; '


@pytest.mark.parametrize(
    ("apt_get", "apt_cache", "dpkg", "code", "text"),
    [
        ("exit 0", "exit 1", "echo amd64", 8, "knows no Debian mirror"),
        (MIRROR + "*) exit 100;; esac", "exit 1", "echo amd64", 9, "is the network reachable"),
        (MIRROR + "esac", "exit 100", "echo amd64", 10, "has no package 'asterisk'"),
        (
            MIRROR + "*-only*) exit 100;; esac",
            "exit 0",
            "echo amd64",
            11,
            "the download failed",
        ),
        ("exit 0", "exit 1", "echo riscv64", 6, "unsupported architecture 'riscv64'"),
    ],
    ids=["no-mirror", "no-network", "no-package", "download", "architecture"],
)
def test_a_failed_install_says_why_and_leaves_nothing(
    tmp_path: Path, tools: Path, apt_get: str, apt_cache: str, dpkg: str, code: int, text: str
) -> None:
    for name, body in (("apt-get", apt_get), ("apt-cache", apt_cache), ("dpkg", dpkg)):
        fake(tools, name, body)
    target = tmp_path / "cache" / "asterisk"
    done = run_installer(target, path_with(tools))
    assert done.returncode == code, done.stderr
    assert text in done.stderr
    assert [path.name for path in target.parent.iterdir()] == ["asterisk.lock"]


def test_without_apt_the_remedy_is_named(tmp_path: Path, tools: Path) -> None:
    for name in ("bash", "realpath"):
        program = shutil.which(name)
        assert program is not None
        (tools / name).symlink_to(program)
    done = run_installer(tmp_path / "asterisk", {"PATH": str(tools)})
    assert done.returncode == 3
    assert "no 'apt-get'" in done.stderr and "put it on PATH" in done.stderr


def test_an_incomplete_folder_is_reported(tmp_path: Path) -> None:
    with pytest.raises(AsteriskError, match="incomplete"):
        unpacked_binary(tmp_path)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Asterisk 22.10.1+dfsg+~cs6.17", (22, 10)),
        ("Asterisk certified/18.9-cert4", (18, 9)),
        ("Asterisk certified-20.7-cert1", (20, 7)),
        ("something else", (0, 0)),
    ],
)
def test_releases_are_read(text: str, expected: tuple[int, int]) -> None:
    assert release(text) == expected


def test_an_asterisk_that_is_too_old_is_not_used(
    tools: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake(tools, "asterisk", "echo Asterisk 16.28.0")
    monkeypatch.setenv("PATH", str(tools))
    assert host_binary() is None


def test_an_asterisk_on_path_is_used_where_it_is_complete(
    tools: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake(tools, "asterisk", "echo Asterisk 20.11.1")
    monkeypatch.setenv("PATH", f"{tools}:/bin:/usr/bin")
    modules, data = tmp_path / "modules", tmp_path / "data"
    monkeypatch.setattr("cli.asterisk_install._module_dirs", lambda: [modules])
    monkeypatch.setattr("cli.asterisk_install._data_dirs", lambda: [data])
    assert host_binary() is None
    modules.mkdir()
    for name in NEEDED_MODULES:
        (modules / name).touch()
    (data / "sounds/en/silence").mkdir(parents=True)
    for name in ("vm-nobodyavail.gsm", "hello.wav", "silence/10.wav"):
        (data / "sounds/en" / name).touch()
    found = host_binary()
    assert found is not None
    assert (found.program, found.release) == (tools / "asterisk", (20, 11))
    assert install() == found


# ------------------------------------------------------------------ configuration


def test_every_mark_of_a_template_must_be_known() -> None:
    assert render("bind = @A@:@B_C@", {"A": "1", "B_C": "2"}) == "bind = 1:2"
    with pytest.raises(KeyError):
        render("@UNKNOWN@", {})


def test_modules_that_this_version_lacks_are_left_out(tmp_path: Path) -> None:
    (tmp_path / "a.so").touch()
    text = "autoload = no\nload => a.so\nload => b.so\n"
    assert existing_modules(text, tmp_path) == "autoload = no\nload => a.so\n"


@pytest.mark.parametrize("role", ["pbx", "carrier", "phones"])
def test_the_log_of_a_fresh_start_is_clean(rig: Rig, role: str) -> None:
    lines = (rig.instance_dir(role) / "log/messages").read_text().splitlines()
    start = next(index for index, line in enumerate(lines) if "modules will be loaded" in line)
    booted = [line for line in lines[start : start + 12] if "loader.c" in line or "config" in line]
    assert [line for line in booted if "WARNING" in line or "ERROR" in line] == []


def test_secrets_are_for_the_owner_only(rig: Rig) -> None:
    etc = rig.instance_dir("pbx") / "etc"
    for path in (etc / "dialer_manager.conf", etc / "pjsip.conf", rig.folder / "rig.json"):
        assert path.stat().st_mode & 0o077 == 0
    assert rig.ami_secret in (etc / "dialer_manager.conf").read_text()


# ------------------------------------------------------------------ running rigs


def test_the_command_line_starts_finds_and_stops_a_second_rig(rig: Rig, tmp_path: Path) -> None:
    # A deep folder: the console's socket must be put elsewhere.
    folder = tmp_path / ("deep" * 20)
    runner = CliRunner()
    base = ["--dir", str(folder)]
    started = runner.invoke(asterisk_app, ["start", *base, "--phones", "2", "--json"])
    try:
        assert started.exit_code == 0, started.output
        env = json.loads(started.stdout)
        assert env["DIALER_AMI_USERNAME"] == "dialer"
        second = Rig(folder)
        assert second.env() == env
        assert second.layout.pbx.address != rig.layout.pbx.address
        assert second.extensions == [str(FIRST_EXTENSION), str(FIRST_EXTENSION + 1)]
        status = runner.invoke(asterisk_app, ["status", *base, "--json"])
        assert status.exit_code == 0
        assert None not in json.loads(status.stdout).values()
    finally:
        stopped = runner.invoke(asterisk_app, ["stop", *base, "--json"])
    assert json.loads(stopped.stdout) == {"stopped": 4}
    assert runner.invoke(asterisk_app, ["status", *base]).exit_code == 1
    assert None not in rig.status().values()


def test_a_killed_instance_comes_back_with_its_database(tmp_path: Path) -> None:
    with Rig(tmp_path / "rig", n_phones=1) as own:
        own.cli("pbx", "database put test key value")
        # Asterisk writes its database about once a second.
        assert wait_until(lambda: _on_disk(own, b"/test/key"), RUN_TIMEOUT_S)
        own.kill("pbx")
        assert own.status()["pbx"] is None
        own.start()
        assert "value" in own.cli("pbx", "database get test key")
        processes = dict(own._state.processes)
    assert not any(map(is_alive, processes.values()))


def _on_disk(rig: Rig, text: bytes) -> bool:
    files = (rig.instance_dir("pbx") / "var").glob("astdb.sqlite3*")
    return any(text in path.read_bytes() for path in files)


def test_a_program_that_ends_at_once_is_reported_with_its_log(tmp_path: Path) -> None:
    binary = install()
    broken = tmp_path / "broken"
    broken.write_text("#!/bin/sh\necho the library is missing >&2\nexit 1\n")
    broken.chmod(0o755)
    bad = type(binary)(broken, binary.modules_dir, binary.data_dir, binary.version)
    with pytest.raises(AsteriskError, match="the library is missing"):
        Rig(tmp_path / "rig", n_phones=1, binary=bad).start()


def test_settings_of_phones_are_checked(rig: Rig) -> None:
    with pytest.raises(ValueError, match="unknown phone setting"):
        rig.set_phones(colour="red")


def test_a_carrier_without_calls_has_no_records(tmp_path: Path) -> None:
    assert read_carrier_cdrs(tmp_path) == []
