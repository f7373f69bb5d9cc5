"""Imports by a real worker process, killed and resumed."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import secrets
import signal
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from multiprocessing.process import BaseProcess

import pytest
from redis.exceptions import RedisError

from crm import import_run
from crm.import_run import UPLOAD_SILENT_S, run, waiting_imports
from crm.jobs import ImportQueue, WorkerContext, rq_connection, run_import, set_context
from crm.worker import run_worker, sweep
from engine.core.errors import StoreUnavailable
from engine.core.settings import CampaignSettings
from engine.store import EmbeddedRedis, Import, ImportStatus, RedisStore

CHUNK = 16_384


@pytest.fixture
def own_url(tmp_path) -> Iterator[str]:
    """A server of its own: a worker takes any job that it finds."""
    server = EmbeddedRedis(tmp_path)
    yield server.start()
    server.stop()


@pytest.fixture
async def own_store(own_url):
    store = await RedisStore.connect(own_url)
    yield store
    await store.close()


async def new_campaign(store: RedisStore) -> int:
    now = datetime.now(UTC)
    return (await store.campaigns.create("A", CampaignSettings(), [], "test", now)).id


async def upload(store: RedisStore, campaign_id: int, data: bytes, *, seal: bool = True) -> str:
    now = datetime.now(UTC)
    import_id = await store.imports.create(campaign_id, filename="list.csv", now=now)
    for start in range(0, len(data), CHUNK):
        await store.imports.append(import_id, data[start : start + CHUNK], now)
    if seal:
        await store.imports.seal(import_id, now)
    return import_id


def calling_list(n_rows: int) -> bytes:
    """Every tenth row is bad, every twentieth repeats the one before."""
    rows = ["phone,name"]
    for n in range(n_rows):
        phone = f"+1202{2_000_000 + (n - (n % 20 == 5)):07}"
        rows.append(f"{'x' if n % 10 == 0 else phone},Name {n}")
    return "\n".join(rows).encode()


async def found(store: RedisStore, campaign_id: int, import_id: str) -> Import:
    return await store.imports.get(campaign_id, import_id)


async def until_done(store: RedisStore, campaign_id: int, import_id: str, bound_s: float) -> Import:
    deadline = time.monotonic() + bound_s
    while True:
        one = await found(store, campaign_id, import_id)
        if one.status in (ImportStatus.DONE, ImportStatus.FAILED):
            return one
        assert time.monotonic() < deadline, one
        await asyncio.sleep(0.05)


async def all_phones(store: RedisStore, campaign_id: int) -> list[str]:
    phones: list[str] = []
    after: int | None = 0
    while after is not None:
        contacts, after = await store.contacts.list(campaign_id, after=after, limit=1000)
        phones += [contact.phone for contact in contacts]
    return phones


def for_ever() -> bool:
    return True


# -------------------------------------------------------------------------- one run, no process


async def test_a_list_is_read_with_its_bad_rows_and_duplicates(store):
    campaign_id = await new_campaign(store)
    import_id = await upload(store, campaign_id, calling_list(1000))
    assert await run(store, import_id, for_ever) == "done"
    one = await found(store, campaign_id, import_id)
    assert (one.created, one.rejected, one.duplicates) == (850, 100, 50)
    assert one.bytes_done == one.n_bytes
    rows = [row async for row in store.imports.rejected(import_id)]
    assert [row.line for row in rows[:3]] == [2, 12, 22]
    assert rows[0].row == ["x", "Name 0"]
    assert "phone is not a phone number" in rows[0].reason
    assert len(await all_phones(store, campaign_id)) == 850
    campaign = await store.campaigns.get(campaign_id)
    assert (campaign.n_contacts, campaign.n_importing) == (850, 0)
    assert await run(store, import_id, for_ever) == "gone"


async def test_parts_that_were_added_ahead_of_a_failed_commit_count_once(store, monkeypatch):
    monkeypatch.setattr(import_run, "CHUNKS_AT_ONCE", 1)
    campaign_id = await new_campaign(store)
    import_id = await upload(store, campaign_id, calling_list(6000))
    commit, n_commits = store.imports.commit, 0

    async def second_fails(*args, **kwargs):
        nonlocal n_commits
        n_commits += 1
        if n_commits == 2:
            raise StoreUnavailable("cut off")
        await commit(*args, **kwargs)

    monkeypatch.setattr(store.imports, "commit", second_fails)
    with pytest.raises(StoreUnavailable):
        await run(store, import_id, for_ever)
    one = await found(store, campaign_id, import_id)
    n_there = len(await all_phones(store, campaign_id))
    assert one.chunks_done == 1 and one.created < n_there, "later parts were added already"
    monkeypatch.setattr(store.imports, "commit", commit)
    assert await run(store, import_id, for_ever) == "done"
    one = await found(store, campaign_id, import_id)
    assert (one.created, one.rejected, one.duplicates) == (5100, 600, 300)
    phones = await all_phones(store, campaign_id)
    assert len(phones) == len(set(phones)) == 5100
    assert phones == sorted(phones), "in the order of the file"


async def test_an_import_that_always_crashes_ends_as_failed(store, monkeypatch):
    campaign_id = await new_campaign(store)
    import_id = await upload(store, campaign_id, calling_list(10))

    def crash(*_: object, **__: object) -> None:
        raise RuntimeError("a fault of ours")

    monkeypatch.setattr(import_run.Reader, "read", crash)
    for _ in range(import_run.MAX_CRASHES - 1):
        with pytest.raises(RuntimeError):
            await run(store, import_id, for_ever)
    assert (await found(store, campaign_id, import_id)).status is ImportStatus.QUEUED
    assert await run(store, import_id, for_ever) == "failed"
    assert "RuntimeError" in (await found(store, campaign_id, import_id)).error
    assert (await store.campaigns.get(campaign_id)).n_importing == 0


@pytest.mark.parametrize("error", [StoreUnavailable("away"), RedisError("away")])
async def test_a_server_that_is_away_ends_no_import(store, monkeypatch, error):
    campaign_id = await new_campaign(store)
    import_id = await upload(store, campaign_id, calling_list(10))

    def away() -> bool:
        raise error

    for _ in range(import_run.MAX_CRASHES + 1):
        with pytest.raises(type(error)):
            await run(store, import_id, away)
    assert await run(store, import_id, for_ever) == "done"


@pytest.mark.parametrize(
    ("data", "error"),
    [(b"", "empty"), (b"a,b\nc,d\n", "'a', 'b'"), (b"phone\nZo\xc3\xab\n\xff\xfe", "UTF-8")],
)
async def test_a_file_that_is_no_list_fails_and_says_why(store, data, error):
    campaign_id = await new_campaign(store)
    import_id = await upload(store, campaign_id, data)
    assert await run(store, import_id, for_ever) == "failed"
    one = await found(store, campaign_id, import_id)
    assert one.status is ImportStatus.FAILED
    assert error in one.error
    assert (await store.campaigns.get(campaign_id)).n_importing == 0


@pytest.mark.parametrize("n_chunks", [1, 2])
async def test_a_killed_run_goes_on_where_it_was_and_counts_each_row_once(
    store, monkeypatch, n_chunks
):
    """Killed after the rows were added and before the position was noted, at every part."""
    monkeypatch.setattr(import_run, "CHUNKS_AT_ONCE", n_chunks)
    campaign_id = await new_campaign(store)
    import_id = await upload(store, campaign_id, calling_list(3000))
    commit = type(store.imports).commit
    is_kill_due = True

    async def killed(self, *args: object, **kwargs: object) -> None:
        nonlocal is_kill_due
        is_kill_due = not is_kill_due
        if not is_kill_due:
            raise asyncio.CancelledError
        await commit(self, *args, **kwargs)

    monkeypatch.setattr(type(store.imports), "commit", killed)
    outcome, n_kills = "", 0
    while outcome != "done":
        try:
            outcome = await run(store, import_id, for_ever)
        except asyncio.CancelledError:
            n_kills += 1
    assert n_kills > 3 // n_chunks
    one = await found(store, campaign_id, import_id)
    assert (one.created, one.rejected, one.duplicates) == (2550, 300, 150)
    phones = await all_phones(store, campaign_id)
    assert len(phones) == len(set(phones)) == 2550


async def test_two_runs_at_once_count_each_row_once(store):
    campaign_id = await new_campaign(store)
    import_id = await upload(store, campaign_id, calling_list(3000))
    outcomes = await asyncio.gather(*(run(store, import_id, for_ever) for _ in range(3)))
    assert "done" in outcomes
    one = await found(store, campaign_id, import_id)
    assert (one.created, one.rejected, one.duplicates) == (2550, 300, 150)


async def test_a_run_that_is_asked_to_stop_does_so_between_parts(store, monkeypatch):
    monkeypatch.setattr(import_run, "CHUNKS_AT_ONCE", 1)
    campaign_id = await new_campaign(store)
    import_id = await upload(store, campaign_id, calling_list(3000))
    turns = iter([True, True, False])
    assert await run(store, import_id, lambda: next(turns)) == "interrupted"
    assert 0 < (await found(store, campaign_id, import_id)).created < 2550
    assert await run(store, import_id, for_ever) == "done"


async def test_an_import_into_a_campaign_that_was_stopped_ends(store, monkeypatch):
    from engine.core.campaign import CampaignStatus, Transition

    campaign_id = await new_campaign(store)
    import_id = await upload(store, campaign_id, calling_list(10))
    stop = Transition(CampaignStatus.DRAFT, CampaignStatus.STOPPED, "")
    await store.campaigns.move(campaign_id, stop, "test", datetime.now(UTC))
    assert await run(store, import_id, for_ever) == "failed"
    assert "clone" in (await found(store, campaign_id, import_id)).error


async def test_an_upload_whose_sender_is_lost_is_ended(store, monkeypatch):
    campaign_id = await new_campaign(store)
    import_id = await upload(store, campaign_id, b"phone\n", seal=False)
    assert await run(store, import_id, for_ever) == "gone"
    assert await waiting_imports(store) == []
    assert (await store.campaigns.get(campaign_id)).n_importing == 1
    later = datetime.now(UTC) + timedelta(seconds=2 * UPLOAD_SILENT_S)
    monkeypatch.setattr("crm.import_run._now", lambda: later)
    assert await waiting_imports(store) == []
    assert (await found(store, campaign_id, import_id)).status is ImportStatus.FAILED
    assert (await store.campaigns.get(campaign_id)).n_importing == 0


# ------------------------------------------------------------------------------ jobs and lease


async def test_a_job_that_another_worker_runs_is_left_alone(own_url, own_store, monkeypatch):
    monkeypatch.setattr("crm.jobs._context", None)  # this process has no worker afterwards
    campaign_id = await new_campaign(own_store)
    import_id = await upload(own_store, campaign_id, calling_list(10))
    connection = rq_connection(own_url)
    set_context(WorkerContext(own_url, connection, threading.Event()))
    lease = connection.lock(f"dialer:import-lease:{import_id}", timeout=60)
    assert lease.acquire(blocking=False)
    assert await asyncio.to_thread(run_import, import_id) == "busy"
    lease.release()
    assert await asyncio.to_thread(run_import, import_id) == "done"
    assert await asyncio.to_thread(run_import, import_id) == "gone"
    connection.close()


async def test_the_sweep_finds_what_has_no_job_and_only_that(own_url, own_store):
    campaign_id = await new_campaign(own_store)
    queued = await upload(own_store, campaign_id, calling_list(10))
    await upload(own_store, campaign_id, calling_list(10))
    await upload(own_store, campaign_id, calling_list(10), seal=False)
    queue = ImportQueue.at(own_url)
    queue.enqueue(queued)
    assert await sweep(own_url, own_url) == 1
    assert await sweep(own_url, own_url) == 0
    queue.close()


# ----------------------------------------------------------------------------- worker processes


@pytest.fixture
def start_worker(own_url) -> Iterator[Callable[..., BaseProcess]]:
    started: list[BaseProcess] = []

    def start(**options: object) -> BaseProcess:
        context = multiprocessing.get_context("spawn")
        process = context.Process(
            target=run_worker, args=(own_url,), kwargs={"sweep_s": 1.0, **options}
        )
        process.start()
        started.append(process)
        return process

    yield start
    for process in started:
        if process.is_alive():
            process.kill()
        process.join(10)


async def test_a_worker_that_is_killed_is_followed_by_one_that_goes_on(
    own_url, own_store, start_worker
):
    campaign_id = await new_campaign(own_store)
    import_id = await upload(own_store, campaign_id, calling_list(40_000))
    first = start_worker()
    deadline = time.monotonic() + 60
    while not (await found(own_store, campaign_id, import_id)).created:
        assert time.monotonic() < deadline
        await asyncio.sleep(0.01)
    assert first.pid is not None
    os.kill(first.pid, signal.SIGKILL)
    first.join(10)
    assert (await found(own_store, campaign_id, import_id)).status is ImportStatus.RUNNING
    start_worker()
    one = await until_done(own_store, campaign_id, import_id, 120)
    assert one.status is ImportStatus.DONE
    assert (one.created, one.rejected, one.duplicates) == (34_000, 4000, 2000)
    phones = await all_phones(own_store, campaign_id)
    assert len(phones) == len(set(phones)) == 34_000


@pytest.mark.parametrize("is_busy", [True, False])
async def test_a_worker_ends_when_it_is_asked_to(own_url, own_store, start_worker, is_busy):
    campaign_id = await new_campaign(own_store)
    n_rows = 60_000 if is_busy else 10
    import_id = await upload(own_store, campaign_id, calling_list(n_rows))
    worker = start_worker()
    if is_busy:
        while not (await found(own_store, campaign_id, import_id)).created:
            await asyncio.sleep(0.01)
    else:
        await until_done(own_store, campaign_id, import_id, 60)
    worker.terminate()
    await asyncio.to_thread(worker.join, 15)
    assert worker.exitcode == 0
    status = (await found(own_store, campaign_id, import_id)).status
    assert status is (ImportStatus.RUNNING if is_busy else ImportStatus.DONE)


async def test_a_worker_ends_when_its_owner_sets_stop(own_url, own_store, start_worker):
    campaign_id = await new_campaign(own_store)
    import_id = await upload(own_store, campaign_id, calling_list(10))
    stop = multiprocessing.get_context("spawn").Event()
    worker = start_worker(stop=stop)
    await until_done(own_store, campaign_id, import_id, 60)
    stop.set()
    await asyncio.to_thread(worker.join, 15)
    assert worker.exitcode == 0


async def test_a_worker_without_redis_says_so(tmp_path):
    from engine.core.errors import StoreUnavailable

    with pytest.raises(StoreUnavailable, match="does not answer"):
        await asyncio.to_thread(run_worker, f"redis://127.0.0.1:1/{secrets.randbelow(8)}")
