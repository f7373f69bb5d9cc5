"""Odoo, 14 and newer: leads by JSON-2 (from 19 on) or JSON-RPC, calls as their own objects.

Errors of JSON-RPC come with HTTP 200 and those of JSON-2 with 500, so the exception's name decides.
"""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Literal

from pydantic import Field

from crm.cursor import Cursor
from crm.http import Answer, Http, error_of
from crm.mapping import LeadMapping, lead_of
from crm.port import (
    AuthError,
    CallResult,
    Connector,
    Health,
    Lead,
    Page,
    Receipt,
    Rejected,
    Transient,
)
from crm.source_config import SourceConfig

FIRST_WITH_JSON2 = 19
PAGE_SIZE = 500
MAX_BATCH = 50
BLACKLIST_PAGE = 1000
#: Leads that `check` shows.
N_SAMPLE = 5
_KEEP_ARCHIVED = {"active_test": False}
_QUIET = {"mail_create_nolog": True, "mail_notrack": True}
#: Parts of exception names that say: try again.
_PASSING = (
    "OperationalError", "InterfaceError", "SerializationFailure", "Deadlock", "LockNotAvailable",
    "PoolError", "AdminShutdown",
)  # fmt: skip
_REFUSED = ("AccessDenied", "AccessError", "SessionExpired", "Unauthorized", "Forbidden")


class OdooConfig(SourceConfig):
    """`filter` is an Odoo domain; who falls out of it is withdrawn. `user` is for JSON-RPC.

    `do_not_call`: Odoo's phone blacklist is read into our do-not-call list, and the other way.
    """

    url: str = Field(pattern=r"^https?://", max_length=500)
    database: str = Field(min_length=1, max_length=100)
    user: str = Field("admin", max_length=200)
    protocol: Literal["auto", "json2", "jsonrpc"] = "auto"
    model: str = Field("crm.lead", pattern=r"^[a-z0-9_.]{1,64}$")
    filter: list[Any] = Field(default_factory=list)
    fields: tuple[str, ...] = (
        "name", "contact_name", "phone", "stage_id", "user_id", "active",
        "phone_sanitized_blacklisted", "state_id", "zip",
    )  # fmt: skip
    map: LeadMapping = LeadMapping(
        name="contact_name || name",
        region="state_id[1]",
        postal_code="zip",
        withdrawn="active == `false`",
        do_not_call="phone_sanitized_blacklisted",
    )
    write_back: Literal["auto", "phonecall", "note", "none"] = "auto"
    do_not_call: Literal["blacklist", "none"] = "blacklist"
    rate_per_s: float = Field(20.0, gt=0, le=1000)

    @property
    def address(self) -> str:
        return self.url

    @property
    def own_secrets(self) -> frozenset[str]:
        return frozenset({"api_key"})


