"""Real servers for all tests of a session: the store by the product's own code, and a CRM."""

from __future__ import annotations

import importlib.util
import os
import secrets
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import odoolib
import pytest

from engine.store import EmbeddedRedis, RedisStore

ODOO = Path(__file__).parent / "odoo"
INSTALL_S = 1500


@pytest.fixture(scope="session")
def valkey_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder: Path = tmp_path_factory.mktemp("valkey")
    server = EmbeddedRedis(folder, unix_socket=True)
    yield server.start()
    server.stop()


@pytest.fixture
async def store(valkey_url: str) -> AsyncIterator[RedisStore]:
    """A store of its own: nothing of another test is in it."""
    store = await RedisStore.connect(valkey_url, prefix=f"t{secrets.token_hex(6)}")
    yield store
    await store.close()


@pytest.fixture(scope="session")
def odoo() -> Iterator[Any]:
    """`url`, `database`, `api_key`, `folder`, `stop()` and `start()` of this session's own CRM."""
    ran = subprocess.run(
        [ODOO / "install.sh"], stdout=subprocess.PIPE, check=True, timeout=INSTALL_S,
        env={**os.environ, "PY": sys.executable},
    )  # fmt: skip
    dest = Path(ran.stdout.decode().splitlines()[-1])
    with _odoo_server().run(dest) as running:
        yield running


@pytest.fixture
def odoo_client(odoo: Any) -> Any:
    """A client of the CRM that is not ours: `odoo_client.get_model("crm.lead")`."""
    host, _, port = odoo.url.removeprefix("http://").partition(":")
    return odoolib.get_connection(
        hostname=host, port=int(port), protocol="json2", database=odoo.database,
        password=odoo.api_key,
    )  # fmt: skip


def _odoo_server() -> ModuleType:
    spec = importlib.util.spec_from_file_location("odoo_server", ODOO / "server.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module
