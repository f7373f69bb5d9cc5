"""A campaign for an auditor: its attempts, the state of each contact, its log, and its figures.

Every figure that the API shows of the campaign follows from the files; `how.txt` among them says
how. The same archive comes from the API and from `dialer export`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import astuple, fields
from datetime import datetime

from admin_api import csv_out
from admin_api.zip_stream import ZipStream
from engine.core.attempt import AttemptRecord
from engine.core.campaign import Campaign
from engine.core.contact import Contact
from engine.store import RedisStore, codec

PAGE = 1000
CONTACT_COLUMNS = (
    "contact_id", "state", "done_reason", "phone", "other_phones", "dropped_phones", "name",
    "external_id", "person_key", "timezone", "region", "postal_code", "hours_class", "priority",
    "source", "url", "variables", "n_attempts", "n_trunk_faults", "outcomes", "last_outcome",
    "next_dial_at", "is_active", "callback_agent_id", "list_id",
)  # fmt: skip
HOW = """\
attempts.csv   One row for each ended call, in the order in which they were settled, with its newest
               record: rev is 0 for the record of the call, higher where a fate became known or a
               disposition was added later.
contacts.csv   One row for each contact with its state now. variables and outcomes are JSON.
               hours_class is what decides about calling hours: the zones in all of which they must
               hold (of timezone, else of postal_code, else of region, else of the numbers), and
               after a semicolon the states whose own rules hold too.
audit.csv      Who changed what of the campaign, the newest first.
campaign.json  The campaign and its settings now.
figures.json   The counters that the dialer keeps, which its API shows.
manifest.json  Rows and SHA-256 of each file. is_still: the counters did not move during the export.
               Of a campaign that dials, calls in flight have no row yet.

How the figures follow from the rows (of a campaign that was still):
n_contacts     rows of contacts.csv
n_complete     of these, state is done or withdrawn
progress       n_complete / n_contacts x 100, rounded down to 0.1; 0 without contacts
attempts       rows of attempts.csv
outcomes       rows of attempts.csv by outcome
dispositions   rows of attempts.csv by disposition, where there is one
abandon_rate   abandoned / people, rounded to 6 digits; 0 without people. Of the attempts:
  answered     outcome is answered, abandoned, hung_up_early, machine or fax, or is unknown with an
               answered_at; not those with message_played whose outcome is answered or
               hung_up_early: the message was all there was to hear, nobody waited for an agent
  machines     of answered, answered_by is machine (an agent's disposition may have said so, later),
               or is empty and outcome is machine or fax
  people       the rest of answered
  abandoned    of people, outcome is abandoned or unknown, or more than 2 seconds passed from
               greeting_end_at (answered_at where that is empty) to bridged_at (ended_at where that
               is empty); with neither greeting_end_at nor answered_at only the outcome counts
per contact    the same by contact_id: number counts up from 1, outcomes in contacts.csv are those
               of its rows
"""


class Export:
    """One archive of one campaign."""

    def __init__(self, store: RedisStore, campaign: Campaign, now: datetime) -> None:
        self._store, self._campaign, self._now = store, campaign, now
        self._n_rows: dict[str, int] = {}

    async def chunks(self) -> AsyncIterator[bytes]:
        """The archive's bytes."""
        archive = ZipStream(self._now)
        before = await self._figures()
        files = {
            "how.txt": _one(HOW),
            "campaign.json": _one(_campaign_json(self._campaign)),
            "figures.json": _one(codec.to_json(before)),
            "contacts.csv": self._contacts(),
            "attempts.csv": self._attempts(),
            "audit.csv": self._audit(),
        }
        for name, texts in files.items():
            async for chunk in archive.add(name, texts):
                yield chunk
        manifest = {
            "campaign_id": self._campaign.id,
            "exported_at": self._now.isoformat(),
            "is_still": before == await self._figures(),
            "rows": self._n_rows,
            "sha256": dict(archive.digests),
        }
        async for chunk in archive.add("manifest.json", _one(codec.to_json(manifest))):
            yield chunk
        yield archive.end()

    async def _figures(self) -> Mapping[str, object]:
        campaign = await self._store.campaigns.get(self._campaign.id)
        counts = await self._store.calls.counts(campaign.id)
        return {
            "n_contacts": campaign.n_contacts,
            "n_complete": campaign.n_complete,
            "progress": campaign.progress,
            "attempts": counts.get("attempts", 0),
            "outcomes": _named(counts, "outcome:"),
            "dispositions": _named(counts, "disposition:"),
            "in_flight": counts.get("in_flight", 0),
        }

    async def _contacts(self) -> AsyncIterator[str]:
        yield csv_out.csv_lines([CONTACT_COLUMNS])
        after: int | None = 0
        while after is not None:
            some, after = await self._store.contacts.list(
                self._campaign.id, after=after, limit=PAGE
            )
            yield self._rows("contacts.csv", [_contact_row(contact) for contact in some])

    async def _attempts(self) -> AsyncIterator[str]:
        yield csv_out.csv_lines([[field.name for field in fields(AttemptRecord)]])
        after: str | None = None
        while True:
            some, after = await self._store.attempts.list(
                self._campaign.id, after=after, limit=PAGE
            )
            yield self._rows("attempts.csv", [astuple(record) for record in some])
            if after is None:
                return

    async def _audit(self) -> AsyncIterator[str]:
        yield csv_out.csv_lines([("at", "actor", "action", "subject", "detail")])
        cursor: str | None = None
        while True:
            page = await self._store.audit.list(
                limit=PAGE, cursor=cursor, campaign_id=self._campaign.id
            )
            rows = [(e.at, e.actor, e.action, e.subject, _json(e.detail)) for e in page.items]
            yield self._rows("audit.csv", rows)
            cursor = page.next_cursor
            if cursor is None:
                return

    def _rows(self, name: str, rows: Sequence[Sequence[object]]) -> str:
        self._n_rows[name] = self._n_rows.get(name, 0) + len(rows)
        return csv_out.csv_lines(rows)


async def _one(text: str) -> AsyncIterator[str]:
    yield text


def _contact_row(contact: Contact) -> Sequence[object]:
    values = [getattr(contact, name) for name in CONTACT_COLUMNS]
    return [_json(value) if isinstance(value, Mapping) else value for value in values]


def _campaign_json(campaign: Campaign) -> str:
    told = {
        "id": campaign.id,
        "name": campaign.name,
        "status": campaign.status,
        "status_reason": campaign.status_reason,
        "created_at": campaign.created_at.isoformat(),
        "version": campaign.version,
        "agent_ids": list(campaign.agent_ids),
        "settings": campaign.settings.model_dump(mode="json"),
    }
    return codec.to_json(told)


def _named(counts: Mapping[str, int], prefix: str) -> dict[str, int]:
    found = {name.removeprefix(prefix): n for name, n in counts.items() if name.startswith(prefix)}
    return {name: n for name, n in sorted(found.items()) if n}


def _json(value: Mapping[str, object]) -> str:
    return codec.to_json(dict(value))
