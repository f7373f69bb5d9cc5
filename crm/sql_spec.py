"""A connection to a database: one query that lists leads, one statement that takes calls."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, field_validator
from sqlalchemy import text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from crm.mapping import LeadMapping
from crm.source_config import Group, SecretName, SourceConfig

#: What may stand behind the question mark; others could name another host or read a file.
_OPTIONS = frozenset({
    "host", "sslmode", "sslrootcert", "application_name", "charset", "ssl_ca", "ssl_check_hostname",
})  # fmt: skip
CALL_NAMES = (
    "attempt_id", "external_id", "phone", "outcome", "disposition", "started_at", "answered_at",
    "ended_at", "talk_s", "agent_id", "campaign", "title", "rev", "do_not_call",
)  # fmt: skip


def names_in(sql: str) -> frozenset[str]:
    """The `:names` of a statement."""
    return frozenset(text(sql).compile().params)


def _only(*known: str) -> AfterValidator:
    def check(sql: str) -> str:
        unknown = sorted(names_in(sql) - set(known))
        if unknown:
            listed = ", ".join(f":{name}" for name in known)
            raise ValueError(f":{unknown[0]} is not known here; known are {listed}")
        return sql

    return AfterValidator(check)


Statement = Annotated[str, Field(min_length=1, max_length=10_000)]
CallStatement = Annotated[Statement, _only(*CALL_NAMES)]


class SqlPush(Group):
    """`sql` takes a call, best so that a repetition changes nothing (ON CONFLICT, or an UPDATE).

    `known`: a query that finds the call where it was taken before. `opt_out`: run besides for a
    number that is on the do-not-call list.
    """

    sql: CallStatement
    known: CallStatement | None = None
    opt_out: CallStatement | None = None


class SqlConfig(SourceConfig):
    """`url` as SQLAlchemy takes it, without the password, which is a secret.

    `query` has `:since`, `:last_id` and `:limit`, and is ordered by the id. `since_as`: what
    `:since` is given as; `naive` for columns without a time zone that hold UTC. `clock` gives the
    database's time, in UTC where it says no zone. `existing` has `:ids` and gives those that are
    still there.
    """

    url: str = Field(max_length=500)
    query: Annotated[Statement, _only("since", "last_id", "limit")]
    clock: Annotated[Statement, _only()] = "SELECT CURRENT_TIMESTAMP"
    since_as: Literal["timestamp", "naive", "sql", "iso", "epoch", "epoch_ms"] = "timestamp"
    first_id: int | str = 0
    page_size: int = Field(500, ge=1, le=1000)
    map: LeadMapping = LeadMapping()
    push: SqlPush | None = None
    existing: Annotated[Statement, _only("ids")] | None = None
    password: SecretName | None = None
    rate_per_s: float = Field(20.0, gt=0, le=1000)

    @property
    def own_secrets(self) -> frozenset[str]:
        return frozenset({self.password} if self.password else ())

    @field_validator("url")
    @classmethod
    def _is_an_address(cls, value: str) -> str:
        try:
            url = make_url(value)
        except (ArgumentError, ValueError):
            raise ValueError(
                "is not a database URL, such as postgresql+psycopg://me@db/crm"
            ) from None
        if url.password:
            raise ValueError("must not hold the password: name a secret in `password`")
        unknown = sorted(url.query.keys() - _OPTIONS)
        if unknown:
            raise ValueError(
                f"option {unknown[0]} is not allowed; {', '.join(sorted(_OPTIONS))} are"
            )
        return value

    @field_validator("query")
    @classmethod
    def _is_paged(cls, value: str) -> str:
        missing = sorted({"since", "last_id", "limit"} - names_in(value))
        if missing:
            raise ValueError(f"lacks :{missing[0]}")
        return value
