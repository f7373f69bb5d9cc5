"""Choose a rig's addresses, ports and secrets, and keep them in its folder."""

from __future__ import annotations

import dataclasses
import json
import random
import secrets
import socket
from pathlib import Path

from cli.asterisk_config import Layout, Node
from cli.asterisk_install import AsteriskError
from cli.asterisk_process import Process

STATE_FILE = "rig.json"
N_TRIES = 50


def new_layout(n_phones: int) -> Layout:
    """A layout on loopback addresses of its own: PJSIP tells peers by address, rigs may be many."""
    for _ in range(N_TRIES):
        prefix = f"127.{random.randint(1, 254)}.{random.randint(0, 254)}"  # noqa: S311
        try:
            nodes = [
                Node(f"{prefix}.{host}", _free_port(f"{prefix}.{host}")) for host in (1, 2, 3, 4)
            ]
            ami_port = _free_port(nodes[0].address, socket.SOCK_STREAM)
        except OSError:
            continue
        return Layout(
            pbx=nodes[0],
            carrier=nodes[1],
            phones=nodes[2],
            refuser=nodes[3],
            ami_port=ami_port,
            ami_secret=secrets.token_urlsafe(18),
            phone_secret=secrets.token_hex(12),
            n_phones=n_phones,
        )
    raise AsteriskError("no usable loopback address in 127.0.0.0/8: Linux is needed")


def _free_port(address: str, kind: socket.SocketKind = socket.SOCK_DGRAM) -> int:
    with socket.socket(socket.AF_INET, kind) as sock:
        sock.bind((address, 0))
        return int(sock.getsockname()[1])


@dataclasses.dataclass(frozen=True, slots=True)
class RigState:
    """What a later command needs to find a running rig again."""

    layout: Layout
    run_dir: Path
    processes: dict[str, Process]


def save(folder: Path, state: RigState) -> None:
    """Write the state, readable by the owner only: it holds the AMI secret."""
    document = {
        "layout": dataclasses.asdict(state.layout),
        "run_dir": str(state.run_dir),
        "processes": {
            name: dataclasses.asdict(process) for name, process in state.processes.items()
        },
    }
    draft = folder / f"{STATE_FILE}.new"
    draft.touch(mode=0o600)
    draft.write_text(json.dumps(document, indent=1))
    draft.replace(folder / STATE_FILE)


def load(folder: Path) -> RigState | None:
    """The state of the rig in `folder`; None where there is none."""
    path = folder / STATE_FILE
    if not path.is_file():
        return None
    document = json.loads(path.read_text())
    fields = document["layout"]
    for name in ("pbx", "carrier", "phones", "refuser"):
        fields[name] = Node(**fields[name])
    processes = {name: Process(**one) for name, one in document["processes"].items()}
    return RigState(Layout(**fields), Path(document["run_dir"]), processes)
