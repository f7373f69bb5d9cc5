"""Which addresses a connection to a CRM may reach: no loopback, no private network, unless the
settings name them; and nothing unencrypted but to those."""

from __future__ import annotations

import asyncio
import functools
import ipaddress
import socket
import ssl
from collections.abc import Sequence
from dataclasses import dataclass

import httpx2

from crm.port import Blocked, Transient

CONNECT_S = 10.0


@dataclass(frozen=True, slots=True)
class Outbound:
    """`allowed`: names and networks (10.0.0.0/8) that are reached although they are private."""

    allowed: tuple[str, ...] = ()

    def permits(self, host: str, address: str) -> bool:
        ip = ipaddress.ip_address(address.partition("%")[0])
        mapped = getattr(ip, "ipv4_mapped", None)
        ip = mapped or ip
        return (ip.is_global and not ip.is_multicast) or self._is_named(host, ip)

    def permits_plain(self, host: str, address: str) -> bool:
        return self._is_named(host, ipaddress.ip_address(address.partition("%")[0]))

    def _is_named(self, host: str, ip: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
        return any(name == host or _contains(name, ip) for name in self.allowed)


class GuardedTransport(httpx2.AsyncBaseTransport):
    """Looks the host up once, checks every address, and connects to what it checked."""

    def __init__(self, rules: Outbound) -> None:
        self._rules = rules
        self._inner = httpx2.AsyncHTTPTransport(verify=_tls(), retries=0, trust_env=False)

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Raises Blocked, Transient, and httpx2's errors."""
        host = request.url.host
        addresses = await _resolve(host, request.url.port or 443)
        self._check(request.url.scheme, host, addresses)
        if request.url.scheme == "https":
            request.extensions = {**request.extensions, "sni_hostname": host}
        return await self._to_first(request, addresses)

    async def aclose(self) -> None:
        await self._inner.aclose()

    def _check(self, scheme: str, host: str, addresses: Sequence[str]) -> None:
        if not all(self._rules.permits(host, address) for address in addresses):
            raise Blocked(f"{host} is a private address, which the settings do not allow.")
        plain = scheme != "https"
        if plain and not all(self._rules.permits_plain(host, each) for each in addresses):
            raise Blocked(f"{host} must be reached over https.")

    async def _to_first(self, request: httpx2.Request, addresses: Sequence[str]) -> httpx2.Response:
        """To the first address that takes the connection; nothing was sent before that."""
        for address in addresses[:-1]:
            try:
                return await self._send(request, address)
            except httpx2.ConnectError:
                continue
        return await self._send(request, addresses[-1])

    async def _send(self, request: httpx2.Request, address: str) -> httpx2.Response:
        url = request.url.copy_with(host=address)
        moved = httpx2.Request(
            request.method, url, headers=request.headers, stream=request.stream,
            extensions=request.extensions,
        )  # fmt: skip
        return await self._inner.handle_async_request(moved)


@functools.cache
def _tls() -> ssl.SSLContext:
    """Once: reading the certificates of all authorities takes longer than a poll."""
    return httpx2.create_ssl_context()


async def _resolve(host: str, port: int) -> Sequence[str]:
    try:
        loop = asyncio.get_running_loop()
        found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise Transient(f"{host} is not found: {error}") from error
    return list(dict.fromkeys(str(each[4][0]) for each in found))


def _contains(network: str, ip: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    try:
        return ip in ipaddress.ip_network(network)
    except ValueError:
        return False
