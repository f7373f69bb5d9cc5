"""What follows an ended attempt: another dial at an instant, or nothing more."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from engine.core.outcome import Outcome
from engine.core.settings import DispositionRule, RedialRule, RedialSettings


@dataclass(frozen=True, slots=True)
class RedialAt:
    """Dial this contact again, never before `at`."""

    at: datetime
    is_callback: bool = False


@dataclass(frozen=True, slots=True)
class Done:
    """No dial is possible any more."""

    reason: str


Next = RedialAt | Done


@dataclass(frozen=True, slots=True)
class History:
    """The contact's ended attempts, the one that is being judged included."""

    n_attempts: int
    n_trunk_faults: int
    #: By outcome; trunk faults are among the failed ones.
    outcomes: Mapping[Outcome, int]


def decide(
    outcome: Outcome,
    history: History,
    rules: RedialSettings,
    ended_at: datetime,
    *,
    trunk_fault: bool = False,
    opted_out: bool = False,
) -> Next:
    """The next step after `outcome`; a pure rule over the campaign's redial settings.

    A fault of our own trunk is tried again after the delay of `failed`, bounded by
    `max_trunk_faults` and not by `max_attempts`.
    """
    if opted_out:
        return Done("opted_out")
    if outcome is Outcome.ANSWERED:
        return Done("answered")
    # Before the fault: a cap lowered meanwhile may be reached although this dial did not count.
    if history.n_attempts >= rules.max_attempts:
        return Done("max_attempts")
    if trunk_fault:
        return _after_trunk_fault(history, rules, ended_at)
    rule = rules.rules.get(outcome)
    if rule is None or _n_counted(history, outcome) > rule.max:
        return Done(f"no_redial_after_{outcome}")
    return RedialAt(ended_at + timedelta(seconds=rule.delay_s))


def after_disposition(
    rule: DispositionRule | None, history: History, rules: RedialSettings, now: datetime
) -> Next:
    """What an agent's disposition of a bridged call asks for; without one the contact is done."""
    if rule is None:
        return Done("answered")
    if rule.action == "dnc":
        return Done("do_not_call")
    if rule.action in ("redial", "callback") and history.n_attempts < rules.max_attempts:
        at = now + timedelta(seconds=rule.delay_s)
        return RedialAt(at, is_callback=rule.action == "callback")
    return Done("disposition")


def _n_counted(history: History, outcome: Outcome) -> int:
    n_faults = history.n_trunk_faults if outcome is Outcome.FAILED else 0
    return history.outcomes.get(outcome, 0) - n_faults


def _after_trunk_fault(history: History, rules: RedialSettings, ended_at: datetime) -> Next:
    if history.n_trunk_faults > rules.max_trunk_faults:
        return Done("trunk_faults")
    delay_s = rules.rules.get(Outcome.FAILED, RedialRule()).delay_s
    return RedialAt(ended_at + timedelta(seconds=delay_s))
