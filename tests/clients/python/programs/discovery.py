"""What MSAL asks before it asks for a token: of the clouds' own authority, and of the one in the environment.

Prints the token endpoint that each found, and the error code with which it refused a credential that is none.
"""

import logging
import os
from typing import Any

import msal
from azure.core.exceptions import ClientAuthenticationError
from azure.identity import ClientSecretCredential

TENANT = os.environ["AZURE_TENANT_ID"]
CLIENT_ID = "00000000-0000-4000-8000-000000000000"
SCOPE = "https://vault.azure.net/.default"

logging.disable()  # the refusals are what is asked for
for authority in ("https://login.microsoftonline.com", os.environ["AZURE_AUTHORITY_HOST"]):
    app: Any = msal.ConfidentialClientApplication(CLIENT_ID, "no secret", authority=f"{authority}/{TENANT}")
    refused = app.acquire_token_for_client([SCOPE])
    print(app.authority.token_endpoint, refused["error"])
    credential = ClientSecretCredential(TENANT, CLIENT_ID, "no secret", authority=authority)
    try:
        credential.get_token(SCOPE)
    except ClientAuthenticationError as error:
        assert refused["error_description"].split(":")[0] in error.message, error.message
