"""For supervisors and monitoring: no token, and nothing in it that needs one."""

from __future__ import annotations

from fastapi import APIRouter, Request
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.responses import PlainTextResponse, Response

from admin_api.context import Ctx
from admin_api.crm_metrics import crm_metrics

router = APIRouter(tags=["health"], include_in_schema=False)


@router.get("/healthz")
async def healthz() -> PlainTextResponse:
    """The process runs."""
    return PlainTextResponse("ok\n")


@router.get("/readyz")
async def readyz(ctx: Ctx) -> PlainTextResponse:
    """The store answers too; otherwise 503 `store_unavailable`."""
    await ctx.store.run_id()
    return PlainTextResponse("ready\n")


@router.get("/metrics")
async def metrics(request: Request, ctx: Ctx) -> Response:
    own = generate_latest(request.app.state.metrics.registry)
    return Response(own + await crm_metrics(ctx), media_type=CONTENT_TYPE_LATEST)
