"""How often people answer by attempt and calling list, as `dialer simulate` is told it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import typer

MOST_ATTEMPTS, MOST_LISTS = 20, 50


@dataclass(frozen=True, slots=True)
class Rates:
    """Of first, second … attempts; of each list (rate of first attempts, weight). Empty: one."""

    of_attempts: tuple[float, ...] = ()
    of_lists: tuple[tuple[float, float], ...] = ()

    def of_scenario(self) -> Mapping[str, object]:
        """Fields of a scenario. A list that is answered twice as often at first is so later."""
        if not self.of_attempts and not self.of_lists:
            return {}
        first = self.of_attempts[0] if self.of_attempts else 1.0
        usual = self._mean() if self.of_lists else first
        return {
            "answer_rate": usual,
            "attempt_rates": tuple(rate * usual / first for rate in self.of_attempts),
            "mixed_lists": tuple((rate / usual, weight) for rate, weight in self.of_lists),
        }

    def document(self) -> Mapping[str, object]:
        return {
            "attempt_answer_rates": list(self.of_attempts) or None,
            "lists": [{"answer_rate": r, "weight": w} for r, w in self.of_lists] or None,
        }

    def _mean(self) -> float:
        return sum(r * w for r, w in self.of_lists) / sum(w for _, w in self.of_lists)


ONE_RATE = Rates()


def rates_of(attempts: str | None, lists: str | None) -> Rates:
    """From `0.4,0.2` and `0.4:1,0.1:2`. Raises BadParameter."""
    return Rates(
        () if attempts is None else _attempts(attempts),
        () if lists is None else _lists(lists),
    )


def _attempts(text: str) -> tuple[float, ...]:
    hint = "'--attempt-answer-rates'"
    rates = tuple(_rate(each, hint) for each in text.split(","))
    if len(rates) > MOST_ATTEMPTS:
        raise typer.BadParameter(f"at most {MOST_ATTEMPTS} attempts", param_hint=hint)
    if not rates[0]:
        raise typer.BadParameter("somebody must answer first attempts", param_hint=hint)
    return rates


def _lists(text: str) -> tuple[tuple[float, float], ...]:
    hint = "'--lists'"
    found = tuple(_list(each, hint) for each in text.split(","))
    if len(found) > MOST_LISTS:
        raise typer.BadParameter(f"at most {MOST_LISTS} lists", param_hint=hint)
    if not any(rate for rate, _ in found):
        raise typer.BadParameter("somebody must answer in one of the lists", param_hint=hint)
    return found


def _list(text: str, hint: str) -> tuple[float, float]:
    """The weight is 1 where none is given."""
    rate, colon, weight = text.partition(":")
    parts = _number(weight, hint) if colon else 1.0
    if not 0 < parts < float("inf"):
        raise typer.BadParameter(f"{text!r}: a weight is above 0", param_hint=hint)
    return _rate(rate, hint), parts


def _rate(text: str, hint: str) -> float:
    rate = _number(text, hint)
    if not 0 <= rate <= 1:
        raise typer.BadParameter(f"{text!r} is not between 0 and 1", param_hint=hint)
    return rate


def _number(text: str, hint: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise typer.BadParameter(f"{text!r} is not a number", param_hint=hint) from None
