"""Failed originates of which nobody knows yet whether there ever was a channel.

Asterisk answers for an unknown trunk just as for a busy callee, with the channel id that we gave;
only that no Hangup follows. Pure bookkeeping over turns: what nothing was heard of for a whole
turn is worth a question to Asterisk.
"""

from __future__ import annotations


class Doubts:
    def __init__(self) -> None:
        self._young: set[str] = set()
        self._old: set[str] = set()
        # The Hangup may come before the answer to the originate, so ends are kept as long.
        self._ended: set[str] = set()
        self._ended_before: set[str] = set()

    def failed(self, attempt_id: str) -> None:
        if attempt_id not in self._ended and attempt_id not in self._ended_before:
            self._young.add(attempt_id)

    def heard(self, attempt_id: str) -> None:
        """Its channel ended, so there was one."""
        self._ended.add(attempt_id)
        self._young.discard(attempt_id)
        self._old.discard(attempt_id)

    def turn(self) -> list[str]:
        """Those in doubt since before the last turn; they are forgotten by this."""
        ripe = list(self._old)
        self._old, self._young = self._young, set()
        self._ended_before, self._ended = self._ended, set()
        return ripe
