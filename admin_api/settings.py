"""What the API process reads from its environment: `DIALER_*` and `.env`."""

from __future__ import annotations

from typing import Annotated

from pydantic import AliasChoices, Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict


class ApiSettings(BaseSettings):
    """Redis addresses may also be given as plain REDIS_URL and RQ_REDIS_URL."""

    model_config = SettingsConfigDict(
        env_prefix="DIALER_", env_file=(".env", ".env.local"), extra="ignore", populate_by_name=True
    )

    host: str = "127.0.0.1"
    port: int = Field(8080, ge=0, le=65_535)
    redis_url: str = Field(
        "redis://127.0.0.1:6379/0",
        validation_alias=AliasChoices("DIALER_REDIS_URL", "REDIS_URL"),
    )
    #: RQ's worker does not run on Redis Cluster, so it may have its own server.
    rq_redis_url: str | None = Field(
        None, validation_alias=AliasChoices("DIALER_RQ_REDIS_URL", "RQ_REDIS_URL")
    )
    admin_token: SecretStr | None = None
    #: Trunks that campaigns may name, separated by commas; not given: any.
    trunks: Annotated[tuple[str, ...] | None, NoDecode] = None
    #: Uploads are staged in Redis: their size is bounded.
    max_upload_bytes: int = Field(512 * 1024 * 1024, ge=1)

    #: Requests that each token (and each person who is signed in) may send to the API: so many a
    #: second in the long run, 0 for any number, and so many at once.
    token_rate_per_s: float = Field(300, ge=0)
    token_burst: int = Field(3000, ge=1)

    #: A page that nobody has open for so long asks for the password again.
    session_idle_s: int = Field(2 * 3600, ge=1)

    @field_validator("trunks", mode="before")
    @classmethod
    def _comma_list(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        return tuple(filter(None, (name.strip() for name in value.split(",")))) or None

    @property
    def jobs_url(self) -> str:
        return self.rq_redis_url or self.redis_url
