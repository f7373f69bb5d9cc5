"""Uploads a calling list as a program does, in a process of its own.

`python -m bench.parts.send_file PORT PATH TOKEN FILE SECONDS`: takes about so long; 0: as fast as
it goes. Prints the answer; ends with 1 when the connection is cut.
"""

from __future__ import annotations

import http.client
import sys
import time
from collections.abc import Iterator
from pathlib import Path

PIECE = 64 * 1024


def pieces(file: Path, seconds: float) -> Iterator[bytes]:
    n = max(1, file.stat().st_size // PIECE)
    with file.open("rb") as stream:
        while piece := stream.read(PIECE):
            yield piece
            time.sleep(seconds / n)


def main(port: int, path: str, token: str, file: Path, seconds: float) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=600)
    headers = {
        "Authorization": f"Bearer {token}",
        "Content-Type": "text/csv",
        "Content-Length": str(file.stat().st_size),
    }
    try:
        connection.request("POST", path, body=pieces(file, seconds), headers=headers)
        answer = connection.getresponse()
        print(answer.read().decode())
        return 0 if answer.status == 202 else 1
    except OSError as error:
        print(f"cut off: {error}")
        return 1


if __name__ == "__main__":
    _, port, path, token, file, seconds = sys.argv
    sys.exit(main(int(port), path, token, Path(file), float(seconds)))
