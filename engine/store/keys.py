"""Every key of the store, in one place.

A script touches keys of one hash tag only, so all of this works on Redis Cluster: `{c:<id>}` for
what belongs to a campaign, `{n:<shard>}` for what holds for a number across campaigns,
`{p:<shard>}` for what holds for a person, and one tag each for agents, campaigns' index, leader,
tokens, audit. Scripts get the campaign's base and build the rest themselves; the names below and
in `lua/` are the same.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from zlib import crc32

#: Raised by one with every change of layout; a store refuses a newer one than it knows.
SCHEMA_VERSION = 3

#: Small hashes stay in the compact encoding: 10^6 numbers are 31 to a shard.
N_NUMBER_SHARDS = 32_768

#: Of one campaign's numbers, for duplicates: 10^6 contacts are 61 to a shard. A small hash is
#: searched from its beginning: with 244 a look-up took three times as long.
N_PHONE_SHARDS = 16_384


@dataclass(frozen=True, slots=True)
class NumberKeys:
    """Keys of the shard that a number, or a person, falls into."""

    dnc: str
    history: str
    live: str
    facts: str

    @property
    def all(self) -> tuple[str, str, str, str]:
        return (self.dnc, self.history, self.live, self.facts)

    def dnc_of(self, scope: str) -> str:
        """The list of a campaign or connector; empty: the one for all."""
        return f"{self.dnc}:{scope}" if scope else self.dnc


def digits(phone: str) -> str:
    """E.164 without the plus: kept as an integer by Redis, in 8 bytes."""
    return phone.removeprefix("+")


def number_shard(phone: str) -> int:
    return crc32(digits(phone).encode()) % N_NUMBER_SHARDS


def phone_shard(phone: str) -> int:
    """Shard of a campaign's own table of numbers."""
    return crc32(digits(phone).encode()) % N_PHONE_SHARDS


