"""Good tokens, changed at random: none of them may count.

Seeded, so that a failure can be had again; `KEYLESS_TEST_SEED` and `KEYLESS_TEST_MUTATIONS` change the run.
"""

from __future__ import annotations

import json
import os
import random
import string
from collections.abc import Callable

import pytest

from tests.refusals.forgery import b64, unb64
from tests.refusals.world import World

SEED = int(os.environ.get("KEYLESS_TEST_SEED", "20240607"))
MUTATIONS = int(os.environ.get("KEYLESS_TEST_MUTATIONS", "10000"))
ALPHABET = string.ascii_letters + string.digits + "-_.=+/ %\x00,"

Mutation = Callable[[random.Random, str, str], str]


def _replace(rng: random.Random, token: str, _other: str) -> str:
    at = rng.randrange(len(token))
    return token[:at] + rng.choice(ALPHABET) + token[at + 1 :]


def _insert(rng: random.Random, token: str, _other: str) -> str:
    at = rng.randrange(len(token) + 1)
    return token[:at] + rng.choice(ALPHABET) * rng.choice((1, 2, 3, 50)) + token[at:]


def _leave_out(rng: random.Random, token: str, _other: str) -> str:
    at = rng.randrange(len(token))
    return token[:at] + token[at + rng.choice((1, 2, 3, 40)) :]


def _cut(rng: random.Random, token: str, _other: str) -> str:
    return token[: rng.randrange(len(token))]


def _splice(rng: random.Random, token: str, other: str) -> str:
    """Parts of two good tokens."""
    chosen = [rng.choice(pair) for pair in zip(token.split("."), other.split("."), strict=True)]
    return ".".join(chosen)


def _cross(rng: random.Random, token: str, other: str) -> str:
    at = rng.randrange(1, len(token) - 1)
    return token[:at] + other[at:]


def _shuffle(rng: random.Random, token: str, _other: str) -> str:
    parts = token.split(".")
    rng.shuffle(parts)
    return ".".join(parts)


def _flip(rng: random.Random, token: str, _other: str) -> str:
    """One bit of what a part stands for."""
    parts = token.split(".")
    index = rng.randrange(3)
    data = bytearray(unb64(parts[index]))
    data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
    parts[index] = b64(bytes(data))
    return ".".join(parts)


VALUES: tuple[object, ...] = (
    None,
    True,
    False,
    0,
    1,
    -1,
    2**63,
    1e308,
    "",
    "none",
    "RS256",
    "HS256",
    [],
    {},
    ["RS256"],
    "*",
    "..",
    "\x00",
)


def _json(rng: random.Random, token: str, _other: str) -> str:
    """A member of the header or of the claims changed, added, doubled or left out; the signature as it was."""
    parts = token.split(".")
    index = rng.randrange(2)
    members = list(json.loads(unb64(parts[index])).items())
    if not members:
        return token
    at = rng.randrange(len(members))
    match rng.randrange(4):
        case 0:
            members[at] = (members[at][0], rng.choice(VALUES))
        case 1:
            members.append(
                (rng.choice(("jwk", "jku", "x5c", "crit", "kid", "alg", "roles", "exp", "zip")), rng.choice(VALUES))
            )
        case 2:
            members.insert(at, (members[at][0], rng.choice(VALUES)))
        case _:
            del members[at]
    text = ",".join(f"{json.dumps(name)}:{json.dumps(value)}" for name, value in members)
    parts[index] = b64(f"{{{text}}}".encode())
    return ".".join(parts)


KINDS: tuple[Mutation, ...] = (_replace, _insert, _leave_out, _cut, _splice, _cross, _shuffle, _flip, _json)


@pytest.mark.parametrize("surface", ["vault", "blob", "management", "graph"])
def test_no_mutated_token_counts(world: World, surface: str) -> None:
    rng = random.Random(f"{SEED} {surface}")
    request = world.surfaces[surface].read
    good = world.mighty.token(surface)
    forger = world.forger(surface)
    others = [*forger.tokens.values(), forger.foreign, world.powerless.token(surface)]
    genuine = {good, *others}
    tried = 0
    with world.nothing_changes():
        while tried < MUTATIONS:
            kind = rng.choice(KINDS)
            token = good
            for _ in range(rng.choice((1, 1, 1, 2, 5))):
                token = kind(rng, token, rng.choice(others)) if token.count(".") == 2 else _insert(rng, token, "")
            # blanks around a token are not part of it; a header cannot hold a NUL
            if token.strip() in genuine or "\x00" in token:
                continue
            tried += 1
            answer = world.ask(surface, request, f"Bearer {token}")
            assert answer.status_code == 401, f"{kind.__name__} (seed {SEED}) gave {answer.status_code}: {token}"
    assert world.ask(surface, request, f"Bearer {good}").status_code == request.done
