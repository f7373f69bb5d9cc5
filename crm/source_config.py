"""What the configuration of every kind of connection has."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from crm.cursor import DEFAULT_OVERLAP_S

SecretName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,40}$")]


class Group(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class HookSpec(Group):
    """How what comes in at /hooks/<connector> is signed.

    standard: Standard Webhooks (webhook-id, webhook-timestamp, webhook-signature). body: an HMAC
    with SHA-256 of the body alone, in a header of the CRM's own.
    """

    signature: Literal["standard", "body"] = "standard"
    header: str = Field("X-Signature", pattern=r"^[A-Za-z0-9-]{1,64}$")
    prefix: str = Field("", max_length=40)
    encoding: Literal["hex", "base64"] = "hex"
    secret: SecretName = "hook"  # noqa: S105  # the name under which it is kept


class SourceConfig(Group):
    """`hook`: the CRM may ask for an early poll, signed."""

    hook: HookSpec | None = None
    overlap_s: float = Field(DEFAULT_OVERLAP_S, ge=5, le=3600)
    rate_per_s: float = Field(5.0, gt=0, le=1000)

    @property
    def address(self) -> str:
        """The URL that every request goes to; empty where there is none."""
        return ""

    @property
    def own_secrets(self) -> frozenset[str]:
        return frozenset()

    @property
    def secrets(self) -> frozenset[str]:
        """Names of the secrets that the connection uses."""
        return self.own_secrets | ({self.hook.secret} if self.hook else frozenset())
