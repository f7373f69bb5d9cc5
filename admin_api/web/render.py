"""Templates, and what every page has: who is signed in, where we are, the viewer's time zone."""

from __future__ import annotations

import functools
import zoneinfo
from datetime import datetime, tzinfo
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from jinja2 import Environment, FileSystemLoader, StrictUndefined, pass_context
from jinja2.runtime import Context as TemplateContext
from starlette.requests import Request
from starlette.responses import HTMLResponse

from admin_api.web import words
from engine.store import Session

HERE = Path(__file__).parent
STATIC = HERE / "static"
#: Set by the page's script, so that the server writes instants in the viewer's own time.
ZONE_COOKIE = "dialer_zone"


@functools.cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )
    environment.globals.update(words=words, say=words.say, at=_at, at_path=_at_path)
    environment.filters["number"] = _number
    return environment


def render(
    request: Request, template: str, *, status: int = 200, session: Session | None, **values: Any
) -> HTMLResponse:
    """A page. Nothing of it may be kept by browsers or proxies on the way."""
    text = (
        _environment()
        .get_template(template)
        .render(
            session=session,
            role=session.user.role if session else "",
            csrf=session.csrf if session else "",
            path=request.url.path,
            zone=_zone(request),
            url_with=functools.partial(_url_with, request),
            **values,
        )
    )
    return HTMLResponse(text, status, {"Cache-Control": "no-store"})


def is_htmx(request: Request) -> bool:
    return request.headers.get("hx-request") == "true"


def _zone(request: Request) -> tzinfo:
    name = request.cookies.get(ZONE_COOKIE, "UTC")
    try:
        return zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        return zoneinfo.ZoneInfo("UTC")


@pass_context
def _at(context: TemplateContext, instant: datetime | None) -> str:
    """`2026-11-23 17:45:12` in the viewer's time zone."""
    if instant is None:
        return "–"
    return f"{instant.astimezone(context['zone']):%Y-%m-%d %H:%M:%S}"


def _url_with(request: Request, **changes: object) -> str:
    """This page with other query parameters; None or empty leaves one out."""
    query = dict(request.query_params) | changes
    kept = [(name, value) for name, value in query.items() if value not in (None, "")]
    return request.url.path + ("?" + urlencode(kept) if kept else "")


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:,}"


def _at_path(values: Any, path: str) -> Any:
    """The value at a dotted path of nested dicts and lists; None where there is none."""
    for part in path.split("."):
        if isinstance(values, dict):
            values = values.get(part)
        elif isinstance(values, list) and part.isdecimal() and int(part) < len(values):
            values = values[int(part)]
        else:
            return None
    return values
