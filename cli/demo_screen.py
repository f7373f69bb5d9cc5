"""What a person sees of the demo: a live picture on a terminal, plain lines in a pipe."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from datetime import datetime
from types import TracebackType
from typing import Self

from rich.console import Console, Group
from rich.live import Live
from rich.markup import escape
from rich.table import Table

from cli.demo_summary import Picture, Summary
from cli.demo_truth import Check

LINE_EVERY_S = 5.0
PIPE_WIDTH = 100
#: The engine publishes its first figures within a second of Play.
FIRST_FIGURES_S = 2.0
WHY = {
    "no_agents": "no agents logged in",
    "agents_busy": "all agents busy",
    "waiting_for_redial": "redials not due yet",
    "trunk_resting": "the trunk refused too often and rests",
    "calling_hours": "outside calling hours",
    "no_contacts": "nobody left to call",
    "no_engine": "no engine runs",
    "asterisk_unreachable": "Asterisk cannot be reached",
    "recovering": "reading back what Asterisk does",
    "unknown_trunk": "Asterisk does not know the trunk",
    "no_free_queue": "no free queue",
}


class Screen:
    """Lines, and between them a picture that renews itself where the output is a terminal."""

    def __init__(self, *, to_stderr: bool) -> None:
        self._console = Console(stderr=to_stderr, highlight=False)
        if not self._console.is_terminal:
            self._console.width = PIPE_WIDTH
        self._exit = ExitStack()
        self._live: Live | None = None
        self._line_at = -LINE_EVERY_S

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.freeze()

    def say(self, text: str) -> None:
        self._console.print(escape(text), soft_wrap=True)

    def tick(self, text: str) -> None:
        """Said again and again while something takes long; shown now and then."""
        if self._console.is_terminal:
            self._draw(escape(text))
        elif self._is_due():
            self.say(text)

    def show(self, picture: Picture) -> None:
        if self._console.is_terminal:
            self._draw(_tables(picture))
        elif self._is_due():
            self.say(line_of(picture))

    def freeze(self) -> None:
        """The picture stays as it is; what follows comes below."""
        self._exit.close()
        self._live = None

    def summarise(self, summary: Summary) -> None:
        if self._live is None:
            self._console.print(_campaign_table(summary.picture))
        self.freeze()
        self._console.print(_outcome_table(summary), "", _check_table(summary.checks))
        self.say(connect_line(summary))

    def _draw(self, what: Group | str) -> None:
        if self._live is None:
            live = Live(console=self._console, auto_refresh=False)
            self._live = self._exit.enter_context(live)
        self._live.update(what, refresh=True)

    def _is_due(self) -> bool:
        now = time.monotonic()
        if now - self._line_at < LINE_EVERY_S:
            return False
        self._line_at = now
        return True


def line_of(picture: Picture) -> str:
    """One moment on one line."""
    stats = picture.stats
    parts = [
        f"{picture.elapsed_s:5.1f} s",
        f"{stats['progress']:5.1f} %",
        _status(picture),
        f"attempts {stats['attempts']}",
        f"calls: {_in_words(stats['calls'])}",
        f"agents: {_in_words(stats['agents'])}",
        f"outcomes: {_in_words(stats['outcomes'])}",
    ]
    return " | ".join(parts)


def connect_line(summary: Summary) -> str:
    if summary.p50_ms is None:
        return "No call was bridged."
    return (
        f"Answer to both in the bridge, {summary.n_bridged} calls, Asterisk's own instants: "
        f"median {summary.p50_ms:g} ms, p99 {summary.p99_ms:g} ms, longest {summary.max_ms:g} ms."
    )


def _in_words(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{n} {name}" for name, n in counts.items() if n) or "none"


def _status(picture: Picture) -> str:
    """Active, or `Active – waiting: no agents logged in`."""
    status = str(picture.stats["status"]).capitalize()
    if picture.elapsed_s < FIRST_FIGURES_S:
        return status
    reasons = [WHY.get(reason, reason) for reason in picture.stats["idle_reasons"]]
    return f"{status} – waiting: {', '.join(reasons)}" if reasons else status


def _tables(picture: Picture) -> Group:
    stats = picture.stats
    side_by_side = Table.grid(padding=(0, 4))
    side_by_side.add_row(
        _counts("Calls now", stats["calls"]),
        _counts("Agents", stats["agents"]),
        _counts("Outcomes", stats["outcomes"]),
    )
    return Group(
        _campaign_table(picture),
        side_by_side,
        f"{stats['attempts']} attempts, {picture.elapsed_s:.0f} s since Play",
    )


def _campaign_table(picture: Picture) -> Table:
    table = Table(expand=False)
    for name in ("Created on", "ID", "Name", "Contacts", "Agents", "Progress", "Status"):
        table.add_column(name)
    campaign = picture.campaign
    created_at = datetime.fromisoformat(campaign["created_at"]).astimezone()
    table.add_row(
        f"{created_at:%Y-%m-%d %H:%M:%S}",
        str(campaign["id"]),
        escape(campaign["name"]),
        "∞" if campaign["contacts"] is None else str(campaign["contacts"]),
        str(campaign["agents"]),
        f"{picture.stats['progress']:.1f} %",
        _status(picture),
    )
    return table


def _counts(title: str, counts: Mapping[str, int]) -> Table:
    table = Table(title, "", box=None, min_width=20)
    for name, n in counts.items():
        table.add_row(name.replace("_", " "), str(n))
    return table


def _outcome_table(summary: Summary) -> Table:
    table = Table("Outcome", title="Attempts, and what the carrier saw", title_justify="left")
    for name in ("Attempts in Redis", "Calls at the carrier", "Answered there"):
        table.add_column(name, justify="right")
    for row in summary.rows:
        counts = (row.n_attempts, row.n_calls, row.n_answered)
        table.add_row(row.outcome.replace("_", " "), *map(str, counts))
    table.add_section()
    totals = zip(*((r.n_attempts, r.n_calls, r.n_answered) for r in summary.rows), strict=True)
    table.add_row("all", *(str(sum(column)) for column in totals))
    return table


def _check_table(checks: Sequence[Check]) -> Table:
    table = Table(title="Against the carrier's own call records", title_justify="left")
    table.add_column("Check")
    table.add_column("Looked at", justify="right")
    table.add_column("Result")
    for check in checks:
        result = "ok" if check.holds else f"WRONG: {', '.join(check.wrong[:5])}"
        table.add_row(check.title, str(check.n), result)
    return table
