"""What docker-compose.yml, Dockerfiles and packages must agree on; no container runs here."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from cli.doctor_settings import PUBLISHED

ROOT = Path(__file__).parents[2]
COMPOSE = (ROOT / "docker-compose.yml").read_text()
DOCKERFILES = {
    name: (ROOT / name).read_text() for name in ("Dockerfile", "asterisk-config/Dockerfile")
}
ALWAYS = ["redis", "api", "engine", "worker"]
DEMO = ["pbx", "carrier", "phones", "demo"]


def services() -> dict[str, str]:
    """The text of each service."""
    block = re.search(r"^services:\n(.*?)^networks:", COMPOSE, re.DOTALL | re.MULTILINE)
    assert block is not None
    _, *parts = re.split(r"^  ([a-z]+):\n", block[1], flags=re.MULTILINE)
    return dict(zip(parts[::2], parts[1::2], strict=True))


def anchor(name: str) -> str:
    found = re.search(rf"^x-[a-z-]+: &{name}\n(.*?)\n\n", COMPOSE, re.DOTALL | re.MULTILINE)
    assert found is not None
    return found[1]


def test_one_profile_takes_the_demo_away() -> None:
    assert sorted(services()) == sorted([*ALWAYS, *DEMO])
    is_demo = {
        name: "profiles: [demo]" in text
        or ("<<: *asterisk\n" in text and "profiles: [demo]" in anchor("asterisk"))
        for name, text in services().items()
    }
    assert is_demo == dict.fromkeys(ALWAYS, False) | dict.fromkeys(DEMO, True)
    assert "COMPOSE_PROFILES=demo" in (ROOT / ".env").read_text().splitlines()


def test_every_part_that_stays_has_a_health_check() -> None:
    assert [name for name, text in services().items() if "healthcheck:" not in text] == ["demo"]


def test_every_part_is_started_again() -> None:
    for name, text in services().items():
        shared = "".join(anchor(each) for each in ("app", "asterisk") if f"<<: *{each}\n" in text)
        assert "restart:" in text + shared, name


def test_ports_are_those_of_this_machine_only() -> None:
    published = re.findall(r"ports: \[(.*)\]", COMPOSE)
    assert published
    assert all(port.startswith('"127.0.0.1:') for port in published)


def test_demo_secrets_are_known_as_such() -> None:
    defaults = re.findall(r"\$\{DIALER_AMI_SECRET:-([^}]+)\}", COMPOSE)
    assert defaults
    assert PUBLISHED.issuperset(defaults)


def test_nobody_has_a_token_that_everybody_knows() -> None:
    assert re.findall(r"DIALER_ADMIN_TOKEN:(.*)", COMPOSE) == [""]


@pytest.mark.parametrize("name", sorted(DOCKERFILES))
def test_images_do_not_run_as_root(name: str) -> None:
    assert re.search(r"^USER dialer$", DOCKERFILES[name], re.MULTILINE)


@pytest.mark.parametrize("name", sorted(DOCKERFILES))
def test_what_is_copied_exists_and_is_sent_to_the_builder(name: str) -> None:
    kept = {
        line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line[:1] == "!"
    }
    copies = re.findall(r"^COPY (?!--from)(.+)$", DOCKERFILES[name], re.MULTILINE)
    sources = [source for line in copies for source in line.split()[:-1]]
    assert sources
    for source in sources:
        assert (ROOT / source).exists(), source
        assert source.split("/")[0] in kept, source


def test_the_image_has_every_package() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    for package in project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]:
        assert f"COPY {package} {package}\n" in DOCKERFILES["Dockerfile"]
