"""Reads a secret and a blob over and over until standard input ends. Every read has to work; prints each round.

One pair of clients keeps its token, as applications do; a new credential in each round asks for its own.
"""

import os
import sys
import threading
import time

from azure.identity import ManagedIdentityCredential
from azure.keyvault.secrets import SecretClient
from azure.storage.blob import BlobClient

client_id = os.environ["AZURE_CLIENT_ID"]
kept = ManagedIdentityCredential(client_id=client_id)
secrets = SecretClient(os.environ["VAULT_URL"], kept)
blob = BlobClient(os.environ["ACCOUNT_URL"], "box", "hello.txt", credential=kept)
ended = threading.Event()


def wait_for_the_end() -> None:
    sys.stdin.read()
    ended.set()


threading.Thread(target=wait_for_the_end, daemon=True).start()
rounds = 0
while not ended.is_set():
    assert secrets.get_secret("greeting").value == "hello"
    assert blob.download_blob().readall() == b"world"
    with ManagedIdentityCredential(client_id=client_id) as fresh:
        assert fresh.get_token("https://vault.azure.net/.default").token
    rounds += 1
    print(rounds, flush=True)
    time.sleep(0.1)
print("ended", flush=True)
