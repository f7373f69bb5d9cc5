from __future__ import annotations

import pytest
from pydantic import ValidationError

from admin_api.settings import ApiSettings


def test_defaults_listen_on_this_machine_only(monkeypatch):
    for name in ("REDIS_URL", "RQ_REDIS_URL", "DIALER_REDIS_URL"):
        monkeypatch.delenv(name, raising=False)
    settings = ApiSettings(_env_file=None)
    assert (settings.host, settings.port, settings.trunks) == ("127.0.0.1", 8080, None)
    assert settings.jobs_url == settings.redis_url


def test_the_environment_is_read(monkeypatch):
    monkeypatch.setenv("REDIS_URL", "redis://one")
    monkeypatch.setenv("RQ_REDIS_URL", "redis://two")
    monkeypatch.setenv("DIALER_TRUNKS", "carrier, backup,")
    monkeypatch.setenv("DIALER_ADMIN_TOKEN", "secret")
    monkeypatch.setenv("DIALER_PORT", "9")
    settings = ApiSettings(_env_file=None)
    assert (settings.redis_url, settings.jobs_url) == ("redis://one", "redis://two")
    assert (settings.trunks, settings.port) == (("carrier", "backup"), 9)
    assert "secret" not in repr(settings)
    monkeypatch.setenv("DIALER_REDIS_URL", "redis://three")
    assert ApiSettings(_env_file=None).redis_url == "redis://three"


def test_a_wrong_port_is_refused(monkeypatch):
    monkeypatch.setenv("DIALER_PORT", "70000")
    with pytest.raises(ValidationError):
        ApiSettings(_env_file=None)
