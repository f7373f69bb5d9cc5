"""A real Odoo of its own for a benchmark, and our connection to it."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from crm.http import Http
from crm.odoo import OdooConfig, OdooConnector
from crm.outbound import Outbound

ODOO = Path(__file__).resolve().parents[2] / "tests/odoo"


@contextmanager
def real_odoo() -> Iterator[Any]:
    install = subprocess.run(
        [ODOO / "install.sh"], stdout=subprocess.PIPE, check=True, timeout=1500,
        env={**os.environ, "PY": sys.executable},
    )  # fmt: skip
    dest = Path(install.stdout.decode().splitlines()[-1])
    spec = importlib.util.spec_from_file_location("odoo_server", ODOO / "server.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    with module.run(dest) as odoo:
        yield odoo


def connect(odoo: Any) -> OdooConnector:
    config = OdooConfig(url=odoo.url, database=odoo.database, rate_per_s=1000, protocol="json2")
    return OdooConnector(config, odoo.api_key, Http(odoo.url, Outbound(("127.0.0.1",))))


async def create_leads(connector: OdooConnector, leads: list[dict[str, str]]) -> None:
    quiet = {"mail_create_nolog": True, "tracking_disable": True}
    await connector._json2("crm.lead", "create", {"vals_list": leads, "context": quiet})
