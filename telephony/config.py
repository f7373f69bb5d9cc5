"""How to reach one Asterisk, and how long to wait for it."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class AmiConfig:
    """One AMI connection. The secret is never shown, not even by repr."""

    host: str
    username: str
    secret: str = field(repr=False)
    port: int = 5038
    connect_timeout_s: float = 5.0
    #: An AMI login by a user without `read = system` never hears FullyBooted; nor do we wait.
    boot_timeout_s: float = 30.0
    #: An action that cannot be handed to the network within this was not sent.
    write_timeout_s: float = 1.0
    action_timeout_s: float = 5.0
    list_timeout_s: float = 20.0
    #: Two pings in a row without an answer end the connection: at most twice the sum of these.
    ping_every_s: float = 2.0
    ping_timeout_s: float = 3.0
    backoff_s: float = 0.2
    backoff_max_s: float = 4.0
    #: After a refused login: the secret will not become right by trying.
    backoff_refused_s: float = 15.0
    #: Events that may wait for the consumer: some seconds of a very busy Asterisk.
    inbox_bound: int = 50_000
    #: A failed originate waits this long, once to twice, for the end of its channel; then we ask.
    doubt_turn_s: float = 1.0
