"""Uploads that workers take up, killed ones included."""

from __future__ import annotations

import pytest

from engine.core.errors import Conflict, NotFound
from engine.store import ImportStatus, RejectedRow


async def begin(rig, *chunks: bytes) -> str:
    import_id = await rig.store.imports.create(rig.campaign_id, filename="a.csv", now=rig.now)
    for chunk in chunks:
        await rig.store.imports.append(import_id, chunk, rig.now)
    return import_id


async def commit(rig, import_id, chunks_done, **more):
    numbers = {"created": 2, "rejected": 1, "duplicates": 0, "line": chunks_done * 3}
    await rig.store.imports.commit(
        import_id,
        chunks_done=chunks_done,
        carry=b"\xff,half",
        rejected_rows=[RejectedRow(3, ["x", "ü"], "is not a phone number")],
        **(numbers | more),
    )


async def test_an_upload_is_read_back_byte_by_byte(rig):
    chunks = [b"phone\n\xff\x00", b"\xc3", b"\xbc\n"]
    import_id = await begin(rig, *chunks)
    await rig.store.imports.seal(import_id, rig.now)
    read = [await rig.store.imports.next_chunk(import_id, i) for i in range(4)]
    assert read == [*chunks, None]
    found = await rig.store.imports.get(rig.campaign_id, import_id)
    assert (found.filename, found.status) == ("a.csv", ImportStatus.QUEUED)
    assert (found.n_bytes, found.n_chunks, found.created_at) == (11, 3, rig.now)
    with pytest.raises(Conflict):
        await rig.store.imports.append(import_id, b"more", rig.now)
    with pytest.raises(Conflict):
        await rig.store.imports.seal(import_id, rig.now)


async def test_position_and_counts_move_together_once(rig):
    import_id = await begin(rig, b"12345", b"678")
    await rig.store.imports.seal(import_id, rig.now)
    await commit(rig, import_id, 1)
    with pytest.raises(Conflict):
        await commit(rig, import_id, 1)
    (found,) = await rig.store.imports.unfinished()
    assert (found.status, found.chunks_done, found.line) == (ImportStatus.RUNNING, 1, 3)
    assert (found.bytes_done, found.created, found.rejected, found.carry) == (5, 2, 1, b"\xff,half")
    assert await rig.store.imports.next_chunk(import_id, 0) is None
    await commit(rig, import_id, 2)
    await rig.store.imports.finish(import_id, "done", "", rig.now)
    assert await rig.store.imports.unfinished() == []
    rows = [row async for row in rig.store.imports.rejected(import_id)]
    assert rows == [RejectedRow(3, ["x", "ü"], "is not a phone number")] * 2
    with pytest.raises(Conflict):
        await commit(rig, import_id, 3)


async def test_a_campaign_knows_what_it_imports(rig):
    first, second = await begin(rig), await begin(rig, b"x")
    assert (await rig.store.campaigns.get(rig.campaign_id)).n_importing == 2
    for _ in range(2):
        await rig.store.imports.abort(first, "the client went away", rig.now)
    await rig.store.imports.finish(second, "failed", "no column phone", rig.now)
    assert (await rig.store.campaigns.get(rig.campaign_id)).n_importing == 0
    found = await rig.store.imports.get(rig.campaign_id, second)
    assert (found.status, found.error) == (ImportStatus.FAILED, "no column phone")
    assert await rig.store.imports.next_chunk(second, 0) is None


async def test_unknown_ones(rig):
    import_id = await begin(rig)
    for campaign_id, one in [
        (rig.campaign_id + 1, import_id),
        (rig.campaign_id, f"{import_id}0"),
        (rig.campaign_id, "nonsense"),
        (rig.campaign_id, "1i*"),
    ]:
        with pytest.raises(NotFound):
            await rig.store.imports.get(campaign_id, one)
    with pytest.raises(NotFound):
        await rig.store.imports.create(99, filename="", now=rig.now)
