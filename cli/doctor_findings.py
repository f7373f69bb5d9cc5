"""What `dialer doctor` found: one line each, and what to do about it. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum


class Level(StrEnum):
    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Finding:
    """`fix` says what to do; empty where all is well."""

    name: str
    level: Level
    text: str
    fix: str = ""


def ok(name: str, text: str) -> Finding:
    return Finding(name, Level.OK, text)


def warning(name: str, text: str, fix: str) -> Finding:
    return Finding(name, Level.WARNING, text, fix)


def failed(name: str, text: str, fix: str) -> Finding:
    return Finding(name, Level.FAILED, text, fix)


def is_fit(findings: Sequence[Finding]) -> bool:
    """True when nothing failed; warnings do not count."""
    return all(finding.level is not Level.FAILED for finding in findings)


def lines(findings: Sequence[Finding]) -> list[str]:
    """For a person: `ok       Redis: …`, and under it the fix where there is one."""
    found = []
    for each in findings:
        found.append(f"{each.level.value:<8} {each.name}: {each.text}")
        if each.fix:
            found.append(f"{'':<8} → {each.fix}")
    return found


def summary(findings: Sequence[Finding]) -> str:
    n = {level: sum(each.level is level for each in findings) for level in Level}
    return ", ".join(f"{level.value}: {count}" for level, count in n.items())


def document(findings: Sequence[Finding]) -> dict[str, object]:
    """For a program."""
    return {"ok": is_fit(findings), "findings": [asdict(each) for each in findings]}
