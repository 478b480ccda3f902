"""How long credentials take to a first token, and for one that they hold. Started by `keyless run`; prints JSON.

A first token is timed from the start of a fresh interpreter, less what an interpreter takes that does nothing.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import time

ROUNDS = 5
CREDENTIALS = {
    "keyless": "from keyless import ManagedIdentityCredential as C\nc = C()",
    "azure-identity": "from azure.identity import DefaultAzureCredential as C\nc = C()",
}
GET = "c.get_token('https://vault.azure.net/.default')"
CACHED = f"""
import timeit
{GET}
print(min(timeit.repeat(lambda: {GET}, number=2000, repeat=5)) / 2000 * 1e6)
"""


def _seconds(program: str) -> float:
    times = []
    for _ in range(ROUNDS):
        started = time.perf_counter()
        subprocess.run([sys.executable, "-c", program], check=True)
        times.append(time.perf_counter() - started)
    return statistics.median(times)


def _cached(credential: str) -> float:
    done = subprocess.run([sys.executable, "-c", credential + CACHED], check=True, capture_output=True, text=True)
    return float(done.stdout)


if __name__ == "__main__":
    empty = _seconds("pass")
    first = {name: (_seconds(f"{code}\n{GET}") - empty) * 1e3 for name, code in CREDENTIALS.items()}
    cached = {name: _cached(code) for name, code in CREDENTIALS.items()}
    print(json.dumps({"interpreter": empty * 1e3, "first": first, "cached": cached}))
