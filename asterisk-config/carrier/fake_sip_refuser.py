#!/usr/bin/env python3
"""A SIP responder over UDP that refuses every call with the code that the called user part names.

`INVITE sip:603@127.0.0.4:5060` is answered with 603 at once. The simulated carrier redirects there
the calls that must end with a code which Asterisk itself cannot send.
Usage: fake_sip_refuser.py ADDRESS PORT; runs until SIGTERM.
"""

from __future__ import annotations

import re
import signal
import socket
import sys

REASONS = {
    401: "Unauthorized",
    407: "Proxy Authentication Required",
    488: "Not Acceptable Here",
    500: "Server Internal Error",
    503: "Service Unavailable",
    603: "Decline",
    607: "Unwanted",
    608: "Rejected",
}
CHALLENGES = {
    401: 'WWW-Authenticate: Digest realm="carrier", nonce="0", algorithm=MD5',
    407: 'Proxy-Authenticate: Digest realm="carrier", nonce="0", algorithm=MD5',
}
COPIED = ("via", "v", "from", "f", "to", "t", "call-id", "i", "cseq")


def copied_headers(lines: list[str]) -> list[str]:
    """The headers that a response repeats from its request, To with a tag of ours."""
    chosen = [line for line in lines if line.partition(":")[0].strip().lower() in COPIED]
    return [
        f"{line};tag=refuser"
        if line.lower().startswith(("to:", "t:")) and ";tag=" not in line
        else line
        for line in chosen
    ]


def response(datagram: bytes) -> bytes | None:
    """The refusal of an INVITE; None for whatever needs no answer (ACK, responses, noise)."""
    lines = datagram.decode("utf-8", "replace").split("\r\n\r\n", 1)[0].split("\r\n")
    match = re.match(r"INVITE sips?:(\d{3})@\S+ SIP/2\.0$", lines[0])
    if match is None:
        return None
    code = int(match.group(1))
    status = f"SIP/2.0 {code} {REASONS.get(code, 'Refused')}"
    extra = [CHALLENGES[code]] if code in CHALLENGES else []
    return "\r\n".join(
        [status, *copied_headers(lines[1:]), *extra, "Content-Length: 0", "", ""]
    ).encode()


def serve(address: str, port: int) -> None:
    """Answer until the process is told to end."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind((address, port))
        while True:
            datagram, peer = sock.recvfrom(65535)
            answer = response(datagram)
            if answer is not None:
                sock.sendto(answer, peer)


if __name__ == "__main__":
    serve(sys.argv[1], int(sys.argv[2]))
