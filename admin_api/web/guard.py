"""Who may see and change a page, and how refusals look there."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from http import HTTPStatus
from typing import Annotated, Any
from urllib.parse import urlencode, urlsplit

from fastapi import Depends
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from admin_api.problems import Forbidden, response_of
from admin_api.sessions import CSRF_HEADER, SAFE_METHODS, check_csrf, session_of
from admin_api.web.render import is_htmx, render
from engine.core.errors import DialerError, NotFound
from engine.store import Session

SIGN_IN = "/sign-in"
#: What an agent's own page is; other roles start at the campaigns.
DESK = "/desk"
HOME = "/campaigns"
#: Of one form; the agents of a campaign are one each.
MAX_FIELDS = 5000


class SignInNeeded(Exception):
    """Nobody is signed in, or not any more."""


class PageRoute(APIRoute):
    """A route whose errors are pages, or for htmx a notice beside what was clicked."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        inner = super().get_route_handler()

        async def handle(request: Request) -> Response:
            try:
                return await inner(request)
            except SignInNeeded:
                return _to_sign_in(request)
            except DialerError as error:
                return _refused(request, error)
            except RequestValidationError:
                return _refused(request, NotFound("There is no such page."))

        return handle


def _to_sign_in(request: Request) -> Response:
    """With the way back, which is never an address of another site."""
    if is_htmx(request):
        here = urlsplit(request.headers.get("hx-current-url", ""))
        back = here.path + (f"?{here.query}" if here.query else "")
        return Response(status_code=401, headers={"HX-Redirect": _sign_in_url(back)})
    back = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    return RedirectResponse(_sign_in_url(back if request.method == "GET" else HOME), 303)


def _sign_in_url(back: str) -> str:
    return f"{SIGN_IN}?{urlencode({'next': back})}"


def _refused(request: Request, error: DialerError) -> Response:
    status = response_of(error).status_code
    session = getattr(request.state, "session", None)
    if is_htmx(request):
        answer = render(request, "notice.html", status=status, session=session, error=error)
        answer.headers["HX-Retarget"] = "#notice"
        answer.headers["HX-Reswap"] = "innerHTML"
        return answer
    title = HTTPStatus(status).phrase
    return render(request, "refused.html", status=status, session=session, error=error, title=title)


async def _signed_in(request: Request) -> Session:
    session = await session_of(request)
    if session is None:
        raise SignInNeeded
    request.state.session = session
    if request.method not in SAFE_METHODS:
        check_csrf(await _sent_csrf(request), session)
    return session


async def _sent_csrf(request: Request) -> str:
    in_header = request.headers.get(CSRF_HEADER)
    if in_header is not None:
        return in_header
    # Parsed once, here: what the route reads afterwards is the same form.
    sent = (await request.form(max_fields=MAX_FIELDS)).get("csrf", "")
    return sent if isinstance(sent, str) else ""


def require_same_origin(request: Request) -> None:
    """For the one form that comes before a session. Raises Forbidden."""
    origin = request.headers.get("origin")
    if origin not in (None, "null") and urlsplit(origin).netloc != request.headers.get("host"):
        raise Forbidden("The request came from another site.")
    if request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        raise Forbidden("The request came from another site.")


SignedIn = Annotated[Session, Depends(_signed_in)]


def _allow(*roles: str) -> Callable[[Session], Session]:
    def check(session: SignedIn) -> Session:
        if session.user.role not in roles:
            raise Forbidden("Your role does not allow this.")
        return session

    return check


async def sent_fields(request: Request) -> list[tuple[str, str]]:
    """Of the form, in order; files are left out."""
    form = await request.form(max_fields=MAX_FIELDS)
    return [(name, value) for name, value in form.multi_items() if isinstance(value, str)]


AdminSession = Annotated[Session, Depends(_allow("admin"))]
SupervisorSession = Annotated[Session, Depends(_allow("admin", "supervisor"))]
