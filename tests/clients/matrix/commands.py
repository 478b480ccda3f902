"""The program of each client, made once: it prints whose token each way of asking gives, and after how many seconds."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from tests.clients.place import Command, Ran, python
from tests.clients.tools import az_program, azmcp_program, go_program, java_command, needed, npm_packages

CLIENTS = Path(__file__).parents[1]

#: Whose token, or what was said instead; and after how many seconds.
Answers = dict[str, tuple[str, float]]


def command(program: str) -> Command:
    """How to start it; the test is skipped where the machine lacks what it needs."""
    match program:
        case "python":
            return python("matrix.py")
        case "javascript" | "msal-node":
            npm_packages(CLIENTS / "javascript")
            return [needed("node", "Node.js 20 or newer"), CLIENTS / "javascript" / "programs" / "matrix.mjs"]
        case "go":
            return [go_program(CLIENTS / "go"), "matrix"]
        case "java":
            return java_command(CLIENTS / "java", "matrix")
        case "dotnet":
            return [sys.executable, CLIENTS / "dotnet" / "programs" / "matrix.py", azmcp_program(CLIENTS / "dotnet")]
        case "az":
            return [sys.executable, CLIENTS / "az" / "programs" / "matrix.py", az_program(CLIENTS / "az")]
    raise LookupError(program)


def answers(ran: Ran) -> Answers:
    """What a program found."""
    assert ran.returncode == 0, ran.stdout[-2000:] + ran.stderr[-6000:]
    return parsed(ran.stdout.splitlines()[-1])


def parsed(text: str) -> Answers:
    """Java has its seconds beside the answers, and as text."""
    said = json.loads(text)
    timed = (f"{way}, seconds" in said for way in said)
    if any(timed):
        return {way: (said[way], float(said[f"{way}, seconds"])) for way in said if not way.endswith(", seconds")}
    return {way: (str(got), float(seconds)) for way, (got, seconds) in said.items()}
