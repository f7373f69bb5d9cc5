"""What connections to CRMs read from the environment: `DIALER_*`, also from `.env`."""

from __future__ import annotations

from typing import Annotated

from pydantic import SecretStr, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from crm.files import Files
from crm.outbound import Outbound


class CrmSettings(BaseSettings):
    model_config = SettingsConfigDict(
        env_prefix="DIALER_", env_file=".env", extra="ignore", populate_by_name=True
    )

    #: Encrypts secrets at rest; several, separated by commas: the first encrypts, all decrypt.
    secret_key: SecretStr | None = None
    #: Host names and networks that are reached although they are private.
    outbound_allow: Annotated[tuple[str, ...], NoDecode] = ()
    #: Folders in which connections may read files, databases and sockets.
    files_allow: Annotated[tuple[str, ...], NoDecode] = ()

    @field_validator("outbound_allow", "files_allow", mode="before")
    @classmethod
    def _comma_list(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(filter(None, (name.strip() for name in value.split(","))))
        return value

    @property
    def files(self) -> Files:
        return Files(self.files_allow)

    @property
    def outbound(self) -> Outbound:
        return Outbound(self.outbound_allow)

    @property
    def secret_keys(self) -> tuple[str, ...]:
        text = self.secret_key.get_secret_value() if self.secret_key else ""
        return tuple(filter(None, (key.strip() for key in text.split(","))))
