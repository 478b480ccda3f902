"""azure-identity's DeviceCodeCredential: prints the code, waits for a person, then reads a secret."""

import os
from datetime import datetime

from azure.identity import DeviceCodeCredential
from azure.keyvault.secrets import SecretClient


def show(uri: str, code: str, _expires: datetime) -> None:
    print(uri, code, flush=True)


with DeviceCodeCredential(tenant_id=os.environ["AZURE_TENANT_ID"], prompt_callback=show, timeout=60) as credential:
    client = SecretClient(os.environ["VAULT_URL"], credential)
    print(client.get_secret("greeting").value)
    # another resource: by the refresh token, without a person
    print(bool(credential.get_token("https://storage.azure.com/.default", enable_cae=True).token))
