"""postroom worker MODULE:AGENT: run an agent."""

from __future__ import annotations

import argparse
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

from postroom.agent import Agent
from postroom.errors import ConfigurationError

BAD_USAGE = 2
POOLS = ("prefork", "threads", "solo")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("agent", metavar="MODULE:AGENT", help="such as shop.agents:extract")
    parser.add_argument(
        "-c", "--concurrency", type=int, default=0, help="messages at once (the CPUs' number)"
    )
    parser.add_argument("-P", "--pool", choices=POOLS, default="prefork", help="what they run in")
    parser.add_argument("--instance", default="", help="this copy's name (agent, host and process id)")
    parser.add_argument("--broker-url", default="", help="instead of POSTROOM_BROKER_URL")
    parser.add_argument("--log-level", default="INFO", help="DEBUG, INFO, WARNING, ERROR")


def run(options: argparse.Namespace) -> int:
    try:
        agent = find(options.agent)
        if options.broker_url:
            agent.use_broker(options.broker_url)
        return agent.run(
            concurrency=options.concurrency,
            pool=options.pool,
            instance=options.instance,
            log_level=options.log_level,
        )
    except ConfigurationError as problem:
        print(f"postroom worker: {problem}", file=sys.stderr)
        return BAD_USAGE


def find(name: str) -> Agent:
    """MODULE:AGENT, from where the command is called; a class is made an agent of without arguments."""
    module, _, attribute = name.partition(":")
    if str(Path.cwd()) not in sys.path:
        sys.path.insert(0, str(Path.cwd()))
    try:
        found: Any = getattr(import_module(module), attribute or "agent")
    except ModuleNotFoundError as problem:
        raise ConfigurationError(f"{name}: there is no module {problem.name}.") from problem
    except AttributeError as problem:
        raise ConfigurationError(f"{name}: {problem}.") from problem
    agent = found() if isinstance(found, type) else found
    if not isinstance(agent, Agent):
        raise ConfigurationError(f"{name} is a {type(agent).__name__}, not an Agent.")
    return agent
