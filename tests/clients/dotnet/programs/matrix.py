"""Whose token each credential gets without being told more than the environment says, and how long that takes.

The client is a program that has the libraries in it (azmcp: the argument). It shows no token; it reads a secret. There
is one for each principal, which nobody else may read, and whose value is the principal's object ID.

The ways to ask are told as "CLIENT KIND", and by them the secrets to read.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time

VAULT = os.environ["VAULT_URL"].removeprefix("https://").partition(".")[0]
CREDENTIALS = {
    "managed identity": "ManagedIdentityCredential",
    "client ID": "ManagedIdentityCredential",
    "workload identity": "WorkloadIdentityCredential",
    "environment": "EnvironmentCredential",
    "device code": "DeviceCodeCredential",
}


def read(kind: str, secret: str) -> str:
    environ = dict(os.environ)
    if kind in CREDENTIALS:  # else it is left to choose
        environ["AZURE_TOKEN_CREDENTIALS"] = CREDENTIALS[kind]
    if kind == "client ID":
        environ["AZURE_CLIENT_ID"] = environ["CLIENT_ID"]
    if kind == "device code":
        environ["DBUS_SESSION_BUS_ADDRESS"] = "disabled:"  # a machine with no keyring of a desktop
    arguments = ("keyvault", "secret", "get", "--vault", VAULT, "--secret", secret)
    command = (sys.argv[1], *arguments)
    ran = subprocess.run(command, env=environ, capture_output=True, text=True, check=False)
    text, complaints = ran.stdout, ran.stderr
    # what it logs is before the answer
    answer = json.loads(re.findall(r"^\{\n.*?^\}$", text, re.DOTALL | re.MULTILINE)[-1])
    if answer["status"] != 200:
        return f"{answer['message']}\n{text}\n{complaints}"
    return str(answer["results"]["secret"]["value"])


found = {}
secrets = json.loads(os.environ["SECRETS"])
for way in json.loads(os.environ["WAYS"]):
    before = time.monotonic()
    try:
        got = read(way.partition(" ")[2], secrets.get(way, "none"))
    except Exception as error:
        got = f"{type(error).__name__}: {error}"
    found[way] = [got, time.monotonic() - before]
print(json.dumps(found))
