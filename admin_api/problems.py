"""Every error as a problem document (RFC 9457), with a code that programs can rely on."""

from __future__ import annotations

import json
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.responses import Response

from crm.contact_in import field_errors
from engine.core import errors as core

MEDIA_TYPE = "application/problem+json"
RETRY_AFTER_S = 2
log = structlog.get_logger(__name__)


class FieldProblem(BaseModel):
    field: str = Field(description="dotted path, such as settings.dialing.trunk")
    message: str


class Problem(BaseModel):
    """RFC 9457. `code` never changes; `title` and `detail` are for people."""

    type: str = "about:blank"
    title: str
    status: int
    code: str
    detail: str
    errors: list[FieldProblem] = []


class ApiError(core.DialerError):
    """A refusal that only HTTP knows."""

    def __init__(self, status: int, code: str, message: str, **headers: str) -> None:
        super().__init__(message)
        self.status, self.slug = status, code
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}


class Forbidden(core.DialerError):
    """This token's role does not allow it."""

    code = "forbidden"


#: Status by class of error; the nearest class in the tree decides.
STATUS: dict[type[core.DialerError], int] = {
    core.Invalid: 422,
    core.NotFound: 404,
    core.Conflict: 409,
    core.Fenced: 409,
    core.StoreUnavailable: 503,
    core.TelephonyError: 502,
    core.LinkDown: 503,
    Forbidden: 403,
    core.DialerError: 500,
}
_CODES = {
    400: "bad_request", 401: "unauthorized", 403: "forbidden", 404: "not_found",
    405: "method_not_allowed", 413: "too_large", 415: "unsupported_media_type",
    422: "validation_error", 429: "too_many_requests",
}  # fmt: skip


def problem_response(
    status: int,
    code: str,
    detail: str,
    errors: Sequence[core.FieldError] = (),
    headers: dict[str, str] | None = None,
) -> Response:
    """ASCII only, because a field's name may hold what UTF-8 cannot carry (a lone surrogate)."""
    body = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "code": code,
        "detail": detail,
        "errors": [{"field": e.field, "message": e.message} for e in errors],
    }
    return Response(json.dumps(body), status, headers, MEDIA_TYPE)


def response_of(error: core.DialerError) -> Response:
    """The answer to an error of ours."""
    if isinstance(error, ApiError):
        return problem_response(
            error.status, error.slug, error.message, error.errors, error.headers
        )
    status = next(STATUS[cls] for cls in type(error).__mro__ if cls in STATUS)
    headers = {"Retry-After": str(RETRY_AFTER_S)} if error.retriable else None
    if status >= 500:
        log.warning("request_failed", code=error.code, detail=error.message)
    return problem_response(status, error.code, error.message, error.errors, headers)


def install(app: FastAPI) -> None:
    """Answer every error of this application with a problem document."""
    app.add_exception_handler(core.DialerError, _on_dialer_error)
    app.add_exception_handler(RequestValidationError, _on_validation_error)
    app.add_exception_handler(HTTPException, _on_http_exception)
    app.add_exception_handler(RecursionError, _on_deep_nesting)
    app.add_exception_handler(Exception, _on_unforeseen)


async def _on_dialer_error(_request: Request, error: Exception) -> Response:
    assert isinstance(error, core.DialerError)
    return response_of(error)


async def _on_validation_error(_request: Request, error: Exception) -> Response:
    """FastAPI names the place first (body, query, …), which is not part of the field's path."""
    assert isinstance(error, RequestValidationError)
    found = [{**e, "loc": tuple(e["loc"])[1:]} for e in error.errors()]
    if any(e["type"] == "json_invalid" for e in found):
        return problem_response(422, "validation_error", "The body is not valid JSON.")
    return problem_response(
        422, "validation_error", "The request is not valid.", field_errors(found)
    )


async def _on_http_exception(_request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if error.status_code == 400 and isinstance(error.__cause__, ValueError):
        # FastAPI's answer to bytes that are no text at all; a text that is not JSON is a 422.
        return problem_response(422, "validation_error", "The body is not valid JSON.")
    code = _CODES.get(error.status_code, "error")
    headers = dict(error.headers or {})
    return problem_response(error.status_code, code, str(error.detail), headers=headers)


async def _on_deep_nesting(_request: Request, _error: Exception) -> Response:
    """Only what a request brings is nested without a bound."""
    return problem_response(422, "validation_error", "The body is nested too deeply.")


async def _on_unforeseen(request: Request, error: Exception) -> Response:
    log.error("request_crashed", path=request.url.path, error=type(error).__name__)
    return problem_response(500, "internal_error", "Something went wrong here; it was logged.")


def responses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """OpenAPI's list of the problems that a route may answer with, the common ones included."""
    listed = sorted({401, 403, 422, 429, 500, 503, *statuses})
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {
        status: {"description": HTTPStatus(status).phrase, "content": content} for status in listed
    }