@dataclass(frozen=True, slots=True)
class Keys:
    """All keys under one prefix."""

    prefix: str

    @property
    def schema(self) -> str:
        return f"{self.prefix}:schema"

    @property
    def changes(self) -> str:
        return f"{self.prefix}:changes"

    @property
    def leader(self) -> str:
        return f"{self.prefix}:{{leader}}:lease"

    @property
    def audit(self) -> str:
        return f"{self.prefix}:{{audit}}:log"

    @property
    def system(self) -> str:
        """Settings of the system as JSON."""
        return f"{self.prefix}:{{system}}:settings"

    def caller(self, phone: str) -> str:
        """Hash: hour since 1970 → calls that showed this caller id; all in one slot."""
        return f"{self.prefix}:{{callers}}:{digits(phone)}"

    @property
    def open_imports(self) -> str:
        return f"{self.prefix}:{{imports}}:open"

    @property
    def dnc_shards(self) -> str:
        """Bitmap of the number shards that have ever had a do-not-call entry."""
        return f"{self.prefix}:{{dnc}}:shards"

    def dnc(self, name: str) -> str:
        """`prefixes` (hash), `prefix_version`, `batches` (hash) and `batch_seq`,
        `shards:<scope>` (bitmaps of lists that are not for all campaigns)."""
        return f"{self.prefix}:{{dnc}}:{name}"

    def campaigns(self, name: str) -> str:
        """`seq`, `ids` (all), `open` (may have something to do), `group:<name>` (members, also
        former ones, of a drop-rate group)."""
        return f"{self.prefix}:{{campaigns}}:{name}"

    def agents(self, name: str) -> str:
        """`seq` and hashes by agent id: `profile state wanted of_agent`; `extension`,
        and `of_campaign` by campaign id."""
        return f"{self.prefix}:{{agents}}:{name}"

    def tokens(self, name: str) -> str:
        """`by_hash`: SHA-256 → token; `ids`: token id → SHA-256; `rate:<id>`: what it sent."""
        return f"{self.prefix}:{{tokens}}:{name}"

    def knowledge(self, name: str) -> str:
        """What campaigns learned: `by_campaign` (hash), `kept_at` (zset)."""
        return f"{self.prefix}:{{knowledge}}:{name}"

    @property
    def users(self) -> str:
        """Hash: casefolded name → user."""
        return f"{self.prefix}:{{users}}:by_name"

    def session(self, digest: str) -> str:
        return f"{self.prefix}:{{session:{digest}}}"

    def tries(self, digest: str) -> str:
        """Failed tries to sign in, of a name or an address."""
        return f"{self.prefix}:{{tries:{digest}}}"

    def connectors(self, name: str) -> str:
        """`seq`; `by_id` (hash: id → connector); `pace:<id>` (hash: the account's bucket);
        `inbox:<id>` (stream: what the CRM pushed), `seen:<id>:<message>` (a mark that ends)."""
        return f"{self.prefix}:{{connectors}}:{name}"

    def webhooks(self, name: str) -> str:
        """`seq`; `by_id` (hash: id → webhook); `done` (set of campaigns); by webhook `cursor:<id>`
        (hash: stream → place), `deliveries:<id>` (number), `rows:<id>` (hash), `log:<id>` and
        `due:<id>` (zsets), `counts:<id>` and `rest:<id>` (hashes)."""
        return f"{self.prefix}:{{webhooks}}:{name}"

    def sounds(self, name: str) -> str:
        """`by_id` and `wavs`, hashes: id → what it is, id → the recording in base64."""
        return f"{self.prefix}:{{sounds}}:{name}"

    def polls(self, name: str) -> str:
        """`due` (zset), `plan` (hash), `lease` of whoever plans; `writeback` (set of campaigns)."""
        return f"{self.prefix}:{{polls}}:{name}"

    def idempotency(self, key: str) -> str:
        return f"{self.prefix}:{{idem:{hashlib.sha256(key.encode()).hexdigest()}}}"

    def campaign(self, campaign_id: int, name: str = "") -> str:
        """A campaign's key; without a name the base that its scripts take as KEYS[1].

        campaign (hash), offers and skips (hashes: attempt → offer, contact → times),
        counts (hash), k:<contact> (hash), classes and class_names (hashes),
        waiting (hash: class → contacts that wait), ready:<n|r|c>:<class> (zsets),
        due:<redial|callback> (zsets), phones:<shard> (hashes),
        added (zset: hour → the first contact that came in it), a:<attempt> (hash, while live),
        states (string: a byte for each contact), leases (zset), wrapping (zset),
        wrap and wrap_record (hashes), unknown (hash),
        attempts (stream), revisions (hash), ledger, ledger:h and ledger:m (hashes), knowledge,
        audit (stream), live (string), hour (hash), batch:<token>,
        i:<import> and i:<import>:c:<n>, i:<import>:rejected; pull (hash: what came from the CRM
        and how far), ext:<shard> (hashes: lead → contact), push (hash) and dead (stream).
        """
        return f"{self.prefix}:{{c:{campaign_id}}}:{name}"

    def number(self, phone: str) -> NumberKeys:
        return self.shard(number_shard(phone))

    def shard(self, shard: int) -> NumberKeys:
        return self._shard(f"{self.prefix}:{{n:{shard}}}:")

    def person(self, digest: str) -> NumberKeys:
        """By the digest of a person's key; persons have no do-not-call entries."""
        return self._shard(f"{self.prefix}:{{p:{crc32(digest.encode()) % N_NUMBER_SHARDS}}}:")

    def _shard(self, base: str) -> NumberKeys:
        return NumberKeys(f"{base}dnc", f"{base}history", f"{base}live", f"{base}facts")


def person_digest(person_key: str) -> str:
    """16 characters, so that any key stays in the compact encoding."""
    return hashlib.blake2b(person_key.encode(), digest_size=8).hexdigest()
