"""Write the configuration of pbx, carrier and phones from the templates in asterisk-config/."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from cli.asterisk_install import AsteriskBinary, AsteriskError, config_source

ROLES = ("pbx", "carrier", "phones")
FIRST_EXTENSION = 1001
FOLDERS = ("etc", "var", "spool", "log", "cache", "log/cdr-custom", "spool/monitor")
# What each role is made of, later folders over earlier ones.
SOURCES = {
    "pbx": ("common", "demo", "pbx"),
    "carrier": ("common", "carrier"),
    "phones": ("common", "phones"),
}


@dataclass(frozen=True, slots=True)
class Node:
    """Where one instance (or the carrier's refuser) listens for SIP."""

    address: str
    sip_port: int


@dataclass(frozen=True, slots=True)
class Layout:
    """Addresses, secrets and size of one rig; all that its configuration depends on."""

    pbx: Node
    carrier: Node
    phones: Node
    refuser: Node
    ami_port: int
    ami_secret: str
    phone_secret: str
    n_phones: int

    @property
    def extensions(self) -> list[str]:
        """The phones' extensions: 1001 and up."""
        return [str(FIRST_EXTENSION + index) for index in range(self.n_phones)]


def placeholders(
    layout: Layout, binary: AsteriskBinary, role: str, folder: Path, run: Path
) -> dict[str, str]:
    """Values of the @NAME@ marks in the templates."""
    values = {
        "ROLE": role,
        "INSTANCE_DIR": str(folder),
        "ETC_DIR": str(folder / "etc"),
        "RUN_DIR": str(run),
        "MODULES_DIR": str(binary.modules_dir),
        "DATA_DIR": str(binary.data_dir),
        "AMI_PORT": str(layout.ami_port),
        "PHONE_SECRET": layout.phone_secret,
    }
    for name in (*ROLES, "refuser"):
        node: Node = getattr(layout, name)
        values[f"{name.upper()}_ADDRESS"] = node.address
        values[f"{name.upper()}_SIP_PORT"] = str(node.sip_port)
    return values


def render(text: str, values: dict[str, str]) -> str:
    """`text` with every @NAME@ replaced; an unknown name is a KeyError."""
    return re.sub(r"@([A-Z_]+)@", lambda match: values[match.group(1)], text)


def write_instance(
    layout: Layout, binary: AsteriskBinary, role: str, folder: Path, run: Path
) -> None:
    """Make the folders of one instance and write its configuration files."""
    for name in FOLDERS:
        (folder / name).mkdir(parents=True, exist_ok=True)
    run.mkdir(parents=True, exist_ok=True)
    values = placeholders(layout, binary, role, folder, run)
    for name, text in _texts(role, layout, binary).items():
        (folder / "etc" / name).write_text(render(text, values))
    for secret in ("manager.conf", "dialer_manager.conf", "pjsip.conf"):
        if (folder / "etc" / secret).exists():
            (folder / "etc" / secret).chmod(0o600)


def _texts(role: str, layout: Layout, binary: AsteriskBinary) -> dict[str, str]:
    source = config_source()
    files = [path for part in SOURCES[role] for path in sorted((source / part).glob("*.conf"))]
    if not files:
        raise AsteriskError(f"no configuration in {source}: the installation is damaged")
    texts = {path.name: path.read_text() for path in files}
    texts["modules.conf"] = existing_modules(texts["modules.conf"], binary.modules_dir)
    return texts | _generated(role, layout, texts, binary)


def existing_modules(text: str, modules_dir: Path) -> str:
    """modules.conf without the modules that this version lacks, so that the log stays clean."""
    lines = text.splitlines(keepends=True)
    return "".join(line for line in lines if _module_exists(line, modules_dir))


def _module_exists(line: str, modules_dir: Path) -> bool:
    match = re.match(r"load\s*=>\s*(\S+)", line)
    return match is None or (modules_dir / match.group(1)).is_file()


def _generated(
    role: str, layout: Layout, texts: dict[str, str], binary: AsteriskBinary
) -> dict[str, str]:
    match role:
        case "pbx":
            return {
                "phones_pjsip.conf": "".join(map(_phone_section, layout.extensions)),
                "dialer_agents.conf": _agents(texts["dialer_agents.conf"], layout.extensions),
                "dialer_manager.conf": _with_secret(
                    texts["dialer_manager.conf"], layout.ami_secret
                ),
            }
        case "phones":
            sections = "".join(map(_registration_section, layout.extensions))
            return {"registrations_pjsip.conf": _registration_template(binary) + sections}
        case _:
            return {}


def _with_secret(text: str, secret: str) -> str:
    return text.replace("secret = CHANGE-ME", f"secret = {secret}", 1)


def _agents(text: str, extensions: list[str]) -> str:
    template = text[: text.index("[1001]")]
    return template + "".join(
        f"[{ext}](dialer-agent)\nfullname = Agent {ext}\n" for ext in extensions
    )


def _phone_section(ext: str) -> str:
    return (
        f"[{ext}](phone)\naors = {ext}\nauth = {ext}\ncallerid = Agent {ext} <{ext}>\n"
        f"[{ext}](phone-aor)\n[{ext}](phone-auth)\nusername = {ext}\n"
    )


def _registration_template(binary: AsteriskBinary) -> str:
    # Without it each phone waits for a random part of 10 s; an older version refuses the section.
    at_once = "max_random_initial_delay = 0\n" if binary.release >= (18, 13) else ""
    return f"[at-once](!,registration)\n{at_once}"


def _registration_section(ext: str) -> str:
    return (
        f"[reg-{ext}](at-once)\nclient_uri = sip:{ext}@@PBX_ADDRESS@:@PBX_SIP_PORT@\n"
        f"contact_user = {ext}\noutbound_auth = auth-{ext}\n[auth-{ext}](auth)\nusername = {ext}\n"
    )
