from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from engine.core.pacing import Agentless, Snapshot, pacing_of
from engine.core.settings import PacingSettings

counts = st.integers(0, 500)


@given(counts, counts, st.integers(-5, 500))
def test_only_channels_and_calls_per_second_bound_it(idle: int, ringing: int, room: int) -> None:
    snapshot = Snapshot(
        idle=idle, held=0, ringing=ringing, amd=0, answered=0, abandoned=0, room=room
    )
    assert Agentless().decide(snapshot) == max(0, room)


def test_the_mode_has_its_rule() -> None:
    assert isinstance(pacing_of(PacingSettings(mode="agentless")), Agentless)
