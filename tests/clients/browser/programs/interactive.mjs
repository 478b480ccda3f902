// @azure/identity's InteractiveBrowserCredential: a person signs in in the browser, then the program reads a secret.
import { InteractiveBrowserCredential } from "@azure/identity";
import { SecretClient } from "@azure/keyvault-secrets";

const credential = new InteractiveBrowserCredential({
  tenantId: process.env.AZURE_TENANT_ID,
  redirectUri: process.env.REDIRECT_URI,
});
const client = new SecretClient(process.env.VAULT_URL, credential);
console.log((await client.getSecret("greeting")).value);
console.log((await credential.authenticate("https://storage.azure.com/.default")).username);
process.exit(0);
