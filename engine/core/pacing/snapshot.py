"""What a pacing rule is told: the campaign at one instant, and what happened since the last one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from engine.core.pacing.classes import Known

#: How many there are, by full seconds of age.
Ages = Mapping[int, int]


class Kind(StrEnum):
    """What a rule may learn from."""

    PERSON = "person"  # a call came to where a person needs an agent
    NO_PERSON = "no_person"  # a call ended, or was found to be a machine
    JUDGED_PERSON = "judged_person"  # machine detection let a call through
    JUDGED_MACHINE = "judged_machine"  # ... or did not, or the call ended under it
    TALK = "talk"  # a conversation ended
    WRAP_UP = "wrap_up"  # an agent is available again
    LEFT = "left"  # an available agent paused, logged out or was taken by something else
    LEFT_AFTER = "left_after"  # an agent ended a call and did not become available


@dataclass(frozen=True, slots=True)
class Seen:
    """Something that took `seconds`: for calls since they were placed, for a judgement since the
    answer. Of `LEFT` nothing but the fact counts."""

    kind: Kind
    seconds: float = 0.0
    #: Of a call, where it is known.
    of: Known = None


@dataclass(frozen=True, slots=True)
class Tally:
    """People who answered, and of these those who were abandoned, in a period with a limit.

    `ends_in_s` and `contacts_left` say what is still to come in it, where that is known: it
    bounds how many answers the rest of the period will bring. Without either nothing is counted
    on, and the limit holds at every instant.
    """

    answered: int
    abandoned: int
    ends_in_s: float | None = None
    contacts_left: int | None = None
    #: Which period it is, for those who ask why nothing more is dialled.
    name: str = "so_far"


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """What the pacing rule sees of one campaign at one instant.

    The first group is what every rule needs. The rest is what `Predictive` learns and foretells
    from; without it that rule dials like `Progressive`.
    """

    #: Agents who could take a call now.
    idle: int
    #: Answered people who wait for an agent.
    held: int
    #: Calls placed and not answered yet, claimed ones included.
    ringing: int
    #: Answered calls that are being judged by answering machine detection.
    amd: int
    #: Totals of the campaign so far: answered by a person, and of these abandoned.
    answered: int
    abandoned: int
    #: Calls that trunk channels and calls per second still allow.
    room: int

    #: Seconds on a clock that only goes forward.
    now_s: float = 0.0
    #: Of `ringing` since placed, of `amd` since answered, of agents since talk or wrap-up began.
    ringing_ages: Ages = field(default_factory=dict)
    #: The same as `ringing_ages` by class; empty where calls are not told apart.
    ringing_classes: Mapping[Known, Ages] = field(default_factory=dict)
    #: Calls that left since the last decision.
    placed: Sequence[Known] = ()
    #: Of the day, by the clock that calls' classes tell; None: unknown.
    hour: int | None = None
    amd_ages: Ages = field(default_factory=dict)
    talk_ages: Ages = field(default_factory=dict)
    wrap_up_ages: Ages = field(default_factory=dict)
    #: Part of the agents in talk and wrap-up that will be this campaign's when they are free.
    release_share: float = 1.0
    #: What agents need to pick up, which goes off the time that an answered person may wait.
    pick_up_s: float = 0.0
    #: Of the campaign's own totals, as in `Tally`.
    ends_in_s: float | None = None
    contacts_left: int | None = None
    #: Other periods with the same limit: a block of 30 days, the last 30 days.
    also: Sequence[Tally] = ()
    #: The limit is that of a group of campaigns: `also` has its periods, and this campaign's own
    #: totals have no limit of their own.
    is_shared: bool = False
    #: People whom calls in flight of other campaigns in the group may cause to be abandoned.
    at_risk_elsewhere: float = 0.0
    seen: Sequence[Seen] = ()

    @property
    def in_flight(self) -> int:
        """Calls that need an agent now or may need one."""
        return self.ringing + self.amd + self.held

    @property
    def tallies(self) -> tuple[Tally, ...]:
        """All periods in which the limit must hold."""
        if self.is_shared:
            return tuple(self.also)
        own = Tally(self.answered, self.abandoned, self.ends_in_s, self.contacts_left)
        return (own, *self.also)


class Pacing(Protocol):
    def decide(self, snapshot: Snapshot) -> int:
        """Calls to place now, 0 or more, never more than `snapshot.room`."""
        ...
