"""`dialer doctor`: what the settings alone tell. Pure."""

from __future__ import annotations

import ipaddress

from cli.doctor_findings import Finding, failed, ok, warning
from cli.settings import Settings

#: Shorter ones can be guessed over HTTP; `openssl rand -hex 16` has 32.
MIN_TOKEN_LENGTH = 20
MIN_DISTINCT = 8
#: Secrets that stand in files which everybody has.
PUBLISHED = frozenset({"CHANGE-ME", "demo-ami-secret"})
RANDOM = "take a random one, for example of `openssl rand -hex 16`"


def judge_settings(settings: Settings) -> list[Finding]:
    return [_admin_token(settings), _ami_secret(settings), _ami_way(settings)]


def _admin_token(settings: Settings) -> Finding:
    name = "Admin token"
    if settings.admin_token is None:
        return ok(name, "DIALER_ADMIN_TOKEN is not set; `dialer token create` makes tokens")
    token = settings.admin_token.get_secret_value()
    if is_strong(token):
        return ok(name, "DIALER_ADMIN_TOKEN is long enough")
    text = "DIALER_ADMIN_TOKEN can be guessed"
    fix = f"{RANDOM}, or set none and use `dialer token create --role admin`"
    return warning(name, text, fix) if is_loopback(settings.host) else failed(name, text, fix)


def is_strong(secret: str) -> bool:
    """Long, varied, and in no file of ours."""
    is_varied = len(secret) >= MIN_TOKEN_LENGTH and len(set(secret)) >= MIN_DISTINCT
    return is_varied and secret not in PUBLISHED


def _ami_secret(settings: Settings) -> Finding:
    name, secret = "AMI secret", settings.ami_secret.get_secret_value()
    if not secret:
        fix = "set it to the secret of the user in manager.conf (dialer_manager.conf)"
        return failed(name, "DIALER_AMI_SECRET is not set", fix)
    if secret in PUBLISHED:
        fix = f"{RANDOM}, in dialer_manager.conf and in DIALER_AMI_SECRET"
        return warning(name, "the AMI secret is the one of our example files", fix)
    return ok(name, "DIALER_AMI_SECRET is set")


def _ami_way(settings: Settings) -> Finding:
    name = "AMI connection"
    if is_loopback(settings.ami_host):
        return ok(name, "stays on this machine")
    text = f"goes to {settings.ami_host} in the clear: AMI has no encryption of its own here"
    return warning(name, text, "use it in a private network only, or through a tunnel (ssh, VPN)")


def is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
