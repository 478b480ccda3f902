"""azure-identity's InteractiveBrowserCredential: a person signs in in the browser, then the program reads a secret."""

import os

from azure.identity import InteractiveBrowserCredential
from azure.keyvault.secrets import SecretClient

with InteractiveBrowserCredential(tenant_id=os.environ["AZURE_TENANT_ID"], timeout=60) as credential:
    client = SecretClient(os.environ["VAULT_URL"], credential)
    print(client.get_secret("greeting").value)
    print(credential.authenticate(scopes=["https://storage.azure.com/.default"]).username)
