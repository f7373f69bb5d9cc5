"""What must hold of a run, whatever happened in it: the carrier's books against the store's."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from bench.virtual.plan import CLOSES, OPENS, ZONE
from bench.virtual.stage import Stage
from engine.core.attempt import AttemptRecord
from engine.core.campaign import Campaign, CampaignStatus
from engine.core.contact import COMPLETE, Contact
from engine.core.ledger_periods import Ledger, ledger_of
from engine.core.outcome import Outcome
from engine.ports import DialOrder

#: From the last look at the rules to the carrier: `send_within_s`, and two slow round trips.
ON_ITS_WAY = timedelta(seconds=3)
DAY = timedelta(hours=24)
Book = Sequence[tuple[datetime, DialOrder, int]]


async def judge(stage: Stage) -> Counter[str]:
    """Outcomes of all calls. Raises AssertionError with what does not hold."""
    assert stage.pbx.collisions == [], f"two calls at one time: {stage.pbx.collisions}"
    _hours(stage.pbx.books)
    outcomes: Counter[str] = Counter()
    everything: list[AttemptRecord] = []
    for campaign_id in stage.campaign_ids:
        campaign = await stage.store.campaigns.get(campaign_id)
        attempts, contacts = await stage.attempts(campaign_id), await stage.contacts(campaign_id)
        book = [each for each in stage.pbx.books if each[1].campaign_id == campaign_id]
        _books_agree(book, attempts)
        _rates(campaign, book)
        _per_day(stage.pbx.books, campaign)
        _contacts(campaign, contacts, attempts)
        _counters(campaign, contacts, attempts, await stage.store.calls.counts(campaign_id))
        now = stage.clock.now()
        _ledger(await stage.store.ledgers.read(campaign_id, now), attempts, now)
        outcomes.update(attempt.outcome.value for attempt in attempts)
        everything += attempts
    _ends(stage, everything)
    return outcomes


def _hours(book: Book) -> None:
    for at, order, _ in book:
        local = (at - ON_ITS_WAY).astimezone(ZoneInfo(ZONE)).time()
        begins, ends = at.astimezone(ZoneInfo(ZONE)).time(), local
        closed = time.fromisoformat(CLOSES), time.fromisoformat(OPENS)
        assert not (closed[0] <= ends and begins < closed[1]), f"{order.phone} at {at}"


def _books_agree(book: Book, attempts: Sequence[AttemptRecord]) -> None:
    """Every call that left is one settled attempt, and nothing else is."""
    placed = [order.attempt_id for _, order, _ in book]
    settled = [attempt.attempt_id for attempt in attempts]
    assert len(set(settled)) == len(settled), "settled twice"
    unknown = {a.attempt_id for a in attempts if a.outcome is Outcome.UNKNOWN}
    assert set(placed) - set(settled) == set(), "left, and never settled"
    assert set(settled) - set(placed) <= unknown, "settled, and never left"


def _rates(campaign: Campaign, book: Book) -> None:
    dialing = campaign.settings.dialing
    for _, order, n_live in book:
        assert n_live <= dialing.max_channels, f"{order.attempt_id}: {n_live} channels"
    # A bucket holds a quarter of a second's calls; a new engine's is full, and orders may bunch.
    instants = sorted(at for at, _, _ in book)
    burst = 2 * max(1.0, dialing.max_cps / 4) + 1
    window_s, first = 10.0, 0
    for last, at in enumerate(instants):
        while (at - instants[first]).total_seconds() > window_s:
            first += 1
        assert last - first + 1 <= dialing.max_cps * (window_s + 3) + burst, f"too fast at {at}"


def _per_day(book: Book, campaign: Campaign) -> None:
    """The campaign's limit counts the calls of all; others without one may come after it."""
    most = campaign.settings.limits.max_per_24h
    if most is None:
        return
    calls: defaultdict[str, list[tuple[datetime, int]]] = defaultdict(list)
    for at, order, _ in book:
        calls[order.phone].append((at, order.campaign_id))
    for phone, of_phone in calls.items():
        for at, campaign_id in of_phone:
            if campaign_id == campaign.id:
                before = sum(at - DAY < earlier <= at for earlier, _ in of_phone)
                assert before <= most, f"{phone}: call {before} of a day"


def _contacts(
    campaign: Campaign, contacts: Iterable[Contact], attempts: Iterable[AttemptRecord]
) -> None:
    redial = campaign.settings.redial
    most = redial.max_attempts + redial.max_trunk_faults
    of_contact: defaultdict[int, list[AttemptRecord]] = defaultdict(list)
    for attempt in sorted(attempts, key=lambda each: each.started_at):
        of_contact[attempt.contact_id].append(attempt)
    for one in of_contact.values():
        assert len(one) <= most, f"{one[0].phone}: {len(one)} attempts"
        for before, after in pairwise(one):
            assert before.next_dial_at is not None, f"{one[0].phone}: again after its end"
            assert after.started_at >= before.next_dial_at, f"{one[0].phone}: too early"
    for contact in contacts:
        assert contact.attempt_id is None, f"{contact.phone}: in flight for ever"


def _counters(
    campaign: Campaign,
    contacts: Sequence[Contact],
    attempts: Sequence[AttemptRecord],
    counts: Mapping[str, int],
) -> None:
    n_complete = sum(contact.state in COMPLETE for contact in contacts)
    assert campaign.n_contacts == len(contacts)
    assert campaign.n_complete == n_complete, f"{campaign.n_complete} complete, not {n_complete}"
    assert campaign.progress == n_complete * 1000 // max(1, len(contacts)) / 10
    if campaign.status is CampaignStatus.COMPLETED:
        assert n_complete == len(contacts)
    for outcome, n in Counter(attempt.outcome for attempt in attempts).items():
        assert counts.get(f"outcome:{outcome}", 0) == n, f"{outcome}: {counts}, not {n}"


def _ledger(kept: Ledger, attempts: Sequence[AttemptRecord], now: datetime) -> None:
    """What is counted by period is what the records say, and blocks begin with the first call."""
    anew = ledger_of(attempts, kept.first_at)
    assert kept.so_far == anew.so_far, f"{kept.so_far} counted, not {anew.so_far}"
    assert kept.last_24_h(now) == anew.last_24_h(now)
    assert kept.last_30_days(now) == anew.last_30_days(now)
    assert kept.all_blocks(now) == anew.all_blocks(now)
    first = min((attempt.started_at for attempt in attempts), default=None)
    assert first is None or (kept.first_at and kept.first_at <= first), f"{first}: the first call"


def _ends(stage: Stage, attempts: Iterable[AttemptRecord]) -> None:
    """What the PBX itself saw is what was settled; who answered got an agent or the message."""
    ends = stage.pbx.ends
    for attempt in attempts:
        if attempt.attempt_id not in ends or attempt.outcome is Outcome.UNKNOWN:
            continue
        end, name = ends[attempt.attempt_id], attempt.attempt_id
        assert (attempt.outcome is Outcome.ANSWERED) == (end.connected_at is not None), name
        assert (attempt.outcome is Outcome.ABANDONED) == (end.message_at is not None), name
        if end.answered_at and not (end.connected_at or end.message_at or end.amd == "MACHINE"):
            assert attempt.outcome is Outcome.HUNG_UP_EARLY, f"{name}: {attempt.outcome}"
