"""Reads docker-compose.yml and the Dockerfile the way Docker does, as far as tests need it."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from tests.support.commands import ROOT

VARIABLE = re.compile(r"\$(?:\$|\{(?P<name>\w+)(?::(?P<how>[-?])(?P<text>[^}]*))?\})")


class UnsetError(Exception):
    """A variable that must be set is not; Docker refuses to start."""


@dataclass(frozen=True, slots=True)
class Instruction:
    """One line of a Dockerfile."""

    name: str
    arguments: str


def compose() -> dict[str, Any]:
    """The file as it is written, before variables are filled in."""
    loaded: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
    return loaded


def interpolate(text: str, environ: Mapping[str, str]) -> str:
    """Fill in ${NAME:?message}, ${NAME:-default} and $$."""

    def value(match: re.Match[str]) -> str:
        if match[0] == "$$":
            return "$"
        given = environ.get(match["name"], "")
        if not given and match["how"] == "?":
            raise UnsetError(match["text"])
        return given or match["text"] or ""

    return VARIABLE.sub(value, text)


def environment_of(service: Mapping[str, Any], environ: Mapping[str, str]) -> dict[str, str]:
    return {name: interpolate(str(value), environ) for name, value in service["environment"].items()}


def dockerfile() -> list[Instruction]:
    text = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    whole = re.sub(r"\\\n\s*", " ", "\n".join(lines))
    found = [line.partition(" ") for line in whole.splitlines() if line.strip()]
    return [Instruction(name, arguments.strip()) for name, _, arguments in found]


def image_environment() -> dict[str, str]:
    """The ENV of the last stage."""
    instructions = dockerfile()
    last = max(index for index, each in enumerate(instructions) if each.name == "FROM")
    pairs = [
        pair for each in instructions[last:] if each.name == "ENV" for pair in shlex.split(each.arguments)
    ]
    return dict(pair.split("=", 1) for pair in pairs)
