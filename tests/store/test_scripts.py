"""House rules for scripts."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import engine.store
from engine.store.scripts import text_of

LUA = Path(engine.store.__file__).parent / "lua"
VERBS = sorted(path.stem for path in LUA.glob("*.lua"))


@pytest.mark.parametrize("verb", VERBS)
def test_a_script_says_what_it_does_and_reads_no_clock(verb):
    header = (LUA / f"{verb}.lua").read_text().partition("]]")[0]
    assert header.startswith("--[[\n")
    for word in ("KEYS:", "Returns:"):
        assert word in header
    text = text_of(verb)
    assert "@include" not in text
    assert "'TIME'" not in text and "os.time" not in text
    assert ("ARGV" in text) == ("ARGV:" in header or "ARGV: as of" in header)


@pytest.mark.parametrize("verb", VERBS)
def test_a_script_is_used(verb):
    sources = "".join(path.read_text() for path in LUA.parent.glob("*.py"))
    assert re.search(rf'"{verb}"', sources), f"nobody runs {verb}.lua"
