"""Lua scripts as files: `lua/<verb>.lua`, with `--- @include "name"` for shared snippets."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from functools import cache
from importlib.resources import files

from engine.store.link import Argument, Command

_INCLUDE = re.compile(r'^--- @include "(\w+)"$', re.MULTILINE)
_LUA = files(__package__).joinpath("lua")


@cache
def text_of(verb: str) -> str:
    """The script with its snippets, each included once, where it is first asked for."""
    return _expand(_LUA.joinpath(f"{verb}.lua").read_text(encoding="utf-8"), set())


@cache
def sha_of(verb: str) -> str:
    return hashlib.sha1(text_of(verb).encode(), usedforsecurity=False).hexdigest()


@cache
def all_scripts() -> dict[str, str]:
    """Every script's text by its digest."""
    names = (entry.name for entry in _LUA.iterdir())
    verbs = [name.removesuffix(".lua") for name in names if name.endswith(".lua")]
    return {sha_of(verb): text_of(verb) for verb in verbs}


def invoke(verb: str, keys: Sequence[str], *arguments: Argument) -> Command:
    """The command that runs a script by its digest."""
    return ("EVALSHA", sha_of(verb), len(keys), *keys, *arguments)


def _expand(text: str, seen: set[str]) -> str:
    def snippet(match: re.Match[str]) -> str:
        name = match.group(1)
        if name in seen:
            return ""
        seen.add(name)
        return _expand(_LUA.joinpath("include", f"{name}.lua").read_text(encoding="utf-8"), seen)

    return _INCLUDE.sub(snippet, text)
