"""A CRM's HTTP API described in YAML: who we are, how leads are listed, how calls are written back.

docs/connectors.md explains every field; the errors here name the field and say what is allowed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal

import yaml
from pydantic import Field, model_validator

from crm import template
from crm.mapping import LeadMapping, Path
from crm.source_config import Group, SourceConfig
from engine.core.errors import FieldError, Invalid

MAX_YAML_CHARS = 100_000
Method = Literal["GET", "POST", "PUT", "PATCH"]
Text = Annotated[str, Field(max_length=2000)]
Status = Annotated[int, Field(ge=200, le=599)]
SecretName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,40}$")]
_LIST_NAMES = frozenset({"since", "limit", "page"})
_CALL_NAMES = frozenset({
    "call.attempt_id", "call.external_id", "call.phone", "call.outcome", "call.disposition",
    "call.started_at", "call.answered_at", "call.ended_at", "call.talk_s", "call.agent_id",
    "call.campaign", "call.title", "call.rev", "call.do_not_call",
})  # fmt: skip


class NoAuth(Group):
    kind: Literal["none"] = "none"

    @property
    def secrets(self) -> frozenset[str]:
        return frozenset()


# Fields of type SecretName hold the name under which a secret is kept, never the secret.


class BasicAuth(Group):
    kind: Literal["basic"]
    username: Text
    password: SecretName = "password"  # noqa: S105

    @property
    def secrets(self) -> frozenset[str]:
        return frozenset({self.password})


class TokenAuth(Group):
    """`header`: as it stands, in the header of that name; `bearer`; `query`: as a parameter."""

    kind: Literal["header", "bearer", "query"]
    name: Text = "Authorization"
    prefix: Text = ""
    token: SecretName = "token"  # noqa: S105

    @property
    def secrets(self) -> frozenset[str]:
        return frozenset({self.token})


class OAuth2(Group):
    """`oauth2_refresh` keeps the new refresh token where the CRM gives one."""

    kind: Literal["oauth2_client", "oauth2_refresh"]
    token_url: Text
    client_id: Text
    scope: Text | None = None
    prefix: Text = "Bearer "
    client_secret: SecretName = "client_secret"  # noqa: S105
    refresh_token: SecretName = "refresh_token"  # noqa: S105

    @property
    def secrets(self) -> frozenset[str]:
        is_refresh = self.kind == "oauth2_refresh"
        return frozenset({self.client_secret, *([self.refresh_token] if is_refresh else [])})


class LoginSession(Group):
    """Signs in with a request of its own and sends what it gets as a header."""

    kind: Literal["login_session"]
    path: Text
    body: dict[str, Any]
    token: Path
    header: Text = "Authorization"
    prefix: Text = ""
    password: SecretName = "password"  # noqa: S105

    @property
    def secrets(self) -> frozenset[str]:
        return frozenset({self.password})


Auth = Annotated[
    NoAuth | BasicAuth | TokenAuth | OAuth2 | LoginSession, Field(discriminator="kind")
]


class Paging(Group):
    """How the next page is asked for. `next`: JMESPath in the answer. `first`: the first `{page}`.
    `older`: where the newest come first and nothing else can be asked for, JMESPath to a record's
    time of change (ISO 8601); the pages end where it is before `{since}`.

    id_after: `{page}` is the last record's id. page, offset: a number that counts. cursor: what
    `next` gives. next_url: `next` is an address. link_header: the header Link names it.
    """

    kind: Literal["none", "page", "offset", "cursor", "next_url", "link_header", "id_after"]
    next: Path | None = None
    first: str | int | None = None
    older: Path | None = None

    @model_validator(mode="after")
    def _has_next(self) -> Paging:
        if self.kind in ("cursor", "next_url") and not self.next:
            raise ValueError(f"paging of kind {self.kind} needs `next`")
        return self


class Throttle(Group):
    """One way in which the CRM says no: a status, and where needed what the body holds."""

    status: Status
    path: Path | None = None
    equals: str | int | bool | None = None
    error: Literal["rate_limited", "blocked", "auth", "transient", "rejected"] = "rate_limited"
    retry_after_header: str | None = None
    retry_after_s: float | None = Field(None, ge=0, le=86_400)


class Request(Group):
    method: Method = "GET"
    path: Text
    params: dict[str, Any] = Field(default_factory=dict)
    headers: dict[str, Text] = Field(default_factory=dict)
    body: Any = None


class Listing(Request):
    items: Path
    paging: Paging = Paging(kind="none")
    page_size: int = Field(100, ge=1, le=1000)


class PushBatch(Request):
    """Several calls in one request: the body has `{calls}`, a list of what `item` makes of each.

    `results`: JMESPath to a list with one entry for each call, in order; `id` and `failed` are
    looked up in such an entry.
    """

    method: Method = "POST"
    max: int = Field(ge=2, le=100)
    item: Any
    results: Path | None = None
    id: Path | None = None
    failed: Path | None = None


class LookUp(Request):
    """Which of `{ids}` are still there: `items` is JMESPath to their ids."""

    max: int = Field(100, ge=1, le=100)
    items: Path


class PushSpec(Request):
    """`id`: what the CRM calls the entry. `exists`: a status that says it was there already.

    `failed`: JMESPath to a text that tells of a record's failure in an answer that is none (207).
    `opt_out`: sent besides for a number that is on our do-not-call list.
    """

    method: Method = "POST"
    id: Path | None = None
    exists: tuple[Status, ...] = ()
    failed: Path | None = None
    batch: PushBatch | None = None
    opt_out: Request | None = None


class RestConfig(SourceConfig):
    base_url: str = Field(pattern=r"^https?://[^\s]+$", max_length=500)
    auth: Auth = NoAuth()
    list: Listing
    map: LeadMapping = LeadMapping()
    empty: tuple[Status, ...] = (204, 304)
    throttle: tuple[Throttle, ...] = ()
    push: PushSpec | None = None
    existing: LookUp | None = None
    tables: dict[str, dict[str, Any]] = Field(default_factory=dict)

    @property
    def address(self) -> str:
        return self.base_url

    @property
    def own_secrets(self) -> frozenset[str]:
        return self.auth.secrets

    @model_validator(mode="after")
    def _templates_are_known(self) -> RestConfig:
        found = [*self._problems(self.list, _LIST_NAMES, "list")]
        if self.existing:
            found += self._problems(self.existing, frozenset({"ids"}), "existing")
        if self.push:
            found += self._push_problems(self.push)
        if found:
            raise ValueError("; ".join(found))
        return self

    def _push_problems(self, push: PushSpec) -> Iterator[str]:
        yield from self._problems(push, _CALL_NAMES, "push")
        if push.opt_out:
            yield from self._problems(push.opt_out, _CALL_NAMES, "push.opt_out")
        if push.batch:
            yield from self._problems(push.batch, frozenset({"calls"}), "push.batch")
            for problem in template.problems(push.batch.item, _CALL_NAMES, self.tables):
                yield f"push.batch.item: {problem}"

    def _problems(self, request: Request, names: frozenset[str], where: str) -> Iterator[str]:
        parts = {"path": request.path, "params": request.params, "headers": request.headers,
                 "body": request.body}  # fmt: skip
        for field, part in parts.items():
            for problem in template.problems(part, names, self.tables):
                yield f"{where}.{field}: {problem}"


def read_yaml(text: str) -> Mapping[str, Any]:
    """A description as it stands in a file. Raises Invalid."""
    if len(text) > MAX_YAML_CHARS:
        raise Invalid(errors=[FieldError("yaml", f"is longer than {MAX_YAML_CHARS} characters")])
    try:
        values = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise Invalid(errors=[FieldError("yaml", f"is not YAML: {error}")]) from None
    if not isinstance(values, dict):
        raise Invalid(errors=[FieldError("yaml", "must be a mapping of fields")])
    return values
