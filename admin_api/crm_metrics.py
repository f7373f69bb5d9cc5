"""Figures about connections, webhooks and jobs, looked up when monitoring asks."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Gauge, generate_latest

from admin_api.context import Context
from admin_api.routes.jobs import ask
from crm import failed_jobs
from engine.core.campaign import Campaign
from engine.core.errors import NotFound, StoreUnavailable

_SOURCE = ("connector", "campaign")


class _Figures:
    """One registry for each answer: what is gone must not be told any more."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()

    def gauge(self, name: str, text: str, *labels: str) -> Gauge:
        return Gauge(f"dialer_{name}", text, labels, registry=self.registry)


async def crm_metrics(ctx: Context) -> bytes:
    """Empty where the store does not answer: /readyz tells of that."""
    figures = _Figures()
    try:
        await _sources(ctx, figures)
        await _webhooks(ctx, figures)
        failed = figures.gauge("failed_jobs", "Jobs that failed unexpectedly, last day", "queue")
        for queue, n in (await ask(ctx, failed_jobs.n_failed)).items():
            failed.labels(queue).set(n)
    except StoreUnavailable:
        return b""
    return generate_latest(figures.registry)


async def _sources(ctx: Context, figures: _Figures) -> None:
    failures = figures.gauge("poll_failures", "Polls that failed in a row", *_SOURCE)
    last_ok = figures.gauge("poll_last_ok_seconds", "When a poll last ended well, Unix", *_SOURCE)
    leads = figures.gauge("poll_leads", "Leads since the campaign began", *_SOURCE, "what")
    pushes = figures.gauge("push_attempts", "Attempts by what the CRM was told", *_SOURCE, "what")
    for campaign in await _open_campaigns(ctx):
        of = (campaign.settings.list.connector_id or "", str(campaign.id))
        pull = await ctx.store.polls.status(campaign.id)
        if pull is not None:
            failures.labels(*of).set(pull.n_failures)
            last_ok.labels(*of).set(pull.last_ok_at.timestamp() if pull.last_ok_at else 0)
            for what, n in pull.counts.items():
                leads.labels(*of, what).set(n)
        push = await ctx.store.outbox.status(campaign.id)
        told = {"waiting": push.n_waiting, "pushed": push.n_pushed, "dead": push.n_dead}
        for what, n in told.items():
            pushes.labels(*of, what).set(n)


async def _webhooks(ctx: Context, figures: _Figures) -> None:
    deliveries = figures.gauge("webhook_deliveries", "Deliveries by state", "webhook", "status")
    for webhook in await ctx.store.webhooks.list():
        tally = await ctx.store.webhooks.tally(webhook.id)
        deliveries.labels(webhook.id, "waiting").set(tally.n_waiting)
        deliveries.labels(webhook.id, "delivered").set(tally.n_delivered)
        deliveries.labels(webhook.id, "failed").set(tally.n_failed)


async def _open_campaigns(ctx: Context) -> list[Campaign]:
    """That read from a connection."""
    found = []
    for campaign_id in await ctx.store.campaigns.open_ids():
        try:
            campaign = await ctx.store.campaigns.get(campaign_id)
        except NotFound:
            continue
        if campaign.settings.list.connector_id:
            found.append(campaign)
    return found
