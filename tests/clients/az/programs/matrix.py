"""Whose token each way of signing in gives, with a command line that forgets between them, and how long that takes.

The client is `az` (the argument). The ways to sign in are told as "CLIENT KIND". A person is asked on standard output:
where to go, and the code to enter.
"""

from __future__ import annotations

import base64
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

AZ = sys.argv[1]


def arguments(kind: str) -> list[str]:
    variables = os.environ
    match kind:
        case "managed identity":
            return ["--identity"]
        case "client ID":
            return ["--identity", "--client-id", variables["CLIENT_ID"]]
        case "cloud shell":
            return ["--identity"]
        case "device code":
            return ["--use-device-code", "--tenant", variables["AZURE_TENANT_ID"]]
    if kind == "workload identity":
        proof = ["--federated-token", Path(variables["AZURE_FEDERATED_TOKEN_FILE"]).read_text()]
    elif "AZURE_CLIENT_SECRET" in variables:
        proof = ["--password", variables["AZURE_CLIENT_SECRET"]]
    else:
        proof = ["--certificate", variables["AZURE_CLIENT_CERTIFICATE_PATH"]]
    who = ["--username", variables["AZURE_CLIENT_ID"], "--tenant", variables["AZURE_TENANT_ID"]]
    return ["--service-principal", *who, *proof]


def run(environ: dict[str, str], *words: str) -> str:
    pipe = subprocess.PIPE
    command, nothing = (AZ, *words), subprocess.DEVNULL
    with subprocess.Popen(command, env=environ, stdin=nothing, stdout=pipe, stderr=pipe, text=True) as process:
        assert process.stderr
        complaints = ""
        for line in process.stderr:
            complaints += line
            if asked := re.search(r"(https://\S+) .*enter the code ([A-Z0-9-]+)", line):
                print(*asked.groups(), flush=True)
        assert process.stdout
        text = process.stdout.read()
    if process.returncode:
        raise RuntimeError(complaints)
    return text


def signed_in(kind: str) -> str:
    with tempfile.TemporaryDirectory(prefix="az") as folder:
        environ = {**os.environ, "AZURE_CONFIG_DIR": folder, "AZURE_CORE_COLLECT_TELEMETRY": "no"}
        run(environ, "login", *arguments(kind), "--allow-no-subscriptions", "--output", "none")
        said = run(environ, "account", "get-access-token", "--resource", "https://vault.azure.net", "--output", "json")
    claims = json.loads(said)["accessToken"].split(".")[1]
    return str(json.loads(base64.urlsafe_b64decode(claims + "=="))["oid"])


found = {}
for way in json.loads(os.environ["WAYS"]):
    before = time.monotonic()
    try:
        got = signed_in(way.partition(" ")[2])
    except Exception as error:
        got = f"{type(error).__name__}: {error}"
    found[way] = [got, time.monotonic() - before]
print(json.dumps(found))
