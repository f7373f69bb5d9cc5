"""A private PostgreSQL and Odoo for tests, from what install.sh fetched.

`server.py template DEST` makes the database once; `run(dest)` starts a copy of it, so that every
run begins with the same CRM and nothing is shared. PostgreSQL refuses root, who therefore lends it
`nobody`: program and cluster lie in the folder for temporary files, where that user may go.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from engine.store.loopback import free_port

DATABASE = "crm19"
START_S, STOP_S, INIT_S = 90.0, 15.0, 600.0
NOBODY = 65_534
_KEY = """
from datetime import timedelta
from odoo import fields
user = env.ref("base.user_admin")
keys = env["res.users.apikeys"].with_user(user)
print("KEY=" + keys._generate("rpc", "tests", fields.Datetime.now() + timedelta(days=3000)))
env.cr.commit()
"""


@dataclass(slots=True)
class Odoo:
    """A running server."""

    url: str
    api_key: str
    dest: Path
    folder: Path
    port: int
    process: subprocess.Popen[bytes] | None = None

    @property
    def database(self) -> str:
        return DATABASE

    def start(self) -> None:
        log = (self.folder / "odoo.log").open("ab")
        command = [*_odoo(self.dest), "server", "-c", str(self.folder / "odoo.conf")]
        self.process = subprocess.Popen(command, cwd=self.folder, stdout=log, stderr=log)
        log.close()
        self._await()

    def stop(self) -> None:
        if self.process is None:
            return
        self.process.terminate()
        try:
            self.process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(STOP_S)
        self.process = None

    def _await(self) -> None:
        deadline = time.monotonic() + START_S
        while time.monotonic() < deadline:
            health = f"{self.url}/web/health"
            with (
                contextlib.suppress(OSError, urllib.error.URLError),
                urllib.request.urlopen(health, timeout=5),
            ):
                return
            if self.process is None or self.process.poll() is not None:
                break
            time.sleep(0.1)
        tail = (self.folder / "odoo.log").read_text()[-2000:]
        raise RuntimeError(f"Odoo did not start: {tail}")


@contextlib.contextmanager
def run(dest: Path) -> Iterator[Odoo]:
    """A copy of the template, served until the end of the block."""
    with _folder(dest) as folder:
        shutil.copytree(dest / "cluster", folder / "pg", symlinks=True)
        with _postgres(folder):
            port = free_port()
            _write_config(dest, folder, port)
            key = (dest / "key").read_text().strip()
            odoo = Odoo(f"http://127.0.0.1:{port}", key, dest, folder, port)
            odoo.start()
            try:
                yield odoo
            finally:
                odoo.stop()


def make_template(dest: Path) -> None:
    with _folder(dest) as folder:
        _as_nobody(["initdb", "-D", "pg", "-U", "odoo", "-A", "trust", "-E", "UTF8",
                    "--locale=C", "--no-sync"], folder)  # fmt: skip
        with _postgres(folder):
            _write_config(dest, folder, free_port())
            base = [*_odoo(dest), "server", "-c", "odoo.conf", "--stop-after-init"]
            modules = ["-i", "crm,crm_phonecall", "--without-demo=1"]
            subprocess.run([*base, *modules], cwd=folder, check=True, timeout=INIT_S)
            (dest / "key").write_text(_make_key(dest, folder))
        shutil.rmtree(dest / "cluster", ignore_errors=True)
        shutil.copytree(folder / "pg", dest / "cluster", symlinks=True)


def _make_key(dest: Path, folder: Path) -> str:
    shell = [*_odoo(dest), "shell", "-c", "odoo.conf", "--no-http"]
    ran = subprocess.run(shell, cwd=folder, input=_KEY.encode(), stdout=subprocess.PIPE,
                         check=True, timeout=INIT_S)  # fmt: skip
    return ran.stdout.decode().rpartition("KEY=")[2].split()[0]


@contextlib.contextmanager
def _folder(dest: Path) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="dlr-odoo-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        if os.geteuid() == 0:
            os.chown(folder, NOBODY, NOBODY)
        program = folder / "postgresql"
        if os.geteuid() == 0:
            shutil.copytree(dest / "pg", program, symlinks=True)
        else:
            program.symlink_to(dest / "pg")
        yield folder


@contextlib.contextmanager
def _postgres(folder: Path) -> Iterator[None]:
    """On a socket in the folder only."""
    data = folder / "pg"
    if os.geteuid() == 0:
        for path in (data, *data.rglob("*")):
            os.chown(path, NOBODY, NOBODY, follow_symlinks=False)
    data.chmod(0o700)
    options = f"-k {folder} -c listen_addresses= -c fsync=off -c jit=off -c max_connections=60"
    control = ["pg_ctl", "-D", "pg", "-w", "-t", "60"]
    _as_nobody([*control, "-l", "pg.log", "-o", options, "start"], folder)
    try:
        yield
    finally:
        _as_nobody([*control, "-m", "fast", "stop"], folder)


def _as_nobody(command: list[str], folder: Path) -> None:
    """A program of PostgreSQL's, with the libraries that came with it before the host's."""
    bins = sorted(folder.glob("postgresql/usr/lib/postgresql/*/bin"))
    libraries = [str(path) for path in folder.glob("postgresql/usr/lib/*-linux-gnu")]
    drop = {"user": NOBODY, "group": NOBODY, "extra_groups": []} if os.geteuid() == 0 else {}
    env = {"PATH": os.environ["PATH"], "HOME": str(folder), "LC_ALL": "C",
           "LD_LIBRARY_PATH": ":".join(libraries)}  # fmt: skip
    program = str(bins[-1] / command[0])
    subprocess.run([program, *command[1:]], cwd=folder, env=env, check=True, timeout=120,
                   stdout=subprocess.DEVNULL, **drop)  # type: ignore[call-overload]  # fmt: skip


def _odoo(dest: Path) -> list[str]:
    code = "import sys; sys.path.insert(0, sys.argv.pop(1)); import odoo.cli; odoo.cli.main()"
    packages = dest / "code/usr/lib/python3/dist-packages"
    return [str(dest / "venv/bin/python"), "-W", "ignore", "-c", code, str(packages)]


def _write_config(dest: Path, folder: Path, port: int) -> None:
    addons = dest / "code/usr/lib/python3/dist-packages/odoo/addons"
    (folder / "odoo.conf").write_text(
        "[options]\n"
        f"addons_path = {addons},{dest / 'oca/odoo/addons'}\n"
        f"data_dir = {folder / 'files'}\n"
        f"db_host = {folder}\ndb_user = odoo\ndb_name = {DATABASE}\n"
        f"http_interface = 127.0.0.1\nhttp_port = {port}\n"
        "workers = 0\nmax_cron_threads = 0\nlog_level = warn\n"
    )


if __name__ == "__main__":
    make_template(Path(sys.argv[2]))
