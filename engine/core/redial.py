"""What follows an ended attempt: another dial at an instant, or nothing more."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum

from engine.core.outcome import Outcome
from engine.core.settings import DispositionRule, RedialRule, RedialSettings


class Turn(StrEnum):
    """Which phone of the contact the next dial is to."""

    SAME = "same"
    NEXT = "next"  # the one after it; this one comes again after all others
    DROP = "drop"  # the one after it; this one is not in use and never dialled again


@dataclass(frozen=True, slots=True)
class RedialAt:
    """Dial this contact again, never before `at`."""

    at: datetime
    is_callback: bool = False
    turn: Turn = Turn.SAME
    #: The agent who is to make the callback; anyone, when that agent is not there in time.
    agent_id: int | None = None


@dataclass(frozen=True, slots=True)
class Done:
    """No dial is possible any more."""

    reason: str


Next = RedialAt | Done


@dataclass(frozen=True, slots=True)
class History:
    """The contact's ended attempts, the one that is being judged included."""

    #: Those that count towards max_attempts.
    n_attempts: int
    n_trunk_faults: int
    #: By outcome; trunk faults are among the failed ones.
    outcomes: Mapping[Outcome, int]
    #: Phones that the contact has besides the one that was dialled.
    n_other_phones: int = 0
    #: The last dial, where nobody was talked to and no callback was agreed on.
    fruitless_at: datetime | None = None
    #: How often each disposition has had another dial follow, the one being judged left out.
    dispositions: Mapping[str, int] = field(default_factory=dict)

    @property
    def n_dials(self) -> int:
        return sum(self.outcomes.values())


def counts(outcome: Outcome, rules: RedialSettings, *, trunk_fault: bool = False) -> bool:
    """False where the attempt is not held against the contact's max_attempts."""
    rule = rules.rules.get(outcome)
    return not trunk_fault and (rule is None or rule.counts)


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
    `max_trunk_faults` and not by `max_attempts`. A number that is not in use ends that phone, and
    the contact only where it has no other. `hard_cap` bounds everything.
    """
    if opted_out:
        return Done("opted_out")
    if outcome is Outcome.ANSWERED:
        return Done("answered")
    if outcome is Outcome.MESSAGE_PLAYED and outcome not in rules.rules:
        return Done("message_played")
    # Before the fault: a cap lowered meanwhile may be reached although this dial did not count.
    if (capped := reached_cap(history, rules)) is not None:
        return Done(capped)
    if trunk_fault:
        return _after_trunk_fault(history, rules, ended_at)
    if outcome is Outcome.INVALID_NUMBER and history.n_other_phones:
        return RedialAt(ended_at, turn=Turn.DROP)
    rule = rules.rules.get(outcome)
    if rule is not None and _n_counted(history, outcome) <= rule.max:
        turn = Turn.NEXT if rule.phone == "next" and history.n_other_phones else Turn.SAME
        return RedialAt(ended_at + timedelta(seconds=rule.delay_s), turn=turn)
    return Done(f"no_redial_after_{outcome}")


def reached_cap(history: History, rules: RedialSettings) -> str | None:
    """The cap that allows no further dial: `max_attempts` or `hard_cap`."""
    if history.n_attempts >= rules.max_attempts:
        return "max_attempts"
    return "hard_cap" if history.n_dials >= rules.hard_cap else None


def after_disposition(
    rule: DispositionRule | None,
    history: History,
    rules: RedialSettings,
    now: datetime,
    *,
    callback_at: datetime | None = None,
    agent_id: int | None = None,
) -> Next:
    """What an agent's disposition of a bridged call asks for; without one the contact is done.

    `history` leaves out an attempt that by the rule does not count, as `uncounted` makes it.
    `callback_at`: the instant that was agreed on, in place of the rule's delay.
    """
    if rule is not None and rule.action == "dnc":
        return Done("do_not_call")
    action = "callback" if callback_at is not None else rule.action if rule else "done"
    if action == "done" or reached_cap(history, rules) is not None:
        return Done("disposition" if rule else "answered")
    if rule is not None and _is_used_up(rule, history):
        return Done("no_redial_after_disposition")
    turn = Turn.NEXT if rule and rule.phone == "next" and history.n_other_phones else Turn.SAME
    if callback_at is not None:
        return RedialAt(max(callback_at, now), is_callback=True, turn=turn, agent_id=agent_id)
    at = now + timedelta(seconds=rule.delay_s if rule else 0)
    is_callback = action == "callback"
    agent_id = agent_id if is_callback else None
    return RedialAt(at, is_callback=is_callback, turn=turn, agent_id=agent_id)


def uncounted(history: History) -> History:
    """Without holding its last attempt against the contact."""
    return replace(history, n_attempts=history.n_attempts - 1)


def _is_used_up(rule: DispositionRule, history: History) -> bool:
    return rule.max is not None and history.dispositions.get(rule.code, 0) >= rule.max


def moved_to(following: Next, at: datetime) -> Next:
    """The same step, not before `at`."""
    return replace(following, at=at) if isinstance(following, RedialAt) else following


def _n_counted(history: History, outcome: Outcome) -> int:
    n_faults = history.n_trunk_faults if outcome is Outcome.FAILED else 0
    return history.outcomes.get(outcome, 0) - n_faults


def _after_trunk_fault(history: History, rules: RedialSettings, ended_at: datetime) -> Next:
    if history.n_trunk_faults > rules.max_trunk_faults:
        return Done("trunk_faults")
    delay_s = rules.rules.get(Outcome.FAILED, RedialRule()).delay_s
    return RedialAt(ended_at + timedelta(seconds=delay_s))
