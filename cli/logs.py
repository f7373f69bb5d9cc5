"""Logs: one line an event, coloured on a terminal, JSON in a pipe; never a whole phone number."""

from __future__ import annotations

import logging
import sys

import structlog


def set_up_logs(level: str) -> None:
    on_terminal = sys.stderr.isatty()
    renderer = (
        structlog.dev.ConsoleRenderer() if on_terminal else structlog.processors.JSONRenderer()
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(_level(level)),
        # Not cached: a program that calls us may put another stderr in place.
        logger_factory=_to_stderr,
    )
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr)
    # panoramisk logs every reconnect as an error of its own; the link says it once, in words.
    logging.getLogger("panoramisk").setLevel(logging.CRITICAL)


def _to_stderr(*_: object) -> structlog.PrintLogger:
    return structlog.PrintLogger(sys.stderr)


def _level(name: str) -> int:
    level = logging.getLevelNamesMapping().get(name.upper())
    if level is None:
        raise ValueError(f"DIALER_LOG_LEVEL: {name} is not one of debug, info, warning, error")
    return level
