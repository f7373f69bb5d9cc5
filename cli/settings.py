"""What the processes read from the environment: `DIALER_*`, also from `.env.local`."""

from __future__ import annotations

import os
import socket
from pathlib import Path
from typing import Annotated

from pydantic import AliasChoices, Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from telephony.config import AmiConfig


class Settings(BaseSettings):
    model_config = SettingsConfigDict(
        env_prefix="DIALER_", env_file=(".env", ".env.local"), extra="ignore", populate_by_name=True
    )

    #: Not given: `dialer up` and `dialer demo` start a server of their own in `data_dir`.
    redis_url: str | None = Field(
        None, validation_alias=AliasChoices("DIALER_REDIS_URL", "REDIS_URL")
    )
    rq_redis_url: str | None = Field(
        None, validation_alias=AliasChoices("DIALER_RQ_REDIS_URL", "RQ_REDIS_URL")
    )
    data_dir: Path = Path("var")
    host: str = "127.0.0.1"
    port: int = Field(8080, ge=0, le=65_535)
    admin_token: SecretStr | None = None

    ami_host: str = "127.0.0.1"
    ami_port: int = Field(5038, ge=1, le=65_535)
    ami_username: str = "dialer"
    ami_secret: SecretStr = SecretStr("")
    #: Name of the Asterisk node in attempts and logs.
    node: str = "pbx"
    #: Queues that campaigns without one of their own may use, separated by commas.
    queues: Annotated[tuple[str, ...], NoDecode] = tuple(f"dialer-{n}" for n in range(1, 21))
    #: Recordings are written here; Asterisk plays them from `sounds_path` (default: the same).
    #: Empty: `dialer sounds sync` on Asterisk's machine writes them there.
    sounds_dir: str | None = None
    sounds_path: str | None = None
    lease_s: float = Field(3.0, ge=0.5, le=60)
    log_level: str = "info"

    @field_validator("queues", mode="before")
    @classmethod
    def _comma_list(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(filter(None, (name.strip() for name in value.split(","))))
        return value

    @property
    def sound_folder(self) -> Path | None:
        """Where this process writes recordings; None: another one does."""
        if self.sounds_dir is None:
            return self.data_dir.absolute() / "sounds"
        return Path(self.sounds_dir).absolute() if self.sounds_dir else None

    @property
    def sounds_in_asterisk(self) -> str:
        """The folder's name there. Raises ValueError where nobody told it."""
        if self.sounds_path:
            return self.sounds_path
        if self.sound_folder is None:
            raise ValueError("DIALER_SOUNDS_PATH is needed where DIALER_SOUNDS_DIR is empty")
        return str(self.sound_folder)

    @property
    def ami(self) -> AmiConfig:
        return AmiConfig(
            host=self.ami_host,
            port=self.ami_port,
            username=self.ami_username,
            secret=self.ami_secret.get_secret_value(),
        )

    @property
    def owner(self) -> str:
        """Names this process among the engines."""
        return f"{socket.gethostname()}-{os.getpid()}"