class OdooConnector(Connector):
    def __init__(self, config: OdooConfig, api_key: str, http: Http) -> None:
        self._config, self._key, self._http = config, api_key, http
        self._uid: int | None = None
        self._protocol: str = config.protocol
        self._write_back: str = config.write_back
        self._last: Answer | None = None

    @property
    def overlap_s(self) -> float:
        return self._config.overlap_s

    @property
    def page_size(self) -> int:
        return PAGE_SIZE

    @property
    def max_batch(self) -> int:
        return MAX_BATCH

    async def fetch(self, cursor: Cursor, limit: int) -> Page:
        domain: list[Any] = [["id", ">", int(cursor.page or 0)]]
        if cursor.since is not None:
            domain.insert(0, ["write_date", ">=", _text(cursor.since)])
        rows = await self._leads(domain, limit)
        assert self._last is not None
        server_at = self._last.server_at
        gone = await self._outside(rows)
        leads = [self._lead(row, row["id"] in gone) for row in rows]
        is_full = len(rows) == limit
        # Once for each window: a blacklisted number does not change its leads' time of change.
        opted_out = await self._opted_out(cursor) if cursor.page is None else ()
        return Page(
            leads=leads, next_page=str(rows[-1]["id"]) if is_full else None, server_at=server_at,
            opted_out=opted_out,
        )  # fmt: skip

    async def push(self, result: CallResult) -> Receipt:
        (answer,) = await self.push_batch([result])
        if isinstance(answer, Rejected):
            raise answer
        return answer

    async def push_batch(self, results: Sequence[CallResult]) -> Sequence[Receipt | Rejected]:
        if self._write_back == "auto":
            self._write_back = await self._best_way()
        answers: Sequence[Receipt | Rejected] = [Receipt() for _ in results]
        if self._write_back == "phonecall":
            answers = await self._push_phonecalls(results)
        elif self._write_back == "note":
            answers = [await self._noted(result) for result in results]
        if self._config.do_not_call == "blacklist":
            await self._blacklist([one.phone for one in results if one.do_not_call])
        return answers

    async def existing(self, external_ids: Sequence[str]) -> frozenset[str] | None:
        domain = [["id", "in", [int(one) for one in external_ids]]]
        found = await self._call(
            self._config.model, "search", domain=domain, context=_KEEP_ARCHIVED
        )
        return frozenset(map(str, found))

    async def check(self) -> Health:
        rows = await self._leads(list(self._config.filter), N_SAMPLE)
        sample = [self._lead(row, False) for row in rows]
        n = await self._call(self._config.model, "search_count", domain=self._config.filter)
        return Health(ok=True, detail=f"{n} records match, by {self._protocol}.", sample=sample)

    async def close(self) -> None:
        await self._http.close()

    # -- leads

    async def _leads(self, domain: list[Any], limit: int) -> Sequence[Mapping[str, Any]]:
        fields = sorted({"id", *self._config.fields})
        rows: list[dict[str, Any]] = await self._call(
            self._config.model, "search_read", domain=domain, fields=fields, limit=limit,
            order="id asc", context=_KEEP_ARCHIVED,
        )  # fmt: skip
        return rows

    async def _outside(self, rows: Sequence[Mapping[str, Any]]) -> frozenset[int]:
        """Who changed so that the filter does not want them any more."""
        if not self._config.filter or not rows:
            return frozenset()
        ids = [row["id"] for row in rows]
        domain = [["id", "in", ids], *self._config.filter]
        inside = await self._call(self._config.model, "search", domain=domain)
        return frozenset(ids) - frozenset(inside)

    def _lead(self, row: Mapping[str, Any], is_outside: bool) -> Lead:
        lead = lead_of(row, self._config.map)
        if not is_outside or lead.withdrawn:
            return lead
        return Lead(external_id=lead.external_id, contact=lead.contact, withdrawn=True)

    # -- calls

    async def _best_way(self) -> str:
        """The OCA add-on's call log where it is installed, else a note on the lead."""
        try:
            await self._call("crm.phonecall", "search", domain=[["id", "=", 0]])
        except (Rejected, AuthError):
            return "note"
        return "phonecall"

    async def _push_phonecalls(self, results: Sequence[CallResult]) -> Sequence[Receipt]:
        """New ones in one request; all or none of them are there after an error."""
        markers = [_marker(result) for result in results]
        rows = await self._call(
            "crm.phonecall", "search_read", domain=[["description", "in", markers]],
            fields=["description"], context=_KEEP_ARCHIVED,
        )  # fmt: skip
        # Odoo keeps HTML in this field where another add-on made it so: the marker is within.
        known = {m: row["id"] for m in markers for row in rows if m in str(row["description"])}
        new = [result for result in results if _marker(result) not in known]
        for result in results:
            if _marker(result) in known:
                await self._write("crm.phonecall", known[_marker(result)], self._phonecall(result))
        made = await self._create_all("crm.phonecall", [self._phonecall(one) for one in new])
        ids = {_marker(one): made_id for one, made_id in zip(new, made, strict=True)}
        return [Receipt(str({**known, **ids}[m]), was_there=m in known) for m in markers]

    def _phonecall(self, result: CallResult) -> dict[str, Any]:
        values: dict[str, Any] = {
            "name": result.title,
            "state": "done" if result.talk_s else "pending",
            "direction": "out",
            "date": _text(result.started_at),
            "duration": round(result.talk_s / 60, 2),
            "partner_phone": result.phone,
            "description": _marker(result),
        }
        if self._config.model == "crm.lead":
            values["opportunity_id"] = int(result.external_id)
        return values

    async def _noted(self, result: CallResult) -> Receipt | Rejected:
        try:
            return await self._push_note(result)
        except Rejected as error:
            return error

    async def _push_note(self, result: CallResult) -> Receipt:
        """A note does not touch the lead's own fields, so it does not come back as a change."""
        marker, lead_id = _marker(result), int(result.external_id)
        domain = [["model", "=", self._config.model], ["res_id", "=", lead_id],
                  ["body", "ilike", marker]]  # fmt: skip
        body = f"{html.escape(result.title)} ({round(result.talk_s)} s) [{marker}]"
        known = await self._call("mail.message", "search", domain=domain, limit=1)
        if known:
            await self._write("mail.message", known[0], {"body": body})
            return Receipt(str(known[0]), was_there=True)
        posted = await self._on(
            self._config.model, "message_post", lead_id, body=body, subtype_xmlid="mail.mt_note"
        )
        return Receipt(str(posted[0] if isinstance(posted, list) else posted))

    # -- numbers that are not to be called

    async def _opted_out(self, cursor: Cursor) -> Sequence[str]:
        """Numbers that came onto Odoo's blacklist since; none where the user may not see it."""
        found, after = list[str](), 0
        while self._config.do_not_call == "blacklist":
            domain: list[Any] = [["id", ">", after]]
            if cursor.since is not None:
                domain.insert(0, ["write_date", ">=", _text(cursor.since)])
            try:
                rows = await self._call(
                    "phone.blacklist", "search_read", domain=domain, fields=["id", "number"],
                    limit=BLACKLIST_PAGE, order="id asc",
                )  # fmt: skip
            except (Rejected, AuthError):
                break
            found += [str(row["number"]) for row in rows]
            if len(rows) < BLACKLIST_PAGE:
                break
            after = rows[-1]["id"]
        return found

    async def _blacklist(self, phones: Sequence[str]) -> None:
        """Odoo keeps a number once. Raises Rejected: that a user may not is this entry's fault."""
        if not phones:
            return
        try:
            await self._create_all("phone.blacklist", [{"number": one} for one in set(phones)])
        except AuthError as error:
            raise Rejected(f"Not put on Odoo's phone blacklist: {error.message}") from error

    # -- the two protocols

    async def _create(self, model: str, values: Mapping[str, Any]) -> int:
        return (await self._create_all(model, [values]))[0]

    async def _create_all(self, model: str, rows: Sequence[Mapping[str, Any]]) -> Sequence[int]:
        if not rows:
            return ()
        if await self._speaks_json2():
            body = {"vals_list": list(rows), "context": _QUIET}
            made = await self._json2(model, "create", body)
        else:
            made = await self._execute(model, "create", [list(rows)], {"context": _QUIET})
        return [int(one) for one in (made if isinstance(made, list) else [made])]

    async def _write(self, model: str, record_id: int, values: Mapping[str, Any]) -> None:
        """JSON-2 wants the argument by the name that the model gave it."""
        if await self._speaks_json2():
            name = "values" if model == "crm.phonecall" else "vals"
            await self._json2(model, "write", {"ids": [record_id], name: values})
        else:
            await self._execute(model, "write", [[record_id], values], {})

    async def _on(self, model: str, method: str, record_id: int, **keywords: Any) -> Any:
        if await self._speaks_json2():
            return await self._json2(model, method, {"ids": [record_id], **keywords})
        return await self._execute(model, method, [[record_id]], keywords)

    async def _call(self, model: str, method: str, **keywords: Any) -> Any:
        if await self._speaks_json2():
            return await self._json2(model, method, keywords)
        return await self._execute(model, method, [], keywords)

    async def _speaks_json2(self) -> bool:
        if self._protocol == "auto":
            self._protocol = await self._best_protocol()
        return self._protocol == "json2"

    async def _best_protocol(self) -> str:
        """Newer releases have JSON-2, the oldest only JSON-RPC, the newest no JSON-RPC."""
        try:
            version = await self._rpc("common", "version", [])
        except Rejected:
            return "json2"
        number = (version.get("server_version_info") or [0])[0]
        is_new = isinstance(number, int) and number >= FIRST_WITH_JSON2
        return "json2" if is_new else "jsonrpc"

    async def _json2(self, model: str, method: str, body: Mapping[str, Any]) -> Any:
        headers = {
            "Authorization": f"bearer {self._key}",
            "X-Odoo-Database": self._config.database,
        }
        url = self._http.url_of(f"/json/2/{model}/{method}")
        self._last = answer = await self._http.send("POST", url, json=body, headers=headers)
        if answer.status < 300:
            return answer.json()
        told = answer.json() if "json" in answer.headers.get("content-type", "") else None
        if isinstance(told, dict) and "name" in told and answer.status != 401:
            raise _error(str(told["name"]), str(told.get("message", "")))
        raise error_of(answer) or Rejected(f"The CRM answered {answer.status}.")

    async def _execute(
        self, model: str, method: str, args: list[Any], keywords: Mapping[str, Any]
    ) -> Any:
        if self._uid is None:
            login = [self._config.database, self._config.user, self._key, {}]
            self._uid = await self._rpc("common", "authenticate", login) or None
        if self._uid is None:
            raise AuthError("Odoo refuses the user or the API key.")
        target = [self._config.database, self._uid, self._key, model, method]
        return await self._rpc("object", "execute_kw", [*target, args, dict(keywords)])

    async def _rpc(self, service: str, method: str, args: list[Any]) -> Any:
        params = {"service": service, "method": method, "args": args}
        body = {"jsonrpc": "2.0", "id": 1, "method": "call", "params": params}
        self._last = answer = await self._http.send(
            "POST", self._http.url_of("/jsonrpc"), json=body
        )
        problem = error_of(answer)
        if problem is not None:
            raise problem
        told = answer.json() or {}
        if "error" in told:
            data = told["error"].get("data") or {}
            raise _error(str(data.get("name", "")), str(data.get("message", "")))
        return told.get("result")


def _error(name: str, message: str) -> Exception:
    text = f"Odoo: {name}: {message[:300]}"
    if any(part in name for part in _REFUSED):
        return AuthError(text)
    if any(part in name for part in _PASSING):
        return Transient(text)
    return Rejected(text)


def _marker(result: CallResult) -> str:
    return f"dialer:{result.attempt_id}"


def _text(at: datetime) -> str:
    """As Odoo writes instants: UTC, in whole seconds."""
    return at.strftime("%Y-%m-%d %H:%M:%S")
