"""Any CRM with an HTTP API, as its description says."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import fields as fields_of
from datetime import UTC, datetime
from typing import Any

import httpx2

from crm.cursor import Cursor
from crm.http import Answer, Http, error_of, retry_after_s
from crm.mapping import lead_of, look
from crm.port import (
    AuthError,
    Blocked,
    CallResult,
    Connector,
    CrmError,
    Health,
    Page,
    RateLimited,
    Receipt,
    Rejected,
    Transient,
)
from crm.rest_auth import Credentials, Keep, Token, keep_nothing
from crm.rest_spec import Paging, PushBatch, PushSpec, Request, RestConfig, Throttle
from crm.template import fill

N_SAMPLE = 5
_LINK_NEXT = re.compile(r'<([^>]+)>\s*;[^,]*rel="?next"?')
_ERRORS: Mapping[str, type[CrmError]] = {
    "blocked": Blocked, "auth": AuthError, "transient": Transient, "rejected": Rejected,
}  # fmt: skip


class RestConnector(Connector):
    def __init__(
        self,
        config: RestConfig,
        secrets: Mapping[str, str],
        http: Http,
        keep: Keep = keep_nothing,
        token: Token | None = None,
    ) -> None:
        self._config, self._http = config, http
        self._credentials = Credentials(config.auth, secrets, http, keep, token or Token())

    @property
    def overlap_s(self) -> float:
        return self._config.overlap_s

    @property
    def page_size(self) -> int:
        return self._config.list.page_size

    @property
    def max_batch(self) -> int:
        batch = self._config.push.batch if self._config.push else None
        return batch.max if batch else 1

    async def fetch(self, cursor: Cursor, limit: int) -> Page:
        answer = await self._list(cursor, limit)
        if answer.status in self._config.empty:
            return Page(leads=(), next_page=None, server_at=answer.server_at)
        body = answer.json()
        found = look(self._config.list.items, body)
        if found is not None and not isinstance(found, list):
            raise Rejected(f"There is no list at {self._config.list.items}.")
        records = found or []
        leads = [lead_of(record, self._config.map) for record in records]
        next_page = self._next(cursor, limit, records, answer, body)
        return Page(leads=leads, next_page=next_page, server_at=answer.server_at)

    async def push(self, result: CallResult) -> Receipt:
        spec = self._config.push
        if spec is None:
            return Receipt()
        answer = await self._send(spec, _values_of(result), spec.exists)
        was_there = answer.status in spec.exists
        receipt = Receipt(was_there=True) if was_there else _receipt(spec, answer.json())
        if isinstance(receipt, Rejected):
            raise receipt
        await self._opt_out(result)
        return receipt

    async def push_batch(self, results: Sequence[CallResult]) -> Sequence[Receipt | Rejected]:
        batch = self._config.push.batch if self._config.push else None
        if batch is None or len(results) < 2:
            return [await self._pushed(result) for result in results]
        tables = self._config.tables
        calls = [fill(batch.item, _values_of(result), tables) for result in results]
        answer = await self._send(batch, {"calls": calls})
        entries = look(batch.results, answer.json()) if batch.results else [{} for _ in results]
        if not isinstance(entries, list) or len(entries) != len(results):
            raise Transient("The CRM's answer has not one entry for each call.")
        for result in results:
            await self._opt_out(result)
        return [_receipt(batch, entry) for entry in entries]

    async def existing(self, external_ids: Sequence[str]) -> frozenset[str] | None:
        spec = self._config.existing
        if spec is None:
            return None
        found: set[str] = set()
        for start in range(0, len(external_ids), spec.max):
            ids = external_ids[start : start + spec.max]
            answer = await self._send(spec, {"ids": ids}, self._config.empty)
            if answer.status not in self._config.empty:
                found.update(map(str, look(spec.items, answer.json()) or ()))
        return frozenset(found)

    async def _opt_out(self, result: CallResult) -> None:
        spec = self._config.push.opt_out if self._config.push else None
        if spec is not None and result.do_not_call:
            await self._send(spec, _values_of(result))

    async def check(self) -> Health:
        page = await self.fetch(Cursor(None, None), min(N_SAMPLE, self.page_size))
        n = len(page.leads)
        return Health(ok=True, detail=f"{n} records read.", sample=page.leads[:N_SAMPLE])

    async def close(self) -> None:
        await self._http.close()

    # -- requests

    async def _list(self, cursor: Cursor, limit: int) -> Answer:
        paging = self._config.list.paging
        if cursor.page and paging.kind in ("next_url", "link_header"):
            url = self._http.url_of(cursor.page)
            return await self._checked("GET", url, {}, self._config.empty)
        page: Any = cursor.page if cursor.page is not None else paging.first
        if paging.kind in ("page", "offset"):
            first = 1 if paging.kind == "page" else 0
            page = int(page) if page is not None else first
        values = {"since": cursor.since, "limit": limit, "page": page}
        return await self._send(self._config.list, values, self._config.empty)

    async def _send(
        self, request: Request, values: Mapping[str, Any], fine: Sequence[int] = ()
    ) -> Answer:
        tables = self._config.tables
        url = self._http.url_of(str(fill(request.path, values, tables)))
        options: dict[str, Any] = {
            "params": fill(request.params, values, tables),
            "headers": fill(request.headers, values, tables),
        }
        if request.body is not None:
            options["json"] = fill(request.body, values, tables)
        return await self._checked(request.method, url, options, fine)

    async def _checked(
        self, method: str, url: httpx2.URL, options: Mapping[str, Any], fine: Sequence[int]
    ) -> Answer:
        """An answer that is no error. A token that has ended is renewed once."""
        answer = await self._ask(method, url, options)
        if answer.status == 401 and self._credentials.can_renew:
            self._credentials.forget()
            answer = await self._ask(method, url, options)
        if answer.status in fine:
            return answer
        problem = self._problem(answer)
        if problem is not None:
            raise problem
        return answer

    async def _ask(self, method: str, url: httpx2.URL, options: Mapping[str, Any]) -> Answer:
        headers = {**options.get("headers", {}), **await self._credentials.headers()}
        params = {**options.get("params", {}), **self._credentials.params()}
        merged = url.copy_merge_params(params) if params else url
        body = {"json": options["json"]} if "json" in options else {}
        return await self._http.send(method, merged, headers=headers, **body)

    def _problem(self, answer: Answer) -> CrmError | None:
        for rule in self._config.throttle:
            if _fits(rule, answer):
                return _error_by(rule, answer)
        return error_of(answer)

    # -- paging

    def _next(
        self, cursor: Cursor, limit: int, records: Sequence[Any], answer: Answer, body: object
    ) -> str | None:
        paging = self._config.list.paging
        match paging.kind:
            case "cursor" | "next_url":
                found = look(paging.next or "", body)
                return str(found) if found not in (None, "", False) else None
            case "link_header":
                link = _LINK_NEXT.search(answer.headers.get("link", ""))
                return link.group(1) if link else None
        if len(records) < limit or paging.kind == "none" or _is_older(paging, records, cursor):
            return None
        match paging.kind:
            case "id_after":
                return str(look(self._config.map.external_id, records[-1]))
            case "page":
                return str(int(cursor.page or paging.first or 1) + 1)
        return str(int(cursor.page or paging.first or 0) + len(records))


def _values_of(result: CallResult) -> Mapping[str, Any]:
    names = [field.name for field in fields_of(CallResult)]
    return {f"call.{name}": getattr(result, name) for name in [*names, "title"]}


def _receipt(spec: PushSpec | PushBatch, entry: object) -> Receipt | Rejected:
    """Of what the CRM answered for one call."""
    failure = look(spec.failed, entry) if spec.failed else None
    if failure:
        return Rejected(f"The CRM refused the record: {failure}")
    return Receipt(str(look(spec.id, entry) or "") if spec.id else "")


def _is_older(paging: Paging, records: Sequence[Any], cursor: Cursor) -> bool:
    """The page reaches back behind what was asked for."""
    if paging.older is None or cursor.since is None:
        return False
    try:
        at = datetime.fromisoformat(str(look(paging.older, records[-1])))
    except ValueError:
        raise Rejected(f"There is no time at {paging.older}.") from None
    return (at if at.tzinfo else at.replace(tzinfo=UTC)) < cursor.since


def _fits(rule: Throttle, answer: Answer) -> bool:
    if rule.status != answer.status:
        return False
    if rule.path is None:
        return True
    try:
        found = look(rule.path, answer.json())
    except (Transient, Rejected):
        return False
    return bool(found) if rule.equals is None else found == rule.equals


def _error_by(rule: Throttle, answer: Answer) -> CrmError:
    message = f"The CRM answered {answer.status} ({rule.equals or rule.error})."
    if rule.error != "rate_limited":
        return _ERRORS[rule.error](message)
    if rule.retry_after_s is not None:
        return RateLimited(message, rule.retry_after_s)
    return RateLimited(message, retry_after_s(answer, rule.retry_after_header or "retry-after"))
