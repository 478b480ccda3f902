// @azure/identity's DeviceCodeCredential: prints the code, waits for a person, then reads a secret.
import { DeviceCodeCredential } from "@azure/identity";
import { SecretClient } from "@azure/keyvault-secrets";

const credential = new DeviceCodeCredential({
  tenantId: process.env.AZURE_TENANT_ID,
  userPromptCallback: (info) => console.log(info.verificationUri, info.userCode),
});
const client = new SecretClient(process.env.VAULT_URL, credential);
console.log((await client.getSecret("greeting")).value);
console.log(Boolean((await credential.getToken("https://storage.azure.com/.default", { enableCae: true })).token));
