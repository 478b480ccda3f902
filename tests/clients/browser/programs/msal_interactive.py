"""msal alone, with an application of one's own: interactive, then silent, then as the account's sign-out leaves it."""

import os

import msal

SCOPE = ["https://vault.azure.net/.default"]
authority = f"{os.environ['AZURE_AUTHORITY_HOST']}/{os.environ['AZURE_TENANT_ID']}"
app = msal.PublicClientApplication(os.environ["PUBLIC_CLIENT_ID"], authority=authority)
answer = app.acquire_token_interactive(SCOPE, prompt="login", login_hint=os.environ["UPN"], timeout=60)
print(answer.get("error") or answer["id_token_claims"]["preferred_username"], flush=True)
(account,) = app.get_accounts()
print(app.acquire_token_silent(SCOPE, account)["token_source"], flush=True)
input()
answer = app.acquire_token_silent_with_error(SCOPE, account, force_refresh=True)
print(answer["error"])
