"""A real Odoo for the tests that need one, installed once and started for each session."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

ODOO = Path(__file__).parent / "odoo"
INSTALL_S = 1500


def _server() -> ModuleType:
    spec = importlib.util.spec_from_file_location("odoo_server", ODOO / "server.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def odoo() -> Iterator[object]:
    """`url`, `database`, `api_key`, and `stop()` and `start()` of a CRM of this session's own."""
    ran = subprocess.run(
        [ODOO / "install.sh"], stdout=subprocess.PIPE, check=True, timeout=INSTALL_S,
        env={**os.environ, "PY": sys.executable},
    )  # fmt: skip
    dest = Path(ran.stdout.decode().splitlines()[-1])
    os.environ["DIALER_ODOO_DEST"] = str(dest)
    with _server().run(dest) as running:
        yield running
